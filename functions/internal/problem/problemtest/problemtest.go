// Package problemtest serves single edges in tests, on an API that answers as the app's does.
package problemtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Edge is an API with some operations on it.
type Edge struct{ handler http.Handler }

// Serve registers operations without a route prefix.
func Serve(register func(huma.API)) *Edge {
	mux := http.NewServeMux()
	serve(mux, register)
	return &Edge{problem.Handler(mux, "")}
}

// serve registers operations, and completes their document as the app does.
func serve(mux *http.ServeMux, register func(huma.API)) huma.API {
	api := humago.New(mux, configuration())
	register(api)
	problem.CompleteTags(api.OpenAPI())
	return api
}

// configuration is the app's, as far as operations depend on it.
func configuration() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: &huma.Info{Title: "test", Version: "1"},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/",
				huma.DefaultSchemaNamer)},
		},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat,
			"json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json", Transformers: []huma.Transformer{problem.Transform},
	}
}

// Answer is an HTTP answer with its body decoded where it is JSON.
type Answer struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any
}

// Call sends a request; headers are names and values in turn.
func (e *Edge) Call(t *testing.T, method, target, body string, headers ...string) Answer {
	t.Helper()
	return e.CallIn(t.Context(), t, method, target, body, headers...)
}

// CallIn is Call with a context of its own, such as one that collects what is learnt about the invocation.
func (e *Edge) CallIn(ctx context.Context, t *testing.T, method, target, body string, headers ...string) Answer {
	t.Helper()
	return e.send(t, httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body)), headers...)
}

// Send is Call with a body that may break off while it is read.
func (e *Edge) Send(t *testing.T, method, target string, body io.Reader, headers ...string) Answer {
	t.Helper()
	return e.send(t, httptest.NewRequestWithContext(t.Context(), method, target, body), headers...)
}

func (e *Edge) send(t *testing.T, r *http.Request, headers ...string) Answer {
	t.Helper()
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	a := Answer{Status: w.Code, Header: w.Header(), Raw: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.Body), a.Raw)
	}
	return a
}
