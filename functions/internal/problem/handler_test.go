package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

type request struct {
	ID     string `path:"id"`
	Dry    bool   `query:"dry"`
	Size   int    `query:"size" minimum:"1" maximum:"9" default:"5"`
	Choice string `query:"choice" enum:"a,b"`
	problem.JSONBody[document]
}

type reply struct{ Body document }

// server is an API with one operation that answers with its body, or with the error that it is made for.
func server(t *testing.T, fail func(*request) error) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	api := humago.NewWithPrefix(mux, "/api", huma.Config{
		OpenAPI: &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{Title: "test", Version: "1"}},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat,
			"json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problem.Transform},
	})
	problem.Register(api, huma.Operation{OperationID: "put", Method: http.MethodPut, Path: "/things/{id}"},
		[]int{http.StatusConflict},
		func(_ context.Context, in *request) (*reply, error) {
			body, err := in.Decode(nil)
			if err == nil && fail != nil {
				err = fail(in)
			}
			return &reply{body}, err
		})
	return problem.Handler(mux, "")
}

// watched returns what is noted for the log line as the cause of a failure.
func watched(h http.Handler) (http.Handler, *bytes.Buffer) {
	var log bytes.Buffer
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, record := invocation.With(r.Context())
		defer func() {
			for _, a := range record.Attributes() {
				if a.Key == "error" {
					log.WriteString(a.Value.String())
				}
			}
		}()
		h.ServeHTTP(w, r.WithContext(ctx))
	}), &log
}

func call(t *testing.T, h http.Handler, method, target, body string, header ...string) (*http.Response,
	problem.Problem) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var p problem.Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	return w.Result(), p
}

// refusals are requests that are refused.
var refusals = map[string]struct {
	method, target, body string
	header               []string
	status               int
	code, pointer        string
}{
	"unknown path":       {method: "GET", target: "/api/other", status: 404, code: "not-found"},
	"outside the prefix": {method: "GET", target: "/other", status: 404, code: "not-found"},
	"wrong method":       {method: "DELETE", target: "/api/things/x", status: 405, code: "method-not-allowed"},
	"unknown query parameter": {target: "/api/things/x?dryRun=true", body: `{}`, status: 400,
		code: "invalid-parameter", pointer: "/query/dryRun"},
	"repeated query parameter": {target: "/api/things/x?dry=true&dry=false", body: `{}`, status: 400,
		code: "invalid-parameter", pointer: "/query/dry"},
	"switch without a value": {target: "/api/things/x?dry", body: `{}`, status: 400, code: "invalid-parameter",
		pointer: "/query/dry"},
	"switch before another": {target: "/api/things/x?dry&size=1", body: `{}`, status: 400,
		code: "invalid-parameter", pointer: "/query/dry"},
	"switch with another word": {target: "/api/things/x?dry=1", body: `{}`, status: 400, code: "invalid-parameter",
		pointer: "/query/dry"},
	"malformed query": {target: "/api/things/x?dry=%zz", body: `{}`, status: 400, code: "invalid-parameter"},
	"number out of range": {target: "/api/things/x?size=10", body: `{}`, status: 400, code: "invalid-parameter",
		pointer: "/query/size"},
	"not a number": {target: "/api/things/x?size=many", body: `{}`, status: 400, code: "invalid-parameter",
		pointer: "/query/size"},
	"not one of the choices": {target: "/api/things/x?choice=c", body: `{}`, status: 400, code: "invalid-parameter",
		pointer: "/query/choice"},
	"no body":        {target: "/api/things/x", status: 400, code: "malformed-body"},
	"malformed body": {target: "/api/things/x", body: `{`, status: 400, code: "malformed-body"},
	"unknown member": {target: "/api/things/x", body: `{"b":1}`, status: 422, code: "unknown-member",
		pointer: "/b"},
	"largest body": {target: "/api/things/x", body: `{"nome":"` + strings.Repeat("x", problem.MaxBody-11) + `"}`,
		status: 422, code: "unknown-member", pointer: "/nome"},
	"too large a body": {target: "/api/things/x", body: `{"name":"` + strings.Repeat("x", problem.MaxBody-10) + `"}`,
		status: 413, code: "body-too-large"},
	"another media type": {target: "/api/things/x", body: `{}`,
		header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415,
		code: "unsupported-media-type"},
	"another charset": {target: "/api/things/x", body: `{}`,
		header: []string{"Content-Type", "application/json; charset=utf-16"}, status: 415,
		code: "unsupported-media-type"},
	"compressed": {target: "/api/things/x", body: `{}`, header: []string{"Content-Encoding", "gzip"}, status: 415,
		code: "unsupported-content-encoding"},
}

func TestEveryRefusalIsAProblem(t *testing.T) {
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			h, log := watched(server(t, nil))
			if c.method == "" {
				c.method = "PUT"
			}
			resp, p := call(t, h, c.method, c.target, c.body, c.header...)
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			assert.Equal(t, c.status, p.Status)
			assert.Equal(t, c.code, string(p.Code))
			assert.Equal(t, c.code, resp.Header.Get("x-ms-error-code"))
			assert.Equal(t, p.RequestID, resp.Header.Get("x-ms-request-id"))
			require.NoError(t, uuid.Validate(p.RequestID))
			assert.NotEmpty(t, p.Title)
			assert.NotEmpty(t, p.Detail)
			if c.pointer != "" {
				require.NotEmpty(t, p.Errors)
				assert.Equal(t, c.pointer, p.Errors[0].Pointer)
			}
			assert.Empty(t, log.String(), "a refusal is no failure")
			if c.status == http.StatusMethodNotAllowed {
				assert.Equal(t, "PUT", resp.Header.Get("Allow"))
			}
		})
	}
}

// TestAParameterIsToldWhatIsExpected: a finding about a parameter tells what would be right.
func TestAParameterIsToldWhatIsExpected(t *testing.T) {
	for target, want := range map[string]string{
		"/api/things/x?dryRun=true": "one of dry, size, choice",
		"/api/things/x?DRY=true":    "dry",
		"/api/things/x?dry=1":       "true or false",
		"/api/things/x?size=many":   "a whole number",
		"/api/things/x?choice=c":    `one of "a, b"`,
	} {
		_, p := call(t, server(t, nil), "PUT", target, `{}`)
		require.Len(t, p.Errors, 1, target)
		assert.Equal(t, want, p.Errors[0].Expected, target)
	}
}

func TestAcceptedRequests(t *testing.T) {
	for name, header := range map[string][]string{
		"plain": nil, "with charset": {"Content-Type", "application/json; charset=UTF-8"},
		"without a type": {"Content-Type", ""},
		"another JSON":   {"Content-Type", "application/merge-patch+json"}, "as HTML": {"Accept", "text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			h := server(t, nil)
			resp, _ := call(t, h, "PUT", "/api/things/x?dry=true&code=function-key", `{"name":"x"}`, header...)
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.NotEmpty(t, resp.Header.Get("x-ms-request-id"))
			assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		})
	}
}

func TestRequestIDIsTheHosts(t *testing.T) {
	const id = "8a1c6c0e-1f6e-4c36-9a0a-3a0b1a2c3d4e"
	h := server(t, nil)
	resp, p := call(t, h, "GET", "/api/other", "", "X-Azure-Functions-InvocationId", id)
	assert.Equal(t, id, p.RequestID)
	assert.Equal(t, id, resp.Header.Get("x-ms-request-id"))

	w := httptest.NewRecorder()
	w.Header().Set("x-ms-request-id", "set-by-the-door")
	h.ServeHTTP(w, httptest.NewRequest("GET", "/api/other", nil))
	assert.Contains(t, w.Body.String(), `"requestId":"set-by-the-door"`)
}

func TestATokenInAPathIsNotRepeated(t *testing.T) {
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"
	for _, path := range []string{"/api/other/", "/api/things/"} { // answered by the mux, and by the API
		_, p := call(t, server(t, func(*request) error { return errors.New("x") }), "PUT", path+token, `{}`)
		assert.Equal(t, path+"[redacted]", p.Instance)
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	const cause = "dial tcp 10.0.0.4: refused"
	diagnosed := func(code diagnosis.Code) error {
		return fmt.Errorf("submit: %w",
			&diagnosis.Error{Diagnosis: diagnosis.New(code,
				diagnosis.WithFindings(diagnosis.Finding{Pointer: "/x", Code: "y"})), Err: errors.New(cause)})
	}
	cases := map[string]struct {
		err        error
		status     int
		code       diagnosis.Code
		retryAfter string
		logged     bool
	}{
		"unclassified": {err: errors.New(cause), status: 500, code: "internal", logged: true},
		"diagnosed":    {err: diagnosed("invalid-spec"), status: 422, code: "invalid-spec"},
		"diagnosed outage": {err: diagnosed("store-unavailable"), status: 503, code: "store-unavailable",
			retryAfter: "5", logged: true},
		"not found": {err: fmt.Errorf("read: %w", integration.ErrNotFound), status: 404, code: "not-found"},
		"conflict": {err: integration.ErrConflict, status: 409, code: "conflict",
			retryAfter: "5"},
		"deadline": {err: fmt.Errorf("x: %w", context.DeadlineExceeded), status: 504, code: "request-timeout",
			retryAfter: "5", logged: true},
		"a problem": {err: problem.InvalidParameter("header", "If-Match", "an ETag"), status: 400,
			code: "invalid-parameter"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, log := watched(server(t, func(*request) error { return c.err }))
			resp, p := call(t, h, "PUT", "/api/things/x", `{}`)
			assert.Equal(t, c.status, resp.StatusCode)
			assert.Equal(t, c.code, p.Code)
			assert.Equal(t, c.retryAfter, resp.Header.Get("Retry-After"))
			document, err := json.Marshal(p)
			require.NoError(t, err)
			assert.NotContains(t, string(document), cause)
			if !c.logged {
				assert.Empty(t, log.String())
				return
			}
			assert.NotEmpty(t, log.String())
			if c.code != "request-timeout" {
				assert.Contains(t, log.String(), cause)
			}
		})
	}
}

func TestPanicIsABare500(t *testing.T) {
	h, log := watched(server(t, func(*request) error { panic("planted-secret") }))
	resp, p := call(t, h, "PUT", "/api/things/x", `{}`)
	assert.Equal(t, 500, resp.StatusCode)
	assert.Equal(t, diagnosis.CodeInternal, p.Code)
	assert.NotContains(t, p.Detail, "planted")
	assert.Contains(t, log.String(), "handler_test.go", "the log names the place")
}

func TestCodeIsNotedForTheLogLine(t *testing.T) {
	h := server(t, nil)
	ctx, record := invocation.With(t.Context())
	r := httptest.NewRequestWithContext(ctx, "PUT", "/api/things/x", strings.NewReader(`{"b":1}`))
	h.ServeHTTP(httptest.NewRecorder(), r)
	_, _, code := record.Values()
	assert.Equal(t, "unknown-member", code)
}

func TestABrokenOffAnswerDoesNotLookWhole(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"half":`)
		panic("late")
	})
	h, log := watched(problem.Handler(mux, ""))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/half", nil))
	})
	assert.Contains(t, log.String(), "late")
}
