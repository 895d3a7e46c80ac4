package integration_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

func repository() *integration.Repository {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &integration.Repository{Store: storetest.NewMemory(), Now: func() time.Time { return at }}
}

func TestDocuments(t *testing.T) {
	r, ctx := repository(), t.Context()
	_, err := r.Get(ctx, "my-service")
	require.ErrorIs(t, err, integration.ErrNotFound)
	made, err := r.Create(ctx, integration.Document{ID: "my-service", Generation: 1,
		Spec: integration.Spec{Identity: &integration.Identity{Kind: integration.IdentityApplication}}})
	require.NoError(t, err)
	assert.Equal(t, r.Now(), made.CreatedAt)
	_, err = r.Create(ctx, integration.Document{ID: "my-service"})
	require.ErrorIs(t, err, integration.ErrConflict)

	stale := made
	made.Status.Phase = integration.PhasePending
	require.NoError(t, r.Save(ctx, &made))
	require.NoError(t, r.Save(ctx, &made), "Save carries the new version on")
	require.ErrorIs(t, r.Save(ctx, &stale), integration.ErrConflict)
	require.ErrorIs(t, r.Save(ctx, &integration.Document{ID: "my-service"}), integration.ErrConflict,
		"never without a version")
	read, err := r.Get(ctx, "my-service")
	require.NoError(t, err)
	assert.Equal(t, made, read)
}

func TestUpdateLosesNothing(t *testing.T) {
	r, ctx := repository(), t.Context()
	_, err := r.Create(ctx, integration.Document{ID: "my-service"})
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := r.Update(ctx, "my-service", func(d *integration.Document) error {
				d.Spec.Subjects = append(d.Spec.Subjects, "one more")
				return nil
			})
			assert.NoError(t, err)
		})
	}
	group.Wait()
	d, err := r.Get(ctx, "my-service")
	require.NoError(t, err)
	assert.Len(t, d.Spec.Subjects, 8)

	stop := errors.New("stop")
	_, err = r.Update(ctx, "my-service", func(*integration.Document) error { return stop })
	require.ErrorIs(t, err, stop)
	_, err = r.Update(ctx, "nowhere", func(*integration.Document) error { return nil })
	require.ErrorIs(t, err, integration.ErrNotFound)
}

// contested is a store where somebody else always writes first.
type contested struct{ integration.Store }

func (contested) Put(context.Context, string, []byte, string) (string, error) {
	return "", integration.ErrConflict
}

func TestUpdateGivesUp(t *testing.T) {
	r := repository()
	_, err := r.Create(t.Context(), integration.Document{ID: "my-service"})
	require.NoError(t, err)
	r.Store = contested{r.Store}
	_, err = r.Update(t.Context(), "my-service", func(*integration.Document) error { return nil })
	assert.ErrorIs(t, err, integration.ErrConflict)
}

func TestOperations(t *testing.T) {
	r, ctx := repository(), t.Context()
	o, err := r.CreateOperation(ctx, integration.Operation{ID: "op-1", Status: integration.OperationNotStarted})
	require.NoError(t, err)
	assert.NotNil(t, o.Steps, "an empty list, not null")
	_, err = r.CreateOperation(ctx, integration.Operation{ID: "op-1"})
	require.ErrorIs(t, err, integration.ErrConflict)
	_, err = updateOperation(ctx, r, "op-1", func(o *integration.Operation) error {
		o.Status = integration.OperationRunning
		return nil
	})
	require.NoError(t, err)
	require.ErrorIs(t, r.SaveOperation(ctx, &o), integration.ErrConflict)
	read, err := r.GetOperation(ctx, "op-1")
	require.NoError(t, err)
	assert.Equal(t, integration.OperationRunning, read.Status)
	require.NoError(t, r.SaveOperation(ctx, &read))
}

func TestListPages(t *testing.T) {
	r, ctx := repository(), t.Context()
	for _, id := range []string{"ccc", "aaa", "bbb"} {
		_, err := r.Create(ctx, integration.Document{ID: id})
		require.NoError(t, err)
	}
	_, err := r.CreateOperation(ctx, integration.Operation{ID: "op-1"})
	require.NoError(t, err)
	var ids []string
	for token, more := "", true; more; more = token != "" {
		page, err := r.List(ctx, token, 2)
		require.NoError(t, err)
		token = page.Next
		assert.Empty(t, page.Unreadable)
		for _, d := range page.Documents {
			assert.NotEmpty(t, d.ETag)
			ids = append(ids, d.ID)
		}
	}
	assert.Equal(t, []string{"aaa", "bbb", "ccc"}, ids)
}

func TestSaveRejected(t *testing.T) {
	r, ctx := repository(), t.Context()
	for range 2 {
		require.NoError(t, r.SaveRejected(ctx, "m-1", []byte("{not json")))
		require.NoError(t, r.SaveRejected(ctx, "m-1", []byte("another")))
	}
	records, _, err := r.Store.List(ctx, "rejected/", "", 10)
	require.NoError(t, err)
	require.Len(t, records, 2)
	bodies := []string{string(records[0].Body), string(records[1].Body)}
	assert.ElementsMatch(t, []string{"{not json", "another"}, bodies)
}

func TestARejectedTokenIsNotKept(t *testing.T) {
	r, ctx := repository(), t.Context()
	require.NoError(t, r.SaveRejected(ctx, "m-1",
		[]byte(`{"data":{"mode":"oracle","subjectToken":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwIn0.c2ln"}}`)))
	kept, err := r.Store.Get(ctx, "rejected/m-1.json")
	require.NoError(t, err)
	assert.Equal(t, `{"data":{"mode":"oracle","subjectToken":"[redacted]"}}`, string(kept.Body))
}

// updateOperation reads and changes an operation, as whoever ends it does.
func updateOperation(ctx context.Context, r *integration.Repository, id string,
	change func(*integration.Operation) error) (integration.Operation, error) {
	o, err := r.GetOperation(ctx, id)
	if err != nil {
		return integration.Operation{}, err
	}
	return r.UpdateOperationFrom(ctx, o, change)
}
