package operation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

func (f *fixture) sweep() {
	f.t.Helper()
	require.NoError(f.t, f.Engine.Sweep(f.t.Context()))
}

// TestATopicThatTakesNothingHoldsNothingUp: operations end, and their news go out, in their order and as they were,
// when the topic takes them again.
func TestATopicThatTakesNothingHoldsNothingUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	c := f.submitted()
	f.handle(c)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	a, err := f.submit(t.Context(), message.Command{Type: message.TypeDeprovision, IntegrationID: id})
	require.NoError(t, err)
	f.handle(f.Command(a.Operation.ID))
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	require.Error(t, f.Engine.Sweep(t.Context()))
	assert.Empty(t, f.events())

	f.Refuse(message.TopicEvents, nil)
	for range 2 {
		f.sweep()
		assert.Equal(t, []string{"provisioned provisioned", "deleted deleted"}, f.events())
	}
	assert.Empty(t, f.Document().Outbox)
	assert.Empty(t, f.Keys("outbox/"))
}

// TestTheLogTellsWhyNewsAreNotTold: the cause too, which no user is shown, and no secret that is in it.
func TestTheLogTellsWhyNewsAreNotTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errors.New(
		"amqp: no link, SharedAccessKey=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="))
	c := f.submitted()
	f.handle(c)
	line := f.Log.String()
	assert.Contains(t, line, `"msg":"event not published yet"`)
	assert.Contains(t, line, `"eventId":"`+c.OperationID+`-provisioned","integrationId":"`+id+`"`)
	assert.Contains(t, line, "publish ai.ddoe.wif.integration.provisioned.v1: queue-unavailable: ")
	assert.Contains(t, line, "amqp: no link, ")
	assert.NotContains(t, line, "c2VjcmV0")
	assert.Equal(t, "ended", operation.Words(errors.New("ended")))
	assert.Equal(t, "throttled: busy", operation.Words(&diagnosis.Error{Diagnosis: diagnosis.New(
		diagnosis.CodeThrottled, diagnosis.WithDetail("busy"))}), "a diagnosis without a cause")
}

// TestNewsKeepTheirIDAndTime, however late they are told.
func TestNewsKeepTheirIDAndTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	c := f.submitted()
	f.handle(c)
	happened := f.Now()
	f.Advance(time.Hour)
	f.Refuse(message.TopicEvents, nil)
	f.sweep()
	event := f.Sent()[len(f.Sent())-1]
	assert.Equal(t, c.OperationID+"-provisioned", event.ID)
	assert.Equal(t, id, event.SessionID)
	assert.Contains(t, string(event.Body), `"time":"`+happened.Format(time.RFC3339)+`"`)
}

// newsOfEachType are notices as they are written down: that of health alone has no type of its own.
var newsOfEachType = map[string]integration.Notice{
	message.TypeIntegrationProvisioned: {ID: "1", Type: message.TypeIntegrationProvisioned},
	message.TypeIntegrationUsable:      {ID: "2", Type: message.TypeIntegrationUsable},
	message.TypeIntegrationFailed:      {ID: "3", Type: message.TypeIntegrationFailed},
	message.TypeIntegrationDeleted:     {ID: "4", Type: message.TypeIntegrationDeleted},
	message.TypeHealthChanged: {ID: "5", Change: &integration.HealthChange{From: integration.HealthHealthy,
		To: integration.HealthUnhealthy}},
}

// TestEveryEventIsToldLate: one that the topic does not take stays in its record, with a marker, until it is told.
func TestEveryEventIsToldLate(t *testing.T) {
	t.Parallel()
	for kind, n := range newsOfEachType {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.handle(f.submitted())
			told := len(f.Messages(message.TopicEvents))
			f.Refuse(message.TopicEvents, errNoLink)
			h, err := f.Repository.UpdateHealth(t.Context(), id, func(h *integration.HealthRecord) error {
				h.Outbox.Add(n)
				return nil
			})
			require.NoError(t, err)
			h, err = f.Engine.TellHealth(t.Context(), f.Document(), h)
			require.NoError(t, err, "the timer goes on")
			assert.Len(t, h.Outbox, 1)
			require.Equal(t, []string{"outbox/" + id}, f.Keys("outbox/"))
			f.Refuse(message.TopicEvents, nil)
			for range 2 {
				f.sweep()
				events := f.Messages(message.TopicEvents)[told:]
				require.Len(t, events, 1)
				assert.Equal(t, []string{kind, n.ID}, []string{events[0].Subject, events[0].ID})
				assert.Empty(t, f.Keys("outbox/"))
			}
		})
	}
}

// TestTheNextMessageTellsWhatIsLeft, without waiting for the timer.
func TestTheNextMessageTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	c := f.submitted()
	f.handle(c)
	f.Refuse(message.TopicEvents, nil)
	f.handle(c) // its operation has ended
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
	f.sweep()
	assert.Len(t, f.events(), 1)
}

// TestAParkedCommandTellsWhatIsLeft: it may be a while before it goes on.
func TestAParkedCommandTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	f.handle(f.submitted())
	f.Refuse(message.TopicEvents, nil)
	f.provision = throttling(0)
	f.handle(f.submitted())
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
}

// TestAnAnnouncementIsAnUnknownCommand: nothing on a queue makes the app tell something.
func TestAnAnnouncementIsAnUnknownCommand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	rejection := f.reject(message.Delivery{MessageID: "event-1", SessionID: id,
		Body: []byte(`{"specversion":"1.0","id":"event-1","source":"/x",
		"type":"ai.ddoe.wif.announce.v1","data":{
			"integrationId":"my-service","operationId":"event-1","event":"ai.ddoe.wif.integration.deleted.v1"}}`)})
	assert.Equal(t, diagnosis.CodeUnknownCommand, rejection.Code)
	f.RequireStatus("event-1", integration.OperationFailed)
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
}

// usable is a change that comes of a request.
func usable(d *integration.Document) ([]operation.News, error) {
	if d.Status.Phase == integration.PhaseUsable {
		return nil, operation.ErrDone
	}
	d.Status.Phase = integration.PhaseUsable
	return []operation.News{{Type: message.TypeIntegrationUsable}}, nil
}

// TestAChangeByRequestKilledAnywhere: nobody sends the request again; the timer tells what was changed, and only that.
func TestAChangeByRequestKilledAnywhere(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func(f *fixture) { f.handle(f.submitted()) },
		func(f *fixture, ctx context.Context) { _, _ = f.Engine.Change(ctx, id, usable) },
		func(f *fixture) {
			f.sweep()
			want := []string{"provisioned provisioned"}
			if f.Document().Status.Phase == integration.PhaseUsable {
				want = append(want, "usable usable")
			}
			assert.Equal(f.t, want, f.events())
			assert.Empty(f.t, f.Document().Outbox)
			f.Advance(time.Hour)
			f.sweep()
			assert.Empty(f.t, f.Keys("outbox/"), "no marker stays")
		})
}

// TestATimerBetweenMarkerAndRecord leaves the marker: the request that has written it may die after its record.
func TestATimerBetweenMarkerAndRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	ctx := f.Doom(t.Context(), 2, true) // the marker is the first effect, the record the second
	swept := false
	_, err := f.Engine.Change(ctx, id, func(d *integration.Document) ([]operation.News, error) {
		f.Store.OnceBeforePut(func() { // before the marker: the next write is the record
			f.Store.OnceBeforePut(func() {
				swept = true
				assert.NoError(t, f.Engine.Sweep(t.Context()))
			})
		})
		return usable(d)
	})
	require.Error(t, err)
	require.True(t, f.IsDead())
	f.Revive()
	require.True(t, swept)
	require.Len(t, f.events(), 1)
	f.sweep()
	assert.Equal(t, []string{"provisioned provisioned", "usable usable"}, f.events())
}

func TestAChangeWithoutNewsMarksNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	before := len(f.Store.Calls())
	_, err := f.Engine.Change(t.Context(), id, func(d *integration.Document) ([]operation.News, error) {
		d.Status.Identity.ID = "object-2"
		return nil, nil
	})
	require.NoError(t, err)
	assert.Len(t, f.Store.Calls()[before:], 2, "one read, one write")
	_, err = f.Engine.Change(t.Context(), id, func(*integration.Document) ([]operation.News, error) {
		return nil, operation.ErrDone
	})
	require.ErrorIs(t, err, operation.ErrDone)
	assert.Equal(t, "object-2", f.Document().Status.Identity.ID)
}

// TestASweepStopsWhereTheTopicTakesNothing: it will not take the next one's either.
func TestASweepStopsWhereTheTopicTakesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	for _, other := range []string{"service-1", "service-2", "service-3"} {
		d, err := f.Repository.Create(t.Context(), integration.Document{ID: other,
			Status: integration.Status{LastOperationID: other}})
		require.NoError(t, err)
		_, err = f.Engine.Change(t.Context(), d.ID, usable)
		require.NoError(t, err)
	}
	require.Len(t, f.Keys("outbox/"), 3)
	f.Advance(operation.SweepInterval) // not the sweep of the hour that looks at what has to go
	before := len(f.Store.Calls())
	require.Error(t, f.Engine.Sweep(t.Context()))
	assert.LessOrEqual(t, len(f.Store.Calls())-before, 7,
		"both indexes, one integration's records, and its marker")
	f.Refuse(message.TopicEvents, nil)
	f.sweep()
	assert.Len(t, f.events(), 3)
}

// TestARecordThatCannotBeReadHindersNoOther, and what has no record any more is forgotten.
func TestARecordThatCannotBeReadHindersNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	f.handle(f.submitted())
	f.Refuse(message.TopicEvents, nil)
	for key, body := range map[string]string{"integrations/a-broken-one.json": "{", "outbox/a-broken-one": "{}",
		"outbox/a-missing-one": "{}"} {
		_, err := f.Store.Records.Put(t.Context(), key, []byte(body), "")
		require.NoError(t, err)
	}
	f.sweep()
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
	assert.Equal(t, []string{"outbox/a-broken-one"}, f.Keys("outbox/"))
}

// TestHealthTellsThroughTheSameOutbox.
func TestHealthTellsThroughTheSameOutbox(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	change := integration.HealthChange{At: f.Now(), From: integration.HealthUnknown, To: integration.HealthHealthy}
	h := integration.HealthRecord{IntegrationID: id, Outbox: integration.Outbox{{ID: "health-1", Change: &change}}}
	require.NoError(t, f.Repository.SaveHealth(t.Context(), &h))
	f.Refuse(message.TopicEvents, errNoLink)
	left, err := f.Engine.TellHealth(t.Context(), f.Document(), h)
	require.NoError(t, err)
	assert.Len(t, left.Outbox, 1)
	f.Refuse(message.TopicEvents, nil)
	f.sweep()
	var told []bus.Message
	for _, s := range f.Sent() {
		if s.Entity == message.TopicEvents && s.Subject == message.TypeHealthChanged {
			told = append(told, s.Message)
		}
	}
	require.Len(t, told, 1)
	assert.Equal(t, "health-1", told[0].ID)
	kept, err := f.Repository.GetHealth(t.Context(), id)
	require.NoError(t, err)
	assert.Empty(t, kept.Outbox)
	assert.Empty(t, f.Keys("outbox/"))
}
