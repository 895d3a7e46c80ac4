package health

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// plan is the grid of an integration's checks: every interval, counted from the Unix epoch, shifted by a phase that is
// made of its id. Ids spread evenly, so the load does. As the grid depends on nothing else, it cannot drift, and
// whoever computes a next slot, how often and from whatever point, meets the same slots.
type plan struct {
	id       string
	interval int64 // seconds
	phase    int64 // seconds, less than interval
}

// planOf returns the document's plan; false where its checks are switched off or it has been torn down.
func planOf(d integration.Document) (plan, bool) {
	check := d.Spec.HealthCheck
	if check == nil {
		return plan{}, false
	}
	interval, err := time.ParseDuration(check.Interval)
	if err != nil || interval < time.Second {
		return plan{}, false // a stored spec is valid
	}
	sum := sha256.Sum256([]byte(d.ID))
	seconds := int64(interval / time.Second)
	enabled := check.Enabled == nil || *check.Enabled
	return plan{d.ID, seconds, int64(binary.BigEndian.Uint64(sum[:8]) % uint64(seconds))}, enabled &&
		d.Status.Phase != integration.PhaseDeleted
}

// length is the interval between two slots.
func (p plan) length() time.Duration { return time.Duration(p.interval) * time.Second }

// next returns the first slot after t.
func (p plan) next(t time.Time) time.Time {
	since := t.Unix() - p.phase
	return time.Unix(since-since%p.interval+p.interval+p.phase, 0).UTC()
}

// isHeld reports whether t is a slot.
func (p plan) isHeld(t time.Time) bool { return (t.Unix()-p.phase)%p.interval == 0 }

// The index of due checks: one empty record for each integration, whose key begins with the time of its next check, so
// that a sweep reads what is due and no more.
const (
	prefixDue = "due/"
	keyTime   = "20060102T150405Z"
)

// entry is one record of the index.
type entry struct {
	due  time.Time
	id   string
	etag string
}

func keyOf(due time.Time, id string) string { return prefixDue + due.UTC().Format(keyTime) + "/" + id }

// entryOf reads a record of the index; false where its key is none.
func entryOf(r integration.Record) (entry, bool) {
	at, id, ok := strings.Cut(strings.TrimPrefix(r.Key, prefixDue), "/")
	due, err := time.Parse(keyTime, at)
	return entry{due, id, r.ETag}, ok && err == nil && integration.IsValidID(id)
}

// Schedule is the index of the checks that are due.
type Schedule struct {
	Repository *integration.Repository
	// Now is the clock.
	Now func() time.Time
}

// Plan plans the next check of an integration, where its spec wants checks. It may be repeated. A plan that a change
// of the spec has made stale is dropped by the sweep that meets it.
func (s Schedule) Plan(ctx context.Context, d integration.Document) error {
	p, ok := planOf(d)
	if !ok {
		return nil
	}
	_, err := s.Repository.Touch(ctx, keyOf(p.next(s.Now()), d.ID), []byte("{}"))
	return operation.StoreError(err)
}

// keep creates an entry that may exist.
func (s Schedule) keep(ctx context.Context, due time.Time, id string) error {
	_, err := s.Repository.Store.Put(ctx, keyOf(due, id), []byte("{}"), "")
	if errors.Is(err, integration.ErrConflict) {
		return nil
	}
	return operation.StoreError(err)
}

// drop deletes the version of an entry that was listed. One that is gone, or was written anew meanwhile, is left
// alone.
func (s Schedule) drop(ctx context.Context, e entry) error {
	err := s.Repository.Store.Delete(ctx, keyOf(e.due, e.id), e.etag)
	if errors.Is(err, integration.ErrNotFound) || errors.Is(err, integration.ErrConflict) {
		return nil
	}
	return operation.StoreError(err)
}

// slotName is a slot as part of a message id.
func slotName(slot time.Time) string {
	if slot.Nanosecond() == 0 {
		return slot.UTC().Format(keyTime)
	}
	return fmt.Sprintf("%s-%09d", slot.UTC().Format(keyTime), slot.Nanosecond())
}
