package door

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// burstSeconds is how many seconds' worth of requests a caller may send at once.
	burstSeconds = 2
	// maxKnown bounds the callers that a Limiter remembers: some hundred bytes each.
	maxKnown = 1_000
)

// Limiter bounds the requests of each caller. It counts those of its own process, and is safe for concurrent use.
type Limiter struct {
	perSecond int
	now       func() time.Time

	mu    sync.Mutex
	known map[string]*seen
}

// seen is what is remembered of a caller.
type seen struct {
	requests *rate.Limiter
	last     time.Time
}

// NewLimiter allows each caller so many requests a second, and twice as many at once after a pause of two seconds.
func NewLimiter(perSecond int, now func() time.Time) *Limiter {
	return &Limiter{perSecond: perSecond, now: now, known: map[string]*seen{}}
}

// Wait is how long a caller has to wait before the next request; zero where this one is counted and may go on.
func (l *Limiter) Wait(id string) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.known[id]
	if of == nil {
		l.makeRoom(now)
		of = &seen{requests: rate.NewLimiter(rate.Limit(l.perSecond), burstSeconds*l.perSecond)}
		l.known[id] = of
	}
	of.last = now
	reserved := of.requests.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// makeRoom forgets callers where too many are known: those whose pause has given them all back, else who was seen
// first.
func (l *Limiter) makeRoom(now time.Time) {
	if len(l.known) < maxKnown {
		return
	}
	first := ""
	for id, of := range l.known {
		if now.Sub(of.last) >= burstSeconds*time.Second {
			delete(l.known, id)
		} else if first == "" || of.last.Before(l.known[first].last) {
			first = id
		}
	}
	if len(l.known) >= maxKnown {
		delete(l.known, first)
	}
}
