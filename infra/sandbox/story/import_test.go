package story

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// setUp makes by the Azure CLI what the platform's guide has a person make in the portal: a registered application, a
// federated credential and a role on the container. It returns the client id and the command that makes the
// credential.
func (t *terminal) setUp(container string) (client, trust string) {
	t.t.Helper()
	client = strings.TrimSpace(t.run(`az ad app create --display-name "DDOE WIF App" --query appId --output tsv`))
	principal := strings.TrimSpace(t.run("az ad sp create --id " + client + " --query id --output tsv"))
	trust = `az ad app federated-credential create --id ` + client + ` --parameters '{"name": "DDOE-federation", ` +
		`"issuer": "` + world.Issuer + `", "subject": "system:serviceaccount:dataloop:my-service", ` +
		`"audiences": ["api://AzureADTokenExchange"]}'`
	t.run(trust)
	t.run(`az role assignment create --assignee-object-id ` + principal + ` --assignee-principal-type ` +
		`ServicePrincipal --role "Storage Blob Data Contributor" --scope ` + container)
	return client, trust
}

// azure is what there is in Entra, Azure and on the platform, byte for byte, without what the app itself keeps: its
// queues, its events, and the one account that its settings name.
func azure(a *app) string {
	a.t.Helper()
	var all map[string]any
	require.NoError(a.t, json.Unmarshal([]byte(a.control(http.MethodGet, "/world", nil).Raw), &all))
	delete(all, "queues")
	delete(all, "events")
	own, _, _ := strings.Cut(strings.TrimPrefix(a.settings("STATE_STORAGE_URL")[0], "https://"), ".")
	accounts, _ := all["storageAccounts"].([]any)
	rest := slices.DeleteFunc(slices.Clone(accounts), func(one any) bool { return at(one, "name") == own })
	require.Len(a.t, rest, len(accounts)-1, "the app's own account")
	all["storageAccounts"] = rest
	text, err := json.MarshalIndent(all, "", " ")
	require.NoError(a.t, err)
	return string(text)
}

// TestWhatWasMadeByHand by the guide, with the real Azure CLI, is judged, imported, watched through a break and a
// repair, tested, and forgotten: every byte of it is as it was.
func TestWhatWasMadeByHand(t *testing.T) {
	t.Parallel()
	a := start(t)
	shell := openTerminal(a)
	account := a.account("acmedata")
	client, trust := shell.setUp(account + "/blobServices/default/containers/images")
	file := map[string]any{"clientId": client, "tenantId": world.TenantID, "federatedTokenIssuer": world.Issuer,
		"subject": "system:serviceaccount:dataloop:my-service", "audience": "api://AzureADTokenExchange"}
	before := azure(a)
	report := a.call(http.MethodPost, validatePath+"?depth=structure&container=images&storage="+account, file)
	assert.Equal(t, "structure", report.at("claimLevel"), report.Raw)
	assert.Equal(t, "pass", report.at("verdict"))

	body := map[string]any{"credentials": file, "storage": []map[string]any{{"resourceId": account,
		"container": "images", "access": "readWrite"}}}
	imported := a.call(http.MethodPost, "/integrations/my-images/import", body)
	require.Equal(t, http.StatusCreated, imported.Status, imported.Raw)
	healthy := a.health(answer{})
	assert.Equal(t, "healthy", healthy.at("state"), healthy.Raw)
	test := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
	assert.Equal(t, "pass", test.at("verdict"), test.Raw)
	assert.Equal(t, before, azure(a), "nothing was changed")

	shell.run("az ad app federated-credential delete --id " + client + " --federated-credential-id DDOE-federation")
	broken := a.call(http.MethodPost, "/integrations/my-images/health-checks", nil)
	assert.Equal(t, "unhealthy", broken.at("state"), broken.Raw)
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	command, _ := drift.at("diagnosis.remedy.command").(string)
	assert.Equal(t, "federated-credential-missing", drift.at("diagnosis.code"), drift.Raw)
	assert.True(t, strings.HasPrefix(command, strings.Fields(trust)[0]+" ad app federated-credential create"), command)
	shell.run(command) // as it is printed
	mended := a.call(http.MethodPost, "/integrations/my-images/health-checks", nil)
	assert.Equal(t, "healthy", mended.at("state"), mended.Raw)

	before = azure(a)
	refused := a.call(http.MethodPost, "/integrations/my-images/manage?dryRun=true", nil)
	require.Equal(t, http.StatusConflict, refused.Status, refused.Raw)
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	end := a.wait(deleted.Header.Get("Operation-Location"))
	assert.Equal(t, "Succeeded", end.at("status"), end.Raw)
	assert.Contains(t, end.Raw, client+" stays")
	assert.Equal(t, before, azure(a), "nothing was deleted")
	shell.run(refused.at("remedy.command").(string)) // the service is an owner now
	takeOver(a, body, client)
}

// takeOver has the service manage what was made by hand, and tear it down.
func takeOver(a *app, imported map[string]any, client string) {
	again := a.call(http.MethodPost, "/integrations/my-images/import", imported)
	require.Equal(a.t, http.StatusCreated, again.Status, again.Raw)
	before := azure(a)
	plan := a.call(http.MethodPost, "/integrations/my-images/manage?dryRun=true", nil)
	require.Equal(a.t, http.StatusOK, plan.Status, plan.Raw)
	assert.Equal(a.t, before, azure(a), "nothing was changed")
	assert.NotContains(a.t, plan.Raw, `"member":"displayName"`, "a takeover keeps the name")
	managed := a.call(http.MethodPost, "/integrations/my-images/manage", nil)
	end := a.wait(managed.Header.Get("Operation-Location"))
	require.Equal(a.t, "Succeeded", end.at("status"), end.Raw)
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(a.t, "pass", drift.at("verdict"), drift.Raw)
	deleted := a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
	end = a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(a.t, "Succeeded", end.at("status"), end.Raw)
	assert.NotContains(a.t, azure(a), client, "nothing of it is left")
}
