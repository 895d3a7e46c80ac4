package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "my-service"

// start is no slot of any grid.
var start = time.Date(2026, 1, 2, 0, 0, 0, 500_000_000, time.UTC)

// fixture is a deployment with an in-memory store, a queue that is a slice and drops duplicates as the entities do, a
// clock that only the test moves, and an integration that is as healthy as the test states.
type fixture struct {
	t       testing.TB
	service *health.Service
	engine  *operation.Engine
	store   integration.Store // as it is, for the test's own looks

	mu    sync.Mutex
	at    time.Time
	sent  []sent
	ids   map[string]bool
	again int // messages that duplicate detection dropped
	ops   operations
	kill  *kill
	down  error
	// closed is the entity that takes nothing; empty where down is about all.
	closed string
	report diagnosis.Report
	looks  int
	proved bool
	// meanwhile runs within each look; beforeDelete before each deletion.
	meanwhile, beforeDelete func()
	// outage is the key that the store does not answer for.
	outage string
}

type sent struct {
	entity string
	bus.Message
}

// operations counts what was asked of the store.
type operations struct{ list, get, put, remove int }

// kill ends the process at the n-th effect (write to the store, message), before or after it is done.
type kill struct {
	at     int
	after  bool
	seen   int
	dead   bool
	cancel context.CancelFunc
}

var errKilled = errors.New("killed")

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, at: start, store: storetest.NewMemory(), ids: map[string]bool{}, report: passing()}
	repository := &integration.Repository{Store: guarded{f}, Now: f.now}
	engine, err := operation.New(operation.Options{Repository: repository, Send: f.send, Now: f.now,
		Source: "/ddoe-wif/test"})
	require.NoError(t, err)
	f.engine = engine
	f.service, err = health.New(health.Options{
		Repository: repository, Schedule: health.Schedule{Repository: repository, Now: f.now}, Engine: engine,
		Look: f.look, Send: f.send,
		Now: f.now, Source: "/ddoe-wif/test",
	})
	require.NoError(t, err)
	return f
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

func (f *fixture) look(_ context.Context, _ integration.Document, proved bool) diagnosis.Report {
	f.mu.Lock()
	f.looks++
	f.proved = proved
	report, meanwhile := f.report, f.meanwhile
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return report
}

// dies reports whether the process is dead before, or after, the effect that is under way.
func (f *fixture) dies(after bool) bool {
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
	var zero T
	if f.dies(false) {
		return zero, errKilled
	}
	v, err := do()
	if f.dies(true) {
		return zero, errKilled
	}
	return v, err
}

func (f *fixture) send(_ context.Context, entity string, m bus.Message) error {
	_, err := effect(f, func() (struct{}, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case f.down != nil && (f.closed == "" || f.closed == entity):
			return struct{}{}, f.down
		case f.ids[entity+" "+m.ID]:
			f.again++
		default:
			f.ids[entity+" "+m.ID] = true
			f.sent = append(f.sent, sent{entity, m})
		}
		return struct{}{}, nil
	})
	return err
}

// guarded is the store, counted, as far as the process lives.
type guarded struct{ f *fixture }

func (g guarded) count(n *int) {
	g.f.mu.Lock()
	defer g.f.mu.Unlock()
	*n++
}

func (g guarded) Get(ctx context.Context, key string) (integration.Record, error) {
	g.count(&g.f.ops.get)
	if key == g.f.outage {
		return integration.Record{}, errors.New("no answer")
	}
	return g.f.store.Get(ctx, key)
}

func (g guarded) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	g.count(&g.f.ops.put)
	return effect(g.f, func() (string, error) { return g.f.store.Put(ctx, key, body, ifMatch) })
}

func (g guarded) Delete(ctx context.Context, key, ifMatch string) error {
	g.count(&g.f.ops.remove)
	if g.f.beforeDelete != nil {
		g.f.beforeDelete()
	}
	_, err := effect(g.f, func() (struct{}, error) { return struct{}{}, g.f.store.Delete(ctx, key, ifMatch) })
	return err
}

func (g guarded) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	g.count(&g.f.ops.list)
	return g.f.store.List(ctx, prefix, token, limit)
}

// doomed arms the switch and returns the context of the process that will die.
func (f *fixture) doomed(at int, after bool) context.Context {
	ctx, cancel := context.WithCancel(f.t.Context())
	f.kill = &kill{at: at, after: after, cancel: cancel}
	return ctx
}

// revive disarms the switch and reports whether the process died.
func (f *fixture) revive() bool {
	k := f.kill
	f.kill = nil
	k.cancel()
	return k.dead
}

// integrate stores a usable integration that is to be checked, and plans its first check.
func (f *fixture) integrate(id, interval string) integration.Document {
	f.t.Helper()
	enabled := true
	d, err := f.service.Repository.Create(f.t.Context(), integration.Document{
		ID: id, CreatedAt: f.now(), FirstOperationID: "op-" + id,
		Spec: integration.Spec{Subjects: []string{"s"}, HealthCheck: &integration.HealthCheck{Enabled: &enabled,
			Interval: interval}},
		Status: integration.Status{Phase: integration.PhaseUsable, LastOperationID: "op-" + id},
	})
	require.NoError(f.t, err)
	require.NoError(f.t, f.service.Schedule.Plan(f.t.Context(), d))
	return d
}

func (f *fixture) change(id string, change func(*integration.Document)) integration.Document {
	f.t.Helper()
	d, err := f.service.Repository.Update(f.t.Context(), id, func(d *integration.Document) error {
		change(d)
		return nil
	})
	require.NoError(f.t, err)
	return d
}

// index returns the keys of the index.
func (f *fixture) index() []string {
	f.t.Helper()
	records, next, err := f.store.List(f.t.Context(), "due/", "", 1000)
	require.NoError(f.t, err)
	require.Empty(f.t, next)
	keys := []string{}
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func (f *fixture) sweep() {
	f.t.Helper()
	require.NoError(f.t, f.service.Sweep(f.t.Context()))
}

// messages are the messages on an entity, in the order in which they were sent.
func (f *fixture) messages(entity string) []bus.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	var on []bus.Message
	for _, s := range f.sent {
		if s.entity == entity {
			on = append(on, s.Message)
		}
	}
	return on
}

// asked is how many checks were asked for.
func (f *fixture) asked() int { return len(f.messages(message.QueueHealth)) }

func parse(t testing.TB, m bus.Message) message.HealthCheck {
	t.Helper()
	check, err := message.ParseHealthCheck(message.Delivery{Body: m.Body, MessageID: m.ID})
	require.NoError(t, err)
	require.Equal(t, m.ID, check.ID)
	return check
}

// check delivers a check of a slot and lets it be handled.
func (f *fixture) check(slot time.Time) {
	f.t.Helper()
	require.NoError(f.t, f.service.Check(f.t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot}))
}

// confirm delivers the second look at a slot.
func (f *fixture) confirm(slot time.Time) {
	f.t.Helper()
	require.NoError(f.t, f.service.Check(f.t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot,
		Confirm: true}))
}

func (f *fixture) status(id string) integration.HealthStatus {
	f.t.Helper()
	d, err := f.service.Repository.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	s, err := f.service.Status(f.t.Context(), d)
	require.NoError(f.t, err)
	return s
}

// told are the changes that were published, as "from→to code".
func (f *fixture) told() []string {
	f.t.Helper()
	told := []string{}
	for _, m := range f.messages(message.TopicEvents) {
		var event struct {
			ID, Type string
			Data     message.HealthSummary
		}
		require.NoError(f.t, json.Unmarshal(m.Body, &event))
		require.Equal(f.t, m.ID, event.ID)
		require.Equal(f.t, "ai.ddoe.wif.health.changed.v1", event.Type)
		text := string(event.Data.From) + "→" + string(event.Data.To)
		if event.Data.Diagnosis != nil {
			text += " " + string(event.Data.Diagnosis.Code)
		}
		told = append(told, text)
	}
	return told
}

func report(checks ...diagnosis.Check) diagnosis.Report {
	return diagnosis.Report{ID: "report", Kind: "access", Verdict: diagnosis.Summarise(checks),
		ClaimLevel: diagnosis.ClaimAccess, Checks: checks}
}

func passing() diagnosis.Report {
	return report(diagnosis.Check{ID: "access.read", Layer: "read", Status: diagnosis.OutcomePass})
}

// having is a report with one pass and one check that ends with each code.
func having(codes ...diagnosis.Code) diagnosis.Report {
	checks := slices.Clone(passing().Checks)
	for _, code := range codes {
		// Propagated: what propagation may explain is lasting by now.
		checks = append(checks, diagnosis.CheckOf("access.write", "write",
			diagnosis.New(code, diagnosis.WithContext(diagnosis.Context{Propagated: true}))))
	}
	return report(checks...)
}

// overwrite replaces a record by hand, and returns what it was.
func (f *fixture) overwrite(key, body string) integration.Record {
	f.t.Helper()
	was, err := f.store.Get(f.t.Context(), key)
	require.NoError(f.t, err)
	_, err = f.store.Put(f.t.Context(), key, []byte(body), was.ETag)
	require.NoError(f.t, err)
	return was
}
