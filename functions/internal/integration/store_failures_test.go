package integration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

// filled is a repository with two of each record.
func filled(t *testing.T) *integration.Repository {
	t.Helper()
	r := repository()
	for _, id := range []string{"first", "second"} {
		_, err := r.Create(t.Context(), integration.Document{ID: id})
		require.NoError(t, err)
		_, err = r.CreateOperation(t.Context(), integration.Operation{ID: id})
		require.NoError(t, err)
		require.NoError(t, r.SaveHealth(t.Context(), &integration.HealthRecord{IntegrationID: id}))
		require.NoError(t, r.SaveRejected(t.Context(), id, []byte("body")))
		_, err = r.Touch(t.Context(), "due/"+id, []byte("{}"))
		require.NoError(t, err)
		for _, key := range []string{"integrations/bad-" + id, "health/bad-" + id} {
			_, err = r.Store.Put(t.Context(), key+".json", []byte("{"), "")
			require.NoError(t, err)
		}
	}
	return r
}

// uses are all that a repository does, each on the second of two records.
var uses = map[string]func(t *testing.T, r *integration.Repository) error{
	"get": func(t *testing.T, r *integration.Repository) error {
		d, err := r.Get(t.Context(), "second")
		return errOr(err, d.ID == "second")
	},
	"create": func(t *testing.T, r *integration.Repository) error {
		d, err := r.Create(t.Context(), integration.Document{ID: "third"})
		return errOr(err, d.ETag != "")
	},
	"update": func(t *testing.T, r *integration.Repository) error {
		d, err := r.Update(t.Context(), "second", func(d *integration.Document) error {
			d.Status.ClientID = "changed"
			return nil
		})
		return errOr(err, d.Status.ClientID == "changed")
	},
	"put": func(t *testing.T, r *integration.Repository) error {
		d, err := r.Put(t.Context(), integration.Document{ID: "second"}, func(d *integration.Document) error {
			d.Status.ClientID = "changed"
			return nil
		})
		return errOr(err, d.Status.ClientID == "changed" && d.ETag != "" && !d.CreatedAt.IsZero())
	},
	"put a new one": func(t *testing.T, r *integration.Repository) error {
		d, err := r.Put(t.Context(), integration.Document{ID: "third"}, func(*integration.Document) error {
			return nil
		})
		return errOr(err, d.ETag != "" && d.CreatedAt.Equal(r.Now()))
	},
	"list": func(t *testing.T, r *integration.Repository) error {
		page, err := r.List(t.Context(), "", 10)
		return errOr(err, len(page.Documents) == 2 && len(page.Unreadable) == 2)
	},
	"get an operation": func(t *testing.T, r *integration.Repository) error {
		o, err := r.GetOperation(t.Context(), "second")
		return errOr(err, o.ID == "second" && o.ETag != "")
	},
	"create an operation": func(t *testing.T, r *integration.Repository) error {
		o, err := r.CreateOperation(t.Context(), integration.Operation{ID: "third"})
		return errOr(err, o.ETag != "" && o.Steps != nil)
	},
	"update a stale operation": func(t *testing.T, r *integration.Repository) error {
		o, err := r.UpdateOperationFrom(t.Context(), integration.Operation{ID: "second", ETag: `"stale"`},
			func(o *integration.Operation) error {
				o.Status = integration.OperationFailed
				return nil
			})
		return errOr(err, o.Status == integration.OperationFailed && o.ETag != `"stale"`)
	},
	"update a stale document": func(t *testing.T, r *integration.Repository) error {
		d, err := r.UpdateFrom(t.Context(), integration.Document{ID: "second", ETag: `"stale"`},
			func(d *integration.Document) error {
				d.Status.ClientID = "changed"
				return nil
			})
		return errOr(err, d.Status.ClientID == "changed" && !d.CreatedAt.IsZero())
	},
	"get health": func(t *testing.T, r *integration.Repository) error {
		h, err := r.GetHealth(t.Context(), "second")
		return errOr(err, h.IntegrationID == "second" && h.ETag != "")
	},
	"update health": func(t *testing.T, r *integration.Repository) error {
		h, err := r.UpdateHealth(t.Context(), "second", func(h *integration.HealthRecord) error {
			h.LastSlot = at
			return nil
		})
		return errOr(err, h.LastSlot.Equal(at))
	},
	"update stale health": func(t *testing.T, r *integration.Repository) error {
		h, err := r.UpdateHealthFrom(t.Context(), integration.HealthRecord{IntegrationID: "second", ETag: `"stale"`},
			func(h *integration.HealthRecord) error {
				h.LastSlot = at
				return nil
			})
		return errOr(err, h.LastSlot.Equal(at) && h.ETag != `"stale"`)
	},
	"update health that cannot be read": func(t *testing.T, r *integration.Repository) error {
		h, err := r.UpdateHealth(t.Context(), "bad-second", func(*integration.HealthRecord) error { return nil })
		return errOr(err, h.IntegrationID == "bad-second" && h.ETag != "")
	},
	"keep a rejected message again": func(t *testing.T, r *integration.Repository) error {
		return r.SaveRejected(t.Context(), "second", []byte("body"))
	},
	"keep another rejected message": func(t *testing.T, r *integration.Repository) error {
		return r.SaveRejected(t.Context(), "second", []byte("other"))
	},
	"keep a new rejected message": func(t *testing.T, r *integration.Repository) error {
		return r.SaveRejected(t.Context(), "third", []byte("other"))
	},
	"touch": func(t *testing.T, r *integration.Repository) error {
		etag, err := r.Touch(t.Context(), "due/second", []byte("[]"))
		if err != nil {
			return err
		}
		there, err := r.Store.Get(t.Context(), "due/second")
		return errOr(err, etag != "" && etag == there.ETag && string(there.Body) == "[]")
	},
	"touch a new one": func(t *testing.T, r *integration.Repository) error {
		etag, err := r.Touch(t.Context(), "due/third", []byte("[]"))
		return errOr(err, etag != "")
	},
	"set aside": func(t *testing.T, r *integration.Repository) error {
		there, err := r.Store.Get(t.Context(), "integrations/bad-second.json")
		if errors.Is(err, integration.ErrNotFound) {
			return nil // a first try, whose answer was lost
		}
		if err != nil {
			return err
		}
		kept, err := r.SetAside(t.Context(), "bad-second", there.ETag)
		return errOr(err, strings.HasPrefix(kept, "unreadable/integrations/bad-second-"))
	},
}

func errOr(err error, holds bool) error {
	if err == nil && !holds {
		return errors.New("it does not hold")
	}
	return err
}

// TestEachUseOverAStoreThatFailsAnywhere: what the store could not do is told, and never as a conflict or an absence;
// repeated, it is done.
func TestEachUseOverAStoreThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := 1, true; failed; n++ {
				r := filled(t)
				failing := &storetest.Failing{Store: r.Store, At: n}
				r.Store = failing
				err := use(t, r)
				if failed = failing.HasFailed(); failed {
					require.ErrorIs(t, err, storetest.ErrDown, "call %d", n)
					require.NotErrorIs(t, err, integration.ErrConflict)
					require.NotErrorIs(t, err, integration.ErrNotFound)
					r.Store = failing.Store
					err = use(t, r)
				}
				require.NoError(t, err, "call %d", n)
				require.True(t, failed || n > 1, "there is something that can fail")
			}
		})
	}
}

// TestChangesFromAKnownVersion leave what was known as it was, and read nothing where it still holds.
func TestChangesFromAKnownVersion(t *testing.T) {
	t.Parallel()
	r := filled(t)
	known, err := r.GetOperation(t.Context(), "second")
	require.NoError(t, err)
	later := at.Add(time.Hour)
	r.Now = func() time.Time { return later }
	r.Store = noReads{r.Store}
	changed, err := r.UpdateOperationFrom(t.Context(), known, func(o *integration.Operation) error {
		o.Steps = append(o.Steps, integration.Step{Name: "one"})
		return nil
	})
	require.NoError(t, err)
	assert.Empty(t, known.Steps)
	assert.Len(t, changed.Steps, 1)
	assert.Equal(t, later, changed.LastUpdatedAt)
	assert.Equal(t, known.CreatedAt, changed.CreatedAt)
	again, err := r.UpdateOperationFrom(t.Context(), changed, func(*integration.Operation) error { return nil })
	require.NoError(t, err, "it has the version that was written")
	assert.NotEqual(t, changed.ETag, again.ETag)
	stopped := errors.New("stopped")
	_, err = r.UpdateOperationFrom(t.Context(), again, func(*integration.Operation) error { return stopped })
	require.ErrorIs(t, err, stopped)

	d, err := r.Put(t.Context(), integration.Document{ID: "third"}, func(d *integration.Document) error {
		d.Status.Conditions = []integration.Condition{{Type: "one"}}
		return nil
	})
	require.NoError(t, err)
	next, err := r.UpdateFrom(t.Context(), d, func(d *integration.Document) error {
		d.Status.Conditions[0].Type = "two"
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, "one", d.Status.Conditions[0].Type)
	assert.Equal(t, "two", next.Status.Conditions[0].Type)
}

type noReads struct{ integration.Store }

// Get implements integration.Store.
func (noReads) Get(context.Context, string) (integration.Record, error) {
	return integration.Record{}, storetest.ErrDown
}

// TestWritesWithoutAVersion are refused as conflicts: they would overwrite what nobody has read.
func TestWritesWithoutAVersion(t *testing.T) {
	t.Parallel()
	r := filled(t)
	require.ErrorIs(t, r.Save(t.Context(), &integration.Document{ID: "second"}), integration.ErrConflict)
	require.ErrorIs(t, r.SaveOperation(t.Context(), &integration.Operation{ID: "second"}), integration.ErrConflict)
	require.ErrorIs(t, r.SaveHealth(t.Context(), &integration.HealthRecord{IntegrationID: "second"}),
		integration.ErrConflict)
	o, err := r.GetOperation(t.Context(), "second")
	require.NoError(t, err)
	require.NoError(t, r.SaveOperation(t.Context(), &o))
	require.NoError(t, r.SaveOperation(t.Context(), &o), "it has the version that was written")
	h, err := r.GetHealth(t.Context(), "second")
	require.NoError(t, err)
	require.NoError(t, r.SaveHealth(t.Context(), &h))
	require.NoError(t, r.SaveHealth(t.Context(), &h))
	_, err = r.CreateOperation(t.Context(), integration.Operation{ID: "second"})
	require.ErrorIs(t, err, integration.ErrConflict)
	stamped := at.Add(-time.Hour)
	o, err = r.CreateOperation(t.Context(), integration.Operation{ID: "third", CreatedAt: stamped})
	require.NoError(t, err)
	assert.Equal(t, stamped, o.CreatedAt, "a time that is given stays")
	d, err := r.Create(t.Context(), integration.Document{ID: "third", CreatedAt: stamped})
	require.NoError(t, err)
	assert.Equal(t, stamped, d.CreatedAt)
	assert.Equal(t, at, d.UpdatedAt)
	missing, err := r.GetHealth(t.Context(), "nobody")
	require.NoError(t, err)
	assert.Equal(t, integration.HealthRecord{IntegrationID: "nobody"}, missing)
}

// TestARaceIsLostAfterTwentyConflicts, and won before.
func TestARaceIsLostAfterTwentyConflicts(t *testing.T) {
	t.Parallel()
	for others, want := range map[int]error{19: nil, 20: integration.ErrConflict} {
		r := filled(t)
		tries := 0
		_, err := r.Update(t.Context(), "second", func(*integration.Document) error {
			if tries++; tries <= others {
				d, err := (&integration.Repository{Store: r.Store}).Get(t.Context(), "second")
				require.NoError(t, err)
				require.NoError(t, r.Save(t.Context(), &d))
			}
			return nil
		})
		require.ErrorIs(t, err, want, "%d others", others)
		assert.LessOrEqual(t, tries, 20)
	}
}

// TestWhatIsWrongWithARecordIsToldWithoutItsValues, by its kind, with the page of its code.
func TestWhatIsWrongWithARecordIsToldWithoutItsValues(t *testing.T) {
	t.Parallel()
	for body, fault := range map[string]string{
		"": "it is empty", " \n": "it is empty", `{"id":`: "it is not JSON from byte 6 of 6 on",
		`[]`: "it is JSON, but not an object", `{"id":7}`: "its member id is JSON of another type",
		`{"id":"second","createdAt":"x"}`: "a member of it has a value of another form",
		`{"id":"other"}`:                  "it does not name itself second, as its name does",
		`{"schemaVersion":0}`:             "its schema version is 0",
		`{"schemaVersion":-1}`:            "its schema version is -1",
		`{"schemaVersion":6}`:             "it is of schema version 6, and this build knows no later one than 5",
	} {
		for kind, code := range map[string]diagnosis.Code{"integrations": diagnosis.CodeRecordUnreadable,
			"operations": diagnosis.CodeOperationUnreadable} {
			r := filled(t)
			key := kind + "/second.json"
			there, err := r.Store.Get(t.Context(), key)
			require.NoError(t, err)
			etag, err := r.Store.Put(t.Context(), key, []byte(body), there.ETag)
			require.NoError(t, err)
			if kind == "integrations" {
				_, err = r.Get(t.Context(), "second")
			} else {
				_, err = r.GetOperation(t.Context(), "second")
			}
			var bad *integration.RecordError
			require.ErrorAs(t, err, &bad, "%q", body)
			assert.Equal(t, fault, bad.Fault, "%q", body)
			assert.Equal(t, []string{key, etag}, []string{bad.Key, bad.ETag})
			assert.Contains(t, bad.Error(), fmt.Sprintf("%s (%s)", fault, key))
			var known *diagnosis.Error
			require.ErrorAs(t, err, &known)
			if strings.Contains(fault, "no later one") {
				code = diagnosis.CodeRecordTooNew
				require.ErrorIs(t, err, integration.ErrTooNew)
			} else {
				require.ErrorIs(t, err, integration.ErrUnreadable)
			}
			assert.True(t, integration.IsRefused(err))
			assert.Equal(t, code, known.Diagnosis.Code)
			assert.Contains(t, known.Diagnosis.Detail, key)
			assert.Contains(t, known.Diagnosis.Detail, fault)
		}
	}
	assert.False(t, integration.IsRefused(integration.ErrNotFound))
}

// TestAPageOfTwo: each record is on one of the pages, and those that cannot be read are named beside the others.
func TestAPageOfTwo(t *testing.T) {
	t.Parallel()
	r := filled(t)
	first, err := r.List(t.Context(), "", 3)
	require.NoError(t, err)
	require.NotEmpty(t, first.Next)
	second, err := r.List(t.Context(), first.Next, 3)
	require.NoError(t, err)
	assert.Empty(t, second.Next)
	var ids []string
	for _, page := range []integration.Page{first, second} {
		for _, d := range page.Documents {
			ids = append(ids, d.ID)
			assert.NotEmpty(t, d.ETag)
		}
		for _, u := range page.Unreadable {
			ids = append(ids, u.ID+" "+string(u.Diagnosis.Code))
		}
	}
	assert.ElementsMatch(t, []string{"first", "second", "bad-first record-unreadable", "bad-second record-unreadable"},
		ids)
}
