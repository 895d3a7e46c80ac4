package provision_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

const (
	documentKey = "integrations/" + id + ".json"
	broken      = `{"id":"my-service","spec":{"sub`
	newer       = `{"id":"my-service","schemaVersion":6}`
)

// setAside are the bodies of records of the integration that were set aside, by key.
func setAside(f *fixture) map[string]string {
	f.t.Helper()
	records, _, err := f.Store.Records.List(f.t.Context(), "unreadable/integrations/"+id+"-", "", 10)
	require.NoError(f.t, err)
	bodies := map[string]string{}
	for _, r := range records {
		bodies[r.Key] = string(r.Body)
	}
	return bodies
}

// TestATeardownOfWhatCannotBeReadSetsItAside: nothing is forgotten, the operation tells what was not done, and the
// next PUT finds its own application again.
func TestATeardownOfWhatCannotBeReadSetsItAside(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before, there := f.provisioned(spec("images")), f.counts()
	f.Overwrite(documentKey, broken)
	messages, requests := len(f.Sent()), len(f.requests)
	a, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{OperationID: operationID})
	require.NoError(t, err)
	assert.Len(t, f.Sent(), messages, "no command: there is nothing to carry out")
	assert.Len(t, f.requests, requests)
	assert.Equal(t, there, f.counts(), "nothing was touched")

	op := f.RequireStatus(operationID, integration.OperationFailed)
	assert.Equal(t, op, a.Operation)
	require.NotNil(t, op.Error)
	assert.Equal(t, diagnosis.CodeRecordSetAside, op.Error.Code)
	kept := setAside(f)
	require.Len(t, kept, 1)
	for key, body := range kept {
		assert.Equal(t, broken, body, "byte for byte")
		assert.Contains(t, op.Error.Detail, key)
		assert.Contains(t, op.Error.Detail, documentKey)
	}
	_, err = f.service.Repository.Get(t.Context(), id)
	require.ErrorIs(t, err, integration.ErrNotFound, "the id is free")

	again, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{OperationID: operationID})
	require.NoError(t, err, "the same request has the same answer")
	assert.Equal(t, op, again.Operation)
	_, err = f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{})
	requireCode(t, "integration-not-found", err)

	after := f.provisioned(spec("images"))
	assert.Equal(t, before.Status.ClientID, after.Status.ClientID, "its own application, found by the id")
	assert.Equal(t, there, f.counts())
	down, c := f.remove(provision.TeardownOptions{})
	f.handle(c)
	f.RequireStatus(down.Operation.ID, integration.OperationSucceeded)
	assert.Zero(t, f.counts().applications)
}

// TestATeardownByQueueOfWhatCannotBeRead ends as one by HTTP does.
func TestATeardownByQueueOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	f.Overwrite(documentKey, broken)
	c := message.Command{ID: operationID, Type: message.TypeDeprovision, IntegrationID: id, OperationID: operationID}
	f.handle(c)
	assert.Equal(t, diagnosis.CodeRecordSetAside, f.RequireStatus(operationID, integration.OperationFailed).Error.Code)
	assert.Len(t, setAside(f), 1)
	f.handle(c)
	assert.Equal(t, diagnosis.CodeRecordSetAside, f.RequireStatus(operationID, integration.OperationFailed).Error.Code,
		"delivered again")
}

// TestWhatIsNotSetAside: the record stays as it is.
func TestWhatIsNotSetAside(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		act  func(f *fixture) error
		code diagnosis.Code
	}{
		"a PUT": {broken, func(f *fixture) error {
			_, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: spec("images")})
			return err
		}, diagnosis.CodeRecordUnreadable},
		"a dry run": {broken, func(f *fixture) error {
			_, err := f.service.Plan(f.t.Context(), provision.Submission{ID: id, Spec: spec("images")})
			return err
		}, diagnosis.CodeRecordUnreadable},
		"drift": {broken, func(f *fixture) error {
			_, err := f.service.Drift(f.t.Context(), id)
			return err
		}, diagnosis.CodeRecordUnreadable},
		"an access test": {broken, func(f *fixture) error {
			_, err := f.service.SubmitAccessTest(f.t.Context(), id, "", access.Request{})
			return err
		}, diagnosis.CodeRecordUnreadable},
		"a teardown of another version": {broken, func(f *fixture) error {
			_, err := f.service.SubmitTeardown(f.t.Context(), id, provision.TeardownOptions{IfMatch: `"stale"`})
			return err
		}, "precondition-failed"},
		"a teardown of no version": {broken, func(f *fixture) error {
			_, err := f.service.SubmitTeardown(f.t.Context(), id, provision.TeardownOptions{IfNoneMatch: "*"})
			return err
		}, "precondition-failed"},
		"a teardown of what a newer build wrote": {newer, func(f *fixture) error {
			_, err := f.service.SubmitTeardown(f.t.Context(), id, provision.TeardownOptions{})
			return err
		}, diagnosis.CodeRecordTooNew},
		"a PUT on what a newer build wrote": {newer, func(f *fixture) error {
			_, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: spec("images")})
			return err
		}, diagnosis.CodeRecordTooNew},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.provisioned(spec("images"))
			f.Overwrite(documentKey, c.body)
			all, _, err := f.Store.Records.List(t.Context(), "", "", 100)
			require.NoError(t, err)
			requireCode(t, c.code, c.act(f))
			now, _, err := f.Store.Records.List(t.Context(), "", "", 100)
			require.NoError(t, err)
			assert.Equal(t, all, now, "nothing is written")
		})
	}
}

// TestASettingAsideThatDiesAnywhereLosesNothing: the record is where it was, or kept, and the id ends free.
func TestASettingAsideThatDiesAnywhereLosesNothing(t *testing.T) {
	t.Parallel()
	killed := true
	for n := 1; killed; n++ {
		f := newFixture(t)
		f.provisioned(spec("images"))
		f.Overwrite(documentKey, broken)
		opts := provision.TeardownOptions{OperationID: operationID}
		_, _ = f.service.SubmitTeardown(f.Doom(t.Context(), n, false), id, opts)
		killed = f.IsDead()
		f.Revive()
		if there, err := f.Store.Records.Get(t.Context(), documentKey); err == nil {
			assert.Equal(t, broken, string(there.Body), "killed at effect %d", n)
		} else {
			assert.Len(t, setAside(f), 1, "killed at effect %d", n)
		}
		// it is gone, which is what was asked for
		if _, err := f.service.SubmitTeardown(t.Context(), id, opts); err != nil {
			requireCode(t, "integration-not-found", err)
		}
		assert.True(t, f.Operation(operationID).Status.IsFinal(), "killed at effect %d", n)
		assert.Len(t, setAside(f), 1)
		_, err := f.Store.Records.Get(t.Context(), documentKey)
		require.ErrorIs(t, err, integration.ErrNotFound)
	}
}

// TestARecordThatIsRestoredMeanwhileIsTornDown: the version that was seen is set aside, and no other.
func TestARecordThatIsRestoredMeanwhileIsTornDown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provisioned(spec("images"))
	good := f.Overwrite(documentKey, broken)
	f.Store.OnceBeforePut(func() { f.Overwrite(documentKey, string(good.Body)) })
	a, c := f.remove(provision.TeardownOptions{})
	f.handle(c)
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Empty(t, setAside(f))
	assert.Zero(t, f.counts().applications)
}

// TestACommandForWhatCannotBeReadEnds: with words of its own, in the operation alone, also where it was given up by
// the queue.
func TestACommandForWhatCannotBeReadEnds(t *testing.T) {
	t.Parallel()
	for name, deliver := range map[string]func(f *fixture, c message.Command){
		"handled": (*fixture).handle,
		"dead-lettered": func(f *fixture, c message.Command) {
			body, err := c.Encode("/test", f.Now())
			require.NoError(f.t, err)
			f.Advance(3 * time.Hour)
			require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), message.Delivery{Body: body, MessageID: c.ID,
				SessionID: id}))
		},
	} {
		for record, body := range map[string]string{"unreadable": broken, "too new": newer} {
			t.Run(name+", "+record, func(t *testing.T) {
				f := newFixture(t)
				a, c := f.submit(spec("images"))
				f.Overwrite(documentKey, body)
				deliver(f, c)
				for c := c; record == "too new" && name == "handled" &&
					!f.Operation(a.Operation.ID).Status.IsFinal(); {
					f.Advance(5 * time.Minute)
					c.Attempt++ // parked, as the newer build may be there soon; never for ever
					require.LessOrEqual(t, c.Attempt, 11)
					deliver(f, c)
				}
				op := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
				want := map[string]diagnosis.Code{"handled, unreadable": diagnosis.CodeRecordUnreadable,
					"handled, too new": diagnosis.CodeAttemptsExhausted}[name+", "+record]
				if want == "" {
					want = diagnosis.CodeDeadLettered
				}
				assert.Equal(t, want, op.Error.Code)
				there, err := f.Store.Records.Get(t.Context(), documentKey)
				require.NoError(t, err)
				assert.Equal(t, body, string(there.Body), "it stays as it is")
				assert.Zero(t, f.counts().applications)
			})
		}
	}
}

// TestAVerificationOfWhatCannotBeReadEnds: it is nobody's operation that fails, no message goes round, and the record
// stays as it is. As soon as it can be read again, a verification that comes again goes on.
func TestAVerificationOfWhatCannotBeReadEnds(t *testing.T) {
	t.Parallel()
	for record, body := range map[string]string{"unreadable": broken, "too new": newer} {
		t.Run(record, func(t *testing.T) {
			f := newFixture(t)
			d := f.provisioned(spec("images"))
			first := d.Status.LastOperationID + "-verify-0"
			readable, err := f.Store.Records.Get(t.Context(), documentKey)
			require.NoError(t, err)
			f.Overwrite(documentKey, body)
			sent, c := len(f.Sent()), f.Command(first)
			for c.Attempt = 0; c.Attempt < 30; c.Attempt++ {
				f.handle(c)
			}
			require.NoError(t, f.worker.DeadLettered(t.Context(), f.Delivery(first)))
			assert.Len(t, f.Sent(), sent, "neither a message nor an event")
			f.RequireStatus(d.Status.LastOperationID, integration.OperationSucceeded)
			there, err := f.Store.Records.Get(t.Context(), documentKey)
			require.NoError(t, err)
			assert.Equal(t, body, string(there.Body))

			f.Overwrite(documentKey, string(readable.Body))
			f.handle(f.Command(first))
			assert.Greater(t, len(f.Sent()), sent, "it is a verification")
		})
	}
}

// TestAnOperationThatCannotBeReadHarmsItselfAlone: a request that names it is refused, a message that names it ends in
// a record of its own, and the integration's next change does not mind.
func TestAnOperationThatCannotBeReadHarmsItselfAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, c := f.submit(spec("images"))
	f.Overwrite("operations/"+a.Operation.ID+".json", "{")
	_, err := f.service.Submit(t.Context(), provision.Submission{ID: id, Spec: spec("images"),
		OperationID: a.Operation.ID})
	requireCode(t, diagnosis.CodeOperationUnreadable, err)

	codes := func() map[string]diagnosis.Code {
		found := map[string]diagnosis.Code{}
		records, _, err := f.Store.Records.List(t.Context(), "operations/", "", 100)
		require.NoError(t, err)
		for _, r := range records {
			operation := r.Key[len("operations/") : len(r.Key)-len(".json")]
			if o, err := f.service.Repository.GetOperation(t.Context(), operation); err == nil && o.Error != nil {
				found[operation] = o.Error.Code
			}
		}
		return found
	}
	c.ID = "m-1"
	f.handle(c)
	require.Len(t, codes(), 1, "the failure is written down")
	for operation, code := range codes() {
		assert.NotEqual(t, a.Operation.ID, operation)
		assert.Equal(t, diagnosis.CodeOperationUnreadable, code)
	}
	body, err := c.Encode("/test", f.Now())
	require.NoError(t, err)
	require.NoError(t, f.worker.DeadLettered(t.Context(), message.Delivery{Body: body, MessageID: "m-2",
		SessionID: id}))
	assert.Contains(t, slices.Collect(maps.Values(codes())), diagnosis.CodeDeadLettered)

	f.provisioned(spec("images"))
	down, up := f.remove(provision.TeardownOptions{})
	f.Overwrite("operations/"+down.Operation.ID+".json", "{")
	again, err := f.service.SubmitTeardown(t.Context(), id, provision.TeardownOptions{})
	require.NoError(t, err, "the one that runs cannot be read, so another one does it")
	assert.NotEqual(t, down.Operation.ID, again.Operation.ID)
	f.handle(up)
	f.handle(f.Command(again.Operation.ID))
	f.RequireStatus(again.Operation.ID, integration.OperationSucceeded)
}
