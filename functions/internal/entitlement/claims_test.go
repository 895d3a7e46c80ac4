package entitlement_test

import (
	"context"
	"errors"
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

// TestClaimsAreOff where callers are not told apart, and for the app itself.
func TestClaimsAreOff(t *testing.T) {
	t.Parallel()
	one := spec(func(s *integration.Spec) { s.Subjects = s.Subjects[:1] })
	c := claims(storetest.NewMemory())
	c.IsOff = true
	for _, who := range []string{"one", "two"} {
		assert.NoError(t, c.Claim(caller.With(t.Context(), caller.Caller{ID: who}), "aaa-"+who, one))
	}
	for range 2 {
		assert.NoError(t, claims(storetest.NewMemory()).Claim(t.Context(), "aaa", one))
	}
}

// TestAStoreThatFailsRefuses: nobody gets a subject that could not be looked up.
func TestAStoreThatFailsRefuses(t *testing.T) {
	t.Parallel()
	c := claims(&storetest.Failing{Store: storetest.NewMemory(), At: 1})
	err := c.Claim(caller.With(t.Context(), caller.Caller{ID: "one"}), "aaa", spec(func(*integration.Spec) {}))
	assert.ErrorIs(t, err, storetest.ErrDown)
}
