// Package application is the identity of an integration as an Entra application with its service principal, both
// written by Microsoft Graph. It also keeps the federated credentials of an application, for package trust. Nothing
// outside of it knows of unique names, object ids of applications and the directory's recycle bin.
package application

import (
	"context"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// The names of the kind's items.
const (
	itemApplication = "application"
	itemPrincipal   = "servicePrincipal"
)

// tagOwner marks every object that this product made.
const tagOwner = "managed-by:ddoe-wif"

// audience is the signInAudience of the applications: the wider ones are throttled harder and refused by some tenants.
const audience = "AzureADMyOrg"

// tags mark an application and its service principal as ours and as this integration's.
func tags(id string) []string { return []string{tagOwner, "integration:" + id} }

// Kind is the application with its service principal.
type Kind struct {
	resource.IdentityPlace
	graph    *graph.Client
	requests policy.Requests
	instance string
	self     Self
}

// Self tells who this service is in the directory: the object id of its service principal, and its app roles. The
// error is about its token.
type Self func(ctx context.Context) (principalID string, roles []string, err error)

// New returns the kind. instance is the short id of the deployment, part of each unique name. self is asked where an
// application of somebody else is taken over.
func New(directory *graph.Client, requests policy.Requests, instance string, self Self) *Kind {
	return &Kind{graph: directory, requests: requests, instance: instance, self: self}
}

// UniqueName is the key of the application of an integration.
func (k *Kind) UniqueName(d integration.Document) string {
	if d.Status.Identity.Key != "" {
		return d.Status.Identity.Key
	}
	return "ddoe-wif-" + k.instance + "-" + d.ID
}

// key is what the application of an integration is found by.
func (k *Kind) key(d integration.Document) string {
	if d.Status.Identity.IsTaken {
		return d.Status.Identity.ID
	}
	return k.UniqueName(d)
}

// get reads the application of an integration by its key.
func (k *Kind) get(ctx context.Context, d integration.Document, more ...string) (graph.Application, error) {
	if d.Status.Identity.IsTaken {
		return k.graph.GetApplication(ctx, d.Status.Identity.ID, more...)
	}
	return k.graph.GetApplicationByUniqueName(ctx, k.UniqueName(d), more...)
}

// Observe implements resource.Kind.
func (k *Kind) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart {
		return nil
	}
	if v.Fresh {
		return []resource.Item{k.missingApplication(v), k.missingPrincipal(v)}
	}
	items := make([]resource.Item, 2)
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		if i == 0 {
			items[i] = k.observeApplication(ctx, v)
			return
		}
		items[i] = k.observePrincipal(ctx, v)
	})
	isTheirs := items[0].State == resource.Foreign || items[0].State == resource.Extra
	if app, ok := items[0].Data.(graph.Application); ok && app.AppID != "" &&
		app.AppID != v.Document.Status.ClientID && !isTheirs {
		learnApplication(app)(&v.Document.Status)
		// another application, or one that was not recorded, has another service principal
		items[1] = k.observePrincipal(ctx, v)
	}
	if v.Ending && v.Document.Status.ClientID == "" { // a service principal has an application
		items[1].IsAbsent = items[0].IsAbsent
	}
	return items
}

func (k *Kind) missingApplication(v resource.View) resource.Item {
	return resource.Item{Name: itemApplication, Title: "The application exists", Key: k.key(v.Document),
		Target: v.Document.Spec.DisplayName,
		State:  resource.Missing, Code: diagnosis.CodeIdentityMissing, Context: words(v.Document),
		Learn: func(st *integration.Status) {
			st.Identity.Kind = integration.IdentityApplication
		}}
}

func (k *Kind) missingPrincipal(v resource.View) resource.Item {
	return resource.Item{Name: itemPrincipal, Title: "The service principal exists and is enabled",
		Key: v.Document.Status.ClientID, Target: v.Document.Spec.DisplayName, Needs: itemApplication,
		State: resource.Missing, Code: diagnosis.CodeServicePrincipalMissing, Context: words(v.Document)}
}

func (k *Kind) observeApplication(ctx context.Context, v resource.View) resource.Item {
	item, st := k.missingApplication(v), v.Document.Status
	app, found, err := k.find(ctx, v.Document, st.Identity.ID != "" || v.Ending, certificates(v)...)
	switch {
	case err != nil:
		item.Err = err
	case !found && v.Ending:
		item.State = resource.Unwanted                   // by its id it can still be looked for, and purged
		item.IsAbsent = st.Identity.ID == "" || !v.Purge // else the recycle bin was not looked at
	case !found && st.Identity.ID != "":
		item.State = resource.Restorable // it may be in the recycle bin
	case !found:
	case !isOurs(app, v.Document):
		item.State, item.Code = resource.Foreign, diagnosis.CodeApplicationForeign
		if v.Ending {
			item.State = resource.Extra
		}
	case v.Ending:
		item.State, item.Code = resource.Unwanted, ""
		item.Learn = learnApplication(app)
	default:
		compareApplication(&item, v.Document, app)
	}
	item.Data = app
	return item
}

// find reads the application. known means that one was there, so that one answer that there is none decides nothing.
func (k *Kind) find(ctx context.Context, d integration.Document, known bool,
	more ...string) (graph.Application, bool, error) {
	var app graph.Application
	found, err := resource.Find(ctx, k.requests, policy.ApplicationGet, words(d), known,
		func(ctx context.Context) error {
			var err error
			app, err = k.get(ctx, d, more...)
			return err
		})
	return app, found, err
}

// isOurs reports whether an application under our unique name is the one that was made, or bears our marks.
func isOurs(app graph.Application, d integration.Document) bool {
	return d.Status.Identity.ID != "" && app.ID == d.Status.Identity.ID || hasTags(app, d.ID)
}

func hasTags(app graph.Application, id string) bool {
	return !slices.ContainsFunc(tags(id), func(tag string) bool { return !slices.Contains(app.Tags, tag) })
}

func compareApplication(item *resource.Item, d integration.Document, app graph.Application) {
	item.State, item.Code = resource.Unchanged, ""
	st := d.Status
	differ := func(member, want, have string) {
		item.State, item.Code = resource.Different, diagnosis.CodeApplicationChanged
		item.Differences = append(item.Differences, diagnosis.MemberDifference{Member: member, Want: want, Have: have,
			Owner: diagnosis.OwnerOurs})
	}
	if app.DisplayName != d.Spec.DisplayName {
		differ("displayName", d.Spec.DisplayName, app.DisplayName)
	}
	if app.SignInAudience != audience {
		differ("signInAudience", audience, app.SignInAudience)
	}
	if !hasTags(app, d.ID) {
		differ("tags", joined(tags(d.ID)), joined(app.Tags))
	}
	if st.ClientID != "" && st.ClientID != app.AppID {
		differ("appId", st.ClientID, app.AppID)
		item.Code = diagnosis.CodeApplicationReplaced
	}
	tellMembersOfOthers(item, app)
	item.Learn = learnApplication(app)
}

// learnApplication saves the ids. Another application has another service principal, and credentials of its own.
func learnApplication(app graph.Application) func(*integration.Status) {
	return func(st *integration.Status) {
		if st.Identity.ID == app.ID && st.ClientID == app.AppID || app.ID == "" {
			return
		}
		if st.Identity.ID != app.ID {
			st.ServicePrincipalID, st.FederatedCredentials, st.Identity.IsTaken = "", nil, false
		}
		st.Identity.Kind, st.Identity.ID, st.ClientID = integration.IdentityApplication, app.ID, app.AppID
	}
}

func (k *Kind) observePrincipal(ctx context.Context, v resource.View) resource.Item {
	item, st := k.missingPrincipal(v), v.Document.Status
	if st.ClientID == "" {
		if v.Ending {
			item.State = resource.Unwanted
		}
		return item
	}
	var principal graph.ServicePrincipal
	found, err := resource.Find(ctx, k.requests, policy.PrincipalGet, words(v.Document), st.ServicePrincipalID != "",
		func(ctx context.Context) error {
			var err error
			principal, err = k.graph.GetServicePrincipalByAppID(ctx, st.ClientID, certificates(v)...)
			return err
		})
	item.Data = principal
	switch {
	case err != nil:
		item.Err = err
	case v.Ending:
		item.State, item.Code = resource.Unwanted, ""
		item.IsAbsent = !found && st.ServicePrincipalID != "" && !v.Purge
		item.Learn = learnPrincipal(principal)
	case found:
		comparePrincipal(&item, st, principal)
	case st.ServicePrincipalID != "":
		item.State = resource.Restorable // it may be in the recycle bin
	}
	return item
}

func comparePrincipal(item *resource.Item, st integration.Status, principal graph.ServicePrincipal) {
	item.State, item.Code = resource.Unchanged, ""
	tellLogins(item, principal.LoginCredentials)
	if disabled := principal.Disablings(); len(disabled) > 0 { // an administrator's decision: it is told, and kept
		item.Code = diagnosis.CodeClientDisabled
		tellDisablings(item, disabled)
	}
	if st.ServicePrincipalID != "" && st.ServicePrincipalID != principal.ID {
		item.Code = diagnosis.CodeServicePrincipalReplaced
		item.Differences = append(item.Differences, diagnosis.MemberDifference{Member: "id",
			Want: st.ServicePrincipalID, Have: principal.ID, Owner: diagnosis.OwnerOurs})
	}
	item.Learn = learnPrincipal(principal)
}

func learnPrincipal(principal graph.ServicePrincipal) func(*integration.Status) {
	return func(st *integration.Status) {
		if principal.ID != "" {
			st.ServicePrincipalID = principal.ID
		}
	}
}

// words are what the texts of a diagnosis are filled with.
func words(d integration.Document) diagnosis.Context { return d.Words() }

func joined(values []string) string { return strings.Join(values, " ") }
