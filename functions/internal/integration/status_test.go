package integration

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
