package functions

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/handler/protocol"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// network answers by host, in this process, as Azure, Entra and the platform would.
type network = inprocess.ByHost

// internet is a network to which no guard leads: its names have no addresses.
type internet struct{ network }

// LookupHost finds no private endpoint.
func (internet) LookupHost(_ context.Context, host string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// hung takes every request and answers none.
var hung = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

// identity is the app's managed identity in the sandbox.
type identity struct {
	authority *entra.Authority
	scopes    *scopes
}

// scopes are what tokens were asked for, as they may be side by side; nil where nobody asks.
type scopes struct {
	mu  sync.Mutex
	all []string
}

func (s *scopes) add(scope string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, scope)
}

// GetToken implements azcore.TokenCredential.
func (i identity) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	i.scopes.add(o.Scopes[0])
	token, expires, err := i.authority.Issue(world.AppPrincipalID, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

// queue keeps what the app sends.
type queue struct {
	mu   sync.Mutex
	sent []sent
	fail error
}

type sent struct {
	entity string
	bus.Message
}

func (q *queue) send(_ context.Context, entity string, m bus.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return q.fail
	}
	q.sent = append(q.sent, sent{entity, m})
	return nil
}

// take removes the next message that is due now.
func (q *queue) take(entity string) (bus.Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, s := range q.sent {
		if s.entity == entity && s.EnqueueAt.IsZero() {
			q.sent = append(q.sent[:i:i], q.sent[i+1:]...)
			return s.Message, true
		}
	}
	return bus.Message{}, false
}

const planted = "planted-api-key"

// testPlatform is a platform that answers nothing; enough for wiring.
func testFoundation(t *testing.T) foundation {
	t.Helper()
	return foundation{
		credential: identity{}, client: &http.Client{Transport: network{}}, store: storetest.NewMemory(),
		public: internet{},
		send:   (&queue{}).send,
		close:  func(context.Context) error { return nil },
	}
}

// app is the whole app on a seeded world, in this process.
type app struct {
	*App
	t      *testing.T
	world  *world.World
	queue  *queue
	store  integration.Store
	issuer *sandbox.Issuer
	// net is what the app and the platform reach, by host.
	net network
	// scopes are what the app has asked tokens for.
	scopes *scopes
	log    *strings.Builder
	// said is what heard was given.
	said strings.Builder
	// door is how the host calls: the app behind the protocol.
	door http.Handler
	// document is the API document as it is served.
	document map[string]any
}

func newApp(t *testing.T, changes map[string]string) *app {
	t.Helper()
	return newAppOn(t, changes, func(network, identity) integration.Store { return storetest.NewMemory() })
}

// newAppOn is newApp with another store than one in memory.
func newAppOn(t *testing.T, changes map[string]string, store func(network, identity) integration.Store) *app {
	t.Helper()
	w := world.New(nil)
	world.Seed(w)
	services, err := cloud.NewServices(w, cloud.ServiceOptions{APIKey: planted})
	require.NoError(t, err)
	authority, issuer, reach := services.Authority, services.Issuer, services.ByHost

	all := map[string]string{"DDOE_ISSUER": world.Issuer, "OWN_RESOURCE_GROUP": ownGroup, "RATE_LIMIT": "100000"}
	for name, value := range changes {
		all[name] = value
	}
	cfg, err := ConfigFromEnvironment(settings(all))
	require.NoError(t, err)
	a := &app{t: t, world: w, queue: &queue{}, store: store(reach, identity{authority: authority}),
		issuer: issuer, net: reach,
		log: &strings.Builder{}, scopes: &scopes{}}
	log := slog.New(slog.NewJSONHandler(a.log, nil))
	a.App, err = wire(cfg, log, foundation{
		credential: identity{authority, a.scopes}, client: &http.Client{Transport: reach}, store: a.store,
		public: internet{reach},
		send:   a.queue.send,
		close:  func(context.Context) error { return nil },
	})
	require.NoError(t, err)
	served := httptest.NewRecorder()
	a.door = protocol.New(protocol.Options{HTTP: a.HTTP, Log: log, Timeout: time.Minute, HTTPTimeout: time.Minute,
		MaxBody: 2 << 20, Annotate: Annotate, Redact: Redact})
	entries, _ := listed(t)
	open, _ := newAPI(cfg.PublicBaseURL, door.Door{}, door.NewLimiter(100_000, time.Now), entries)
	open.ServeHTTP(served, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	require.NoError(t, json.Unmarshal(served.Body.Bytes(), &a.document))
	return a
}

// answer is one HTTP answer, decoded.
type answer struct {
	*http.Response
	raw  string
	body map[string]any
}

func (a *app) call(method, path, body string, headers ...string) answer {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), method, "/api"+path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.door.ServeHTTP(w, r)
	got := answer{Response: w.Result(), raw: w.Body.String()}
	if strings.Contains(got.Header.Get("Content-Type"), "json") {
		require.NoError(a.t, json.Unmarshal(w.Body.Bytes(), &got.body), got.raw)
	}
	assert.NotEmpty(a.t, got.Header.Get("x-ms-request-id"), "%s %s", method, path)
	a.declared(method, path, got)
	return got
}

// deliver hands all commands that are due to reconcile, as the trigger would.
func (a *app) deliver() {
	a.t.Helper()
	for {
		m, ok := a.queue.take(message.QueueCommands)
		if !ok {
			return
		}
		require.NoError(a.t, a.function("reconcile").Message(a.t.Context(), Delivery{Body: m.Body, MessageID: m.ID,
			SessionID: m.SessionID}))
	}
}

func (a *app) function(name string) Function {
	a.t.Helper()
	for _, f := range a.Functions {
		if f.Name == name {
			return f
		}
	}
	require.FailNow(a.t, "no function "+name)
	return Function{}
}

// at follows member names into an answer.
func (g answer) at(names ...string) any {
	var v any = g.body
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// declared holds an answer against the API document: each status that an operation answers with is declared there,
// with its media type and, of a refusal, its code. What a service behind this one stated (502) has any code.
func (a *app) declared(method, path string, got answer) {
	a.t.Helper()
	for template, operations := range a.document["paths"].(map[string]any) {
		op, ok := operations.(map[string]any)[strings.ToLower(method)].(map[string]any)
		plain, _, _ := strings.Cut(path, "?")
		if !ok || !fits(template, plain) {
			continue
		}
		status := strconv.Itoa(got.StatusCode)
		response, ok := op["responses"].(map[string]any)[status].(map[string]any)
		if !assert.True(a.t, ok, "%s %s answers %s, which is not declared: %s", method, template, status, got.raw) {
			return
		}
		media, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
		assert.Contains(a.t, response["content"], media, "%s %s %s", method, template, status)
		if code := got.Header.Get("x-ms-error-code"); code != "" && got.StatusCode != http.StatusBadGateway {
			assert.Contains(a.t, response["x-codes"], code, "%s %s %s", method, template, status)
		}
		return
	}
}

// fits reports whether a path is one of the template.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}
