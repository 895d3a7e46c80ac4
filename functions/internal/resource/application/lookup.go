package application

import (
	"cmp"
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// itemIdentity is the name of the item of a service principal that has no application.
const itemIdentity = "managedIdentity"

// Lookup looks up what somebody else has made by its client id: the application with its service principal, or the
// service principal of a managed identity. It is a resource.Looker.
type Lookup struct {
	resource.IdentityPlace
	graph    *graph.Client
	requests policy.Requests
}

// NewLookup returns the kind.
func NewLookup(directory *graph.Client, requests policy.Requests) *Lookup {
	return &Lookup{graph: directory, requests: requests}
}

// seen is what one look has found; nothing of what was not found.
type seen struct {
	app          graph.Application
	principal    graph.ServicePrincipal
	appErr       error
	principalErr error
}

// Observe implements resource.Looker. What others have set beside is not told: all of it is theirs.
func (l *Lookup) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart || v.Ending {
		return nil
	}
	d := v.Document
	s := l.look(ctx, d, func(ctx context.Context) (graph.Application, error) {
		return l.graph.GetApplicationByAppID(ctx, d.Status.ClientID)
	}, func(ctx context.Context) (graph.ServicePrincipal, error) {
		return l.graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
	})
	principal := l.principalItem(d, s)
	if s.principal.ServicePrincipalType == graph.PrincipalManagedIdentity {
		return []resource.Item{principal}
	}
	return []resource.Item{l.applicationItem(ctx, d, s), principal}
}

// look reads both side by side.
func (l *Lookup) look(ctx context.Context, d integration.Document,
	readApplication func(context.Context) (graph.Application, error),
	readPrincipal func(context.Context) (graph.ServicePrincipal, error)) seen {
	var s seen
	resource.Each(ctx, 2, func(ctx context.Context, i int) {
		if i == 0 {
			_, s.appErr = resource.Find(ctx, l.requests, policy.LookApplication, words(d), true,
				func(ctx context.Context) (err error) {
					s.app, err = readApplication(ctx)
					return err
				})
			return
		}
		_, s.principalErr = resource.Find(ctx, l.requests, policy.LookPrincipal, words(d), true,
			func(ctx context.Context) (err error) {
				s.principal, err = readPrincipal(ctx)
				return err
			})
	})
	return s
}

func (l *Lookup) applicationItem(ctx context.Context, d integration.Document, s seen) resource.Item {
	item := resource.Item{Name: itemApplication, Title: "The application exists and is enabled",
		Key: d.Status.ClientID, Target: d.Status.ClientID, State: resource.Missing,
		Code: diagnosis.CodeIdentityMissing, Context: words(d), Err: s.appErr}
	switch home := s.principal.AppOwnerOrganizationID; {
	case s.appErr != nil:
	case s.app.ID != "":
		item.State, item.Code = resource.Unchanged, ""
		tellDisabled(&item, s.app)
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
		l.tellObjectID(ctx, d, &item)
	}
	return item
}

// tellObjectID tells the client id where the file has the id of an object in its place: Entra states the same of
// either mistake (diagnosis.md s.2a, AADSTS700016).
func (l *Lookup) tellObjectID(ctx context.Context, d integration.Document, item *resource.Item) {
	id := d.Status.ClientID
	s := l.look(ctx, d, func(ctx context.Context) (graph.Application, error) {
		return l.graph.GetApplication(ctx, id)
	},
		func(ctx context.Context) (graph.ServicePrincipal, error) { return l.graph.GetServicePrincipal(ctx, id) })
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

func (l *Lookup) principalItem(d integration.Document, s seen) resource.Item {
	item := resource.Item{Name: itemPrincipal, Title: "The service principal exists and is enabled",
		Key: d.Status.ClientID, Target: d.Status.ClientID, Needs: itemApplication, State: resource.Missing,
		Code: diagnosis.CodeServicePrincipalMissing, Context: words(d), Err: s.principalErr}
	if s.principalErr != nil || s.principal.ID == "" {
		return item
	}
	isManaged := s.principal.ServicePrincipalType == graph.PrincipalManagedIdentity
	if isManaged {
		item.Name, item.Title, item.Needs = itemIdentity, "The managed identity exists and is enabled", ""
	}
	var st integration.Status // whatever was recorded: one that was made anew is as good
	comparePrincipal(&item, st, graph.ServicePrincipal{ID: s.principal.ID, AccountEnabled: s.principal.AccountEnabled})
	item.Learn = func(st *integration.Status) {
		st.ServicePrincipalID = s.principal.ID
		if isManaged {
			st.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged})
		}
	}
	return item
}

// List reads all credentials of the application that was looked up. Those of a managed identity are in its resource
// group, where this service has no right.
func (l *Lookup) List(ctx context.Context, d integration.Document) ([]resource.Credential, error) {
	if d.Status.Identity.Kind == integration.IdentityManaged {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDirectoryNotReadable,
			diagnosis.WithContext(words(d)), diagnosis.WithDetail("The federated credentials of a managed identity "+
				"are kept in its resource group, and this service sees those alone that it has made."))}
	}
	return list(ctx, l.graph, l.requests, policy.LookCredentials, d)
}

// tellDisabled tells that the application is disabled, and nothing else of what others have set.
func tellDisabled(item *resource.Item, app graph.Application) {
	app.LoginCredentials = graph.LoginCredentials{}
	tellMembersOfOthers(item, app)
}
