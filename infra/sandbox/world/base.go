package world

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

// base is what the parts of a world share: the lock, the clock, the delays, the limits and the count of ETags. In
// every part the exported methods take the lock; the others expect it to be held.
type base struct {
	now func() time.Time

	mu     sync.RWMutex
	etags  uint64
	timing Timing
	limits Limits
	leaps  []leap
}

// leap is one call of Advance.
type leap struct {
	at time.Time
	by time.Duration
}

// Now is the world's time in UTC. Services stamp and compare with it, never with the wall clock.
func (b *base) Now() time.Time { return b.now().UTC() }

// Timing returns the present delays.
func (b *base) Timing() Timing {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.timing
}

// SetTiming replaces the delays. They apply to what exists already, too: they are counted from each object's own time.
func (b *base) SetTiming(t Timing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timing = t
}

// Advance has every lag that runs now be older by that time. The clock stays: what is stamped from now on, tokens
// above all, has the real time.
func (b *base) Advance(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaps = append(b.leaps, leap{at: b.Now(), by: by})
}

// Elapsed is how long ago something was, all leaps since then included.
func (b *base) Elapsed(since time.Time) time.Duration {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.elapsed(since)
}

func (b *base) elapsed(since time.Time) time.Duration {
	passed := b.Now().Sub(since)
	for _, l := range b.leaps {
		if !l.at.Before(since) {
			passed += l.by
		}
	}
	return passed
}

// isReplicated tells whether what was created then is visible to its dependants by now.
func (b *base) isReplicated(created time.Time) bool {
	return b.elapsed(created) >= time.Duration(b.timing.ReplicationMS)*time.Millisecond
}

// nextETag returns a new ETag in the form of the header, quotes included.
func (b *base) nextETag() string {
	b.etags++
	return fmt.Sprintf(`"0x8DE%012X"`, b.etags)
}

// newID returns a new object id.
func newID() string { return uuid.NewString() }
