package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Two indexes list operations, the newest first, as their names begin with a time that counts down: of all, and of one
// integration. Their entries are written before the operation, so that none is missed after a crash. An entry whose
// operation does not exist, or was made at another time, counts for nothing, and goes with the retention.
const (
	prefixAll   = "journal/"
	prefixOfOne = "history/"
	// lastMilli is the time that the countdown ends at, in the year 2286; it has countdownDigits digits.
	lastMilli       = 9_999_999_999_999
	countdownDigits = 13
	// parallelReads bounds the reads of one page.
	parallelReads = 16
)

// History lists operations, and removes those that are kept no longer.
type History struct {
	repository *integration.Repository
	now        func() time.Time
	retention  time.Duration
}

// entry is the content of an index's record.
type entry struct {
	IntegrationID string `json:"integrationId,omitempty"`
	// CallerID is who asked for the operation.
	CallerID string `json:"callerId,omitempty"`
	// Owner and FirstOperationID are the operation's.
	Owner            string `json:"owner,omitempty"`
	FirstOperationID string `json:"firstOperationId,omitempty"`
}

// countdown is a time as the names of the indexes begin with it.
func countdown(at time.Time) string {
	return fmt.Sprintf("%0*d", countdownDigits, lastMilli-at.UnixMilli())
}

// entriesOf are the keys of an operation's entries.
func entriesOf(o integration.Operation) []string {
	name := countdown(o.CreatedAt) + "-" + o.ID
	keys := []string{prefixAll + name}
	if integration.IsValidID(o.IntegrationID) { // else the message names none that exists
		keys = append(keys, prefixOfOne+o.IntegrationID+"/"+name)
	}
	return keys
}

// operationOf is the operation's id in the key of an entry; empty where somebody else has put it there.
func operationOf(key string) string {
	name := key[strings.LastIndexByte(key, '/')+1:]
	if len(name) <= countdownDigits || name[countdownDigits] != '-' {
		return ""
	}
	return name[countdownDigits+1:]
}

// enter puts an operation that is about to be created into the indexes.
func (h *History) enter(ctx context.Context, o integration.Operation) error {
	body, err := json.Marshal(entry{IntegrationID: o.IntegrationID, CallerID: o.Caller.ID, Owner: o.Owner,
		FirstOperationID: o.FirstOperationID})
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, key := range entriesOf(o) {
		group.Go(func() error {
			_, err := h.repository.Store.Put(ctx, key, body, "")
			if errors.Is(err, integration.ErrConflict) {
				return nil // the entry is there
			}
			return err
		})
	}
	return StoreError(group.Wait())
}

// Listing asks for a page of operations.
type Listing struct {
	// IntegrationID is whose operations are asked for; empty for all.
	IntegrationID string
	// Token is the Next of the page before; empty for the first one.
	Token string
	// Limit is how many operations the page has at most, 1 to 1000.
	Limit int
}

// Page is a page of operations, the newest first.
type Page struct {
	Operations []integration.Operation
	// Unreadable names the operations of the page whose record cannot be read, by their own ids.
	Unreadable []integration.Unreadable
	// Next is the token of the next page; empty on the last one.
	Next string
}

// List returns a page of operations, without those that the caller may not see. It reads those of the page, whatever
// else there is.
func (h *History) List(ctx context.Context, l Listing) (Page, error) {
	prefix := prefixAll
	if l.IntegrationID != "" {
		prefix = prefixOfOne + l.IntegrationID + "/"
	}
	records, next, err := integration.ListVisible(ctx, h.repository.Store, prefix, l.Token, l.Limit, h.sight(ctx))
	if err != nil {
		return Page{}, fmt.Errorf("list operations: %w", err)
	}
	found := make([]found, len(records))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, r := range records {
		group.Go(func() (err error) { found[i], err = h.find(groupCtx, r.Key); return err })
	}
	if err := group.Wait(); err != nil {
		return Page{}, err
	}
	page := Page{Next: next}
	for _, f := range found {
		switch {
		case f.unreadable != nil:
			page.Unreadable = append(page.Unreadable, *f.unreadable)
		case f.isThere:
			page.Operations = append(page.Operations, f.operation)
		}
	}
	return page, nil
}

// sight tells of entries whether the caller may see what they are of; nil where all may be seen.
func (h *History) sight(ctx context.Context) func(integration.Record) (bool, error) {
	canSee := h.repository.OperationSight(ctx)
	if canSee == nil {
		return nil
	}
	return func(r integration.Record) (bool, error) {
		var of entry
		if json.Unmarshal(r.Body, &of) != nil {
			return false, nil // nobody can tell whose it is
		}
		return canSee(integration.Operation{IntegrationID: of.IntegrationID, Caller: caller.IDs{ID: of.CallerID},
			Owner: of.Owner, FirstOperationID: of.FirstOperationID, CreatedAt: timeOf(r.Key)})
	}
}

// timeOf is the time in the name of an entry; zero where somebody else has put it there.
func timeOf(key string) time.Time {
	digits, _, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], "-")
	left, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(lastMilli - left)
}

// found is what an entry leads to.
type found struct {
	operation  integration.Operation
	unreadable *integration.Unreadable
	isThere    bool
}

// find reads the operation of an entry.
func (h *History) find(ctx context.Context, key string) (found, error) {
	id := operationOf(key)
	if !integration.IsValidOperationID(id) {
		return found{}, nil
	}
	op, err := h.repository.GetOperation(ctx, id)
	var known *diagnosis.Error
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return found{}, nil
	case integration.IsRefused(err) && errors.As(err, &known):
		return found{unreadable: &integration.Unreadable{ID: id, Diagnosis: known.Diagnosis}}, nil
	case err != nil:
		return found{}, StoreError(err)
	}
	name := key[strings.LastIndexByte(key, '/')+1:]
	return found{operation: op, isThere: name == countdown(op.CreatedAt)+"-"+op.ID}, nil
}
