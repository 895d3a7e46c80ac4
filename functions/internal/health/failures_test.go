package health_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

func requireCode(t *testing.T, code diagnosis.Code, err error) {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Diagnosis.Code, known.Diagnosis.Detail)
}

// failingAnywhere has the store fail at each of its calls, each time in a fixture of its own, and the last time at
// none. do is repeated where it has failed, as the broker and the timer do.
func failingAnywhere(t *testing.T, prepare func(f *fixture), do func(f *fixture) error, then func(f *fixture)) {
	t.Helper()
	for name, lost := range map[string]bool{"not done": false, "answer lost": true} {
		t.Run(name, func(t *testing.T) {
			for n, failed := 1, true; failed; n++ {
				f := newFixture(t)
				prepare(f)
				failing := &storetest.Failing{Store: f.Store.Records, At: n, Lost: lost}
				f.Store.Records = failing
				err := do(f)
				f.Store.Records, failed = failing.Store, failing.HasFailed()
				if failed {
					requireCode(t, diagnosis.CodeStoreUnavailable, err)
					require.ErrorIs(t, err, storetest.ErrDown)
					err = do(f)
				}
				require.NoError(t, err)
				then(f)
				if t.Failed() {
					t.Fatalf("call %d, %s", n, name)
				}
				require.True(t, failed || n > 2, "there is something that can fail")
			}
		})
	}
}

// TestACheckOverAStoreThatFailsAnywhere is delivered again and tells what it found, once: an outage of the store is
// neither taken for a fault of the integration nor for the end of the check.
func TestACheckOverAStoreThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	first := start.Truncate(time.Second).Add(time.Hour)
	failingAnywhere(t, func(f *fixture) { f.integrate(id, "1h"); f.slot(1) }, func(f *fixture) error {
		return f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id, Slot: first})
	}, func(f *fixture) {
		assert.Equal(f.t, integration.HealthHealthy, f.status(id).State)
		assert.Equal(f.t, []string{"unknown→healthy"}, f.told())
		d, err := f.service.Repository.Get(f.t.Context(), id)
		require.NoError(f.t, err)
		require.NotNil(f.t, d.Status.Health)
		assert.Equal(f.t, integration.HealthHealthy, d.Status.Health.State)
	})
}

// TestASweepOverAStoreThatFailsAnywhere asks for each of two checks once, and plans the next of each.
func TestASweepOverAStoreThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	failingAnywhere(t, func(f *fixture) {
		f.integrate("service-1", "1h")
		f.integrate("service-2", "1h")
		f.Advance(time.Hour)
	}, func(f *fixture) error { return f.service.Sweep(t.Context()) }, func(f *fixture) {
		assert.Equal(f.t, 2, f.asked())
		assert.Len(f.t, f.index(), 2)
		for _, key := range f.index() {
			assert.Greater(f.t, key, "due/"+f.Now().Format("20060102T150405Z"), "it is the next one")
		}
	})
}

// TestWhatCannotBeReadOverAStoreThatFails stays in the index, where a later sweep meets it.
func TestWhatCannotBeReadOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	failingAnywhere(t, func(f *fixture) {
		f.integrate(id, "15m")
		f.Overwrite("integrations/"+id+".json", "{")
		f.Advance(time.Hour)
	}, func(f *fixture) error { return f.service.Sweep(t.Context()) }, func(f *fixture) {
		assert.Equal(f.t, []string{"due/" + f.Now().Add(time.Hour).Format("20060102T150405Z") + "/" + id}, f.index())
	})
}

// TestPlanAndStatusOverAStoreThatFails tell so.
func TestPlanAndStatusOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "1h")
	whole := f.Store.Records
	f.Store.Records = &storetest.Failing{Store: whole, At: 1}
	_, err := f.service.Status(t.Context(), d)
	requireCode(t, diagnosis.CodeStoreUnavailable, err)
	f.Store.Records = &storetest.Failing{Store: whole, At: 1}
	requireCode(t, diagnosis.CodeStoreUnavailable, f.service.Schedule.Plan(t.Context(), d))
	f.Store.Records = whole
	for _, key := range f.index() {
		there, err := f.Store.Records.Get(t.Context(), key)
		require.NoError(t, err)
		require.NoError(t, f.Store.Records.Delete(t.Context(), key, there.ETag))
	}
	require.NoError(t, f.service.Schedule.Plan(t.Context(), d))
	assert.Len(t, f.index(), 1)
}

// TestAQueueThatTakesNothing is told as what it is; the check is asked for when it takes something again.
func TestAQueueThatTakesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	noLink := errors.New("no link")
	f.Refuse(message.QueueHealth, noLink)
	f.report = having("role-missing")
	slot := f.slot(1)
	err := f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot})
	requireCode(t, diagnosis.CodeQueueUnavailable, err)
	require.ErrorIs(t, err, noLink)
	require.ErrorContains(t, err, message.TypeHealthCheck)
	requireCode(t, diagnosis.CodeQueueUnavailable,
		f.service.Check(t.Context(), message.HealthCheck{IntegrationID: id, Slot: slot}))
	assert.Equal(t, 1, f.looks, "delivered again, it has only the second look to ask for")
	f.until(id)
	before := f.index()
	err = f.service.Sweep(t.Context())
	requireCode(t, diagnosis.CodeQueueUnavailable, err)
	require.ErrorContains(t, err, "1 of 1 due checks")
	assert.Equal(t, before, f.index(), "it stays due")
	f.Refuse(message.QueueHealth, nil)
	f.check(slot)
	assert.Equal(t, 1, f.asked(), "the second look")
	f.sweep()
	assert.Equal(t, 2, f.asked())
}

// TestWhatIsBrokenOffTellsNothing: what a look has found while it was being stopped is no finding.
func TestWhatIsBrokenOffTellsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	f.report = having("role-missing")
	ctx, cancel := context.WithCancel(t.Context())
	f.meanwhile = cancel
	require.ErrorIs(t, f.service.Check(ctx, message.HealthCheck{IntegrationID: id, Slot: f.slot(1)}),
		context.Canceled)
	assert.Nil(t, f.status(id).LastRun)
	assert.Zero(t, f.asked())

	require.ErrorIs(t, f.service.Sweep(ctx), context.Canceled)
	f.meanwhile = nil
	f.check(f.slot(1))
	assert.NotNil(t, f.status(id).LastRun)
}

// TestASweepThatIsBrokenOff leaves the next pages to the next one.
func TestASweepThatIsBrokenOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const many = 150
	for i := range many {
		f.integrate("service-"+string(rune('a'+i/26))+string(rune('a'+i%26)), "15m")
	}
	f.Advance(20 * time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	f.Store.Before = func(c operationtest.Call) error {
		if c.Name == operationtest.CallDelete {
			cancel()
		}
		return nil
	}
	before := len(f.Store.Calls(operationtest.CallList))
	require.Error(t, f.service.Sweep(ctx))
	assert.Len(t, f.Store.Calls(operationtest.CallList)[before:], 1)
	f.Store.Before = nil
	f.sweep()
	assert.Equal(t, many, f.asked())
}

// TestTheInvocationTellsWhatACheckFound: the integration, and the code where something is wrong.
func TestTheInvocationTellsWhatACheckFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		code    string
	}{
		"nothing":           {func(*fixture) {}, ""},
		"a missing role":    {func(f *fixture) { f.report = having("role-missing") }, "role-missing"},
		"a warning":         {func(f *fixture) { f.report = having("over-privileged") }, "over-privileged"},
		"no record to read": {func(f *fixture) { f.Overwrite("integrations/"+id+".json", "{") }, "record-unreadable"},
		"a record that breaks while it is looked at": {func(f *fixture) {
			f.meanwhile = func() { f.Overwrite("integrations/"+id+".json", "{") }
		}, "record-unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.integrate(id, "1h")
			c.prepare(f)
			ctx, record := invocation.With(t.Context())
			require.NoError(t, f.service.Check(ctx, message.HealthCheck{IntegrationID: id, Slot: f.slot(1)}))
			integrationID, _, code := record.Values()
			assert.Equal(t, id, integrationID)
			assert.Equal(t, c.code, code)
		})
	}
}

// TestAServiceHasAClockOfItsOwn where it is given none.
func TestAServiceHasAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.integrate(id, "1h")
	o := f.service.Options
	o.Now = nil
	s, err := health.New(o)
	require.NoError(t, err)
	status, err := s.Status(t.Context(), d)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(30*time.Minute), *status.NextDue, 31*time.Minute)
	assert.Equal(t, time.UTC, status.NextDue.Location())
}

// TestAnOperatorSeesWhatIsPassedOver, by whom it is met: records that cannot be read, and what is no entry.
func TestAnOperatorSeesWhatIsPassedOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.integrate(id, "1h")
	var log bytes.Buffer
	o := f.service.Options
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	s, err := health.New(o)
	require.NoError(t, err)
	f.Overwrite("integrations/"+id+".json", "{")
	require.NoError(t, s.Check(t.Context(), message.HealthCheck{IntegrationID: id}))
	assert.Contains(t, log.String(), `"record passed over","integrationId":"`+id+`"`)
	log.Reset()
	for _, key := range []string{"due/nonsense", "due/20260101T000000Z/A", "due/2026/" + id} {
		_, err = f.Store.Records.Put(t.Context(), key, []byte("{}"), "")
		require.NoError(t, err)
	}
	f.Advance(2 * time.Hour)
	require.NoError(t, s.Sweep(t.Context()))
	assert.Contains(t, log.String(), `"record passed over","integrationId":"`+id+`"`)
	for _, key := range []string{"due/nonsense", "due/20260101T000000Z/A", "due/2026/" + id} {
		assert.Contains(t, log.String(), `"key":"`+key+`"`)
	}
	assert.Contains(t, log.String(), `"swept","due":1,"sent":0,"failed":0`)
	assert.Contains(t, f.index(), "due/nonsense", "it is nobody's to remove")
}
