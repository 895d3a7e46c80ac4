package access

import (
	"context"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// publicSuffix follows the account's name in the public cloud.
const publicSuffix = "blob.core.windows.net"

// target is one storage entry under test. Its checks carry as target the URL of what the entry names, a container or
// an account; a DependsOn names the check of the same target, or one that has no target.
type target struct {
	test      *test
	pointer   string // of the entry in the spec
	entry     integration.StorageAccess
	account   string
	url       string // of what the entry names
	container string // that is tested: the entry's, or the one that stands for its account
	wanted    integration.Access
	intended  integration.Access // what the spec grants
	random    string             // 128 bits, hexadecimal
	checks    []assessment.Check
	leftovers []assessment.Leftover
	reached   bool // data was reached as the federated identity
}

func (t *Tester) newTarget(r *test, i int, entry integration.StorageAccess, random string) *target {
	o := &target{test: r, pointer: pointer("/storage", i), entry: entry, container: entry.Container, random: random,
		intended: entry.Access}
	if o.intended == "" {
		o.intended = integration.AccessRead
	}
	o.wanted = o.intended
	if r.request.Access != "" {
		o.wanted = r.request.Access
	}
	o.account, o.url = account(entry), t.urlOf(entry)
	return o
}

func account(entry integration.StorageAccess) string {
	return strings.ToLower(path.Base(entry.ResourceID))
}

// urlOf is the URL of the entry's container; that of the account where none is named.
func (t *Tester) urlOf(entry integration.StorageAccess) string {
	suffix := t.BlobEndpointSuffix
	if suffix == "" {
		suffix = publicSuffix
	}
	return "https://" + account(entry) + "." + strings.TrimPrefix(suffix, ".") + "/" + entry.Container
}

// look makes all checks of the entry. failed is the check that made a token impossible, or "".
func (o *target) look(ctx context.Context, cred azcore.TokenCredential, failed string) {
	if !isAccountURL(o.account) {
		o.fault(checkNetwork, "network", diagnosis.CodeStorageNameInvalid)
		o.skipAll(checkNetwork)
		return
	}
	if failed != "" {
		o.knock(ctx)
		o.skipAll(failed)
		return
	}
	if o.container == "" {
		o.chooseContainer(ctx, cred)
	}
	if o.container == "" {
		return
	}
	client, err := azure.BlobContainer(o.containerURL(), cred, o.options())
	if err != nil {
		o.add(o.from(checkNetwork, "network", "", err))
		o.skipAll(checkNetwork)
		return
	}
	p := &probe{target: o, client: client}
	state := p.preflight(ctx)
	if state == unreachable {
		o.skipAll(checkNetwork)
		return
	}
	p.rights(ctx, state)
	o.explainUnseen()
}

// explainUnseen names, for a protection that could not be read, the refusal of the list: one role lets in to both.
func (o *target) explainUnseen() {
	isRefused := slices.ContainsFunc(o.checks, func(c assessment.Check) bool {
		return c.ID == checkList && c.Status == diagnosis.OutcomeFail
	})
	for i, c := range o.checks {
		if isRefused && c.ID == checkProtection && c.Status == diagnosis.OutcomeSkip {
			o.checks[i].DependsOn = checkList
		}
	}
}

// options are the caller's, with a retry budget that fits the test's: at most one retry, after at most a second.
func (o *target) options() azcore.ClientOptions {
	opts := o.test.tester.ClientOptions
	retry := &opts.Retry
	if retry.MaxRetries == 0 || retry.MaxRetries > 1 {
		retry.MaxRetries = 1
	}
	if retry.TryTimeout == 0 || retry.TryTimeout > callBudget/2 {
		retry.TryTimeout = callBudget / 2
	}
	if retry.RetryDelay == 0 || retry.RetryDelay > firstDelay {
		retry.RetryDelay = firstDelay
	}
	if retry.MaxRetryDelay == 0 || retry.MaxRetryDelay > time.Second {
		retry.MaxRetryDelay = time.Second
	}
	return opts
}

// firstDelay is the pause before the one retry.
const firstDelay = 200 * time.Millisecond

// knock asks without a token, where there is none: Storage's challenge shows that the way is free and which tenant the
// account trusts, and a closed firewall shows as well.
func (o *target) knock(ctx context.Context) {
	err := o.anonymous(ctx)
	var answer *azcore.ResponseError
	if errors.As(err, &answer) && policy.Decide(policy.StorageKnock, err).Action == policy.Answers {
		if tenant := classify.StorageTenant(answer); tenant == "" ||
			strings.EqualFold(tenant, o.test.request.Document.Spec.TenantID) {
			err = nil
		}
	}
	o.add(o.from(checkNetwork, "network", "The storage account answers", err))
}

// anonymous asks for the properties of the container, or of the account's blob service where none is named.
func (o *target) anonymous(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	if o.entry.Container == "" {
		client, err := azure.BlobService(o.url, nil, o.options())
		if err == nil {
			_, err = client.GetProperties(ctx, nil)
		}
		return err
	}
	client, err := azure.BlobContainer(o.url, nil, o.options())
	if err == nil {
		_, err = client.GetProperties(ctx, nil)
	}
	return err
}

// skipAll skips the rights, which cannot be told any more.
func (o *target) skipAll(dependsOn string) {
	for _, right := range []struct{ layer, title string }{{"list", titleList}, {"read", titleRead},
		{"write", titleWrite}, {"delete", titleDelete}} {
		check := assessment.Skip("access."+right.layer, right.layer, right.title, dependsOn)
		check.Target = o.url
		o.add(check)
	}
}

func (o *target) add(checks ...assessment.Check) { o.checks = append(o.checks, checks...) }

// fault adds the check that ends with a code of our own.
func (o *target) fault(id, layer string, code diagnosis.Code, opts ...diagnosis.Option) {
	opts = append([]diagnosis.Option{diagnosis.WithContext(o.context(policy.Operation(id)))}, opts...)
	check := assessment.CheckOf(id, layer, diagnosis.New(code, opts...))
	check.Target, check.Field = o.url, o.pointer
	o.add(check)
}

// from is the check that ends with an answer of Storage; a nil error is a pass.
func (o *target) from(id, layer, title string, err error) assessment.Check {
	check := classify.Check(id, layer, title, err, o.context(policy.Operation(id)))
	if o.wanted != o.intended {
		check.Bearing = assessment.Bearing{} // what is in place is for less
	}
	if err != nil && check.Field == "" {
		check.Field = o.pointer
	}
	return check
}

func (o *target) context(operation policy.Operation) diagnosis.Context {
	c := o.test.context(operation)
	c.Account, c.AccountID, c.Container, c.Target = o.account, o.entry.ResourceID, o.container, o.url
	entry := o.entry
	entry.Access = o.wanted
	wanted := assignment.Wanted(o.test.request.Document, entry)
	c.Scope, c.Assignment = wanted.Scope, assignment.Name(wanted)
	c.Role = o.wanted.Role().Name
	c.WasThere = assignment.IsReached(o.test.request.Document)
	return c
}

// containerURL is the URL of the container that is tested.
func (o *target) containerURL() string {
	entry := o.entry
	entry.Container = o.container
	return o.test.tester.urlOf(entry)
}

// blobURL is the blob's URL with readable slashes.
func (o *target) blobURL(name string) string {
	return o.containerURL() + "/" + (&url.URL{Path: name}).EscapedPath()
}

// isAccountURL keeps a document's text from choosing another host than a storage account's.
func isAccountURL(name string) bool {
	isForbidden := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	return len(name) >= 3 && len(name) <= 24 && !strings.ContainsFunc(name, isForbidden)
}
