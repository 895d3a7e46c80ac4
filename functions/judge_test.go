package functions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// judged is a file that is judged with a token, and what is to be told.
type judged struct {
	// members replace those of the good file; parts and query are beside it; token is what the platform issues.
	members map[string]string
	parts   map[string]string
	query   string
	token   sandbox.TokenRequest
	// raw is sent as the token instead.
	raw     string
	arrange func(*app)

	claim string
	// exchanges is how many tokens Entra was shown.
	exchanges int
	// checks are some that are to be in the report: status and code, or status and what it depends on.
	checks map[string]string
}

var account = map[string]string{"storage": world.DataAccountID, "container": "images"}

// judgements are what a token proves of a file, and what keeps it from it.
var judgements = map[string]judged{
	"all is well": {parts: account, claim: "access", exchanges: 1, checks: map[string]string{"exchange.token": "pass ",
		"access.write": "pass ", "structure.federatedCredential": "pass ", "discovery.tenant": "pass "}},
	"no storage": {claim: "exchange", exchanges: 1, checks: map[string]string{"exchange.token": "pass ",
		"access.list": " "}},
	"an account by its URL": {parts: map[string]string{"storage": "https://acmedata.blob.core.windows.net"},
		claim: "exchange", exchanges: 1, checks: map[string]string{"access.list": "skip ",
			"discovery.storage": "pass "}},
	"another subject's token": {parts: account, token: sandbox.TokenRequest{Subject: subject + "-2"},
		claim: "structure",
		checks: map[string]string{"token.subject": "fail token-subject-mismatch",
			"exchange.token": "skip token.subject",
			"access.list":    "skip token.subject"}},
	"another audience": {parts: account, token: sandbox.TokenRequest{Subject: subject, Audience: "x"},
		claim: "structure",
		checks: map[string]string{"token.audience": "fail token-audience-mismatch",
			"exchange.token": "skip token.audience"}},
	"another issuer's token": {parts: account, token: sandbox.TokenRequest{Subject: subject,
		Issuer: "https://dataloop.ai/OAuth2"}, claim: "structure",
		checks: map[string]string{"token.issuer": "fail token-issuer-mismatch",
			"exchange.token": "skip token.issuer"}},
	"no token at all": {parts: account, raw: "pl4nted", claim: "structure", checks: map[string]string{
		"token.format": "fail token-malformed", "exchange.token": "skip token.format"}},
	"a tenant that is not there": {parts: account, members: map[string]string{
		"tenantId": "88888888-8888-4888-8888-888888888888"}, claim: "file", checks: map[string]string{
		"discovery.tenant": "fail tenant-unknown", "token.subject": "pass ",
		"exchange.token": "skip discovery.tenant", "access.write": "skip discovery.tenant"}},
	"no client id": {parts: account, members: map[string]string{"clientId": "<CLIENT_ID>"}, claim: "discovery",
		checks: map[string]string{"exchange.token": "skip file.clientId.placeholder",
			"access.list": "skip file.clientId.placeholder", "discovery.tenant": "pass "}},
	"a fault that hinders nothing": {parts: account, members: map[string]string{"x": "y"}, claim: "access",
		exchanges: 1,
		checks:    map[string]string{"file.members.unknown": "fail file-member-unknown", "access.read": "pass "}},
	"no role": {parts: account, arrange: func(a *app) { giveAtImages(a, "") }, claim: "exchange",
		exchanges: 1, checks: map[string]string{"exchange.token": "pass ",
			"structure.roleAssignment": "fail role-missing",
			"access.list":              "fail role-missingstructure.roleAssignment"}},
	"a role for reading where that is enough": {parts: account, query: "&access=read", arrange: giveReading,
		claim: "access", exchanges: 1, checks: map[string]string{"structure.roleAssignment": "pass ",
			"access.read": "pass "}},
	"a role for reading where more is asked": {parts: account, arrange: giveReading, claim: "access", exchanges: 1,
		checks: map[string]string{"structure.roleAssignment": "fail role-missing", "access.read": "pass "}},
	"an issuer that is down": {parts: account, arrange: func(a *app) {
		a.net[sandbox.Host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	}, claim: "file", exchanges: 1, checks: map[string]string{
		"discovery.issuer": "unknown issuer-unavailable", "exchange.token": "fail issuer-unreachable"}},
}

// clientID is that of the first application; empty where there is none.
func (a *app) clientID() string {
	for _, application := range a.world.Applications() {
		return application.AppID
	}
	return ""
}

// giveReading puts the role for reading in the place of that at the container.
func giveReading(a *app) { giveAtImages(a, "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1") }

// giveAtImages puts a role in the place of those at the container; empty for none.
func giveAtImages(a *app, role string) {
	a.t.Helper()
	for _, r := range a.world.RoleAssignments() {
		if !strings.HasSuffix(r.Scope, "/images") {
			continue
		}
		require.NoError(a.t, a.world.DeleteObject("roleAssignments", r.Name))
		if role != "" {
			a.make("roleAssignments", r.Scope+"/providers/Microsoft.Authorization/roleAssignments/"+
				"aaaaaaaa-0000-4000-8000-00000000000a", map[string]any{"principalId": r.PrincipalID,
				"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role})
		}
	}
}

// judge sends a file with its parts.
func (a *app) judge(c judged) (answer, string) {
	a.t.Helper()
	members := map[string]string{"clientId": a.clientID(), "tenantId": world.TenantID,
		"federatedTokenIssuer": world.Issuer, "subject": subject, "audience": "api://AzureADTokenExchange"}
	maps.Copy(members, c.members)
	file, err := json.Marshal(members)
	require.NoError(a.t, err)
	token := c.raw
	if token == "" {
		if c.token.Subject == "" {
			c.token.Subject = subject
		}
		token, err = a.issuer.Mint(c.token)
		require.NoError(a.t, err)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(a.t, w.WriteField("subjectToken", token))
	require.NoError(a.t, w.WriteField("file", string(file)))
	for name, value := range c.parts {
		require.NoError(a.t, w.WriteField(name, value))
	}
	require.NoError(a.t, w.Close())
	return a.call("POST", "/credentials/validate?depth=access"+c.query, body.String(), "Content-Type",
		w.FormDataContentType()), token
}

// overhear listens to all that is sent to anybody; what it returns counts by host the requests that hold a text.
func (a *app) overhear() func(text string) map[string]int {
	var mu sync.Mutex
	heard := map[string][]string{}
	for host, next := range a.net {
		a.net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(a.t, err)
			mu.Lock()
			heard[host] = append(heard[host], fmt.Sprint(r.URL, r.Header, string(body)))
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
	return func(text string) map[string]int {
		mu.Lock()
		defer mu.Unlock()
		counts := map[string]int{entra.Host: 0}
		for host, all := range heard {
			for _, one := range all {
				if strings.Contains(one, text) {
					counts[host]++
				}
			}
		}
		return counts
	}
}

// TestAFileIsJudgedByAToken: to the exchange, and to the data where storage is named; a layer that fails stops what
// depends on it alone; and the token is told to Entra and to nobody else.
func TestAFileIsJudgedByAToken(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(judgements)) {
		t.Run(name, func(t *testing.T) {
			c := judgements[name]
			a := newApp(t, nil)
			require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			if c.arrange != nil {
				c.arrange(a)
			}
			sent := a.overhear()
			got, token := a.judge(c)
			require.Equal(t, 200, got.StatusCode, got.raw)
			assert.Equal(t, c.claim, got.at("claimLevel"), got.raw)
			requireGolden(t, "judgement", name, reportLines(a, got))
			told := map[string]string{}
			for _, one := range got.at("checks").([]any) {
				check := one.(map[string]any)
				text := func(member string) string { s, _ := check[member].(string); return s }
				told[text("id")] = text("status") + " " + text("code") + text("dependsOn")
				assert.NotContains(t, text("field"), "/subjects")
			}
			for id, want := range c.checks {
				assert.Equal(t, strings.TrimPrefix(want, " "), strings.TrimPrefix(told[id], " "), "%s: %s",
					id, got.raw)
			}
			if name == "no role" {
				assert.Nil(t, got.at("also"), "what the test finds follows from what the look has found")
			}
			assert.Equal(t, got.at("verdict") == "pass", got.at("diagnosis") == nil)
			assert.Equal(t, map[string]int{entra.Host: c.exchanges}, sent(token), "who was shown the token, how often")
			for _, text := range []string{got.raw, a.log.String(), a.state()} {
				assert.NotContains(t, text, token)
				assert.NotContains(t, text, strings.SplitN(token, ".", 3)[max(0, strings.Count(token, "."))])
			}
		})
	}
}

// TestATokensFaultIsAtTheFilesMember: the file has other names than a spec.
func TestATokensFaultIsAtTheFilesMember(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	for field, name := range map[string]string{"/subject": "another subject's token", "/audience": "another audience",
		"/federatedTokenIssuer": "another issuer's token"} {
		got, _ := a.judge(judgements[name])
		require.Equal(t, 200, got.StatusCode, got.raw)
		i := slices.IndexFunc(got.at("checks").([]any), func(one any) bool {
			check := one.(map[string]any)
			return check["layer"] == "token" && check["status"] == "fail"
		})
		require.GreaterOrEqual(t, i, 0, got.raw)
		at, _ := got.at("checks").([]any)[i].(map[string]any)["field"].(string)
		assert.Equal(t, field, at)
	}
}

// TestAFaultyStorageIsRefused with a token too, whatever else is wrong with the file.
func TestAFaultyStorageIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	for _, client := range []string{handClient, "<CLIENT_ID>"} {
		got, _ := a.judge(judged{parts: map[string]string{"storage": "nowhere", "container": "images"},
			members: map[string]string{"clientId": client}})
		assert.Equal(t, 422, got.StatusCode, got.raw)
		assert.Equal(t, "invalid-resource-id", got.at("code"), client)
	}
}

// TestEachDepthHasItsLayers, and those of the depths before it.
func TestEachDepthHasItsLayers(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	file := a.call("GET", "/integrations/my-images/credentials", "").raw
	for depth, want := range map[string][]string{"file": {"file"}, "discovery": {"discovery", "file"},
		"structure": {"discovery", "file", "structure"}} {
		got := a.call("POST", "/credentials/validate?depth="+depth, file)
		require.Equal(t, 200, got.StatusCode, got.raw)
		layers := map[string]bool{}
		for _, one := range got.at("checks").([]any) {
			layers[one.(map[string]any)["layer"].(string)] = true
		}
		assert.ElementsMatch(t, want, slices.Collect(maps.Keys(layers)), depth)
		assert.Equal(t, depth, got.at("claimLevel"))
		assert.Equal(t, "pass", got.at("verdict"), got.raw)
	}
}

// reportLines are a report as people read it: verdict and causes, then each check with its layer, and what it says.
func reportLines(a *app, report answer) string {
	of := func(from map[string]any, members ...string) (all []string) {
		for _, member := range members {
			if value := from[member]; value != nil && value != "" {
				all = append(all, fmt.Sprintf("%s=%v", member, value))
			}
		}
		return all
	}
	cause := func(value any) string {
		d, _ := value.(map[string]any)
		return strings.Join(of(d, "code", "target"), " ")
	}
	var text strings.Builder
	fmt.Fprintln(&text, strings.Join(of(report.body, "kind", "verdict", "claimLevel", "testedAs", "leftovers"), " "))
	fmt.Fprintln(&text, "diagnosis:", cause(report.at("diagnosis")))
	also, _ := report.at("also").([]any)
	for _, one := range also {
		fmt.Fprintln(&text, "also:", cause(one))
	}
	for _, one := range report.at("checks").([]any) {
		check := one.(map[string]any)
		remedy, _ := check["remedy"].(map[string]any)
		if check["code"] != nil { // its title is the catalogue's
			delete(check, "title")
		}
		fmt.Fprintf(&text, "%v (%v) %s\n", check["id"], check["layer"], strings.Join(slices.Concat(of(check, "status",
			"code", "field", "target", "dependsOn", "title", "expected", "actual", "presented", "diffAt", "transient",
			"differences"), of(remedy, "who")), "; "))
	}
	return volatile.ReplaceAllString(strings.NewReplacer(a.world.Applications()[0].AppID, "<client>",
		world.DataAccountID, "<account>").Replace(text.String()), "<volatile>")
}

// volatile is what differs from run to run.
var volatile = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|127\.0\.0\.1:\d+`)

// requireGolden compares a text with the file that holds it; -update writes it.
func requireGolden(t *testing.T, folder, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", folder, strings.NewReplacer(" ", "-", "'", "").Replace(name)+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	want, err := os.ReadFile(path) //nolint:gosec // a golden file
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
}
