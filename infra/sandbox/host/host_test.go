package host_test

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/host"
)

func TestStartGivesTheHandlerItsEnvironment(t *testing.T) {
	f := newFixture(t, map[string]string{
		"local.settings.json": `{"Values": {"FROM_LOCAL": "local", "FROM_BOTH": "local", "NOTHING": null}}`,
	}, always(order{Print: "hello\n"}))
	f.env = append(f.env, "FROM_BOTH=env")
	h := f.start()
	started := f.waitFor("start", 1)[0]

	root, err := filepath.EvalSymlinks(f.root)
	require.NoError(t, err)
	dir, err := filepath.EvalSymlinks(started.Dir)
	require.NoError(t, err)
	assert.Equal(t, root, dir, "the working directory is the root")
	assert.Equal(t, started.PID, h.PID())
	assert.NotEmpty(t, started.Env["FUNCTIONS_CUSTOMHANDLER_PORT"])
	assert.Equal(t, started.Env["FUNCTIONS_CUSTOMHANDLER_PORT"], started.Env["FUNCTIONS_HTTPWORKER_PORT"])
	assert.NotEmpty(t, started.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"])
	assert.Equal(t, started.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"], started.Env["FUNCTIONS_HTTPWORKER_ID"])
	assert.Equal(t, f.root, started.Env["FUNCTIONS_APP_ROOT_PATH"])
	assert.Equal(t, "local", started.Env["FROM_LOCAL"])
	assert.Equal(t, "env", started.Env["FROM_BOTH"], "what is set already wins over local.settings.json")
	assert.NotContains(t, started.Env, "NOTHING")

	h.Close()
	assert.ErrorIs(t, syscall.Kill(started.PID, 0), syscall.ESRCH, "the handler is gone")
	assert.Contains(t, "\n"+f.log.String(), "\nhello\n", "stdout as it is")
	assert.Contains(t, f.log.String(), "[stderr] hello\n")
}

func TestAnyAnswerToTheReadinessPollCounts(t *testing.T) {
	f := newFixture(t, nil, always(order{Status: http.StatusInternalServerError}))
	f.start() // GET / gets the zero order, see collect; a 404 or 500 would do as well
	response, _ := f.do("GET", "/api/hello", "", nil)
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
}

func TestHandlerThatNeverListensStopsTheHost(t *testing.T) {
	f := newFixture(t, nil, func(e event) order { return order{Deaf: e.Kind == "start"} })
	f.env = append(f.env, "AzureFunctionsJobHost__customHandler__initializationTimeout=00:00:00.8")
	err := f.build().Start(t.Context())
	require.ErrorContains(t, err, "did not answer GET")
	f.waitFor("start", 3)
}

func TestCrashes(t *testing.T) {
	tests := []struct {
		name   string
		exits  []int // of the first processes, each on its first request
		starts int
		fails  bool
	}{
		{name: "another code: restarted", exits: []int{3}, starts: 2},
		{name: "two errors: restarted", exits: []int{3, 4}, starts: 3},
		{name: "the third error ends the host", exits: []int{3, 4, 5}, starts: 3, fails: true},
		{name: "200 is a wish, not an error", exits: []int{200, 200, 200, 200}, starts: 5},
		{name: "200 between errors does not excuse them", exits: []int{3, 200, 4, 200, 5}, starts: 5, fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var requests atomic.Int32
			f := newFixture(t, nil, func(e event) order {
				if e.Kind != "request" {
					return order{}
				}
				if n := int(requests.Add(1)); n <= len(tt.exits) {
					return order{Exit: &tt.exits[n-1]}
				}
				return order{Body: ptr("alive")}
			})
			h := f.start()
			for range tt.exits {
				response, _ := f.do("POST", "/api/hello", "", nil)
				assert.Equal(t, http.StatusInternalServerError, response.StatusCode, "in flight during the crash")
			}
			if tt.fails {
				err := h.Wait(t.Context())
				var exit *host.ExitError
				require.ErrorAs(t, err, &exit)
				assert.Equal(t, tt.exits[len(tt.exits)-1], exit.Code)
				response, _ := f.do("GET", "/api/hello", "", nil)
				assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
				assert.Zero(t, h.PID())
			} else {
				response, body := f.do("GET", "/api/hello", "", nil) // waits for the restart
				assert.Equal(t, http.StatusOK, response.StatusCode)
				assert.Equal(t, "alive", body)
			}
			assert.Len(t, f.waitFor("start", tt.starts), tt.starts)
		})
	}
}

func TestErrorsFurtherApartAreForgiven(t *testing.T) {
	f := newFixture(t, nil, func(e event) order {
		return order{Kill: e.Kind == "request" && e.URI == "/api/hello?die"}
	})
	clock := &fakeClock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	h, err := host.New(host.Options{Root: f.root, Env: f.env, Log: f.log, Now: clock.now,
		Drain: 100 * time.Millisecond})
	require.NoError(t, err)
	f.host = h
	t.Cleanup(h.Close)
	require.NoError(t, h.Start(t.Context()))
	for n := range 5 {
		f.do("POST", "/api/hello?die", "", nil) // a GET may be sent again on another connection
		f.waitFor("start", n+2)
		response, _ := f.do("GET", "/api/hello", "", nil)
		require.Equal(t, http.StatusOK, response.StatusCode)
		clock.advance(31 * time.Minute)
	}
	assert.NoError(t, h.Err())
}

func TestExitZeroWedgesTheApp(t *testing.T) {
	f := newFixture(t, nil, func(e event) order {
		if e.Kind == "request" {
			return order{Exit: new(int)}
		}
		return order{}
	})
	h := f.start()
	for range 2 {
		response, _ := f.do("POST", "/api/hello", "", nil)
		assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	}
	assert.Len(t, f.waitFor("start", 1), 1, "no restart")
	assert.NoError(t, h.Err(), "and the host does not mind")
	assert.Eventually(t, func() bool { return strings.Contains(f.log.String(), "WARNING: the handler") },
		10*time.Second, 5*time.Millisecond)
}

func TestFunctionTimeoutKillsTheHandlerAndItsNeighbours(t *testing.T) {
	f := newFixture(t, nil, func(e event) order { return order{Hang: strings.HasSuffix(e.URI, "?hang")} })
	f.env = append(f.env, "AzureFunctionsJobHost__functionTimeout=00:00:00.5")
	h := f.start()
	first := h.PID()
	response, _ := f.do("GET", "/api/hello?hang", "", nil)
	assert.Equal(t, http.StatusInternalServerError, response.StatusCode)
	response, _ = f.do("GET", "/api/hello", "", nil)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.NotEqual(t, first, h.PID())
	assert.NoError(t, h.Err())
	assert.NotContains(t, f.log.String(), "handler error", "a time-out is not the handler's error")
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	tests := []struct {
		name, hostJSON, addr, want string
		functions                  map[string]string
	}{
		{name: "host.json without version", hostJSON: `{"customHandler": {"description": {"defaultExecutablePath": ` +
			`"handler"}}}`, want: "version"},
		{name: "host.json without an executable", hostJSON: `{"version": "2.0", "customHandler": {"description": {}}}`,
			want: "defaultExecutablePath"},
		{name: "host.json with a faulty time-out", hostJSON: `{"version": "2.0", "functionTimeout": "soon", ` +
			`"customHandler": {"description": {"defaultExecutablePath": "handler"}}}`, want: "functiontimeout"},
		{name: "no sessions", hostJSON: withServiceBus(`"maxConcurrentSessions": 0`),
			want: "maxconcurrentsessions: must be at least 1"},
		{name: "no calls", hostJSON: withServiceBus(`"maxConcurrentCalls": 0`),
			want: "maxconcurrentcalls: must be at least 1"},
		{name: "sessions that are never idle", hostJSON: withServiceBus(`"sessionIdleTimeout": "00:00:00"`),
			want: "sessionidletimeout: must be positive"},
		{name: "sessions that are idle for ever", hostJSON: withServiceBus(`"sessionIdleTimeout": "-1"`),
			want: "sessionidletimeout: \"-1\" is not"},
		{name: "locks that last for ever", hostJSON: withServiceBus(`"maxAutoLockRenewalDuration": "-1"`),
			want: "maxautolockrenewalduration: \"-1\" is not"},
		{name: "a session's messages side by side", hostJSON: withServiceBus(`"maxConcurrentCallsPerSession": 2`),
			want: "maxconcurrentcallspersession: only 1"},
		{name: "not JSON", hostJSON: `{`, want: "host.json"},
		{name: "no function that can run", functions: map[string]string{"hello/function.json": `{}`},
			want: "no job functions"},
		{name: "executable missing", hostJSON: strings.Replace(hostJSON, `"handler"`, `"no-such-program"`, 1),
			want: "cannot start the handler"},
		{name: "address taken", addr: taken.Addr().String(), want: "cannot listen"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.hostJSON != "" {
				files["host.json"] = tt.hostJSON
			}
			for name, content := range tt.functions {
				files[name] = content
			}
			f := newFixture(t, files, always(order{}))
			h, err := host.New(host.Options{Root: f.root, Addr: tt.addr, Env: f.env})
			if err == nil {
				t.Cleanup(h.Close)
				err = h.Start(t.Context())
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// withServiceBus is hostJSON with other members of extensions.serviceBus.
func withServiceBus(members string) string {
	return strings.Replace(hostJSON, `"sessionIdleTimeout": "00:00:01"`, members, 1)
}

var functionFaultCases = map[string]struct{ functionJSON, want string }{
	"9lives":     {httpFunction("x"), "not a legal function name"},
	"host":       {httpFunction("x"), "not a legal function name"},
	"nothing":    {`{}`, "no bindings"},
	"garbage":    {`{`, "function.json"},
	"underscore": {strings.ReplaceAll(httpFunction("x"), `"req"`, `"my_req"`), "letters and digits only"},
	"sideways":   {strings.ReplaceAll(httpFunction("x"), `"out"`, `"sideways"`), "direction"},
	"twice": {`{"bindings":[{"type":"httpTrigger","direction":"in","name":"a"},{"type":"timerTrigger",` +
		`"direction":"in","name":"b","schedule":"* * * * *"}]}`, "2 triggers"},
	"triggerout": {`{"bindings":[{"type":"timerTrigger","direction":"out","name":"b","schedule":"* * * * *"}]}`,
		"direction must be in"},
	"unknown": {`{"bindings":[{"type":"carrierPigeonTrigger","direction":"in","name":"a"}]}`, "not registered"},
	"output": {`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"* * * * *"},` +
		`{"type":"blob","direction":"out","name":"b"}]}`, "not supported"},
	"cron": {`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"whenever"}]}`,
		"schedule"},
	"setting": {`{"bindings":[{"type":"timerTrigger","direction":"in","name":"a","schedule":"%NOT_SET%"}]}`,
		"does not resolve"},
	"bus": {`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q",` +
		`"connection":"Nowhere"}]}`, "Nowhere__fullyQualifiedNamespace"},
	"batch": {`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q",` +
		`"connection":"Bus","cardinality":"many"}]}`, "cardinality"},
	"queueless": {`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"a","connection":"Bus"}]}`,
		"queueName"},
	"broker": {`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"a","queueName":"q",` +
		`"connection":"Bus"}]}`, "no Service Bus"},
	"admin":    {httpFunction("administrators"), "host's own"},
	"template": {httpFunction("x/{id"), "route"},
	"zcopy":    {httpFunction("HELLO", "post"), "conflicts"},
	"retry":    {`{"retry":{"strategy":"fixedDelay"},"bindings":[]}`, "retry"},
}

func TestFaultyFunctionsAreReportedAndTheOthersRun(t *testing.T) {
	faults := functionFaultCases
	files := map[string]string{
		"zother/function.json":        httpFunction("hello", "delete"), // same route, other method
		"nested/deeper/function.json": httpFunction("deeper"),
		"disabled/function.json": strings.Replace(httpFunction("disabled"), `{"bindings"`,
			`{"disabled": true, "bindings"`, 1),
		"switchedoff/function.json": httpFunction("switchedoff"),
		"expanded/function.json":    httpFunction("%ROUTE%"),
		"expandedtimer/function.json": `{"bindings":[{"type":"timerTrigger","direction":"in","name":"a",` +
			`"schedule":"%SCHEDULE%"}]}`,
		"notafunction/something.txt":    "",
		"AzureWebJobs.bin/function.txt": "",
	}
	for name, fault := range faults {
		files[name+"/function.json"] = fault.functionJSON
	}
	f := newFixture(t, files, always(order{}))
	f.env = append(f.env, "Bus=Endpoint=sb://x", "ROUTE=expanded", "SCHEDULE=0 0 0 1 1 *",
		"AzureWebJobs.switchedoff.Disabled=true")
	h := f.start()

	reported := map[string]string{}
	for _, e := range h.FunctionErrors() {
		reported[e.Function] = e.Error()
	}
	assert.Len(t, reported, len(faults))
	for name, fault := range faults {
		assert.Contains(t, reported[name], fault.want, name)
	}
	for path, status := range map[string]int{
		"/api/hello": 200, "/api/expanded": 200, "/api/disabled": 404, "/api/switchedoff": 404, "/api/deeper": 404,
		"/api/nothing": 404,
	} {
		response, _ := f.do("GET", path, "", nil)
		assert.Equal(t, status, response.StatusCode, path)
	}
}

func TestAdmin(t *testing.T) {
	f := newFixture(t, map[string]string{
		"nightly/function.json": `{"bindings":[{"type":"timerTrigger","direction":"in","name":"timer","schedule":"0 ` +
			`0 3 1 1 *"}]}`,
	}, always(order{}))
	h := f.start()
	for _, method := range []string{"GET", "POST"} {
		response, _ := f.do(method, "/admin/host/ping", "", nil)
		assert.Equal(t, http.StatusOK, response.StatusCode)
	}
	_, body := f.do("GET", "/admin/host/status", "", nil)
	var status struct{ State, Version string }
	require.NoError(t, json.Unmarshal([]byte(body), &status))
	assert.Equal(t, "Running", status.State)

	_, body = f.do("GET", "/admin/functions", "", nil)
	var list []struct {
		Name      string
		InvokeURL string `json:"invoke_url_template"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list, 2)
	assert.Equal(t, h.URL()+"/api/hello", list[0].InvokeURL)
	assert.Equal(t, "nightly", list[1].Name)

	response, _ := f.do("POST", "/admin/functions/Nightly", `{"input": ""}`, nil)
	assert.Equal(t, http.StatusAccepted, response.StatusCode)
	fired := f.waitFor("request", 1)[0]
	assert.Equal(t, "POST /nightly", fired.Method+" "+fired.URI)
	var invocation struct {
		Data map[string]struct {
			Schedule       struct{ AdjustForDST bool }
			ScheduleStatus *struct{}
			IsPastDue      bool
		}
		Metadata map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(fired.Body, &invocation))
	assert.True(t, invocation.Data["timer"].Schedule.AdjustForDST)
	assert.Contains(t, invocation.Metadata, "sys")
	assert.Len(t, invocation.Metadata, 1)

	for _, tt := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"unknown function", "POST", "/admin/functions/nobody", `{"input": ""}`, 404},
		{"HTTP function", "POST", "/admin/functions/hello", `{"input": ""}`, 400},
		{"no JSON", "POST", "/admin/functions/nightly", ``, 400},
		{"one function", "GET", "/admin/functions/nightly", ``, 200},
		{"anything else of the host's", "GET", "/admin/anything", ``, 404},
		{"webhooks", "GET", "/runtime/webhooks/x", ``, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, _ := f.do(tt.method, tt.path, tt.body, nil)
			assert.Equal(t, tt.want, response.StatusCode)
		})
	}
}

// fakeClock stands until it is moved.
type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
