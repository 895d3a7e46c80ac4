package operation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id          = "my-service"
	operationID = "0f8fad5b-d9cb-469f-a165-70867728950e"
)

// fixture is an engine over an in-memory store, with a queue that is a slice, a clock that only the test moves, and
// runs that know no cloud.
type fixture struct {
	t      *testing.T
	engine *operation.Engine
	worker *operation.Worker
	store  integration.Store
	// repository is the engine's, and outlives every kill.
	repository *integration.Repository
	log        bytes.Buffer

	// provision, test and verify are the runs; teardown has none of its own.
	provision, test, verify operation.Run

	mu     sync.Mutex
	at     time.Time
	sent   []sent
	kill   *kill
	deaf   string // the entity that takes nothing
	closed error  // what every write to the store is answered with
	// beforePut runs once, before the next write to the store.
	beforePut func()
	counted   []string // the calls of the store, in their order: "get key", "put key"
}

type sent struct {
	entity string
	bus.Message
}

// kill ends the process at its n-th effect (write to the store, message): before it, or after it is done.
type kill struct {
	at     int
	after  bool
	seen   int
	dead   bool
	cancel context.CancelFunc
}

var errKilled = errors.New("killed")

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), store: storetest.NewMemory()}
	f.repository = &integration.Repository{Store: guarded{f}, Now: f.now}
	f.provision = made
	f.test = func(context.Context, *operation.Attempt) (any, error) { return "tested", nil }
	f.verify = func(context.Context, *operation.Attempt) (any, error) { return nil, nil }
	var err error
	f.engine, err = operation.New(operation.Options{Repository: f.repository, Send: f.send, Now: f.now,
		Source: "/test",
		Log:    slog.New(slog.NewJSONHandler(&f.log, nil))})
	require.NoError(t, err)
	f.worker, err = operation.NewWorker(f.engine, map[string]operation.Task{
		message.TypeProvision: {Kind: integration.KindProvision, Intent: f.intent,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.provision(ctx, a) }},
		message.TypeDeprovision: {Kind: integration.KindDeprovision, Intent: f.intent, Run: removed},
		message.TypeAccessTest: {Kind: integration.KindAccessTest, Intent: f.intent,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.test(ctx, a) }},
		message.TypeVerify: {Kind: integration.KindProvision, GiveUp: giveUp, LastAttempt: 2,
			Run: func(ctx context.Context, a *operation.Attempt) (any, error) { return f.verify(ctx, a) }},
	})
	require.NoError(t, err)
	return f
}

// intent is the intent of a command, as its use case would have it.
func (f *fixture) intent(c message.Command) operation.Intent {
	in := operation.Intent{IntegrationID: c.IntegrationID, Command: c,
		Admit: func(*integration.Document) error { return nil }}
	exists := func(d *integration.Document) error {
		if d == nil || d.Status.Phase == integration.PhaseDeleted {
			return integration.Absent(d)
		}
		return nil
	}
	switch c.Type {
	case message.TypeProvision:
		in.Kind, in.Content = integration.KindProvision, c.Spec
		in.Apply = func(d *integration.Document) {
			d.Status.Phase, d.Status.Conditions = integration.PhasePending, nil
			if c.Spec != nil {
				d.Spec = *c.Spec
			}
		}
		in.Prepare = func(context.Context) error {
			if c.Spec != nil && c.Spec.Issuer == "faulty" {
				return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeInvalidSpec,
					diagnosis.WithFindings(diagnosis.Finding{Pointer: "/issuer", Code: "invalid-value"}))}
			}
			return nil
		}
	case message.TypeDeprovision:
		in.Kind, in.Content, in.Admit, in.Joins = integration.KindDeprovision, c.Purge, exists, true
		in.Apply = func(d *integration.Document) { d.Status.Phase = integration.PhaseDeprovisioning }
	default:
		in.Kind, in.Content, in.Admit = integration.KindAccessTest, c.Mode, exists
	}
	return in
}

// made is a run of two hops: it writes down what it is about to do, does it, learns an id, and means that all is made.
func made(ctx context.Context, a *operation.Attempt) (any, error) {
	if err := a.Save(ctx, func(d *integration.Document) {
		d.Status.Phase = integration.PhaseProvisioning
	}); err != nil {
		return nil, err
	}
	a.Step(integration.Step{Name: "object", Target: id, Status: "done", Outcome: "created"})
	if err := a.Save(ctx, func(d *integration.Document) { d.Status.ObjectID = "object-1" }); err != nil {
		return nil, err
	}
	err := a.Conclude(ctx, func(d *integration.Document) error {
		d.Status.Phase = integration.PhaseProvisioned
		return nil
	}, operation.News{Type: message.TypeIntegrationProvisioned})
	if err != nil {
		return nil, err
	}
	next := message.Command{Type: message.TypeVerify, IntegrationID: id, OperationID: a.Command().OperationID}
	return map[string]string{"objectId": a.Document().Status.ObjectID}, a.Send(ctx, next,
		a.Command().OperationID+"-verify-0", time.Minute)
}

func removed(ctx context.Context, a *operation.Attempt) (any, error) {
	return nil, a.Conclude(ctx, func(d *integration.Document) error {
		d.Status = integration.Status{Phase: integration.PhaseDeleted, LastOperationID: d.Status.LastOperationID}
		return nil
	}, operation.News{Type: message.TypeIntegrationDeleted})
}

func giveUp(ctx context.Context, a *operation.Attempt, reason diagnosis.Diagnosis) error {
	return a.Conclude(ctx, func(d *integration.Document) error {
		d.SetCondition(time.Time{}, integration.ConditionVerified, "Unknown", &reason, "")
		return nil
	})
}

func (f *fixture) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

// isDead reports whether the process is dead before, or after, the effect that is under way.
func (f *fixture) isDead(after bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.kill
	if k == nil {
		return false
	}
	if !after && !k.dead {
		k.seen++
	}
	if !k.dead && k.after == after && k.seen >= k.at {
		k.dead = true
		k.cancel()
	}
	return k.dead
}

func effect[T any](f *fixture, do func() (T, error)) (T, error) {
	var none T
	if f.isDead(false) {
		return none, errKilled
	}
	v, err := do()
	if f.isDead(true) {
		return none, errKilled
	}
	return v, err
}

func (f *fixture) send(_ context.Context, entity string, m bus.Message) error {
	_, err := effect(f, func() (struct{}, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if entity == f.deaf {
			return struct{}{}, errors.New("no link")
		}
		duplicate := func(s sent) bool { return s.entity == entity && s.ID == m.ID }
		if !slices.ContainsFunc(f.sent, duplicate) { // the entities detect duplicates
			f.sent = append(f.sent, sent{entity, m})
		}
		return struct{}{}, nil
	})
	return err
}

// guarded is the store, counted, as far as the process lives.
type guarded struct{ f *fixture }

func (g guarded) count(what, key string) {
	g.f.mu.Lock()
	defer g.f.mu.Unlock()
	g.f.counted = append(g.f.counted, what+" "+key)
}

func (g guarded) Get(ctx context.Context, key string) (integration.Record, error) {
	g.count("get", key)
	return g.f.store.Get(ctx, key)
}

func (g guarded) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	g.count("put", key)
	g.f.mu.Lock()
	before, closed := g.f.beforePut, g.f.closed
	g.f.beforePut = nil
	g.f.mu.Unlock()
	if before != nil {
		before()
	}
	if closed != nil {
		return "", closed
	}
	return effect(g.f, func() (string, error) { return g.f.store.Put(ctx, key, body, ifMatch) })
}

func (g guarded) Delete(ctx context.Context, key, ifMatch string) error {
	_, err := effect(g.f, func() (struct{}, error) { return struct{}{}, g.f.store.Delete(ctx, key, ifMatch) })
	return err
}

func (g guarded) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	return g.f.store.List(ctx, prefix, token, limit)
}

// doomed arms the switch and returns the context of the process that will die.
func (f *fixture) doomed(at int, after bool) context.Context {
	ctx, cancel := context.WithCancel(f.t.Context())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kill = &kill{at: at, after: after, cancel: cancel}
	return ctx
}

// revive disarms the switch and reports whether the process died.
func (f *fixture) revive() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.kill
	f.kill = nil
	k.cancel()
	return k.dead
}

// killedAnywhere kills a process before and after each of its effects, each time in a fixture of its own, and the last
// time not at all; then looks what came of it.
func killedAnywhere(t *testing.T, prepare func(f *fixture), doomed func(f *fixture, ctx context.Context),
	then func(f *fixture)) {
	t.Helper()
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			deaths := 0
			for n, died := 1, true; died; n++ {
				f := newFixture(t)
				prepare(f)
				doomed(f, f.doomed(n, after))
				if died = f.revive(); died {
					deaths++
				}
				then(f)
				if t.Failed() {
					t.Fatalf("killed %s effect %d", name, n)
				}
			}
			require.Greater(t, deaths, 2, "there is something to kill")
		})
	}
}

func provisionCommand(operationID string) message.Command {
	return message.Command{Type: message.TypeProvision, IntegrationID: id, OperationID: operationID}
}

// submit submits the intent of a command.
func (f *fixture) submit(ctx context.Context, c message.Command) (operation.Accepted, error) {
	in := f.intent(c)
	in.OperationID = c.OperationID
	return f.engine.Submit(ctx, in)
}

// submitted submits a provisioning and returns the command that was sent for it.
func (f *fixture) submitted() message.Command {
	f.t.Helper()
	a, err := f.submit(f.t.Context(), provisionCommand(""))
	require.NoError(f.t, err)
	return f.command(a.Operation.ID)
}

// command parses the message with that id as the trigger delivers it.
func (f *fixture) command(messageID string) message.Command {
	f.t.Helper()
	c, err := message.ParseCommand(f.delivery(messageID))
	require.NoError(f.t, err)
	return c
}

func (f *fixture) delivery(messageID string) message.Delivery {
	f.t.Helper()
	m := f.message(messageID)
	return message.Delivery{Body: m.Body, MessageID: m.ID, SessionID: m.SessionID}
}

func (f *fixture) message(messageID string) bus.Message {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.sent, func(s sent) bool { return s.entity == message.QueueCommands && s.ID == messageID })
	require.GreaterOrEqual(f.t, i, 0, "no message %s", messageID)
	return f.sent[i].Message
}

func (f *fixture) handle(c message.Command) {
	f.t.Helper()
	require.NoError(f.t, f.worker.Handle(f.t.Context(), c))
}

// events are what was published, as "what happened phase".
func (f *fixture) events() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	told := []string{}
	for _, s := range f.sent {
		if s.entity != message.TopicEvents {
			continue
		}
		var event struct {
			ID   string
			Data message.Summary
		}
		require.NoError(f.t, json.Unmarshal(s.Body, &event))
		require.Equal(f.t, s.ID, event.ID)
		what := strings.TrimSuffix(strings.TrimPrefix(s.Subject, "ai.ddoe.wif.integration."), ".v1")
		told = append(told, what+" "+string(event.Data.Phase))
	}
	return told
}

func (f *fixture) document() integration.Document {
	f.t.Helper()
	d, err := f.repository.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	return d
}

func (f *fixture) operation(operationID string) integration.Operation {
	f.t.Helper()
	o, err := f.repository.GetOperation(f.t.Context(), operationID)
	require.NoError(f.t, err)
	return o
}

func (f *fixture) requireStatus(operationID string, want integration.OperationStatus) integration.Operation {
	f.t.Helper()
	o := f.operation(operationID)
	require.Equal(f.t, want, o.Status, "%+v", o.Error)
	return o
}

// keys are those of the store's records below a prefix.
func (f *fixture) keys(prefix string) []string {
	f.t.Helper()
	records, _, err := f.store.List(f.t.Context(), prefix, "", 100)
	require.NoError(f.t, err)
	keys := []string{}
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

// failing is a run that fails with a code.
func failing(code diagnosis.Code) operation.Run {
	return func(context.Context, *operation.Attempt) (any, error) {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New(code)}
	}
}

// throttled is an answer of a service that asks to wait.
type throttled struct{ retryAfter time.Duration }

func (throttled) Error() string               { return "throttled" }
func (throttled) Service() string             { return "graph" }
func (throttled) HTTPStatus() int             { return 429 }
func (throttled) ErrorCode() string           { return "TooManyRequests" }
func (throttled) ServiceRequestID() string    { return "request-1" }
func (t throttled) RetryAfter() time.Duration { return t.retryAfter }

func requireCode(t *testing.T, code diagnosis.Code, err error) diagnosis.Diagnosis {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Diagnosis.Code, known.Diagnosis.Detail)
	return known.Diagnosis
}
