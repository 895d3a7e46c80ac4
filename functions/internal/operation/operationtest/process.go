package operationtest

import (
	"context"
	"errors"
	"sync"
)

// errKilled is what an effect ends with in a process that was killed.
var errKilled = errors.New("killed")

// Process can be killed at any of its effects (request, write to the store, message sent). Where it does several at
// once, those that have begun are done, and their answers are lost. It is safe for concurrent use.
type Process struct {
	mu   sync.Mutex
	kill *kill
}

// kill ends a process at its n-th effect: before it, or after it is done.
type kill struct {
	at     int
	after  bool
	seen   int
	isDone bool
	cancel context.CancelFunc
}

// Doom lets the process die at its n-th effect from now, from 1, and returns the context in which it runs until then.
// To die before an effect leaves what to die after the one before leaves: between two nothing happens outside.
func (p *Process) Doom(ctx context.Context, at int, after bool) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill = &kill{at: at, after: after, cancel: cancel}
	return ctx
}

// IsDead tells whether the process has died of what Doom planned.
func (p *Process) IsDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kill != nil && p.kill.isDone
}

// Revive begins the next process, which is not doomed.
func (p *Process) Revive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.kill
	p.kill = nil
	last.cancel()
}

// advance goes on before, or after, an effect that is under way, and fails where the process is dead by then.
func (p *Process) advance(after bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kill
	if k == nil {
		return nil
	}
	if !after && !k.isDone {
		k.seen++
	}
	if !k.isDone && k.after == after && k.seen >= k.at {
		k.isDone = true
		k.cancel()
	}
	if k.isDone {
		return errKilled
	}
	return nil
}

// Effect is one thing that a process does to the outside. In a process that is killed it is not done, or its result is
// lost.
func Effect[T any](p *Process, do func() (T, error)) (T, error) {
	var none T
	if err := p.advance(false); err != nil {
		return none, err
	}
	v, err := do()
	if err := p.advance(true); err != nil {
		return none, err
	}
	return v, err
}
