package integration

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// Words are what the document gives to the texts of a diagnosis, whatever that is about.
func (d Document) Words() diagnosis.Context {
	recorded, _ := d.Status.RecordedIdentity()
	return diagnosis.Context{Issuer: d.Spec.Issuer, Audience: d.Spec.Audience, TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, ObjectID: d.Status.ObjectID, PrincipalID: d.Status.ServicePrincipalID,
		IdentityID: recorded.ResourceID}
}
