package operation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// A command that is not on the queue yet is a record of its own, unsent/{operation id}, which the timer sends until
// the queue takes it: an intent that is written down is carried out, whether or not its request is sent again. The
// record comes before the intent's own, and goes when the command was sent: whoever is killed in between leaves it.
const prefixUnsent = "unsent/"

// SweepInterval is how often the timer runs: function.json's schedule is the same.
const SweepInterval = 5 * time.Minute

// keepLimit is how long it may take to keep a command; the request itself may have no time left.
const keepLimit = 10 * time.Second

// keep has the timer send the command of an accepted intent, and returns what its sender is told. Where the command
// could not be kept either, the sender alone can go on.
func (e *Engine) keep(ctx context.Context, a Accepted, c message.Command, refused error) diagnosis.Diagnosis {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepLimit)
	defer cancel()
	id := a.Operation.ID
	found := QueueError(refused).Diagnosis
	cause := found.Detail
	if found.Code == diagnosis.CodeQueueUnavailable { // whose cause states no more
		cause = ""
	}
	found.Detail = strings.TrimSpace(fmt.Sprintf("The intent is written down as operation %s, but its command could "+
		"not be put on the queue. Send the request again with Operation-Id: %s. %s", id, id, cause))
	if _, err := e.markUnsent(ctx, c); err != nil {
		e.log.ErrorContext(ctx, "unsent command not kept", "operationId", id, "integrationId", c.IntegrationID,
			"error", Words(err))
		return found
	}
	found.Detail = strings.TrimSpace(fmt.Sprintf("The intent is written down as operation %s, but its command could "+
		"not be put on the queue yet. The service tries that again every %d minutes. To try at once, send "+
		"the request "+
		"again with Operation-Id: %s. %s", id, int(SweepInterval.Minutes()), id, cause))
	e.showUnsent(ctx, a, c, found)
	return found
}

// markUnsent has the timer send the command of an operation, and returns the mark's version.
func (e *Engine) markUnsent(ctx context.Context, c message.Command) (string, error) {
	c.ID = c.OperationID
	body, err := c.Encode(e.source, e.now())
	if err != nil {
		return "", err
	}
	return e.repository.Touch(ctx, prefixUnsent+c.OperationID, body)
}

// showUnsent shows in document and operation that the queue is waited for, and when it is tried again.
func (e *Engine) showUnsent(ctx context.Context, a Accepted, c message.Command, found diagnosis.Diagnosis) {
	at := e.now().Truncate(SweepInterval).Add(SweepInterval)
	var group errgroup.Group
	group.Go(func() error {
		_, err := e.repository.UpdateOperationFrom(ctx, a.Operation, func(o *integration.Operation) error {
			if o.Status != integration.OperationNotStarted {
				return ErrDone
			}
			o.Waiting = &integration.Waiting{Diagnosis: found, NextAttemptAt: at}
			return nil
		})
		e.warnHidden(ctx, c, err)
		return nil
	})
	group.Go(func() error {
		_, err := e.repository.UpdateFrom(ctx, a.Document, func(d *integration.Document) error {
			if d.Status.LastOperationID != a.Operation.ID || d.Status.Phase != integration.PhasePending {
				return ErrDone
			}
			d.SetCondition(e.now(), integration.ConditionProvisioned, "Unknown", &found, "")
			return nil
		})
		e.warnHidden(ctx, c, err)
		return nil
	})
	_ = group.Wait() // the functions return nil: what is not displayed is logged
}

// sendKept sends a command that was kept, unless its operation goes on without it, and forgets it.
func (e *Engine) sendKept(ctx context.Context, r integration.Record) error {
	id := strings.TrimPrefix(r.Key, prefixUnsent)
	op, err := e.repository.GetOperation(ctx, id)
	switch {
	case integration.IsRefused(err): // people have to do something first
		e.log.ErrorContext(ctx, "record passed over", "operationId", id, "error", err)
		return nil
	case err != nil && !errors.Is(err, integration.ErrNotFound):
		return StoreError(err)
	case err == nil && op.Status == integration.OperationNotStarted:
		c, err := message.ParseCommand(message.Delivery{Body: r.Body, MessageID: id, SessionID: op.IntegrationID})
		if err != nil {
			return fmt.Errorf("read a kept command: %w", err)
		}
		if err := e.Send(ctx, c, id, time.Time{}); err != nil {
			return errors.Join(errClosed, err)
		}
		e.log.InfoContext(ctx, "kept command sent", "operationId", id, "integrationId", op.IntegrationID)
	}
	if err := e.showCanceled(ctx, op); err != nil {
		return err
	}
	if isCanceled(op) && e.now().Sub(op.CreatedAt) < invocation.Longest {
		return nil // its request may be about to write its document
	}
	return forget(ctx, e.repository.Store, r.Key, r.ETag)
}
