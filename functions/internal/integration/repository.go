package integration

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// maxConflicts bounds the read-modify-write loops. A conflict means that another writer was first, so a loop that
// meets this many lost against as many others.
const maxConflicts = 20

const (
	prefixIntegrations = "integrations/"
	prefixOperations   = "operations/"
	prefixRejected     = "rejected/"
	prefixHealth       = "health/"
	prefixUnreadable   = "unreadable/"
	suffix             = ".json"
)

// Repository keeps documents, operations and health records in a Store. Its errors wrap ErrNotFound and ErrConflict;
// those that wrap ErrUnreadable or ErrTooNew are *diagnosis.Error too, and say what was seen.
type Repository struct {
	Store Store
	// Now is the clock that stamps UpdatedAt; time.Now where nil.
	Now func() time.Time
}

func (r *Repository) now() time.Time {
	if r.Now == nil {
		return time.Now().UTC()
	}
	return r.Now().UTC()
}

// Get returns the document, tombstones included; an error that wraps ErrOthers where the caller may not see it.
func (r *Repository) Get(ctx context.Context, id string) (Document, error) {
	record, err := r.read(ctx, prefixIntegrations+id+suffix)
	if err != nil {
		return Document{}, refuseUnknown(ctx, err)
	}
	d, err := decodeDocument(record)
	if err == nil {
		err = RefuseOthers(ctx, d)
	}
	if err != nil {
		return Document{}, refuseUnknown(ctx, err)
	}
	return d, nil
}

// Create writes a new document; ErrConflict if there is one. Missing times are stamped.
func (r *Repository) Create(ctx context.Context, d Document) (Document, error) {
	if d.CreatedAt.IsZero() {
		d.CreatedAt = r.now()
	}
	d.UpdatedAt, d.Owner = r.now(), cmp.Or(d.Owner, unnamedOwner)
	etag, err := r.write(ctx, prefixIntegrations+d.ID+suffix, d.record(), "")
	d.ETag = etag
	return d, err
}

// Save replaces the version of the document that d.ETag names, and sets UpdatedAt and ETag; ErrConflict if it is
// another version.
func (r *Repository) Save(ctx context.Context, d *Document) error {
	if d.ETag == "" {
		return fmt.Errorf("save integration %s without its version: %w", d.ID, ErrConflict)
	}
	d.UpdatedAt = r.now()
	etag, err := r.write(ctx, prefixIntegrations+d.ID+suffix, d.record(), d.ETag)
	if err == nil {
		d.ETag = etag
	}
	return err
}

// Update reads, changes and saves the document, again and again until no other writer interferes, so change may run
// several times. An error of change ends it and is returned.
func (r *Repository) Update(ctx context.Context, id string, change func(*Document) error) (Document, error) {
	return update(func() (Document, error) {
		return r.Get(ctx, id)
	}, change, func(d *Document) error { return r.Save(ctx, d) })
}

// Page is a page of a list.
type Page struct {
	// Documents are in the order of their ids, tombstones included.
	Documents []Document
	// Unreadable names the records of the page that cannot be read.
	Unreadable []Unreadable
	// Next is the token of the next page; empty on the last one.
	Next string
}

// Unreadable is a record that cannot be read, and why.
type Unreadable struct {
	// ID is the integration's, by the record's key.
	ID        string
	Diagnosis diagnosis.Diagnosis
}

// List returns a page of at most limit records, without those that the caller may not see: see ListVisible. A record
// that cannot be read is named; the others are listed all the same.
func (r *Repository) List(ctx context.Context, token string, limit int) (Page, error) {
	var canSee func(Record) (bool, error)
	if !HasAllInSight(ctx) {
		canSee = func(record Record) (bool, error) {
			d, err := decodeDocument(record)
			return err == nil && RefuseOthers(ctx, d) == nil,
				nil // of one that cannot be read nobody knows whose it is
		}
	}
	records, next, err := ListVisible(ctx, r.Store, prefixIntegrations, token, limit, canSee)
	if err != nil {
		return Page{}, fmt.Errorf("list integrations: %w", err)
	}
	page := Page{Next: next}
	for _, record := range records {
		d, err := decodeDocument(record)
		var known *diagnosis.Error
		if errors.As(err, &known) {
			page.Unreadable = append(page.Unreadable, Unreadable{ID: nameOf(record.Key), Diagnosis: known.Diagnosis})
			continue
		}
		page.Documents = append(page.Documents, d)
	}
	return page, nil
}

// GetOperation returns the operation.
func (r *Repository) GetOperation(ctx context.Context, id string) (Operation, error) {
	record, err := r.read(ctx, prefixOperations+id+suffix)
	if err != nil {
		return Operation{}, err
	}
	o, err := decode(record, diagnosis.CodeOperationUnreadable, func(o operationRecord) string { return o.ID })
	if err != nil {
		return Operation{}, err
	}
	return o.operation(record.ETag), nil
}

// CreateOperation writes a new operation; ErrConflict if there is one. Missing times are stamped.
func (r *Repository) CreateOperation(ctx context.Context, o Operation) (Operation, error) {
	if o.CreatedAt.IsZero() {
		o.CreatedAt = r.now()
	}
	if o.Steps == nil {
		o.Steps = []Step{}
	}
	o.LastUpdatedAt = r.now()
	etag, err := r.write(ctx, prefixOperations+o.ID+suffix, o.record(), "")
	o.ETag = etag
	return o, err
}

// SaveOperation replaces the version of the operation that o.ETag names; ErrConflict if it is another version.
func (r *Repository) SaveOperation(ctx context.Context, o *Operation) error {
	if o.ETag == "" {
		return fmt.Errorf("save operation %s without its version: %w", o.ID, ErrConflict)
	}
	o.LastUpdatedAt = r.now()
	etag, err := r.write(ctx, prefixOperations+o.ID+suffix, o.record(), o.ETag)
	if err == nil {
		o.ETag = etag
	}
	return err
}

// DeleteOperation removes the version of the operation that o.ETag names; ErrConflict if it is another version.
func (r *Repository) DeleteOperation(ctx context.Context, o Operation) error {
	return wrap(r.Store.Delete(ctx, prefixOperations+o.ID+suffix, o.ETag), "delete operation", o.ID)
}

// GetHealth returns what the checks keep of an integration; before the first check a new record that SaveHealth
// creates.
func (r *Repository) GetHealth(ctx context.Context, id string) (HealthRecord, error) {
	record, err := r.read(ctx, prefixHealth+id+suffix)
	if errors.Is(err, ErrNotFound) {
		return HealthRecord{IntegrationID: id}, nil
	}
	if err != nil {
		return HealthRecord{}, err
	}
	h, err := decode(record, diagnosis.CodeRecordUnreadable, func(h healthRecord) string { return h.IntegrationID })
	if err != nil {
		return HealthRecord{}, err
	}
	return h.health(record.ETag), nil
}

// SaveHealth replaces the version of the record that h.ETag names, or creates it where that is empty; ErrConflict if
// it is another version.
func (r *Repository) SaveHealth(ctx context.Context, h *HealthRecord) error {
	etag, err := r.write(ctx, prefixHealth+h.IntegrationID+suffix, h.record(), h.ETag)
	if err == nil {
		h.ETag = etag
	}
	return err
}

// UpdateHealth reads, changes and saves the record, as Update does with a document. One that cannot be read is set
// aside, and a new one takes its place: checks find out again what it said.
func (r *Repository) UpdateHealth(ctx context.Context, id string,
	change func(*HealthRecord) error) (HealthRecord, error) {
	read := func() (HealthRecord, error) {
		h, err := r.GetHealth(ctx, id)
		if errors.Is(err, ErrUnreadable) {
			return r.restartHealth(ctx, id)
		}
		return h, err
	}
	return update(read, change, func(h *HealthRecord) error { return r.SaveHealth(ctx, h) })
}

// SaveRejected keeps the body of a message that can never succeed for inspection, byte for byte but for tokens, which
// are redacted. Saving it again changes nothing; another body under the same id is kept beside the first.
func (r *Repository) SaveRejected(ctx context.Context, id string, body []byte) error {
	body = redact.JSON(body)
	_, err := r.Store.Put(ctx, prefixRejected+id+suffix, body, "")
	if !errors.Is(err, ErrConflict) {
		return wrap(err, "keep rejected message", id)
	}
	kept, err := r.Store.Get(ctx, prefixRejected+id+suffix)
	if err != nil {
		return wrap(err, "read rejected message", id)
	}
	if string(kept.Body) == string(body) {
		return nil
	}
	sum := sha256.Sum256(body)
	_, err = r.Store.Put(ctx, prefixRejected+id+"-"+hex.EncodeToString(sum[:8])+suffix, body, "")
	if errors.Is(err, ErrConflict) {
		return nil // the name is made of the content
	}
	return wrap(err, "keep rejected message", id)
}

// read returns a record as it is stored.
func (r *Repository) read(ctx context.Context, key string) (Record, error) {
	record, err := r.Store.Get(ctx, key)
	if errors.Is(err, ErrUnreadable) {
		return Record{Key: key, Err: err}, nil // decode has the words
	}
	if err != nil {
		return Record{}, fmt.Errorf("read %s: %w", key, err)
	}
	return record, nil
}

func (r *Repository) write(ctx context.Context, key string, value any, ifMatch string) (string, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", key, err)
	}
	etag, err := r.Store.Put(ctx, key, body, ifMatch)
	if err != nil {
		return "", fmt.Errorf("write %s: %w", key, err)
	}
	return etag, nil
}

func update[T any](read func() (T, error), change func(*T) error, save func(*T) error) (T, error) {
	var zero T
	var err error
	for range maxConflicts {
		var value T
		if value, err = read(); err != nil {
			return zero, err
		}
		if err = change(&value); err != nil {
			return value, err
		}
		if err = save(&value); !errors.Is(err, ErrConflict) {
			return value, err
		}
	}
	return zero, err
}

func wrap(err error, doing, id string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, id, err)
}
