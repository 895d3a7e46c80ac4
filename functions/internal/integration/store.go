package integration

import (
	"context"
	"errors"
)

// Errors that a Store answers with; test with errors.Is.
var (
	// ErrNotFound means that there is no record under the key.
	ErrNotFound = errors.New("record not found")
	// ErrConflict means that the precondition did not hold: the record exists already, or is another version.
	ErrConflict = errors.New("record changed meanwhile")
	// ErrUnreadable means that the record is there and cannot be read: by a store, as it is larger than the store
	// reads; by the Repository, also as its content is not what was written.
	ErrUnreadable = errors.New("record cannot be read")
	// ErrTooNew means that a newer build has written the record, in a form that this one does not know.
	ErrTooNew = errors.New("record is of a newer version")
	// ErrOthers means that the record exists and the caller may not see it. The Repository returns it, as a
	// *diagnosis.Error with the words of a record that is absent.
	ErrOthers = errors.New("record is another owner's")
	// ErrInvalidToken means that the token of a list was not given by this store.
	ErrInvalidToken = errors.New("list token is not valid")
)

// Store keeps small JSON records by key with optimistic concurrency. A key is a slash-separated path of
// `[a-z0-9A-Z._-]` segments. Of any number of concurrent writers with the same precondition exactly one wins.
// storetest.Run is its conformance suite.
type Store interface {
	// Get returns the record, or ErrNotFound or ErrUnreadable.
	Get(ctx context.Context, key string) (Record, error)
	// Put writes the record and returns its new ETag. An empty ifMatch means "must not exist yet"; otherwise the
	// stored ETag must equal it. ErrConflict if the precondition does not hold (also when the record is gone).
	Put(ctx context.Context, key string, body []byte, ifMatch string) (etag string, err error)
	// Delete removes the record of that version. ErrNotFound if there is none, ErrConflict if it is another version.
	Delete(ctx context.Context, key, ifMatch string) error
	// List returns records whose key starts with prefix, in key order, at most limit (1 to 1000), and the token of the
	// next page, empty on the last one. One that Get answers with ErrUnreadable is among them, with Err.
	// ErrInvalidToken where the store can tell that a token is not its own.
	List(ctx context.Context, prefix, token string, limit int) (records []Record, next string, err error)
}

// Record is one stored record.
type Record struct {
	Key  string
	Body []byte
	ETag string
	// Err is set, to what wraps ErrUnreadable, where a list has a record without its Body.
	Err error
}
