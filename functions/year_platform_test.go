package functions

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// platformYear is a year with the platform's side.
type platformYear struct{ *year }

// isOnPlatform is the truth there: one integration and one driver.
func (y *platformYear) isOnPlatform() bool {
	return len(y.world.DDOEObjects(dataloop.Integrations)) == 1 && len(y.world.DDOEObjects(dataloop.Drivers)) == 1
}

// repair PUTs the spec again, and holds that all is well.
func (y *platformYear) repair() {
	y.t.Helper()
	y.put("images")
	y.pass(time.Minute)
	y.is("usable", "healthy", "True")
}

// onThePlatform are what somebody removes there in turn, and outages of the platform.
func (y *platformYear) onThePlatform() []func() {
	return []func(){
		func() { // a driver that somebody deletes
			y.app.remove(dataloop.Drivers)
			y.pass(seen)
			y.isFailing("ddoe-driver-missing")
			y.repair()
		},
		func() { // an integration that somebody deletes, and an access test that meets it
			y.app.remove(dataloop.Integrations)
			y.ask("POST", "/access-tests", "verdict")
			y.isFailing("ddoe-integration-missing")
			y.repair()
		},
		func() { // a platform that tells nothing of its objects for a week: access works, and nobody knows the rest
			up := y.gateDown(`/(integrations|drivers)`, http.StatusServiceUnavailable)
			y.pass(6 * day)
			y.is("usable", "unknown", "Unknown")
			up()
			y.pass(seen)
			y.is("usable", "healthy", "True")
		},
		func() { // a driver that is deleted while the whole platform is down
			up := y.down(sandbox.GateHost, http.StatusBadGateway)
			y.app.remove(dataloop.Drivers)
			y.pass(2 * day)
			y.is("usable", "healthy", "True") // of what was seen last, for three intervals
			y.pass(4 * day)
			y.is("usable", "unknown", "Unknown")
			up()
			y.pass(seen)
			y.isFailing("ddoe-driver-missing")
			y.repair()
		},
		func() { // an API key that is revoked, and a PUT that cannot mend meanwhile
			up := y.down(sandbox.GateHost, http.StatusUnauthorized)
			y.app.remove(dataloop.Drivers)
			y.put("images")
			y.pass(time.Hour)
			assert.NotEqual(y.t, "True", y.readyCondition()["status"])
			up()
			y.repair()
		},
		func() { // a lost role and a lost driver: one mends by hand, the other by the PUT
			y.app.remove(dataloop.Drivers)
			y.unassign()
			y.pass(seen)
			y.is("usable", "unhealthy", "False")
			y.assign()
			y.ask("GET", "/drift", "verdict")
			y.pass(time.Minute)
			y.isFailing("ddoe-driver-missing")
			y.repair()
		},
	}
}

// isFailing holds that the integration does not work, for that reason.
func (y *platformYear) isFailing(code string) {
	y.t.Helper()
	y.is("usable", "unhealthy", "False")
	assert.Equal(y.t, code, y.readyCondition()["reason"])
}

func (y *platformYear) readyCondition() map[string]any {
	return y.call("GET", ours, "").at("status", "conditions").([]any)[0].(map[string]any)
}

// gateDown has requests to the platform that match answered by that status, until the function that is returned is
// called.
func (y *platformYear) gateDown(request string, status int) func() {
	up := y.net[sandbox.GateHost]
	y.gate(request, status, `{"message":"down"}`)
	return func() { y.net[sandbox.GateHost] = up }
}

// confirm is a person's word that the form is filled in.
func (y *platformYear) confirm() {
	y.t.Helper()
	got := y.call("POST", ours+"/confirm", "{}")
	require.Equal(y.t, http.StatusOK, got.StatusCode, got.raw)
	y.isAwaited = false
	y.hold()
	y.is("usable", "healthy", "True")
	assert.Nil(y.t, y.call("GET", ours, "").at("status", "ddoe", "next"), "nothing is left to do")
}

// isAwaiting holds that a person is awaited, while access works.
func (y *platformYear) isAwaiting() {
	y.t.Helper()
	y.is("usable", "healthy", "False")
	assert.Equal(y.t, "awaiting-person", y.readyCondition()["reason"])
	assert.NotEmpty(y.t, y.call("GET", ours, "").at("status", "ddoe", "next"))
}

// byHand are what happens where a person has filled in the platform's form.
func (y *platformYear) byHand() []func() {
	change := func(container string) { // which changes what is in the form
		y.isAwaited = true
		y.put(container)
		y.pass(time.Minute)
		y.isAwaiting()
		y.pass(3 * day)
		y.isAwaiting()
		y.confirm()
	}
	return []func(){
		func() { change("archived"); change("images") },
		func() { // a PUT of the same spec asks nobody again
			y.repair()
		},
		func() { // a lost role is no matter of the form
			y.unassign()
			y.pass(seen)
			y.is("usable", "unhealthy", "False")
			y.repair()
		},
		func() { // a role that is lost while a person is awaited: that comes first
			y.isAwaited = true
			y.put("archived")
			y.pass(time.Minute)
			y.unassign()
			y.pass(seen)
			y.is("usable", "unhealthy", "False")
			y.assign()
			y.ask("POST", "/access-tests", "verdict")
			y.isAwaiting()
			y.confirm()
			change("images")
		},
		func() { // no token for days
			up := y.down(sandbox.GateHost, http.StatusServiceUnavailable)
			y.pass(2 * day)
			y.is("usable", "healthy", "True")
			up()
			y.pass(seen)
			y.is("usable", "healthy", "True")
		},
	}
}

// TestAYearWithThePlatform is TestAYear of an integration with the platform's side, made by the API or by a person.
func TestAYearWithThePlatform(t *testing.T) {
	_, err := cloud.NewServices(world.New(nil), cloud.ServiceOptions{}) // its key is shared: not in virtual time
	require.NoError(t, err)
	for name, settings := range map[string]map[string]string{
		"by the API": {"DDOE_API_URL": "https://" + sandbox.GateHost + "/api/v1"},
		"by hand":    {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settings["DDOE_API_KEY"] = planted
				settings["DDOE_SUBJECT_TOKEN_URL"] = "https://" + sandbox.GateHost + "/api/v1/subject-tokens"
				start := time.Now()
				y := &platformYear{&year{app: newApp(t, settings), spec: withDDOE, isAwaited: name == "by hand",
					sweeps: start.Truncate(5 * time.Minute).Add(5 * time.Minute)}}
				y.begin()
				if y.isAwaited {
					y.isAwaiting()
					y.confirm()
					y.live(start, y.byHand())
					return
				}
				y.isDone = y.isOnPlatform
				y.is("usable", "healthy", "True")
				y.live(start, y.onThePlatform())
			})
		})
	}
}
