// Package directorylook looks up, in the directory, an identity that somebody else has made, by its client id: the
// application with its service principal, or the service principal of a managed identity. It belongs to neither kind,
// only reads, and needs a right in the directory.
package directorylook

import (
	"cmp"
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// The names of items. A service principal of a managed identity has no application.
const (
	itemApplication = "application"
	itemPrincipal   = "servicePrincipal"
	itemIdentity    = "managedIdentity"
)

// Finder finds identities in the directory. It is an identity.Finder.
type Finder struct {
	graph    *graph.Client
	requests policy.Requests
}

// New returns a finder.
func New(directory *graph.Client, requests policy.Requests) *Finder {
	return &Finder{graph: directory, requests: requests}
}

// seen is what one look has found; nothing of what was not found.
type seen struct {
	app          graph.Application
	principal    graph.ServicePrincipal
	appErr       error
	principalErr error
}

// Find implements identity.Finder. What others have set beside is not told: all of it is theirs.
func (f *Finder) Find(ctx context.Context, d integration.Document) ([]resource.Item, bool) {
	s := f.look(ctx, d, func(ctx context.Context) (graph.Application, error) {
		return f.graph.GetApplicationByAppID(ctx, d.Status.ClientID)
	}, func(ctx context.Context) (graph.ServicePrincipal, error) {
		return f.graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
	})
	principal := f.principalItem(d, s)
	if s.principal.ServicePrincipalType == graph.PrincipalManagedIdentity {
		return []resource.Item{principal}, true
	}
	return []resource.Item{f.applicationItem(ctx, d, s), principal}, s.app.ID != "" || s.principal.ID != ""
}

// look reads both side by side.
func (f *Finder) look(ctx context.Context, d integration.Document,
	readApplication func(context.Context) (graph.Application, error),
	readPrincipal func(context.Context) (graph.ServicePrincipal, error)) seen {
	var s seen
	resource.Each(ctx, 2, func(ctx context.Context, i int) {
		if i == 0 {
			_, s.appErr = resource.Find(ctx, f.requests, policy.LookApplication, d.Words(), true,
				func(ctx context.Context) (err error) {
					s.app, err = readApplication(ctx)
					return err
				})
			return
		}
		_, s.principalErr = resource.Find(ctx, f.requests, policy.LookPrincipal, d.Words(), true,
			func(ctx context.Context) (err error) {
				s.principal, err = readPrincipal(ctx)
				return err
			})
	})
	return s
}

func (f *Finder) applicationItem(ctx context.Context, d integration.Document, s seen) resource.Item {
	item := resource.Item{Name: itemApplication, Title: "The application exists and is enabled",
		Key: d.Status.ClientID, Target: d.Status.ClientID, State: resource.Missing,
		Code: diagnosis.CodeIdentityMissing, Context: d.Words(), Err: s.appErr}
	switch home := s.principal.AppOwnerOrganizationID; {
	case s.appErr != nil:
	case s.app.ID != "":
		item.State, item.Code = resource.Unchanged, ""
		tellDisablings(&item, s.app.Disablings())
		item.Learn = func(st *integration.Status) {
			st.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityApplication, Key: s.app.UniqueName,
				ID: s.app.ID})
		}
	case s.principal.ID != "" && home != "" && home != d.Spec.TenantID:
		item.Code = diagnosis.CodeDirectoryNotReadable
		item.Detail = "The application is registered in the tenant " + home +
			": it and its federated credentials are " +
			"seen there alone."
	case s.principalErr != nil: // it may be registered elsewhere, or be named by the id of an object
		item.Err = s.principalErr
	case s.principal.ID == "":
		f.tellObjectID(ctx, d, &item)
	}
	return item
}

// tellObjectID tells the client id where the file has the id of an object in its place: Entra states the same of
// either mistake (diagnosis.md s.2a, AADSTS700016).
func (f *Finder) tellObjectID(ctx context.Context, d integration.Document, item *resource.Item) {
	id := d.Status.ClientID
	s := f.look(ctx, d, func(ctx context.Context) (graph.Application, error) {
		return f.graph.GetApplication(ctx, id)
	},
		func(ctx context.Context) (graph.ServicePrincipal, error) { return f.graph.GetServicePrincipal(ctx, id) })
	right, of := s.app.AppID, "application"
	if right == "" {
		right, of = s.principal.AppID, "service principal"
	}
	if right == "" {
		item.Err = cmp.Or(s.appErr, s.principalErr)
		return
	}
	item.Code = diagnosis.CodeClientIDIsObjectID
	item.Detail = "It is the object id of the " + of + " whose client id is " + right + "."
	item.Differences = []diagnosis.MemberDifference{{Member: "clientId", Want: right, Have: id,
		Owner: diagnosis.OwnerOther}}
}

func (f *Finder) principalItem(d integration.Document, s seen) resource.Item {
	item := resource.Item{Name: itemPrincipal, Title: "The service principal exists and is enabled",
		Key: d.Status.ClientID, Target: d.Status.ClientID, Needs: itemApplication, State: resource.Missing,
		Code: diagnosis.CodeServicePrincipalMissing, Context: d.Words(), Err: s.principalErr}
	if s.principalErr != nil || s.principal.ID == "" {
		return item
	}
	isManaged := s.principal.ServicePrincipalType == graph.PrincipalManagedIdentity
	if isManaged {
		item.Name, item.Title, item.Needs = itemIdentity, "The managed identity exists and is enabled", ""
	}
	// whatever was recorded: one that was made anew is as good
	item.State, item.Code = resource.Unchanged, ""
	tellDisablings(&item, s.principal.Disablings())
	item.Learn = func(st *integration.Status) {
		st.ServicePrincipalID = s.principal.ID
		if isManaged {
			st.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged})
		}
	}
	return item
}

// List implements identity.Finder. The credentials of a managed identity are in its resource group, which the
// directory knows nothing of.
func (f *Finder) List(ctx context.Context, d integration.Document) (credentials []resource.Credential, isIts bool,
	err error) {
	if d.Status.Identity.Kind == integration.IdentityManaged || d.Status.Identity.ID == "" {
		return nil, false, nil
	}
	var all []graph.FederatedCredential
	_, err = resource.Find(ctx, f.requests, policy.LookCredentials, d.Words(), true,
		func(ctx context.Context) (err error) {
			all, err = f.graph.ListFederatedCredentials(ctx, d.Status.Identity.ID)
			return err
		})
	for _, one := range all {
		credentials = append(credentials, resource.Credential{ID: one.ID, Name: one.Name, Issuer: one.Issuer,
			Subject: one.Subject, Audiences: one.Audiences, Description: one.Description,
			Expression: one.Expression()})
	}
	return credentials, true, err
}

// tellDisablings tells what ends the issue of tokens.
func tellDisablings(item *resource.Item, all []graph.Disabling) {
	for _, one := range all {
		item.Code = diagnosis.CodeClientDisabled
		item.Differences = append(item.Differences, diagnosis.MemberDifference{Member: one.Member, Want: one.Unset,
			Have: one.Have, Owner: diagnosis.OwnerOther})
	}
}
