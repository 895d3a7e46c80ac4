package world_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestRestrictions: what a deny assignment and a lock forbid, to whom, and where.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	const (
		somebody, other = "33333333-0000-4000-8000-000000000001", "33333333-0000-4000-8000-000000000002"
		write           = "Microsoft.Authorization/roleAssignments/write"
		remove          = "Microsoft.Authorization/roleAssignments/delete"
		read            = "Microsoft.Authorization/roleAssignments/read"
		blob            = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
	)
	container := world.DataAccountID + "/blobServices/default/containers/images"
	w := world.New(time.Now)
	require.NoError(t, w.PutObject("denyAssignments", "no-grants", []byte(`{"scope":"`+world.DataAccountID+`",
		"actions":["Microsoft.Authorization/*"],"notActions":["*/read"],"dataActions":["*/blobs/write"],
		"excludePrincipals":["`+other+`"]}`)))
	require.NoError(t, w.PutObject("denyAssignments", "theirs", []byte(`{"scope":"/","actions":["*"],
		"principals":["nobody"]}`)))
	for name, c := range map[string]struct {
		principal, action, scope string
		data, denied             bool
	}{
		"an action":            {somebody, write, world.DataAccountID, false, true},
		"below":                {somebody, write, container, false, true},
		"beside":               {somebody, write, world.LockedAccountID, false, false},
		"what is left out":     {somebody, read, world.DataAccountID, false, false},
		"who is let through":   {other, write, world.DataAccountID, false, false},
		"a data action":        {somebody, blob, container, true, true},
		"another data action":  {somebody, blob + "x", container, true, false},
		"data as an action":    {somebody, blob, container, false, false},
		"by one who is listed": {"NOBODY", read, "/subscriptions/x", false, true},
	} {
		_, denied := w.DeniedBy(c.principal, c.action, c.scope, c.data)
		assert.Equal(t, c.denied, denied, name)
	}
	require.NoError(t, w.PutObject("locks", "keep", []byte(`{"scope":"`+container+`","level":"CanNotDelete"}`)))
	require.NoError(t, w.PutObject("locks", "freeze",
		[]byte(`{"scope":"`+world.LockedAccountID+`","level":"ReadOnly"}`)))
	for name, c := range map[string]struct {
		action, scope, by string
	}{
		"a deletion":                      {remove, container, "keep"},
		"a change under a lock on delete": {write, container, ""},
		"above the lock":                  {remove, world.DataAccountID, ""},
		"a change of what is frozen":      {write, world.LockedAccountID, "freeze"},
		"a deletion of what is frozen":    {remove, world.LockedAccountID + "/x", "freeze"},
		"a read":                          {read, world.LockedAccountID, ""},
	} {
		l, _ := w.LockedBy(c.action, c.scope)
		assert.Equal(t, c.by, l.ID, name)
	}
	assert.Len(t, w.Snapshot().DenyAssignments, 2)
	assert.Len(t, w.Snapshot().Locks, 2)
}
