package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

const (
	// SweepInterval is how often the timer runs. A sweep takes what falls due before the next one, each message
	// scheduled for its own time.
	SweepInterval = operation.SweepInterval
	// sweepPage is how many entries a sweep reads at a time. A store may read each entry's content, so a page bounds
	// what is read in vain beyond the horizon.
	sweepPage = 64
	// sweepParallel is how many entries are dealt with at a time.
	sweepParallel = 8
)

// Sweep asks for every check that falls due before the next sweep. It costs one read, one message and two writes for
// each, whatever else there is. It may be broken off anywhere, and may run twice at once: for each entry the message
// comes first, then the next entry, and only then the old entry goes, and each of them is recognised when it is
// repeated. After an outage, each integration is checked once and then goes on in its own rhythm.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	t := &tally{}
	for token := ""; ; {
		records, next, err := s.Repository.Store.List(ctx, prefixDue, token, sweepPage)
		if err != nil {
			return operation.StoreError(fmt.Errorf("list due checks: %w", err))
		}
		due, beyond := s.due(ctx, records, now.Add(SweepInterval))
		failed := s.sweepPage(ctx, due, now, t)
		token = next
		// Where nothing of a page worked, nothing will work: the next sweep goes on where this one ends.
		if beyond || next == "" || ctx.Err() != nil || len(due) > 0 && failed == len(due) {
			break
		}
	}
	s.Log.InfoContext(ctx, "swept", "due", t.due, "sent", t.sent, "failed", t.failed)
	if t.failed > 0 {
		return fmt.Errorf("%d of %d due checks were left to the next sweep: %w", t.failed, t.due, t.first)
	}
	return ctx.Err()
}

// due returns the entries before the horizon, and whether the listing went beyond it.
func (s *Service) due(ctx context.Context, records []integration.Record, horizon time.Time) ([]entry, bool) {
	var due []entry
	for _, r := range records {
		e, ok := entryOf(r)
		if !ok {
			s.Log.WarnContext(ctx, "not an entry of the index of due checks", "key", r.Key)
			continue
		}
		if !e.due.Before(horizon) {
			return due, true
		}
		due = append(due, e)
	}
	return due, false
}

// tally counts what a sweep did.
type tally struct {
	mu                sync.Mutex
	due, sent, failed int
	first             error
}

func (t *tally) count(sent bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due++
	if sent {
		t.sent++
	}
	if err != nil {
		t.failed++
		if t.first == nil {
			t.first = err
		}
	}
}

// sweepPage deals with the entries of one page and returns how many failed. One that fails does not hinder the others.
func (s *Service) sweepPage(ctx context.Context, due []entry, now time.Time, t *tally) int {
	before := t.failed
	var group errgroup.Group
	group.SetLimit(sweepParallel)
	for _, e := range due {
		group.Go(func() error {
			sent, err := s.advance(ctx, e, now)
			t.count(sent, err)
			return nil
		})
	}
	_ = group.Wait() // the functions return nil; their errors are counted
	return t.failed - before
}

// advance asks for one check and puts the integration's next one in its place.
func (s *Service) advance(ctx context.Context, e entry, now time.Time) (bool, error) {
	d, err := s.Repository.Get(ctx, e.id)
	if integration.IsRefused(err) {
		s.passOver(ctx, e.id, err)
		return false, s.postpone(ctx, e, now)
	}
	if err != nil && !errors.Is(err, integration.ErrNotFound) {
		return false, operation.StoreError(err)
	}
	p, wanted := planOf(d)
	if !wanted || err != nil {
		return false, s.Schedule.drop(ctx, e)
	}
	send := integration.Unwatched(d) == nil && p.isHeld(e.due)
	if send {
		if err := s.ask(ctx, message.HealthCheck{IntegrationID: e.id, Slot: e.due}, e.due); err != nil {
			return false, err
		}
	}
	after := e.due
	if now.After(after) {
		// what an outage has missed is made up for by one check, not followed by the next at once
		after = now.Add(SweepInterval)
	}
	if err := s.Schedule.keep(ctx, p.next(after), e.id); err != nil {
		return send, err
	}
	return send, s.Schedule.drop(ctx, e)
}

// passedOverPause is how long a sweep leaves an integration alone whose record cannot be worked with.
const passedOverPause = time.Hour

// postpone puts an entry where a later sweep meets it: it must neither be lost nor stay ahead of all others. What
// comes of it is no slot of the integration's, so that sweep only puts the entry back onto the grid.
func (s *Service) postpone(ctx context.Context, e entry, now time.Time) error {
	if err := s.Schedule.keep(ctx, now.Add(passedOverPause), e.id); err != nil {
		return err
	}
	return s.Schedule.drop(ctx, e)
}

// ask puts a check on the queue, to be made at a time. Its MessageId is made of the slot, so asking twice asks once.
func (s *Service) ask(ctx context.Context, check message.HealthCheck, at time.Time) error {
	check.ID = check.IntegrationID + "-" + slotName(check.Slot)
	if check.Confirm {
		check.ID += "-confirm"
	}
	return s.send(ctx, check, at)
}

// send puts a check that has its id on the queue.
func (s *Service) send(ctx context.Context, check message.HealthCheck, at time.Time) error {
	body, err := check.Encode(s.Source, s.now())
	if err != nil {
		return err
	}
	return s.put(ctx, message.QueueHealth, bus.Message{ID: check.ID, Subject: message.TypeHealthCheck, Body: body,
		EnqueueAt: at})
}
