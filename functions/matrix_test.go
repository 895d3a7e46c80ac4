package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// What the integrations and operations of the matrix are called.
const (
	taken, free  = "my-images", "not-there"
	ownOperation = "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0aa"
	noOperation  = "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0bb"
)

// ruling is who may call an operation, and what is answered: of what is the caller's own, of another's to who is no
// administrator, and of what is not there.
type ruling struct {
	needs  caller.Role // empty: everybody may call
	body   string
	own    string
	others string // empty: as what is not there
	absent string // empty: it is about no integration
}

const notFound = "404 integration-not-found"

// confirmed is a spec whose side on the platform is a person's.
var confirmed = strings.Replace(good, "{", `{"ddoe":{"organizationId":"55555555-5555-4555-8555-555555555555",`+
	`"integration":true},`, 1)

// rulings are the rules of the matrix, by operation. They are written by hand, from docs/security.md, and an operation
// that is missing here fails the test.
func rulings() map[string]ruling {
	const read, operate, admin = caller.RoleRead, caller.RoleOperate, caller.RoleAdmin
	owner := `{"owner":"` + second + `"}`
	return map[string]ruling{
		"GET /healthz":       {own: "200"},
		"GET /docs":          {needs: read, own: "200"},
		"GET /openapi.json":  {needs: read, own: "200"},
		"GET /errors/{code}": {needs: read, own: "200"},
		"GET /readyz":        {needs: read, own: "200"},
		"GET /policy":        {needs: admin, own: "200"},

		"POST /credentials/validate": {needs: read, body: handFile, own: "200"},

		"GET /integrations":             {needs: read, own: "200, 1 listed", absent: "200, 0 listed"},
		"GET /operations":               {needs: read, own: "200, 1 listed", absent: "200, 0 listed"},
		"GET /operations/{id}":          {needs: read, own: "200", absent: "404 operation-not-found"},
		"POST /operations/{id}/cancel":  {needs: operate, own: "200", absent: "404 operation-not-found"},
		"GET /integrations/{id}":        {needs: read, own: "200", absent: notFound},
		"GET /integrations/{id}/health": {needs: read, own: "200", absent: notFound},
		"GET /integrations/{id}/drift":  {needs: read, own: "200", absent: notFound},

		"GET /integrations/{id}/credentials":         {needs: read, own: "200", absent: notFound},
		"GET /integrations/{id}/operations":          {needs: read, own: "200, 1 listed", absent: notFound},
		"PUT /integrations/{id}":                     {operate, confirmed, "200", "409 integration-exists", "201"},
		"PUT /integrations/{id}?dryRun=true":         {operate, confirmed, "200", "409 integration-exists", "200"},
		"PATCH /integrations/{id}":                   {operate, `{"displayName":"x"}`, "200", "", notFound},
		"PATCH /integrations/{id}?dryRun=true":       {operate, `{"displayName":"x"}`, "200", "", notFound},
		"PATCH /integrations/{id}/owner":             {operate, owner, "200", "", notFound},
		"DELETE /integrations/{id}":                  {operate, "", "202", "", notFound},
		"POST /integrations/{id}/confirm":            {operate, "", "200", "", notFound},
		"POST /integrations/{id}/manage":             {operate, "", "202", "", notFound},
		"POST /integrations/{id}/manage?dryRun=true": {operate, "", "200", "", notFound},
		"POST /integrations/{id}/access-tests":       {operate, `{"subjectToken":"minted"}`, "200", "", notFound},
		"POST /integrations/{id}/access-tests async": {operate, "", "202", "", notFound},
		"POST /integrations/{id}/health-checks":      {operate, "", "200", "", notFound},

		"POST /integrations/{id}/health-checks async": {operate, "", "202", "", notFound},
		"POST /integrations/{id}/import": {operate, handOther, "409 integration-exists", "409 integration-exists",
			"201"},
		"POST /integrations/{id}/import of an identity that is somebody's": {operate, handImport,
			"409 integration-exists", "409 integration-exists", "403 not-allowed"},
	}
}

// handOther is an import of what a person has made by hand, for a subject of its own.
var handOther = strings.Replace(handImport, subject, "system:serviceaccount:dataloop:by-hand", 1)

// asking is one row of the matrix: who asks.
type asking struct {
	name string
	// role is what the token has; it is empty of the function key alone.
	role     string
	hasToken bool
	// keyOnly is true of an app that asks for no token.
	keyOnly bool
}

func allAsking() []asking {
	return []asking{
		{name: "key alone, tokens are asked for"},
		{name: "token without a role", hasToken: true},
		{name: "Wif.Read", role: "Wif.Read", hasToken: true},
		{name: "Wif.Operate", role: "Wif.Operate", hasToken: true},
		{name: "Wif.Admin", role: "Wif.Admin", hasToken: true},
		{name: "key, no tokens are asked for", keyOnly: true},
	}
}

// may reports whether the caller has what an operation needs.
func (k asking) may(needed caller.Role) bool {
	order := []string{"", "Wif.Read", "Wif.Operate", "Wif.Admin"}
	return k.seesAll() || slices.Index(order, k.role) >= slices.Index(order, string(needed))
}

func (k asking) seesAll() bool { return k.keyOnly || k.role == "Wif.Admin" }

// expected is what the rule says of one cell.
func (r ruling) expected(operation string, k asking, whose string) string {
	switch {
	case r.needs == "":
	case !k.hasToken && !k.keyOnly:
		return "401 unauthorized"
	case !k.may(r.needs):
		return "403 forbidden"
	case strings.HasSuffix(operation, "somebody's") && whose == "absent" && k.seesAll():
		return "201"
	case whose == "absent", whose == "another's" && !k.seesAll() && r.others == "":
		return r.absent
	case whose == "another's" && !k.seesAll():
		return r.others
	}
	return r.own
}

// worlds are the integrations that a cell may be about.
func (r ruling) worlds() []string {
	if r.absent == "" {
		return []string{"-"}
	}
	return []string{"own", "own by a group", "another's", "absent"}
}

// TestMatrix calls each operation as each caller, about its own, another's and an absent integration, through the
// door; each cell in a world that no other has changed. It is held against the rules here, and against
// testdata/matrix.txt, which a reviewer can read. What is another's is answered as what is not there, byte for byte.
func TestMatrix(t *testing.T) {
	t.Parallel()
	rules := rulings()
	covered(t, rules)
	cells, worlds := map[string]string{}, pool{}
	for _, operation := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[operation]
		for _, k := range allAsking() {
			answers := map[string]string{}
			for _, whose := range rule.worlds() {
				got, answer := cell(t, worlds, operation, rule, k, whose)
				assert.Equal(t, rule.expected(operation, k, whose), got, "%s as %s of %s", operation, k.name, whose)
				cells[operation+"|"+k.name+"|"+whose] = got
				answers[whose] = answer
			}
			if !k.seesAll() && rule.others == "" {
				assert.Equal(t, answers["absent"], answers["another's"], "%s as %s tells nothing", operation, k.name)
			}
		}
	}
	golden := filepath.Join("testdata", "matrix.txt")
	text := table(rules, cells, keysOf(t))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "go test ./functions -run TestMatrix -update")
}

// covered holds the rules against the API document: no operation is without a rule, and no rule without an operation.
func covered(t *testing.T, rules map[string]ruling) {
	t.Helper()
	var known, ruled []string
	needed := map[string]string{}
	for template, item := range newApp(t, nil).document["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			name := strings.ToUpper(method) + " " + template
			security, _ := op.(map[string]any)["security"].([]any)
			known, needed[name] = append(known, name), neededRole(security)
		}
	}
	for operation, rule := range rules {
		ruled = append(ruled, plainOperation(operation))
		assert.Equal(t, string(rule.needs), needed[plainOperation(operation)], "the document's role of %s", operation)
	}
	slices.Sort(known)
	slices.Sort(ruled)
	assert.Equal(t, known, slices.Compact(ruled), "each operation of the API has its rule in the matrix")
}

// plainOperation is an operation as the API document names it.
func plainOperation(operation string) string {
	parts := strings.SplitN(operation, " ", 3)
	path, _, _ := strings.Cut(parts[1], "?")
	return parts[0] + " " + path
}

// pool keeps worlds that nothing has changed for the next cell.
type pool map[string]*watched

func (p pool) take(t *testing.T, operation string, k asking, whose string) *watched {
	t.Helper()
	key := fmt.Sprint(k.keyOnly, whose, strings.HasSuffix(operation, "/cancel"))
	if p[key] == nil {
		p[key] = watch(matrixWorld(t, operation, k, whose))
	}
	return p[key]
}

// drop has the next cells begin anew.
func (p pool) drop(used *watched) {
	maps.DeleteFunc(p, func(_ string, a *watched) bool { return a == used })
}

// matrixWorld is a world with one integration, whose owner is the caller, a group of it or another one.
func matrixWorld(t *testing.T, operation string, k asking, whose string) *app {
	t.Helper()
	settings := map[string]string{"DDOE_SUBJECT_TOKEN_URL": "https://gate.dataloop.ai/tokens", "DDOE_API_KEY": planted}
	if !k.keyOnly {
		settings["AUTH_AUDIENCE"] = apiAudience
	}
	a := newApp(t, settings)
	byAdmin := []string{"Authorization", asManager(a)}
	a.make("applications", handApplication, map[string]any{"appId": handClient, "displayName": "by hand"})
	a.make("servicePrincipals", handPrincipal, map[string]any{"appId": handClient, "accountEnabled": true,
		"servicePrincipalType": "Application"})
	a.make("federatedIdentityCredentials", handCredential, map[string]any{"applicationId": handApplication,
		"name": "by-hand", "issuer": world.Issuer, "subject": "system:serviceaccount:dataloop:by-hand",
		"audiences": []string{"api://AzureADTokenExchange"}})
	made := a.call("PUT", "/integrations/"+taken, confirmed, append(byAdmin, "Operation-Id", ownOperation)...)
	require.Equal(t, 201, made.StatusCode, made.raw)
	if !strings.HasSuffix(operation, "/cancel") { // which takes what has not started
		a.deliver()
	}
	if whose == "own" && k.keyOnly {
		return a
	}
	owner := map[string]string{"own": second, "own by a group": team, "another's": first, "absent": first}[whose]
	if owner != "" {
		given := a.call("PATCH", "/integrations/"+taken+"/owner", `{"owner":"`+owner+`"}`, byAdmin...)
		require.Equal(t, 200, given.StatusCode, given.raw)
	}
	return a
}

// asManager is the header of an administrator's token.
func asManager(a *app) string {
	a.t.Helper()
	return a.bearer(entra.CallerRequest{ObjectID: manager, Roles: []string{"Wif.Admin"}})
}

// headersOf are those by which a caller asks.
func headersOf(a *app, k asking) []string {
	a.t.Helper()
	headers := []string{"x-functions-key", "key"}
	if !k.hasToken {
		return headers
	}
	request := entra.CallerRequest{ObjectID: second, AppID: theirApp, Groups: []string{team}}
	if k.role != "" {
		request.Roles = []string{k.role}
	}
	return append(headers, "Authorization", a.bearer(request))
}

// everything is the world, the records and the number of messages: what a refused request must leave as it is.
func everything(a *app) string {
	a.t.Helper()
	raw, err := json.Marshal(a.world.Snapshot())
	require.NoError(a.t, err)
	records, next, err := a.store.List(a.t.Context(), "", "", 1000)
	require.NoError(a.t, err)
	require.Empty(a.t, next)
	text := string(raw)
	for _, r := range records {
		text += "\n" + r.Key + " " + string(r.Body)
	}
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	return fmt.Sprint(text, "\nmessages: ", len(a.queue.sent))
}

// keysOf is what the host answers to whom it finds no key of, by operation.
func keysOf(t *testing.T) map[string]string {
	t.Helper()
	_, api := listed(t)
	files, keys := functionFiles(t, "."), map[string]string{}
	for operation, function := range servedBy(t, api) {
		keys[operation] = map[string]string{"function": "401 by the host",
			"anonymous": "as with the key"}[files[function][0].AuthLevel]
	}
	return keys
}

// table is the matrix for a reader: a block for each operation, a line for each caller.
func table(rules map[string]ruling, cells, keys map[string]string) string {
	var b strings.Builder
	b.WriteString("Who may do what. Written by go test ./functions -run TestMatrix -update, which calls each cell.\n" +
		"A caller with a token has the function key as well. own: made by or given to the caller; or to its group.\n" +
		"Without the key the host answers, by authLevel in function.json; the app never learns of it.\n")
	for _, operation := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[operation]
		fmt.Fprintf(&b, "\n%s\n  %-33s%s\n", operation, "no key", keys[plainOperation(operation)])
		for _, k := range allAsking() {
			fmt.Fprintf(&b, "  %-33s", k.name)
			for _, whose := range rule.worlds() {
				told := cells[operation+"|"+k.name+"|"+whose]
				if whose != "-" {
					told = whose + ": " + told
				}
				fmt.Fprintf(&b, "%-38s  ", told)
			}
			b.WriteString("\n")
		}
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
