package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// TestATopicThatTakesNothingHoldsNothingUp: the operation ends, and its event goes out when the topic takes it again.
func TestATopicThatTakesNothingHoldsNothingUp(t *testing.T) {
	f := newFixture(t)
	closed := true
	f.service.Send = func(ctx context.Context, entity string, m bus.Message) error {
		if entity == message.TopicEvents && closed {
			return errors.New("unauthorized")
		}
		return f.send(ctx, entity, m)
	}
	accepted, command := f.submit(spec("images"))
	f.handle(command)
	operation := accepted.Operation.ID
	f.requireStatus(operation, integration.OperationSucceeded)
	assert.Empty(t, f.events())

	again := f.command(operation + "-provisioned-announce")
	f.handle(again)
	assert.Empty(t, f.events(), "still closed: a later copy is scheduled")
	again = f.command(operation + "-provisioned-announce-1")
	closed = false
	f.handle(again)
	f.handle(again)
	assert.Equal(t, []string{"provisioned"}, f.events(), "a repetition has the same id, which the topic drops")
}

// TestAnEventThatIsNeverTakenIsGivenUp ends after the same number of attempts as any command, and leaves the operation
// as it was.
func TestAnEventThatIsNeverTakenIsGivenUp(t *testing.T) {
	f := newFixture(t)
	f.service.Send = func(ctx context.Context, entity string, m bus.Message) error {
		if entity == message.TopicEvents {
			return errors.New("unauthorized")
		}
		return f.send(ctx, entity, m)
	}
	accepted, command := f.submit(spec("images"))
	f.handle(command)
	operation := accepted.Operation.ID
	next := operation + "-provisioned-announce"
	for n := 1; n <= 10; n++ {
		f.handle(f.command(next))
		next = fmt.Sprintf("%s-provisioned-announce-%d", operation, n)
	}
	last := f.command(next)
	before := len(f.sent)
	f.handle(last)
	assert.Len(t, f.sent, before, "nothing more is scheduled")
	f.requireStatus(operation, integration.OperationSucceeded)
	body, err := last.Encode("/test", f.now())
	require.NoError(t, err)
	require.NoError(t, f.service.DeadLettered(t.Context(), message.Delivery{Body: body, MessageID: next, SessionID: id}))
	f.requireStatus(operation, integration.OperationSucceeded)
}
