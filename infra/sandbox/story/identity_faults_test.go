package story

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// armFaults are what a request to Azure Resource Manager may meet, before it is carried out or after. The page is a
// gateway's.
func armFaults() []map[string]any {
	return []map[string]any{
		{"status": 429, "code": "TooManyRequests", "headers": map[string]any{"Retry-After": "1"}},
		{"status": 500, "code": "InternalServerError"},
		{"status": 503, "code": "ServiceUnavailable", "effect": "after"},
		{"effect": "drop"},
		{"status": 401, "code": "ExpiredAuthenticationToken"},
		{"status": 409, "code": "Conflict"},
		{"status": 412, "code": "PreconditionFailed"},
		{"status": 200, "body": "<html><body>Bad gateway</body></html>", "headers": map[string]any{
			"Content-Type": "text/html"}},
	}
}

// armRequests are the requests about a managed identity that a PUT sends, and those that a DELETE sends.
func armRequests() (puts, deletes [][2]string) {
	const identity, credential, assignment = `/userAssignedIdentities/[^/]+\?`, "/federatedIdentityCredentials/",
		"/roleAssignments/"
	return [][2]string{{http.MethodGet, identity}, {http.MethodPut, identity}, {http.MethodPut, credential},
			{http.MethodPut, assignment}},
		[][2]string{{http.MethodGet, `/federatedIdentityCredentials\?`}, {http.MethodDelete, credential},
			{http.MethodDelete, assignment}, {http.MethodDelete, identity}}
}

// TestManagedInAStorm disturbs every request about a managed identity once, each in another way, until each has met
// each fault: one of each object is made all the same, and none is left.
func TestManagedInAStorm(t *testing.T) {
	t.Parallel()
	puts, deletes := armRequests()
	for turn := range armFaults() {
		way, submit := "HTTP", (*app).byHTTP
		if turn%2 == 1 {
			way, submit = "queue", (*app).byQueue
		}
		t.Run(fmt.Sprintf("%s, turn %d", way, turn), func(t *testing.T) {
			t.Parallel()
			a := startWithoutGraph(t)
			before := a.control(http.MethodGet, "/world", nil)
			for _, c := range []struct {
				method   string
				requests [][2]string
				ends     managed
			}{{http.MethodPut, puts, oneManaged}, {http.MethodDelete, deletes, managed{}}} {
				a.disturb(c.requests, turn)
				operation := hasten(a, submit(a, c.method))
				require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
				assert.Equal(t, c.ends, a.managed(before), c.method)
				for _, f := range a.Cloud().Faults().List() {
					assert.Zero(t, *f.Times, "never asked: %s %s", f.Match.Method, f.Match.Path)
				}
			}
		})
	}
}

// disturb has each of some requests meet a fault: the first the one of this turn, and so on.
func (s *sandbox) disturb(requests [][2]string, turn int) {
	s.t.Helper()
	var storm []any
	all := armFaults()
	for i, r := range requests {
		fault := all[(turn+i)%len(all)]
		fault["match"] = map[string]any{"host": "management", "method": r[0], "path": r[1]}
		storm = append(storm, fault)
	}
	s.control(http.MethodPut, "/faults", storm)
}

// hasten waits for the end of an operation, and has what is put off until later begin at once.
func hasten(a *app, id string) answer {
	a.t.Helper()
	var operation answer
	require.Eventually(a.t, func() bool {
		a.advance(10 * time.Second)
		operation = a.call(http.MethodGet, "/operations/"+id, nil)
		return operation.Status == http.StatusOK && !slices.Contains([]any{"NotStarted", "Running"},
			operation.at("status"))
	}, 90*time.Second, 500*time.Millisecond)
	return operation
}

// TestReplacedOverTheQueue makes each kind out of the other by messages, and kills the handler once the other identity
// is there: one of each is left, and the platform, which is told by its API, has the client id of the new one.
func TestReplacedOverTheQueue(t *testing.T) {
	t.Parallel()
	for to, c := range map[string]struct {
		from   string
		fault  map[string]any
		isMade func(a *app, before answer) bool
		apps   counts
		uamis  managed
	}{
		"managedIdentity": {"application",
			map[string]any{"host": "management", "method": "PUT", "path": `/userAssignedIdentities/[^/]+\?`},
			func(a *app, before answer) bool { return a.managed(before).identities == 1 },
			counts{servicePrincipals: 1, assignments: 1}, oneManaged},
		"application": {"managedIdentity",
			map[string]any{"host": "graph", "method": "POST", "path": "/applications$"},
			func(a *app, before answer) bool { return a.made(before).applications == 1 },
			counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 1},
			managed{principals: 1, assignments: 1}},
	} {
		t.Run("to "+to, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			before := a.control(http.MethodGet, "/world", nil)
			spec := a.wired()
			spec["identity"] = map[string]any{"kind": c.from}
			former := a.put(spec).at("status.clientId").(string)
			assert.Contains(t, fmt.Sprint(a.platformOptions()), former)

			spec["identity"] = map[string]any{"kind": to}
			a.control(http.MethodPut, "/faults", []any{map[string]any{"match": c.fault, "times": 1, "delayMs": 15000,
				"effect": "drop"}})
			id := uuid.NewString()
			a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{
				"integrationId": "my-images", "operationId": id, "replace": true, "spec": spec}))
			require.Eventually(t, func() bool { return c.isMade(a, before) }, 30*time.Second, 20*time.Millisecond)
			a.kill()
			operation := hasten(a, id)
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			assert.Equal(t, c.apps, a.made(before))
			assert.Equal(t, c.uamis, a.managed(before))

			document := a.call(http.MethodGet, "/integrations/my-images", nil)
			now, _ := document.at("status.clientId").(string)
			assert.NotEqual(t, former, now)
			assert.Equal(t, to, document.at("status.identity.kind"), document.Raw)
			assert.Nil(t, document.at("status.identity.formerClientId"), "nobody has to be told")
			a.requireOne()
			assert.Contains(t, fmt.Sprint(a.platformOptions()), now, "the platform was told")
			assert.NotContains(t, fmt.Sprint(a.platformOptions()), former)
			tested := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
			assert.Equal(t, "pass", tested.at("verdict"), tested.Raw)
		})
	}
}

// platformOptions are the options of the platform's integration.
func (s *sandbox) platformOptions() any {
	s.t.Helper()
	return s.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options")
}
