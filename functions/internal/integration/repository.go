package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// maxConflicts bounds the read-modify-write loops. A conflict means that another writer got ahead, so a loop that
// meets this many lost against as many others.
const maxConflicts = 20

const (
	prefixIntegrations = "integrations/"
	prefixOperations   = "operations/"
	prefixRejected     = "rejected/"
	prefixHealth       = "health/"
	suffix             = ".json"
)

// Repository keeps documents, operations and health records in a Store. Its errors wrap ErrNotFound and ErrConflict.
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

// Get returns the document, tombstones included.
func (r *Repository) Get(ctx context.Context, id string) (Document, error) {
	var d Document
	etag, err := r.read(ctx, prefixIntegrations+id+suffix, &d)
	d.ETag = etag
	return d, err
}

// Create writes a new document; ErrConflict if there is one. Missing times are stamped.
func (r *Repository) Create(ctx context.Context, d Document) (Document, error) {
	if d.CreatedAt.IsZero() {
		d.CreatedAt = r.now()
	}
	d.UpdatedAt = r.now()
	etag, err := r.write(ctx, prefixIntegrations+d.ID+suffix, d, "")
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
	etag, err := r.write(ctx, prefixIntegrations+d.ID+suffix, d, d.ETag)
	if err == nil {
		d.ETag = etag
	}
	return err
}

// Update reads, changes and saves the document, again and again until no other writer interferes, so change may run
// several times. An error of change ends it and is returned.
func (r *Repository) Update(ctx context.Context, id string, change func(*Document) error) (Document, error) {
	return update(func() (Document, error) { return r.Get(ctx, id) }, change, func(d *Document) error { return r.Save(ctx, d) })
}

// List returns a page of documents in the order of their ids, tombstones included, and the token of the next page.
// A record that cannot be read fails the page: half a list would look like a whole one.
func (r *Repository) List(ctx context.Context, token string, limit int) ([]Document, string, error) {
	records, next, err := r.Store.List(ctx, prefixIntegrations, token, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list integrations: %w", err)
	}
	documents := make([]Document, len(records))
	for i, record := range records {
		if err := json.Unmarshal(record.Body, &documents[i]); err != nil {
			return nil, "", fmt.Errorf("decode %s: %w", record.Key, err)
		}
		documents[i].ETag = record.ETag
	}
	return documents, next, nil
}

// GetOperation returns the operation.
func (r *Repository) GetOperation(ctx context.Context, id string) (Operation, error) {
	var o Operation
	etag, err := r.read(ctx, prefixOperations+id+suffix, &o)
	o.ETag = etag
	return o, err
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
	etag, err := r.write(ctx, prefixOperations+o.ID+suffix, o, "")
	o.ETag = etag
	return o, err
}

// SaveOperation replaces the version of the operation that o.ETag names; ErrConflict if it is another version.
func (r *Repository) SaveOperation(ctx context.Context, o *Operation) error {
	if o.ETag == "" {
		return fmt.Errorf("save operation %s without its version: %w", o.ID, ErrConflict)
	}
	o.LastUpdatedAt = r.now()
	etag, err := r.write(ctx, prefixOperations+o.ID+suffix, o, o.ETag)
	if err == nil {
		o.ETag = etag
	}
	return err
}

// UpdateOperation reads, changes and saves the operation, as Update does with a document.
func (r *Repository) UpdateOperation(ctx context.Context, id string, change func(*Operation) error) (Operation, error) {
	return update(func() (Operation, error) { return r.GetOperation(ctx, id) }, change, func(o *Operation) error { return r.SaveOperation(ctx, o) })
}

// GetHealth returns what the checks keep of an integration; before the first check a new record that SaveHealth creates.
func (r *Repository) GetHealth(ctx context.Context, id string) (HealthRecord, error) {
	var h HealthRecord
	etag, err := r.read(ctx, prefixHealth+id+suffix, &h)
	if errors.Is(err, ErrNotFound) {
		return HealthRecord{IntegrationID: id}, nil
	}
	h.ETag = etag
	return h, err
}

// SaveHealth replaces the version of the record that h.ETag names, or creates it where that is empty; ErrConflict if it
// is another version.
func (r *Repository) SaveHealth(ctx context.Context, h *HealthRecord) error {
	etag, err := r.write(ctx, prefixHealth+h.IntegrationID+suffix, h, h.ETag)
	if err == nil {
		h.ETag = etag
	}
	return err
}

// UpdateHealth reads, changes and saves the record, as Update does with a document.
func (r *Repository) UpdateHealth(ctx context.Context, id string, change func(*HealthRecord) error) (HealthRecord, error) {
	return update(func() (HealthRecord, error) { return r.GetHealth(ctx, id) }, change, func(h *HealthRecord) error { return r.SaveHealth(ctx, h) })
}

// SaveRejected keeps the body of a message that can never succeed for inspection, byte for byte but for tokens, which are
// redacted. Saving it again changes nothing; another body under the same id is kept beside the first.
func (r *Repository) SaveRejected(ctx context.Context, id string, body []byte) error {
	body = diagnosis.RedactJSON(body)
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

func (r *Repository) read(ctx context.Context, key string, into any) (string, error) {
	record, err := r.Store.Get(ctx, key)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(record.Body, into); err != nil {
		return "", fmt.Errorf("decode %s: %w", key, err)
	}
	return record.ETag, nil
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
