package entitlement_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
)

func claims(store integration.Store) *entitlement.Claims {
	return &entitlement.Claims{Repository: &integration.Repository{Store: store, Now: time.Now}}
}

func isTaken(t *testing.T, err error) bool {
	t.Helper()
	var refused *diagnosis.Error
	if errors.As(err, &refused) {
		require.Equal(t, diagnosis.CodeSubjectBound, refused.Diagnosis.Code)
		return true
	}
	require.NoError(t, err)
	return false
}

// TestOneOfManyGetsASubject, of however many owners that ask at the same moment.
func TestOneOfManyGetsASubject(t *testing.T) {
	t.Parallel()
	for range 20 {
		c := claims(storetest.NewMemory())
		var got atomic.Int32
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				ctx := caller.With(t.Context(), caller.Caller{ID: fmt.Sprint("owner-", i)})
				if !isTaken(t, c.Claim(ctx, fmt.Sprint("aaa-", i), spec(func(*integration.Spec) {}))) {
					got.Add(1)
				}
			})
		}
		all.Wait()
		assert.LessOrEqual(t, got.Load(), int32(1))
	}
}

// TestWhatAClaimCountsFor: the integration decides where it is there, whoever has claimed it.
func TestWhatAClaimCountsFor(t *testing.T) {
	t.Parallel()
	one, two := caller.Caller{ID: "one"}, caller.Caller{ID: "two", Groups: []string{"group"}}
	trusted := spec(func(*integration.Spec) {})
	old := func() time.Time { return time.Now().Add(-time.Hour) }
	for name, row := range map[string]struct {
		document *integration.Document
		now      func() time.Time
		taken    bool
	}{
		"about to be made":      {nil, time.Now, true},
		"never made":            {nil, old, false},
		"another owner's":       {&integration.Document{Owner: "one", Spec: trusted}, old, true},
		"given to the caller":   {&integration.Document{Owner: "two", Spec: trusted}, time.Now, false},
		"of the caller's group": {&integration.Document{Owner: "group", Spec: trusted}, time.Now, false},
		"torn down": {&integration.Document{Owner: "one", Spec: trusted,
			Status: integration.Status{Phase: integration.PhaseDeleted}}, old, false},
		"being torn down": {&integration.Document{Owner: "one", Spec: trusted,
			Status: integration.Status{Phase: integration.PhaseDeprovisioning}}, old, true},
		"without the subjects": {&integration.Document{Owner: "one",
			Spec: spec(func(s *integration.Spec) { s.Subjects = []string{"x"} })}, old, false},
		"of another issuer": {&integration.Document{Owner: "one",
			Spec: spec(func(s *integration.Spec) { s.Issuer = "x" })}, old, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := claims(storetest.NewMemory())
			c.Repository.Now = row.now
			require.NoError(t, c.Claim(caller.With(t.Context(), one), "aaa", trusted))
			c.Repository.Now = time.Now
			if row.document != nil {
				row.document.ID = "aaa"
				_, err := c.Repository.Create(t.Context(), *row.document)
				require.NoError(t, err)
			}
			for _, ask := range []func(context.Context, string, integration.Spec) error{c.Admit, c.Claim} {
				assert.Equal(t, row.taken, isTaken(t, ask(caller.With(t.Context(), two), "bbb", trusted)))
			}
			admin := caller.Caller{ID: "three", Roles: []caller.Role{caller.RoleAdmin}}
			assert.False(t, isTaken(t, c.Claim(caller.With(t.Context(), admin), "ccc", trusted)))
			if row.taken && row.document != nil {
				assert.False(t, isTaken(t, c.Claim(caller.With(t.Context(), one), "aaa", trusted)),
					"what it has already is not new to it")
			}
		})
	}
}

// TestAClaimIsNotTakenOver by who claims it for the same integration, which is about to be made.
func TestAClaimIsNotTakenOver(t *testing.T) {
	t.Parallel()
	c, trusted := claims(storetest.NewMemory()), spec(func(*integration.Spec) {})
	one, two := caller.With(t.Context(), caller.Caller{ID: "one"}), caller.With(t.Context(), caller.Caller{ID: "two"})
	require.False(t, isTaken(t, c.Claim(one, "aaa", trusted)))
	assert.True(t, isTaken(t, c.Claim(two, "aaa", trusted)))
	assert.False(t, isTaken(t, c.Claim(one, "aaa", trusted)), "it may be repeated")
	assert.True(t, isTaken(t, c.Claim(two, "bbb", trusted)))
}

// failing fails at the nth call.
type failing struct {
	integration.Store
	left int
}

var errStore = errors.New("the store fails")

func (f *failing) Get(ctx context.Context, key string) (integration.Record, error) {
	if f.left--; f.left == 0 {
		return integration.Record{}, errStore
	}
	return f.Store.Get(ctx, key)
}

func (f *failing) Put(ctx context.Context, key string, body []byte, etag string) (string, error) {
	if f.left--; f.left == 0 {
		return "", errStore
	}
	return f.Store.Put(ctx, key, body, etag)
}

// TestAStoreThatFailsRefuses, at whatever call: nobody gets a subject that could not be looked up.
func TestAStoreThatFailsRefuses(t *testing.T) {
	t.Parallel()
	one := spec(func(s *integration.Spec) { s.Subjects = s.Subjects[:1] })
	for n := 1; n <= 3; n++ {
		memory := storetest.NewMemory()
		require.NoError(t, claims(memory).Claim(caller.With(t.Context(), caller.Caller{ID: "one"}), "aaa", one))
		c := claims(&failing{Store: memory, left: n})
		assert.ErrorIs(t, c.Claim(caller.With(t.Context(), caller.Caller{ID: "one"}), "bbb", one), errStore, n)
	}
	c := claims(storetest.NewMemory())
	c.IsOff = true
	for _, who := range []string{"one", "two"} {
		assert.NoError(t, c.Claim(caller.With(t.Context(), caller.Caller{ID: who}), "aaa-"+who, one), "it is off")
	}
	assert.NoError(t, claims(storetest.NewMemory()).Claim(t.Context(), "aaa", one), "the app itself claims nothing")
}
