// Package storetest is the conformance suite of integration.Store, and an in-memory store that passes it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// NewMemory returns an empty store that lives as long as the process. It is safe for concurrent use.
func NewMemory() integration.Store {
	return &memory{records: map[string]integration.Record{}}
}

type memory struct {
	mu       sync.Mutex
	revision int
	records  map[string]integration.Record
}

func (m *memory) Get(ctx context.Context, key string) (integration.Record, error) {
	if err := check(ctx, key); err != nil {
		return integration.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	record, ok := m.records[key]
	if !ok {
		return integration.Record{}, integration.ErrNotFound
	}
	return clone(record), nil
}

func (m *memory) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[key].ETag != ifMatch { // an absent record has the empty ETag
		return "", integration.ErrConflict
	}
	m.revision++
	etag := fmt.Sprintf("%q", fmt.Sprintf("r%d", m.revision))
	m.records[key] = integration.Record{Key: key, Body: bytes.Clone(body), ETag: etag}
	return etag, nil
}

func (m *memory) Delete(ctx context.Context, key, ifMatch string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	record, ok := m.records[key]
	if !ok {
		return integration.ErrNotFound
	}
	if record.ETag != ifMatch {
		return integration.ErrConflict
	}
	delete(m.records, key)
	return nil
}

// List uses the first key of the next page as the token.
func (m *memory) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if token != "" && !strings.HasPrefix(token, prefix) {
		return nil, "", integration.ErrInvalidToken
	}
	limit = min(max(limit, 1), 1000)
	m.mu.Lock()
	defer m.mu.Unlock()
	page := []integration.Record{}
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		if key < token || !strings.HasPrefix(key, prefix) {
			continue
		}
		if len(page) == limit {
			return page, key, nil
		}
		page = append(page, clone(m.records[key]))
	}
	return page, "", nil
}

func clone(r integration.Record) integration.Record {
	r.Body = bytes.Clone(r.Body)
	return r
}

// check refuses what a real store refuses, so that a use case tested on memory does not meet it later.
func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for segment := range strings.SplitSeq(key, "/") {
		if strings.Trim(segment, ".") == "" || strings.ContainsFunc(segment, isOutsideAlphabet) {
			return errors.New("storetest: invalid record key")
		}
	}
	return nil
}

func isOutsideAlphabet(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("._-", r)
}
