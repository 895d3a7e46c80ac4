package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// UpdateFrom is Update for a caller who has read the document already: the first try is written over that version,
// and only a conflict reads it anew. known itself stays as it is.
func (r *Repository) UpdateFrom(ctx context.Context, known Document, change func(*Document) error) (Document, error) {
	read := func() (Document, error) { return r.Get(ctx, known.ID) }
	return update(startingWith(copyDocument(known), read), change, func(d *Document) error { return r.Save(ctx, d) })
}

// Put is UpdateFrom for a document that may not exist yet: known has then an id and no ETag, and change gets
// the same where no document exists.
func (r *Repository) Put(ctx context.Context, known Document, change func(*Document) error) (Document, error) {
	read := func() (Document, error) {
		d, err := r.Get(ctx, known.ID)
		if errors.Is(err, ErrNotFound) {
			return Document{ID: known.ID}, nil
		}
		return d, err
	}
	save := func(d *Document) error {
		if d.ETag != "" {
			return r.Save(ctx, d)
		}
		created, err := r.Create(ctx, *d)
		if err == nil {
			*d = created
		}
		return err
	}
	return update(startingWith(copyDocument(known), read), change, save)
}

// UpdateOperationFrom is UpdateFrom for an operation.
func (r *Repository) UpdateOperationFrom(ctx context.Context, known Operation,
	change func(*Operation) error) (Operation, error) {
	first := func() (Operation, error) {
		stored, err := copied(known.record())
		return stored.operation(known.ETag), err
	}
	read := func() (Operation, error) { return r.GetOperation(ctx, known.ID) }
	return update(startingWith(first, read), change, func(o *Operation) error { return r.SaveOperation(ctx, o) })
}

// UpdateHealthFrom is UpdateFrom for a health record.
func (r *Repository) UpdateHealthFrom(ctx context.Context, known HealthRecord,
	change func(*HealthRecord) error) (HealthRecord, error) {
	first := func() (HealthRecord, error) {
		stored, err := copied(known.record())
		return stored.health(known.ETag), err
	}
	read := func() (HealthRecord, error) { return r.GetHealth(ctx, known.IntegrationID) }
	return update(startingWith(first, read), change, func(h *HealthRecord) error { return r.SaveHealth(ctx, h) })
}

// Touch creates a record that an index is made of, or writes it anew, and returns the new version. Whoever has listed
// the older version and wants to delete it by that version is then refused.
func (r *Repository) Touch(ctx context.Context, key string, body []byte) (string, error) {
	absent := func() (Record, error) { return Record{Key: key}, nil }
	read := func() (Record, error) {
		there, err := r.Store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) {
			return absent()
		}
		return there, err
	}
	written, err := update(startingWith(absent, read),
		func(*Record) error { return nil },
		func(record *Record) error {
			etag, err := r.Store.Put(ctx, key, body, record.ETag)
			record.ETag = etag
			return err
		})
	if err != nil {
		return "", fmt.Errorf("write %s: %w", key, err)
	}
	return written.ETag, nil
}

// startingWith reads with first once, and then with read.
func startingWith[T any](first, read func() (T, error)) func() (T, error) {
	next := first
	return func() (T, error) {
		now := next
		next = read
		return now()
	}
}

func copyDocument(known Document) func() (Document, error) {
	return func() (Document, error) {
		stored, err := copied(known.record())
		return stored.document(known.ETag), err
	}
}

// copied is a deep copy of a record, as the store would return it.
func copied[T any](value T) (T, error) {
	var other T
	body, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(body, &other)
	}
	if err != nil {
		return other, fmt.Errorf("copy a record: %w", err)
	}
	return other, nil
}
