package functions

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// watched is an app whose outgoing requests are counted, and whose door is reached by a real connection, too.
type watched struct {
	*app
	mu   sync.Mutex
	sent []string
	wire *httptest.Server
}

func watch(a *app) *watched {
	w := &watched{app: a, wire: httptest.NewServer(a.door)}
	a.t.Cleanup(w.wire.Close)
	for host, service := range a.net {
		a.net[host] = http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/discovery/") && !strings.Contains(r.URL.Path, "/.well-known/") {
				w.mu.Lock() // else it is how the door reads the tenant's keys
				w.sent = append(w.sent, r.Method+" "+host+r.URL.Path)
				w.mu.Unlock()
			}
			service.ServeHTTP(answer, r)
		})
	}
	return w
}

// take returns the outgoing requests since it was called last.
func (w *watched) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.sent
	w.sent = nil
	return taken
}

// pretended are headers of Azure's own login, as if it stood before the app and had let an administrator in.
func pretended(a *app) []string {
	a.t.Helper()
	const principal = "eyJhdXRoX3R5cCI6ImFhZCIsImNsYWltcyI6W3sidHlwIjoicm9sZXMiLCJ2YWwiOiJXaWYuQWRtaW4ifV19"
	token := strings.TrimPrefix(asManager(a), "Bearer ")
	return []string{"X-MS-CLIENT-PRINCIPAL", principal, "X-MS-CLIENT-PRINCIPAL-NAME", "manager@acme.example",
		"X-MS-CLIENT-PRINCIPAL-ID", manager, "X-MS-CLIENT-PRINCIPAL-IDP", "aad",
		"X-MS-TOKEN-AAD-ACCESS-TOKEN", token, "X-MS-TOKEN-AAD-ID-TOKEN", token,
		"X-MS-TOKEN-AAD-REFRESH-TOKEN", token, "X-MS-TOKEN-AAD-EXPIRES-ON", "2099-01-01T00:00:00Z"}
}

// question is what a cell sends.
type question struct {
	method, path, body string
	headers            []string
}

func (r question) send(a *app, more ...string) answer {
	return a.call(r.method, r.path, r.body, slices.Concat(more, r.headers)...)
}

// requestOf is the request of a cell.
func requestOf(a *app, operation string, rule ruling, k asking, whose string) question {
	a.t.Helper()
	r := question{headers: headersOf(a, k)}
	r.method, r.path, _ = strings.Cut(operation, " ")
	path, variant, _ := strings.Cut(r.path, " ")
	if variant == "async" {
		r.headers = append(r.headers, "Prefer", "respond-async")
	}
	id, about, list := taken, ownOperation, "?subject="+subject
	if whose == "absent" {
		id, about, list = free, noOperation, "?subject=none"
	}
	switch path {
	case "/integrations":
		path += list
	case "/operations":
		path += "?integrationId=" + id
	case "/operations/{id}", "/operations/{id}/cancel":
		id = about
	}
	r.path = strings.NewReplacer("{id}", id, "{code}", "forbidden").Replace(path)
	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(a.t, err)
	r.body = strings.Replace(rule.body, "minted", token, 1)
	if whose == "absent" && r.method == http.MethodPut {
		r.body = strings.Replace(r.body, "my-service", "my-own", 1) // a subject has one owner
	}
	if r.body != "" {
		r.headers = append(r.headers, "Content-Type", "application/json")
	}
	return r
}

// cell asks once, in a world with one integration, with headers beside that pretend more, and returns what was
// answered, in short and whole. What is refused changes nothing and asks no service; what only looks changes nothing.
func cell(t *testing.T, worlds pool, operation string, rule ruling, k asking, whose string) (string, string) {
	t.Helper()
	a := worlds.take(t, operation, k, whose)
	r, name := requestOf(a.app, operation, rule, k, whose), fmt.Sprintf("%s as %s of %s", operation, k.name, whose)
	before := everything(a.app)
	if r.method == http.MethodGet {
		headIsAsGet(a, r)
	}
	a.take()
	forged := pretended(a.app)
	got := r.send(a.app, forged...)
	isRefused := got.StatusCode >= 400
	isLook := r.method == http.MethodGet || strings.Contains(operation, "dryRun") || r.path == "/credentials/validate"
	if !isRefused && !isLook {
		worlds.drop(a)
	} else {
		after := everything(a.app)
		if !isRefused { // a look that finds something else than health does has health look
			before, after = unsent.ReplaceAllString(before, ""), unsent.ReplaceAllString(after, "")
		}
		assert.True(t, before == after, "%s changes nothing: %s", name, difference(before, after))
		for i := 0; i < len(forged); i += 2 {
			same(t, got, r.send(a.app, forged[i:i+2]...), name+" with "+forged[i])
		}
		same(t, got, r.send(a.app), name+" with none of them")
	}
	if isRefused {
		assert.NotContains(t, got.raw, first)
		if got.Header.Get("x-ms-error-code") != "not-allowed" { // it takes a look at whose it is
			assert.Empty(t, a.take(), name)
		}
	}
	challenged(t, got, rule.needs, name)
	return short(got), plain(got)
}

// challenged: who lacks a role is told which, and a client how; nobody else is.
func challenged(t *testing.T, got answer, needed caller.Role, name string) {
	t.Helper()
	challenge := map[int]string{http.StatusUnauthorized: "Bearer"}[got.StatusCode]
	if got.at("code") == "forbidden" {
		challenge = `Bearer error="insufficient_scope"`
		assert.Contains(t, got.at("detail"), string(needed), name)
	}
	assert.Equal(t, challenge, got.Header.Get("WWW-Authenticate"), name)
}

// short is an answer for the table.
func short(got answer) string {
	told := fmt.Sprint(got.StatusCode)
	if code := got.Header.Get("x-ms-error-code"); code != "" {
		told += " " + code
	}
	if listed, isList := got.at("value").([]any); isList {
		told += fmt.Sprintf(", %d listed", len(listed))
	}
	return told
}

var unsent = regexp.MustCompile(`\nmessages: \d+$`)

// difference is where two texts begin to differ.
func difference(one, other string) string {
	for i := range min(len(one), len(other)) {
		if one[i] != other[i] {
			return one[max(0, i-80):min(len(one), i+80)] + " / " + other[max(0, i-80):min(len(other), i+80)]
		}
	}
	return fmt.Sprint("after ", min(len(one), len(other)))
}

var momentary = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|"durationMs":\d+|` +
	`"id":"[0-9a-f-]{36}","kind":"(drift|credential)"`)

// plain is an answer, byte for byte, but for what differs from one request to the next: its own id, times, and of what
// it asks.
func plain(got answer) string {
	text := fmt.Sprint(got.StatusCode)
	for _, name := range []string{"x-ms-error-code", "Content-Type", "Content-Length", "ETag", "WWW-Authenticate",
		"Cache-Control", "Location", "Operation-Location", "Retry-After", "Allow", "Vary"} {
		text += "\n" + name + ": " + strings.Join(got.Header.Values(name), ", ")
	}
	text += "\n" + got.raw
	for _, own := range []string{taken, free, ownOperation, noOperation, got.Header.Get("x-ms-request-id")} {
		text = strings.ReplaceAll(text, own, "{}")
	}
	return momentary.ReplaceAllString(text, "TIME")
}

// same holds that two answers are one, byte for byte.
func same(t *testing.T, one, other answer, name string) {
	t.Helper()
	assert.True(t, plain(one) == plain(other), "%s: %s", name, difference(plain(one), plain(other)))
}

// headIsAsGet: HEAD is let in where GET is, its headers tell as much, and nothing follows them on the wire.
func headIsAsGet(a *watched, r question) {
	a.t.Helper()
	head := r
	head.method = http.MethodHead
	got, told := r.send(a.app), head.send(a.app)
	assert.Equal(a.t, got.StatusCode, told.StatusCode, "HEAD %s", r.path)
	for _, name := range []string{"x-ms-error-code", "Content-Type", "ETag", "WWW-Authenticate", "Cache-Control"} {
		assert.Equal(a.t, got.Header.Get(name), told.Header.Get(name), "%s of HEAD %s", name, r.path)
	}
	connection, err := net.Dial("tcp", a.wire.Listener.Addr().String())
	require.NoError(a.t, err)
	defer func() { assert.NoError(a.t, connection.Close()) }()
	text := "HEAD /api" + r.path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	for i := 0; i+1 < len(r.headers); i += 2 {
		text += r.headers[i] + ": " + r.headers[i+1] + "\r\n"
	}
	_, err = io.WriteString(connection, text+"\r\n")
	require.NoError(a.t, err)
	all, err := io.ReadAll(connection)
	require.NoError(a.t, err)
	headers, body, isWhole := strings.Cut(string(all), "\r\n\r\n")
	assert.True(a.t, isWhole)
	assert.Contains(a.t, headers, fmt.Sprint("HTTP/1.1 ", got.StatusCode), "HEAD %s", r.path)
	assert.Empty(a.t, body, "HEAD %s has no body", r.path)
}
