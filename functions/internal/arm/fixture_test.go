package arm_test

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

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
)

// exchange is one request that the service got.
type exchange struct {
	method, url, contentType, body string
	clientRequestID                string
	at                             time.Time
}

// answer is the service's next answer.
type answer struct {
	status int
	header map[string]string
	body   string
	cut    bool // the connection breaks after the body
}

// service is ARM as a script of answers; it notes every request. The last answer is repeated.
type service struct {
	t       *testing.T
	answers []answer
	got     []exchange
	accepts []string // the header Accept of each
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
	require.Contains(s.t, r.Header.Get("User-Agent"), "azsdk-go-")
	_, err := uuid.Parse(r.Header.Get("x-ms-client-request-id"))
	require.NoError(s.t, err)
	s.accepts = append(s.accepts, r.Header.Get("Accept"))
	s.got = append(s.got, exchange{
		method: r.Method, url: r.URL.String(), body: string(body),
		contentType: r.Header.Get("Content-Type"), clientRequestID: r.Header.Get("x-ms-client-request-id"),
		at: time.Now(),
	})
	a := s.answers[min(len(s.got), len(s.answers))-1]
	w := httptest.NewRecorder()
	w.Header().Set("x-ms-request-id", fmt.Sprintf("request-%d", len(s.got)))
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
func newClient(t *testing.T, answers ...answer) (*arm.Client, *service) {
	t.Helper()
	s := &service{t: t, answers: answers}
	c, err := arm.New(credential{}, &arm.Options{ClientOptions: azcore.ClientOptions{
		Transport: s, Retry: policy.RetryOptions{MaxRetries: 2},
	}})
	require.NoError(t, err)
	return c, s
}

func errorJSON(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message)
}
