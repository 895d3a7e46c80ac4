package entitlement

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Admit refuses a spec that the policy does not allow the caller: a *diagnosis.Error with a finding for each member
// that is at fault. It is nil where the app itself asks, for what was admitted before. The spec is resolved.
func (p Policy) Admit(ctx context.Context, s integration.Spec) error {
	who, isCalled := caller.From(ctx)
	if !isCalled {
		return nil
	}
	if findings := p.check(who, s); len(findings) > 0 {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNotAllowed,
			diagnosis.WithFindings(findings...))}
	}
	return nil
}

// check finds what of a spec no grant of the caller's allows. A grant has to allow an issuer, a subject and a storage
// entry together.
func (p Policy) check(who caller.Caller, s integration.Spec) []diagnosis.Finding {
	findings := append(p.ownAccounts(s), namedIntegration(who, s)...)
	var grants []Grant
	for _, g := range p.Grants {
		if g.isFor(who) {
			grants = append(grants, g)
		}
	}
	if len(grants) == 0 {
		return append(findings, diagnosis.Finding{Pointer: "", Code: diagnosis.CodeNotAllowed,
			Detail: "The policy has no grant for you.",
			Remedy: "Have the operator add a grant to the setting POLICY."})
	}
	of := func(g []Grant, allows func(Grant) bool) []Grant {
		return slices.DeleteFunc(slices.Clone(g), func(g Grant) bool { return !allows(g) })
	}
	withIssuer := of(grants, func(g Grant) bool { return slices.Contains(g.Issuers, s.Issuer) })
	if len(withIssuer) == 0 {
		return append(findings, notAllowed("/issuer", s.Issuer, "The issuer is not allowed.",
			offer(grants, func(g Grant) []string { return g.Issuers })))
	}
	for i, subject := range s.Subjects {
		at := fmt.Sprintf("/subjects/%d", i)
		isSubject := func(g Grant) bool {
			return slices.ContainsFunc(g.Subjects, func(pattern string) bool { return isMatch(pattern, subject) })
		}
		withSubject := of(withIssuer, isSubject)
		if len(withSubject) == 0 {
			findings = append(findings, notAllowed(at, subject, "The subject is not allowed with this issuer.",
				offer(withIssuer, func(g Grant) []string { return g.Subjects })))
			continue
		}
		for j, entry := range s.Storage {
			findings = append(findings, storageFault(withSubject, fmt.Sprintf("/storage/%d", j), subject, entry)...)
		}
	}
	return dedupe(findings)
}

// storageFault is what keeps grants of a subject from giving it an entry's access.
func storageFault(grants []Grant, at, subject string, entry integration.StorageAccess) []diagnosis.Finding {
	withStorage := slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool {
		return len(g.Storage) > 0 && !slices.ContainsFunc(g.Storage, func(s string) bool { return isBelow(entry, s) })
	})
	if len(withStorage) == 0 {
		return []diagnosis.Finding{notAllowed(at+"/resourceId", entry.ResourceID,
			"The storage is not allowed for the subject "+subject+".",
			"below "+offer(grants, func(g Grant) []string { return g.Storage }))}
	}
	isEnough := func(g Grant) bool {
		return g.Access == integration.AccessReadWrite || entry.Access == integration.AccessRead
	}
	if !slices.ContainsFunc(withStorage, isEnough) {
		return []diagnosis.Finding{notAllowed(at+"/access", string(entry.Access),
			"The access is wider than what is allowed for the subject "+subject+".", string(integration.AccessRead))}
	}
	return nil
}

// ownAccounts refuses the service's own storage accounts: who can write there is the service. Names of accounts are
// one in a cloud, so the name decides.
func (p Policy) ownAccounts(s integration.Spec) []diagnosis.Finding {
	var findings []diagnosis.Finding
	for i, entry := range s.Storage {
		account, _ := armid.ParseStorageAccount(entry.ResourceID)
		if slices.ContainsFunc(p.OwnAccounts, func(own string) bool { return strings.EqualFold(own, account.Name) }) {
			f := notAllowed(fmt.Sprintf("/storage/%d/resourceId", i), entry.ResourceID,
				"It is a storage account of the service itself, which no policy gives access to.",
				"an account with data")
			f.Remedy = "Name the account that holds the data."
			findings = append(findings, f)
		}
	}
	return findings
}

// namedIntegration leaves it to administrators to name an integration of the platform.
func namedIntegration(who caller.Caller, s integration.Spec) []diagnosis.Finding {
	if s.DDOE == nil {
		return nil
	}
	return named(who, "/ddoe/integrationId", s.DDOE.IntegrationID)
}

// named leaves it to administrators to name what is on the platform: whose it is, and what account it reaches, cannot
// be told, so it could be another owner's. id is empty where nothing is named.
func named(who caller.Caller, pointer, id string) []diagnosis.Finding {
	if id == "" || who.HasRole(caller.RoleAdmin) {
		return nil
	}
	f := notAllowed(pointer, id, "Only an administrator names what there is on the platform: it could be another "+
		"owner's.", "absent")
	f.Remedy = "Leave it out, or have an administrator send the request."
	return []diagnosis.Finding{f}
}

func notAllowed(pointer, actual, detail, expected string) diagnosis.Finding {
	return diagnosis.Finding{Pointer: pointer, Code: diagnosis.CodeNotAllowed, Detail: detail, Expected: expected,
		Actual: actual, Remedy: "Give what is allowed, or have the operator change the setting POLICY."}
}

// offer lists what grants allow.
func offer(grants []Grant, of func(Grant) []string) string {
	var all []string
	for _, g := range grants {
		all = append(all, of(g)...)
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == 0 {
		return "nothing: the operator has to set POLICY or DDOE_ISSUER"
	}
	return strings.Join(all, " or ")
}

// dedupe leaves out what was told before: the same entry is at fault for one subject after the other.
func dedupe(findings []diagnosis.Finding) []diagnosis.Finding {
	var kept []diagnosis.Finding
	for _, f := range findings {
		if !slices.ContainsFunc(kept, func(k diagnosis.Finding) bool { return k.Pointer == f.Pointer }) {
			kept = append(kept, f)
		}
	}
	return kept
}
