package integration_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

// reading counts what is read of a store.
type reading struct {
	integration.Store
	records, lists int
}

func (r *reading) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	records, next, err := r.Store.List(ctx, prefix, token, limit)
	r.records, r.lists = r.records+len(records), r.lists+1
	return records, next, err
}

// TestAListIsThatOfAPrivateStore: with others' records between one's own, each page and each token is what a store of
// one's own would give. (A token of this store is the name that the next page begins with.)
func TestAListIsThatOfAPrivateStore(t *testing.T) {
	t.Parallel()
	isOwn := func(r integration.Record) (bool, error) { return string(r.Body) == "own", nil }
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		owns := rapid.SliceOfN(rapid.Bool(), 0, 60).Draw(t, "owns")
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		shared, private := &reading{Store: storetest.NewMemory()}, storetest.NewMemory()
		for i, own := range owns {
			key, body := fmt.Sprintf("list/%03d", i), "others"
			if own {
				body = "own"
				_, err := private.Put(ctx, key, []byte(body), "")
				require.NoError(t, err)
			}
			_, err := shared.Put(ctx, key, []byte(body), "")
			require.NoError(t, err)
		}
		for token, isFirst := "", true; isFirst || token != ""; isFirst = false {
			shared.records = 0
			got, next, err := integration.ListVisible(ctx, shared, "list/", token, limit, isOwn)
			require.NoError(t, err)
			want, wantNext, err := private.List(ctx, "list/", token, limit)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, want[i].Key, got[i].Key)
			}
			require.Equal(t, wantNext, next)
			require.LessOrEqual(t, shared.records, 3*len(owns)+1, "it ends")
			token = next
		}
	})
}

// TestAListReadsOnInStrides: in search of the next of one's own it does not go record by record.
func TestAListReadsOnInStrides(t *testing.T) {
	t.Parallel()
	store := storetest.NewMemory()
	for i := range 500 {
		body := "others"
		if i == 499 {
			body = "own"
		}
		_, err := store.Put(t.Context(), fmt.Sprintf("list/%03d", i), []byte(body), "")
		require.NoError(t, err)
	}
	counted := &reading{Store: store}
	got, next, err := integration.ListVisible(t.Context(), counted, "list/", "", 1,
		func(r integration.Record) (bool, error) { return string(r.Body) == "own", nil })
	require.NoError(t, err)
	assert.Empty(t, next)
	require.Len(t, got, 1)
	assert.Less(t, counted.lists, 12)
}

// TestAListNamesNothingOfOthers: neither an integration nor a record that cannot be read, nor in a token.
func TestAListNamesNothingOfOthers(t *testing.T) {
	t.Parallel()
	r := &integration.Repository{Store: storetest.NewMemory()}
	for id, owner := range map[string]string{"a1": "others", "b1": "own", "c1": "others", "d1": "own",
		"e1": "others"} {
		_, err := r.Create(t.Context(), integration.Document{ID: id, Owner: owner})
		require.NoError(t, err)
	}
	_, err := r.Store.Put(t.Context(), "integrations/c2.json", []byte("{"), "")
	require.NoError(t, err)
	ctx := caller.With(t.Context(), caller.Caller{ID: "own", Roles: []caller.Role{caller.RoleOperate}})
	page, err := r.List(ctx, "", 1)
	require.NoError(t, err)
	require.Len(t, page.Documents, 1)
	assert.Equal(t, "b1", page.Documents[0].ID)
	assert.Equal(t, "integrations/d1.json", page.Next)
	page, err = r.List(ctx, page.Next, 1)
	require.NoError(t, err)
	require.Len(t, page.Documents, 1)
	assert.Empty(t, page.Next, "behind it there are only others'")
	assert.Empty(t, page.Unreadable)
	none, err := r.List(caller.With(t.Context(), caller.Caller{ID: "nobody"}), "", 1)
	require.NoError(t, err)
	assert.Equal(t, integration.Page{}, none)
	all, err := r.List(t.Context(), "", 1000)
	require.NoError(t, err)
	assert.Len(t, all.Documents, 5)
	assert.Len(t, all.Unreadable, 1)
}

// TestWhoSeesAnOperation: the owner of the life that it was part of, who is the present one while that goes on.
// Records
// of earlier builds name neither: their time tells, and who has asked for them.
func TestWhoSeesAnOperation(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 30, 12, 0, 0, 123_456_789, time.UTC)
	r := &integration.Repository{Store: storetest.NewMemory()}
	_, err := r.Create(t.Context(), integration.Document{ID: "my-images", Owner: "present", FirstOperationID: "second",
		CreatedAt: start})
	require.NoError(t, err)
	_, err = r.Store.Put(t.Context(), "integrations/spoilt.json", []byte("{"), "")
	require.NoError(t, err)
	asked := caller.IDs{ID: "asked"}
	for name, c := range map[string]struct {
		operation integration.Operation
		want      string
	}{
		"of this life, under another owner": {integration.Operation{IntegrationID: "my-images", Caller: asked,
			Owner: "past", FirstOperationID: "second"}, "present"},
		"of an earlier life": {integration.Operation{IntegrationID: "my-images", Caller: asked, Owner: "past",
			FirstOperationID: "first", CreatedAt: start.Add(time.Hour)}, "past"},
		"of an integration that is gone": {integration.Operation{IntegrationID: "gone", Caller: asked, Owner: "past",
			FirstOperationID: "first"}, "past"},
		"of none":                    {integration.Operation{Caller: asked}, "asked"},
		"of one that cannot be read": {integration.Operation{IntegrationID: "spoilt", Owner: "past"}, ""},
		"of an earlier build, of this life": {integration.Operation{IntegrationID: "my-images", Caller: asked,
			CreatedAt: start.Truncate(time.Millisecond)}, "present"},
		"of an earlier build and life": {integration.Operation{IntegrationID: "my-images", Caller: asked,
			CreatedAt: start.Add(-time.Second)}, "asked"},
	} {
		for _, who := range []string{"present", "past", "asked"} {
			sight := r.OperationSight(caller.With(t.Context(), caller.Caller{ID: who}))
			for range 2 { // what is read once is known
				isSeen, err := sight(c.operation)
				require.NoError(t, err)
				assert.Equal(t, who == c.want, isSeen, "%s: %s", name, who)
			}
		}
	}
	assert.Nil(t, r.OperationSight(t.Context()), "the app itself sees all")
}
