// Package trust is the trust of an integration: one federated identity credential for each subject of the spec, on the
// identity, whatever the identity is made of. Tokens of the platform are accepted where issuer, subject and audience
// are equal byte for byte.
package trust

import (
	"context"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Credentials keeps the federated credentials of identities of one sort.
type Credentials interface {
	// List reads all credentials of the integration's identity; none where there is no identity.
	List(ctx context.Context, d integration.Document) ([]resource.Credential, error)
	// Put writes credentials by their names, Delete deletes by name. Both return a receipt for each, in their order;
	// the errors are *policy.Failure or the context's.
	Put(ctx context.Context, d integration.Document, credentials []resource.Credential) []resource.Receipt
	Delete(ctx context.Context, d integration.Document, names []string) []resource.Receipt
	resource.CredentialTerms
}

// place is where the credentials stand, whoever has made them.
type place struct{}

// Name implements resource.Place.
func (place) Name() string { return resource.FederatedCredential }

// Needs implements resource.Place.
func (place) Needs() []string { return []string{resource.Identity} }

// Outlives implements resource.Place: trust is revoked first, and waits for nobody.
func (place) Outlives() []string { return nil }

// Kind is the federated credentials of an integration.
type Kind struct {
	place
	credentials Credentials
	requests    policy.Requests
}

// New returns the kind.
func New(credentials Credentials, requests policy.Requests) *Kind {
	return &Kind{credentials: credentials, requests: requests}
}

// Observe implements resource.Kind. Without a list only what is to be removed is known, by the names that were
// recorded: revoking must not wait for a read.
func (k *Kind) Observe(ctx context.Context, v resource.View) []resource.Item {
	items, between := k.observe(ctx, v), k.credentials.Between(v.Document)
	for i := range items {
		if slices.Contains([]resource.State{resource.Missing, resource.Different, resource.Unwanted}, items[i].State) {
			items[i].Takes = between
		}
	}
	return items
}

// Trusted implements resource.Truster.
func (k *Kind) Trusted(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	return k.credentials.List(ctx, d)
}

func (k *Kind) observe(ctx context.Context, v resource.View) []resource.Item {
	d := v.Document
	if v.Apart && len(d.Spec.Subjects) < 2 {
		return nil
	}
	if v.Ending && d.Status.ClientID == "" {
		return nil // without an identity there is no trust
	}
	wanted := integration.WantedCredentials(d)
	var found []resource.Credential
	if !v.Fresh {
		var err error
		if found, err = k.credentials.List(ctx, d); err != nil {
			unread := resource.Item{Name: resource.FederatedCredential, Title: title,
				Context: words(d, integration.FederatedCredential{}), Err: err, Apart: v.Apart}
			if v.Ending {
				return k.unwanted(d, ours(wanted), nil)
			}
			return append(k.unwanted(d, nil, wanted), unread)
		}
	}
	if v.Ending {
		items := k.unwanted(d, append(ours(wanted), named(found)...), nil)
		k.confirmAbsent(ctx, d, items, found)
		return append(items, extras(d, found, nil)...)
	}
	items := make([]resource.Item, 0, len(wanted))
	for i := range wanted {
		wanted[i] = asFound(d, wanted[i], found)
		items = append(items, k.compare(d, wanted[i], found))
	}
	items = append(items, k.unwanted(d, named(found), wanted)...)
	return append(items, extras(d, found, wanted)...)
}

const title = "The federated credential is as it was made"

// wantedItem is the item of a credential that the spec asks for, as if it were missing.
func wantedItem(d integration.Document, w integration.FederatedCredential) resource.Item {
	return resource.Item{Name: resource.FederatedCredential, Title: title, Key: w.Name, Target: w.Subject,
		State: resource.Missing,
		Code:  diagnosis.CodeFederatedCredentialMissing, Context: words(d, w), Subject: w.Subject,
		Data: credential{wanted: w}}
}

// credential is what an item carries: what is wanted, and what is kept of the one that it is written over.
type credential struct {
	wanted integration.FederatedCredential
	// isThere is true where there is one under the wanted name.
	isThere     bool
	description string
}

// unwanted are the credentials of ours that are to go: the recorded ones and the ones in more, but for those that are
// wanted. A recorded one that no list shows is deleted all the same: lists lag. But where another one serves in its
// place it is gone, as an identity takes a pair of issuer and subject once.
func (k *Kind) unwanted(d integration.Document, more, wanted []integration.FederatedCredential) []resource.Item {
	var items []resource.Item
	isReplaced := func(f integration.FederatedCredential) bool {
		return slices.ContainsFunc(wanted, func(w integration.FederatedCredential) bool {
			return w.Adopted && w.Subject == f.Subject
		})
	}
	for _, f := range append(slices.DeleteFunc(ours(d.Status.FederatedCredentials), isReplaced), more...) {
		isListed := func(i resource.Item) bool { return strings.EqualFold(i.Key, f.Name) }
		if slices.ContainsFunc(wanted, isRecordOf(f.Name)) || slices.ContainsFunc(items, isListed) {
			continue
		}
		items = append(items, resource.Item{Name: resource.FederatedCredential, Title: title, Key: f.Name,
			Target: f.Subject, State: resource.Unwanted,
			Code: diagnosis.CodeFederatedCredentialExtra, Context: words(d, f)})
	}
	return items
}

// confirmAbsent tells which of the credentials that go are gone already: the list that was read does not show it, and
// the record has forgotten it or, as lists lag, a second one does not show it either.
func (k *Kind) confirmAbsent(ctx context.Context, d integration.Document, items []resource.Item,
	found []resource.Credential) {
	isListed := func(name string) bool {
		return slices.ContainsFunc(found, func(f resource.Credential) bool { return strings.EqualFold(f.Name, name) })
	}
	isConfirmed := true
	isHidden := func(f integration.FederatedCredential) bool { return !isListed(f.Name) }
	if slices.ContainsFunc(ours(d.Status.FederatedCredentials), isHidden) {
		second, err := k.credentials.List(ctx, d)
		found, isConfirmed = append(found, second...), err == nil
	}
	for i := range items {
		items[i].IsAbsent = isConfirmed && !isListed(items[i].Key)
	}
}

// named are the credentials that bear a name of ours: a crash may have come between one and its record.
func named(found []resource.Credential) []integration.FederatedCredential {
	var ours []integration.FederatedCredential
	for _, f := range found {
		if f.Subject != "" && strings.EqualFold(f.Name, integration.CredentialName(f.Subject)) {
			ours = append(ours, integration.FederatedCredential{Name: f.Name, ID: f.ID, Issuer: f.Issuer,
				Subject: f.Subject, Audience: strings.Join(f.Audiences, " ")})
		}
	}
	return ours
}

// extras are the credentials that somebody else made on the identity. They are reported, because each may let
// somebody in.
func extras(d integration.Document, found []resource.Credential,
	wanted []integration.FederatedCredential) []resource.Item {
	var items []resource.Item
	byName := func(a, b resource.Credential) int { return strings.Compare(a.Name, b.Name) }
	// reports name them in the same order each time
	for _, f := range slices.SortedFunc(slices.Values(found), byName) {
		isNamed := isRecordOf(f.Name)
		isTold := func(w integration.FederatedCredential) bool { return isNamed(w) || isOfPair(f, w) }
		if slices.ContainsFunc(named(found), isNamed) || slices.ContainsFunc(wanted, isTold) ||
			slices.ContainsFunc(ours(d.Status.FederatedCredentials), isNamed) {
			continue
		}
		have := diagnosis.MemberDifference{Member: "issuer, subject", Have: f.Issuer + ", " + f.Subject,
			Owner: diagnosis.OwnerOther}
		item := resource.Item{Name: resource.FederatedCredential, Key: f.Name, Target: f.Name,
			State: resource.Extra, Code: diagnosis.CodeFederatedCredentialExtra,
			Context: words(d, integration.FederatedCredential{}), Differences: []diagnosis.MemberDifference{have}}
		if slices.ContainsFunc(d.Status.FederatedCredentials, isNamed) { // it has served
			item.Learn = forget(f.Name)
		}
		items = append(items, item)
	}
	return items
}

// ours are the credentials that we made. What was adopted is somebody else's: it is never changed and never removed.
func ours(all []integration.FederatedCredential) []integration.FederatedCredential {
	return slices.DeleteFunc(slices.Clone(all), func(f integration.FederatedCredential) bool { return f.Adopted })
}

// isRecordOf returns what reports whether a recorded or wanted credential has the name.
func isRecordOf(name string) func(integration.FederatedCredential) bool {
	return func(f integration.FederatedCredential) bool { return strings.EqualFold(f.Name, name) }
}

// learn records a credential, in place of the one for the same subject: a subject has one.
func learn(f integration.FederatedCredential) func(*integration.Status) {
	return func(st *integration.Status) {
		for i, known := range st.FederatedCredentials {
			if known.Subject == f.Subject || strings.EqualFold(known.Name, f.Name) {
				st.FederatedCredentials[i] = f
				return
			}
		}
		st.FederatedCredentials = append(st.FederatedCredentials, f)
	}
}

// forget takes a credential out of the record.
func forget(name string) func(*integration.Status) {
	return func(st *integration.Status) {
		st.FederatedCredentials = slices.DeleteFunc(slices.Clone(st.FederatedCredentials),
			func(f integration.FederatedCredential) bool { return strings.EqualFold(f.Name, name) })
	}
}

func words(d integration.Document, f integration.FederatedCredential) diagnosis.Context {
	c := d.Words()
	if f.Name != "" {
		c.Subject, c.Credential, c.Target = f.Subject, f.Name, f.Name
	}
	return c
}
