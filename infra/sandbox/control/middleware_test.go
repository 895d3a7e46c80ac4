package control_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// service counts what was really done.
type service struct {
	mu   sync.Mutex
	done int
}

func (s *service) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "done")
}

func send(t *testing.T, h http.Handler, method, target string) (response *httptest.ResponseRecorder, cut bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			require.Equal(t, http.ErrAbortHandler, r)
			cut = true
		}
	}()
	response = httptest.NewRecorder()
	h.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return response, false
}

func setFaults(t *testing.T, f *control.Faults, list string) {
	t.Helper()
	var faults []control.Fault
	require.NoError(t, json.Unmarshal([]byte(list), &faults))
	require.NoError(t, f.Set(faults))
}

const graphURL = "https://graph.microsoft.com/v1.0/applications?$top=1"

func TestFaultEffects(t *testing.T) {
	for name, tc := range map[string]struct {
		fault         string
		status, done  int
		cut, answered bool
	}{
		"before":            {fault: `{"status":503,"effect":"before"}`, status: 503},
		"before by default": {fault: `{"status":503}`, status: 503},
		"after":             {fault: `{"status":503,"effect":"after"}`, status: 503, done: 1},
		"drop":              {fault: `{"effect":"drop"}`, cut: true, done: 1},
		"no status is 500":  {fault: `{"code":"x"}`, status: 500},
		"never":             {fault: `{"status":503,"times":0}`, status: 201, done: 1, answered: true},
		"other host": {fault: `{"match":{"host":"management"},"status":503}`, status: 201, done: 1,
			answered: true},
		"other method": {fault: `{"match":{"method":"^PUT$"},"status":503}`, status: 201, done: 1,
			answered: true},
		"other path": {fault: `{"match":{"path":"/servicePrincipals"},"status":503}`, status: 201, done: 1,
			answered: true},
		"path and query": {fault: `{"match":{"host":"graph","method":"GET","path":"applications\\?.*top=1$"},` +
			`"status":503}`, status: 503},
		"a success, changed": {fault: `{"status":204,"effect":"after"}`, status: 204, done: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := &service{}, control.NewFaults(nil)
			setFaults(t, f, "["+tc.fault+"]")
			got, cut := send(t, f.Wrap(s), "GET", graphURL)
			assert.Equal(t, tc.cut, cut)
			assert.Equal(t, tc.done, s.done)
			if !cut {
				assert.Equal(t, tc.status, got.Code)
				assert.Equal(t, tc.answered, got.Body.String() == "done")
			}
		})
	}
}

func TestFaultEchoesTheBody(t *testing.T) {
	for effect, read := range map[string]string{control.EffectBefore: "", control.EffectAfter: `{"a":"b<\""}`} {
		f, got := control.NewFaults(nil), ""
		setFaults(t, f, `[{"status":400,"message":"cannot read: ","echo":true,"effect":"`+effect+`"}]`)
		response := httptest.NewRecorder()
		f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			got = string(body)
		})).ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), "POST",
			"https://gate.dataloop.ai/api/v1/drivers", strings.NewReader(`{"a":"b<\""}`)))
		assert.JSONEq(t, `{"status":400,"message":"cannot read: {\"a\":\"b<\\\"\"}"}`, response.Body.String())
		assert.Equal(t, read, got, effect)
	}
}

func TestFaultTimesRunOut(t *testing.T) {
	s, f := &service{}, control.NewFaults(nil)
	setFaults(t, f, `[{"times":2,"status":503},{"status":429},{"times":-1,"status":418}]`)
	var statuses []int
	for range 6 {
		got, _ := send(t, f.Wrap(s), "GET", graphURL)
		statuses = append(statuses, got.Code)
	}
	assert.Equal(t, []int{503, 503, 429, 418, 418, 418}, statuses)
	left := f.List()
	assert.Equal(t, []int{0, 0, -1}, []int{*left[0].Times, *left[1].Times, *left[2].Times})
}

var faultBodyCases = map[string]struct {
	url, fault string
	check      func(t *testing.T, header http.Header, body map[string]any)
}{
	"Graph": {url: graphURL, fault: `{"status":429,"code":"TooManyRequests","message":"m",` +
		`"headers":{"Retry-After":"7"}}`, check: func(t *testing.T, header http.Header, body map[string]any) {
		e := body["error"].(map[string]any)
		assert.Equal(t, "TooManyRequests", e["code"])
		assert.Equal(t, "m", e["message"])
		assert.Equal(t, header.Get("request-id"), e["innerError"].(map[string]any)["request-id"])
		assert.Equal(t, "7", header.Get("Retry-After"))
	}},
	"ARM": {url: "https://management.azure.com/x", fault: `{"status":409,"code":"ScopeLocked","message":"m"}`,
		check: func(t *testing.T, header http.Header, body map[string]any) {
			assert.Equal(t, map[string]any{"code": "ScopeLocked", "message": "m"}, body["error"])
			assert.NotEmpty(t, header.Get("x-ms-request-id"))
		}},
	"Entra, AADSTS": {url: "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		fault: `{"status":401,"code":"AADSTS700213","message":"No match."}`,
		check: func(t *testing.T, _ http.Header, body map[string]any) {
			assert.Equal(t, "invalid_client", body["error"])
			assert.Equal(t, []any{700213.0}, body["error_codes"])
			assert.Contains(t, body["error_description"], "AADSTS700213: No match. Trace ID: ")
			assert.Equal(t, "2026-01-02 03:04:05Z", body["timestamp"])
		}},
	"Entra, OAuth": {url: "https://login.microsoftonline.com/t/oauth2/v2.0/token",
		fault: `{"status":400,"code":"invalid_grant"}`, check: func(t *testing.T, _ http.Header,
			body map[string]any) {
			assert.Equal(t, "invalid_grant", body["error"])
		}},
	"Entra, overloaded": {url: "https://login.microsoftonline.com/t/oauth2/v2.0/token", fault: `{"status":503}`,
		check: func(t *testing.T, _ http.Header, body map[string]any) {
			assert.Equal(t, "temporarily_unavailable", body["error"])
		}},
	"own body": {url: graphURL, fault: `{"status":200,"body":{"value":[1]},"effect":"after"}`,
		check: func(t *testing.T, header http.Header, body map[string]any) {
			assert.Equal(t, []any{1.0}, body["value"])
			assert.Contains(t, header.Get("Content-Type"), "application/json")
		}},
}

func TestFaultBodiesHaveTheServicesShape(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	for name, tc := range faultBodyCases {
		t.Run(name, func(t *testing.T) {
			f := control.NewFaults(now)
			setFaults(t, f, "["+tc.fault+"]")
			got, _ := send(t, f.Wrap(&service{}), "POST", tc.url)
			var body map[string]any
			require.NoError(t, json.Unmarshal(got.Body.Bytes(), &body), got.Body.String())
			tc.check(t, got.Header(), body)
		})
	}
	t.Run("Storage", func(t *testing.T) {
		f := control.NewFaults(now)
		setFaults(t, f, `[{"status":503,"times":2},{"status":200,"body":"not XML"}]`)
		got, _ := send(t, f.Wrap(&service{}), "PUT", "https://acmedata.blob.core.windows.net/images/b")
		var body struct{ Code, Message string }
		require.NoError(t, xml.Unmarshal([]byte(strings.TrimPrefix(got.Body.String(), "\ufeff")), &body))
		assert.Equal(t, "ServerBusy", body.Code)
		assert.Contains(t, body.Message, "RequestId:"+got.Header().Get("x-ms-request-id"))
		assert.Equal(t, "ServerBusy", got.Header().Get("x-ms-error-code"))
		head, _ := send(t, f.Wrap(&service{}), "HEAD", "https://acmedata.blob.core.windows.net/images/b")
		assert.Empty(t, head.Body.String())
		assert.Equal(t, "ServerBusy", head.Header().Get("x-ms-error-code"))
		text, _ := send(t, f.Wrap(&service{}), "GET", "https://acmedata.blob.core.windows.net/images/b")
		assert.Equal(t, "not XML", text.Body.String(), "text goes out as it is")
	})
}

func TestFaultyFaultsAreNamed(t *testing.T) {
	b := newBench(t)
	for pointer, body := range map[string]string{
		"/0/match/host": `[{"match":{"host":"("}}]`, "/1/effect": `[{},{"effect":"during"}]`,
		"/0/status":  `[{"status":99}]`,
		"/0/delayMs": `[{"delayMs":-1}]`, "/0/match/url": `[{"match":{"url":"x"}}]`, "/0/times": `[{"times":"1"}]`,
	} {
		got := b.do("PUT", "/faults", body)
		assert.Equal(t, 400, got.status, body)
		assert.Equal(t, pointer, got.at("errors", 0, "pointer"), got.raw)
	}
	assert.Equal(t, 400, b.do("PUT", "/faults", `{}`).status)
	assert.Empty(t, b.faults.List(), "a faulty list changes nothing")
}

func TestDelays(t *testing.T) {
	for name, tc := range map[string]struct {
		fault string
		early int // what is done half way through the delay
	}{
		"only late":       {fault: `{"delayMs":10000}`},
		"late and after":  {fault: `{"delayMs":10000,"effect":"after","status":503}`, early: 1},
		"late and before": {fault: `{"delayMs":10000,"status":503}`},
		"late and cut":    {fault: `{"delayMs":10000,"effect":"drop"}`, early: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, f := &service{}, control.NewFaults(nil)
				setFaults(t, f, "["+tc.fault+"]")
				start := time.Now()
				finished := make(chan time.Duration, 1)
				go func() {
					_, _ = send(t, f.Wrap(s), "PUT", graphURL)
					finished <- time.Since(start)
				}()
				time.Sleep(5 * time.Second) // the bubble's clock, not the real one
				synctest.Wait()
				s.mu.Lock()
				assert.Equal(t, tc.early, s.done)
				s.mu.Unlock()
				assert.Equal(t, 10*time.Second, <-finished)
			})
		})
	}
	t.Run("the caller goes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := control.NewFaults(nil)
			setFaults(t, f, `[{"delayMs":3600000}]`)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s := &service{}
			assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
				f.Wrap(s).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", graphURL, nil))
			})
			assert.Zero(t, s.done)
		})
	})
	t.Run("latency of the world", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := world.New(nil)
			w.SetTiming(world.Timing{LatencyMS: 250})
			start := time.Now()
			_, _ = send(t, control.Latency(w, &service{}), "GET", graphURL)
			assert.Equal(t, 250*time.Millisecond, time.Since(start))
		})
	})
}

func TestRecorder(t *testing.T) {
	b := newBench(t)
	h := b.recorder.Wrap(b.faults.Wrap(&service{}))
	setFaults(t, b.faults, `[{"match":{"method":"PUT"},"effect":"drop"},{"match":{"method":"PATCH"},"status":429}]`)
	_, _ = send(t, h, "GET", "https://acmedata.blob.core.windows.net/images?restype=container&sig=secret&comp=list")
	_, cut := send(t, h, "PUT", graphURL)
	require.True(t, cut)
	_, _ = send(t, h, "PATCH", graphURL)

	got := b.do("GET", "/requests", "")
	require.Len(t, got.json, 3)
	assert.InDelta(t, 1, got.at(0, "n"), 0)
	assert.Equal(t, "acmedata.blob.core.windows.net", got.at(0, "host"))
	assert.Equal(t, "/images?restype=container&sig=[redacted]&comp=list", got.at(0, "path"))
	assert.InDelta(t, 201, got.at(0, "status"), 0)
	assert.NotEmpty(t, got.at(0, "time"))
	assert.InDelta(t, 0, got.at(1, "status"), 0, "cut")
	assert.InDelta(t, 429, got.at(2, "status"), 0, "what was answered, not what was done")
	assert.Len(t, b.do("GET", "/requests?since=2", "").json, 1)
	assert.Equal(t, "[]\n", b.do("GET", "/requests?since=3", "").raw)

	b.recorder.Reset()
	assert.Empty(t, b.recorder.Since(0))
	_, _ = send(t, h, "GET", graphURL)
	assert.Equal(t, 4, b.recorder.Since(0)[0].N, "the count goes on")
}

func TestRecorderForgetsTheOldest(t *testing.T) {
	recorder := control.NewRecorder(nil)
	h := recorder.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequestWithContext(t.Context(), "GET", graphURL, nil)
	const size, extra = 100_000, 123
	for range 5 {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	recorder.Reset()
	for range size + extra {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	all := recorder.Since(0)
	require.Len(t, all, size)
	for i, record := range all {
		require.Equal(t, 5+extra+1+i, record.N)
	}
	assert.Len(t, recorder.Since(all[size-3].N), 2)
}

// TestMiddlewareOverARealServer: a dropped answer is a broken connection for the client, and the deed is done.
// TestDelayEndsWithItsCaller: who has sent a body and gives up is not waited for, and nothing is done.
func TestDelayEndsWithItsCaller(t *testing.T) {
	s, f := &service{}, control.NewFaults(nil)
	setFaults(t, f, `[{"delayMs":60000}]`)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		f.Wrap(s).ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	gone := make(chan error, 1)
	go func() {
		_, err := server.Client().Do(r)
		gone <- err
	}()
	require.Eventually(t, func() bool { return *f.List()[0].Times == 0 }, 10*time.Second, time.Millisecond)
	cancel()
	require.Error(t, <-gone)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("it still waits")
	}
	assert.Zero(t, s.done)
}

func TestMiddlewareOverARealServer(t *testing.T) {
	s, f := &service{}, control.NewFaults(nil)
	recorder := control.NewRecorder(nil)
	server := httptest.NewServer(recorder.Wrap(f.Wrap(s)))
	defer server.Close()
	setFaults(t, f, `[{"effect":"drop"}]`)
	client := server.Client()
	defer client.CloseIdleConnections()
	post := func() (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/x", strings.NewReader("body"))
		require.NoError(t, err)
		response, err := client.Do(r)
		if err != nil {
			return 0, fmt.Errorf("post: %w", err)
		}
		return response.StatusCode, response.Body.Close()
	}
	_, err := post()
	require.ErrorIs(t, err, io.EOF)
	status, err := post()
	require.NoError(t, err)
	assert.Equal(t, 201, status)
	assert.Equal(t, 2, s.done)
	assert.Equal(t, []int{0, 201}, []int{recorder.Since(0)[0].Status, recorder.Since(0)[1].Status})
}
