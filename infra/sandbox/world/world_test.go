package world

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// clock is a time that only the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }
func newSeeded(t *testing.T) (*World, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w := New(c.now)
	Seed(w)
	return w, c
}

func TestApplicationLifeKeepsUniqueNameUntilPurge(t *testing.T) {
	w, _ := newSeeded(t)
	app, err := w.CreateApplication(Application{UniqueName: "u", DisplayName: "U"}, AppPrincipalID)
	require.NoError(t, err)
	assert.NotEqual(t, app.ID, app.AppID)
	assert.Equal(t, []string{AppPrincipalID}, w.Owners(app.ID))
	sp, err := w.CreateServicePrincipal(ServicePrincipal{AppID: app.AppID, AccountEnabled: true}, "")
	require.NoError(t, err)
	_, err = w.CreateFederatedCredential(FederatedIdentityCredential{ApplicationID: app.ID, Name: "c", Issuer: "i",
		Subject: "s", Audiences: []string{"a"}})
	require.NoError(t, err)

	require.NoError(t, w.DeleteApplication(app.ID))
	assert.Len(t, w.DeletedItems(), 2, "application and service principal are two items")
	_, err = w.CreateApplication(Application{UniqueName: "u"}, "")
	require.ErrorIs(t, err, ErrUniqueNameTaken)

	_, err = w.RestoreDeletedItem(app.ID)
	require.NoError(t, err)
	assert.Len(t, w.FederatedCredentials(app.ID), 1, "credentials come back with the application")
	_, ok := w.ServicePrincipalByAppID(app.AppID)
	assert.False(t, ok, "the service principal does not come back by itself")
	_, err = w.RestoreDeletedItem(sp.ID)
	require.NoError(t, err)

	require.NoError(t, w.DeleteApplication(app.ID))
	require.NoError(t, w.PurgeDeletedItem(app.ID))
	again, err := w.CreateApplication(Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	assert.NotEqual(t, app.ID, again.ID)
}

// TestNothingIsShared changes everything that was handed in or out and looks whether the world noticed.
func TestNothingIsShared(t *testing.T) {
	w, _ := newSeeded(t)
	tags := []string{"kept"}
	app, err := w.CreateApplication(Application{UniqueName: "u", Tags: tags}, AppPrincipalID)
	require.NoError(t, err)
	sp, err := w.CreateServicePrincipal(ServicePrincipal{AppID: app.AppID}, "")
	require.NoError(t, err)
	fic, err := w.CreateFederatedCredential(FederatedIdentityCredential{ApplicationID: app.ID, Name: "n",
		Audiences: []string{"kept"}})
	require.NoError(t, err)
	require.NoError(t, w.PutDDOEObject(dataloop.Integrations,
		dataloop.Object{"id": "i", "nested": dataloop.Object{"a": []any{"kept"}}}))
	_, err = w.WriteBlob(DataAccount, "images", Blob{Name: "b", Metadata: map[string]string{"k": "kept"}})
	require.NoError(t, err)
	before := w.Snapshot()

	tags[0], app.Tags[0], sp.Tags[0], fic.Audiences[0] = "x", "x", "x", "x"
	w.Owners(app.ID)[0], w.AppRoles(AppPrincipalID)[0] = "x", "x"
	for _, a := range w.Applications() {
		a.Tags[0] = "x"
	}
	for _, f := range w.FederatedCredentials(app.ID) {
		f.Audiences[0] = "x"
	}
	o, _ := w.DDOEObject(dataloop.Integrations, "i")
	o["nested"].(dataloop.Object)["a"].([]any)[0] = "x"
	account, _ := w.StorageAccount(DataAccount)
	account.Containers[0].Immutable = true
	blob, err := w.ReadBlob(DataAccount, "images", "b")
	require.NoError(t, err)
	blob.Metadata["k"] = "x"
	snapshot := w.Snapshot()
	snapshot.StorageAccounts[0].Containers[0].Blobs[0].Metadata["k"] = "x"
	snapshot.Applications[0].Tags[0] = "x"
	snapshot.Owners[0].Owners[0] = "x"

	assert.Equal(t, before, w.Snapshot())
}

func TestResetIsAFreshWorld(t *testing.T) {
	w, _ := newSeeded(t)
	seeded := w.Snapshot()
	old, err := w.WriteBlob(deployment.Example().State.Name, deployment.StateContainer, Blob{Name: "b"})
	require.NoError(t, err)
	_, err = w.CreateApplication(Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	w.SetTiming(Timing{RBACMS: 1})
	w.Reset()
	assert.Equal(t, Timing{}, w.Timing())
	fresh := w.Snapshot()
	assert.Equal(t, seeded.Applications, fresh.Applications)
	assert.Equal(t, seeded.ServicePrincipals, fresh.ServicePrincipals)
	assert.Equal(t, seeded.RoleAssignments, fresh.RoleAssignments)
	assert.Len(t, fresh.StorageAccounts, len(seeded.StorageAccounts))
	again, err := w.WriteBlob(deployment.Example().State.Name, deployment.StateContainer, Blob{Name: "b"})
	require.NoError(t, err)
	assert.NotEqual(t, old.ETag, again.ETag, "an ETag is never used twice")
}

// TestResetForgetsEveryKind: whatever part holds it, an object that was made is gone after a reset.
func TestResetForgetsEveryKind(t *testing.T) {
	objects := map[string]struct{ id, body string }{
		"tenants":                      {"t", `{"domain":"made.example"}`},
		"subscriptions":                {"s", `{}`},
		"resourceGroups":               {"/subscriptions/s/resourceGroups/g", `{}`},
		"resources":                    {"/subscriptions/s/resourceGroups/g/providers/p/t/r", `{}`},
		"owners":                       {"o", `{"owners":["p"]}`},
		"appRoles":                     {"p", `{"roles":["r"]}`},
		"applications":                 {"a", `{"uniqueName":"u"}`},
		"servicePrincipals":            {"p", `{"appId":"x"}`},
		"deletedItems":                 {"d", `{"application":{"uniqueName":"v"}}`},
		"federatedIdentityCredentials": {"f", `{"applicationId":"a","name":"n"}`},
		"roleAssignments":              {oneName, `{"scope":"/s","principalId":"p","roleDefinitionId":"r"}`},
		"denyAssignments":              {"n", `{"scope":"/s","actions":["*"]}`},
		"groups":                       {"g", `{"members":["p"]}`},
		"locks":                        {"l", `{"scope":"/s","level":"ReadOnly"}`},
		"storageAccounts":              {"acmenew", `{}`},
		"userAssignedIdentities":       {"made", `{}`},
		"userAssignedIdentityCredentials": {
			IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/made" +
				"/federatedIdentityCredentials/f", `{"issuer":"i","subject":"s"}`},
	}
	for _, kind := range dataloop.Kinds() {
		objects["ddoe."+kind] = struct{ id, body string }{"made", `{}`}
	}
	require.ElementsMatch(t, Kinds(), slices.Collect(maps.Keys(objects)))
	w, _ := newSeeded(t)
	seeded := withoutETags(w.Snapshot())
	for _, kind := range Kinds() { // applications come before their credentials
		before := w.Snapshot()
		require.NoError(t, w.PutObject(kind, objects[kind].id, []byte(objects[kind].body)), kind)
		require.NotEqual(t, before, w.Snapshot(), kind)
	}
	w.Reset()
	assert.Equal(t, seeded, withoutETags(w.Snapshot()))
	require.NoError(t, w.PutObject("applications", "a", []byte(`{}`)))
	assert.Empty(t, w.FederatedCredentials("a"), "the next application with this id trusts nobody")
	for _, name := range []string{"u", "v"} {
		_, err := w.CreateApplication(Application{UniqueName: name}, "")
		require.NoError(t, err, "uniqueNames are free")
	}
	_, _, err := w.PutRoleAssignment(rbac.RoleAssignment{Name: oneName, Scope: "/other", PrincipalID: "p"})
	require.NoError(t, err, "so are the names of role assignments")
}

// withoutETags leaves out what a reset does not bring back.
func withoutETags(s Snapshot) Snapshot {
	for _, a := range s.StorageAccounts {
		for _, c := range a.Containers {
			c.ETag = ""
		}
	}
	return s
}

func TestReplicationHidesNewObjectsFromDependants(t *testing.T) {
	w, c := newSeeded(t)
	w.SetTiming(Timing{ReplicationMS: 1000})
	app, err := w.CreateApplication(Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	_, ok := w.ApplicationByUniqueName("u")
	assert.True(t, ok, "reads are not late")
	_, err = w.CreateServicePrincipal(ServicePrincipal{AppID: app.AppID}, "")
	require.ErrorIs(t, err, ErrNoBackingApplication)
	fic := FederatedIdentityCredential{ApplicationID: app.ID, Name: "n"}
	_, err = w.CreateFederatedCredential(fic)
	require.ErrorIs(t, err, ErrNotReplicated)
	c.advance(time.Second)
	_, err = w.CreateFederatedCredential(fic)
	require.NoError(t, err)
	sp, err := w.CreateServicePrincipal(ServicePrincipal{AppID: app.AppID}, "")
	require.NoError(t, err)
	known, visible := w.PrincipalVisible(sp.ID)
	assert.True(t, known)
	assert.False(t, visible)
	c.advance(time.Second)
	_, visible = w.PrincipalVisible(sp.ID)
	assert.True(t, visible)
}

func TestChangedAtMovesWithTheTrustOnly(t *testing.T) {
	w, c := newSeeded(t)
	app, err := w.CreateApplication(Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	made, err := w.CreateFederatedCredential(FederatedIdentityCredential{ApplicationID: app.ID, Name: "n", Issuer: "i",
		Subject: "s"})
	require.NoError(t, err)
	c.advance(time.Second)
	same, err := w.UpdateFederatedCredential(app.ID, "n", func(f *FederatedIdentityCredential) error {
		f.Description = "d"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, made.ChangedAt, same.ChangedAt)
	changed, err := w.UpdateFederatedCredential(app.ID, made.ID, func(f *FederatedIdentityCredential) error {
		f.Subject = "t"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, made.ChangedAt.Add(time.Second), changed.ChangedAt)
}

// TestResetKeepsTheNamesOfTheOffer: they are part of the platform, not of what was done with it.
func TestResetKeepsTheNamesOfTheOffer(t *testing.T) {
	w, _ := newSeeded(t)
	w.RewordOffer()
	before := w.DDOEObjects(dataloop.AvailableIntegrations)
	w.Reset()
	assert.ElementsMatch(t, before, w.DDOEObjects(dataloop.AvailableIntegrations))
}
