package graph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	stranger = "99999999-9999-4999-8999-999999999999" // a principal with rights of its own
	upsert   = "create-if-missing"
)

// bench is a seeded world behind the handler, on a clock that only the test moves.
type bench struct {
	t       *testing.T
	world   *world.World
	handler http.Handler
	at      time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.world = world.New(func() time.Time { return b.at })
	world.Seed(b.world)
	b.handler = graph.New(b.world, func(r *http.Request) (string, error) {
		id, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return "", errors.New("Access token is empty.")
		}
		return id, nil
	})
	return b
}

type reply struct {
	status int
	header http.Header
	raw    string
	json   map[string]any
}

// at walks the members of a reply's JSON.
func (r reply) at(path ...string) any {
	var v any = r.json
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r reply) text(path ...string) string { s, _ := r.at(path...).(string); return s }

func (b *bench) do(method, path, body string, header ...string) reply {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, "https://graph.microsoft.com/v1.0"+path,
		strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+world.AppPrincipalID)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	require.NoError(b.t, err)
	got := reply{status: w.Code, header: w.Result().Header, raw: string(raw)}
	if len(raw) > 0 {
		require.NoError(b.t, json.Unmarshal(raw, &got.json), got.raw)
	}
	return got
}

// get reads what may be no JSON.
func (b *bench) get(path string) (status int, body string) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "https://graph.microsoft.com"+path, nil)
	r.Header.Set("Authorization", "Bearer "+world.AppPrincipalID)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (b *bench) app(uniqueName string) (id, appID string) {
	b.t.Helper()
	got := b.do("PATCH", "/applications(uniqueName='"+uniqueName+"')", `{"displayName":"App"}`, "Prefer", upsert)
	require.Equal(b.t, 201, got.status, got.raw)
	return got.text("id"), got.text("appId")
}

func credentialBody(subject string) string {
	return `{"issuer":"https://dataloop.ai/oauth2","subject":"` + subject +
		`","audiences":["api://AzureADTokenExchange"]}`
}

func TestApplicationUpsert(t *testing.T) {
	b := newBench(t)
	path := "/applications(uniqueName='u-1')"

	missing := b.do("PATCH", path, `{"displayName":"A"}`)
	assert.Equal(t, 404, missing.status, "without the preference a PATCH does not create")
	assert.Equal(t, "Request_ResourceNotFound", missing.text("error", "code"))

	created := b.do("PATCH", path, `{"displayName":"A","signInAudience":"AzureADMyOrg","notes":"n","tags":["x","y"]}`,
		"Prefer", "return=minimal, "+upsert)
	require.Equal(t, 201, created.status, created.raw)
	assert.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#applications/$entity", created.text("@odata.context"))
	assert.Equal(t, "u-1", created.text("uniqueName"))
	assert.NotEqual(t, created.text("id"), created.text("appId"))
	assert.Contains(t, created.header.Get("Location"), created.text("id"))

	updated := b.do("PATCH", path, `{"tags":["z"]}`, "Prefer", upsert)
	assert.Equal(t, 204, updated.status)
	assert.Empty(t, updated.raw)

	got := b.do("GET", path+"?$select=id,displayName,tags,notes", "")
	require.Equal(t, 200, got.status)
	assert.Equal(t, "A", got.text("displayName"), "what is not named keeps its value")
	assert.Equal(t, []any{"z"}, got.at("tags"), "arrays are replaced whole")
	assert.NotContains(t, got.json, "appId", "$select leaves the rest out")

	for name, other := range map[string]string{
		"id": "/applications/" + created.text("id"), "quoted id": "/applications('" + created.text("id") + "')",
		"appId": "/applications(appId='" + created.text("appId") + "')",
	} {
		assert.Equal(t, 200, b.do("GET", other, "").status, name)
	}
	assert.Equal(t, 404, b.do("PATCH", "/applications/"+stranger, `{"displayName":"A"}`, "Prefer", upsert).status,
		"only alternate keys create")
}

func TestApplicationBodies(t *testing.T) {
	for name, tc := range map[string]struct {
		body, code, message string
		header              []string
	}{
		"unknown property": {body: `{"displayName":"A","colour":"red"}`, code: "Request_BadRequest",
			message: "'colour'"},
		"other case": {body: `{"DisplayName":"A"}`, code: "Request_BadRequest", message: "'DisplayName'"},
		"nested credentials": {body: `{"displayName":"A","federatedIdentityCredentials":[]}`,
			code: "Request_BadRequest", message: "federatedIdentityCredentials"},
		"read-only": {body: `{"displayName":"A","appId":"x"}`, code: "Request_BadRequest",
			message: "'appId'"},
		"other uniqueName": {body: `{"displayName":"A","uniqueName":"v"}`, code: "Request_BadRequest",
			message: "'uniqueName'"},
		"no display name": {body: `{"tags":[]}`, code: "Request_BadRequest", message: "'displayName'"},
		"long display name": {body: `{"displayName":"` + strings.Repeat("a", 257) + `"}`,
			code: "Request_BadRequest", message: "'displayName'"},
		"wrong type": {body: `{"displayName":1}`, code: "Request_BadRequest", message: "'displayName'"},
		"tags not an array": {body: `{"displayName":"A","tags":"x"}`, code: "Request_BadRequest",
			message: "'tags'"},
		"sign-in audience": {body: `{"displayName":"A","signInAudience":"Everybody"}`, code: "Request_BadRequest",
			message: "'signInAudience'"},
		"not JSON": {body: `{"displayName"`, code: "BadRequest", message: "Unable to read JSON"},
		"null":     {body: `null`, code: "BadRequest", message: "Unable to read JSON"},
		"empty (a lost retry)": {body: ``, code: "BadRequest", message: "Unable to read JSON",
			header: []string{"Content-Type", "application/json"}},
		"no content type": {body: `{"displayName":"A"}`, code: "BadRequest", message: "Content-Type",
			header: []string{"Content-Type", "text/plain"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			got := b.do("PATCH", "/applications(uniqueName='u')", tc.body,
				append([]string{"Prefer", upsert}, tc.header...)...)
			assert.Equal(t, 400, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.Contains(t, got.text("error", "message"), tc.message)
			assert.Empty(t, b.world.Applications(), "nothing is written")
		})
	}
}

func TestErrorsHaveGraphsShape(t *testing.T) {
	b := newBench(t)
	got := b.do("GET", "/applications/"+stranger, "", "client-request-id", "my-id")
	assert.Equal(t, 404, got.status)
	assert.Equal(t, "Resource '"+stranger+"' does not exist or one of its queried reference-property objects are "+
		"not present.", got.text("error", "message"))
	assert.Equal(t, "my-id", got.header.Get("client-request-id"))
	assert.Equal(t, "my-id", got.text("error", "innerError", "client-request-id"))
	assert.NotEmpty(t, got.header.Get("request-id"))
	assert.Equal(t, got.header.Get("request-id"), got.text("error", "innerError", "request-id"))
	assert.Equal(t, "2026-01-02T03:04:05", got.text("error", "innerError", "date"))
}

// right is what a caller has, and what that lets it do to an application of the app's: the statuses of a read and of
// the writes; 0 is a success.
type right struct {
	roles          []string
	owns           bool
	read, modified int
}

func rights() map[string]right {
	return map[string]right{
		"no role":              {read: 403, modified: 403},
		"reads all":            {roles: []string{world.AppRoleReadAll}, read: 200, modified: 403},
		"owned by somebody":    {roles: []string{world.AppRoleReadWriteOwnedBy}, read: 200, modified: 403},
		"owned by the caller":  {roles: []string{world.AppRoleReadWriteOwnedBy}, owns: true, read: 200},
		"writes everybody's":   {roles: []string{world.AppRoleReadWriteAll}, read: 200},
		"stripped of its role": {owns: true, read: 403, modified: 403},
	}
}

// writes are a write of each kind, to an application and to what hangs on it.
func (b *bench) writes(id, appID string) []struct{ method, path, body string } {
	b.t.Helper()
	binned, _ := b.app("binned")
	require.Equal(b.t, 204, b.do("DELETE", "/applications/"+binned, "").status)
	if slices.Contains(b.world.Owners(id), stranger) {
		b.world.AddOwner(binned, stranger)
	}
	return []struct{ method, path, body string }{
		{"POST", "/directory/deletedItems/" + binned + "/restore", ""},
		{"PATCH", "/servicePrincipals(appId='" + appID + "')", `{}`},
		{"PATCH", "/applications/" + id, `{"displayName":"B"}`},
		{"PATCH", "/applications/" + id + "/federatedIdentityCredentials(name='abc')", credentialBody("s")},
		{"DELETE", "/applications/" + id, ""},
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	for name, tc := range rights() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id, appID := b.app("u")
			b.world.SetAppRoles(stranger, tc.roles...)
			if tc.owns {
				b.world.AddOwner(id, stranger)
			}
			as := []string{"Authorization", "Bearer " + stranger, "Prefer", upsert}
			assert.Equal(t, tc.read, b.do("GET", "/applications/"+id, "", as...).status)
			for _, r := range b.writes(id, appID) {
				got := b.do(r.method, r.path, r.body, as...)
				if tc.modified == 0 {
					assert.Less(t, got.status, 300, "%v: %s", r, got.raw)
					continue
				}
				assert.Equal(t, tc.modified, got.status, "%v", r)
				assert.Equal(t, "Authorization_RequestDenied", got.text("error", "code"))
				assert.Equal(t, "Insufficient privileges to complete the operation.", got.text("error", "message"))
			}
		})
	}
}

func TestNoRightAtAll(t *testing.T) {
	t.Parallel()
	t.Run("purge of another's", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		id, _ := b.app("u")
		require.Equal(t, 204, b.do("DELETE", "/applications/"+id, "").status)
		b.world.SetAppRoles(stranger, world.AppRoleReadWriteOwnedBy)
		assert.Equal(t, 403, b.do("DELETE", "/directory/deletedItems/"+id, "", "Authorization",
			"Bearer "+stranger).status)
	})
	t.Run("no token", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		got := b.do("GET", "/applications", "", "Authorization", "")
		assert.Equal(t, 401, got.status)
		assert.Equal(t, "InvalidAuthenticationToken", got.text("error", "code"))
		assert.Contains(t, got.header.Get("WWW-Authenticate"), "Bearer")
	})
}

func TestCreatorBecomesOwner(t *testing.T) {
	b := newBench(t)
	id, appID := b.app("u")
	sp := b.do("PATCH", "/servicePrincipals(appId='"+appID+"')", `{"accountEnabled":true}`, "Prefer", upsert)
	require.Equal(t, 201, sp.status, sp.raw)
	for _, path := range []string{"/applications/" + id, "/servicePrincipals/" + sp.text("id")} {
		owners := b.do("GET", path+"/owners?$select=id", "")
		require.Equal(t, 200, owners.status, owners.raw)
		list, _ := owners.at("value").([]any)
		require.Len(t, list, 1)
		assert.Equal(t, world.AppPrincipalID, list[0].(map[string]any)["id"])
	}
}

func TestServicePrincipalUpsert(t *testing.T) {
	b := newBench(t)
	b.world.SetTiming(world.Timing{ReplicationMS: 5000})
	created := b.do("PATCH", "/applications(uniqueName='u')", `{"displayName":"A","tags":["t"]}`, "Prefer", upsert)
	path := "/servicePrincipals(appId='" + created.text("appId") + "')"

	early := b.do("PATCH", path, `{"accountEnabled":true}`, "Prefer", upsert)
	assert.Equal(t, 400, early.status)
	assert.Equal(t, "Request_BadRequest", early.text("error", "code"))
	details, _ := early.at("error", "details").([]any)
	require.Len(t, details, 1)
	assert.Equal(t, "NoBackingApplicationObject", details[0].(map[string]any)["code"])

	b.at = b.at.Add(5 * time.Second)
	assert.Equal(t, 404, b.do("PATCH", path, `{"accountEnabled":true}`).status, "without the preference")
	sp := b.do("PATCH", path, `{"accountEnabled":true}`, "Prefer", upsert)
	require.Equal(t, 201, sp.status, sp.raw)
	assert.Equal(t, []any{"t"}, sp.at("tags"), "the application's tags are copied")
	assert.Equal(t, "Application", sp.text("servicePrincipalType"))
	assert.Equal(t, 204, b.do("PATCH", path, `{"accountEnabled":false}`, "Prefer", upsert).status)
	assert.Equal(t, false, b.do("GET", path, "").at("accountEnabled"))

	again := b.do("POST", "/servicePrincipals", `{"appId":"`+created.text("appId")+`"}`)
	assert.Equal(t, 409, again.status)
	assert.Equal(t, "Request_MultipleObjectsWithSameKeyValue", again.text("error", "code"))
	assert.Equal(t, 400, b.do("POST", "/servicePrincipals", `{"appId":"`+stranger+`"}`).status)

	assert.Equal(t, 204, b.do("DELETE", "/servicePrincipals/"+sp.text("id"), "").status)
	assert.Equal(t, 404, b.do("DELETE", "/servicePrincipals/"+sp.text("id"), "").status)
	anew := b.do("PATCH", path, `{}`, "Prefer", upsert)
	require.Equal(t, 201, anew.status)
	assert.NotEqual(t, sp.text("id"), anew.text("id"), "a service principal made anew has another id")
}

// TestFlexibleCredential: v1.0 breaks off at it in the middle of a 200, and beta shows it.
func TestFlexibleCredential(t *testing.T) {
	b := newBench(t)
	id, _ := b.app("u")
	for name, expression := range map[string]*world.ClaimsMatchingExpression{
		"plain": nil, "flexible": {Value: "claims['sub'] matches '*'", LanguageVersion: 1}} {
		_, err := b.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: id, Name: name,
			Issuer: "https://gitlab.com", Subject: map[bool]string{true: "s"}[expression == nil],
			Audiences: []string{"a"}, ClaimsMatchingExpression: expression})
		require.NoError(t, err)
	}
	path := "/applications/" + id + "/federatedIdentityCredentials"
	for _, path := range []string{path, path + "/flexible", "/applications/" + id +
		"?$expand=federatedIdentityCredentials"} {
		status, body := b.get("/v1.0" + path)
		assert.Equal(t, 200, status)
		assert.True(t, strings.HasSuffix(body, `is not allowed."}}`), body)
		assert.False(t, json.Valid([]byte(body)), body)
		status, body = b.get("/beta" + path)
		assert.Equal(t, 200, status)
		assert.True(t, json.Valid([]byte(body)), body)
		assert.Contains(t, body, `"claimsMatchingExpression":{"value":"claims['sub'] matches '*'",`+
			`"languageVersion":1}`)
		assert.Contains(t, body, `"subject":null`)
	}
	status, body := b.get("/v1.0" + path + "/plain")
	assert.Equal(t, 200, status)
	assert.True(t, json.Valid([]byte(body)), body)
}

func TestFederatedCredentialUpsert(t *testing.T) {
	b := newBench(t)
	b.world.SetTiming(world.Timing{ReplicationMS: 5000})
	id, _ := b.app("u")
	path := "/applications/" + id + "/federatedIdentityCredentials(name='main')"

	early := b.do("PATCH", path, credentialBody("s"), "Prefer", upsert)
	assert.Equal(t, 404, early.status)
	assert.Equal(t, "Request_ResourceNotFound", early.text("error", "code"))

	b.at = b.at.Add(5 * time.Second)
	assert.Equal(t, 404, b.do("PATCH", path, credentialBody("s")).status, "without the preference")
	created := b.do("PATCH", path, credentialBody("s"), "Prefer", upsert)
	require.Equal(t, 201, created.status, created.raw)
	assert.Equal(t, "main", created.text("name"))
	assert.Equal(t, 204, b.do("PATCH", path, `{"issuer":"https://other"}`, "Prefer", upsert).status)
	byName := b.do("GET", "/applications/"+id+"/federatedIdentityCredentials/main", "")
	assert.Equal(t, "https://other", byName.text("issuer"))
	assert.Equal(t, "s", byName.text("subject"), "what is not named keeps its value")
	assert.Equal(t, 200, b.do("GET", "/applications/"+id+"/federatedIdentityCredentials/"+created.text("id"),
		"").status)

	posted := b.do("POST", "/applications/"+id+"/federatedIdentityCredentials", `{"name":"main",`+
		credentialBody("t")[1:])
	assert.Equal(t, 409, posted.status)
	assert.Equal(t, "FederatedIdentityCredential with name main already exists.", posted.text("error", "message"))

	assert.Equal(t, 204, b.do("DELETE", path, "").status)
	assert.Equal(t, 404, b.do("DELETE", path, "").status)
}

func TestFederatedCredentialRules(t *testing.T) {
	long := strings.Repeat("x", 601)
	for name, tc := range map[string]struct{ credential, body, code, message string }{
		"no issuer": {body: `{"subject":"s","audiences":["a"]}`, code: "Request_BadRequest",
			message: "'issuer'"},
		"no subject": {body: `{"issuer":"i","audiences":["a"]}`, code: "Request_BadRequest",
			message: "'subject'"},
		"no audience": {body: `{"issuer":"i","subject":"s"}`, code: "Request_BadRequest",
			message: "'audiences'"},
		"two audiences": {body: `{"issuer":"i","subject":"s","audiences":["a","b"]}`,
			code: "InvalidFederatedIdentityCredentialValue", message: "exactly one"},
		"long subject": {body: `{"issuer":"i","subject":"` + long + `","audiences":["a"]}`,
			code: "Request_BadRequest", message: "'subject'"},
		"long description": {body: `{"issuer":"i","subject":"s","audiences":["a"],"description":"` + long + `"}`,
			code: "Request_BadRequest", message: "'description'"},
		"short name": {credential: "ab", body: credentialBody("s"), code: "Request_BadRequest",
			message: "'name'"},
		"name begins with dash": {credential: "-abc", body: credentialBody("s"), code: "Request_BadRequest",
			message: "'name'"},
		"name with a dot": {credential: "a.b.c", body: credentialBody("s"), code: "Request_BadRequest",
			message: "'name'"},
		"name differs": {body: `{"name":"other",` + credentialBody("s")[1:], code: "Request_BadRequest",
			message: "'name'"},
		"flexible on v1.0": {body: `{"claimsMatchingExpression":{}}`, code: "Request_BadRequest",
			message: "claimsMatchingExpression"},
		"pair is taken": {credential: "second", body: credentialBody("taken"),
			code: "InvalidFederatedIdentityCredentialValue", message: "must be unique"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			id, _ := b.app("u")
			set := "/applications/" + id + "/federatedIdentityCredentials"
			require.Equal(t, 201, b.do("PATCH", set+"(name='first')", credentialBody("taken"), "Prefer",
				upsert).status)
			if tc.credential == "" {
				tc.credential = "abc"
			}
			got := b.do("PATCH", set+"(name='"+tc.credential+"')", tc.body, "Prefer", upsert)
			assert.Equal(t, 400, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.Contains(t, got.text("error", "message"), tc.message)
			assert.Len(t, b.world.FederatedCredentials(id), 1)
		})
	}
}

func TestTwentyCredentialsAreTheLimit(t *testing.T) {
	b := newBench(t)
	id, _ := b.app("u")
	for i := range 21 {
		got := b.do("PATCH", fmt.Sprintf("/applications/%s/federatedIdentityCredentials(name='c-%02d')", id, i),
			credentialBody(fmt.Sprint(i)), "Prefer", upsert)
		want := 201
		if i == 20 {
			want = 400
		}
		require.Equal(t, want, got.status, got.raw)
	}
}

func TestSoftDelete(t *testing.T) {
	b := newBench(t)
	id, appID := b.app("u")
	sp := b.do("PATCH", "/servicePrincipals(appId='"+appID+"')", `{}`, "Prefer", upsert)
	require.Equal(t, 201, b.do("PATCH", "/applications/"+id+"/federatedIdentityCredentials(name='abc')",
		credentialBody("s"), "Prefer", upsert).status)

	assert.Equal(t, 404, b.do("DELETE", "/directory/deletedItems/"+id, "").status, "not in the bin yet")
	require.Equal(t, 204, b.do("DELETE", "/applications/"+id, "").status)
	assert.Equal(t, 404, b.do("DELETE", "/applications/"+id, "").status)
	assert.Equal(t, 404, b.do("GET", "/servicePrincipals/"+sp.text("id"), "").status,
		"the service principal goes along")

	taken := b.do("PATCH", "/applications(uniqueName='u')", `{"displayName":"A"}`, "Prefer", upsert)
	assert.Equal(t, 400, taken.status)
	assert.Equal(t, "Request_BadRequest", taken.text("error", "code"))
	assert.Equal(t, "Another object with the same value for property uniqueName already exists.",
		taken.text("error", "message"))

	list := "/directory/deletedItems/microsoft.graph.application?$select=id,appId,uniqueName,displayName,deletedDateTime&$top=999"
	assert.Equal(t, 403, b.do("GET", list, "").status, "OwnedBy alone does not list the bin")
	b.world.SetAppRoles(world.AppPrincipalID, world.AppRoleReadWriteOwnedBy, world.AppRoleReadAll)
	listed := b.do("GET", list, "")
	require.Equal(t, 200, listed.status, listed.raw)
	require.Len(t, listed.at("value"), 1)
	assert.Equal(t, "2026-01-02T03:04:05Z", listed.at("value").([]any)[0].(map[string]any)["deletedDateTime"])
	assert.Len(t, b.do("GET", "/directory/deletedItems/graph.servicePrincipal", "").at("value"), 1)

	spRestore := "/directory/deletedItems/" + sp.text("id") + "/restore"
	assert.Equal(t, 400, b.do("POST", spRestore, "").status, "its application is not back yet")
	restored := b.do("POST", "/directory/deletedItems/"+id+"/restore", "")
	require.Equal(t, 200, restored.status, restored.raw)
	assert.Equal(t, "#microsoft.graph.application", restored.text("@odata.type"))
	assert.Equal(t, 404, b.do("GET", "/servicePrincipals/"+sp.text("id"), "").status,
		"the service principal is not restored along")
	assert.Len(t, b.do("GET", "/applications/"+id+"/federatedIdentityCredentials", "").at("value"), 1)
	require.Equal(t, 200, b.do("POST", spRestore, "").status)
	assert.Equal(t, 200, b.do("GET", "/servicePrincipals/"+sp.text("id"), "").status)

	require.Equal(t, 204, b.do("DELETE", "/applications/"+id, "").status)
	assert.Equal(t, 204, b.do("DELETE", "/directory/deletedItems/"+id, "").status)
	assert.Equal(t, 404, b.do("DELETE", "/directory/deletedItems/"+id, "").status)
	assert.Equal(t, 404, b.do("POST", "/directory/deletedItems/"+id+"/restore", "").status)
	again, _ := b.app("u")
	assert.NotEqual(t, id, again)
}

func TestReads(t *testing.T) {
	b := newBench(t)
	id, appID := b.app("it''s-mine")
	require.Equal(t, 201, b.do("PATCH", "/applications/"+id+"/federatedIdentityCredentials(name='abc')",
		credentialBody("it's"), "Prefer", upsert).status)
	app, ok := b.world.ApplicationByUniqueName("it's-mine")
	require.True(t, ok, "doubled quotes are one")
	require.Equal(t, id, app.ID)

	expanded := b.do("GET", "/applications(uniqueName='it''s-mine')?$select=id&$expand=federatedIdentityCredentials",
		"")
	require.Equal(t, 200, expanded.status, expanded.raw)
	assert.Len(t, expanded.at("federatedIdentityCredentials"), 1)

	for name, tc := range map[string]struct {
		path, filter string
		found        int
	}{
		"appId":            {"/applications", "appId eq '" + appID + "'", 1},
		"appId upper case": {"/applications", "appId eq '" + strings.ToUpper(appID) + "'", 1},
		"unique name":      {"/applications", "uniqueName eq 'it''s-mine'", 1},
		"display name":     {"/applications", "displayName eq 'App'", 1},
		"nobody":           {"/applications", "displayName eq 'Nobody'", 0},
		"half a name":      {"/applications", "displayName eq 'Ap'", 0},
		"both":             {"/applications", "displayName eq 'App' and appId eq '" + appID + "'", 1},
		"only one of two":  {"/applications", "displayName eq 'No and no' and appId eq '" + appID + "'", 0},
		"one of a list":    {"/applications", "appId in ('x', '" + appID + "')", 1},
		"none of a list":   {"/applications", "appId in ('x','y')", 0},
		"beginning":        {"/applications", "startswith(displayName,'ap')", 1},
		"no beginning":     {"/applications", "startswith(displayName,'pp')", 0},
		"one of its names": {"/servicePrincipals", "servicePrincipalNames/any(c:c eq '" + world.AppClientID + "')", 1},
		"no name of it":    {"/servicePrincipals", "servicePrincipalNames/any(c:c eq 'x')", 0},
		"principal":        {"/servicePrincipals", "appId eq '" + world.AppClientID + "'", 1},
		"credential name":  {"/applications/" + id + "/federatedIdentityCredentials", "name eq 'abc'", 1},
		"subject":          {"/applications/" + id + "/federatedIdentityCredentials", "subject eq 'it''s'", 1},
		"subject's case":   {"/applications/" + id + "/federatedIdentityCredentials", "subject eq 'IT''S'", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.do("GET", tc.path+"?$filter="+url.QueryEscape(tc.filter), "")
			require.Equal(t, 200, got.status, got.raw)
			assert.Len(t, got.at("value"), tc.found)
		})
	}
	counted := b.do("GET", "/applications?$count=true&$top=1", "")
	assert.EqualValues(t, 1, counted.at("@odata.count"), counted.raw)
	assert.Nil(t, b.do("GET", "/applications", "").at("@odata.count"))
}

func TestReadsThatAreRefused(t *testing.T) {
	b := newBench(t)
	id, _ := b.app("mine")
	for name, path := range map[string]string{
		"unbalanced quote": "/applications(uniqueName='it's')", "unquoted key": "/applications(uniqueName=u)",
		"no such key": "/applications(displayName='u')", "open parenthesis": "/applications(uniqueName='u'",
		"unknown select": "/applications?$select=colour", "unknown expand": "/applications?$expand=colour",
		"unknown filter": "/applications?$filter=" + url.QueryEscape("notes eq 'x'"),
		"operator":       "/applications?$filter=" + url.QueryEscape("appId ne 'x'"),
		"half of two":    "/applications?$filter=" + url.QueryEscape("appId eq 'x' and notes eq 'x'"),
		"open literal":   "/applications?$filter=" + url.QueryEscape("appId eq 'x"),
		"other variable": "/servicePrincipals?$filter=" + url.QueryEscape("servicePrincipalNames/any(c:d eq 'x')"),
		"not a filter":   "/applications?$filter=appId", "page of none": "/applications?$top=0",
		"bad token":      "/applications?$skiptoken=%21",
		"unknown option": "/applications?$where=x",
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, 400, b.do("GET", path, "").status) })
	}
	assert.Equal(t, 404, b.do("GET", "/users", "").status)
	assert.Equal(t, 404, b.do("GET", "/applications/"+id+"/logo", "").status)
	assert.Equal(t, 405, b.do("PUT", "/applications/"+id, `{}`).status)
}

func TestPagesCoverTheSetOnce(t *testing.T) {
	b := newBench(t)
	for i := range 7 {
		b.app(fmt.Sprintf("u-%d", i))
	}
	seen := map[string]int{}
	path := "/applications?$select=id&$top=3"
	pages := 0
	for path != "" {
		got := b.do("GET", path, "")
		require.Equal(t, 200, got.status, got.raw)
		list, _ := got.at("value").([]any)
		for _, e := range list {
			seen[e.(map[string]any)["id"].(string)]++
		}
		path = strings.TrimPrefix(got.text("@odata.nextLink"), "https://graph.microsoft.com/v1.0")
		pages++
	}
	assert.Equal(t, 3, pages)
	assert.Len(t, seen, 7)
}

// barrier is a request body that nobody gets before all have asked for theirs: by then every request has seen that the
// object does not exist.
type barrier struct {
	*strings.Reader
	arrived *sync.WaitGroup
	once    sync.Once
}

func (b *barrier) Read(p []byte) (int, error) {
	b.once.Do(func() {
		b.arrived.Done()
		b.arrived.Wait()
	})
	return b.Reader.Read(p)
}

func TestParallelUpsertsMakeOneOfEach(t *testing.T) {
	b := newBench(t)
	parallel := func(path, body string) map[int]int {
		const workers = 32
		var arrived, all sync.WaitGroup
		arrived.Add(workers)
		statuses := make(chan int, workers)
		for range workers {
			all.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), "PATCH", "https://graph.microsoft.com/v1.0"+path,
					&barrier{Reader: strings.NewReader(body), arrived: &arrived})
				r.Header.Set("Authorization", "Bearer "+world.AppPrincipalID)
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Prefer", upsert)
				w := httptest.NewRecorder()
				b.handler.ServeHTTP(w, r)
				statuses <- w.Code
			})
		}
		all.Wait()
		close(statuses)
		count := map[int]int{}
		for s := range statuses {
			count[s]++
		}
		return count
	}
	once := map[int]int{201: 1, 204: 31}
	assert.Equal(t, once, parallel("/applications(uniqueName='u')", `{"displayName":"A"}`))
	apps := b.world.Applications()
	require.Len(t, apps, 1)
	assert.Equal(t, once, parallel("/servicePrincipals(appId='"+apps[0].AppID+"')", `{}`))
	assert.Equal(t, once, parallel("/applications/"+apps[0].ID+"/federatedIdentityCredentials(name='abc')",
		credentialBody("s")))
	assert.Len(t, b.world.ServicePrincipals(), 2, "the app's own and the new one")
	assert.Len(t, b.world.FederatedCredentials(apps[0].ID), 1)
}

// TestManagedIdentityIsNoApplication: the directory has its service principal, and nothing else of it.
func TestManagedIdentityIsNoApplication(t *testing.T) {
	b := newBench(t)
	b.world.SetAppRoles(world.AppPrincipalID, world.AppRoleReadAll)
	identity, _ := b.world.PutUserAssignedIdentity(world.UserAssignedIdentity{
		ID: world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"})
	principal := b.do("GET", "/servicePrincipals(appId='"+identity.ClientID+"')", "")
	require.Equal(t, 200, principal.status, principal.raw)
	assert.Equal(t, "ManagedIdentity", principal.text("servicePrincipalType"))
	assert.Equal(t, 404, b.do("GET", "/applications(appId='"+identity.ClientID+"')", "").status)
	assert.Empty(t, b.do("GET", "/applications", "").at("value"))
}

// TestGetByIDs finds objects of several types at once.
func TestGetByIDs(t *testing.T) {
	b := newBench(t)
	id, _ := b.app("mine")
	ids := `"ids":["` + id + `","` + world.AppPrincipalID + `","99999999-9999-4999-8999-999999999999"]`
	types := func(body string) []any {
		got := b.do("POST", "/directoryObjects/getByIds", body)
		require.Equal(t, 200, got.status, got.raw)
		found := []any{}
		for _, object := range got.at("value").([]any) {
			found = append(found, object.(map[string]any)["@odata.type"])
		}
		return found
	}
	const application, principal = "#microsoft.graph.application", "#microsoft.graph.servicePrincipal"
	assert.Equal(t, []any{application, principal}, types("{"+ids+"}"))
	assert.Equal(t, []any{application, principal}, types("{"+ids+`,"types":["directoryObject"]}`))
	assert.Equal(t, []any{principal}, types("{"+ids+`,"types":["user","servicePrincipal"]}`))
	assert.Equal(t, []any{}, types("{"+ids+`,"types":["group"]}`))
	for name, body := range map[string]string{"no ids": `{}`, "no list": `{"ids":"x"}`, "types": "{" + ids +
		`,"types":1}`} {
		assert.Equal(t, 400, b.do("POST", "/directoryObjects/getByIds", body).status, name)
	}
	many := func(n int) string { return `{"ids":["` + strings.Repeat(`x","`, n-1) + `x"]}` }
	assert.Equal(t, 200, b.do("POST", "/directoryObjects/getByIds", many(1000)).status)
	assert.Equal(t, 400, b.do("POST", "/directoryObjects/getByIds", many(1001)).status)
	assert.Equal(t, 405, b.do("GET", "/directoryObjects/getByIds", "").status)
	b.world.SetAppRoles(world.AppPrincipalID)
	assert.Equal(t, 403, b.do("POST", "/directoryObjects/getByIds", "{"+ids+"}").status)
}
