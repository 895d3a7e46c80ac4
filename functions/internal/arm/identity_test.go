package arm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
)

const (
	identityGroup = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/identities"
	identityURL   = "https://management.azure.com" + identityGroup +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-1"
	identityAnswer = `{"id": "the-id", "location": "westeurope", "tags": {"a": "b"}, "properties": {"clientId": "c",` +
		` "principalId": "p"}}`
	identityQuery = "?api-version=2024-11-30"
)

func TestIdentityRequests(t *testing.T) {
	t.Parallel()
	id := arm.IdentityID(identityGroup, "id-1")
	client, s := newClient(t, answer{status: 201, body: identityAnswer}, answer{status: 200, body: identityAnswer},
		answer{status: 200, body: identityAnswer}, answer{status: 200}, answer{status: 204},
		answer{status: 404, body: errorJSON("ParentResourceNotFound", "x")})
	u, created, err := client.PutIdentity(t.Context(), arm.Identity{ID: id, Location: "westeurope",
		Tags: map[string]string{"a": "b"}})
	require.NoError(t, err)
	assert.Equal(t, arm.Write{Outcome: arm.OutcomeCreated, RequestID: "request-1"}, created)
	assert.Equal(t, []string{"the-id", "westeurope", "c", "p", "b"}, []string{u.ID, u.Location, u.Properties.ClientID,
		u.Properties.PrincipalID, u.Tags["a"]})
	_, again, err := client.PutIdentity(t.Context(), arm.Identity{ID: id, Location: "westeurope"})
	require.NoError(t, err)
	assert.Equal(t, arm.OutcomeUnchanged, again.Outcome)
	read, err := client.GetIdentity(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, u, read)
	for _, want := range []arm.Outcome{arm.OutcomeDeleted, arm.OutcomeAbsent} {
		gone, err := client.DeleteIdentity(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, want, gone.Outcome)
	}
	_, err = client.DeleteIdentity(t.Context(), id)
	assert.True(t, isNotFound(err), "%v", err)
	got := s.requests()
	assert.JSONEq(t, fmt.Sprintf(`{"id": %q, "location": "westeurope", "tags": {"a": "b"}}`, id), got[0].body)
	for i, method := range []string{"PUT", "PUT", "GET", "DELETE", "DELETE", "DELETE"} {
		assert.Equal(t, method+" "+identityURL+identityQuery, got[i].method+" "+got[i].url)
	}
}

// TestAnIdentityWithoutIds is no identity: 200 alone proves nothing.
func TestAnIdentityWithoutIds(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, answer{status: 200, body: `{"id": "x"}`})
	_, err := client.GetIdentity(t.Context(), arm.IdentityID(identityGroup, "id-1"))
	var faulty *arm.Error
	require.ErrorAs(t, err, &faulty)
	assert.Equal(t, 200, faulty.StatusCode)
}

func TestListIdentities(t *testing.T) {
	t.Parallel()
	client, s := newClient(t, answer{status: 200, body: `{"value": [` + identityAnswer + `], "nextLink": "` +
		identityURL + `?page=2"}`}, answer{status: 200, body: `{"value": []}`}, answer{status: 200, body: `{}`})
	all, err := client.ListIdentities(t.Context(), identityGroup)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, []string{"the-id", "c", "p"}, []string{all[0].ID, all[0].Properties.ClientID,
		all[0].Properties.PrincipalID})
	_, err = client.ListIdentities(t.Context(), identityGroup)
	require.Error(t, err, "an answer without a list is no empty list")
	got := s.requests()
	assert.Equal(t, "GET "+strings.TrimSuffix(identityURL, "/id-1")+identityQuery, got[0].method+" "+got[0].url)
	assert.Equal(t, "GET "+identityURL+"?page=2", got[1].method+" "+got[1].url)
}

func TestIdentityCredentialRequests(t *testing.T) {
	t.Parallel()
	id := arm.IdentityID(identityGroup, "id-1")
	page := func(name, next string) string {
		return fmt.Sprintf(`{"value": [{"id": "the-id", "name": %q, "properties": {"issuer": "i", "subject": "s", `+
			`"audiences": ["a"]}}], "nextLink": %q}`, name, next)
	}
	client, s := newClient(t, answer{status: 201, body: `{"id": "the-id"}`},
		answer{status: 200, body: page("one", identityURL+"?page=2")},
		answer{status: 200, body: page("two", "")}, answer{status: 200}, answer{status: 200, body: `{}`})
	f := arm.IdentityCredential{Name: "one"}
	f.Properties.Issuer, f.Properties.Subject, f.Properties.Audiences = "i", "s", []string{"a"}
	made, write, err := client.PutIdentityCredential(t.Context(), id, f)
	require.NoError(t, err)
	assert.Equal(t, []string{"the-id", "created"}, []string{made, string(write.Outcome)})
	all, err := client.ListIdentityCredentials(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, all, 2)
	f.ID = "the-id"
	assert.Equal(t, f, all[0])
	assert.Equal(t, "two", all[1].Name)
	_, err = client.DeleteIdentityCredential(t.Context(), id, "one")
	require.NoError(t, err)
	_, err = client.ListIdentityCredentials(t.Context(), id)
	require.Error(t, err, "an answer without a list is no empty list")
	credentials := identityURL + "/federatedIdentityCredentials"
	got := s.requests()
	assert.JSONEq(t, `{"name": "one", "properties": {"issuer": "i", "subject": "s", "audiences": ["a"]}}`, got[0].body)
	for i, want := range []string{"PUT " + credentials + "/one" + identityQuery, "GET " + credentials + identityQuery,
		"GET " + identityURL + "?page=2", "DELETE " + credentials + "/one" + identityQuery} {
		assert.Equal(t, want, got[i].method+" "+got[i].url)
	}
}
