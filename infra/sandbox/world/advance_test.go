package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestAdvance holds, for each delay of the world, that it runs out by Advance as it does by the clock, and not before.
func TestAdvance(t *testing.T) {
	const held = IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/held"
	for name, tc := range map[string]struct {
		begin func(t *testing.T, w *World)
		over  func(w *World) bool
	}{
		"replication": {
			begin: func(t *testing.T, w *World) {
				_, err := w.CreateApplication(Application{ID: oneName, UniqueName: "u"}, "")
				require.NoError(t, err)
			},
			over: func(w *World) bool {
				_, err := w.CreateFederatedCredential(FederatedIdentityCredential{ApplicationID: oneName, Name: "n"})
				return err == nil
			},
		},
		"role assignment": {
			begin: func(t *testing.T, w *World) {
				_, _, err := w.PutRoleAssignment(rbac.RoleAssignment{Name: oneName, Scope: DataAccountID,
					PrincipalID: somebody, RoleDefinitionID: rbac.RoleBlobDataReader})
				require.NoError(t, err)
			},
			over: func(w *World) bool { return w.IsAllowed(somebody, blobRead, DataAccountID, true) },
		},
		"name of a deleted identity": {
			begin: func(t *testing.T, w *World) {
				w.PutUserAssignedIdentity(UserAssignedIdentity{ID: held})
				require.NoError(t, w.DeleteUserAssignedIdentity(held))
			},
			over: func(w *World) bool {
				_, isHeld := w.HeldLocation(held)
				return !isHeld
			},
		},
		"rate of an identity": {
			begin: func(t *testing.T, w *World) {
				require.Zero(t, w.AdmitIdentityRequest(WriteIdentity, held))
			},
			over: func(w *World) bool { return w.AdmitIdentityRequest(WriteIdentity, held) == 0 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, c := newSeeded(t)
			w.SetTiming(Timing{ReplicationMS: 4000, RBACMS: 4000})
			w.SetLimits(Limits{ManagedIdentityRates: true, DeletedIdentitySeconds: 4})
			w.Advance(time.Hour) // what begins later is no older by it
			c.advance(time.Millisecond)
			tc.begin(t, w)
			c.advance(time.Second)
			w.Advance(2 * time.Second)
			c.advance(999 * time.Millisecond)
			assert.False(t, tc.over(w), "a millisecond is missing")
			w.Advance(time.Millisecond)
			assert.True(t, tc.over(w))
		})
	}
}

// TestAdvanceLeavesTheClock: what is stamped after a leap has the clock's time, and Reset forgets the leap.
func TestAdvanceLeavesTheClock(t *testing.T) {
	w, c := newSeeded(t)
	before := c.at
	w.Advance(time.Hour)
	assert.Equal(t, before, w.Now())
	assert.Equal(t, time.Hour, w.Elapsed(before))
	w.Reset()
	assert.Zero(t, w.Elapsed(before))
}
