// Package discovery tells what the internet states about a credential file: whether its tenant exists and in which
// cloud, whether its issuer publishes what Entra needs, and which tenant a storage account trusts. It has no
// credential, and contacts what the file names by the guarded fetcher alone. It claims what can be seen from here, no
// more.
package discovery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
)

// Budget is how long all looks of a request may take together, at however many files. What is not answered by then is
// unknown.
const Budget = 8 * time.Second

// Begin returns the context of a request: its files share the Budget, which runs from now on, and what is fetched for
// one of them is fetched for all. A request that has begun goes on.
func Begin(ctx context.Context) context.Context {
	if _, hasBegun := ctx.Value(endKey{}).(time.Time); hasBegun {
		return ctx
	}
	return fetch.Once(context.WithValue(ctx, endKey{}, time.Now().Add(Budget)))
}

// Left is how much of its Budget a request has left.
func Left(ctx context.Context) time.Duration {
	if end, hasBegun := ctx.Value(endKey{}).(time.Time); hasBegun {
		return time.Until(end)
	}
	return Budget
}

type endKey struct{}

const layer = "discovery"

// Options are what a Service needs.
type Options struct {
	// Linter judges the file itself.
	Linter credential.Linter
	// Fetcher contacts the token service, the issuers and the storage accounts.
	Fetcher *fetch.Fetcher
	// ClientOptions have the cloud; their transport is not used.
	ClientOptions azcore.ClientOptions
	// BlobSuffix is the cloud's domain of blob endpoints.
	BlobSuffix string
	// Origin is where the looks come from.
	Origin assessment.Origin
}

// Service looks. It is safe for concurrent use.
type Service struct{ Options }

// New returns a Service.
func New(o Options) *Service {
	o.ClientOptions.Transport = o.Fetcher
	o.ClientOptions.Retry.MaxRetries = -1 // none: somebody waits
	return &Service{o}
}

// Judge judges a file by itself and by what the internet states. A storage account is looked at where one is named, by
// its resource id or the URL of its blob endpoint, and with it the container, which may be empty. The report claims
// discovery where every look has found what it asked for. The error is a *diagnosis.Error, invalid-parameter, about
// what names the storage.
func (s *Service) Judge(ctx context.Context, file []byte, form credential.Form, account,
	container string) (assessment.Report, error) {
	storage, err := s.storage(account, container)
	if err != nil {
		return assessment.Report{}, err
	}
	report, values := s.Linter.LintValues(file, form)
	ctx = Begin(ctx)
	bounded, cancel := context.WithTimeout(ctx, Left(ctx))
	defer cancel()
	checks := s.look(bounded, values, storage)
	if !slices.ContainsFunc(checks, isOpen) {
		report.ClaimLevel = assessment.ClaimDiscovery
	}
	report.Checks = afterCloud(append(report.Checks, checks...))
	report.TestedFrom = &s.Origin
	report.DurationMS = s.Linter.Now().Sub(report.StartedAt).Milliseconds()
	return report.Concluded(), nil
}

// isOpen reports whether a check leaves open what it is about.
func isOpen(c assessment.Check) bool {
	return c.Status != diagnosis.OutcomePass && c.Status != diagnosis.OutcomeWarn && c.ID != checkDNS
}

// look makes all looks side by side, as none needs another but where a check states it.
func (s *Service) look(ctx context.Context, values credential.Values, storage storage) []assessment.Check {
	var of tenant
	var tenantChecks, issuerChecks, storageChecks []assessment.Check
	var account accountAnswer
	var looks sync.WaitGroup
	looks.Go(func() { of, tenantChecks = s.lookAtTenant(ctx, values) })
	looks.Go(func() { issuerChecks = s.lookAtIssuer(ctx, values.Issuer) })
	if storage.endpoint != "" {
		looks.Go(func() { account, storageChecks = s.lookAtStorage(ctx, storage) })
	}
	looks.Wait()
	checks := slices.Concat(tenantChecks, issuerChecks, storageChecks)
	if storage.endpoint != "" {
		checks = append(checks, judgeTenant(account, of, storage))
	}
	return checks
}

// check is the check that ends with an error of a look; a nil error makes a pass. What the fetcher refuses proves
// nothing.
func check(id, title string, err error, c diagnosis.Context) assessment.Check {
	var refused *fetch.Refusal
	if !errors.As(err, &refused) {
		return classify.Check(id, layer, title, err, c)
	}
	code := diagnosis.CodeAnswerNotFromService // a redirect to a sign-in page, or a page that has no end
	switch refused.Reason {
	case fetch.ReasonHost, fetch.ReasonURL:
		code, c.Target = diagnosis.CodeHostNotAllowed, refused.Host
	case fetch.ReasonAddress:
		code = diagnosis.CodeAddressNotPublic
	}
	made := assessment.CheckOf(id, layer, diagnosis.New(code, diagnosis.WithContext(c)))
	made.Target = c.Target
	return made
}

// faulty is the check that ends with a code; a detail and what was compared make it particular.
func faulty(id string, code diagnosis.Code, detail string, c diagnosis.Context, p assessment.Pair) assessment.Check {
	d := diagnosis.New(code, diagnosis.WithContext(c), diagnosis.WithDetail(detail))
	return assessment.CheckOf(id, layer, d).Compared(p)
}

func passed(id, title string) assessment.Check {
	return assessment.Check{ID: id, Layer: layer, Status: diagnosis.OutcomePass, Title: title}
}
