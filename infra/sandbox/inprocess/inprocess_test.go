package inprocess_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
)

func to(handler http.HandlerFunc) inprocess.Hosts {
	return func(host string) (http.Handler, bool) { return handler, host == "known.example" }
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	return r
}

// TestTheHandlerGetsWhatAServerReads: names of headers are canonical, there is a body, and its length is known.
func TestTheHandlerGetsWhatAServerReads(t *testing.T) {
	t.Parallel()
	r := request(t, http.MethodPut, "https://known.example/a%2Fb?c=d", strings.NewReader("body"))
	r.Header["x-ms-version"] = []string{"1"}
	answer, err := to(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "known.example", r.Host)
		assert.Equal(t, "/a%2Fb?c=d", r.RequestURI)
		assert.Equal(t, "1", r.Header.Get("X-Ms-Version"))
		assert.Equal(t, "4", r.Header.Get("Content-Length"))
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "body", string(body))
		w.WriteHeader(http.StatusTeapot)
	}).RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusTeapot, answer.StatusCode)

	_, err = to(func(_ http.ResponseWriter, r *http.Request) {
		assert.NotNil(t, r.Body)
		assert.Empty(t, r.Header.Get("Content-Length"))
	}).RoundTrip(request(t, http.MethodDelete, "https://known.example/", nil))
	require.NoError(t, err)
}

func TestWhatFailsOnAWireFails(t *testing.T) {
	t.Parallel()
	fine := to(func(http.ResponseWriter, *http.Request) {})
	for _, url := range []string{"https://other.example/", "http://known.example/"} {
		_, err := fine.RoundTrip(request(t, http.MethodGet, url, nil))
		var unknown *net.DNSError
		require.ErrorAs(t, err, &unknown, url)
		assert.True(t, unknown.IsNotFound)
	}
	_, err := to(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).
		RoundTrip(request(t, http.MethodGet, "https://known.example/", nil))
	require.ErrorIs(t, err, syscall.ECONNRESET)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = to(func(http.ResponseWriter, *http.Request) { cancel() }).
		RoundTrip(request(t, http.MethodGet, "https://known.example/", nil).WithContext(ctx))
	require.ErrorIs(t, err, context.Canceled, "the end of the request's context wins over any answer")

	assert.PanicsWithError(t, "a fault of the handler", func() {
		_, _ = to(func(http.ResponseWriter, *http.Request) { panic(errors.New("a fault of the handler")) }).
			RoundTrip(request(t, http.MethodGet, "https://known.example/", nil))
	})
}

// TestByHost: a host's own handler wins over the one for all hosts below a name; nobody else answers.
func TestByHost(t *testing.T) {
	t.Parallel()
	answering := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	hosts := inprocess.ByHost{"a.example": answering(201), "*.example": answering(202)}
	for host, want := range map[string]int{"a.example": 201, "b.example": 202, "b.a.example": 0, "example": 0} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			answer, err := hosts.Do(request(t, http.MethodGet, "https://"+host+"/", nil))
			if want == 0 {
				var unknown *net.DNSError
				require.ErrorAs(t, err, &unknown)
				assert.True(t, unknown.IsNotFound)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, answer.StatusCode)
			require.NoError(t, answer.Body.Close())
		})
	}
}
