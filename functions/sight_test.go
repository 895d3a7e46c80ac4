package functions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// teamsPolicy lets operators ask for the services of one team.
const teamsPolicy = `[{"callers":["role:Wif.Operate"],"subjects":["system:serviceaccount:dataloop:team-a-*"]}]`

// TestAnImportOfOthersTakesAnAdministrator: an identity that does not let the file's subject in, one that the policy
// does not allow, or what is named on the platform. Nothing of it is written, and no check is asked for.
func TestAnImportOfOthersTakesAnAdministrator(t *testing.T) {
	t.Parallel()
	platform := strings.Replace(handImport, "{", `{"ddoe":{"integrationId":"theirs","driverId":"also"},`, 1)
	for name, c := range map[string]struct {
		policy, body string
		untrusted    bool
		pointers     []any
	}{
		"one's own":  {body: handImport},
		"not let in": {body: handImport, untrusted: true, pointers: []any{"/credentials/clientId"}},
		"a subject of another team": {policy: teamsPolicy, body: handImport,
			pointers: []any{"/credentials/subject"}},
		"what there is on a platform": {body: platform, pointers: []any{"/ddoe/integrationId", "/ddoe/driverId"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "POLICY": c.policy})
			if c.untrusted {
				require.NoError(t, a.world.DeleteObject("federatedIdentityCredentials", handCredential))
			}
			before := len(a.queue.sent)
			got := as(a, first, "POST", "/integrations/by-hand/import", c.body)
			if c.pointers == nil {
				assert.Equal(t, 201, got.StatusCode, got.raw)
				return
			}
			assert.Equal(t, 403, got.StatusCode, got.raw)
			assert.Equal(t, "not-allowed", got.at("code"))
			var pointers []any
			for _, finding := range got.at("errors").([]any) {
				pointers = append(pointers, finding.(map[string]any)["pointer"])
			}
			assert.Equal(t, c.pointers, pointers)
			assert.Len(t, a.queue.sent, before)
			assert.Empty(t, as(a, manager, "GET", "/integrations", "").at("value"))
			assert.Equal(t, 201, as(a, manager, "POST", "/integrations/by-hand/import", c.body).StatusCode)
		})
	}
}

// TestNobodyImportsTheServicesOwnAccounts, not even an administrator.
func TestNobodyImportsTheServicesOwnAccounts(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "OWN_STORAGE_ACCOUNTS": "acmedata"})
	got := as(a, manager, "POST", "/integrations/by-hand/import", handImport)
	assert.Equal(t, 403, got.StatusCode, got.raw)
	assert.Contains(t, got.raw, "/storage/0/resourceId")
}

// TestNobodyImportsTheServicesOwnIdentity, not even an administrator: a takeover would change and remove it.
func TestNobodyImportsTheServicesOwnIdentity(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "AZURE_CLIENT_ID": handClient})
	got := as(a, manager, "POST", "/integrations/by-hand/import", handImport)
	assert.Equal(t, 403, got.StatusCode, got.raw)
	assert.Contains(t, got.raw, "/credentials/clientId")
	assert.Empty(t, as(a, manager, "GET", "/integrations", "").at("value"))
}

// structureOf is what a caller is told at depth structure, by check.
func structureOf(a *app, request entra.CallerRequest, file string) (map[string]map[string]any, string) {
	a.t.Helper()
	got := a.call("POST", "/credentials/validate?depth=structure&container=images&storage="+world.DataAccountID, file,
		"Authorization", a.bearer(request), "Content-Type", "application/json")
	require.Equal(a.t, 200, got.StatusCode, got.raw)
	checks := map[string]map[string]any{}
	for _, c := range got.at("checks").([]any) {
		check := c.(map[string]any)
		checks[check["id"].(string)] = check
	}
	return checks, got.raw
}

// TestALookShowsWhatThePolicyAllows: of what a caller may not ask for, nothing that Entra and Azure hold is told, not
// even whether it is there; the file itself is judged all the same.
func TestALookShowsWhatThePolicyAllows(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "POLICY": teamsPolicy})
	operator := entra.CallerRequest{ObjectID: first, Roles: []string{"Wif.Operate"}}
	reader := entra.CallerRequest{ObjectID: first, Roles: []string{"Wif.Read"}}
	administrator := entra.CallerRequest{ObjectID: manager, Roles: []string{"Wif.Admin"}}
	ofTeam := strings.Replace(handFile, "my-service", "team-a-images", 1)
	unknown := strings.Replace(handFile, handClient, "99999999-9999-4999-8999-999999999999", 1)

	for name, c := range map[string]struct {
		who  entra.CallerRequest
		file string
	}{"another team's": {operator, handFile}, "no grant": {reader, ofTeam},
		"no subject": {operator, strings.Replace(handFile, subject, "", 1)}} {
		checks, raw := structureOf(a, c.who, c.file)
		assert.Equal(t, "unknown", checks["structure.policy"]["status"], name)
		assert.Equal(t, "not-allowed", checks["structure.policy"]["code"], name)
		for _, look := range []string{"structure.identity", "structure.federatedCredential",
			"structure.roleAssignment"} {
			assert.Equal(t, "skip", checks[look]["status"], "%s: %s", name, look)
		}
		assert.NotContains(t, raw, "DDOE-federation")
	}
	there, _ := structureOf(a, operator, handFile)
	absent, _ := structureOf(a, operator, unknown)
	for id, check := range there {
		if strings.HasPrefix(id, "structure.") {
			assert.Equal(t, check, absent[id], "what is there is told as what is not")
		}
	}

	checks, raw := structureOf(a, operator, ofTeam)
	assert.Equal(t, "federated-credential-missing", checks["structure.federatedCredential"]["code"], raw)
	assert.NotContains(t, raw, subject, "the nearest credential is another team's")
	assert.NotContains(t, raw, "DDOE-federation")
	checks, raw = structureOf(a, administrator, ofTeam)
	assert.Equal(t, "federated-credential-differs", checks["structure.federatedCredential"]["code"], raw)
	assert.Contains(t, raw, subject)

	a.make("federatedIdentityCredentials", handCredential, map[string]any{"applicationId": handApplication,
		"name": "slip", "issuer": world.Issuer, "subject": "System:serviceaccount:dataloop:team-a-images",
		"audiences": []string{"api://AzureADTokenExchange"}})
	checks, _ = structureOf(a, operator, ofTeam)
	assert.Equal(t, "federated-credential-differs", checks["structure.federatedCredential"]["code"],
		"a slip was meant for the file's")
}
