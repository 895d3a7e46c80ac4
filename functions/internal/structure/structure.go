// Package structure tells what Entra and Azure hold of what a credential file names, as far as the service's own
// identity may see it: whether its client is there, whether a federated credential lets its subject in, and what its
// identity may do with a container. It makes the same looks as health and drift do, of a document that is kept
// nowhere.
package structure

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

const (
	layer       = "structure"
	checkTenant = "structure.tenant"
	titleTenant = "The service sees the file's tenant"
)

// Service looks. It is safe for concurrent use.
type Service struct {
	Discovery *discovery.Service
	// Kinds are what an integration consists of; those count that look at what somebody else has made.
	Kinds []resource.Kind
	// Policy is what callers may ask for, and so be told of.
	Policy entitlement.Policy
	// TenantID returns the service's own tenant.
	TenantID func(ctx context.Context) (string, error)
}

// Request is what is to be judged.
type Request struct {
	File []byte
	Form credential.Form
	// Account names the storage account by its resource id or the URL of its blob endpoint, Container its container.
	// Both may be empty.
	Account, Container string
	// Access is what the identity is to do there; readWrite where empty, as the platform's driver writes a file.
	Access integration.Access
}

// Judge judges a file as discovery does, and by what the service sees of what it names. The report claims structure
// where every look has found what it asked for. The error is discovery's.
func (s *Service) Judge(ctx context.Context, r Request) (assessment.Report, error) {
	started := time.Now()
	ctx = discovery.Begin(ctx)
	var report assessment.Report
	var err error
	var checks []assessment.Check
	var both sync.WaitGroup
	both.Go(func() { report, err = s.Discovery.Judge(ctx, r.File, r.Form, r.Account, r.Container) })
	both.Go(func() {
		bounded, cancel := policy.Within(ctx, discovery.Left(ctx))
		defer cancel()
		checks = s.look(bounded, r)
	})
	both.Wait()
	if err != nil {
		return report, err
	}
	if report.ClaimLevel == assessment.ClaimDiscovery && !slices.ContainsFunc(checks, isOpen) {
		report.ClaimLevel = assessment.ClaimStructure
	}
	report.Checks = heldAgainst(followed(append(report.Checks, checks...)))
	report.DurationMS = time.Since(started).Milliseconds()
	return report.Concluded(), nil
}

// isOpen reports whether a check leaves open what it is about.
func isOpen(c assessment.Check) bool {
	return c.Status != diagnosis.OutcomePass && c.Status != diagnosis.OutcomeWarn
}

// look makes the document that the file speaks of, and looks at what can be looked at of it.
func (s *Service) look(ctx context.Context, r Request) []assessment.Check {
	ctx = azpolicy.WithRetryOptions(ctx, repeats)
	_, values := s.Discovery.Linter.LintValues(r.File, r.Form)
	d := integration.Document{IsUnmanaged: true, Spec: integration.Spec{
		Issuer: values.Issuer.Text, Audience: values.Audience.Text}, Status: integration.Status{
		ClientID: values.ClientID.Text}}
	if field.IsGUID(values.TenantID.Text) { // else it is told when it is known
		d.Spec.TenantID = values.TenantID.Text
	}
	trustBrokenBy := cmp.Or(values.Issuer.BrokenBy, values.Audience.BrokenBy)
	if values.Subject.Written == "" {
		trustBrokenBy = cmp.Or(trustBrokenBy, values.Subject.BrokenBy)
	}
	if trustBrokenBy == "" {
		d.Spec.Subjects = []string{values.Subject.Written}
	}
	if account, problem := armid.ParseStorageAccount(r.Account); problem == "" {
		d.Spec.Storage = []integration.StorageAccess{{ResourceID: account.String(), Container: r.Container,
			Access: cmp.Or(r.Access, integration.AccessReadWrite)}}
	}
	if refused := s.refuseLook(ctx, d, values); refused != nil {
		checks := []assessment.Check{s.lookAtTenant(ctx, values).check, *refused}
		return append(checks, skipped(r, checkPolicy, checkPolicy)...)
	}
	of := sync.OnceValue(func() tenant { return s.lookAtTenant(ctx, values) })
	var kinds []resource.Kind
	for _, kind := range resource.Of(s.Kinds, d) {
		kinds = append(kinds, resource.Looking(lookAt{Kind: kind, tenant: of, clientID: values.ClientID}))
	}
	items := resource.Items(resource.Observe(ctx, kinds, resource.View{Document: d, Told: true}))
	s.hideOthers(ctx, d, items)
	checks := append([]assessment.Check{of().check}, resource.Checks(items, true)...)
	return append(checks, skipped(r, cmp.Or(of().brokenBy, values.ClientID.BrokenBy), trustBrokenBy)...)
}

// lookAt looks at a kind in limited time. What an identity is seen by is looked at where there is one to be seen.
type lookAt struct {
	resource.Kind
	tenant   func() tenant
	clientID credential.Value
}

// Observe implements resource.Looker.
func (l lookAt) Observe(ctx context.Context, v resource.View) []resource.Item {
	if isOfIdentity(l.Kind) {
		of := l.tenant()
		if of.brokenBy != "" || l.clientID.BrokenBy != "" {
			return nil
		}
		v.Document.Spec.TenantID = of.id
	}
	bounded, cancel := policy.Within(ctx, fetch.Limit)
	defer cancel()
	return l.Kind.Observe(bounded, v)
}

// repeats are those of the clients: somebody waits. A service that asks to wait for long is told as it has answered.
var repeats = azpolicy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: time.Second}

// isOfIdentity reports whether a kind is the identity, or can be seen by it alone.
func isOfIdentity(k resource.Kind) bool {
	return k.Name() == resource.Identity || slices.Contains(k.Needs(), resource.Identity)
}

// skipped are the looks that could not be made, as what the file holds is broken or cannot be seen.
func skipped(r Request, brokenBy, trustBrokenBy string) []assessment.Check {
	var checks []assessment.Check
	skip := func(name, title, by string) {
		if by != "" {
			checks = append(checks, assessment.Skip(layer+"."+name, layer, title, by))
		}
	}
	skip(resource.Identity, "The identity exists and is enabled", brokenBy)
	skip(resource.FederatedCredential, "A federated credential equals issuer, subject and audience",
		cmp.Or(brokenBy, trustBrokenBy))
	if r.Account == "" {
		return checks
	}
	const title = "A role gives the rights that are needed"
	skip(resource.RoleAssignment, title, brokenBy)
	if strings.HasPrefix(r.Account, "https://") && brokenBy == "" {
		byURL := assessment.Skip(layer+"."+resource.RoleAssignment, layer, title, "")
		byURL.Detail = "Azure tells of roles by the account's resource id, and its URL alone was given."
		checks = append(checks, byURL)
	}
	return checks
}

// tenant is the file's, and the check because of which nothing in it can be looked at; empty where it can.
type tenant struct {
	id, brokenBy string
	check        assessment.Check
}

// lookAtTenant tells whether the service sees the file's tenant: it is the one that its own identity is in.
func (s *Service) lookAtTenant(ctx context.Context, values credential.Values) tenant {
	ctx, cancel := context.WithTimeout(ctx, min(fetch.Limit, discovery.Left(ctx)))
	defer cancel()
	value := s.Discovery.Resolved(ctx, values).TenantID
	if value.BrokenBy == "" && !field.IsGUID(value.Text) { // of a domain's tenant nothing is known
		value.BrokenBy = discovery.CheckTenant
	}
	if value.BrokenBy != "" {
		return tenant{brokenBy: value.BrokenBy,
			check: assessment.Skip(checkTenant, layer, titleTenant, value.BrokenBy)}
	}
	own, err := s.TenantID(ctx)
	of := tenant{id: value.Text, brokenBy: checkTenant}
	switch {
	case err != nil:
		of.check = classify.Check(checkTenant, layer, titleTenant, &diagnosis.Error{
			Diagnosis: diagnosis.New(diagnosis.CodeServiceIdentityUnavailable), Err: err}, diagnosis.Context{})
	case !strings.EqualFold(own, value.Text):
		of.check = assessment.CheckOf(checkTenant, layer, diagnosis.New(diagnosis.CodeTenantNotSeen,
			diagnosis.WithContext(diagnosis.Context{TenantID: value.Text})))
	default:
		of.brokenBy = ""
		of.check = assessment.Check{ID: checkTenant, Layer: layer, Status: diagnosis.OutcomePass, Title: titleTenant}
	}
	of.check.Field = value.Pointer
	return of
}
