package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// ErrDown is what a Failing store answers where it fails.
var ErrDown = errors.New("the store does not answer")

// Failing is a store that fails at one of its calls. All others are the store's own.
type Failing struct {
	integration.Store
	// At is the number of the call that fails, from 1.
	At int
	// Lost has the call done before its answer is lost; else it is not done.
	Lost bool

	mu    sync.Mutex
	calls int
}

// HasFailed reports whether the call has come.
func (f *Failing) HasFailed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls >= f.At
}

// Arm has the n-th call from now on fail.
func (f *Failing) Arm(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.At = 0, n
}

func (f *Failing) isNow() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	return f.calls == f.At
}

// Get implements integration.Store.
func (f *Failing) Get(ctx context.Context, key string) (integration.Record, error) {
	if f.isNow() {
		return integration.Record{}, ErrDown
	}
	return f.Store.Get(ctx, key)
}

// Put implements integration.Store.
func (f *Failing) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if !f.isNow() {
		return f.Store.Put(ctx, key, body, ifMatch)
	}
	if f.Lost {
		_, _ = f.Store.Put(ctx, key, body, ifMatch) // its answer is lost
	}
	return "", ErrDown
}

// Delete implements integration.Store.
func (f *Failing) Delete(ctx context.Context, key, ifMatch string) error {
	if !f.isNow() {
		return f.Store.Delete(ctx, key, ifMatch)
	}
	if f.Lost {
		_ = f.Store.Delete(ctx, key, ifMatch) // its answer is lost
	}
	return ErrDown
}

// List implements integration.Store.
func (f *Failing) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	if f.isNow() {
		return nil, "", ErrDown
	}
	return f.Store.List(ctx, prefix, token, limit)
}
