// Package part is what the parts of the world share: the lock, the clock, the delays and limits, the tables, and the
// edits by hand.
package part

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Timing is how slow the pretended cloud is; all zero means at once.
type Timing struct {
	// LatencyMS is added to every request, in milliseconds.
	LatencyMS int `json:"latencyMs"`
	// ReplicationMS is how long a new directory object stays invisible to the requests that depend on it.
	ReplicationMS int `json:"replicationMs"`
	// STSMS is how long the token service goes on using what it knew of a federated credential before a change.
	STSMS int `json:"stsMs"`
	// RBACMS is how long a new role assignment has no effect.
	RBACMS int `json:"rbacMs"`
}

// Base is what the parts of a world share: the lock, the clock, the delays, the limits and the count of ETags. In
// every part the exported methods take the lock, unless they say that it is held; the others expect it to be held.
type Base struct {
	now func() time.Time

	Mu     sync.RWMutex
	etags  uint64
	timing Timing
	limits Limits
	leaps  []leap
}

// NewBase returns what a world begins with: no delays, and the known limits.
func NewBase(now func() time.Time) *Base { return &Base{now: now, limits: knownLimits()} }

// Renew returns a fresh base on the same clock, whose ETags go on, so that none is used twice. The lock is held.
func (b *Base) Renew() *Base {
	fresh := NewBase(b.now)
	fresh.etags = b.etags
	return fresh
}

// ReplaceBy takes over delays, limits and ETags. The lock is held.
func (b *Base) ReplaceBy(fresh *Base) {
	b.etags, b.timing, b.limits, b.leaps = fresh.etags, fresh.timing, fresh.limits, nil
}

// leap is one call of Advance.
type leap struct {
	at time.Time
	by time.Duration
}

// Now is the world's time in UTC. Services stamp and compare with it, never with the wall clock.
func (b *Base) Now() time.Time { return b.now().UTC() }

// Timing returns the present delays.
func (b *Base) Timing() Timing {
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	return b.timing
}

// SetTiming replaces the delays. They apply to what exists already, too: they are counted from each object's own time.
func (b *Base) SetTiming(t Timing) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.timing = t
}

// Advance has every lag that runs now be older by that time. The clock stays: what is stamped from now on, tokens
// above all, has the real time.
func (b *Base) Advance(by time.Duration) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.leaps = append(b.leaps, leap{at: b.Now(), by: by})
}

// Elapsed is how long ago something was, all leaps since then included.
func (b *Base) Elapsed(since time.Time) time.Duration {
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	return b.ElapsedHeld(since)
}

// ElapsedHeld is Elapsed where the lock is held.
func (b *Base) ElapsedHeld(since time.Time) time.Duration {
	passed := b.Now().Sub(since)
	for _, l := range b.leaps {
		if !l.at.Before(since) {
			passed += l.by
		}
	}
	return passed
}

// IsReplicated tells whether what was created then is visible to its dependants by now. The lock is held.
func (b *Base) IsReplicated(created time.Time) bool {
	return b.ElapsedHeld(created) >= time.Duration(b.timing.ReplicationMS)*time.Millisecond
}

// NextETag returns a new ETag in the form of the header, quotes included. The lock is held.
func (b *Base) NextETag() string {
	b.etags++
	return fmt.Sprintf(`"0x8DE%012X"`, b.etags)
}

// RBACDelay is how long a new role assignment has no effect. The lock is held.
func (b *Base) RBACDelay() time.Duration { return time.Duration(b.timing.RBACMS) * time.Millisecond }

// LimitsHeld are the present limits, not to be changed. The lock is held.
func (b *Base) LimitsHeld() Limits { return b.limits }

// NewID returns a new object id.
func NewID() string { return uuid.NewString() }
