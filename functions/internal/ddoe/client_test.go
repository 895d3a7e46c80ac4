package ddoe_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// answer is one scripted answer; status 0 cuts the connection.
type scripted struct {
	status            int
	contentType, body string
	retryAfter        string
	requestID         string
}

// api is a small platform: it answers with the script, and with its last entry from then on.
type api struct {
	*ddoe.Client
	slept    []time.Duration
	requests atomic.Int64
	last     *http.Request
	body     string
}

func serve(t *testing.T, script ...scripted) *api {
	t.Helper()
	a := &api{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(a.requests.Add(1))
		s := script[min(n, len(script))-1]
		raw, _ := io.ReadAll(r.Body)
		a.last, a.body = r, string(raw)
		if s.status == 0 {
			panic(http.ErrAbortHandler)
		}
		if s.contentType != "" {
			w.Header().Set("Content-Type", s.contentType)
		}
		if s.retryAfter != "" {
			w.Header().Set("Retry-After", s.retryAfter)
		}
		w.Header().Set("x-request-id", cmp.Or(s.requestID, fmt.Sprintf("r-%d", n)))
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, s.body)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	t.Cleanup(server.Close)
	var err error
	// The base is an installation of one's own: host, port and path are its own.
	a.Client, err = ddoe.NewClient(ddoe.Options{URL: server.URL + "/our/api/v1/", Key: secret.New(apiKey), Client: server.Client(),
		Sleep:  func(_ context.Context, d time.Duration) error { a.slept = append(a.slept, d); return nil },
		Hidden: []secret.Value{secret.New("planted-literal")}})
	require.NoError(t, err)
	return a
}

const asJSON = "application/json; charset=utf-8"

func TestRetries(t *testing.T) {
	good := scripted{status: 200, contentType: asJSON, body: `[]`}
	list := func(c *ddoe.Client) error { _, err := c.ListIntegrations(t.Context(), "org"); return err }
	create := func(c *ddoe.Client) error {
		_, _, err := c.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t"})
		return err
	}
	second := time.Second
	for name, c := range map[string]struct {
		script   []scripted
		call     func(*ddoe.Client) error
		requests int64
		slept    []time.Duration
		status   int
	}{
		"a gateway's error":                   {[]scripted{{status: 502}, {status: 503}, good}, list, 3, []time.Duration{second, 2 * second}, 0},
		"a cut connection":                    {[]scripted{{}, good}, list, 2, []time.Duration{second}, 0},
		"five times, and no more":             {[]scripted{{status: 504}}, list, 6, []time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second}, 504},
		"500 is an answer":                    {[]scripted{{status: 500}}, list, 1, nil, 500},
		"509 is an answer":                    {[]scripted{{status: 509}}, list, 1, nil, 509},
		"429":                                 {[]scripted{{status: 429, retryAfter: "7"}, good}, list, 2, []time.Duration{7 * second}, 0},
		"429 for long":                        {[]scripted{{status: 429, retryAfter: "120"}}, list, 1, nil, 429},
		"429 of a create: it may be made":     {[]scripted{{status: 429}}, create, 1, nil, 429},
		"503 of a create: it may be made":     {[]scripted{{status: 503}}, create, 1, nil, 503},
		"no answer to a create: it may be":    {[]scripted{{}}, create, 1, nil, -1},
		"400":                                 {[]scripted{{status: 400}}, create, 1, nil, 400},
		"a web page with 200 is no list":      {[]scripted{{status: 200, contentType: "text/html", body: "<html>"}}, list, 1, nil, 200},
		"a list that is an object is no list": {[]scripted{{status: 200, contentType: asJSON, body: `{}`}}, list, 1, nil, 200},
		"an object without id is none":        {[]scripted{{status: 200, contentType: asJSON, body: `{}`}}, create, 1, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, c.script...)
			err := c.call(a.Client)
			assert.Equal(t, c.requests, a.requests.Load())
			assert.Equal(t, c.slept, a.slept)
			var refused *ddoe.Error
			switch {
			case c.status == 0:
				assert.NoError(t, err)
			case c.status < 0:
				require.Error(t, err)
				assert.False(t, errors.As(err, &refused))
			default:
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, c.status, refused.HTTPStatus())
				assert.NotEmpty(t, refused.ServiceRequestID())
				if c.status == 200 {
					assert.Equal(t, ddoe.CodeAnswerInvalid, refused.ErrorCode())
				}
			}
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	for value, want := range map[string]time.Duration{"120": 2 * time.Minute, "": 0, "soon": 0, "-3": 0} {
		a := serve(t, scripted{status: 429, retryAfter: value})
		_, err := a.ListIntegrations(t.Context(), "org")
		var refused *ddoe.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, want, refused.RetryAfter(), value)
	}
	a := serve(t, scripted{status: 429, retryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)})
	_, err := a.ListIntegrations(t.Context(), "org")
	var refused *ddoe.Error
	require.ErrorAs(t, err, &refused)
	assert.InDelta(t, time.Hour, refused.RetryAfter(), float64(2*time.Second))
}

// TestErrorsShowNoSecret: the platform may echo what it was sent, in any of its envelopes.
func TestErrorsShowNoSecret(t *testing.T) {
	file := "{\n  \"clientId\": \"planted-client\"\n}"
	echo := `bad value planted-client; file {\n  \"clientId\": \"planted-client\"\n}; key ` + apiKey + ` literal planted-literal bearer planted-bearer eyJhbGciOiJSUzI1NiJ9.eyJwbGFudGVkIjoxfQ.c2ln`
	options := ddoe.Values{"a": "planted-client", "b": file}
	sent := map[string]func(*ddoe.Client) error{
		"create": func(c *ddoe.Client) error {
			_, _, err := c.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t", Options: options})
			return err
		},
		"update": func(c *ddoe.Client) error {
			_, _, err := c.UpdateIntegration(t.Context(), "org", ddoe.IntegrationPatch{ID: "i", Type: "t", Options: options})
			return err
		},
	}
	for name, s := range map[string]scripted{
		"with status": {status: 400, contentType: asJSON, body: `{"status":400,"message":"` + echo + `"}`},
		"message":     {status: 400, contentType: asJSON, body: `{"message":"` + echo + `"}`},
		"plain text":  {status: 400, contentType: "text/plain", body: strings.ReplaceAll(echo, `\n`, "\n")},
		"web page":    {status: 400, contentType: "text/html", body: echo},
	} {
		for request, send := range sent {
			t.Run(name+", "+request, func(t *testing.T) {
				err := send(serve(t, s).Client)
				var refused *ddoe.Error
				require.ErrorAs(t, err, &refused)
				for _, shown := range []string{err.Error(), refused.ServiceMessage(), fmt.Sprintf("%+v %#v", refused, refused)} {
					assert.NotContains(t, shown, "planted")
					assert.NotContains(t, shown, "eyJ")
				}
				if name != "web page" {
					assert.Contains(t, refused.ServiceMessage(), "bad value [redacted]")
				}
				assert.Equal(t, diagnosis.CodeDDOEUnrecognised, diagnosis.Classify(err, diagnosis.Context{}).Code)
			})
		}
	}
	a := serve(t, scripted{})
	assert.NotContains(t, fmt.Sprintf("%+v %#v", a.Client, a.Client), "planted")
}

// TestCodesAndIDsShowNoSecret: what is called a code or a request id may be an echo too.
func TestCodesAndIDsShowNoSecret(t *testing.T) {
	list := func(c *ddoe.Client) (string, error) { _, err := c.ListIntegrations(t.Context(), "org"); return "", err }
	test := func(c *ddoe.Client) (string, error) { return c.TestDriver(t.Context(), "d") }
	create := func(c *ddoe.Client) (string, error) {
		_, request, err := c.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t", Options: ddoe.Values{"a": "planted-client"}})
		return request, err
	}
	for name, c := range map[string]struct {
		answer        scripted
		call          func(*ddoe.Client) (string, error)
		code, request string
	}{
		"a code that is one":            {scripted{status: 400, contentType: asJSON, body: `{"code":"E_1.a-b"}`}, list, "E_1.a-b", "r-1"},
		"a literal as code":             {scripted{status: 400, contentType: asJSON, body: `{"message":"no","code":"planted-literal"}`}, list, "", "r-1"},
		"a literal in the nested code":  {scripted{status: 400, contentType: asJSON, body: `{"error":{"code":"bad.planted-literal"}}`}, list, "", "r-1"},
		"the key as code":               {scripted{status: 400, contentType: asJSON, body: `{"code":"` + apiKey + `"}`}, list, "", "r-1"},
		"an option that was sent":       {scripted{status: 400, contentType: asJSON, body: `{"code":"planted-client"}`}, create, "", "r-1"},
		"a token":                       {scripted{status: 400, contentType: asJSON, body: `{"code":"eyJwbGFudGVkIjoxfQ.planted"}`}, list, "", "r-1"},
		"a literal as request id":       {scripted{status: 400, requestID: "x-planted-literal"}, list, "", ""},
		"the request id of a web page":  {scripted{status: 200, contentType: "text/html", requestID: "planted-literal"}, list, ddoe.CodeAnswerInvalid, ""},
		"the request id of a success":   {scripted{status: 200, contentType: asJSON, body: `{"id":"i"}`, requestID: "planted-client"}, create, "", ""},
		"a success that says little":    {scripted{status: 200, contentType: asJSON, body: `{}`, requestID: "planted-client"}, create, ddoe.CodeAnswerInvalid, ""},
		"a success of another status":   {scripted{status: 200, requestID: "planted-literal"}, test, ddoe.CodeAnswerInvalid, ""},
		"a request id that is one":      {scripted{status: 200, contentType: asJSON, body: `{"id":"i"}`}, create, "", "r-1"},
		"a text that the caller hides":  {scripted{status: 400, contentType: asJSON, body: `{"code":"planted-file"}`, requestID: "planted-file"}, hiding(list), "", ""},
		"a text that the setting hides": {scripted{status: 400, contentType: asJSON, body: `{"code":"planted-literal"}`}, hiding(list), "", "r-1"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := c.call(serve(t, c.answer).Client)
			var refused *ddoe.Error
			if errors.As(err, &refused) {
				assert.Equal(t, c.code, refused.ErrorCode())
				request = refused.ServiceRequestID()
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, refused, refused), "planted")
			}
			assert.Equal(t, c.request, request)
		})
	}
}

// hiding makes a call with the client of an integration whose options hold planted-file.
func hiding[T any](call func(*ddoe.Client) (T, error)) func(*ddoe.Client) (T, error) {
	return func(c *ddoe.Client) (T, error) { return call(c.Hiding(secret.New("planted-file"))) }
}

// TestLaterAnswersShowNoOption: the platform knows the options long after they were sent.
func TestLaterAnswersShowNoOption(t *testing.T) {
	const said = "cannot use planted-file with planted-literal"
	refusal := scripted{status: 424, contentType: asJSON, body: `{"message":"` + said + `"}`}
	for name, call := range map[string]func(*ddoe.Client) (string, error){
		"test of a driver":  func(c *ddoe.Client) (string, error) { return c.TestDriver(t.Context(), "d") },
		"test of a payload": func(c *ddoe.Client) (string, error) { return c.TestPayload(t.Context(), ddoe.NewDriver{}) },
		"validation": func(c *ddoe.Client) (string, error) {
			_, err := c.ValidateDrivers(t.Context(), "i")
			return "", err
		},
	} {
		_, err := hiding(call)(serve(t, refusal).Client)
		var refused *ddoe.Error
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, "cannot use [redacted] with [redacted]", refused.ServiceMessage(), name)
	}
	read := func(c *ddoe.Client) (ddoe.Command, error) { return c.GetCommand(t.Context(), "c") }
	command, err := hiding(read)(serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":"c","status":"failed","error":"` + said + `"}`}).Client)
	require.NoError(t, err)
	assert.Equal(t, "cannot use [redacted] with [redacted]", command.Failure)
	a := serve(t, scripted{})
	assert.NotContains(t, fmt.Sprintf("%+v %#v", a.Hiding(secret.New("planted-file")), a.Hiding()), "planted")
}

func TestValuesShowThemselvesToNobody(t *testing.T) {
	values := ddoe.Values{"option": "planted-value"}
	holder := struct{ Options ddoe.Values }{values}
	body, err := json.Marshal(holder)
	require.NoError(t, err)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("test", "options", values, "holder", holder)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q %x", values, values, values, values, values, values), fmt.Sprintf("%v %+v %#v", holder, holder, holder),
		string(body), logged.String(), values.String(), values.GoString()} {
		assert.NotContains(t, shown, "planted")
		assert.Contains(t, shown, "[redacted]")
	}
	assert.Equal(t, map[string]string{"option": "planted-value"}, values.Reveal())
}

func TestRequestsAsTheSDKSendsThem(t *testing.T) {
	made := scripted{status: 200, contentType: asJSON, body: `{"id":"i","name":"n","type":"t","createdAt":"2026-01-01T00:00:00Z","org":{"id":"o"},"metadata":[{"id":"m","name":"managed-by","value":"us","createdAt":1},7]}`}
	a := serve(t, made)
	i, request, err := a.CreateIntegration(t.Context(), "o/../x", ddoe.NewIntegration{Name: "n", Type: "t", Options: ddoe.Values{"a": "b"}, Metadata: map[string]string{"managed-by": "us"}})
	require.NoError(t, err)
	assert.Equal(t, "r-1", request)
	assert.Equal(t, ddoe.MetadataEntry{ID: "m", Name: "managed-by", Value: "us"}, i.Metadata["managed-by"])
	assert.Equal(t, "/our/api/v1/orgs/o%2F..%2Fx/integrations", a.last.URL.EscapedPath(), "an id stays in its segment")
	assert.JSONEq(t, `{"name":"n","type":"t","options":{"a":"b"},"metadata":{"managed-by":"us"}}`, a.body)
	assert.Equal(t, "Bearer "+apiKey, a.last.Header.Get("Authorization"))

	_, _, err = a.UpdateIntegration(t.Context(), "o", ddoe.IntegrationPatch{ID: "i", Name: "m", Type: "t", Options: ddoe.Values{"a": "c"}, Metadata: []ddoe.MetadataEntry{{Name: "x", Value: "y"}}})
	require.NoError(t, err)
	assert.Equal(t, "PATCH /our/api/v1/orgs/o/integrations", a.last.Method+" "+a.last.URL.Path)
	assert.JSONEq(t, `{"integrationId":"i","name":"m","credentials":{"type":"t","options":{"a":"c"}},"metadata":[{"name":"x","value":"y"}]}`, a.body)

	_, _, err = a.CreateDriver(t.Context(), ddoe.NewDriver{Name: "d", Type: ddoe.DriverBlob, ProjectID: "p", OrganizationID: "o", IntegrationID: "i", IntegrationType: "t", Creator: "a@b", ContainerName: "c"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"integrationId":"i","integrationType":"t","name":"d","type":"azureblob","metadata":{"system":{"projectId":"p","orgId":"o"}},
		"payload":{"containerName":"c","path":"","storageClass":"","region":null},"allowExternalDelete":false,"creator":"a@b"}`, a.body)

	removed, _, err := serve(t, scripted{status: 200, contentType: asJSON, body: `[{"id":"another"}]`}).DeleteIntegration(t.Context(), "o", "i")
	require.NoError(t, err)
	assert.True(t, removed)
	removed, _, err = serve(t, scripted{status: 404, contentType: asJSON, body: `{"message":"Integration not found"}`}).DeleteIntegration(t.Context(), "o", "i")
	require.NoError(t, err)
	assert.False(t, removed)

	n, err := serve(t, scripted{status: 200, contentType: asJSON, body: `3`}).CountDrivers(t.Context(), "i")
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	for _, odd := range []string{`"x"`, `-1`, `{}`, `1.5`} {
		_, err = serve(t, scripted{status: 200, contentType: asJSON, body: odd}).CountDrivers(t.Context(), "i")
		assert.Error(t, err, odd)
	}
	_, err = serve(t, scripted{status: 200, contentType: "text/html"}).TestDriver(t.Context(), "d")
	assert.Error(t, err, "only 204 says that the storage was reached")
	command, err := serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":"c","status":"failed","error":"because of ` + apiKey + `"}`}).GetCommand(t.Context(), "c")
	require.NoError(t, err)
	assert.True(t, command.Ended() && !command.Succeeded())
	assert.Equal(t, "because of [redacted]", command.Failure)
}

// TestAnIDStaysInItsSegment: none leads to another object than the one that is asked for.
func TestAnIDStaysInItsSegment(t *testing.T) {
	for id, want := range map[string]string{"d-1": "d-1", "": "-", ".": "-", "..": "-", "...": "...", "../x": "..%2Fx", "a?b#c": "a%3Fb%23c"} {
		a := serve(t, scripted{status: 204})
		_, err := a.TestDriver(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "/our/api/v1/drivers/"+want+"/test", a.last.URL.EscapedPath(), id)
		assert.Empty(t, a.last.URL.RawQuery)
	}
}

func TestKeyExpires(t *testing.T) {
	jwt := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	for name, c := range map[string]struct {
		key   string
		want  time.Time
		known bool
	}{
		"seconds":    {jwt(`{"exp":1800000000}`), time.Unix(1800000000, 0).UTC(), true},
		"a fraction": {jwt(`{"exp":1800000000.7}`), time.Unix(1800000000, 0).UTC(), true},
		"none":       {jwt(`{}`), time.Time{}, false},
		"text":       {jwt(`{"exp":"soon"}`), time.Time{}, false},
		"absurd":     {jwt(`{"exp":1e30}`), time.Time{}, false},
		"no JSON":    {jwt(`exp`), time.Time{}, false},
		"no token":   {apiKey, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := ddoe.KeyExpires(secret.New(c.key))
			assert.Equal(t, c.known, known)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestClientOfAFaultySetting(t *testing.T) {
	for _, url := range []string{"", "http://gate.dataloop.ai", "https://planted:pass@gate", "https://gate?x=1", "https://gate#f"} {
		_, err := ddoe.NewClient(ddoe.Options{URL: url, Key: secret.New("k")})
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), "planted")
	}
	_, err := ddoe.NewClient(ddoe.Options{URL: "https://gate.dataloop.ai/api/v1"})
	assert.Error(t, err)
}
