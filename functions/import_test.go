package functions

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// What a person has made by hand, and its file.
const (
	handApplication = "aaaaaaaa-0000-4000-8000-000000000001"
	handClient      = "aaaaaaaa-0000-4000-8000-000000000002"
	handPrincipal   = "aaaaaaaa-0000-4000-8000-000000000003"
	handCredential  = "aaaaaaaa-0000-4000-8000-000000000005"
	handFile        = `{"clientId": "` + handClient + `", "tenantId": "` + world.TenantID + `",
	"federatedTokenIssuer": "` + world.Issuer + `", "subject": "` + subject + `",
	"audience": "api://AzureADTokenExchange"}`
	handStorage = `[{"resourceId": "` + world.DataAccountID + `", "container": "images", "access": "readWrite"}]`
	handImport  = `{"credentials": ` + handFile + `, "storage": ` + handStorage + `}`
)

func (a *app) make(kind, id string, object map[string]any) {
	a.t.Helper()
	body, err := json.Marshal(object)
	require.NoError(a.t, err)
	require.NoError(a.t, a.world.PutObject(kind, id, body))
}

// trustByHand makes the federated credential.
func (a *app) trustByHand() {
	a.t.Helper()
	a.make("federatedIdentityCredentials", handCredential, map[string]any{"applicationId": handApplication,
		"name": "DDOE-federation", "issuer": world.Issuer, "subject": subject,
		"audiences": []string{"api://AzureADTokenExchange"}})
}

// byHand is an app, and what a person has made by the steps of the platform's guide.
func byHand(t *testing.T, settings map[string]string) *app {
	t.Helper()
	a := newApp(t, settings)
	a.setUpByHand()
	return a
}

func (a *app) setUpByHand() {
	a.t.Helper()
	a.make("applications", handApplication, map[string]any{"appId": handClient, "displayName": "DDOE WIF App"})
	a.make("servicePrincipals", handPrincipal, map[string]any{"appId": handClient, "accountEnabled": true,
		"servicePrincipalType": "Application"})
	a.trustByHand()
	a.make("roleAssignments", world.DataAccountID+"/blobServices/default/containers/images/providers/"+
		"Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-000000000006", map[string]any{
		"principalId":      handPrincipal,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"})
}

// checked delivers the check that was asked for.
func (a *app) checked() {
	a.t.Helper()
	i := slices.IndexFunc(a.queue.sent, func(s sent) bool { return s.entity == message.QueueHealth })
	require.GreaterOrEqual(a.t, i, 0, "no check is asked for")
	m := a.queue.sent[i].Message
	require.NoError(a.t, a.function("checkhealth").Message(a.t.Context(), Delivery{Body: m.Body, MessageID: m.ID}))
}

// TestAnImportedIntegration is watched through a break and a repair, tested, shown in drift, and forgotten; nothing of
// it is ever written.
func TestAnImportedIntegration(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	writes := 0
	for _, host := range []string{"graph.microsoft.com", "management.azure.com"} {
		next := a.net[host]
		a.net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				writes++
			}
			next.ServeHTTP(w, r)
		})
	}
	before := a.world.Snapshot()
	got := a.call("POST", "/integrations/by-hand/import", handImport)
	require.Equal(t, 201, got.StatusCode, got.raw)
	assert.Equal(t, true, got.at("unmanaged"))
	assert.NotEmpty(t, got.Header.Get("ETag"))
	assert.Equal(t, handClient, got.at("status", "clientId"))
	assert.Equal(t, handApplication, got.at("status", "objectId"))
	assert.Equal(t, handPrincipal, got.at("status", "servicePrincipalId"))
	assert.Equal(t, "provisioned", got.at("status", "phase"))
	report := got.at("reports").([]any)[0].(map[string]any)
	assert.Equal(t, []any{"pass", "structure"}, []any{report["verdict"], report["claimLevel"]}, got.raw)
	a.checked()
	state := func() any { return a.call("GET", "/integrations/by-hand/health", "").at("state") }
	assert.Equal(t, "healthy", state())
	assert.Equal(t, "pass", a.call("GET", "/integrations/by-hand/drift", "").at("verdict"))
	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	again := a.call("POST", "/integrations/by-hand/import", strings.Replace(handImport, "{",
		`{"subjectToken": "`+token+`", `, 1))
	require.Equal(t, 201, again.StatusCode, again.raw)
	report = again.at("reports").([]any)[0].(map[string]any)
	assert.Equal(t, []any{"pass", "access"}, []any{report["verdict"], report["claimLevel"]}, again.raw)
	assert.NotContains(t, again.raw, token)
	tested := a.call("POST", "/integrations/by-hand/access-tests", `{"subjectToken": "`+token+`"}`)
	assert.Equal(t, "pass", tested.at("verdict"), tested.raw)
	read := a.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, "usable", read.at("status", "phase"), "access was proved")

	require.NoError(t, a.world.DeleteObject("federatedIdentityCredentials", handCredential))
	drift := a.call("GET", "/integrations/by-hand/drift", "")
	assert.Equal(t, "fail", drift.at("verdict"))
	assert.Contains(t, drift.raw, "az ad app federated-credential create --id "+handClient)
	assert.NotContains(t, drift.raw, "PUT")
	a.call("POST", "/integrations/by-hand/health-checks", "")
	assert.Equal(t, "unhealthy", state())
	a.trustByHand()
	a.call("POST", "/integrations/by-hand/health-checks", "")
	assert.Equal(t, "healthy", state())

	a.forgotten(got.Header.Get("ETag"))
	assert.Zero(t, writes)
	assert.Equal(t, before.Applications, a.world.Snapshot().Applications)
	assert.Equal(t, before.RoleAssignments, a.world.Snapshot().RoleAssignments)
}

// forgotten holds that an imported integration cannot be changed, and what is left when it was deleted.
func (a *app) forgotten(version string) {
	t := a.t
	for _, refused := range []string{"?", "?dryRun=true"} {
		put := a.call("PUT", "/integrations/by-hand"+refused, good)
		assert.Equal(t, 409, put.StatusCode, put.raw)
		assert.Equal(t, "integration-unmanaged", put.at("code"))
	}
	deleted := a.call("DELETE", "/integrations/by-hand?purge=true", "")
	require.Equal(t, 202, deleted.StatusCode, deleted.raw)
	a.deliver()
	operation := a.call("GET", strings.TrimPrefix(deleted.Header.Get("Operation-Location"), "/api"), "")
	assert.Equal(t, "Succeeded", operation.at("status"), operation.raw)
	assert.Contains(t, operation.raw, "The application with the client id "+handClient+" stays")
	assert.Contains(t, operation.raw, "The federated credential DDOE-federation stays")
	gone := a.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, 404, gone.StatusCode)
	assert.Contains(t, gone.raw, "left as it is")
	again := a.call("POST", "/integrations/by-hand/import", handImport)
	require.Equal(t, 201, again.StatusCode, again.raw)
	assert.NotEqual(t, version, again.Header.Get("ETag"), "it is another life")
	a.call("DELETE", "/integrations/by-hand", "")
	a.deliver()
}

// TestAnIDThatWasImported before: theirs is not taken by who uses the id for an integration of ours.
func TestAnIDThatWasImported(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	require.Equal(t, 201, a.call("POST", "/integrations/by-hand/import", handImport).StatusCode)
	a.call("DELETE", "/integrations/by-hand", "")
	a.deliver()
	made := a.call("PUT", "/integrations/by-hand", good)
	require.Equal(t, 201, made.StatusCode, made.raw)
	a.deliver()
	read := a.call("GET", "/integrations/by-hand", "")
	assert.Nil(t, read.at("unmanaged"))
	assert.NotEqual(t, handClient, read.at("status", "clientId"), "theirs is not taken")
	assert.Equal(t, "provisioned", read.at("status", "phase"), read.raw)
}

// TestImportsThatAreRefused: with all their faults, and nothing is written down.
func TestImportsThatAreRefused(t *testing.T) {
	t.Parallel()
	with := func(old, other string) string { return strings.Replace(handImport, old, other, 1) }
	a := byHand(t, nil)
	require.Equal(t, 201, a.call("POST", "/integrations/first/import", handImport).StatusCode)
	for name, c := range map[string]struct {
		id, body string
		status   int
		code     string
		pointers []string
	}{
		"bound already":  {"second", handImport, 409, "identity-bound", nil},
		"the id is used": {"first", with(`"images"`, `"archive"`), 409, "integration-exists", nil},
		"an object id": {"second", with(handClient, handApplication), 422, "invalid-credential-file",
			[]string{"/credentials/clientId"}},
		"nobody's id": {"second", with(handClient, "aaaaaaaa-0000-4000-8000-0000000000ff"), 422,
			"invalid-credential-file", []string{"/credentials/clientId"}},
		"another tenant": {"second", with(world.TenantID, "99999999-9999-4999-8999-999999999999"), 422,
			"invalid-credential-file", []string{"/credentials/tenantId"}},
		"two faults of the file": {"second", strings.Replace(with(subject, "*"), world.Issuer, "x", 1), 422,
			"invalid-credential-file", []string{"/credentials/federatedTokenIssuer", "/credentials/subject"}},
		"file and storage": {"second", strings.Replace(with(subject, "*"), `"readWrite"`, `"read", "container": ""`,
			1), 422, "duplicate-member", nil},
		"a faulty file, a faulty account": {"second", strings.Replace(with(subject, "*"), world.DataAccountID, "/x",
			1), 422, "invalid-credential-file", []string{"/credentials/subject", "/storage/0/resourceId"}},
		"no storage": {"second", `{"credentials": ` + handFile + `}`, 422, "invalid-spec", []string{"/storage"}},
		"no file":    {"second", `{"storage": ` + handStorage + `}`, 422, "missing-member", []string{"/credentials"}},
		"a text for a file": {"second", `{"credentials": "x", "storage": ` + handStorage + `}`, 422,
			"invalid-credential-file", nil},
		"a member too many": {"second", with(`"storage"`, `"other": 1, "storage"`), 422, "unknown-member",
			[]string{"/other"}},
		"a platform's id": {"second", with(`"storage"`, `"ddoe": {"integrationId": "a/b"}, "storage"`), 422,
			"invalid-value", []string{"/ddoe/integrationId"}},
		"no JSON": {"second", "{", 400, "malformed-body", nil},
		"no id":   {"Second", handImport, 400, "invalid-id", nil},
	} {
		got := a.call("POST", "/integrations/"+c.id+"/import", c.body)
		assert.Equal(t, c.status, got.StatusCode, "%s: %s", name, got.raw)
		assert.Equal(t, c.code, got.at("code"), "%s: %s", name, got.raw)
		for _, pointer := range c.pointers {
			assert.Contains(t, got.raw, `"`+pointer+`"`, name)
		}
		assert.Equal(t, 404, a.call("GET", "/integrations/second", "").StatusCode, name)
	}
	bound := a.call("POST", "/integrations/second/import", handImport)
	assert.Contains(t, bound.at("detail"), "first", "the one that has it is named")
}

// TestAnImportThatCannotBeLookedAt names who can.
func TestAnImportThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	a.make("appRoles", world.AppPrincipalID, map[string]any{"roles": []string{}})
	got := a.call("POST", "/integrations/by-hand/import", handImport)
	assert.Equal(t, "directory-not-readable", got.at("code"), got.raw)
	assert.Equal(t, "entra-admin", got.at("remedy", "who"))
	assert.Equal(t, 404, a.call("GET", "/integrations/by-hand", "").StatusCode)
}

// TestAnImportByForm: the file as it is, and the rest beside it.
func TestAnImportByForm(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	form := func(parts ...string) string {
		var body strings.Builder
		for i := 0; i+1 < len(parts); i += 2 {
			body.WriteString("--x\r\nContent-Disposition: form-data; name=\"" + parts[i] + "\"\r\n\r\n" + parts[i+1] +
				"\r\n")
		}
		return body.String() + "--x--\r\n"
	}
	spec := `{"storage": ` + handStorage + `}`
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"no file":          {form("spec", spec), "missing-member"},
		"two files":        {form("file", handFile, "file", handFile), "duplicate-member"},
		"an unknown part":  {form("file", handFile, "x", ""), "unknown-member"},
		"the file twice":   {form("file", handFile, "spec", handImport), "invalid-combination"},
		"a spec of no use": {form("file", handFile, "spec", "["), "malformed-body"},
		"no spec":          {form("file", handFile), "invalid-spec"},
		"cut off":          {"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{", "malformed-form"},
	} {
		got := a.call("POST", "/integrations/by-hand/import", c.body, "Content-Type",
			"multipart/form-data; boundary=x")
		assert.Equal(t, c.code, got.at("code"), "%s: %s", name, got.raw)
	}
	got := a.call("POST", "/integrations/by-hand/import", form("file", "\ufeff"+handFile, "spec", spec),
		"Content-Type", "multipart/form-data; boundary=x")
	assert.Equal(t, 201, got.StatusCode, got.raw)
}

// TestAnImportWithItsPlatformsSide is looked at there as well, and nothing of it is tested or written.
func TestAnImportWithItsPlatformsSide(t *testing.T) {
	t.Parallel()
	a := byHand(t, map[string]string{"DDOE_API_URL": "https://gate.dataloop.ai/api/v1", "DDOE_API_KEY": planted})
	const organization, project = "55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666"
	a.make("ddoe.integrations", "theirs", map[string]any{"name": "Azure WIF Integration",
		"organizationId": organization,
		"type":           "azure-wif"})
	a.make("ddoe.drivers", "driver-1", map[string]any{"name": "images", "projectId": project,
		"integrationId": "theirs", "type": "azureBlob"})
	body := strings.Replace(handImport, `"storage"`, `"ddoe": {"integrationId": "theirs", "driverId": "driver-1"},
		"storage"`, 1)
	got := a.call("POST", "/integrations/by-hand/import", body)
	require.Equal(t, 201, got.StatusCode, got.raw)
	drift := a.call("GET", "/integrations/by-hand/drift", "")
	assert.Equal(t, "pass", drift.at("verdict"), drift.raw)
	assert.Contains(t, drift.raw, "The platform shows the driver")
	require.NoError(t, a.world.DeleteObject("ddoe.drivers", "driver-1"))
	assert.Contains(t, a.call("GET", "/integrations/by-hand/drift", "").raw, "ddoe-driver-missing")
	require.NoError(t, a.world.DeleteObject("ddoe.integrations", "theirs"))
	assert.Contains(t, a.call("GET", "/integrations/by-hand/drift", "").raw, "ddoe-integration-unknown")
}

// TestAnImportMayBeRepeated: who has got no answer sends it again, and its checks are planned and asked for then.
func TestAnImportMayBeRepeated(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	a.queue.fail = errors.New("amqp: link detached")
	lost := a.call("POST", "/integrations/first/import", handImport)
	require.Equal(t, 503, lost.StatusCode, lost.raw)
	a.queue.fail = nil
	require.Empty(t, a.queue.sent)

	again := a.call("POST", "/integrations/first/import", handImport)
	require.Equal(t, 201, again.StatusCode, again.raw)
	assert.InDelta(t, 1, again.at("generation"), 0, "it is the same import")
	require.Len(t, a.queue.sent, 1, "its first check is asked for")
	assert.Equal(t, message.QueueHealth, a.queue.sent[0].entity)
}
