package functions

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// origin is who has given an answer, as far as anybody can tell by it.
type origin string

const (
	// itself has the service's id and the shape of its refusals: it counts, whatever is so in the world.
	itself origin = "the service"
	// another lacks the one or the other: a proxy or gateway, of which nothing follows.
	another origin = "another one"
	// busy asks for patience: nothing follows of it either, whoever has sent it.
	busy origin = "busy"
)

// reply is an answer in place of a service's own.
type reply struct {
	from    origin
	status  int
	headers map[string]string
	body    string
}

// disturbance is a reply to some requests to a service.
type disturbance struct {
	host, method string
	// part is which third of the service's requests it is; 0 is all of them.
	part  int
	reply reply
}

var random = regexp.MustCompile(`[0-9a-f]{8}[0-9a-f-]{24,28}|[0-9TZ]{15,16}`)

// isFor reports whether a request is one of them. Which third that is depends on no name that is drawn anew each time.
func (d disturbance) isFor(host string, r *http.Request) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(r.Method + random.ReplaceAllString(r.URL.Path+r.URL.RawQuery, "")))
	return host == d.host && (d.method == "" || d.method == r.Method) && (d.part == 0 || int(h.Sum32()%3)+1 == d.part)
}

// disturbed is an app whose services' answers are replaced while there are disturbances.
type disturbed struct {
	*app
	mu     sync.Mutex
	now    []disturbance
	served []origin
	// told is what has been replaced, for who reads a failure.
	told []string

	// isWell is whether all is well in the sandbox; known is what each view blames then, and health and ready are what
	// the app says, while nothing is disturbed.
	isWell bool
	// follow are codes of what is so as well, but is folded into its cause.
	follow        []string
	known         map[string][]string
	health, ready any
	client        string
}

// idHeaders are the services whose answers are replaced, and the header with the id that each of them sends.
var idHeaders = map[string]string{entra.Host: "x-ms-request-id", "graph.microsoft.com": "request-id",
	"management.azure.com": "x-ms-request-id", "*.blob.core.windows.net": "x-ms-request-id"}

func disturb(a *app) *disturbed {
	d := &disturbed{app: a}
	d.client, _ = d.call("GET", ours, "").at("status", "clientId").(string)
	for host := range idHeaders {
		next := a.net[host]
		a.net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reply, isReplaced := d.replace(host, r)
			if !isReplaced {
				next.ServeHTTP(w, r)
				return
			}
			for name, value := range reply.headers {
				w.Header().Set(name, value)
			}
			w.WriteHeader(reply.status)
			_, _ = w.Write([]byte(reply.body))
		})
	}
	return d
}

func (d *disturbed) replace(host string, r *http.Request) (reply, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.now {
		if one.isFor(host, r) {
			d.served = append(d.served, one.reply.from)
			d.told = append(d.told, fmt.Sprintf("%s %s: %d %v %s", r.Method, r.URL, one.reply.status,
				one.reply.headers, one.reply.body))
			return one.reply, true
		}
	}
	return reply{}, false
}

// set replaces the disturbances, and forgets what was served.
func (d *disturbed) set(now []disturbance) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now, d.served, d.told = now, nil, nil
}

// hasServed reports whether an answer of that origin was served.
func (d *disturbed) hasServed(from ...origin) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.served, func(o origin) bool { return slices.Contains(from, o) })
}

// views are the places that look at the services.
func (d *disturbed) views() map[string]func() answer {
	return map[string]func() answer{
		"a round trip": func() answer { return d.call("POST", ours+"/access-tests", `{"mode":"roundtrip"}`) },
		"an oracle":    func() answer { return d.call("POST", ours+"/access-tests", `{"mode":"oracle"}`) },
		"drift":        func() answer { return d.call("GET", ours+"/drift", "") },
		"validation": func() answer {
			got, _ := d.judge(judged{parts: account, members: map[string]string{"clientId": d.client}})
			return got
		},
		"a check": func() answer {
			got := d.call("POST", ours+"/health-checks", "")
			report, _ := got.at("lastReport").(map[string]any)
			return answer{Response: got.Response, raw: got.raw, body: report}
		},
	}
}

// blames are the codes of the checks that failed.
func blames(report answer) []string {
	var all []string
	checks, _ := report.at("checks").([]any)
	for _, one := range checks {
		if check := one.(map[string]any); check["status"] == "fail" {
			all = append(all, fmt.Sprint(check["code"]))
		}
	}
	return all
}

// isAllSeen reports whether a report has looked at all that its kind claims with a pass.
func isAllSeen(view string, report answer) bool {
	seen := map[any]any{}
	for _, one := range report.at("checks").([]any) {
		check := one.(map[string]any)
		seen[check["id"]] = check["status"]
	}
	wanted := []string{"access.list", "access.read", "access.write", "access.delete"}
	if view == "drift" {
		wanted = []string{"structure.application", "structure.servicePrincipal", "structure.federatedCredential",
			"structure.roleAssignment"}
	}
	return !slices.ContainsFunc(wanted, func(id string) bool { return seen[id] != "pass" })
}

// state is what the app says of the integration.
func (d *disturbed) state() (health, ready any) {
	document := d.call("GET", ours, "")
	return document.at("status", "health", "state"),
		document.at("status", "conditions").([]any)[0].(map[string]any)["status"]
}

// drawDisturbance draws a reply to some requests to a service.
func drawDisturbance(t *rapid.T) disturbance {
	hosts := []string{entra.Host, "graph.microsoft.com", "management.azure.com", "*.blob.core.windows.net"}
	d := disturbance{
		host: rapid.SampledFrom(hosts).Draw(t, "host"),
		method: rapid.SampledFrom([]string{"", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
			http.MethodDelete}).Draw(t, "method"),
		part: rapid.IntRange(0, 3).Draw(t, "part"),
	}
	d.reply = drawReply(t, d.host)
	return d
}

// drawReply draws what is answered in a service's place: its own refusal with a code of any of the services, what
// asks for patience, or what it never sends.
func drawReply(t *rapid.T, host string) reply {
	code := rapid.SampledFrom([]string{"AuthorizationPermissionMismatch", "AuthorizationFailed", "BlobNotFound",
		"Authorization_RequestDenied", "ContainerNotFound", "ConditionNotMet", "ResourceNotFound", "invalid_client",
		"Request_ResourceNotFound", "AuthorizationFailure", "RoleAssignmentNotFound", "SomethingNew"}).Draw(t, "code")
	refusal, shape := refusalOf(t, host, code)
	anonymous := strings.ReplaceAll(refusal, "trace_id", "id") // a refusal of Entra has its id there, too
	id := map[string]string{idHeaders[host]: "3fa85f64-5717-4562-b3fc-2c963f66afa6"}
	refusals := []int{400, 401, 403, 404, 405, 409, 412, 422}
	switch from := rapid.SampledFrom([]origin{itself, another, another, busy}).Draw(t, "from"); from {
	case itself:
		shape[idHeaders[host]] = id[idHeaders[host]]
		return reply{from, rapid.SampledFrom(refusals).Draw(t, "status"), shape, refusal}
	case busy:
		status := rapid.SampledFrom([]int{408, 429, 500, 502, 503, 504}).Draw(t, "status")
		if rapid.Bool().Draw(t, "isShaped") {
			return reply{from, status, shape, refusal}
		}
		return reply{from, status, map[string]string{"Content-Type": "text/plain"}, "<html>busy</html>"}
	}
	status := rapid.SampledFrom(append([]int{200, 201, 202, 204, 206, 302, 407}, refusals...)).Draw(t, "status")
	body := rapid.SampledFrom([]string{"html", "empty", "truncated", "other", "list", "refusal"}).Draw(t, "body")
	hasID := rapid.Bool().Draw(t, "hasID")
	if body == "refusal" || body == "empty" && status < 300 && strings.HasPrefix(host, "*") {
		hasID = false // with it that is an answer of the service
	}
	headers := map[string]string{"Content-Type": "application/json"}
	if hasID {
		headers[idHeaders[host]] = id[idHeaders[host]]
	}
	texts := map[string]string{"html": "<html>Sign in to the network</html>", "empty": "",
		"truncated": `{"value":[{"id":"3fa8`, "other": `{"message":"no"}`, "list": `["no"]`, "refusal": anonymous}
	switch body {
	case "html":
		headers["Content-Type"] = "text/html; charset=utf-8"
	case "refusal":
		headers["Content-Type"] = shape["Content-Type"]
	}
	if status == 302 {
		headers["Location"] = "https://portal.example/sign-in"
	}
	return reply{another, status, headers, texts[body]}
}

// refusalOf is a refusal as the service writes it, with any code.
func refusalOf(t *rapid.T, host, code string) (body string, headers map[string]string) {
	headers = map[string]string{"Content-Type": "application/json"}
	write := func(v any) string {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		return string(raw)
	}
	switch host {
	case entra.Host:
		number := rapid.SampledFrom([]int{700016, 700211, 700213, 700024, 7000112, 90002, 50034, 1}).Draw(t, "AADSTS")
		return write(map[string]any{"error": code, "error_codes": []int{number},
			"error_description": fmt.Sprintf("AADSTS%d: no.", number),
			"trace_id":          "3fa85f64-5717-4562-b3fc-2c963f66afa6"}), headers
	case "*.blob.core.windows.net":
		return `<?xml version="1.0"?><Error><Code>` + code + `</Code><Message>no</Message></Error>`,
			map[string]string{"Content-Type": "application/xml", "x-ms-error-code": code}
	}
	return write(map[string]any{"error": map[string]any{"code": code, "message": "no"}}), headers
}

// truths are what is so in the sandbox, each for ever.
var truths = map[string]func(*year){
	"all is well":             func(*year) {},
	"the role is gone":        (*year).unassign,
	"the principal is off":    func(y *year) { y.enable(false) },
	"the container is gone":   func(y *year) { require.NoError(y.t, y.world.DeleteContainer("acmedata", "images")) },
	"the credential is gone":  func(y *year) { y.remove("federatedIdentityCredentials", y.credential()) },
	"the application is gone": func(y *year) { y.remove("applications", y.world.Applications()[0].ID) },
}

func (y *year) remove(kind, id string) {
	y.t.Helper()
	require.NoError(y.t, y.world.DeleteObject(kind, id))
}

// credential is the id of the federated credential.
func (y *year) credential() string {
	return y.world.FederatedCredentials(y.world.Applications()[0].ID)[0].ID
}

// TestRandomAnswers replaces answers of Entra, Graph, Azure and Storage by random ones. Nothing passes then but what
// is well and was seen to be; and what the services themselves did not say blames nobody and changes no state.
func TestRandomAnswers(t *testing.T) {
	_, err := cloud.NewServices(world.New(nil), cloud.ServiceOptions{}) // its key is shared: not in virtual time
	require.NoError(t, err)
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		require.NoError(t, flag.Set("rapid.checks", "20")) // each is ten looks
	}
	for name, destroy := range truths {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newApp(t, map[string]string{"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost +
					"/api/v1/subject-tokens", "DDOE_API_KEY": planted})
				y := &year{app: a, sweeps: time.Now().Add(time.Hour)}
				y.put("images")
				y.pass(11 * time.Minute)
				d := disturb(a)
				destroy(y)
				time.Sleep(time.Minute)
				if name == "the application is gone" {
					d.follow = []string{"service-principal-missing", "federated-credential-missing"}
				}
				d.learn(name == "all is well")
				rapid.Check(struct{ testing.TB }{t}, d.tryOut) // a bubble tells no deadline
			})
		})
	}
}

// learn looks while nothing is disturbed.
func (d *disturbed) learn(isWell bool) {
	d.t.Helper()
	d.isWell, d.known = isWell, map[string][]string{}
	for name, look := range d.views() {
		report := look()
		d.known[name] = blames(report)
		require.Contains(d.t, []any{"pass", "fail"}, report.at("verdict"), "%s: %s", name, report.raw)
	}
	d.health, d.ready = d.state()
	require.Equal(d.t, isWell, d.health == "healthy", d.health)
	require.Equal(d.t, isWell, d.ready == "True", d.ready)
}

// tryOut looks while answers are replaced.
func (d *disturbed) tryOut(t *rapid.T) {
	now := rapid.SliceOfN(rapid.Custom(drawDisturbance), 1, 2).Draw(t, "disturbances")
	views := d.views()
	for _, name := range slices.Sorted(maps.Keys(views)) {
		d.set(nil)
		views["a check"]() // what was said before may have changed the state
		d.set(now)
		report := views[name]()
		if report.at("verdict") == "pass" && (!d.isWell || d.hasServed(another, busy) || !isAllSeen(name, report)) {
			t.Fatalf("%s: a false pass: %v\n%s", name, d.told, report.raw)
		}
		health, ready := d.state()
		if !d.isWell && (health == "healthy" || ready == "True") {
			t.Fatalf("%s: a false state, %v and %v: %v\n%s", name, health, ready, d.told, report.raw)
		}
		if d.hasServed(itself) {
			continue
		}
		for _, code := range blames(report) {
			if !slices.Contains(d.known[name], code) && !slices.Contains(d.follow, code) {
				t.Fatalf("%s: a false blame, %s: %v\n%s", name, code, d.told, report.raw)
			}
		}
		if health != d.health && health != "unknown" || ready != d.ready && ready != "Unknown" {
			t.Fatalf("%s: a false state, %v and %v: %v\n%s", name, health, ready, d.told, report.raw)
		}
	}
}
