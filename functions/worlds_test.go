package functions

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// worlds are one deployment that two callers share, and one that each has for itself. Producers of the queue stand for
// the second caller.
type worlds struct {
	shared *app
	alone  map[string]*app
	seen   map[*app]*names
	// creators are who made an id: it stays theirs in the shared deployment, and is free in the other caller's own.
	creators map[string]string
	// operations are the ids of all that was asked for.
	operations []string
}

// The ids are anybody's; a subject, and what was made by hand, is one caller's. A subject that two owners ask for is
// TestASubjectHasOneOwner's.
var (
	sharedIDs = []string{"aaa-one", "bbb-two", "ccc-three"}
	stranger  = "ffffffff-6666-4666-8666-666666666666"
)

func serviceOf(who string) string { return "service-" + who[:4] }

// byHandOf is the client id of an identity that a caller has made by hand.
func byHandOf(who string) string { return who[:8] + "-0000-4000-8000-000000000002" }

func newWorlds(t *testing.T) *worlds {
	t.Helper()
	w := &worlds{alone: map[string]*app{}, seen: map[*app]*names{}, creators: map[string]string{}}
	start := func() *app {
		a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "QUEUE_OWNER": second})
		for _, who := range []string{first, second} {
			application := who[:8] + "-0000-4000-8000-000000000001"
			a.make("applications", application, map[string]any{"appId": byHandOf(who), "displayName": "by hand"})
			a.make("servicePrincipals", who[:8]+"-0000-4000-8000-000000000003", map[string]any{"appId": byHandOf(who),
				"accountEnabled": true, "servicePrincipalType": "Application"})
			a.make("federatedIdentityCredentials", who[:8]+"-0000-4000-8000-000000000005", map[string]any{
				"applicationId": application, "name": "by-hand", "issuer": world.Issuer,
				"subject":   "system:serviceaccount:dataloop:hand-" + who[:4],
				"audiences": []string{"api://AzureADTokenExchange"}})
		}
		w.seen[a] = &names{known: map[string]string{}}
		return a
	}
	w.shared, w.alone[first], w.alone[second] = start(), start(), start()
	return w
}

func (w *worlds) all() []*app { return []*app{w.shared, w.alone[first], w.alone[second]} }

// newOperation is an id for what is asked for next.
func (w *worlds) newOperation() string {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(w.operations))
	w.operations = append(w.operations, id)
	return id
}

// request is what a caller sends.
type request struct {
	method, path, body string
	headers            []string
	// makes is the id that it makes, where that is free.
	makes string
}

// draw is one request of a caller.
func (w *worlds) draw(r *rapid.T, who string) request {
	id := rapid.SampledFrom(sharedIDs).Draw(r, "id")
	at := "/integrations/" + id
	operation := []string{"Operation-Id", w.newOperation()}
	page := rapid.SampledFrom([]string{"", "&pageSize=1", "&pageSize=2"}).Draw(r, "page")
	drawn := func(of ...string) string { return rapid.SampledFrom(of).Draw(r, "one of") }
	spec := strings.Replace(specOf(serviceOf(who)), "{", `{"tags":{"team":"`+drawn("vision", "audio")+`"},`, 1)
	patch := `{"displayName":"` + drawn("one", "two") + `"}`
	switch drawn("PUT", "PUT", "PUT", "PUT plan", "PATCH", "PATCH plan", "owner", "DELETE", "import", "GET",
		"views", "views", "its operations", "list", "list", "operations", "operation", "operation", "cancel",
		"cancel", "access test", "access test later", "check", "check later", "confirm") {
	case "PUT":
		return request{"PUT", at, spec, operation, id}
	case "PUT plan":
		return request{"PUT", at + "?dryRun=true", spec, nil, id}
	case "PATCH":
		return request{"PATCH", at, patch, operation, ""}
	case "PATCH plan":
		return request{"PATCH", at + "?dryRun=true", patch, nil, ""}
	case "owner":
		owner := stranger
		if who == first {
			owner = drawn(stranger, team)
		}
		return request{"PATCH", at + "/owner", `{"owner":"` + owner + `"}`, nil, ""}
	case "DELETE":
		return request{"DELETE", at + drawn("", "?purge=true"), "", operation, ""}
	case "import":
		body := strings.NewReplacer(handClient, byHandOf(who), subject,
			"system:serviceaccount:dataloop:hand-"+who[:4]).Replace(handImport)
		return request{"POST", at + "/import", body, []string{"Content-Type", "application/json"}, id}
	case "views":
		return request{method: "GET", path: at + "/" + drawn("credentials", "health", "drift")}
	case "its operations":
		return request{method: "GET", path: at + "/operations?" + drawn("", "status=Succeeded", "status=Failed") +
			page}
	case "list":
		return request{method: "GET", path: "/integrations?" + drawn(filters()...) + page}
	case "operations":
		return request{method: "GET", path: "/operations?" + drawn("", "integrationId="+id, "status=NotStarted",
			"status=Succeeded", "status=Canceled&integrationId="+id) + page}
	case "operation":
		return request{method: "GET", path: "/operations/" + drawn(w.operations...)}
	case "cancel":
		return request{method: "POST", path: "/operations/" + drawn(w.operations...) + "/cancel"}
	case "access test":
		return request{"POST", at + "/access-tests", `{"mode":"oracle"}`, operation, ""}
	case "access test later":
		return request{"POST", at + "/access-tests", "", append(operation, "Prefer", "respond-async"), ""}
	case "check":
		return request{"POST", at + "/health-checks", "", operation, ""}
	case "check later":
		return request{"POST", at + "/health-checks", "", append(operation, "Prefer", "respond-async"), ""}
	case "confirm":
		return request{method: "POST", path: at + "/confirm"}
	}
	return request{method: "GET", path: at}
}

// filters are those of the list of integrations.
func filters() []string {
	const subjects = "subject=system:serviceaccount:dataloop:"
	return []string{"", "phase=pending", "phase=provisioned", "phase=deleted", "state=failed", "ready=true",
		"ready=false",
		"health=unknown", "account=acmedata", "container=images", "tag=team:vision", "owner=" + first,
		"owner=" + second, "owner=" + team, "owner=" + stranger, subjects + serviceOf(first),
		subjects + serviceOf(second)}
}

// send asks the shared deployment and the caller's own, and holds the answers against each other. That an id is
// another owner's is all that is told of them.
func (w *worlds) send(r *rapid.T, who string, q request) {
	if creator := w.creators[q.makes]; creator != "" && creator != who {
		got := as(w.shared, who, q.method, q.path, q.body, q.headers...)
		require.Equal(r, 409, got.StatusCode, got.raw)
		require.Equal(r, "integration-exists", got.at("code"))
		require.NotContains(r, got.raw, creator)
		return
	}
	for path := q.path; path != ""; {
		got := as(w.shared, who, q.method, path, q.body, q.headers...)
		own := as(w.alone[who], who, q.method, path, q.body, q.headers...)
		told, want := w.seen[w.shared].of(who).plain(got), w.seen[w.alone[who]].of(who).plain(own)
		require.Equal(r, want, told, "%s %s as %s", q.method, path, who)
		if got.StatusCode == http.StatusCreated {
			w.creators[q.makes] = who
		}
		next, _ := got.at("nextLink").(string)
		path = strings.TrimPrefix(next, "/api")
	}
}

// message sends what a producer of the queue may send.
func (w *worlds) message(r *rapid.T) {
	id := rapid.SampledFrom(sharedIDs).Draw(r, "id")
	kind := rapid.SampledFrom([]string{"provision", "provision", "deprovision", "accesstest"}).Draw(r, "kind")
	data := map[string]any{"integrationId": id, "operationId": w.newOperation()}
	creator := w.creators[id]
	if kind == "provision" && (creator == "" || creator == second) && rapid.Bool().Draw(r, "with spec") {
		data["spec"] = json.RawMessage(specOf(serviceOf(second)))
		w.creators[id] = second
	}
	event := fmt.Sprint("event-", len(w.operations))
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": event, "source": "/producer",
		"type": "ai.ddoe.wif." + kind + ".v1", "data": data})
	require.NoError(r, err)
	for _, a := range []*app{w.shared, w.alone[second]} {
		require.NoError(r, a.function("reconcile").Message(a.t.Context(), Delivery{Body: body, MessageID: event,
			SessionID: id}))
	}
}

// TestEachOwnerSeesAWorldOfItsOwn: whatever two callers and a producer do, each is answered, member by member, as if
// it were alone.
func TestEachOwnerSeesAWorldOfItsOwn(t *testing.T) {
	t.Parallel()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		require.NoError(t, flag.Set("rapid.checks", "20")) // each starts three apps
	}
	synctest.Test(t, func(t *testing.T) { // no two requests have one time; rapid has no deadline
		rapid.Check(struct{ testing.TB }{t}, func(r *rapid.T) { ownWorlds(t, r) })
	})
}

// ownWorlds is one run of TestEachOwnerSeesAWorldOfItsOwn.
func ownWorlds(t *testing.T, r *rapid.T) {
	w := newWorlds(t)
	for range rapid.IntRange(10, 30).Draw(r, "steps") {
		time.Sleep(time.Second)
		switch step := rapid.SampledFrom([]string{first, first, first, second, second, second, "queue",
			"deliver"}).Draw(r, "step"); step {
		case "queue":
			w.message(r)
		case "deliver":
			for _, a := range w.all() {
				a.deliver()
			}
		default:
			w.send(r, step, w.draw(r, step))
		}
	}
	for _, a := range w.all() {
		a.deliver()
	}
	for _, who := range []string{first, second} {
		for _, path := range []string{"/integrations", "/integrations?phase=deleted", "/operations"} {
			w.send(r, who, request{method: "GET", path: path})
		}
	}
}

// names normalise what is random in answers: ids that services make, and ETags, which hold a hash of one, are numbered
// as they come.
type names struct {
	known   map[string]string
	readers map[string]*names
}

// of are the names that one caller has seen.
func (n *names) of(who string) *names {
	if n.readers == nil {
		n.readers = map[string]*names{}
	}
	if n.readers[who] == nil {
		n.readers[who] = &names{known: map[string]string{}}
	}
	return n.readers[who]
}

var (
	guids     = regexp.MustCompile(`"\d+-[0-9a-f]{8}"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times     = regexp.MustCompile(`20\d\d-\d\d-\d\dT[0-9:.]+Z`)
	tokens    = regexp.MustCompile(`continuationToken=[^&"\\]*`)
	durations = regexp.MustCompile(`"durationMs":\d+`)
)

// ordered sorts the steps of operations by name: some are taken side by side.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if steps, isList := member.([]any); isList && name == "steps" {
				slices.SortStableFunc(steps, func(a, b any) int { return cmp.Compare(stepName(a), stepName(b)) })
			}
			ordered(member)
		}
	case []any:
		for _, member := range v {
			ordered(member)
		}
	}
	return v
}

func stepName(step any) string {
	of, _ := step.(map[string]any)
	name, _ := of["name"].(string)
	return name
}

// plain is an answer whole, but for random ids, times and where the next page begins.
func (n *names) plain(got answer) string {
	text := got.raw
	if got.body != nil {
		raw, err := json.Marshal(ordered(got.body))
		if err != nil {
			return err.Error()
		}
		text = tokens.ReplaceAllString(string(raw), "continuationToken")
	}
	for _, name := range []string{"ETag", "Location", "Operation-Location", "Retry-After", "x-ms-error-code",
		"Content-Type", "WWW-Authenticate", "Allow", "Content-Disposition", "Preference-Applied"} {
		text += "\n" + name + ": " + strings.Join(slices.Sorted(slices.Values(got.Header.Values(name))), " ")
	}
	text = durations.ReplaceAllString(times.ReplaceAllString(text, "time"), "duration")
	text = guids.ReplaceAllStringFunc(text, func(id string) string {
		if strings.HasPrefix(id, "00000000-0000-4000-8000-") || slices.Contains([]string{first, second, team, manager,
			theirApp, stranger, world.TenantID, world.SubscriptionID, byHandOf(first), byHandOf(second)}, id) {
			return id
		}
		if n.known[id] == "" {
			n.known[id] = fmt.Sprintf("id %d", len(n.known))
		}
		return n.known[id]
	})
	return fmt.Sprint(got.StatusCode, "\n", text)
}
