package world

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
)

const mine = IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"

// TestTheAppsIdentityIsOne: it is a managed identity like those that the app makes, with a service principal.
func TestTheAppsIdentityIsOne(t *testing.T) {
	w, _ := newSeeded(t)
	u, ok := w.UserAssignedIdentityByClientID(AppClientID)
	require.True(t, ok)
	assert.Equal(t, deployment.Example().Identity.ID, u.ID)
	assert.Equal(t, AppPrincipalID, u.PrincipalID)
	assert.Equal(t, TenantID, u.TenantID)
	_, ok = w.ServicePrincipal(AppPrincipalID)
	assert.True(t, ok)
	_, ok = w.Resource(u.ID)
	assert.False(t, ok, "one place has it")
}

// TestIdentitiesByHand changes identities and credentials as a person would, and looks at what depends on them.
func TestIdentitiesByHand(t *testing.T) {
	const identities, credentials = "userAssignedIdentities", "userAssignedIdentityCredentials"
	const trust = mine + "/federatedIdentityCredentials/trust"
	for name, tc := range map[string]struct {
		kind, id, body string
		want           error
		fault          string // member of a faulty body
	}{
		"by name":              {identities, "other", `{}`, nil, ""},
		"without its slash":    {identities, mine[1:], `{}`, nil, ""},
		"client id of the app": {identities, "other", `{"clientId":"` + AppClientID + `"}`, ErrExists, ""},
		"principal of the app": {identities, "other",
			`{"principalId":"` + AppPrincipalID + `"}`, ErrExists, ""},
		"takes the app's client id": {identities, "mine", `{"clientId":"` + AppClientID + `"}`, ErrExists, ""},
		"other id":                  {identities, "mine", `{"id":"/other"}`, nil, "id"},
		"other name":                {identities, "mine", `{"name":"other"}`, nil, "name"},
		"second trust": {credentials, mine + "/federatedIdentityCredentials/new",
			`{"issuer":"j"}`, nil, ""},
		"same trust": {credentials, mine + "/federatedIdentityCredentials/new",
			`{"issuer":"i","subject":"s"}`, ErrCredentialPairTaken, ""},
		"same trust, same credential": {credentials, trust, `{"issuer":"i","subject":"s"}`, nil, ""},
		"of no identity": {credentials, mine + "-2/federatedIdentityCredentials/new",
			`{}`, ErrNotFound, ""},
		"of another identity": {credentials, trust, `{"identityId":"/other"}`, nil, "identityId"},
		"no credential":       {credentials, mine, `{}`, nil, "the path names no"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := newSeeded(t)
			w.PutUserAssignedIdentity(UserAssignedIdentity{ID: mine})
			_, _, err := w.PutUserAssignedIdentityCredential(
				UserAssignedIdentityCredential{IdentityID: mine, Name: "trust", Issuer: "i", Subject: "s"})
			require.NoError(t, err)
			before := w.Snapshot()
			err = w.PutObject(tc.kind, tc.id, []byte(tc.body))
			switch {
			case tc.fault != "":
				require.ErrorContains(t, err, tc.fault)
			default:
				require.ErrorIs(t, err, tc.want)
			}
			if err != nil {
				assert.Equal(t, before, w.Snapshot())
			}
		})
	}
}

func TestIdentityChangedByHand(t *testing.T) {
	w, _ := newSeeded(t)
	made, _ := w.PutUserAssignedIdentity(UserAssignedIdentity{ID: mine, Tags: map[string]string{"a": "b"}})
	_, _, err := w.PutUserAssignedIdentityCredential(UserAssignedIdentityCredential{IdentityID: mine, Name: "trust"})
	require.NoError(t, err)

	require.NoError(t, w.PutObject("userAssignedIdentities", "mine", []byte(`{"tags":{"c":"d"}}`)))
	same, _ := w.UserAssignedIdentity(mine)
	assert.Equal(t, made.ClientID, same.ClientID, "ids stay where the body has none")
	assert.Equal(t, map[string]string{"c": "d"}, same.Tags)

	require.NoError(t, w.PutObject("userAssignedIdentities", "mine", []byte(`{"principalId":"p","clientId":"c"}`)))
	_, ok := w.ServicePrincipal(made.PrincipalID)
	assert.False(t, ok, "the old service principal is gone")
	sp, ok := w.ServicePrincipalByAppID("c")
	assert.True(t, ok)
	assert.Equal(t, "p", sp.ID)
	_, ok = w.UserAssignedIdentityByClientID(made.ClientID)
	assert.False(t, ok)
	assert.Len(t, w.UserAssignedIdentityCredentials(mine), 1)

	require.NoError(t, w.DeleteObject("userAssignedIdentityCredentials", mine+"/federatedIdentityCredentials/trust"))
	require.ErrorIs(t,
		w.DeleteObject("userAssignedIdentityCredentials", mine+"/federatedIdentityCredentials/trust"), ErrNotFound)
	require.NoError(t, w.DeleteObject("userAssignedIdentities", "mine"))
	require.ErrorIs(t, w.DeleteObject("userAssignedIdentities", "mine"), ErrNotFound)
	_, ok = w.ServicePrincipal("p")
	assert.False(t, ok)
}

// TestIdentitiesShareNothing changes what was handed in and out.
func TestIdentitiesShareNothing(t *testing.T) {
	w, _ := newSeeded(t)
	tags, audiences := map[string]string{"k": "kept"}, []string{"kept"}
	u, _ := w.PutUserAssignedIdentity(UserAssignedIdentity{ID: mine, Tags: tags})
	c, _, err := w.PutUserAssignedIdentityCredential(
		UserAssignedIdentityCredential{IdentityID: mine, Name: "trust", Audiences: audiences})
	require.NoError(t, err)
	before := w.Snapshot()
	tags["k"], u.Tags["k"], audiences[0], c.Audiences[0] = "x", "x", "x", "x"
	w.UserAssignedIdentityCredentials(mine)[0].Audiences[0] = "x"
	for _, visible := range append(w.UserAssignedIdentities(), w.Snapshot().UserAssignedIdentities...) {
		visible.Tags["k"] = "x"
	}
	assert.Equal(t, before, w.Snapshot())
}
