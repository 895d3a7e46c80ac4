package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

func TestIsMade(t *testing.T) {
	t.Parallel()
	for phase, want := range map[Phase]bool{"": false, PhasePending: false, PhaseProvisioning: false,
		PhaseProvisioned: true, PhaseUsable: true, PhaseFailed: false, PhaseDeprovisioning: false,
		PhaseDeleted: false} {
		assert.Equal(t, want, Document{Status: Status{Phase: phase}}.IsMade(), phase)
	}
}

func TestHasIdentity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status        Status
		isThere, bins bool
	}{
		"nothing":        {Status{}, false, false},
		"an application": {Status{ClientID: "c", Identity: IdentityMade{ID: "o"}}, false, true},
		"with its principal": {Status{ClientID: "c", Identity: IdentityMade{ID: "o"}, ServicePrincipalID: "p"},
			true, true},
		"a managed identity":    {Status{ClientID: "c", ServicePrincipalID: "p"}, true, false},
		"a principal by itself": {Status{ServicePrincipalID: "p"}, false, false},
	} {
		assert.Equal(t, c.isThere, c.status.IsBegun(), name)
		assert.Equal(t, c.bins, c.status.CanBePurged(), name)
	}
}

func TestTombstone(t *testing.T) {
	t.Parallel()
	s := Status{Phase: PhaseDeprovisioning, ClientID: "c", ServicePrincipalID: "p", LastOperationID: "last",
		Identity:             IdentityMade{Kind: IdentityApplication, Key: "name", ID: "o"},
		FederatedCredentials: []FederatedCredential{{Name: "f"}}, RoleAssignments: []RoleAssignment{{ID: "r"}},
		DDOE: &DDOEStatus{DriverID: "d"}, Health: &Health{}, Conditions: []Condition{{Type: "Provisioned"}}}
	assert.Equal(t, Status{Phase: PhaseDeleted, Identity: IdentityMade{Key: "name"}, LastOperationID: "last"},
		s.tombstone(true))
	assert.Equal(t, Status{Phase: PhaseDeleted, LastOperationID: "last", ClientID: "c", ServicePrincipalID: "p",
		Identity: s.Identity}, s.tombstone(false), "it can be restored")
	s.Identity = IdentityMade{Kind: IdentityManaged, Key: "name"}
	assert.Equal(t, Status{Phase: PhaseDeleted, LastOperationID: "last"}, s.tombstone(true), "it is gone for good")
}

func TestProvisionResult(t *testing.T) {
	t.Parallel()
	d := Document{Spec: Spec{TenantID: "t"}, Status: Status{ClientID: "c", Identity: IdentityMade{ID: "o"},
		ServicePrincipalID: "p"}}
	assert.Equal(t, ProvisionResult{"c", "t", "o", "p"}, d.ProvisionResult())
}

// TestADoubtTakesNoVerdictBack: a refusal that may pass leaves one that will not; anything else is written down.
func TestADoubtTakesNoVerdictBack(t *testing.T) {
	t.Parallel()
	final := diagnosis.New(diagnosis.CodeContainerNotFound)
	other := diagnosis.New(diagnosis.CodeAccountDisabled)
	doubt := diagnosis.New(diagnosis.CodeRoleMissing)
	require.Equal(t, []bool{false, false, true}, []bool{final.Transient, other.Transient, doubt.Transient})
	for name, c := range map[string]struct {
		found  []diagnosis.Diagnosis // one after the other
		status string
		reason diagnosis.Code
		since  int // which of them the condition is of
	}{
		"a doubt":                   {[]diagnosis.Diagnosis{doubt}, "Unknown", doubt.Code, 0},
		"a verdict":                 {[]diagnosis.Diagnosis{final}, "False", final.Code, 0},
		"a doubt after a verdict":   {[]diagnosis.Diagnosis{final, doubt}, "False", final.Code, 0},
		"a verdict after a doubt":   {[]diagnosis.Diagnosis{doubt, final}, "False", final.Code, 1},
		"another verdict":           {[]diagnosis.Diagnosis{final, other}, "False", other.Code, 0},
		"the same doubt once more":  {[]diagnosis.Diagnosis{doubt, doubt}, "Unknown", doubt.Code, 0},
		"the same verdict, a doubt": {[]diagnosis.Diagnosis{final, final, doubt}, "False", final.Code, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d Document
			begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for n, found := range c.found {
				d.MarkRefused(begin.Add(time.Duration(n)*time.Minute), found)
			}
			got, isThere := d.condition(ConditionVerified)
			require.True(t, isThere)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.reason, got.Reason)
			assert.Equal(t, begin.Add(time.Duration(c.since)*time.Minute), got.LastTransitionTime)
		})
	}
}
