package integration

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// Words are what the document gives to the texts of a diagnosis, whatever that is about.
func (d Document) Words() diagnosis.Context {
	request := diagnosis.RequestPut
	if d.Status.Phase == PhaseDeprovisioning {
		request = diagnosis.RequestDelete
	}
	if d.IsUnmanaged {
		request = diagnosis.RequestLook
	}
	return diagnosis.Context{Request: request, Issuer: d.Spec.Issuer, Audience: d.Spec.Audience,
		TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, PrincipalID: d.Status.ServicePrincipalID,
		Upkeep: d.IdentityKind().about().upkeep, IdentityID: d.Status.Identity.Key}
}
