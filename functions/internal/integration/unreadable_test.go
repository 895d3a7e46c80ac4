package integration_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// bad are bodies of records that cannot be read, with what is said of them. ID stands for the member that names it.
var bad = map[string]struct{ body, code, text string }{
	"empty":               {"", "record-unreadable", "it is empty"},
	"blank":               {" \n", "record-unreadable", "it is empty"},
	"truncated":           {`{ID,"createdAt":"20`, "record-unreadable", "it is not JSON from byte"},
	"not JSON":            {"<html>", "record-unreadable", "it is not JSON from byte 1 of 6 on"},
	"more than one value": {`{ID} {}`, "record-unreadable", "it is not JSON from byte"},
	"an array":            {`[1]`, "record-unreadable", "it is JSON, but not an object"},
	"a string":            {`"aaa"`, "record-unreadable", "it is JSON, but not an object"},
	"null":                {`null`, "record-unreadable", "it does not name itself aaa"},
	"nothing in it":       {`{}`, "record-unreadable", "it does not name itself aaa"},
	"another id": {`{"id":"bbb","integrationId":"bbb"}`, "record-unreadable",
		"it does not name itself aaa"},
	"a member of another type": {`{ID,"createdAt":5,"since":5}`, "record-unreadable", ""},
	"a time that is none": {`{ID,"createdAt":"eyJ-secret","since":"eyJ-secret"}`, "record-unreadable",
		"of another form"},
	"a version of another type": {`{ID,"schemaVersion":"1"}`, "record-unreadable",
		"its member schemaVersion is JSON of another type"},
	"a version that never was": {`{ID,"schemaVersion":0}`, "record-unreadable", "its schema version is 0"},
	"a newer version": {`{ID,"schemaVersion":6}`, "record-too-new",
		"of schema version 6, and this build knows no later one than 5"},
	"a newer version, otherwise": {`{"schemaVersion":9,"status":[],"state":{}}`, "record-too-new",
		"of schema version 9"},
}

// requireRefused holds an error to what its kind of record is refused with.
func requireRefused(t *testing.T, err error, code, text, key string) {
	t.Helper()
	var known *diagnosis.Error
	require.ErrorAs(t, err, &known)
	assert.Equal(t, code, string(known.Diagnosis.Code))
	assert.Contains(t, known.Diagnosis.Detail, text)
	assert.Contains(t, known.Diagnosis.Detail, key, "people look at the blob")
	assert.NotContains(t, err.Error()+known.Diagnosis.Detail, "secret", "nothing of the record is repeated")
	newer := code == "record-too-new"
	assert.Equal(t, !newer, errors.Is(err, integration.ErrUnreadable))
	assert.Equal(t, newer, errors.Is(err, integration.ErrTooNew))
	assert.True(t, integration.IsRefused(err))
	assert.Equal(t, newer, known.Diagnosis.Transient, "only a newer build's record may be read by somebody else")
}

func TestARecordThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ctx := repository(), t.Context()
			put := func(kind, member string) string {
				place(t, r.Store, kind+"/aaa.json", strings.ReplaceAll(c.body, "ID", member))
				return kind + "/aaa.json"
			}
			key := put("integrations", `"id":"aaa"`)
			_, err := r.Get(ctx, "aaa")
			requireRefused(t, err, c.code, c.text, key)
			_, err = r.Update(ctx, "aaa", func(*integration.Document) error { return nil })
			requireRefused(t, err, c.code, c.text, key)

			code := c.code
			if code == "record-unreadable" {
				code = "operation-unreadable"
			}
			key = put("operations", `"id":"aaa"`)
			_, err = r.GetOperation(ctx, "aaa")
			requireRefused(t, err, code, c.text, key)

			key = put("health", `"integrationId":"aaa"`)
			_, err = r.GetHealth(ctx, "aaa")
			requireRefused(t, err, c.code, c.text, key)
		})
	}
}

// TestOneBadRecordHidesNoOther: each of them is named, and the others are listed, page by page.
func TestOneBadRecordHidesNoOther(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	for _, id := range []string{"aaa", "ccc", "eee"} {
		_, err := r.Create(ctx, integration.Document{ID: id})
		require.NoError(t, err)
	}
	for key, body := range map[string]string{"bbb.json": "{", "ddd.json": `{"id":"ddd","schemaVersion":7}`,
		"notes.txt": "hello"} {
		_, err := r.Store.Put(ctx, "integrations/"+key, []byte(body), "")
		require.NoError(t, err)
	}
	for _, limit := range []int{1, 2, 4, 100} {
		var good, named []string
		for token, more := "", true; more; more = token != "" {
			page, err := r.List(ctx, token, limit)
			require.NoError(t, err)
			for _, d := range page.Documents {
				good = append(good, d.ID)
			}
			for _, u := range page.Unreadable {
				named = append(named, u.ID+" "+string(u.Diagnosis.Code))
			}
			token = page.Next
		}
		assert.Equal(t, []string{"aaa", "ccc", "eee"}, good, "limit %d", limit)
		assert.Equal(t, []string{"bbb record-unreadable", "ddd record-too-new", "notes.txt record-unreadable"}, named,
			"limit %d", limit)
	}
}

// swollen is a store with records that are larger than it reads.
type swollen struct{ integration.Store }

func (s swollen) Get(context.Context, string) (integration.Record, error) {
	return integration.Record{}, fmt.Errorf("read: %w", integration.ErrUnreadable)
}

func (s swollen) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	records, next, err := s.Store.List(ctx, prefix, token, limit)
	for i := range records {
		records[i] = integration.Record{Key: records[i].Key, Err: integration.ErrUnreadable}
	}
	return records, next, err
}

func TestWhatTheStoreCannotReadIsRefused(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	_, err := r.Create(ctx, integration.Document{ID: "aaa"})
	require.NoError(t, err)
	r.Store = swollen{r.Store}
	_, err = r.Get(ctx, "aaa")
	requireRefused(t, err, "record-unreadable", "larger than a record can be", "integrations/aaa.json")
	page, err := r.List(ctx, "", 10)
	require.NoError(t, err)
	require.Len(t, page.Unreadable, 1)
	assert.Equal(t, "aaa", page.Unreadable[0].ID)
	_, err = r.SetAside(ctx, "aaa", "")
	requireRefused(t, err, "record-unreadable", "larger than a record can be", "integrations/aaa.json")
}

// asideKey is where a record is kept that was set aside.
func asideKey(kind, id, body string) string {
	sum := sha256.Sum256([]byte(body))
	return "unreadable/" + kind + "/" + id + "-" + hex.EncodeToString(sum[:8]) + ".json"
}

func TestSetAside(t *testing.T) {
	t.Parallel()
	const broken = "{\"id\": \"aaa\",\x00 broken"
	for name, c := range map[string]struct {
		body    string
		stale   bool
		prepare func(t *testing.T, s integration.Store)
		err     error
	}{
		"an unreadable record": {body: broken},
		"an empty one":         {body: ""},
		"one whose copy is there": {body: broken, prepare: func(t *testing.T, s integration.Store) {
			place(t, s, asideKey("integrations", "aaa", broken), broken)
		}},
		"where something else is kept": {body: broken, prepare: func(t *testing.T, s integration.Store) {
			place(t, s, asideKey("integrations", "aaa", broken), "x")
		}, err: integration.ErrConflict},
		"another version":        {body: broken, stale: true, err: integration.ErrConflict},
		"a readable record":      {body: `{"id":"aaa"}`, err: integration.ErrConflict},
		"a newer build's record": {body: `{"id":"aaa","schemaVersion":6}`, err: integration.ErrTooNew},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ctx := repository(), t.Context()
			etag := place(t, r.Store, "integrations/aaa.json", c.body)
			if c.stale {
				etag = `"another"`
			}
			if c.prepare != nil {
				c.prepare(t, r.Store)
			}
			key, err := r.SetAside(ctx, "aaa", etag)
			there, readErr := r.Store.Get(ctx, "integrations/aaa.json")
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				require.NoError(t, readErr)
				assert.Equal(t, c.body, string(there.Body), "it stays as it is")
				return
			}
			require.NoError(t, err)
			require.ErrorIs(t, readErr, integration.ErrNotFound, "the id is free")
			kept, err := r.Store.Get(ctx, key)
			require.NoError(t, err)
			assert.Equal(t, c.body, string(kept.Body), "byte for byte")
			assert.Equal(t, asideKey("integrations", "aaa", c.body), key)
		})
	}
	_, err := repository().SetAside(t.Context(), "aaa", `"1"`)
	require.ErrorIs(t, err, integration.ErrNotFound)
}

func place(t *testing.T, s integration.Store, key, body string) string {
	t.Helper()
	etag, err := s.Put(t.Context(), key, []byte(body), "")
	require.NoError(t, err)
	return etag
}

// forgetful answers that a record is gone which it has deleted, as a store does after a lost answer.
type forgetful struct{ integration.Store }

func (f forgetful) Delete(ctx context.Context, key, ifMatch string) error {
	if err := f.Store.Delete(ctx, key, ifMatch); err != nil {
		return err
	}
	return integration.ErrNotFound
}

func TestSetAsideWithALostAnswer(t *testing.T) {
	t.Parallel()
	r := repository()
	etag := place(t, r.Store, "integrations/aaa.json", "{")
	r.Store = forgetful{r.Store}
	key, err := r.SetAside(t.Context(), "aaa", etag)
	require.NoError(t, err)
	assert.Equal(t, asideKey("integrations", "aaa", "{"), key)
}

// TestHealthBeginsAnewWhereItsRecordCannotBeRead: nothing but time is lost, and what was there is kept.
func TestHealthBeginsAnewWhereItsRecordCannotBeRead(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	place(t, r.Store, "health/aaa.json", "{")
	h, err := r.UpdateHealth(ctx, "aaa", func(h *integration.HealthRecord) error {
		assert.Equal(t, integration.HealthRecord{IntegrationID: "aaa", ETag: h.ETag}, *h)
		h.State = integration.HealthHealthy
		return nil
	})
	require.NoError(t, err)
	read, err := r.GetHealth(ctx, "aaa")
	require.NoError(t, err)
	assert.Equal(t, h, read)
	kept, err := r.Store.Get(ctx, asideKey("health", "aaa", "{"))
	require.NoError(t, err)
	assert.Equal(t, "{", string(kept.Body))

	place(t, r.Store, "health/bbb.json", `{"schemaVersion":6}`)
	_, err = r.UpdateHealth(ctx, "bbb", func(*integration.HealthRecord) error { return nil })
	require.ErrorIs(t, err, integration.ErrTooNew, "what a newer build has written is not replaced")
}
