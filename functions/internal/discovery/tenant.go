package discovery

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
)

// The checks of the tenant, on which everything depends that is asked of Entra.
const (
	CheckTenant = "discovery.tenant"
	CheckCloud  = "discovery.tenant.cloud"
)

const (
	titleTenant = "The tenant exists"
	titleCloud  = "The tenant is in this service's cloud"
)

// tenant is that of a file: its GUID, or the check because of which it is not known.
type tenant struct {
	id, brokenBy, pointer string
	// refusedBy is the check that has told that the tenant is not there, or in another cloud; empty for none.
	refusedBy string
}

// lookAtTenant asks the token service for the tenant, whose metadata is public. Source: learn.microsoft.com, OpenID
// Connect on the Microsoft identity platform.
func (s *Service) lookAtTenant(ctx context.Context, values credential.Values) (tenant, []assessment.Check) {
	value := values.TenantID
	if value.BrokenBy != "" {
		return tenant{brokenBy: value.BrokenBy}, []assessment.Check{
			assessment.Skip(CheckTenant, layer, titleTenant, value.BrokenBy),
			assessment.Skip(CheckCloud, layer, titleCloud, value.BrokenBy)}
	}
	there, err := entra.FindTenant(ctx, s.ClientOptions, value.Text)
	exists := check(CheckTenant, titleTenant, err, diagnosis.Context{TenantID: value.Text,
		Target: s.ClientOptions.Cloud.ActiveDirectoryAuthorityHost})
	exists.Field, exists.Target = value.Pointer, ""
	if err != nil {
		if exists.Code == diagnosis.CodeTenantUnknown {
			exists.Remedy.Who = diagnosis.WhoUploader // whose file names it; nobody in Entra has it to mend
		}
		if exists.Code == diagnosis.CodeTenantUnknown && s.isTenant(ctx, values.ClientID) {
			exists = faulty(CheckTenant, diagnosis.CodeIDsSwapped, "", diagnosis.Context{},
				assessment.Pair{Expected: values.ClientID.Text, Actual: value.Text, IsDescribed: true})
			exists.Field = value.Pointer
		}
		t := tenant{id: value.Text, pointer: value.Pointer}
		if exists.Status == diagnosis.OutcomeFail {
			t.refusedBy = CheckTenant
		}
		if !field.IsGUID(value.Text) { // a domain's tenant is not known
			t = tenant{brokenBy: CheckTenant}
		}
		return t, []assessment.Check{exists, assessment.Skip(CheckCloud, layer, titleCloud, CheckTenant)}
	}
	if there.ID != value.Text {
		exists.Detail = "The domain is that of the tenant " + there.ID + ", which is looked at: write this id in " +
			"the domain's place."
		exists = exists.Compared(assessment.Pair{Expected: there.ID, Actual: value.Text, IsDescribed: true})
	}
	t, cloud := tenant{id: there.ID, pointer: value.Pointer}, s.judgeCloud(there, value.Pointer)
	if cloud.Status == diagnosis.OutcomeFail {
		t.refusedBy = CheckCloud
	}
	return t, []assessment.Check{exists, cloud}
}

// Resolved are the values with the tenant's GUID where the file has a domain of it, as far as Entra tells it.
func (s *Service) Resolved(ctx context.Context, values credential.Values) credential.Values {
	if value := &values.TenantID; value.BrokenBy == "" && !field.IsGUID(value.Text) {
		if there, err := entra.FindTenant(ctx, s.ClientOptions, value.Text); err == nil {
			value.Text = there.ID
		}
	}
	return values
}

// isTenant reports whether what is no tenant's id by the file is one.
func (s *Service) isTenant(ctx context.Context, client credential.Value) bool {
	if client.Text == "" {
		return false
	}
	_, err := entra.FindTenant(ctx, s.ClientOptions, client.Text)
	return err == nil
}

func (s *Service) judgeCloud(there entra.Tenant, pointer string) assessment.Check {
	made := passed(CheckCloud, titleCloud)
	pair := assessment.Pair{Expected: entra.CloudOf(s.ClientOptions.Cloud), Actual: there.Cloud, IsDescribed: true}
	switch there.Cloud {
	case pair.Expected:
	case "":
		made = faulty(CheckCloud, diagnosis.CodeEntraUnrecognised, "Entra does not tell the tenant's cloud.",
			diagnosis.Context{}, pair)
	default:
		made = faulty(CheckCloud, diagnosis.CodeCloudMismatch, "", diagnosis.Context{}, pair)
	}
	made.Field = pointer
	return made
}
