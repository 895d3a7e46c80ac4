package operation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// forged is a dead letter as anybody can make one who may send: the command with any attempt, and a life of no time.
func (f *fixture) forged(c message.Command, messageID string) message.Delivery {
	f.t.Helper()
	body, err := c.Encode("/stranger", f.Now())
	require.NoError(f.t, err)
	return message.Delivery{Body: body, MessageID: messageID, SessionID: c.IntegrationID,
		ApplicationProperties: map[string]any{"DeadLetterReason": "TTLExpiredException",
			"DeadLetterErrorDescription": "of a stranger"}}
}

// breakOff begins an attempt that ends in the middle, so that its command is delivered again.
func (f *fixture) breakOff(c message.Command) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		defer cancel()
		return nil, a.Save(ctx, func(d *integration.Document) { d.Status.Phase = integration.PhaseProvisioning })
	}
	require.Error(f.t, f.worker.Handle(ctx, c))
	f.RequireStatus(c.OperationID, integration.OperationRunning)
}

// TestAForgedDeadLetterEndsNothing: whatever attempt it names, and in whatever state the operation is; it is told
// nowhere, the command is sent again once, and the operation goes its way.
func TestAForgedDeadLetterEndsNothing(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]func(f *fixture, c message.Command){
		"not started":  func(*fixture, message.Command) {},
		"in a backlog": func(f *fixture, _ message.Command) { f.Advance(2 * time.Hour) },
		"under way": func(f *fixture, c message.Command) {
			f.breakOff(c)
			f.Advance(9 * time.Minute)
		},
		"parked": func(f *fixture, c message.Command) {
			f.provision = throttling(0)
			f.handle(c)
		},
		"before its last attempt": func(f *fixture, c message.Command) {
			f.provision = throttling(0)
			f.handle(c)
			for n := 1; n < 10; n++ {
				f.handle(f.Await(fmt.Sprintf("%s-retry-%d", c.OperationID, n)))
			}
			f.Advance(5 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c := f.submitted()
			reach(f, c)
			operationBefore, documentBefore, sent := f.Operation(c.OperationID), f.Document(), len(f.Sent())
			require.False(t, operationBefore.Status.IsFinal())
			for n, attempt := range []int{0, 10, 1000} {
				lie := c
				lie.Attempt = attempt
				require.NoError(t, f.worker.DeadLettered(t.Context(), f.forged(lie, fmt.Sprint("m-", n))))
			}
			assert.Equal(t, operationBefore, f.Operation(c.OperationID))
			assert.Equal(t, documentBefore, f.Document())
			require.Len(t, f.Sent(), sent+1, "the same for each of them")
			f.provision = made
			f.handle(f.Await(f.Sent()[sent].ID))
			f.RequireStatus(c.OperationID, integration.OperationSucceeded)
		})
	}
}

// TestADeadLetterOfWhatComesToNothingEndsIt: the command that was sent again is given up as well, and its operation
// has written nothing down for longer than an attempt can take.
func TestADeadLetterOfWhatComesToNothingEndsIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.breakOff(c)
	sent := len(f.Sent())
	require.NoError(t, f.worker.DeadLettered(t.Context(), f.forged(c, "m-1")))
	again := f.Sent()[sent]
	f.RequireStatus(c.OperationID, integration.OperationRunning)
	f.Await(again.ID)
	f.Advance(10 * time.Minute)
	require.NoError(t, f.worker.DeadLettered(t.Context(), f.forged(c, again.ID)))
	assert.Equal(t, diagnosis.CodeMessageExpired, f.RequireStatus(c.OperationID,
		integration.OperationFailed).Error.Code)
	assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
}

// TestOnlyAnAttemptThatIsDueCounts: commands that are forged in any number, with any number in them, end an operation
// no earlier than its own attempts would have.
func TestOnlyAnAttemptThatIsDueCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = throttling(0)
	began := f.Now()
	f.handle(c)
	for n := 1; f.Now().Sub(began) < 25*time.Minute; n++ {
		for _, attempt := range []int{0, 3, 10, 1000} {
			lie := c
			lie.Attempt = attempt
			f.handle(lie)
		}
		op := f.Operation(c.OperationID)
		require.False(t, op.Status.IsFinal(), "after %s", f.Now().Sub(began))
		if op.Waiting.NextAttemptAt.After(f.Now()) {
			f.Advance(time.Second)
		}
	}
	f.provision = made
	f.handle(c)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
}

// TestWhoseRecordIsGoneIsNotEnded: the operation that made an integration is forgotten after its retention, and a
// message with its id is about nothing.
func TestWhoseRecordIsGoneIsNotEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.handle(c)
	op := f.Operation(c.OperationID)
	require.NoError(t, f.Store.Records.Delete(t.Context(), "operations/"+op.ID+".json", op.ETag))
	before := f.Document()
	require.NoError(t, f.worker.DeadLettered(t.Context(), f.forged(c, "m-1")))
	assert.Equal(t, before, f.Document())
	f.RequireStatus(c.OperationID, integration.OperationFailed) // a record of the message's own
}

// TestAForgedFollowUpIsNotTheLast: patience ends when there was time for all attempts, whatever number a message has.
func TestAForgedFollowUpIsNotTheLast(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(f *fixture, c message.Command){
		"a command": (*fixture).handle,
		"a dead letter": func(f *fixture, c message.Command) {
			require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), f.forged(c, "m-1")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, c, ended := followedUp(t)
			f.verify = failing(diagnosis.CodeDDOEUnavailable)
			c.Attempt = 2
			forge(f, c)
			assert.Empty(t, f.Document().Status.Conditions)
			f.Advance(2 * time.Minute)
			forge(f, c)
			assert.NotEmpty(t, f.Document().Status.Conditions, "there was time for all of them")
			assert.Equal(t, ended, f.Operation(c.OperationID))
		})
	}
}

// TestCopiesHaveNamesThatNobodyGuesses: they follow from what the record alone has, and are no longer than the queue
// takes, however long the operation's id is. The same copy has the same name.
func TestCopiesHaveNamesThatNobodyGuesses(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, operationID := range []string{"short", strings.Repeat("x", 128)} {
		for range 2 {
			f := newFixture(t)
			f.Advance(time.Nanosecond * time.Duration(len(names)))
			f.mustSubmit(provisionCommand(operationID))
			f.provision = throttling(0)
			f.handle(f.Command(operationID))
			parked := f.Sent()[len(f.Sent())-1].ID
			assert.False(t, names[parked], "a nanosecond later it is another name")
			names[parked] = true
			assert.LessOrEqual(t, len(parked), 128)
			assert.Regexp(t, `-retry-1-[0-9a-f]{16}$`, parked)
			sent := len(f.Sent())
			f.handle(f.Command(operationID)) // delivered again
			assert.Len(t, f.Sent(), sent, "the queue keeps one")
		}
	}
}

// TestADeadLetterOfOtherContentIsItsOwn: a message that brings other content than the operation of its id has no
// part in it, however long that was silent.
func TestADeadLetterOfOtherContentIsItsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.breakOff(c)
	f.Advance(longAfter)
	lie := c
	lie.Spec = &integration.Spec{DisplayName: "another"}
	require.NoError(t, f.worker.DeadLettered(t.Context(), f.forged(lie, "m-1")))
	f.RequireStatus(c.OperationID, integration.OperationRunning)
	assert.Len(t, f.Keys("operations/"), 2, "it has a record of its own")
}

// TestACopyOfTheHighestNumberIsOneThatIsRead: a forged number does not make a copy that the app itself refuses.
func TestACopyOfTheHighestNumberIsOneThatIsRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = throttling(0)
	c.Attempt = message.MaxAttempt
	f.handle(c)
	assert.Equal(t, message.MaxAttempt, f.Command(fmt.Sprint(c.OperationID, "-retry-", message.MaxAttempt)).Attempt)
}
