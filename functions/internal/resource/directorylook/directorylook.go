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
	byClient := f.byClientID(d.Status.ClientID)
	s := f.look(ctx, d, once, byClient, seen{})
	var object seen
	isNowhere := s.isUnseen()
	resource.Each(ctx, 2, func(ctx context.Context, i int) {
		switch {
		case i == 0 && !s.isManaged():
			s = f.look(ctx, d, resource.Confirm, byClient, s)
		case i == 1 && isNowhere: // the file may name an object: that shows while the second read waits
			object = f.look(ctx, d, twice, f.byObjectID(d.Status.ClientID), seen{})
		}
	})
	if s.isManaged() {
		return []resource.Item{f.principalItem(d, s)}, true
	}
	return []resource.Item{f.applicationItem(d, s, object), f.principalItem(d, s)},
		s.app.ID != "" || s.principal.ID != ""
}

// isUnseen reports whether the directory has told that neither part is there.
func (s seen) isUnseen() bool {
	return s.app.ID == "" && s.principal.ID == "" && s.appErr == nil && s.principalErr == nil
}

// isManaged reports whether it is a managed identity, which has no application.
func (s seen) isManaged() bool {
	return s.principal.ServicePrincipalType == graph.PrincipalManagedIdentity
}

// reads are the requests for both parts of an identity.
type reads struct {
	application func(context.Context) (graph.Application, error)
	principal   func(context.Context) (graph.ServicePrincipal, error)
}

func (f *Finder) byClientID(id string) reads {
	return reads{func(ctx context.Context) (graph.Application, error) {
		return f.graph.GetApplicationByAppID(ctx, id)
	}, func(ctx context.Context) (graph.ServicePrincipal, error) {
		return f.graph.GetServicePrincipalByAppID(ctx, id)
	}}
}

func (f *Finder) byObjectID(id string) reads {
	return reads{func(ctx context.Context) (graph.Application, error) { return f.graph.GetApplication(ctx, id) },
		func(ctx context.Context) (graph.ServicePrincipal, error) { return f.graph.GetServicePrincipal(ctx, id) }}
}

// finding is resource.Confirm, the read that it confirms, or both.
type finding func(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error)

func once(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error) {
	return resource.Find(ctx, requests, op, c, false, read)
}

func twice(ctx context.Context, requests policy.Requests, op policy.Operation, c diagnosis.Context,
	read func(context.Context) error) (bool, error) {
	return resource.Find(ctx, requests, op, c, true, read)
}

// look reads, side by side, the parts that are not seen yet.
func (f *Finder) look(ctx context.Context, d integration.Document, find finding, r reads, s seen) seen {
	resource.Each(ctx, 2, func(ctx context.Context, i int) {
		switch {
		case i == 0 && s.app.ID == "" && s.appErr == nil:
			_, s.appErr = find(ctx, f.requests, policy.LookApplication, d.Words(),
				func(ctx context.Context) (err error) {
					s.app, err = r.application(ctx)
					return err
				})
		case i == 1 && s.principal.ID == "" && s.principalErr == nil:
			_, s.principalErr = find(ctx, f.requests, policy.LookPrincipal, d.Words(),
				func(ctx context.Context) (err error) {
					s.principal, err = r.principal(ctx)
					return err
				})
		}
	})
	return s
}

func (f *Finder) applicationItem(d integration.Document, s, object seen) resource.Item {
	item := resource.Item{Name: itemApplication, Title: "The application exists and is enabled",
		Key: d.Status.ClientID, Target: d.Status.ClientID, State: resource.Missing,
		Code: diagnosis.CodeIdentityMissing, Context: d.Words(), Err: s.appErr}
	switch home := s.principal.AppOwnerOrganizationID; {
	case s.appErr != nil:
	case s.app.ID != "":
		item.State, item.Code, item.DisplayName = resource.Unchanged, "", s.app.DisplayName
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
		tellObjectID(d, object, &item)
	}
	return item
}

// tellObjectID tells the client id where the file has the id of an object in its place: Entra states the same of
// either mistake (diagnosis.md s.2a, AADSTS700016).
func tellObjectID(d integration.Document, object seen, item *resource.Item) {
	right, of := object.app.AppID, "application"
	if right == "" {
		right, of = object.principal.AppID, "service principal"
	}
	if right == "" {
		item.Err = cmp.Or(object.appErr, object.principalErr)
		return
	}
	item.Code = diagnosis.CodeClientIDIsObjectID
	item.Detail = "It is the object id of the " + of + " whose client id is " + right + "."
	item.Differences = []diagnosis.MemberDifference{{Member: "clientId", Want: right, Have: d.Status.ClientID,
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
