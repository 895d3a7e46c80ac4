// Package managedidentity is the identity of an integration as a user-assigned managed identity in a resource group,
// written by Azure Resource Manager, so that no right in the directory is needed. It also keeps the federated
// credentials of one, for package trust. Nothing outside of it knows of tags, of the rates of managed identities, and
// that they have no recycle bin.
package managedidentity

import (
	"context"
	"maps"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// itemIdentity is the name of the kind's only item.
const itemIdentity = "managedIdentity"

// tagMark is the tag by which a managed identity is known to be ours; its value tells of which integration. The tags
// of others stay.
const tagMark = "ddoe-wif"

// Kind is the managed identity.
type Kind struct {
	resource.IdentityPlace
	arm      *arm.Client
	requests policy.Requests
	instance string
	pace     *policy.Pace
}

// New returns the kind. instance is the short id of the deployment, part of each name.
func New(resources *arm.Client, requests policy.Requests, instance string) *Kind {
	return &Kind{arm: resources, requests: requests, instance: instance,
		pace: policy.NewPace(requests, policy.CredentialPace)}
}

// wanted is the identity that is recorded, else the one that the spec asks for. Its name has at most 68 characters:
// the instance has 8, an integration's id at most 50. Azure takes 3 to 128 letters, digits, hyphens and underscores.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
func (k *Kind) wanted(d integration.Document) integration.IdentityMade {
	if d.Status.Identity.Kind != "" {
		return d.Status.Identity
	}
	var spec integration.Identity
	if d.Spec.Identity != nil {
		spec = *d.Spec.Identity
	}
	return integration.IdentityMade{Kind: integration.IdentityManaged, Location: spec.Location,
		Key: arm.IdentityID(spec.ResourceGroup, "ddoe-wif-"+k.instance+"-"+d.ID)}
}

// mark is the value of the tag.
func (k *Kind) mark(d integration.Document) string { return k.instance + "/" + d.ID }

// isOurs reports whether an identity of our name is the one that was made, or bears our mark.
func (k *Kind) isOurs(u arm.Identity, d integration.Document) bool {
	return d.Status.ClientID != "" && u.Properties.ClientID == d.Status.ClientID || u.Tags[tagMark] == k.mark(d)
}

// Observe implements resource.Kind. It looks even where nothing was made yet: a write without a look would take an
// identity of somebody else's over, as Azure has no condition for it.
func (k *Kind) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart {
		return nil
	}
	d, wanted := v.Document, k.wanted(v.Document)
	item := resource.Item{Name: itemIdentity, Title: "The managed identity exists", Key: wanted.Key,
		Target: wanted.Key, State: resource.Missing, Code: diagnosis.CodeIdentityMissing,
		Context: words(d, wanted.Key)}
	found, answer, err := k.read(ctx, d, d.Status.ClientID != "" || v.Ending)
	there := answer == nil
	switch {
	case err != nil:
		item.Err = err
	case !there && v.Ending:
		item.State, item.IsAbsent = resource.Unwanted, true
	case policy.HasNoPlace(policy.ManagedIdentityGet, answer): // a write would be refused for it
		item.Err = policy.Fail(policy.ManagedIdentityGet, item.Context, answer)
	case !there:
		item.Learn = func(st *integration.Status) { st.LearnIdentity(wanted) }
		if d.Status.ClientID != "" {
			item.Detail = "It was deleted, and is made anew with another client id than " + d.Status.ClientID + "."
		}
	case !k.isOurs(found, d):
		item.State, item.Code = resource.Foreign, diagnosis.CodeManagedIdentityForeign
		if v.Ending {
			item.State = resource.Extra
		}
	case v.Ending:
		item.State, item.Code, item.Learn = resource.Unwanted, "", learn(wanted, found)
	default:
		k.compare(&item, d, wanted, found)
	}
	item.Data = found
	return []resource.Item{item}
}

// find reads the identity. known means that one was there, so that one answer that there is none decides nothing.
func (k *Kind) find(ctx context.Context, d integration.Document, known bool) (arm.Identity, bool, error) {
	found, absent, err := k.read(ctx, d, known)
	return found, absent == nil && err == nil, err
}

// read is find with Azure's answer that there is none, which may tell more.
func (k *Kind) read(ctx context.Context, d integration.Document, known bool) (found arm.Identity, absent,
	err error) {
	id := k.wanted(d).Key
	_, err = resource.Find(ctx, k.requests, policy.ManagedIdentityGet, words(d, id), known,
		func(ctx context.Context) error {
			found, absent = arm.Identity{}, nil
			u, err := k.arm.GetIdentity(ctx, id)
			if policy.IsNotThere(policy.ManagedIdentityGet, err) {
				absent = err
				return err
			}
			found = u
			return err
		})
	return found, absent, err
}

func (k *Kind) compare(item *resource.Item, d integration.Document, wanted integration.IdentityMade,
	found arm.Identity) {
	item.State, item.Code, item.Learn = resource.Unchanged, "", learn(wanted, found)
	differ := func(member, want, have string, owner diagnosis.Owner) {
		item.Differences = append(item.Differences,
			diagnosis.MemberDifference{Member: member, Want: want, Have: have, Owner: owner})
	}
	if have := found.Tags[tagMark]; have != k.mark(d) {
		item.State, item.Code = resource.Different, diagnosis.CodeManagedIdentityChanged
		differ("tags."+tagMark, k.mark(d), have, diagnosis.OwnerOurs)
	}
	if d.Status.ClientID != "" && d.Status.ClientID != found.Properties.ClientID {
		item.State, item.Code = resource.Different, diagnosis.CodeManagedIdentityReplaced
		item.Detail = "Its client id is " + found.Properties.ClientID + ", and was " + d.Status.ClientID + "."
		differ("clientId", d.Status.ClientID, found.Properties.ClientID, diagnosis.OwnerOurs)
	}
	if found.Location != wanted.Location { // somebody made it anew there; it cannot be moved
		differ("location", wanted.Location, found.Location, diagnosis.OwnerOther)
	}
}

// learn saves the ids. Another identity has another service principal, and credentials of its own; the client id that
// it replaces is kept for those who have to be told.
func learn(made integration.IdentityMade, u arm.Identity) func(*integration.Status) {
	return func(st *integration.Status) {
		made := made
		if st.ClientID != "" && st.ClientID != u.Properties.ClientID {
			made.FormerClientID, st.FederatedCredentials = st.ClientID, nil
		}
		st.LearnIdentity(made)
		st.ClientID, st.ServicePrincipalID = u.Properties.ClientID, u.Properties.PrincipalID
	}
}

// Apply implements resource.Kind. A write replaces all tags, so those of others are sent again.
func (k *Kind) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	results := make([]resource.Result, len(items))
	for i, item := range items {
		d, wanted := v.Document, k.wanted(v.Document)
		result := resource.Result{Item: item, Step: itemIdentity, StepTarget: wanted.Key,
			Began: k.requests.Now()}
		u := arm.Identity{ID: wanted.Key, Location: wanted.Location, Tags: map[string]string{}}
		if seen, ok := item.Data.(arm.Identity); ok && seen.ID != "" {
			u.Location = seen.Location
			maps.Copy(u.Tags, seen.Tags)
		}
		u.Tags[tagMark] = k.mark(d)
		var made arm.Identity
		var write arm.Write
		result.Err = k.requests.Do(ctx, policy.ManagedIdentityPut, words(d, u.ID), func(ctx context.Context) error {
			var err error
			made, write, err = k.arm.PutIdentity(ctx, u)
			return err
		})
		if result.Err == nil {
			result.RequestID, result.Learn = write.RequestID, learn(wanted, made)
			if result.Outcome = resource.OutcomeUpdated; write.Outcome == arm.OutcomeCreated {
				result.Outcome = resource.OutcomeCreated
			}
		}
		result.Ended = k.requests.Now()
		results[i] = result
	}
	return results
}

// Remove implements resource.Kind. Nothing of what is removed can be restored, so it is forgotten.
func (k *Kind) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	results := make([]resource.Result, len(items))
	for i, item := range items {
		d, id := v.Document, k.wanted(v.Document).Key
		result := resource.Result{Item: item, Step: itemIdentity + "-delete", StepTarget: id,
			Outcome: resource.OutcomeAbsent, Began: k.requests.Now()}
		isThere := func(ctx context.Context) (bool, error) {
			found, there, err := k.find(ctx, d, false)
			return there && k.isOurs(found, d), err
		}
		seen, _ := item.Data.(arm.Identity)
		result.Err = resource.UntilGone(ctx, k.requests, words(d, id), func(ctx context.Context) error {
			if seen.ID == "" { // whoever has the name now may be somebody else
				found, there, err := k.find(ctx, d, d.Status.ClientID != "")
				if err != nil || there && !k.isOurs(found, d) || !there && d.Status.ClientID == "" {
					return err
				}
			}
			var write arm.Write
			err := k.requests.Do(ctx, policy.ManagedIdentityDelete, words(d, id), func(ctx context.Context) error {
				var err error
				write, err = k.arm.DeleteIdentity(ctx, id)
				return err
			})
			seen = arm.Identity{}
			if write.Outcome == arm.OutcomeDeleted {
				result.Outcome, result.RequestID = resource.OutcomeDeleted, write.RequestID
			}
			return err
		}, isThere)
		if result.Err == nil {
			result.Learn = (*integration.Status).ForgetIdentity
		}
		result.Ended = k.requests.Now()
		results[i] = result
	}
	return results
}

// words are what the texts of a diagnosis are filled with.
func words(d integration.Document, id string) diagnosis.Context {
	c := d.Words()
	c.IdentityID = id
	return c
}
