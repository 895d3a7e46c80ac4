package health_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = operationtest.IntegrationID

// start is no slot of any grid.
var start = time.Date(2026, 1, 2, 0, 0, 0, 500_000_000, time.UTC)

// fixture is a deployment with an integration that is as healthy as the test states.
type fixture struct {
	*operationtest.Deployment
	t       testing.TB
	service *health.Service

	mu     sync.Mutex
	report assessment.Report
	looks  int
	// isProof is whether a report that passes shows every right.
	isProof bool
	// meanwhile runs within each look.
	meanwhile func()
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, Deployment: operationtest.New(t, start), report: passing()}
	var err error
	f.service, err = health.New(health.Options{
		Repository: f.Repository, Schedule: health.Schedule{Repository: f.Repository, Now: f.Now}, Engine: f.Engine,
		Look: f.look, Send: f.Send, Kinds: []resource.Kind{elsewhere{}},
		IsProof: func(_ integration.Spec, r assessment.Report) bool { return f.isProof && r.IsSound() },
		Now:     f.Now, Source: operationtest.Source,
	})
	require.NoError(t, err)
	return f
}

func (f *fixture) look(_ context.Context, _ integration.Document) assessment.Report {
	f.mu.Lock()
	f.looks++
	report, meanwhile := f.report, f.meanwhile
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return report
}

// integrate stores a usable integration that is to be checked, and plans its first check.
func (f *fixture) integrate(id, interval string) integration.Document {
	f.t.Helper()
	enabled := true
	d, err := f.service.Repository.Create(f.t.Context(), integration.Document{
		ID: id, CreatedAt: f.Now(), FirstOperationID: "op-" + id,
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
	return f.Keys("due/")
}

func (f *fixture) sweep() {
	f.t.Helper()
	require.NoError(f.t, f.service.Sweep(f.t.Context()))
}

// asked is how many checks were asked for.
func (f *fixture) asked() int { return len(f.Messages(message.QueueHealth)) }

// seconds is how many second looks were asked for.
func (f *fixture) seconds() int {
	n := 0
	for _, m := range f.Messages(message.QueueHealth) {
		if parse(f.t, m).Confirm {
			n++
		}
	}
	return n
}

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
	for _, m := range f.Messages(message.TopicEvents) {
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

func report(checks ...assessment.Check) assessment.Report {
	return assessment.Report{ID: "report", Kind: "access", Verdict: assessment.Summarise(checks),
		ClaimLevel: assessment.ClaimAccess, Checks: checks}
}

func passing() assessment.Report {
	return report(assessment.Check{ID: "access.read", Layer: "read", Status: diagnosis.OutcomePass})
}

// having is a report with one pass and one check that ends with each code.
func having(codes ...diagnosis.Code) assessment.Report {
	checks := slices.Clone(passing().Checks)
	for _, code := range codes {
		// Propagated: what propagation may explain is lasting by now.
		checks = append(checks, assessment.CheckOf("access.write", "write",
			diagnosis.New(code, diagnosis.WithContext(diagnosis.Context{Propagated: true}))))
	}
	return report(checks...)
}
