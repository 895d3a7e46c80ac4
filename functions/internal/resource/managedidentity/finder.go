package managedidentity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Finder finds managed identities that somebody else has made in the resource group of ours. It is an identity.Finder,
// and asks Azure Resource Manager alone.
type Finder struct {
	kind  *Kind
	group string
}

// NewFinder returns a finder; without a resource group it asks nothing, and finds nothing.
func NewFinder(resources *arm.Client, requests policy.Requests, resourceGroupID string) *Finder {
	return &Finder{kind: New(resources, requests, ""), group: resourceGroupID}
}

// Find implements identity.Finder. An identity that is recorded is looked for where it was; one that was made anew
// under its name has another client id, and is another one.
func (f *Finder) Find(ctx context.Context, d integration.Document) ([]resource.Item, bool) {
	item := resource.Item{Name: itemIdentity, Title: "The managed identity exists", Key: d.Status.ClientID,
		Target: d.Status.ClientID, State: resource.Missing, Code: diagnosis.CodeIdentityMissing,
		Context: d.Words()}
	if made := d.Status.Identity; made.Kind == integration.IdentityManaged && made.Key != "" {
		item.Context = words(d, made.Key)
		found, there, err := f.kind.find(ctx, d, true)
		switch {
		case err != nil:
			item.Err = err
		case there && isClient(found, d):
			item.State, item.Code, item.Learn = resource.Unchanged, "", learn(made, found)
		case there:
			item.Detail = "The identity of this name has the client id " + found.Properties.ClientID + " now."
		}
		return []resource.Item{item}, true
	}
	found, err := f.findByClientID(ctx, d)
	if err != nil {
		item.Err = err
		return []resource.Item{item}, false
	}
	item.Context = words(d, found.ID)
	item.State, item.Code = resource.Unchanged, ""
	item.Learn = learn(integration.IdentityMade{Kind: integration.IdentityManaged, Key: found.ID,
		Location: found.Location}, found)
	return []resource.Item{item}, true
}

func isClient(u arm.Identity, d integration.Document) bool {
	return strings.EqualFold(u.Properties.ClientID, d.Status.ClientID)
}

// findByClientID lists the group. The error is a *policy.Failure, the context's, or tells that the identity is not
// there.
func (f *Finder) findByClientID(ctx context.Context, d integration.Document) (arm.Identity, error) {
	if recorded := d.Status.Identity.Kind; f.group == "" || recorded != "" && recorded != integration.IdentityManaged {
		return arm.Identity{}, f.notSeen(d)
	}
	k := f.kind
	var all []arm.Identity
	err := k.requests.Do(ctx, policy.ManagedIdentityList, d.Words(), func(ctx context.Context) (err error) {
		all, err = k.arm.ListIdentities(ctx, f.group)
		return err
	})
	if err != nil {
		return arm.Identity{}, err
	}
	i := slices.IndexFunc(all, func(u arm.Identity) bool { return isClient(u, d) })
	if i < 0 {
		return arm.Identity{}, f.notSeen(d)
	}
	return all[i], nil
}

// notSeen is the error of an identity that is not in the group: that proves nothing of it.
func (f *Finder) notSeen(d integration.Document) error {
	where := "IDENTITY_RESOURCE_GROUP names no resource group to look in."
	if f.group != "" {
		where = "There is none in " + f.group + "."
	}
	return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIdentityNotSeen, diagnosis.WithContext(d.Words()),
		diagnosis.WithDetail("%s", where))}
}

// explain tells of credentials that could not be looked for why that is.
func explain(err error) error {
	var notSeen *diagnosis.Error
	if !errors.As(err, &notSeen) || notSeen.Diagnosis.Code != diagnosis.CodeIdentityNotSeen {
		return err
	}
	told := *notSeen
	told.Diagnosis.Detail = "Federated credentials are kept in the identity's resource group. " + told.Diagnosis.Detail
	return &told
}

// List implements identity.Finder: the credentials of a managed identity are kept in its resource group.
func (f *Finder) List(ctx context.Context, d integration.Document) (all []resource.Credential, isIts bool, err error) {
	if d.Status.Identity.Kind != integration.IdentityManaged {
		return nil, false, nil
	}
	if d.Status.Identity.Key == "" {
		found, err := f.findByClientID(ctx, d)
		if err != nil {
			return nil, true, explain(err)
		}
		d.Status.Identity.Key = found.ID
	}
	all, err = f.kind.List(ctx, d)
	return all, true, err
}
