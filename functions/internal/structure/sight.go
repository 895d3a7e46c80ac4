package structure

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

const checkPolicy = "structure.policy"

// refuseLook is the check that stands in place of the looks where the caller may not ask for what the file names, and
// so is not told either what there is of it. It is nil where the caller may.
func (s *Service) refuseLook(ctx context.Context, d integration.Document, values credential.Values) *assessment.Check {
	if integration.HasAllInSight(ctx) {
		return nil
	}
	places := map[string]string{"/issuer": values.Issuer.Pointer, "/subjects/0": values.Subject.Pointer}
	check := assessment.CheckOf(checkPolicy, layer, diagnosis.New(diagnosis.CodeNotAllowed))
	check.Status = diagnosis.OutcomeUnknown // nothing is known to be wrong with the file
	if len(d.Spec.Subjects) == 0 {
		check.Detail = "Without a valid issuer and subject it cannot be told whether you may see what there is."
		check.Field = values.Subject.Pointer
		return &check
	}
	findings := s.Policy.AdmitLook(ctx, d.Spec)
	if len(findings) == 0 {
		return nil
	}
	check.Detail, check.Field = findings[0].Detail, places[findings[0].Pointer]
	check = check.Compared(assessment.Pair{Expected: findings[0].Expected, Actual: findings[0].Actual,
		IsDescribed: true})
	return &check
}

// hideOthers keeps from the caller a credential that comes near the file's, where it is for a subject that the caller
// may not ask for. One that differs as a slip of the keyboard does was meant for the file's.
func (s *Service) hideOthers(ctx context.Context, d integration.Document, items []resource.Item) {
	for i, item := range items {
		if item.Name != resource.FederatedCredential || item.State != resource.Different {
			continue
		}
		issuer, subject, isSlip := d.Spec.Issuer, item.Subject, true
		for _, differs := range item.Differences {
			class := assessment.Diff(differs.Want, differs.Have).Class
			isSlip = isSlip && !slices.Contains([]string{assessment.ClassOther, assessment.ClassNamespace}, class)
			switch differs.Member {
			case "issuer":
				issuer = differs.Have
			case "subject":
				subject = differs.Have
			}
		}
		if isSlip || s.Policy.CanLook(ctx, issuer, subject) {
			continue
		}
		item.State, item.Code, item.Key, item.Detail = resource.Missing, diagnosis.CodeFederatedCredentialMissing, "",
			""
		item.Differences, item.Context.Credential = nil, ""
		items[i] = item
	}
}
