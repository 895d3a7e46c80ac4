package operation

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// Whoever may send to the queue can send any number of an attempt, any operation id, and messages that the queue gives
// up at once. So what a message may do follows from what the record states: which attempts have failed, when the next
// one is due, and since when nothing was written down.

// longestWork is how long an operation takes at most: all its attempts, with the pauses between them.
const longestWork = maxAttempts*maxParking + (maxAttempts+1)*invocation.Longest

// limitNumber lowers the attempt's number to the one that is due by the record. Where there is no record there is
// nothing that the message could end.
func (a *Attempt) limitNumber() {
	switch {
	case a.operation.ETag == "":
	case a.task.isFollowUp():
		a.number = min(a.number, max(0, a.task.Due(a)))
	default:
		a.number = min(a.number, dueAttempt(a.operation, a.engine.now()))
	}
}

// dueAttempt is the number, from 0, of the attempt that is due. Before the next one is, that is the last one: whoever
// makes it once more fails for the same time, and ends nothing.
func dueAttempt(op integration.Operation, now time.Time) int {
	number := op.Attempts
	if op.Waiting == nil {
		return number
	}
	number = max(number, op.Waiting.Attempt) // a build of before has counted there alone
	if op.Waiting.NextAttemptAt.After(now) {
		number--
	}
	return max(0, number)
}

// isAbandoned reports whether nothing more can be expected of an operation: it is older than all its attempts can
// take, or the one that was begun or due has written nothing down for longer than it can take. One that has not
// started may wait for its turn.
func isAbandoned(op integration.Operation, now time.Time) bool {
	last := op.LastUpdatedAt
	if op.Waiting != nil && op.Waiting.NextAttemptAt.After(last) {
		last = op.Waiting.NextAttemptAt
	}
	isQuiet := op.Status != integration.OperationNotStarted && now.Sub(last) >= invocation.Longest
	return isQuiet || now.Sub(op.CreatedAt) >= longestWork
}

// giveUp ends what a command of the queue's dead letters is about, where its record states that nothing more can be
// expected. Else the command is sent once more: a dead letter proves nothing, and what has failed for a moment may
// work then.
func (w *Worker) giveUp(ctx context.Context, a *Attempt, reason diagnosis.Diagnosis) error {
	e, now := w.engine, w.engine.now()
	switch {
	case a.task.isFollowUp() && a.number < a.lastAttempt():
		return w.park(ctx, a, &diagnosis.Error{Diagnosis: reason})
	case a.task.isFollowUp(), a.operation.ETag == "", isAbandoned(a.operation, now):
		return w.fail(ctx, a, nil, reason, diagnosis.Causes{})
	}
	c, at := a.command, now.Truncate(invocation.Longest).Add(invocation.Longest)
	e.log.WarnContext(ctx, "dead letter sent again", "operationId", c.OperationID, "integrationId", c.IntegrationID,
		"code", reason.Code, "at", at)
	return e.Send(ctx, c, a.CopyID("again", int(at.Unix())), at)
}

// isAbout reports whether a command asks for what an operation's record states: another one under the same id has no
// part in it.
func (t Task) isAbout(c message.Command, op integration.Operation) bool {
	if t.isFollowUp() {
		return true // of the document's last operation, as the document states
	}
	in := t.Intent(c)
	intended, err := newRequest(in)
	return err == nil && intended.isOf(op) && (in.Content == nil || op.RequestHash == intended.hash)
}

// longestPrefix is how much of an operation's id is legible in the ids of its messages, which have 128 characters at
// most. Source: learn.microsoft.com, Service Bus messages, payloads, and serialization, property MessageId.
const longestPrefix = 64

// CopyID names the n-th message of a word that goes on with the attempt's operation. The same one has the same name,
// so that the queue keeps one of them. It ends with what follows from the record alone, to the nanosecond of its
// creation: the queue drops a message with the name of an earlier one, and nobody else is to send one first.
func (a *Attempt) CopyID(word string, n int) string {
	op := a.Operation()
	secret := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s", op.ID, op.CreatedAt.UnixNano(), op.RequestHash))
	return fmt.Sprintf("%s-%s-%d-%x", op.ID[:min(len(op.ID), longestPrefix)], word, n, secret[:8])
}
