package operationtest

import (
	"context"
	"slices"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The calls of a store.
const (
	CallGet    = "get"
	CallPut    = "put"
	CallDelete = "delete"
	CallList   = "list"
)

// Call is a call of the store, and its key or prefix.
type Call struct{ Name, Key string }

// IsWrite tells whether the call changes records.
func (c Call) IsWrite() bool { return c.Name == CallPut || c.Name == CallDelete }

// Store is the state store as a process reaches it: every call is noted, and may be made to fail. Its fields are set
// before the calls that they are to strike.
type Store struct {
	// Records hold what is stored. A test's own looks go there.
	Records integration.Store
	// Before runs before each call. Its error is the call's answer.
	Before func(Call) error
	// Begin is told of each round trip, and returns what ends it.
	Begin func(Call) (end func())

	process *Process

	mu        sync.Mutex
	calls     []Call
	beforePut func()
}

// NewStore returns the store that a process reaches.
func NewStore(process *Process, records integration.Store) *Store {
	return &Store{Records: records, process: process}
}

// OnceBeforePut runs something before the next put, and never again.
func (s *Store) OnceBeforePut(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beforePut = do
}

// Calls are the calls of the given names, in their order; of all names where none is given.
func (s *Store) Calls(names ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c Call) bool {
		return len(names) > 0 && !slices.Contains(names, c.Name)
	})
}

// begin notes a call, and returns what ends its round trip, or the answer that it is made to have.
func (s *Store) begin(c Call) (end func(), err error) {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	var before func()
	if c.Name == CallPut {
		before, s.beforePut = s.beforePut, nil
	}
	s.mu.Unlock()
	if before != nil {
		before()
	}
	if s.Before != nil {
		if err := s.Before(c); err != nil {
			return nil, err
		}
	}
	if s.Begin == nil {
		return func() {}, nil
	}
	return s.Begin(c), nil
}

// Get implements integration.Store.
func (s *Store) Get(ctx context.Context, key string) (integration.Record, error) {
	end, err := s.begin(Call{CallGet, key})
	if err != nil {
		return integration.Record{}, err
	}
	defer end()
	return s.Records.Get(ctx, key)
}

// Put implements integration.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	end, err := s.begin(Call{CallPut, key})
	if err != nil {
		return "", err
	}
	defer end()
	return Effect(s.process, func() (string, error) { return s.Records.Put(ctx, key, body, ifMatch) })
}

// Delete implements integration.Store.
func (s *Store) Delete(ctx context.Context, key, ifMatch string) error {
	end, err := s.begin(Call{CallDelete, key})
	if err != nil {
		return err
	}
	defer end()
	_, err = Effect(s.process, func() (struct{}, error) { return struct{}{}, s.Records.Delete(ctx, key, ifMatch) })
	return err
}

// List implements integration.Store.
func (s *Store) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	end, err := s.begin(Call{CallList, prefix})
	if err != nil {
		return nil, "", err
	}
	defer end()
	return s.Records.List(ctx, prefix, token, limit)
}
