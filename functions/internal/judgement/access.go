package judgement

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// testing is how long the tests of access of a request may take, beside what the looks take.
const testing = 17 * time.Second

// withAccess judges a file as structure does, and by what its identity reaches: it exchanges the token, and tries the
// identity's rights where storage is named, by requests that change nothing.
func (s *Service) withAccess(ctx context.Context, r Request) (assessment.Report, error) {
	ctx = Begin(ctx)
	ctx, cancel := context.WithTimeout(ctx, discovery.Left(ctx)+testing)
	defer cancel()
	report, err := s.Structure.Judge(ctx, r.toStructure())
	if err != nil {
		return report, err
	}
	_, values := s.Linter.LintValues(r.File, r.Form)
	if by := brokenBy(values); by != "" {
		report.Checks = append(report.Checks, skipped(by, r)...)
	} else if err := s.test(ctx, r, s.Discovery.Resolved(ctx, values), &report); err != nil {
		return report, err
	}
	report.DurationMS = s.Linter.Now().Sub(report.StartedAt).Milliseconds()
	return report.Concluded(), nil
}

// test adds to a report what a test of access tells.
func (s *Service) test(ctx context.Context, r Request, values credential.Values, report *assessment.Report) error {
	tested, err := s.Access.Run(ctx, access.Request{Document: documentOf(values, r), Token: r.Token,
		Mode: access.ModeOracle, Blocked: failed(*report, discovery.CheckTenant, discovery.CheckCloud).ID})
	if err != nil {
		return err
	}
	places := map[string]string{"/issuer": values.Issuer.Pointer, "/subjects/0": values.Subject.Pointer,
		"/audience": values.Audience.Pointer, "/storage/0": ""}
	checks, _ := resource.Explained(tested.Checks, report.Checks)
	for _, c := range checks {
		if c.Code == diagnosis.CodeNoStorage { // none is tried, as none is named by its id
			continue
		}
		if place, isOfSpec := places[c.Field]; isOfSpec {
			c.Field = place
		}
		report.Checks = append(report.Checks, c)
	}
	report.TestedAs, report.Leftovers = tested.TestedAs, append(report.Leftovers, tested.Leftovers...)
	if tested.ClaimLevel != assessment.ClaimFile {
		report.ClaimLevel = tested.ClaimLevel
	}
	if isByURL(r.Account) {
		byURL := assessment.Skip("access.list", "list", "The container can be listed", "")
		byURL.Detail = "Rights are tried in an account that is named by its resource id, and its URL alone was given."
		report.Checks = append(report.Checks, byURL)
	}
	return nil
}

// isByURL reports whether an account is named by the URL of its blob endpoint: which role would help there cannot be
// told.
func isByURL(account string) bool { return strings.HasPrefix(account, "https://") }

// brokenBy is the check that one of the values did not pass; empty where all are sound.
func brokenBy(v credential.Values) string {
	return cmp.Or(v.ClientID.BrokenBy, v.TenantID.BrokenBy, v.Issuer.BrokenBy, v.Subject.BrokenBy, v.Audience.BrokenBy)
}

// failed is the first of the checks that has failed; the zero one where none has. What is unknown hinders nobody.
func failed(r assessment.Report, ids ...string) assessment.Check {
	for _, id := range ids {
		for _, c := range r.Checks {
			if c.ID == id && c.Status == diagnosis.OutcomeFail {
				return c
			}
		}
	}
	return assessment.Check{}
}

// documentOf is the integration that a file and the storage beside it would be of.
func documentOf(v credential.Values, r Request) integration.Document {
	d := integration.Document{ID: "validate", IsUnmanaged: true, Status: integration.Status{ClientID: v.ClientID.Text},
		Spec: integration.Spec{TenantID: v.TenantID.Text, Issuer: v.Issuer.Text, Audience: v.Audience.Text,
			Subjects: []string{v.Subject.Text}}}
	if r.Account != "" && !isByURL(r.Account) {
		d.Spec.Storage = []integration.StorageAccess{{ResourceID: r.Account, Container: r.Container,
			Access: cmp.Or(r.Access, integration.AccessReadWrite)}}
	}
	return d
}

// skipped are the checks that need what a check did not let pass.
func skipped(by string, r Request) []assessment.Check {
	checks := []assessment.Check{assessment.Skip("exchange.token", "exchange", "Entra exchanges the token", by)}
	if r.Account != "" {
		checks = append(checks, assessment.Skip("access.list", "list", "The container can be listed", by))
	}
	return checks
}
