package assignment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func document(principal string, known ...integration.RoleAssignment) integration.Document {
	return integration.Document{Spec: integration.Spec{TenantID: "11111111-1111-4111-8111-111111111111"},
		Status: integration.Status{ServicePrincipalID: principal, RoleAssignments: known}}
}

const account = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/" +
	"providers/Microsoft.Storage/storageAccounts/acmedata"

func TestWanted(t *testing.T) {
	t.Parallel()
	const principal = "99999999-9999-4999-8999-999999999999"
	entry := integration.StorageAccess{ResourceID: account, Container: "images", Access: integration.AccessReadWrite}
	derived := assignment.Derived(document(principal), entry, "")
	salted := assignment.Derived(document(principal), entry, "1")
	adopted := derived
	adopted.ID, adopted.Adopted = derived.Scope+"/providers/Microsoft.Authorization/roleAssignments/by-hand", true
	reader := assignment.Derived(document(principal), integration.StorageAccess{ResourceID: account,
		Container: "images",
		Access:    integration.AccessRead}, "")
	assert.NotEqual(t, derived.ID, salted.ID)
	assert.NotEqual(t, derived.ID, reader.ID)
	for name, c := range map[string]struct {
		known []integration.RoleAssignment
		want  integration.RoleAssignment
	}{
		"nothing known":   {nil, derived},
		"salted":          {[]integration.RoleAssignment{reader, salted}, salted},
		"adopted":         {[]integration.RoleAssignment{adopted}, adopted},
		"another role":    {[]integration.RoleAssignment{reader}, derived},
		"known as itself": {[]integration.RoleAssignment{derived}, derived},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, assignment.Wanted(document(principal, c.known...), entry))
		})
	}
	assert.Equal(t, "by-hand", assignment.Name(adopted))
	assert.Empty(t, assignment.Name(assignment.Derived(document(""), entry, "")),
		"made of a principal that is not there, the name would be another's")
}

// TestIsReached: what was proved was there, until something has disproved it. What is only recorded need
// never have been.
func TestIsReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		phase    integration.Phase
		verified string
		want     bool
	}{
		"usable":                         {integration.PhaseUsable, "False", true},
		"an update that has failed":      {integration.PhaseFailed, "True", true},
		"a first run that has failed":    {integration.PhaseFailed, "Unknown", false},
		"access was refused, and failed": {integration.PhaseFailed, "False", false},
		"not tested yet":                 {integration.PhaseProvisioned, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{Status: integration.Status{Phase: c.phase,
				RoleAssignments: []integration.RoleAssignment{{Scope: "/subscriptions/s"}}}}
			if c.verified != "" {
				d.SetCondition(time.Now(), integration.ConditionVerified, c.verified, nil, "")
			}
			assert.Equal(t, c.want, assignment.IsReached(d))
		})
	}
}
