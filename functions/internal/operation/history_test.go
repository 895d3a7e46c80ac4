package operation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

type operationCall = operationtest.Call

// listed are the ids of all pages of a listing, and of what cannot be read.
func (f *fixture) listed(l operation.Listing) (ids, unreadable []string) {
	f.t.Helper()
	for pages := 0; ; pages++ {
		require.Less(f.t, pages, 100)
		page, err := f.Engine.History.List(f.t.Context(), l)
		require.NoError(f.t, err)
		require.LessOrEqual(f.t, len(page.Operations), l.Limit)
		for _, op := range page.Operations {
			ids = append(ids, op.ID)
		}
		for _, u := range page.Unreadable {
			unreadable = append(unreadable, u.ID+" "+string(u.Diagnosis.Code))
		}
		if l.Token = page.Next; l.Token == "" {
			return ids, unreadable
		}
	}
}

// filled has three integrations with operations at one time and at others, and a message that names none.
func filled(t *testing.T) *fixture {
	f := newFixture(t)
	for i := range 9 {
		c := provisionCommand(fmt.Sprintf("op-%d", i))
		c.IntegrationID = fmt.Sprintf("service-%d", i%3)
		_, err := f.submit(t.Context(), c)
		require.NoError(t, err)
		f.Advance(time.Duration(i%2) * time.Millisecond)
	}
	f.Advance(time.Hour)
	d := message.Delivery{Body: []byte("{not json"), MessageID: "m-1"}
	_, err := message.ParseCommand(d)
	var rejection *message.Rejection
	require.ErrorAs(t, err, &rejection)
	require.NoError(t, f.worker.Reject(t.Context(), d, rejection))
	return f
}

// TestListsAreNewestFirst, of all operations and of one integration's, whatever the size of a page.
func TestListsAreNewestFirst(t *testing.T) {
	t.Parallel()
	f := filled(t)
	for _, limit := range []int{1, 2, 3, 1000} {
		all, _ := f.listed(operation.Listing{Limit: limit})
		// Two that were made at one time are in the order of their ids.
		assert.Equal(t, []string{"m-1", "op-8", "op-6", "op-7", "op-4", "op-5", "op-2", "op-3", "op-0", "op-1"}, all)
		one, _ := f.listed(operation.Listing{IntegrationID: "service-1", Limit: limit})
		assert.Equal(t, []string{"op-7", "op-4", "op-1"}, one)
	}
	none, _ := f.listed(operation.Listing{IntegrationID: "service-9", Limit: 10})
	assert.Empty(t, none)
	_, err := f.Engine.History.List(t.Context(), operation.Listing{Limit: 1, Token: "other"})
	require.ErrorIs(t, err, integration.ErrInvalidToken)
}

// TestAMessagesOperationIsListed, also where an entry could not be written beside the operation: the parked copy of
// the message writes it. Nobody cancels it meanwhile.
func TestAMessagesOperationIsListed(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"journal/", "history/"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c := provisionCommand(operationID)
			c.Spec = &integration.Spec{}
			f.Store.Before = func(call operationCall) error {
				if call.IsWrite() && strings.HasPrefix(call.Key, prefix) {
					return errors.New("the store is away")
				}
				return nil
			}
			f.handle(c)
			f.Store.Before = nil
			f.RequireStatus(operationID, integration.OperationNotStarted)
			_, err := f.Repository.Get(t.Context(), id)
			require.ErrorIs(t, err, integration.ErrNotFound, "it is written when the entries are")
			_, err = f.Engine.Cancel(t.Context(), operationID)
			requireCode(t, diagnosis.CodeOperationNotCancelable, err)
			f.handle(f.Command(operationID + "-retry-1"))
			f.RequireStatus(operationID, integration.OperationSucceeded)
			for _, of := range []string{"", id} {
				ids, _ := f.listed(operation.Listing{IntegrationID: of, Limit: 10})
				assert.Equal(t, []string{operationID}, ids)
			}
		})
	}
}

// TestAListReadsItsOwnOperationsOnly, whatever else there is.
func TestAListReadsItsOwnOperationsOnly(t *testing.T) {
	t.Parallel()
	f := filled(t)
	before := len(f.Store.Calls(operationtest.CallGet))
	f.listed(operation.Listing{IntegrationID: "service-1", Limit: 1000})
	read := []string{}
	for _, c := range f.Store.Calls(operationtest.CallGet)[before:] {
		read = append(read, strings.TrimSuffix(strings.TrimPrefix(c.Key, "operations/"), ".json"))
	}
	assert.ElementsMatch(t, []string{"op-1", "op-4", "op-7"}, read)
}

// TestAListShowsWhatMayBeSeen: whoever asks learns nothing of the others', not even what cannot be read.
func TestAListShowsWhatMayBeSeen(t *testing.T) {
	t.Parallel()
	f := filled(t)
	f.spoil("operations/op-1.json", "{")
	f.spoil("operations/op-2.json", "{")
	_, err := f.Repository.Update(t.Context(), "service-1", func(d *integration.Document) error {
		d.Owner = "one"
		return nil
	})
	require.NoError(t, err)
	before := len(f.Store.Calls(operationtest.CallGet))
	ctx := caller.With(t.Context(), caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleRead}})
	page, err := f.Engine.History.List(ctx, operation.Listing{Limit: 1000})
	require.NoError(t, err)
	var ids, unreadable []string
	for _, op := range page.Operations {
		ids = append(ids, op.ID)
	}
	for _, u := range page.Unreadable {
		unreadable = append(unreadable, u.ID+" "+string(u.Diagnosis.Code))
	}
	assert.Equal(t, []string{"op-7", "op-4"}, ids)
	assert.Equal(t, []string{"op-1 operation-unreadable"}, unreadable)
	asked := map[string]int{}
	for _, c := range f.Store.Calls(operationtest.CallGet)[before:] {
		if strings.HasPrefix(c.Key, "integrations/") {
			asked[c.Key]++
		}
	}
	assert.Equal(t, map[string]int{"integrations/service-0.json": 1, "integrations/service-1.json": 1,
		"integrations/service-2.json": 1}, asked, "each is read once")
}

// TestAnEntryOfNoOperation is passed over: its request was killed, or the operation was made by a later try.
func TestAnEntryOfNoOperation(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func(*fixture) {}, func(f *fixture, ctx context.Context) {
		_, _ = f.submit(ctx, provisionCommand(operationID))
	}, func(f *fixture) {
		f.Advance(time.Minute)
		_, err := f.Store.Records.Put(f.t.Context(), "journal/"+"stray", []byte("{}"), "")
		require.NoError(f.t, err)
		f.mustSubmit(provisionCommand(operationID))
		for _, of := range []string{"", id} {
			ids, _ := f.listed(operation.Listing{IntegrationID: of, Limit: 10})
			assert.Equal(f.t, []string{operationID}, ids)
		}
	})
}

// TestAListOverAStoreThatFails tells so.
func TestAListOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	f := filled(t)
	for _, failing := range []string{"journal/", "operations/"} {
		f.Store.Before = func(c operationCall) error {
			if strings.HasPrefix(c.Key, failing) {
				return errors.New("down")
			}
			return nil
		}
		_, err := f.Engine.History.List(t.Context(), operation.Listing{Limit: 10})
		requireCode(t, diagnosis.CodeStoreUnavailable, operation.StoreError(err))
	}
}

// TestWhatIsKeptAfterTheRetention: what has not ended, an integration's last one, what is still to be told, what was
// written lately, and what cannot be read. All else goes, with its entries and those of no operation.
func TestWhatIsKeptAfterTheRetention(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	end := func(id string) {
		_, err := f.Repository.UpdateOperationFrom(t.Context(), f.Operation(id), func(o *integration.Operation) error {
			o.Status = integration.OperationSucceeded
			return nil
		})
		require.NoError(t, err)
	}
	for _, id := range []string{"gone", "gone-too", "running", "unreadable", "told-late", "last"} {
		f.mustSubmit(provisionCommand(id))
		if id != "running" {
			end(id)
		}
		f.Advance(time.Minute)
	}
	_, err := f.Repository.Update(t.Context(), id, func(d *integration.Document) error {
		d.Outbox.Add(integration.Notice{ID: "notice", Type: message.TypeIntegrationFailed, OperationID: "told-late"})
		return nil
	})
	require.NoError(t, err)
	f.Refuse(message.TopicEvents, errNoLink)
	f.spoil("operations/unreadable.json", "{")
	kept := func() []string {
		ids, unreadable := f.listed(operation.Listing{Limit: 1000})
		one, _ := f.listed(operation.Listing{IntegrationID: id, Limit: 1000})
		assert.Equal(t, ids, one)
		return slices.Sorted(slices.Values(append(ids, unreadable...)))
	}
	sweepLater := func(later time.Duration) {
		f.Advance(later)
		f.Advance(f.Now().Truncate(time.Hour).Add(time.Hour).Sub(f.Now()))
		_ = f.Engine.Sweep(t.Context()) // the topic takes nothing, which ends another part of it
	}
	whole := kept()
	sweepLater(operationtest.Retention - 2*time.Hour)
	assert.Equal(t, whole, kept())
	end("gone-too") // written lately
	f.Advance(4 * time.Hour)
	f.Advance(operation.SweepInterval)
	require.NotZero(t, f.Now().Minute())
	_ = f.Engine.Sweep(t.Context()) // the topic takes nothing still
	assert.Equal(t, whole, kept(), "once an hour")
	sweepLater(0)
	rest := []string{"last", "running", "told-late", "unreadable operation-unreadable"}
	assert.Equal(t, append([]string{"gone-too"}, rest...), kept())
	sweepLater(operationtest.Retention)
	assert.Equal(t, rest, kept())
	assert.Len(t, f.Keys("journal/"), len(rest))
	assert.Len(t, f.Keys("history/"), len(rest))
}

// TestTheRetentionOfWhatIsGone: the last operation of an integration that was torn down goes like the others.
func TestTheRetentionOfWhatIsGone(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func(f *fixture) {
		f.handle(f.submitted())
		f.mustSubmit(teardownCommand(false))
		f.handle(teardownCommand(false))
		f.Advance(operationtest.Retention + 4*time.Hour)
		f.Advance(f.Now().Truncate(time.Hour).Add(time.Hour).Sub(f.Now()))
	}, func(f *fixture, ctx context.Context) { _ = f.Engine.Sweep(ctx) },
		func(f *fixture) {
			f.sweep()
			assert.Empty(f.t, f.Keys("operations/"))
			assert.Empty(f.t, f.Keys("journal/"))
			assert.Empty(f.t, f.Keys("history/"))
			assert.Equal(f.t, integration.PhaseDeleted, f.Document().Status.Phase)
		})
}
