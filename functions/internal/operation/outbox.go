package operation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// What a change has to tell is in the outbox of the changed record, written with the change, and leaves it once it is
// published. Whoever handles a message of the integration tells what is still there, so a crash in between costs
// nothing. Where no message is to come, a marker, outbox/{id}, tells the timer to look at the record. It is written
// after the record where the topic took nothing, and before it where the change comes of a request.
const (
	prefixMarkers = "outbox/"
	// sweepPage is how many markers are read at a time.
	sweepPage = 64
)

// News is an event that a change of a document is to tell.
type News struct {
	// Type is the CloudEvents type.
	Type string
	// Diagnosis is nil for good news.
	Diagnosis *diagnosis.Diagnosis
}

// Look is no event: it has health look at the integration, also where its spec wants no checks. It goes with what an
// operation has come to, as only a look tells what that has made of access.
var Look = News{Type: message.TypeHealthCheck}

// announce puts news into the document's outbox, as of now: by is who has asked for what they tell of. The ids are
// derived from the operation, so that telling twice is recognisable.
func (e *Engine) announce(d *integration.Document, operationID string, by caller.IDs, news ...News) {
	for _, n := range news {
		id := eventID(operationID, n.Type)
		if n == Look {
			id += e.now().Format("-20060102T150405Z") // an operation may ask for several
		}
		d.Outbox.Add(integration.Notice{ID: id, Type: n.Type, At: e.now(),
			OperationID: operationID, Phase: d.Status.Phase, Caller: by, Diagnosis: n.Diagnosis})
	}
}

// eventID names an event by its operation and what happened.
func eventID(operationID, eventType string) string {
	return operationID + "-" + wordOf(eventType)
}

// Change changes a document outside of any operation, and tells the news of the change. Where nobody has asked for it
// they are of whom the document was last changed for. An error of change, ErrDone among them, ends it and is returned.
func (e *Engine) Change(
	ctx context.Context, id string, change func(*integration.Document) ([]News, error),
) (integration.Document, error) {
	marked := ""
	d, err := e.repository.Update(ctx, id, func(d *integration.Document) error {
		news, err := change(d)
		if err != nil || len(news) == 0 {
			return err
		}
		if marked == "" {
			if marked, err = e.mark(ctx, id); err != nil {
				return err
			}
		}
		e.announce(d, d.Status.LastOperationID, cmp.Or(asker(ctx), d.LastModifiedBy), news...)
		return nil
	})
	if err != nil || marked == "" {
		return d, StoreError(err)
	}
	d, err = e.tell(caller.Without(ctx), d) // it may be another owner's now
	if err == nil && len(d.Outbox) == 0 {
		err = forget(ctx, e.repository.Store, prefixMarkers+id, marked)
	}
	return d, err
}

// tell publishes what a document has to tell, takes it out, and returns the document as it is then. A topic that takes
// nothing is no error: the timer goes on.
func (e *Engine) tell(ctx context.Context, d integration.Document) (integration.Document, error) {
	told, err := e.publish(ctx, d, d.Outbox)
	cleared, clearing := e.clear(ctx, d, told)
	return cleared, errors.Join(err, clearing)
}

// clear takes the notices that were told out of the document.
func (e *Engine) clear(ctx context.Context, d integration.Document, told []string) (integration.Document, error) {
	if len(told) == 0 {
		return d, nil
	}
	cleared, err := e.repository.UpdateFrom(ctx, d, func(d *integration.Document) error {
		d.Outbox.Remove(told)
		return nil
	})
	if err != nil {
		return d, StoreError(err)
	}
	return cleared, nil
}

// TellHealth publishes what a health record has to tell of its document, takes it out, and returns the record as it is
// then. A topic that takes nothing is no error: the timer goes on.
func (e *Engine) TellHealth(
	ctx context.Context, d integration.Document, h integration.HealthRecord,
) (integration.HealthRecord, error) {
	told, err := e.publish(ctx, d, h.Outbox)
	if len(told) == 0 {
		return h, err
	}
	cleared, clearing := e.repository.UpdateHealthFrom(ctx, h, func(h *integration.HealthRecord) error {
		h.Outbox.Remove(told)
		return nil
	})
	return cleared, errors.Join(err, StoreError(clearing))
}

// publish sends notices in their order, and returns the ids of those that the topic has taken. Where it takes one
// not, the integration is marked for the timer.
func (e *Engine) publish(ctx context.Context, d integration.Document, notices integration.Outbox) ([]string, error) {
	var told []string
	for _, n := range notices {
		err := e.emit(ctx, d, n)
		if err == nil {
			told = append(told, n.ID)
			continue
		}
		if ctx.Err() != nil {
			return told, ctx.Err()
		}
		e.log.ErrorContext(ctx, "event not published yet", "event", message.EventType(n), "eventId", n.ID,
			"integrationId", d.ID, "error", Words(err))
		_, err = e.mark(ctx, d.ID)
		return told, err
	}
	return told, nil
}

// emit sends the event of one notice, or the check that it asks for.
func (e *Engine) emit(ctx context.Context, d integration.Document, n integration.Notice) error {
	entity, kind := message.TopicEvents, message.EventType(n)
	body, err := message.NewEvent(e.source, d, n)
	if kind == Look.Type {
		entity = message.QueueHealth
		body, err = message.HealthCheck{ID: n.ID, IntegrationID: d.ID}.Encode(e.source, n.At)
	}
	if err != nil {
		return err
	}
	m := bus.Message{ID: n.ID, SessionID: d.ID, Subject: kind, Body: body}
	if err := e.put(ctx, entity, m); err != nil {
		return fmt.Errorf("publish %s: %w", kind,
			QueueError(err))
	}
	return nil
}

// marker is the content of a record of the index.
type marker struct {
	At time.Time `json:"at"`
}

// mark has the timer look at an integration's outboxes, and returns the marker's version.
func (e *Engine) mark(ctx context.Context, id string) (string, error) {
	body, err := json.Marshal(marker{At: e.now()})
	if err != nil {
		return "", fmt.Errorf("encode marker: %w", err)
	}
	etag, err := e.repository.Touch(ctx, prefixMarkers+id, body)
	return etag, StoreError(err)
}

// forget deletes a version of a record of an index. One that is gone, or was written anew meanwhile, is left alone.
func forget(ctx context.Context, store integration.Store, key, etag string) error {
	err := store.Delete(ctx, key, etag)
	if errors.Is(err, integration.ErrNotFound) || errors.Is(err, integration.ErrConflict) {
		return nil
	}
	return StoreError(err)
}

// errClosed ends a sweep: what queue or topic do not take now they will not take for the next integration either.
var errClosed = errors.New("queue or topic take nothing")

// Sweep sends the commands that the queue has not taken, tells what marked integrations have to tell, and removes the
// operations that are kept no longer. It may be
// broken off anywhere and may run twice at once: a marker goes last, and only in the version that was seen. An
// integration whose records cannot be read hinders no other.
func (e *Engine) Sweep(ctx context.Context) error {
	store := e.repository.Store
	return errors.Join(sweep(ctx, store, prefixUnsent, e.sendKept), sweep(ctx, store, prefixMarkers, e.tellMarked),
		e.History.expire(ctx))
}

// sweep deals with the records of an index, one after the other.
func sweep(ctx context.Context, store integration.Store, prefix string,
	deal func(context.Context, integration.Record) error) error {
	var failed []error
	for token := ""; ; {
		records, next, err := store.List(ctx, prefix, token, sweepPage)
		if err != nil {
			return errors.Join(append(failed, StoreError(fmt.Errorf("list %s: %w", prefix, err)))...)
		}
		for _, r := range records {
			err := deal(ctx, r)
			if err != nil {
				failed = append(failed, fmt.Errorf("sweep %s: %w", r.Key, err))
			}
			if errors.Is(err, errClosed) || ctx.Err() != nil {
				return errors.Join(failed...)
			}
		}
		if token = next; token == "" {
			return errors.Join(failed...)
		}
	}
}

// tellMarked tells what one integration's records have to tell, and removes its marker.
func (e *Engine) tellMarked(ctx context.Context, r integration.Record) error {
	id := strings.TrimPrefix(r.Key, prefixMarkers)
	var d integration.Document
	var h integration.HealthRecord
	var group errgroup.Group
	group.Go(func() (err error) { d, err = e.repository.Get(ctx, id); return err })
	group.Go(func() (err error) { h, err = e.repository.GetHealth(ctx, id); return err })
	err := group.Wait()
	switch {
	case integration.IsRefused(err): // people have to do something first
		e.log.ErrorContext(ctx, "record passed over", "integrationId", id, "error", err)
		return nil
	case err != nil && !errors.Is(err, integration.ErrNotFound):
		return StoreError(err)
	}
	if len(d.Outbox)+len(h.Outbox) == 0 {
		if e.isFresh(r) {
			return nil
		}
		return forget(ctx, e.repository.Store, r.Key, r.ETag)
	}
	for _, part := range []func() (int, error){
		func() (int, error) { d, err := e.tell(ctx, d); return len(d.Outbox), err },
		func() (int, error) { h, err := e.TellHealth(ctx, d, h); return len(h.Outbox), err },
	} {
		open, err := part()
		if err != nil {
			return err
		}
		if open > 0 {
			return errClosed
		}
	}
	return forget(ctx, e.repository.Store, r.Key, r.ETag)
}

// isFresh reports whether a marker may belong to a request that has not written its record yet: it stays then,
// although nothing is to be told.
func (e *Engine) isFresh(r integration.Record) bool {
	var m marker
	return json.Unmarshal(r.Body, &m) == nil && e.now().Sub(m.At) < invocation.Longest
}
