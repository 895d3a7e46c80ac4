package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	// retentionInterval is how often the sweep looks for operations that are kept no longer.
	retentionInterval = time.Hour
	// retentionDigits is how many digits of the countdown that look compares: an operation may be kept for up to
	// 10,000 s (some three hours) longer than it has to be.
	retentionDigits = countdownDigits - 7
)

// expire removes the operations that ended before the retention began, once an hour. It may be broken off anywhere and
// may run twice at once: an operation goes in the version that was seen, and its entry in the index of all goes last.
func (h *History) expire(ctx context.Context) error {
	now := h.now()
	if now.Sub(now.Truncate(retentionInterval)) >= SweepInterval {
		return nil
	}
	before := now.Add(-h.retention)
	var failed []error
	for _, prefix := range laterPrefixes(countdown(before)[:retentionDigits]) {
		err := sweep(ctx, h.repository.Store, prefixAll+prefix, func(ctx context.Context, r integration.Record) error {
			return h.expireOne(ctx, r, before)
		})
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// laterPrefixes are the beginnings of all numbers of as many digits that are larger.
func laterPrefixes(number string) []string {
	var prefixes []string
	for i := range number {
		for digit := number[i] + 1; digit <= '9'; digit++ {
			prefixes = append(prefixes, number[:i]+string(digit))
		}
	}
	return prefixes
}

// expireOne removes one operation and its entries, unless somebody needs it still.
func (h *History) expireOne(ctx context.Context, r integration.Record, before time.Time) error {
	f, err := h.find(ctx, r.Key)
	if err != nil || f.unreadable != nil { // people have to do something first
		return err
	}
	if f.isThere {
		op := f.operation
		if !op.Status.IsFinal() || !op.LastUpdatedAt.Before(before) {
			return nil
		}
		if needed, err := h.isNeeded(ctx, op); err != nil || needed {
			return err
		}
		err := h.repository.DeleteOperation(ctx, op)
		if errors.Is(err, integration.ErrConflict) {
			return nil // somebody has just written it
		}
		if err != nil && !errors.Is(err, integration.ErrNotFound) {
			return StoreError(err)
		}
	}
	var of entry
	if err := json.Unmarshal(r.Body, &of); err == nil && integration.IsValidID(of.IntegrationID) {
		if err := h.forgetAny(ctx, prefixOfOne+of.IntegrationID+"/"+r.Key[len(prefixAll):]); err != nil {
			return err
		}
	}
	return forget(ctx, h.repository.Store, r.Key, r.ETag)
}

// isNeeded reports whether an integration shows the operation as its last, or has still to tell of it.
func (h *History) isNeeded(ctx context.Context, op integration.Operation) (bool, error) {
	if op.IntegrationID == "" {
		return false, nil
	}
	d, err := h.repository.Get(ctx, op.IntegrationID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return false, nil
	case integration.IsRefused(err):
		return true, nil // nobody can tell
	case err != nil:
		return false, StoreError(err)
	}
	isOfOperation := func(n integration.Notice) bool { return n.OperationID == op.ID }
	isLast := d.Status.LastOperationID == op.ID && d.Status.Phase != integration.PhaseDeleted
	return isLast || slices.ContainsFunc(d.Outbox, isOfOperation), nil
}

// forgetAny deletes a record of an index, whatever its version.
func (h *History) forgetAny(ctx context.Context, key string) error {
	there, err := h.repository.Store.Get(ctx, key)
	if errors.Is(err, integration.ErrNotFound) {
		return nil
	}
	if err != nil {
		return StoreError(fmt.Errorf("read %s: %w", key, err))
	}
	return forget(ctx, h.repository.Store, key, there.ETag)
}
