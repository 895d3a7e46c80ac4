package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

// TestRecordsOfVersion1AreRead: the files are what builds from before there were versions have written, through the
// whole app. They are never made anew: a change that does not read them, or loses a member of them, is to be of
// another version.
func TestRecordsOfVersion1AreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "records", "v1-*.json"))
	require.NoError(t, err)
	require.Len(t, files, 18)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			var old struct {
				ID            string
				IntegrationID string
				UpdatedAt     time.Time
				LastUpdatedAt time.Time
			}
			require.NoError(t, json.Unmarshal(body, &old))
			r, ctx := repository(), t.Context()
			key, save := "", func() error { return nil }
			switch kind := strings.Split(filepath.Base(file), "-")[1]; kind {
			case "integration":
				r.Now = func() time.Time { return old.UpdatedAt }
				key = "integrations/" + old.ID + ".json"
				save = func() error {
					_, err := r.Update(ctx, old.ID, func(*integration.Document) error { return nil })
					return err
				}
			case "operation":
				r.Now = func() time.Time { return old.LastUpdatedAt }
				key = "operations/" + old.ID + ".json"
				save = func() error {
					_, err := updateOperation(ctx, r, old.ID, func(*integration.Operation) error { return nil })
					return err
				}
			case "health":
				key = "health/" + old.IntegrationID + ".json"
				save = func() error {
					_, err := r.UpdateHealth(ctx, old.IntegrationID, func(*integration.HealthRecord) error {
						return nil
					})
					return err
				}
			default:
				require.Fail(t, "no such kind", kind)
			}
			_, err = r.Store.Put(ctx, key, body, "")
			require.NoError(t, err)
			require.NoError(t, save())
			saved, err := r.Store.Get(ctx, key)
			require.NoError(t, err)
			// Nothing uses any more when a form was handed out.
			body = bytes.Replace(body, []byte(`"since": "2026-11-29T20:00:27Z",`), nil, 1)
			want := bytes.Replace(body, []byte("{"), []byte(`{"schemaVersion": 1,`), 1)
			assert.JSONEq(t, string(want), string(saved.Body), "nothing is lost, and the version is written down")
			require.NoError(t, save(), "what was written is read")
		})
	}
}

// TestIdentitiesOfRecords: one from before there were kinds is an application, as soon as there is anything of it.
func TestIdentitiesOfRecords(t *testing.T) {
	t.Parallel()
	const application, managed = integration.IdentityApplication, integration.IdentityManaged
	for status, want := range map[string]integration.IdentityMade{
		`{}`:                              {},
		`{"uniqueName":"u"}`:              {Key: "u"},
		`{"clientId":"c"}`:                {Kind: application},
		`{"objectId":"o","clientId":"c"}`: {Kind: application, ID: "o"},
		`{"uniqueName":"u","objectId":"o","clientId":"c"}`: {Kind: application, Key: "u", ID: "o"},
		`{"identity":{"kind":"application"}}`:              {Kind: application},
		`{"identity":{"formerClientId":"f"}}`:              {FormerClientID: "f"},
		`{"identity":{"kind":"managedIdentity","resourceId":"k","location":"l","formerClientId":"f"},"clientId":"c"}`: {
			Kind: managed, Key: "k", Location: "l", FormerClientID: "f"},
	} {
		r := repository()
		version := 1
		if want.Kind == managed {
			version = 2
		}
		_, err := r.Store.Put(t.Context(), "integrations/aaa.json",
			fmt.Appendf(nil, `{"schemaVersion":%d,"id":"aaa","status":%s}`, version, status), "")
		require.NoError(t, err)
		d, err := r.Update(t.Context(), "aaa", func(*integration.Document) error { return nil })
		require.NoError(t, err)
		assert.Equal(t, want, d.Status.Identity, status)
		saved, err := r.Store.Get(t.Context(), "integrations/aaa.json")
		require.NoError(t, err)
		var record struct{ Status map[string]any }
		require.NoError(t, json.Unmarshal(saved.Body, &record))
		delete(record.Status, "phase")
		again, err := json.Marshal(record.Status)
		require.NoError(t, err)
		assert.JSONEq(t, status, string(again), "it is written as it was")
	}
}

// TestEveryMemberIsKept: what a use case writes into a document, an operation or a health record is there again.
func TestEveryMemberIsKept(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	d, o, h := storetest.Filled[integration.Document](), storetest.Filled[integration.Operation](),
		storetest.Filled[integration.HealthRecord]()
	h.LastReport.Checks[0].Bearing = assessment.Bearing{} // only for whoever makes the report
	var err error
	d, err = r.Create(ctx, d)
	require.NoError(t, err)
	o, err = r.CreateOperation(ctx, o)
	require.NoError(t, err)
	h.ETag = ""
	require.NoError(t, r.SaveHealth(ctx, &h))

	document, err := r.Get(ctx, d.ID)
	require.NoError(t, err)
	assert.Equal(t, d, document)
	operation, err := r.GetOperation(ctx, o.ID)
	require.NoError(t, err)
	assert.Equal(t, o, operation)
	health, err := r.GetHealth(ctx, h.IntegrationID)
	require.NoError(t, err)
	assert.Equal(t, h, health)
	page, err := r.List(ctx, "", 1)
	require.NoError(t, err)
	assert.Equal(t, integration.Page{Documents: []integration.Document{d}}, page)
}

// TestRecordsSayTheirVersion also where nobody reads them but people.
func TestRecordsSayTheirVersion(t *testing.T) {
	t.Parallel()
	r, ctx := repository(), t.Context()
	_, err := r.Create(ctx, integration.Document{ID: "aaa"})
	require.NoError(t, err)
	_, err = r.CreateOperation(ctx, integration.Operation{ID: "aaa"})
	require.NoError(t, err)
	require.NoError(t, r.SaveHealth(ctx, &integration.HealthRecord{IntegrationID: "aaa"}))
	managed := &integration.Identity{Kind: integration.IdentityManaged}
	_, err = r.Create(ctx, integration.Document{ID: "bbb", Spec: integration.Spec{Identity: managed}})
	require.NoError(t, err)
	_, err = r.Create(ctx, integration.Document{ID: "ccc", Status: integration.Status{
		Identity: integration.IdentityMade{Kind: integration.IdentityManaged}}})
	require.NoError(t, err)
	_, err = r.Create(ctx, integration.Document{ID: "ddd", IsUnmanaged: true})
	require.NoError(t, err)
	_, err = r.Create(ctx, integration.Document{ID: "eee", Owner: "somebody"})
	require.NoError(t, err)
	_, err = r.Create(ctx, integration.Document{ID: "fff", Owner: caller.IDFunctionKey})
	require.NoError(t, err)
	_, err = r.Create(ctx, integration.Document{ID: "ggg", Status: integration.Status{
		ClientID: "c", Identity: integration.IdentityMade{ID: "o", IsTaken: true}}})
	require.NoError(t, err)
	taken, err := r.Get(ctx, "ggg")
	require.NoError(t, err)
	assert.True(t, taken.Status.Identity.IsTaken)
	imported, err := r.Get(ctx, "ddd")
	require.NoError(t, err)
	assert.True(t, imported.IsUnmanaged)
	for key, version := range map[string]int{"integrations/aaa": 1, "operations/aaa": 1, "health/aaa": 1,
		"integrations/bbb": 2, "integrations/ccc": 2, "integrations/ddd": 3,
		"integrations/eee": 4, "integrations/fff": 1, "integrations/ggg": integration.SchemaVersion} {
		record, err := r.Store.Get(ctx, key+".json")
		require.NoError(t, err)
		assert.Contains(t, string(record.Body), fmt.Sprintf(`"schemaVersion":%d`, version), key)
	}
	for id, owner := range map[string]string{"aaa": caller.IDFunctionKey, "eee": "somebody",
		"fff": caller.IDFunctionKey} {
		d, err := r.Get(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, owner, d.Owner, id)
	}
	read, err := r.Get(ctx, "aaa")
	require.NoError(t, err)
	assert.Equal(t, integration.IdentityApplication, read.Spec.Identity.Kind,
		"a record that does not say is of an application")
}
