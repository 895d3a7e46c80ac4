package functions

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	checkedEvery = 24 * time.Hour
	ours         = "/integrations/my-images"
)

// year is one integration over a year of virtual time, with the bus and the timer of the app.
type year struct {
	*app
	sweeps time.Time // the next one
	usable int       // how often that was told
	looks  int
	// observed is what the app has seen last, of what is so in the sandbox: that access works, or that it does not;
	// nil where nothing that it has seen tells.
	observed *bool
	run      any // the report that health had last
	// spec is what is PUT. isDone is the truth of the platform's side, where that is watched; nil where it is not.
	spec   string
	isDone func() bool
	// isAwaited is true while a person has yet to confirm the platform's form.
	isAwaited bool
	// unassigned are the role assignments that were taken away.
	unassigned []rbac.RoleAssignment
}

// put sends the integration's spec, with access to a container.
func (y *year) put(container string) {
	y.t.Helper()
	checked := fmt.Sprintf(`{"healthCheck":{"interval":%q},"serviceName"`, checkedEvery)
	spec := strings.Replace(cmp.Or(y.spec, good), `{"serviceName"`, checked, 1)
	got := y.call("PUT", ours, strings.Replace(spec, "images", container, 1))
	require.Less(y.t, got.StatusCode, 300, got.raw)
	y.observed = nil
	y.hold()
}

// pass lets time pass: messages are delivered when they are due, and the timer fires.
func (y *year) pass(d time.Duration) {
	y.t.Helper()
	end := time.Now().Add(d)
	for {
		next, at := y.nextDue()
		if !y.sweeps.After(at) {
			next, at = -1, y.sweeps
		}
		if at.After(end) {
			time.Sleep(time.Until(end))
			return
		}
		time.Sleep(time.Until(at))
		if next < 0 {
			require.NoError(y.t, y.function("sweep").Tick(y.t.Context(), false))
			y.sweeps = y.sweeps.Add(5 * time.Minute)
			continue
		}
		y.deliverOne(next)
	}
}

// untilCheck lets time pass until just before the next check.
func (y *year) untilCheck() {
	due, err := time.Parse(time.RFC3339, y.call("GET", ours+"/health", "").at("nextDue").(string))
	require.NoError(y.t, err)
	y.pass(time.Until(due) - time.Second)
}

// nextDue is the message that is due first, and when.
func (y *year) nextDue() (int, time.Time) {
	next, at := -1, time.Now().Add(1000*checkedEvery)
	for i, s := range y.queue.sent {
		if s.EnqueueAt.Before(at) {
			next, at = i, s.EnqueueAt
		}
	}
	return next, at
}

// deliverOne delivers a message, and holds what the app states of itself against the world after each look.
func (y *year) deliverOne(i int) {
	s := y.queue.sent[i]
	y.queue.sent = append(y.queue.sent[:i:i], y.queue.sent[i+1:]...)
	d := Delivery{Body: s.Body, MessageID: s.ID, SessionID: s.SessionID}
	switch s.entity {
	case message.QueueCommands:
		require.NoError(y.t, y.function("reconcile").Message(y.t.Context(), d))
	case message.QueueHealth:
		require.NoError(y.t, y.function("checkhealth").Message(y.t.Context(), d))
	default:
		if s.Subject == message.TypeIntegrationUsable {
			y.usable++
		}
		return
	}
	y.hold()
}

// isWorking is the sandbox's truth: the federated identity reaches the container that the spec asks for.
func (y *year) isWorking(container, clientID string) bool {
	if y.isDone != nil && !y.isDone() { // what is watched on the platform is not there
		return false
	}
	for _, p := range y.world.ServicePrincipals() {
		if p.AppID != clientID || !p.AccountEnabled {
			continue
		}
		for _, app := range y.world.Applications() {
			if app.AppID != clientID || len(y.world.FederatedCredentials(app.ID)) == 0 {
				continue
			}
			if _, err := y.world.Container("acmedata", container); err != nil {
				return false
			}
			return y.world.IsAllowed(p.ID, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
				world.DataAccountID+"/blobServices/default/containers/"+container, true)
		}
	}
	return false
}

// agree holds the conditions against each other and against health: Ready is the first of the others that is not True,
// and none claims what health states is not so. The integration asks nothing of the platform and is never torn down.
func (y *year) agree() {
	y.t.Helper()
	d := y.call("GET", ours, "")
	known := map[any]map[string]any{}
	for _, c := range d.at("status", "conditions").([]any) {
		known[c.(map[string]any)["type"]] = c.(map[string]any)
	}
	want := map[string]any{"status": "True"}
	for _, kind := range []string{"Verified", "Provisioned"} {
		if c := known[kind]; c["status"] != "True" {
			want = c // nil where the change of the spec has come to nothing yet
		}
	}
	ready := known["Ready"]
	if y.isAwaited && want["status"] == "True" {
		want = map[string]any{"status": "False", "reason": "awaiting-person"}
	}
	if want == nil {
		assert.NotEqual(y.t, "True", ready["status"], d.raw)
		return
	}
	assert.Equal(y.t, want["status"], ready["status"], d.raw)
	if want["reason"] != nil { // of a test that is still to come only Ready gives one
		assert.Equal(y.t, want["reason"], ready["reason"], d.raw)
	}
	if d.at("status", "health", "state") == "unhealthy" {
		assert.NotEqual(y.t, "True", known["Verified"]["status"], d.raw)
	}
}

// see keeps what a report of a test, a check or a drift has shown: the truth at that time, whatever the app makes of
// it. One that could not tell shows nothing.
func (y *year) see(verdict any) {
	y.t.Helper()
	if verdict == "unknown" || verdict == nil {
		return
	}
	d := y.call("GET", ours, "")
	container := d.at("spec", "storage").([]any)[0].(map[string]any)["container"].(string)
	clientID, _ := d.at("status", "clientId").(string)
	truth := y.isWorking(container, clientID)
	assert.Equal(y.t, truth, verdict != "fail", "%v %s", time.Now(), d.raw)
	y.observed = &truth
	y.looks++
}

// ask sends a request that looks, and has what it asks for of the queue done.
func (y *year) ask(method, path string, verdict ...string) {
	y.t.Helper()
	got := y.call(method, ours+path, "{}")
	require.Equal(y.t, http.StatusOK, got.StatusCode, got.raw)
	y.pass(time.Second)
	y.see(got.at(verdict...))
	y.hold()
}

// hold holds Ready, phase and health against what the app has seen last. It is right about that at once, or does not
// know, but for the minute until the second look of a schedule. Between two calls nothing changes: so it holds at
// every minute.
func (y *year) hold() {
	y.t.Helper()
	y.agree()
	d := y.call("GET", ours, "")
	health := y.call("GET", ours+"/health", "")
	if run := health.at("lastReport", "id"); run != y.run {
		y.run = run
		y.see(health.at("lastReport", "verdict"))
	}
	ready := d.at("status", "conditions").([]any)[0].(map[string]any)
	when := time.Now().Format(time.RFC3339) + " " + health.raw
	if found, _ := ready["diagnosis"].(map[string]any); found["remedy"] != nil {
		command, _ := found["remedy"].(map[string]any)["command"].(string)
		assert.NotRegexp(y.t, `<\w+>`, command, when)
	}
	if y.observed == nil || y.isSuspected() {
		return
	}
	want := map[bool]string{true: "healthy", false: "unhealthy"}[*y.observed]
	if state := health.at("state"); state != "unknown" && health.at("paused") == nil {
		assert.Equal(y.t, want, state, when)
	}
	if ready["status"] == "True" {
		assert.True(y.t, *y.observed, "%s ready", when)
		assert.Equal(y.t, "usable", d.at("status", "phase"))
	}
	if ready["status"] == "False" && health.at("paused") == nil && d.at("status", "phase") == "usable" &&
		ready["reason"] != "awaiting-person" {
		assert.False(y.t, *y.observed, "%s: %s", when, ready)
	}
	if d.at("status", "phase") == "usable" && health.at("state") == "healthy" && !y.isAwaited {
		assert.Equal(y.t, "True", ready["status"], "%s: %s", when, ready)
	}
}

// isSuspected reports whether a second look is on its way.
func (y *year) isSuspected() bool {
	for _, s := range y.queue.sent {
		if s.entity == message.QueueHealth && strings.HasSuffix(s.ID, "-confirm") {
			return true
		}
	}
	return false
}

// is asserts what the app states now.
func (y *year) is(phase, health, ready string) {
	y.t.Helper()
	y.agree()
	d := y.call("GET", ours, "")
	h := y.call("GET", ours+"/health", "")
	at := time.Now().Format(time.RFC3339)
	assert.Equal(y.t, phase, d.at("status", "phase"), at+d.raw)
	assert.Equal(y.t, health, h.at("state"), at+h.raw)
	assert.Equal(y.t, ready, d.at("status", "conditions").([]any)[0].(map[string]any)["status"], at+d.raw)
}

// claims asserts what health rests on; <nil> where that is nothing.
func (y *year) claims(level string) {
	y.t.Helper()
	h := y.call("GET", ours+"/health", "")
	assert.Equal(y.t, level, fmt.Sprint(h.at("claimLevel")), h.raw)
}

// down has a host answer nothing but that status, until the function that is returned is called.
func (y *year) down(host string, status int) func() {
	up := y.net[host]
	y.net[host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-ms-request-id", "down")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"code":"AuthorizationFailed","message":"no"}}`))
	})
	return func() { y.net[host] = up }
}

// principal is the integration's service principal.
func (y *year) principal() world.ServicePrincipal {
	clientID := y.call("GET", ours, "").at("status", "clientId")
	for _, p := range y.world.ServicePrincipals() {
		if p.AppID == clientID {
			return p
		}
	}
	require.Fail(y.t, "no service principal")
	return world.ServicePrincipal{}
}

func (y *year) enable(enabled bool) {
	_, err := y.world.UpdateServicePrincipal(y.principal().ID, func(p *world.ServicePrincipal) error {
		p.AccountEnabled = enabled
		return nil
	})
	require.NoError(y.t, err)
}

func (y *year) unassign() {
	principal := y.principal().ID
	for _, a := range y.world.RoleAssignments() {
		if a.PrincipalID == principal {
			_, err := y.world.DeleteRoleAssignment(a.ID)
			require.NoError(y.t, err)
			y.unassigned = append(y.unassigned, a)
		}
	}
}

const (
	day = 24 * time.Hour
	// seen is when a break is seen: by the next check, and its second look.
	seen = checkedEvery + 2*time.Minute
)

// breaks are what breaks in turn, and its repair.
func (y *year) breaks() []func() {
	return []func(){
		func() { // a lost role, put back by the PUT
			y.unassign()
			y.pass(seen)
			y.is("usable", "unhealthy", "False")
			y.claims("exchange")
			y.put("images")
			y.pass(time.Minute)
			y.is("usable", "healthy", "True")
			y.claims("access")
		},
		func() { // a principal that is disabled for two hours, and enabled by hand
			y.enable(false)
			y.pass(seen)
			y.is("usable", "unhealthy", "False")
			y.claims("file")
			y.enable(true)
			asked := y.call("POST", ours+"/health-checks", "")
			assert.Equal(y.t, "healthy", asked.at("state"), asked.raw)
			y.is("usable", "healthy", "True")
		},
		func() { // the same, and nobody asks: it is looked at again, at the latest after as long as it was broken
			y.untilCheck()
			y.enable(false)
			y.pass(4 * time.Minute)
			y.is("usable", "unhealthy", "False")
			y.enable(true)
			y.pass(4 * time.Minute)
			y.is("usable", "healthy", "True")
		},
		func() { // a container that is gone for a week
			require.NoError(y.t, y.world.DeleteContainer("acmedata", "images"))
			y.pass(7 * day)
			y.is("usable", "unhealthy", "False")
			_, err := y.world.CreateContainer("acmedata", "images")
			require.NoError(y.t, err)
			y.pass(seen)
			y.is("usable", "healthy", "True")
		},
	}
}

// losses are of the storage account, and its return.
func (y *year) losses() []func() {
	lose := func() { // and with it what is assigned there
		require.NoError(y.t, y.world.DeleteObject("storageAccounts", "acmedata"))
	}
	mend := func() { // it comes back empty, and the PUT assigns the role anew
		require.NoError(y.t, y.world.PutObject("storageAccounts", "acmedata", []byte(
			`{"containers":[{"name":"images"},{"name":"archive"},{"name":"archived"}]}`)))
		y.put("images")
		y.pass(time.Minute)
		y.is("usable", "healthy", "True")
	}
	isSeen := func() {
		y.is("usable", "unhealthy", "False")
		health := y.call("GET", ours+"/health", "")
		assert.Equal(y.t, "storage-account-not-found", health.at("diagnosis", "code"), health.raw)
		assert.Nil(y.t, health.at("also"), "that nothing answers follows from it")
	}
	return []func(){
		func() { // a test finds no way to it, and the structure tells why
			lose()
			y.pass(seen)
			isSeen()
			y.pass(7 * day)
			isSeen()
			mend()
		},
		func() { // the same, and somebody looks
			for _, look := range y.ways() {
				lose()
				look()
				isSeen()
				mend()
			}
		},
	}
}

// outages are what fails in turn on our side, or is slow, and its end.
func (y *year) outages() []func() {
	return []func(){
		func() { // an update that fails, while something breaks
			up := y.down("management.azure.com", http.StatusForbidden)
			y.put("archive")
			y.pass(time.Hour)
			assert.Equal(y.t, "failed", y.call("GET", ours, "").at("status", "phase"))
			y.pass(seen)
			y.is("failed", "unhealthy", "False")
			up()
			y.put("images")
			y.pass(time.Minute)
			y.is("usable", "healthy", "True")
		},
		func() { // no token for days, then neither Graph: nobody can tell
			up := y.down(sandbox.GateHost, http.StatusServiceUnavailable)
			y.pass(6 * day)
			y.is("usable", "unknown", "Unknown")
			y.claims("structure")
			y.unassign() // which the structure shows
			y.pass(2 * day)
			y.is("usable", "unhealthy", "False")
			y.claims("structure")
			up()
			y.put("images")
			y.pass(time.Minute)
			y.is("usable", "healthy", "True")
		},
		func() { // no token for an hour: who asks is told that nobody can tell, and soon after that all is well
			up := y.down(sandbox.GateHost, http.StatusServiceUnavailable)
			y.pass(time.Hour)
			y.is("usable", "healthy", "True")
			asked := y.call("POST", ours+"/health-checks", "")
			assert.Equal(y.t, "unknown", asked.at("state"), asked.raw)
			y.is("usable", "unknown", "Unknown")
			up()
			y.pass(2 * time.Minute)
			y.is("usable", "healthy", "True")
		},
		func() { // rights that need longer than the patience of the verification
			y.world.SetTiming(world.Timing{RBACMS: int((25 * time.Minute).Milliseconds())})
			y.unassign()
			y.put("images")
			y.pass(20 * time.Minute)
			y.is("failed", "unhealthy", "False")
			told := y.usable
			y.pass(time.Hour)
			y.is("usable", "healthy", "True")
			assert.Equal(y.t, told+1, y.usable, "it is told")
			y.world.SetTiming(world.Timing{})
		},
	}
}

// change asks for another container: that is a change on its way for ten minutes.
func (y *year) change(container string) {
	y.t.Helper()
	y.put(container)
	y.pass(time.Minute)
	y.is("usable", "healthy", "True")
}

// assign puts back by hand what was unassigned.
func (y *year) assign() {
	for _, a := range y.unassigned {
		_, _, err := y.world.PutRoleAssignment(a)
		require.NoError(y.t, err)
	}
	y.unassigned = nil
}

// ways are how people look: by an access test, a check that they ask for, and a drift report.
func (y *year) ways() []func() {
	return []func(){
		func() { y.ask("POST", "/access-tests", "verdict") },
		func() { y.ask("POST", "/health-checks", "lastReport", "verdict") },
		func() { y.ask("GET", "/drift", "verdict") },
	}
}

// lose takes a role away within ten minutes after a PUT: that may be on its way, until they are over, whoever looks.
func (y *year) lose(first int) {
	y.t.Helper()
	ways := y.ways()
	y.change("archived")
	y.unassign()
	for n := range ways {
		ways[(first+n)%len(ways)]()
		y.is("usable", "unknown", "Unknown")
		y.claims("exchange")
	}
	y.pass(10 * time.Minute)
	y.is("usable", "unhealthy", "False")
	y.assign()
	ways[first]()
	y.is("usable", "healthy", "True")
	y.change("images")
}

// soon are breaks and repairs within ten minutes after a PUT.
func (y *year) soon() []func() {
	ways := y.ways()
	return []func(){
		func() { y.lose(0) }, func() { y.lose(1) }, func() { y.lose(2) },
		func() { // a container that is gone is no change of ours
			y.change("archived")
			require.NoError(y.t, y.world.DeleteContainer("acmedata", "archived"))
			ways[0]()
			y.is("usable", "unhealthy", "False")
			_, err := y.world.CreateContainer("acmedata", "archived")
			require.NoError(y.t, err)
			ways[0]()
			y.is("usable", "healthy", "True")
			y.change("images")
		},
		func() { // rights that need some minutes, while people look
			y.world.SetTiming(world.Timing{RBACMS: int((5 * time.Minute).Milliseconds())})
			y.put("archived")
			for n := range 4 {
				y.pass(time.Minute)
				ways[n%2]()
				y.is("provisioned", "unknown", "Unknown")
			}
			y.pass(3 * time.Minute)
			y.is("usable", "healthy", "True")
			y.world.SetTiming(world.Timing{})
			y.change("images")
		},
		func() { // whatever comes, in whatever order
			random := rand.New(rand.NewPCG(15, uint64(y.looks)))
			y.change("archived")
			for range 12 {
				switch random.IntN(3) {
				case 0:
					y.unassign()
				case 1:
					y.assign()
				}
				ways[random.IntN(len(ways))]()
				y.pass(time.Minute)
			}
			y.assign()
			ways[0]()
			y.is("usable", "healthy", "True")
			y.change("images")
		},
	}
}

// TestAYear of one integration, in virtual time on the sandbox: breaks, repairs, failed updates, outages of ours.
// After every look Ready, phase and health say what is so in the sandbox, or that it is not known.
func TestAYear(t *testing.T) {
	_, err := cloud.NewServices(world.New(nil), cloud.ServiceOptions{}) // its key is shared: not in virtual time
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		a := newApp(t, map[string]string{"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost +
			"/api/v1/subject-tokens", "DDOE_API_KEY": planted})
		start := time.Now()
		y := &year{app: a, sweeps: start.Truncate(5 * time.Minute).Add(5 * time.Minute)}
		y.begin()
		y.is("usable", "healthy", "True")
		y.live(start, slices.Concat(y.breaks(), y.losses(), y.outages(), y.soon()))
	})
}

// begin makes the integration.
func (y *year) begin() {
	y.t.Helper()
	_, err := y.world.CreateContainer("acmedata", "archived")
	require.NoError(y.t, err)
	y.put("images")
	y.pass(time.Minute)
}

// live goes through a year in which something happens each seventeen days.
func (y *year) live(start time.Time, months []func()) {
	y.t.Helper()
	for n := 0; time.Since(start) < 365*24*time.Hour; n++ {
		y.pass(17*24*time.Hour + time.Duration(n)*97*time.Minute)
		y.is("usable", "healthy", "True")
		months[n%len(months)]()
		if y.t.Failed() {
			require.NoError(y.t, errors.New("see above"), "event %d", n)
		}
	}
	assert.Greater(y.t, y.looks, 365)
}
