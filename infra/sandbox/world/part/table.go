package part

import (
	"slices"
	"strings"
)

// Key makes ids comparable: Azure compares GUIDs and resource ids without regard to case.
func Key(id string) string { return strings.ToLower(strings.TrimRight(id, "/")) }

// Table keeps rows by key, and gives them in the order in which they came.
type Table[T any] struct {
	rows map[string]*row[T]
	next int
}

type row[T any] struct {
	seq   int
	value T
}

// NewTable returns an empty table.
func NewTable[T any]() *Table[T] { return &Table[T]{rows: map[string]*row[T]{}} }

// Get returns the row of a key.
func (t *Table[T]) Get(k string) (T, bool) {
	r, ok := t.rows[Key(k)]
	if !ok {
		var zero T
		return zero, false
	}
	return r.value, true
}

// Put adds or replaces the row of a key; a replaced one keeps its place.
func (t *Table[T]) Put(k string, v T) {
	if r, ok := t.rows[Key(k)]; ok {
		r.value = v
		return
	}
	t.next++
	t.rows[Key(k)] = &row[T]{seq: t.next, value: v}
}

// Delete removes the row of a key, if there is one.
func (t *Table[T]) Delete(k string) { delete(t.rows, Key(k)) }

// All returns the values in order; never nil, so that JSON shows an empty array.
func (t *Table[T]) All() []T {
	rows := make([]*row[T], 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row[T]) int { return a.seq - b.seq })
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = r.value
	}
	return values
}

// Len is how many rows there are.
func (t *Table[T]) Len() int { return len(t.rows) }

// CloneAll replaces the values by copies.
func CloneAll[T interface{ Clone() T }](all []T) []T {
	for i := range all {
		all[i] = all[i].Clone()
	}
	return all
}
