package trust

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// compare finds the credential that is wanted among those that there are.
func (k *Kind) compare(d integration.Document, w integration.FederatedCredential,
	found []resource.Credential) resource.Item {
	w = asFound(d, w, found)
	item := wantedItem(d, w)
	if i := slices.IndexFunc(found, func(f resource.Credential) bool { return isEqual(f, w) }); i >= 0 {
		item.State, item.Code = resource.Unchanged, ""
		switch {
		case w.Adopted: // somebody else's, which serves
			item.Differences = []diagnosis.MemberDifference{theirName(w, found[i])}
		case strings.EqualFold(w.Name, integration.CredentialName(w.Subject)): // not taken over, with its description
			item.Differences = k.described(d, found[i])
		}
		w.ID = found[i].ID
		item.Data = credential{wanted: w}
		item.Learn = learn(w)
		return item
	}
	isInTheWay := func(f resource.Credential) bool { return isForeign(d, f, w) }
	if i := slices.IndexFunc(found, isInTheWay); i >= 0 {
		return foreign(d, item, w, found[i])
	}
	i := slices.IndexFunc(found, func(f resource.Credential) bool { return strings.EqualFold(f.Name, w.Name) })
	if i < 0 {
		return item
	}
	item.State, item.Code = resource.Different, diagnosis.CodeFederatedCredentialChanged
	item.Differences = append(differences(w, found[i], diagnosis.OwnerOurs), k.described(d, found[i])...)
	w.ID = found[i].ID // it stays when the credential is changed
	item.Data = credential{wanted: w, isThere: true, description: found[i].Description}
	return item
}

// asFound is what is wanted under the name that it has, or is to have: ours, or the name of an equal one that somebody
// else has made, which serves as well. What the record has adopted counts as long as it is equal; what it has as ours
// under another name was taken over.
func asFound(d integration.Document, w integration.FederatedCredential,
	found []resource.Credential) integration.FederatedCredential {
	own := integration.CredentialName(w.Subject)
	w.Name = own
	if i := slices.IndexFunc(found, func(f resource.Credential) bool { return isEqual(f, w) }); i >= 0 {
		w.Name = found[i].Name
	}
	w.Adopted = !strings.EqualFold(w.Name, own) &&
		!slices.ContainsFunc(ours(d.Status.FederatedCredentials), isRecordOf(w.Name))
	return w
}

// foreign is the item of a credential whose pair of issuer and subject another one holds, with another audience. One
// that was used so far is no longer used.
func foreign(d integration.Document, item resource.Item, w integration.FederatedCredential,
	f resource.Credential) resource.Item {
	item.State, item.Code = resource.Foreign, diagnosis.CodeFederatedCredentialRefused
	item.Detail = "The credential " + redact.Printable(f.Name) + ", which this service did not make, has the same " +
		"issuer and subject, and another audience: an identity takes a pair of issuer and subject once."
	item.Differences = append(differences(w, f, diagnosis.OwnerOther), theirName(w, f))
	if slices.ContainsFunc(d.Status.FederatedCredentials, isRecordOf(f.Name)) {
		item.Learn = forget(f.Name)
	}
	return item
}

// isForeign reports whether a credential of somebody else holds the pair of issuer and subject that is wanted. One
// that is recorded as ours is removed before the wanted one is made, whatever its name is.
func isForeign(d integration.Document, f resource.Credential, w integration.FederatedCredential) bool {
	return isOfPair(f, w) && !strings.EqualFold(f.Name, w.Name) &&
		!slices.ContainsFunc(ours(d.Status.FederatedCredentials), isRecordOf(f.Name))
}

// isOfPair reports whether a credential has the issuer and subject that are wanted. No other one of the identity can:
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
func isOfPair(f resource.Credential, w integration.FederatedCredential) bool {
	return f.Issuer == w.Issuer && f.Subject == w.Subject
}

func theirName(w integration.FederatedCredential, f resource.Credential) diagnosis.MemberDifference {
	return diagnosis.MemberDifference{Member: "name", Want: integration.CredentialName(w.Subject), Have: f.Name,
		Owner: diagnosis.OwnerOther}
}

// described is the description that somebody has changed; empty where it is the one that was written.
func (k *Kind) described(d integration.Document, f resource.Credential) []diagnosis.MemberDifference {
	if want := k.credentials.Description(d); f.Description != want {
		return []diagnosis.MemberDifference{{Member: "description", Want: want, Have: f.Description,
			Owner: diagnosis.OwnerOther}}
	}
	return nil
}

func isEqual(f resource.Credential, w integration.FederatedCredential) bool {
	return isOfPair(f, w) && slices.Equal(f.Audiences, []string{w.Audience})
}

func differences(w integration.FederatedCredential, f resource.Credential,
	owner diagnosis.Owner) []diagnosis.MemberDifference {
	have := f.Subject
	if f.Expression != "" {
		have = f.Expression
	}
	var differ []diagnosis.MemberDifference
	for _, m := range []struct{ name, want, have string }{
		{"issuer", w.Issuer, f.Issuer}, {"subject", w.Subject, have},
		{"audience", w.Audience, strings.Join(f.Audiences, " ")},
	} {
		if m.want != m.have {
			differ = append(differ, diagnosis.MemberDifference{Member: m.name, Want: m.want, Have: m.have,
				Owner: owner})
		}
	}
	return differ
}
