package problem_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// TestEveryParameterIsJudged, not only the first one that is wrong.
func TestEveryParameterIsJudged(t *testing.T) {
	t.Parallel()
	_, p := call(t, server(t, nil), "PUT", "/api/things/x?size=10&choice=c&dry=yes&other=1&code=key&code=key", `{}`)
	var told []string
	for _, f := range p.Errors {
		told = append(told, fmt.Sprintf("%s %s (%s)", f.Pointer, f.Code, f.Expected))
	}
	assert.ElementsMatch(t, []string{
		"/query/dry invalid-parameter (true or false)",
		"/query/other invalid-parameter (one of dry, size, choice)",
		"/query/size invalid-parameter (number <= 9)",
		`/query/choice invalid-parameter (one of "a, b")`,
	}, told)
	assert.Equal(t, p.Errors[0].Detail, p.Detail)
}

// TestNumbersUpToTheirLimits: in the query as the schema has them.
func TestNumbersUpToTheirLimits(t *testing.T) {
	t.Parallel()
	for size, want := range map[string]int{"0": 400, "1": 200, "9": 200, "10": 400, "-1": 400, "1.5": 400, "": 200,
		"9223372036854775808": 400} {
		resp, _ := call(t, server(t, nil), "PUT", "/api/things/x?size="+size, `{}`)
		assert.Equal(t, want, resp.StatusCode, size)
	}
}

// TestABodyCutShort, at any byte, is never a whole one, and no failure of ours: what ends early is no JSON, and what
// breaks off has not arrived.
func TestABodyCutShort(t *testing.T) {
	t.Parallel()
	const body = `{"name":"x"}`
	h, log := watched(server(t, func(*request) error { return errors.New("it was run") }))
	cuttest.EachByte(body, func(cut string) {
		resp, p := call(t, h, "PUT", "/api/things/x", cut)
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, cut)
		assert.Equal(t, diagnosis.CodeMalformedBody, p.Code, cut)

		r := httptest.NewRequest("PUT", "/api/things/x", cuttest.Broken(cut))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		assert.Equal(t, http.StatusRequestTimeout, w.Code, cut)
		assert.Contains(t, w.Body.String(), `"code":"request-timeout"`, cut)
	})
	assert.Empty(t, log.String(), "it is not run, and no failure of ours")
	for cause, want := range map[error]int{syscall.ECONNRESET: 408, context.DeadlineExceeded: 408,
		io.ErrClosedPipe: 500} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("PUT", "/api/things/x", iotest.ErrReader(fmt.Errorf("read: %w", cause))))
		assert.Equal(t, want, w.Code, cause)
	}
	assert.NotEmpty(t, log.String(), "what nobody knows is to be looked into")
}

// TestRetryAfter: with what may pass by itself, and with nothing else.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, e := range diagnosis.Entries() {
		resp, p := call(t, server(t, func(*request) error {
			return &diagnosis.Error{Diagnosis: diagnosis.New(e.Code), Err: errors.New("cause")}
		}), "PUT", "/api/things/x", `{}`)
		assert.Equal(t, problem.StatusOf(e.Code), resp.StatusCode, e.Code)
		want := ""
		if e.Transient {
			want = "5"
		}
		assert.Equal(t, want, resp.Header.Get("Retry-After"), e.Code)
		assert.Equal(t, e.Title, p.Title)
		assert.Equal(t, string(e.Code), resp.Header.Get("x-ms-error-code"))
	}
	resp, _ := call(t, server(t, func(*request) error { return problem.New(429, "throttled", "Wait.") }), "PUT",
		"/api/things/x", `{}`)
	assert.Equal(t, "5", resp.Header.Get("Retry-After"), "a refusal that says to wait, whatever its code")
}

// TestWhatADiagnosisKnowsIsAnswered: its own title, remedy, findings and evidence come before the catalogue's.
func TestWhatADiagnosisKnowsIsAnswered(t *testing.T) {
	t.Parallel()
	d := diagnosis.New("role-missing", diagnosis.WithDetail("It is not there."),
		diagnosis.WithFindings(diagnosis.Finding{Pointer: "/a"}, diagnosis.Finding{Pointer: "/b"}))
	d.Title, d.Remedy = "Another title", &diagnosis.Remedy{Who: diagnosis.WhoOperator, Steps: []string{"one", "two"}}
	d.Evidence, d.Transient = &diagnosis.Evidence{HTTPStatus: 403}, true
	h, log := watched(server(t, func(*request) error {
		inner := &diagnosis.Error{Diagnosis: diagnosis.New("throttled"), Err: errors.New("the cause")}
		return fmt.Errorf("outer: %w", &diagnosis.Error{Diagnosis: d, Err: fmt.Errorf("middle: %w", inner)})
	}))
	resp, p := call(t, h, "PUT", "/api/things/x", `{}`)
	assert.Equal(t, problem.StatusOf("role-missing"), resp.StatusCode)
	assert.Equal(t, "Another title", p.Title)
	assert.Equal(t, "It is not there.", p.Detail)
	assert.Equal(t, d.Remedy, p.Remedy)
	assert.Equal(t, d.Findings, p.Errors)
	assert.Equal(t, d.Evidence, p.Evidence)
	assert.Equal(t, "/api/things/x", p.Instance)
	assert.Equal(t, "5", resp.Header.Get("Retry-After"), "this occurrence may pass")
	assert.Equal(t, "role-missing: the cause", log.String())
	assert.Equal(t, "role-missing: It is not there.", problem.From(&diagnosis.Error{Diagnosis: d}).Error())
	assert.Nil(t, problem.From(nil))
}

// TestABrokenOffHandlerIsCut: a handler that breaks off on purpose is no fault to be told.
func TestABrokenOffHandlerIsCut(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /off", func(http.ResponseWriter, *http.Request) {
		panic(fmt.Errorf("copy: %w", http.ErrAbortHandler))
	})
	mux.HandleFunc("GET /head", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("late")
	})
	mux.HandleFunc("GET /flush", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "x")
		assert.NoError(t, http.NewResponseController(w).Flush())
	})
	for path, told := range map[string]string{"/off": "", "/head": "late"} {
		h, log := watched(problem.Handler(mux, ""))
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		})
		assert.Contains(t, log.String(), told)
		assert.Equal(t, told == "", log.String() == "")
	}
	w := httptest.NewRecorder()
	problem.Handler(mux, "").ServeHTTP(w, httptest.NewRequest("GET", "/flush", nil))
	assert.True(t, w.Flushed)
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
}

// TestMethodsThatAPathTakes are all told.
func TestMethodsThatAPathTakes(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	for _, method := range []string{"PUT", "DELETE"} {
		mux.HandleFunc(method+" /x", func(http.ResponseWriter, *http.Request) {})
	}
	resp, p := call(t, problem.Handler(mux, ""), "POST", "/x", "")
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	assert.Equal(t, "DELETE, PUT", resp.Header.Get("Allow"))
	assert.Equal(t, "This path takes DELETE, PUT.", p.Detail)
	resp, p = call(t, problem.Handler(mux, "https://wif.example.com"), "GET", "/<x>", "")
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	assert.Equal(t, "https://wif.example.com/api/errors/not-found", p.Type)
}

// TestTheAPIDocumentTellsOfRefusals: each operation with those that it has, by method and body.
func TestTheAPIDocumentTellsOfRefusals(t *testing.T) {
	t.Parallel()
	config := huma.DefaultConfig("t", "1")
	api := humago.New(http.NewServeMux(), config)
	type withoutBody struct {
		Size int `query:"size" maximum:"9"`
	}
	type withBody struct{ problem.JSONBody[document] }
	optional := &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
		Examples: map[string]*huma.Example{"one": {Value: "x"}}}}}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		problem.Register(api, huma.Operation{OperationID: method, Method: method, Path: "/things"}, []int{404},
			func(context.Context, *withoutBody) (*reply, error) { return nil, nil })
	}
	problem.Register(api, huma.Operation{OperationID: "put", Method: http.MethodPut, Path: "/things"}, []int{409},
		func(context.Context, *withBody) (*reply, error) { return nil, nil })
	problem.Register(api, huma.Operation{OperationID: "post", Method: http.MethodPost, Path: "/things",
		RequestBody: optional}, nil, func(context.Context, *withBody) (*reply, error) { return nil, nil })
	path := api.OpenAPI().Paths["/things"]
	for _, c := range []struct {
		op       *huma.Operation
		statuses string
	}{
		{path.Get, "400 404 500"}, {path.Delete, "400 404 500"},
		{path.Put, "400 408 409 413 415 422 500"}, {path.Post, "400 408 413 415 422 500"},
	} {
		var statuses []string
		for status, response := range c.op.Responses {
			if response.Content[problem.MediaType] == nil {
				continue
			}
			statuses = append(statuses, status)
			assert.Contains(t, response.Headers, "x-ms-error-code")
			assert.Contains(t, response.Headers, "x-ms-request-id")
		}
		slices.Sort(statuses)
		assert.Equal(t, c.statuses, strings.Join(statuses, " "), c.op.OperationID)
	}
	assert.Equal(t, "Conflict", path.Put.Responses["409"].Description, "no code of it is known")
	assert.Equal(t, "Bad Request: invalid-parameter, malformed-body, nested-too-deep",
		path.Put.Responses["400"].Description)
	assert.Equal(t, "Request Timeout: request-timeout", path.Put.Responses["408"].Description)
	assert.Equal(t, "Not Found", path.Get.Responses["404"].Description)
	assert.True(t, path.Put.RequestBody.Required)
	assert.False(t, path.Post.RequestBody.Required)
	assert.Contains(t, path.Post.RequestBody.Content["application/json"].Examples, "one")
	assert.Equal(t, "#/components/schemas/Document", path.Put.RequestBody.Content["application/json"].Schema.Ref)
	schemas := api.OpenAPI().Components.Schemas.Map()
	assert.NotContains(t, schemas, "ErrorModel")
	assert.NotContains(t, schemas, "ErrorDetail")
	assert.Contains(t, schemas, "Problem")
}

// TestTheAPIDocumentListsTheCodesOfAnOperation, each once, by the status that it has.
func TestTheAPIDocumentListsTheCodesOfAnOperation(t *testing.T) {
	api := humago.New(http.NewServeMux(), huma.DefaultConfig("test", "1"))
	problem.Register(api, huma.Operation{OperationID: "transferIntegration", Method: http.MethodPatch,
		Path: "/integrations/{id}/owner"}, []int{502}, func(context.Context, *struct{}) (*reply, error) {
		return nil, nil
	})
	transfer := api.OpenAPI().Paths["/integrations/{id}/owner"].Patch
	problem.DeclareCallers(api, transfer, "Wif.Operate")
	problem.DeclareCallers(api, transfer, "Wif.Operate") // tells nothing twice
	assert.Equal(t, "Conflict: subject-bound, conflict", transfer.Responses["409"].Description)
	assert.Equal(t, map[string]any{"x-codes": []diagnosis.Code{diagnosis.CodeSubjectBound, diagnosis.CodeConflict}},
		transfer.Responses["409"].Extensions)
	assert.Equal(t, "Forbidden: forbidden", transfer.Responses["403"].Description)
	assert.Equal(t, "Bad Gateway, with the code of what a service behind this one stated",
		transfer.Responses["502"].Description)
	assert.Contains(t, transfer.Responses["400"].Description, "invalid-id")
	assert.Contains(t, transfer.Responses["503"].Description, "entra-unavailable")
}
