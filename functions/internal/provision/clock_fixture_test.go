package provision_test

import (
	"context"
	"errors"
	"sync"
	"time"
)

// clock stands still, but for those who sleep by it and who advance it.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	slept time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.advance(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept += d
	return ctx.Err()
}

// kill ends the process when it begins its n-th effect (request, write to the store, message sent). That leaves what
// an end after the effect before would leave, too: between two effects nothing happens outside of the process. Where
// it does several at once, those that have begun are done, and their answers are lost.
type kill struct {
	at     int
	cancel context.CancelFunc
	seen   int
	dead   bool
}

// killSwitch is armed while a process is to be killed.
type killSwitch struct {
	mu   sync.Mutex
	kill *kill
}

var (
	errKilled  = errors.New("killed")
	errDropped = errors.New("connection reset by peer")
)

// effect is one thing that a process does to the outside; do is not called, or its result is lost, when it is killed.
func effect[T any](f *fixture, do func() (T, error)) (T, error) {
	var zero T
	if f.dead(1) {
		return zero, errKilled
	}
	v, err := do()
	if f.dead(0) {
		return zero, errKilled
	}
	return v, err
}

// dead counts effects that begin, and tells whether the process was killed, or is now.
func (k *killSwitch) dead(begun int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	armed := k.kill
	if armed == nil {
		return false
	}
	armed.seen += begun
	if !armed.dead && armed.seen >= armed.at {
		armed.dead = true
		armed.cancel()
	}
	return armed.dead
}

// dies arms the switch and returns the context of the doomed process.
func (k *killSwitch) dies(ctx context.Context, at int) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kill = &kill{at: at, cancel: cancel}
	return ctx
}

// revive disarms the switch and reports whether the process was killed.
func (k *killSwitch) revive() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	armed := k.kill
	k.kill = nil
	armed.cancel()
	return armed.dead
}
