package operationtest

import (
	"context"
	"sync"
	"time"
)

// Clock stands still, but for those who sleep by it and who move it. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	at    time.Time
	slept time.Duration
}

// NewClock returns a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time at which it stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// SetTime moves the clock to a time, be it back.
func (c *Clock) SetTime(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Sleep moves the clock as far as somebody wants to sleep.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.slept += d
	return ctx.Err()
}

// Slept is how long all have slept by it.
func (c *Clock) Slept() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}
