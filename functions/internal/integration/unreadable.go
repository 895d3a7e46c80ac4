package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// RecordError is what keeps a record from being read. It wraps ErrUnreadable or ErrTooNew.
type RecordError struct {
	Key, ETag string
	// Fault tells what was seen, as a sentence part, without anything of the record's values.
	Fault string
	kind  error
}

// Error names the record and what was seen.
func (e *RecordError) Error() string { return fmt.Sprintf("%s: %s (%s)", e.kind, e.Fault, e.Key) }

// Unwrap returns ErrUnreadable or ErrTooNew.
func (e *RecordError) Unwrap() error { return e.kind }

// IsRefused reports whether an error means that a record is there and that this build cannot work with it: it is
// unreadable, or too new. Repeating does not help before a person has acted.
func IsRefused(err error) bool { return errors.Is(err, ErrUnreadable) || errors.Is(err, ErrTooNew) }

func unreadable(record Record, code diagnosis.Code, format string, args ...any) error {
	e := &RecordError{Key: record.Key, ETag: record.ETag, Fault: fmt.Sprintf(format, args...), kind: ErrUnreadable}
	return &diagnosis.Error{Err: e, Diagnosis: diagnosis.New(code,
		diagnosis.WithDetail("The record %s of the state store cannot be read: %s.",
			redact.Printable(record.Key), e.Fault))}
}

func tooNew(record Record, version int) error {
	e := &RecordError{Key: record.Key, ETag: record.ETag, kind: ErrTooNew,
		Fault: fmt.Sprintf("it is of schema version %d, and this build knows no later one than %d", version,
			SchemaVersion)}
	return &diagnosis.Error{Err: e, Diagnosis: diagnosis.New(diagnosis.CodeRecordTooNew,
		diagnosis.WithDetail("A newer build has written the record %s of the state store: %s.",
			redact.Printable(record.Key), e.Fault))}
}

// nameOf is the name that a record has by its key: an id, where nobody else has put it there.
func nameOf(key string) string {
	_, name, _ := strings.Cut(key, "/")
	return strings.TrimSuffix(name, suffix)
}

func decodeDocument(record Record) (Document, error) {
	d, err := decode(record, diagnosis.CodeRecordUnreadable, func(d documentRecord) string { return d.ID })
	if err != nil {
		return Document{}, err
	}
	return d.document(record.ETag), nil
}

// decode reads a record. It must be of a version that this build knows and name itself as its key does. Members that
// this build does not know are passed over: see SchemaVersion.
func decode[R any](record Record, code diagnosis.Code, idOf func(R) string) (R, error) {
	var read, none R
	if record.Err != nil {
		return none, unreadable(record, code, "it is larger than a record can be")
	}
	var head struct {
		SchemaVersion *int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(record.Body, &head); err != nil {
		return none, unreadable(record, code, "%s", faultOf(record.Body, err))
	}
	// The version comes first: a newer record may have another shape.
	if v := head.SchemaVersion; v != nil && *v > SchemaVersion {
		return none, tooNew(record, *v)
	} else if v != nil && *v < 1 {
		return none, unreadable(record, code, "its schema version is %d", *v)
	}
	if err := json.Unmarshal(record.Body, &read); err != nil {
		return none, unreadable(record, code, "%s", faultOf(record.Body, err))
	}
	if want := nameOf(record.Key); idOf(read) != want {
		return none, unreadable(record, code, "it does not name itself %s, as its name does",
			redact.Printable(want))
	}
	return read, nil
}

// faultOf tells what is wrong with a body, and where, without repeating any of it.
func faultOf(body []byte, err error) string {
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return "it is empty"
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not JSON from byte %d of %d on", syntax.Offset, len(body))
	case errors.As(err, &shape) && shape.Field == "":
		return "it is JSON, but not an object"
	case errors.As(err, &shape):
		return fmt.Sprintf("its member %s is JSON of another type", shape.Field)
	default:
		return "a member of it has a value of another form"
	}
}

// SetAside moves the record of an integration that cannot be read out of the way, byte for byte, and returns the key
// that it is kept under: the id is free then. etag is the version that is meant. ErrConflict where the record is
// another version, ErrNotFound where it is gone; an error that wraps ErrUnreadable where it cannot be copied.
func (r *Repository) SetAside(ctx context.Context, id, etag string) (string, error) {
	record, err := r.read(ctx, prefixIntegrations+id+suffix)
	if err != nil {
		return "", err
	}
	if _, err := decodeDocument(record); record.Err != nil || errors.Is(err, ErrTooNew) {
		return "", err
	} else if err == nil || record.ETag != etag {
		return "", fmt.Errorf("set aside integration %s: %w", id, ErrConflict)
	}
	kept, err := r.keepAside(ctx, record)
	if err != nil {
		return "", err
	}
	// After a crash in between the same record is found again, and its copy.
	err = r.Store.Delete(ctx, record.Key, record.ETag)
	if errors.Is(err, ErrNotFound) {
		err = nil // it is gone, and what it was is kept
	}
	return kept, wrap(err, "set aside integration", id)
}

// restartHealth keeps a health record that cannot be read, and returns a new one that SaveHealth puts in its place.
func (r *Repository) restartHealth(ctx context.Context, id string) (HealthRecord, error) {
	record, err := r.Store.Get(ctx, prefixHealth+id+suffix)
	if err != nil {
		return HealthRecord{}, wrap(err, "set aside health of", id)
	}
	_, err = r.keepAside(ctx, record)
	return HealthRecord{IntegrationID: id, ETag: record.ETag}, err
}

// keepAside copies a record to where only people look, and returns the copy's key. That is made of the content too, so
// copying again changes nothing.
func (r *Repository) keepAside(ctx context.Context, record Record) (string, error) {
	sum := sha256.Sum256(record.Body)
	key := prefixUnreadable + strings.TrimSuffix(record.Key, suffix) + "-" + hex.EncodeToString(sum[:8]) + suffix
	_, err := r.Store.Put(ctx, key, record.Body, "")
	if !errors.Is(err, ErrConflict) {
		return key, wrap(err, "keep", path.Base(key))
	}
	there, err := r.Store.Get(ctx, key)
	if err == nil && !bytes.Equal(there.Body, record.Body) {
		err = ErrConflict
	}
	return key, wrap(err, "keep", path.Base(key))
}
