package functions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const nobodysClient = "aaaaaaaa-0000-4000-8000-0000000000ff"

// TestAnImportTellsNothingOfClientIDs: an id that another owner's integration has, one that somebody uses without the
// service, one of another object or tenant, and one that nobody has are answered alike, where the identity does not
// let the caller's subject in.
func TestAnImportTellsNothingOfClientIDs(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience})
	const unwatched, guest = "aaaaaaaa-0000-4000-8000-0000000000e1", "aaaaaaaa-0000-4000-8000-0000000000e2"
	a.make("applications", "aaaaaaaa-0000-4000-8000-0000000000e3", map[string]any{"appId": unwatched,
		"displayName": "of nobody here"})
	for id, principal := range map[string]map[string]any{
		"aaaaaaaa-0000-4000-8000-0000000000e4": {"appId": unwatched},
		"aaaaaaaa-0000-4000-8000-0000000000e5": {"appId": guest,
			"appOwnerOrganizationId": "99999999-9999-4999-8999-999999999999"},
		"aaaaaaaa-0000-4000-8000-0000000000e6": {"appId": managedClient, "servicePrincipalType": "ManagedIdentity"},
	} {
		if principal["servicePrincipalType"] == nil {
			principal["servicePrincipalType"] = "Application"
		}
		principal["accountEnabled"] = true
		a.make("servicePrincipals", id, principal)
	}
	require.Equal(t, 201, as(a, first, "POST", "/integrations/imported/import", handImport).StatusCode)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/of-finance", financeSpec).StatusCode)
	a.deliver()
	made, _ := as(a, first, "GET", "/integrations/of-finance", "").at("status", "clientId").(string)
	require.NotEmpty(t, made)

	asked := func(clientID string) string {
		body := strings.Replace(handImport, handClient, clientID, 1)
		got := as(a, second, "POST", "/integrations/mine/import", strings.Replace(body, "my-service", "mine", 1))
		assert.Equal(t, 403, got.StatusCode, got.raw)
		assert.Equal(t, "not-allowed", got.at("code"), got.raw)
		told := strings.ReplaceAll(got.raw, clientID, "{clientId}")
		id, _ := got.at("requestId").(string)
		require.NotEmpty(t, id, got.raw)
		return strings.ReplaceAll(told, id, "{requestId}")
	}
	absent := asked(nobodysClient)
	for name, clientID := range map[string]string{"imported by another": handClient, "made for another": made,
		"nobody watches it": unwatched, "an object id": handApplication, "of another tenant": guest,
		"a managed identity elsewhere": managedClient} {
		assert.Equal(t, absent, asked(clientID), name)
	}
	assert.Empty(t, as(a, second, "GET", "/integrations", "").at("value"))
}

const managedClient = "aaaaaaaa-0000-4000-8000-0000000000e7"

// TestAnImportTellsWhoMayKnow that the identity is bound: whose subject it lets in.
func TestAnImportTellsWhoMayKnow(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience})
	letIn(a, "finance", world.Issuer, financeSubject)
	require.Equal(t, 201, as(a, first, "POST", "/integrations/imported/import", handImport).StatusCode)
	of := func(old, other string) string { return strings.Replace(handImport, old, other, 1) }
	got := as(a, second, "POST", "/integrations/mine/import", of("my-service", "svc-finance"))
	assert.Equal(t, 409, got.StatusCode, got.raw)
	assert.Equal(t, "identity-bound", got.at("code"), got.raw)
	assert.NotContains(t, got.raw, "imported")
	absent := as(a, manager, "POST", "/integrations/mine/import", of(handClient, nobodysClient))
	assert.Equal(t, "invalid-credential-file", absent.at("code"), "an administrator is told what there is")
}
