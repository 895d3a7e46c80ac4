package world

import (
	"slices"
	"strings"
)

// key makes ids comparable: Azure compares GUIDs and resource ids without regard to case.
func key(id string) string { return strings.ToLower(strings.TrimRight(id, "/")) }

// table keeps rows by key, and gives them in the order in which they came.
type table[T any] struct {
	rows map[string]*row[T]
	next int
}

type row[T any] struct {
	seq   int
	value T
}

func newTable[T any]() *table[T] { return &table[T]{rows: map[string]*row[T]{}} }

func (t *table[T]) get(k string) (T, bool) {
	r, ok := t.rows[key(k)]
	if !ok {
		var zero T
		return zero, false
	}
	return r.value, true
}

func (t *table[T]) put(k string, v T) {
	if r, ok := t.rows[key(k)]; ok {
		r.value = v
		return
	}
	t.next++
	t.rows[key(k)] = &row[T]{seq: t.next, value: v}
}

func (t *table[T]) delete(k string) { delete(t.rows, key(k)) }

// all returns the values in order; never nil, so that JSON shows an empty array.
func (t *table[T]) all() []T {
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
