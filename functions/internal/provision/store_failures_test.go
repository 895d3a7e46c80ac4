package provision_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

// repeated does something that the store may break off, as a client or the broker does: again. The error tells that
// it was the store.
func (f *fixture) repeated(do func() error) {
	f.t.Helper()
	err := do()
	if err == nil {
		return
	}
	require.ErrorIs(f.t, err, storetest.ErrDown)
	var known *diagnosis.Error
	require.ErrorAs(f.t, err, &known)
	assert.Equal(f.t, diagnosis.CodeStoreUnavailable, known.Diagnosis.Code)
	require.NoError(f.t, do())
}

// delivered hands over every command that is on the queue from a place on, once and in order, those too that come of
// it, and returns where the next one will be.
func (f *fixture) delivered(from int) int {
	f.t.Helper()
	for ; from < len(f.Sent()); from++ {
		sent := f.Sent()[from]
		if sent.Entity != message.QueueCommands {
			continue
		}
		if wait := sent.EnqueueAt.Sub(f.Now()); wait > 0 {
			f.Advance(wait)
		}
		f.repeated(func() error { return f.worker.Handle(f.t.Context(), f.Command(sent.ID)) })
	}
	return from
}

// life makes an integration, changes it, proves it, and removes it for good.
func (f *fixture) life() {
	f.t.Helper()
	at := 0
	two := spec("images")
	two.Subjects = []string{other}
	for i, s := range []integration.Spec{two, spec("images")} {
		f.repeated(func() error {
			_, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: s,
				OperationID: fmt.Sprintf("put-%d", i)})
			return err
		})
		at = f.delivered(at)
	}
	f.repeated(func() error {
		_, err := f.service.SubmitAccessTest(f.t.Context(), id, "test", access.Request{})
		return err
	})
	at = f.delivered(at)
	f.repeated(func() error {
		_, err := f.service.SubmitTeardown(f.t.Context(), id, provision.TeardownOptions{OperationID: "gone",
			Purge: true})
		return err
	})
	f.delivered(at)
	f.repeated(func() error { return f.Engine.Sweep(f.t.Context()) })
}

// outcome is what a life leaves behind, and has told.
type outcome struct {
	phase    integration.Phase
	statuses map[string]integration.OperationStatus
	events   []string
	counts   counts
	untold   int
}

func (f *fixture) outcome() outcome {
	f.t.Helper()
	o := outcome{phase: f.Document().Status.Phase, events: f.events(), counts: f.counts(),
		untold:   len(f.Document().Outbox),
		statuses: map[string]integration.OperationStatus{}}
	for _, operation := range []string{"put-0", "put-1", "test", "gone"} {
		o.statuses[operation] = f.Operation(operation).Status
	}
	return o
}

// TestALifeWithAStoreThatFailsOnce, at any of its calls, done or not: it comes to the same end, and nothing is made
// twice, forgotten, or left untold.
func TestALifeWithAStoreThatFailsOnce(t *testing.T) {
	t.Parallel()
	whole := newFixture(t)
	whole.life()
	want := whole.outcome()
	require.Equal(t, outcome{phase: integration.PhaseDeleted, events: []string{"provisioned", "usable", "provisioned",
		"usable", "deleted"}, statuses: map[string]integration.OperationStatus{
		"put-0": integration.OperationSucceeded, "put-1": integration.OperationSucceeded,
		"test": integration.OperationSucceeded, "gone": integration.OperationSucceeded}}, want)
	for name, lost := range map[string]bool{"not done": false, "answer lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := 1, true; failed; n++ {
				f := newFixture(t)
				failing := &storetest.Failing{Store: f.Store.Records, At: n, Lost: lost}
				f.Store.Records = failing
				f.life()
				f.Store.Records, failed = failing.Store, failing.HasFailed()
				require.Equal(t, want, f.outcome(), "call %d", n)
				require.True(t, failed || n > 40, "there is something that can fail")
			}
		})
	}
}

// TestALookWithAStoreThatFails, at any of its calls, tells that it was the store, and finds nothing else. A look that
// was made is served; only health and the document do not show it.
func TestALookWithAStoreThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		look   func(*fixture) error
		served int // how many calls may fail without harm
	}{
		"drift": {func(f *fixture) error { _, err := f.service.Drift(f.t.Context(), id); return err }, 1},
		"plan": {func(f *fixture) error {
			_, err := f.service.Plan(f.t.Context(), provision.Submission{ID: id, Spec: spec("archive")})
			return err
		}, 0},
		"access test": {func(f *fixture) error {
			report, err := f.service.TestAccess(f.t.Context(), id, access.Request{})
			if err == nil {
				assert.Equal(f.t, assessment.VerdictPass, report.Verdict)
			}
			return err
		}, 4},
		"a spec with faults": {func(f *fixture) error {
			_, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: spec("Not A Container")})
			if known := (*diagnosis.Error)(nil); errors.As(err, &known) &&
				known.Diagnosis.Code == diagnosis.CodeInvalidSpec {
				return nil
			}
			return err
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := usable(t)
			before, whole, served := f.Document(), f.Store.Records, 0
			n := 1
			for ; ; n++ {
				failing := &storetest.Failing{Store: whole, At: n}
				f.Store.Records = failing
				err := c.look(f)
				f.Store.Records = whole
				assert.Equal(t, before, f.Document(), "call %d", n)
				if !failing.HasFailed() {
					require.NoError(t, err)
					break
				}
				if err == nil {
					served++
					continue
				}
				var known *diagnosis.Error
				require.ErrorAs(t, err, &known, "call %d", n)
				assert.Equal(t, diagnosis.CodeStoreUnavailable, known.Diagnosis.Code, "call %d", n)
				assert.Empty(t, known.Diagnosis.Findings, "call %d", n)
			}
			assert.Greater(t, n, 1, "there is something that can fail")
			assert.Equal(t, c.served, served)
		})
	}
}
