package provision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// layerStructure is the layer of all that a drift report looks at.
const layerStructure = "structure"

// Drift compares what Entra, Azure and the platform really hold with what the spec comes to, in one hop of reads, and
// changes nothing. What is missing or changed is mended by submitting the same spec again; what somebody added is only
// reported. While the last operation runs nothing is judged: what differs may be what it has not come to. Errors are
// *diagnosis.Error: there is no such integration, it is torn down, or nothing has been made yet.
func (s *Service) Drift(ctx context.Context, id string) (diagnosis.Report, error) {
	invocation.From(ctx).SetIntegration(id)
	d, err := s.Repository.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return diagnosis.Report{}, integration.Absent(nil)
	case err != nil:
		return diagnosis.Report{}, stored(err)
	case d.Status.Phase == integration.PhaseDeleted:
		return diagnosis.Report{}, integration.Absent(&d)
	case d.Status.ClientID == "" || d.Status.ServicePrincipalID == "":
		return diagnosis.Report{}, integration.Unprovisioned(d)
	}
	started := s.now()
	last := s.lastOperation(ctx, d)
	wanted := d
	wanted.Status.FederatedCredentials, wanted.Status.RoleAssignments = integration.WantedCredentials(d), wantedAssignments(d)
	settled := access.Settled(d, started)
	parts := []func() []diagnosis.Check{
		func() []diagnosis.Check { return health.Structure(ctx, s.Graph, s.ARM, wanted, settled) },
		func() []diagnosis.Check { return s.extraCredentials(ctx, wanted) },
		func() []diagnosis.Check { return s.extraAssignments(ctx, wanted) },
		func() []diagnosis.Check { return s.platformDrift(ctx, wanted, last) },
	}
	found := make([][]diagnosis.Check, len(parts))
	hop := make([]func() error, len(parts))
	for i, part := range parts {
		hop[i] = func() error { found[i] = part(); return nil }
	}
	_ = together(hop...) // the parts return nil; what they met is in the checks
	if ctx.Err() != nil {
		return diagnosis.Report{}, ctx.Err()
	}
	checks := afterOperation(last, slices.Concat(found...))
	report := diagnosis.Report{ID: uuid.NewString(), Kind: "drift", ClaimLevel: diagnosis.ClaimStructure, Verdict: diagnosis.Summarise(checks),
		StartedAt: started, DurationMS: s.now().Sub(started).Milliseconds(), Checks: checks, Leftovers: []diagnosis.Leftover{}}
	if s.Tester != nil {
		report.TestedFrom = &s.Tester.Origin
	}
	return report, nil
}

// extraCredentials reports federated credentials that the spec does not ask for. What cannot be read is reported by the
// check of the wanted ones.
func (s *Service) extraCredentials(ctx context.Context, d integration.Document) []diagnosis.Check {
	all, err := s.Graph.ListFederatedCredentials(ctx, d.Status.ObjectID)
	if err != nil {
		return nil
	}
	var checks []diagnosis.Check
	for _, f := range all {
		if slices.ContainsFunc(d.Status.FederatedCredentials, func(w integration.FederatedCredential) bool { return strings.EqualFold(w.Name, f.Name) }) {
			continue
		}
		check := differs("drift.federatedCredential", "federated-credential-extra", wordsOf(d))
		check.Target, check.Actual = diagnosis.Printable(f.Name), diagnosis.Printable(credentialText(f))
		checks = append(checks, check)
	}
	return checks
}

func credentialText(f graph.FederatedCredential) string {
	return "issuer " + f.Issuer + ", subject " + f.Subject
}

// extraAssignments reports roles of the service principal, at the scopes of the spec, that the spec does not ask for.
func (s *Service) extraAssignments(ctx context.Context, d integration.Document) []diagnosis.Check {
	var checks []diagnosis.Check
	var scopes []string
	for _, w := range d.Status.RoleAssignments {
		if !slices.Contains(scopes, w.Scope) {
			scopes = append(scopes, w.Scope)
		}
	}
	for _, scope := range scopes {
		all, err := s.ARM.ListRoleAssignments(ctx, scope, d.Status.ServicePrincipalID)
		if err != nil {
			continue // the wanted assignment at the scope meets the same error
		}
		for _, a := range all {
			if !strings.EqualFold(a.Scope, scope) || wantsGrant(d, a) {
				continue
			}
			words := wordsOf(d)
			words.Scope = scope
			check := differs("drift.roleAssignment", "role-assignment-extra", words)
			check.Target, check.Actual = scope, lastSegment(a.RoleDefinitionID)
			checks = append(checks, check)
		}
	}
	return checks
}

func wantsGrant(d integration.Document, a arm.RoleAssignment) bool {
	is := integration.RoleAssignment{Scope: a.Scope, RoleDefinitionID: a.RoleDefinitionID, PrincipalID: a.PrincipalID}
	return slices.ContainsFunc(d.Status.RoleAssignments, func(w integration.RoleAssignment) bool { return grant.Same(w, is) })
}

// differs is the check of something that is not as it should be.
func differs(id, code string, words diagnosis.Context) diagnosis.Check {
	return diagnosis.CheckOf(id, layerStructure, diagnosis.New(code, diagnosis.WithContext(words)))
}
