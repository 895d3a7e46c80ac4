package host_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forwardingOnly is host.json of an old host: no proxying.
var forwardingOnly = strings.Replace(hostJSON, `"enableProxyingHttpRequest": true, `, "", 1)

func TestFirstFunctionByNameWins(t *testing.T) {
	f := newFixture(t, map[string]string{
		"bravo/function.json":   httpFunction("things/{id}", "get"),
		"Alpha/function.json":   httpFunction("things/{id:int}", "get"),
		"charlie/function.json": httpFunction("things/special", "get"), // never reached: bravo comes first
		"delta/function.json":   httpFunction("things/{id}", "put"),
		"any/function.json":     httpFunction("any"),
	}, func(e event) order { return order{Body: ptr(e.Method + " " + e.URI)} })
	f.start()
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/things/special", 200}, {"PUT", "/api/things/special", 200}, {"get", "/API/THINGS/1", 200},
		{"GET", "/API/THINGS/1", 200}, {"DELETE", "/api/things/1", 404}, {"GET", "/api/things", 404},
		{"GET", "/things/1", 404},
		{"PATCH", "/api/any", 200}, {"GET", "/", 404},
	} {
		response, body := f.do(tt.method, tt.path, "", nil)
		assert.Equal(t, tt.status, response.StatusCode, tt.method+" "+tt.path)
		if tt.status == 200 {
			assert.Equal(t, tt.method+" "+tt.path, body, "method and path reach the handler as they are")
		} else {
			assert.Empty(t, body)
		}
	}
}

func TestHTTPModes(t *testing.T) {
	header := http.Header{
		"User-Agent": {"curl/8"}, "X-Twice": {"a", "b"}, "Content-Type": {"text/plain"}, "Content-Language": {"de"},
		"Cookie":          {"a=1"},
		"X-Functions-Key": {"k"}, "X-Forwarded-For": {"203.0.113.7"}, "X-Azure-Functions-Invocationid": {"mine"},
		"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	}
	const path = "/api/hello?q=a+b&q=c&e=%2F"
	invoke := func(t *testing.T, config string) (*fixture, event, *http.Response) {
		f := newFixture(t, map[string]string{"host.json": config}, always(order{
			Status: http.StatusTeapot, Header: map[string]string{"X-From-Handler": "yes", "Location": "/elsewhere"},
			Body: ptr("short and stout"),
		}))
		f.start()
		response, body := f.do("POST", path, "hello", header)
		assert.Equal(t, http.StatusTeapot, response.StatusCode, "any status passes")
		assert.Equal(t, "short and stout", body)
		assert.Equal(t, "yes", response.Header.Get("X-From-Handler"))
		e := f.waitFor("request", 1)[0]
		assert.Equal(t, "POST", e.Method)
		assert.Equal(t, "hello", string(e.Body))
		assert.Len(t, e.Header.Get("X-Azure-Functions-InvocationId"), 36, "the caller's own is overwritten")
		assert.NotEmpty(t, e.Header.Get("X-Azure-Functions-HostVersion"))
		assert.Equal(t, "k", e.Header.Get("X-Functions-Key"), "keys are not stripped")
		assert.Equal(t, "a=1", e.Header.Get("Cookie"))
		assert.Regexp(t, "^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$", e.Header.Get("Traceparent"),
			"same trace, new span")
		return f, e, response
	}
	t.Run("proxying wins and passes everything on", func(t *testing.T) {
		f, e, _ := invoke(t, hostJSON)
		assert.Equal(t, path, e.URI)
		assert.Equal(t, "127.0.0.1:"+f.waitFor("start", 1)[0].Env["FUNCTIONS_CUSTOMHANDLER_PORT"], e.Host)
		assert.Equal(t, []string{"a", "b"}, e.Header["X-Twice"])
		assert.Equal(t, "curl/8", e.Header.Get("User-Agent"))
		assert.Equal(t, "de", e.Header.Get("Content-Language"))
		assert.Equal(t, e.Header.Get("X-Azure-Functions-InvocationId"), e.Header.Get("X-Ms-Invocation-Id"))
		assert.Equal(t, strings.TrimPrefix(f.host.URL(), "http://"), e.Header.Get("X-Forwarded-Host"))
		assert.Equal(t, "http", e.Header.Get("X-Forwarded-Proto"))
		assert.Equal(t, "127.0.0.1", e.Header.Get("X-Forwarded-For"))
	})
	t.Run("forwarding rebuilds the request", func(t *testing.T) {
		f, e, _ := invoke(t, forwardingOnly)
		assert.Equal(t, "/api/hello?e=%2F&q=a%20b%2Cc", e.URI, "values joined, encoded anew")
		assert.Equal(t, strings.TrimPrefix(f.host.URL(), "http://"), e.Host, "the Host stays")
		assert.Equal(t, []string{"a,b"}, e.Header["X-Twice"])
		assert.Regexp(t, "^curl/8 Azure-Functions-Host/", e.Header.Get("User-Agent"))
		assert.Empty(t, e.Header.Get("Content-Language"), "content headers are lost")
		assert.Equal(t, "text/plain", e.Header.Get("Content-Type"), "except this one")
		assert.Empty(t, e.Header.Get("X-Ms-Invocation-Id"))
		assert.Equal(t, "203.0.113.7", e.Header.Get("X-Forwarded-For"))
	})
}

func TestEncodedSlash(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"proxying encodes it once more": {hostJSON, "/api/things/a%252Fb%20c"},
		"forwarding keeps it":           {forwardingOnly, "/api/things/a%2Fb%20c"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{"host.json": tt.config,
				"things/function.json": httpFunction("things/{id}")}, always(order{}))
			f.start()
			f.do("GET", "/api/things/a%2Fb%20c", "", nil)
			assert.Equal(t, tt.want, f.waitFor("request", 1)[0].URI)
		})
	}
}

func TestChunkedBody(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"proxying streams it":          {hostJSON, "chunked"},
		"forwarding silently drops it": {forwardingOnly, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{"host.json": tt.config}, always(order{}))
			f.start()
			request, err := http.NewRequestWithContext(t.Context(), "POST", f.host.URL()+"/api/hello",
				io.NopCloser(strings.NewReader("chunked")))
			require.NoError(t, err)
			response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, tt.want, string(f.waitFor("request", 1)[0].Body))
		})
	}
}

func TestProxyingStreamsTheAnswer(t *testing.T) {
	proceed := make(chan struct{})
	f := newFixture(t, nil, func(e event) order {
		switch e.Kind {
		case "request":
			return order{Header: map[string]string{"Content-Length": "8"}, Body: ptr("one\n"), Continue: true}
		case "continue":
			<-proceed
			return order{Body: ptr("two\n")}
		}
		return order{}
	})
	f.start()
	request, err := http.NewRequestWithContext(t.Context(), "GET", f.host.URL()+"/api/hello", nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "one\n", line, "before the handler has gone on")
	close(proceed)
	line, err = lines.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "two\n", line)
}

func TestHalfAnAnswerIsNoAnswer(t *testing.T) {
	f := newFixture(t, nil, func(e event) order {
		switch e.Kind {
		case "request":
			return order{Body: ptr("half"), Continue: true}
		case "continue":
			return order{Kill: true}
		}
		return order{}
	})
	f.start()
	request, err := http.NewRequestWithContext(t.Context(), "GET", f.host.URL()+"/api/hello", nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	_, err = io.ReadAll(response.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestBodyCap(t *testing.T) {
	f := newFixture(t, nil, always(order{}))
	f.start()
	request, err := http.NewRequestWithContext(t.Context(), "POST", f.host.URL()+"/api/hello",
		io.NopCloser(strings.NewReader("")))
	require.NoError(t, err)
	request.ContentLength = 104_857_601
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
	request.Header.Set("Expect", "100-continue") // so that the answer comes before the body
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
}

func TestRoutePrefix(t *testing.T) {
	for prefix, path := range map[string]string{"": "/hello", "v1": "/v1/hello"} {
		t.Run(fmt.Sprintf("%q", prefix), func(t *testing.T) {
			f := newFixture(t, nil, always(order{}))
			f.env = append(f.env, "AzureFunctionsJobHost__extensions__http__routePrefix="+prefix)
			f.start()
			response, _ := f.do("GET", path, "", nil)
			assert.Equal(t, http.StatusOK, response.StatusCode)
		})
	}
}
