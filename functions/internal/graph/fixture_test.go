package graph_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

// exchange is one request that the service got.
type exchange struct {
	method, url, prefer, contentType, body string
	clientRequestID                        string
	at                                     time.Time
}

// answer is the service's next answer.
type answer struct {
	status int
	header map[string]string
	body   string
	cut    bool // the connection breaks after the body
}

// service is Graph as a script of answers; it notes every request. The last answer is repeated.
type service struct {
	t       *testing.T
	answers []answer
	got     []exchange
}

// Do implements policy.Transporter: no socket, so that tests may run on a fake clock.
func (s *service) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(s.t, err)
	}
	require.Equal(s.t, "Bearer token-of-test", r.Header.Get("Authorization"))
	require.Equal(s.t, "application/json", r.Header.Get("Accept"))
	require.Contains(s.t, r.Header.Get("User-Agent"), "ddoe-wif-graph")
	_, err := uuid.Parse(r.Header.Get("client-request-id"))
	require.NoError(s.t, err)
	s.got = append(s.got, exchange{
		method: r.Method, url: r.URL.String(), prefer: r.Header.Get("Prefer"), body: string(body),
		contentType: r.Header.Get("Content-Type"), clientRequestID: r.Header.Get("client-request-id"), at: time.Now(),
	})
	a := s.answers[min(len(s.got), len(s.answers))-1]
	w := httptest.NewRecorder()
	w.Header().Set("request-id", fmt.Sprintf("request-%d", len(s.got)))
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
	resp := w.Result()
	resp.Request = r
	if a.cut {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return resp, nil
}

// requests are the requests so far, without what differs from run to run.
func (s *service) requests() []exchange {
	out := make([]exchange, len(s.got))
	for i, e := range s.got {
		e.clientRequestID, e.at = "", time.Time{}
		out[i] = e
	}
	return out
}

type credential struct{ scopes *[]string }

func (c credential) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if c.scopes != nil {
		*c.scopes = append(*c.scopes, o.Scopes...)
	}
	return azcore.AccessToken{Token: "token-of-test", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// newClient returns a client of a service that gives these answers.
func newClient(t *testing.T, answers ...answer) (*graph.Client, *service) {
	t.Helper()
	s := &service{t: t, answers: answers}
	c, err := graph.New(credential{}, &graph.Options{ClientOptions: azcore.ClientOptions{
		Transport: s, Retry: policy.RetryOptions{MaxRetries: 2},
	}})
	require.NoError(t, err)
	return c, s
}

func errorJSON(code, message string, details ...string) string {
	list := ""
	for i, d := range details {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"code":%q,"message":"m","target":"t"}`, d)
	}
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"details":[%s],"innerError":`+
		`{"date":"2026-01-02T03:04:05","request-id":"inner-id","client-request-id":"c"}}}`, code, message, list)
}
