package claim_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/claim"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errHeld = errors.New("somebody has it")
	start   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// alone refuses a thing that anybody else has.
func alone(holders []integration.Document) error {
	if len(holders) > 0 {
		return fmt.Errorf("%w: %s of %s", errHeld, holders[0].ID, holders[0].Owner)
	}
	return nil
}

// uses are the two ways to use the package: whatever both promise is held here once.
var uses = map[string]claim.Thing{
	"subjects":   {Prefix: "subjects/", Names: []string{"https://issuer", "subject"}},
	"identities": {Prefix: "identities/", Names: []string{"tenant", "client"}, IsBrief: true},
}

// eachUse runs a test with a thing of each use, in a store of its own, at a time that the test may change.
func eachUse(t *testing.T, run func(t *testing.T, thing claim.Thing, now *time.Time)) {
	for name, thing := range uses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := start
			thing.Repository = &integration.Repository{Store: storetest.NewMemory(),
				Now: func() time.Time { return now }}
			thing.IsHad = func(d integration.Document) bool { return d.Spec.DisplayName == "has it" }
			run(t, thing, &now)
		})
	}
}

// TestOneOfManyTakesIt, of however many that ask at the same moment.
func TestOneOfManyTakesIt(t *testing.T) {
	t.Parallel()
	eachUse(t, func(t *testing.T, thing claim.Thing, _ *time.Time) {
		taken := make(chan error, 6)
		var all, haveRead sync.WaitGroup
		haveRead.Add(cap(taken)) // all look before anybody writes
		for i := range cap(taken) {
			look := sync.OnceFunc(func() { haveRead.Done(); haveRead.Wait() })
			rule := func(holders []integration.Document) error {
				look()
				return alone(holders)
			}
			all.Go(func() { taken <- thing.Take(t.Context(), fmt.Sprint("aaa-", i), "", rule) })
		}
		all.Wait()
		refused := 0
		for range cap(taken) {
			if err := <-taken; err != nil {
				require.ErrorIs(t, err, errHeld)
				refused++
			}
		}
		assert.Equal(t, cap(taken)-1, refused)
	})
}

// standings are what an integration may have come to since it claimed a thing at the start.
var standings = map[string]struct {
	after    time.Duration
	document *integration.Document
	updated  time.Duration
	// holder is who is told to have it; empty where it is free.
	holder string
}{
	"about to be made":     {after: 10*time.Minute - 1, holder: "aaa of claimant"},
	"never made":           {after: 10 * time.Minute},
	"has it":               {after: time.Hour, document: had("owner", ""), holder: "aaa of owner"},
	"has it, claimed anew": {document: had("owner", ""), updated: -1, holder: "aaa of owner"},
	"torn down since":      {document: had("owner", integration.PhaseDeleted), updated: 1},
	"torn down, made anew": {document: had("owner", integration.PhaseDeleted), updated: -1,
		holder: "aaa of claimant"},
	"torn down a while ago":  {after: time.Hour, document: had("owner", integration.PhaseDeleted)},
	"came to something else": {after: time.Hour, document: &integration.Document{Owner: "owner"}},
}

func had(owner string, phase integration.Phase) *integration.Document {
	return &integration.Document{Owner: owner, Spec: integration.Spec{DisplayName: "has it"},
		Status: integration.Status{Phase: phase}}
}

func TestWhatAClaimCountsFor(t *testing.T) {
	t.Parallel()
	for name, row := range standings {
		t.Run(name, func(t *testing.T) {
			eachUse(t, func(t *testing.T, thing claim.Thing, now *time.Time) {
				require.NoError(t, thing.Take(t.Context(), "aaa", "claimant", alone))
				if row.document != nil {
					*now = start.Add(row.updated)
					d := *row.document
					d.ID = "aaa"
					_, err := thing.Repository.Create(t.Context(), d)
					require.NoError(t, err)
				}
				*now = start.Add(row.after)
				require.NoError(t, thing.Admit(t.Context(), "aaa", "claimant", alone), "its own is not in its way")
				for _, ask := range []func() error{
					func() error { return thing.Admit(t.Context(), "bbb", "other", alone) },
					func() error { return thing.Take(t.Context(), "bbb", "other", alone) },
				} {
					if err := ask(); row.holder == "" {
						assert.NoError(t, err)
					} else {
						assert.EqualError(t, err, errHeld.Error()+": "+row.holder)
					}
				}
			})
		})
	}
}

// TestRecordsStay as the builds before wrote them, in place and form.
func TestRecordsStay(t *testing.T) {
	t.Parallel()
	const one = `{"integrationId":"aaa","callerId":"claimant","at":"2026-03-01T12:00:00Z"}`
	records := map[string]struct{ key, body string }{
		"subjects/":   {"e60400c64c29f8262016659f2a2b524305c53f1c1d93fd06cd063a643d7bac10", "[" + one + "]"},
		"identities/": {"86f5f014b124aef175af0cb7e039e6620fef9a9f9836ddc11c064dc29b5c2ac4", one},
	}
	eachUse(t, func(t *testing.T, thing claim.Thing, _ *time.Time) {
		row, store := records[thing.Prefix], thing.Repository.Store
		key := thing.Prefix + row.key + ".json"
		_, err := store.Put(t.Context(), key, []byte(row.body), "")
		require.NoError(t, err)
		require.ErrorIs(t, thing.Take(t.Context(), "bbb", "other", alone), errHeld)
		require.NoError(t, thing.Take(t.Context(), "aaa", "claimant", alone))
		record, err := store.Get(t.Context(), key)
		require.NoError(t, err)
		assert.JSONEq(t, row.body, string(record.Body))
	})
}

// TestAStoreThatFails has nobody take a thing, at whatever call.
func TestAStoreThatFails(t *testing.T) {
	t.Parallel()
	eachUse(t, func(t *testing.T, thing claim.Thing, _ *time.Time) {
		require.NoError(t, thing.Take(t.Context(), "aaa", "claimant", alone))
		failing := &storetest.Failing{Store: thing.Repository.Store}
		thing.Repository.Store = failing
		for n := 1; n <= 3; n++ {
			failing.Arm(n)
			everybody := func([]integration.Document) error { return nil }
			assert.ErrorIs(t, thing.Take(t.Context(), "bbb", "other", everybody), storetest.ErrDown, n)
		}
	})
}
