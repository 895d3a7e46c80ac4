package entitlement

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// AdmitImport is Admit for what somebody else has made, which the service looks at and gives no access to: known
// administrators may take in all of it, but the service's own accounts. platformIDs are the ids of what was made on
// the platform, by their JSON pointers, which others may not name.
func (p Policy) AdmitImport(ctx context.Context, s integration.Spec, platformIDs map[string]string) error {
	who, isCalled := caller.From(ctx)
	if !isCalled {
		return nil
	}
	var findings []diagnosis.Finding
	if who.IsKnownAdministrator() {
		findings = p.ownAccounts(s)
	} else {
		findings = p.check(who, s)
	}
	for _, pointer := range []string{"/ddoe/integrationId", "/ddoe/driverId"} {
		findings = append(findings, named(who, pointer, platformIDs[pointer])...)
	}
	if len(findings) == 0 {
		return nil
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNotAllowed, diagnosis.WithFindings(findings...))}
}

// AdmitLook finds what of a spec keeps the caller from being told what Entra and Azure hold of it: what no grant lets
// the caller ask for. Administrators may look at all, and so may the app itself.
func (p Policy) AdmitLook(ctx context.Context, s integration.Spec) []diagnosis.Finding {
	if integration.HasAllInSight(ctx) {
		return nil
	}
	who, _ := caller.From(ctx)
	s.Storage = slices.Clone(s.Storage)
	for i := range s.Storage {
		s.Storage[i].Access = integration.AccessRead // whatever it is to do there
	}
	return p.check(who, s)
}

// CanLook reports whether a caller may be told of a credential for an issuer and a subject.
func (p Policy) CanLook(ctx context.Context, issuer, subject string) bool {
	return len(p.AdmitLook(ctx, integration.Spec{Issuer: issuer, Subjects: []string{subject}})) == 0
}
