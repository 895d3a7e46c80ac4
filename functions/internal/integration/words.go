package integration

import (
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// Words are what the document gives to the texts of a diagnosis, whatever that is about.
func (d Document) Words() diagnosis.Context {
	request := diagnosis.RequestPut
	if d.Status.Phase == PhaseDeprovisioning {
		request = diagnosis.RequestDelete
	}
	if d.IsUnmanaged {
		request = diagnosis.RequestLook
	}
	return diagnosis.Context{Integration: d.ID, Request: request, Issuer: d.Spec.Issuer, Audience: d.Spec.Audience,
		TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, PrincipalID: d.Status.ServicePrincipalID,
		Upkeep: d.IdentityKind().about().upkeep, IdentityID: d.Status.Identity.Key}
}

// Stays states, a sentence each, what stays of an integration that somebody else has made when it is forgotten.
func Stays(d Document) []string {
	if !d.IsUnmanaged {
		return nil
	}
	kind := d.IdentityKind()
	left := []string{"The " + kind.about().noun + " with the client id " + d.Status.ClientID +
		" stays, with its service principal " + d.Status.ServicePrincipalID + "."}
	for _, f := range d.Status.FederatedCredentials {
		left = append(left, "The federated credential "+redact.Printable(f.Name)+" stays: it lets in "+
			redact.Printable(f.Subject)+".")
	}
	for _, entry := range d.Spec.Storage {
		left = append(left, "What gives it access to "+entry.ResourceID+" stays.")
	}
	return left
}
