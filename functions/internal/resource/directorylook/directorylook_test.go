package directorylook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/directorylook"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	objectID    = "aaaaaaaa-0000-4000-8000-000000000001"
	clientID    = "aaaaaaaa-0000-4000-8000-000000000002"
	principalID = "aaaaaaaa-0000-4000-8000-000000000003"
	strangerID  = "aaaaaaaa-0000-4000-8000-000000000004" // a client whose application is not here
	ofStranger  = "aaaaaaaa-0000-4000-8000-000000000005" // its service principal
	otherTenant = "99999999-9999-4999-8999-999999999999"
)

// directory is a tenant in which a person has registered an application, with its service principal.
type directory struct {
	t *testing.T
	*world.World
	services *cloud.Services
	finder   *directorylook.Finder
}

type token func(scope string) (string, time.Time, error)

func (t token) GetToken(_ context.Context, o azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	value, expires, err := t(o.Scopes[0])
	return azcore.AccessToken{Token: value, ExpiresOn: expires}, err
}

func newDirectory(t *testing.T) *directory {
	t.Helper()
	d := &directory{t: t, World: world.New(nil)}
	world.Seed(d.World)
	var err error
	d.services, err = cloud.NewServices(d.World, cloud.ServiceOptions{})
	require.NoError(t, err)
	issue := func(string) (string, time.Time, error) {
		return d.services.Authority.Issue(world.AppPrincipalID, "https://graph.microsoft.com")
	}
	client, err := graph.New(token(issue), &graph.Options{ClientOptions: azcore.ClientOptions{
		Transport: d.services.ByHost, Retry: azpolicy.RetryOptions{MaxRetries: -1}}})
	require.NoError(t, err)
	d.finder = directorylook.New(client, policy.Requests{Now: time.Now,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	d.put("applications", objectID, map[string]any{"appId": clientID, "uniqueName": "by-hand"})
	d.put("servicePrincipals", principalID, map[string]any{"appId": clientID, "accountEnabled": true,
		"servicePrincipalType": "Application"})
	return d
}

func (d *directory) put(sort, id string, object map[string]any) {
	d.t.Helper()
	body, err := json.Marshal(object)
	require.NoError(d.t, err)
	require.NoError(d.t, d.PutObject(sort, id, body))
}

// stranger adds the service principal of a client that has no application here.
func (d *directory) stranger(kind string) {
	d.put("servicePrincipals", ofStranger, map[string]any{"appId": strangerID, "accountEnabled": true,
		"servicePrincipalType": kind})
}

func (d *directory) remove(sort, id string) {
	d.t.Helper()
	require.NoError(d.t, d.DeleteObject(sort, id))
}

// document names the client that is looked for.
func document(client string) integration.Document {
	d := integration.Document{ID: "my-service", IsUnmanaged: true, Spec: integration.Spec{TenantID: world.TenantID}}
	d.Status.ClientID = client
	return d
}

// The items of a client that is well.
func application(client string) resource.Item {
	return resource.Item{Name: "application", Title: "The application exists and is enabled", Key: client,
		Target: client, State: resource.Unchanged, Context: document(client).Words()}
}

func principal(client string) resource.Item {
	return resource.Item{Name: "servicePrincipal", Title: "The service principal exists and is enabled", Key: client,
		Target: client, Needs: "application", State: resource.Unchanged, Context: document(client).Words()}
}

func missing(item resource.Item, code diagnosis.Code) resource.Item {
	item.State, item.Code = resource.Missing, code
	return item
}

func differing(item resource.Item, code diagnosis.Code, detail string,
	differences ...diagnosis.MemberDifference) resource.Item {
	item.Code, item.Detail, item.Differences = code, detail, differences
	return item
}

// theirs is a member that somebody else has set.
func theirs(member, want, have string) diagnosis.MemberDifference {
	return diagnosis.MemberDifference{Member: member, Want: want, Have: have, Owner: diagnosis.OwnerOther}
}

// made is what is learnt of the application.
var made = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID, Key: "by-hand"}

// situations are what the directory may have of a client, with the items of it and what is learnt.
var situations = map[string]struct {
	change    func(d *directory)
	client    string
	items     []resource.Item
	isFound   bool
	identity  integration.IdentityMade
	principal string
}{
	"all is well": {client: clientID, isFound: true, identity: made, principal: principalID,
		items: []resource.Item{application(clientID), principal(clientID)}},
	"nothing of that id": {client: otherTenant, items: []resource.Item{
		missing(application(otherTenant), diagnosis.CodeIdentityMissing),
		missing(principal(otherTenant), diagnosis.CodeServicePrincipalMissing)}},
	"no service principal": {change: func(d *directory) { d.remove("servicePrincipals", principalID) },
		client: clientID, isFound: true, identity: made, items: []resource.Item{application(clientID),
			missing(principal(clientID), diagnosis.CodeServicePrincipalMissing)}},
	"no application": {change: func(d *directory) { d.stranger("Application") }, client: strangerID,
		isFound: true, principal: ofStranger, items: []resource.Item{
			missing(application(strangerID), diagnosis.CodeIdentityMissing), principal(strangerID)}},
	"disabled twice": {change: func(d *directory) {
		d.put("applications", objectID, map[string]any{"appId": clientID, "uniqueName": "by-hand",
			"isDisabled": true, "disabledByMicrosoftStatus": "DisabledDueToViolationOfServicesAgreement"})
		d.put("servicePrincipals", principalID, map[string]any{"appId": clientID, "accountEnabled": false})
	}, client: clientID, isFound: true, identity: made, principal: principalID, items: []resource.Item{
		differing(application(clientID), diagnosis.CodeClientDisabled, "",
			theirs("disabledByMicrosoftStatus", "", "DisabledDueToViolationOfServicesAgreement"),
			theirs("isDisabled", "false", "true")),
		differing(principal(clientID), diagnosis.CodeClientDisabled, "",
			theirs("accountEnabled", "true", "false"))}},
	"the application's object id": {client: objectID, items: []resource.Item{
		differing(missing(application(objectID), ""), diagnosis.CodeClientIDIsObjectID,
			"It is the object id of the application whose client id is "+clientID+".",
			theirs("clientId", clientID, objectID)),
		missing(principal(objectID), diagnosis.CodeServicePrincipalMissing)}},
	"the service principal's object id": {client: principalID, items: []resource.Item{
		differing(missing(application(principalID), ""), diagnosis.CodeClientIDIsObjectID,
			"It is the object id of the service principal whose client id is "+clientID+".",
			theirs("clientId", clientID, principalID)),
		missing(principal(principalID), diagnosis.CodeServicePrincipalMissing)}},
}

// TestWhatTheDirectoryHas: each item whole, and what is learnt of it.
func TestWhatTheDirectoryHas(t *testing.T) {
	t.Parallel()
	for name, c := range situations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDirectory(t)
			if c.change != nil {
				c.change(d)
			}
			items, isFound := d.finder.Find(t.Context(), document(c.client))
			var learnt integration.Status
			resource.LearnAll(&learnt, items)
			for i := range items {
				items[i].Learn = nil
			}
			assert.Equal(t, c.items, items)
			assert.Equal(t, c.isFound, isFound)
			assert.Equal(t, c.identity, learnt.Identity)
			assert.Equal(t, c.principal, learnt.ServicePrincipalID)
		})
	}
}

// TestAnApplicationOfAnotherTenant is seen by its service principal alone.
func TestAnApplicationOfAnotherTenant(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	d.stranger("Application")
	guest := document(strangerID)
	guest.Spec.TenantID = otherTenant // the directory says that the application is of the sandbox's
	items, isFound := d.finder.Find(t.Context(), guest)
	assert.True(t, isFound)
	require.Len(t, items, 2)
	assert.Equal(t, diagnosis.CodeDirectoryNotReadable, items[0].Code)
	assert.Equal(t, "The application is registered in the tenant "+world.TenantID+
		": it and its federated credentials are seen there alone.", items[0].Detail)
	assert.Equal(t, resource.Unchanged, items[1].State)
}

// TestAManagedIdentityHasNoApplication, and its credentials are not in the directory.
func TestAManagedIdentityHasNoApplication(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	d.stranger("ManagedIdentity")
	items, isFound := d.finder.Find(t.Context(), document(strangerID))
	assert.True(t, isFound)
	require.Len(t, items, 1)
	var learnt integration.Status
	resource.LearnAll(&learnt, items)
	items[0].Learn = nil
	assert.Equal(t, resource.Item{Name: "managedIdentity", Title: "The managed identity exists and is enabled",
		Key: strangerID, Target: strangerID, State: resource.Unchanged, Context: document(strangerID).Words()},
		items[0])
	assert.Equal(t, integration.IdentityManaged, learnt.Identity.Kind)
	assert.Equal(t, ofStranger, learnt.ServicePrincipalID)
	known := document(strangerID)
	known.Status.Identity = integration.IdentityMade{Kind: integration.IdentityManaged, ID: objectID}
	all, isIts, err := d.finder.List(t.Context(), known)
	assert.NoError(t, err)
	assert.False(t, isIts)
	assert.Empty(t, all)
}

// TestCredentialsAreListedWhole, each of them; without an application there is nothing to ask.
func TestCredentialsAreListedWhole(t *testing.T) {
	t.Parallel()
	d := newDirectory(t)
	ids := []string{"dddddddd-0000-4000-8000-000000000001", "dddddddd-0000-4000-8000-000000000002"}
	for i, name := range []string{"first", "second"} {
		d.put("federatedIdentityCredentials", ids[i], map[string]any{"applicationId": objectID, "name": name,
			"issuer": "https://" + name + ".example.com", "subject": "subject of " + name, "description": "by hand",
			"audiences": []string{"audience of " + name}})
	}
	known := document(clientID)
	all, isIts, err := d.finder.List(t.Context(), known)
	assert.NoError(t, err)
	assert.False(t, isIts)
	assert.Empty(t, all)
	known.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
	all, isIts, err = d.finder.List(t.Context(), known)
	require.NoError(t, err)
	assert.True(t, isIts)
	of := func(i int, name string) resource.Credential {
		return resource.Credential{ID: ids[i], Name: name, Issuer: "https://" + name + ".example.com",
			Subject: "subject of " + name, Audiences: []string{"audience of " + name}, Description: "by hand"}
	}
	assert.ElementsMatch(t, []resource.Credential{of(0, "first"), of(1, "second")}, all)
}

// TestWhatCannotBeReadIsNotTold: a directory that answers nothing makes nothing of an identity known.
func TestWhatCannotBeReadIsNotTold(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]struct {
		path  string
		items []bool // whether each has an error
	}{
		"application": {"/v1.0/applications(appId='" + clientID + "')", []bool{true, false}},
		"principal":   {"/v1.0/servicePrincipals(appId='" + clientID + "')", []bool{false, true}},
		"credentials": {"/v1.0/applications/" + objectID + "/federatedIdentityCredentials", []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDirectory(t)
			next, hits := d.services.ByHost[cloud.GraphHost], 0
			d.services.ByHost[cloud.GraphHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != refused.path {
					next.ServeHTTP(w, r)
					return
				}
				hits++
				w.Header().Set("request-id", "refused")
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"error":{"code":"Authorization_RequestDenied","message":"x"}}`)) // a recorder
			})
			items, _ := d.finder.Find(t.Context(), document(clientID))
			known := document(clientID)
			known.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
			_, _, err := d.finder.List(t.Context(), known)
			assert.Equal(t, name == "credentials", err != nil)
			require.Positive(t, hits)
			require.Len(t, items, 2)
			for i, isRefused := range refused.items {
				assert.Equal(t, isRefused, items[i].Err != nil, "%v", items[i])
				if isRefused {
					assert.Equal(t, resource.Missing, items[i].State)
					assert.Nil(t, items[i].Learn)
				}
			}
		})
	}
}
