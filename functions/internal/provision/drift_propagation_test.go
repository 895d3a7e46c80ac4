package provision_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// lastChanges are operations that have ended. Each returns when the last one that changed something has.
var lastChanges = map[string]func(*fixture) time.Time{
	"the first PUT": func(f *fixture) time.Time {
		f.provisioned(wired())
		return f.Now()
	},
	"a PUT of another subject, half an hour later": func(f *fixture) time.Time {
		f.provisioned(wired())
		f.Advance(30 * time.Minute)
		s := wired()
		s.Subjects = []string{subject, other}
		f.carried(s)
		return f.Now()
	},
	"a repair, half an hour later": func(f *fixture) time.Time {
		f.provisioned(wired())
		f.Advance(30 * time.Minute)
		removeAssignment(f)
		f.carried(wired())
		return f.Now()
	},
	"the first PUT, and another that finds nothing to do": func(f *fixture) time.Time {
		f.provisioned(wired())
		changed := f.Now()
		f.Advance(integration.Propagation / 2)
		f.carried(wired())
		return changed
	},
}

func removeAssignment(f *fixture) {
	f.t.Helper()
	_, err := f.world.DeleteRoleAssignment(f.Document().Status.RoleAssignments[0].ID)
	require.NoError(f.t, err)
}

// TestDriftMinutesAfterAChange: what a report misses may not have reached the replica that was asked, as long as a
// change may take until it counts everywhere, and not a moment longer.
func TestDriftMinutesAfterAChange(t *testing.T) {
	t.Parallel()
	for name, change := range lastChanges {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withPlatform(t)
			changed := change(f)
			f.RequireStatus(f.Document().Status.LastOperationID, integration.OperationSucceeded)
			removeAssignment(f)
			for ago, transient := range map[time.Duration]bool{integration.Propagation - time.Nanosecond: true,
				integration.Propagation: false} {
				f.SetTime(changed.Add(ago))
				report, found := f.drift()
				assert.Equal(t, map[string]string{"structure.roleAssignment": "role-missing"}, found, ago)
				assert.Equal(t, assessment.VerdictFail, report.Verdict, ago)
				i := slices.IndexFunc(report.Checks, func(c assessment.Check) bool {
					return c.ID == "structure.roleAssignment"
				})
				assert.Equal(t, transient, report.Checks[i].Transient, ago)
			}
		})
	}
}
