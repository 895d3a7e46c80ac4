package resource_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// sleeper notes the pauses, and ends where it is told to.
type sleeper struct {
	pauses []time.Duration
	err    error
}

func (s *sleeper) requests() policy.Requests {
	return policy.Requests{Now: time.Now, Sleep: func(_ context.Context, d time.Duration) error {
		s.pauses = append(s.pauses, d)
		return s.err
	}}
}

var (
	errEnded = errors.New("the invocation ends")
	notThere = &graph.Error{Op: "get application", StatusCode: 404, Code: "Request_ResourceNotFound"}
	refused  = &graph.Error{Op: "get application", StatusCode: 403, Code: "Authorization_RequestDenied"}
)

// TestFind: only where an object is known to have been there, a 404 is asked for again, after a second.
func TestFind(t *testing.T) {
	t.Parallel()
	second := []time.Duration{time.Second}
	for name, c := range map[string]struct {
		known   bool
		answers []error
		sleep   error
		found   bool
		pauses  []time.Duration
		err     error
	}{
		"there, never known":        {false, []error{nil}, nil, true, nil, nil},
		"there, known":              {true, []error{nil}, nil, true, nil, nil},
		"not there, never known":    {false, []error{notThere}, nil, false, nil, nil},
		"a replica that lags":       {true, []error{notThere, nil}, nil, true, second, nil},
		"gone":                      {true, []error{notThere, notThere}, nil, false, second, nil},
		"refused, known":            {true, []error{refused}, nil, false, nil, refused},
		"refused at a second look":  {true, []error{notThere, refused}, nil, false, second, refused},
		"ended before another look": {true, []error{notThere}, errEnded, false, second, errEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, asked := sleeper{err: c.sleep}, 0
			found, err := resource.Find(t.Context(), s.requests(), policy.ApplicationGet, diagnosis.Context{}, c.known,
				func(context.Context) error {
					asked++
					return c.answers[asked-1]
				})
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.err == nil, err == nil)
			assert.Equal(t, c.found, found)
			assert.Len(t, c.answers, asked)
			assert.Equal(t, c.pauses, s.pauses)
		})
	}
}

// TestFindWithoutTimeForASecondRead: that an object is gone is not told by one read, whatever time there is.
func TestFindWithoutTimeForASecondRead(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var s sleeper
	found, err := resource.Find(ctx, s.requests(), policy.ApplicationGet, diagnosis.Context{}, true,
		func(context.Context) error { return notThere })
	assert.False(t, found)
	assert.Equal(t, policy.RetryLater, policy.ActionOf(err))
	assert.Equal(t, policy.ApplicationGet, policy.OperationOf(err))
	require.ErrorIs(t, err, policy.ErrNoTime)
}

// TestUntilGone: it deletes and reads at once, then after 1, 2, 4, 8 and 15 seconds, until a read shows nothing.
func TestUntilGone(t *testing.T) {
	t.Parallel()
	pauses := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}
	for name, c := range map[string]struct {
		there                int // reads that still show it
		delete, read, sleep  error
		deletions, reads     int
		pauses               []time.Duration
		isStillThere, failed bool
	}{
		"gone at once":        {there: 0, deletions: 1, reads: 1},
		"gone at the second":  {there: 1, deletions: 2, reads: 2, pauses: pauses[:1]},
		"gone at the last":    {there: 5, deletions: 6, reads: 6, pauses: pauses},
		"it stays":            {there: 6, deletions: 6, reads: 6, pauses: pauses, isStillThere: true, failed: true},
		"no deletion":         {delete: refused, deletions: 1, failed: true},
		"no read":             {read: refused, there: 3, deletions: 1, reads: 1, failed: true},
		"the invocation ends": {there: 1, sleep: errEnded, deletions: 1, reads: 1, pauses: pauses[:1], failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, deletions, reads := sleeper{err: c.sleep}, 0, 0
			err := resource.UntilGone(t.Context(), s.requests(), diagnosis.Context{Target: "a place"},
				func(context.Context) error { deletions++; return c.delete },
				func(context.Context) (bool, error) { reads++; return reads <= c.there, c.read })
			assert.Equal(t, c.failed, err != nil)
			var known *diagnosis.Error
			assert.Equal(t, c.isStillThere, errors.As(err, &known) &&
				known.Diagnosis.Code == diagnosis.CodeObjectStillThere &&
				strings.Contains(known.Diagnosis.Detail, "a place"))
			assert.Equal(t, c.deletions, deletions)
			assert.Equal(t, c.reads, reads)
			assert.Equal(t, c.pauses, s.pauses)
		})
	}
	t.Run("no time for the next pause", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var s sleeper
		err := resource.UntilGone(ctx, s.requests(), diagnosis.Context{}, func(context.Context) error { return nil },
			func(context.Context) (bool, error) { return true, nil })
		var known *diagnosis.Error
		require.ErrorAs(t, err, &known)
		assert.Equal(t, diagnosis.CodeObjectStillThere, known.Diagnosis.Code)
		assert.Empty(t, s.pauses)
	})
}

// TestOutcomes holds the words that steps show, and which of them have changed what access depends on.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for outcome, changed := range map[resource.Outcome]bool{"created": true, "updated": true, "deleted": true,
		"restored": true, "unchanged": false, "absent": false, "adopted": false} {
		assert.Equal(t, changed, outcome.HasChanged(), outcome)
	}
	assert.Equal(t, []resource.Outcome{"created", "updated", "unchanged", "deleted", "absent",
		"adopted", "restored"}, []resource.Outcome{resource.OutcomeCreated, resource.OutcomeUpdated,
		resource.OutcomeUnchanged, resource.OutcomeDeleted, resource.OutcomeAbsent,
		resource.OutcomeAdopted, resource.OutcomeRestored})
}

// TestNames holds the words that plans and steps are written in.
func TestNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []resource.State{"unchanged", "missing", "restorable", "different", "unwanted", "extra", "foreign",
		"manual"}, []resource.State{resource.Unchanged, resource.Missing, resource.Restorable, resource.Different,
		resource.Unwanted, resource.Extra, resource.Foreign, resource.Manual})
	assert.Equal(t, []string{"identity", "federatedCredential", "roleAssignment", "platformIntegration", "driver"},
		[]string{resource.Identity, resource.FederatedCredential, resource.RoleAssignment,
			resource.PlatformIntegration, resource.Driver})
}
