package caller_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
)

// TestNames holds what registrations, records and settings are written with: another one takes rights away, or makes
// strangers of owners.
func TestNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []caller.Role{"Wif.Read", "Wif.Operate", "Wif.Admin"}, caller.Roles())
	assert.Equal(t, []caller.Role{"Wif.Read", "Wif.Operate", "Wif.Admin"},
		[]caller.Role{caller.RoleRead, caller.RoleOperate, caller.RoleAdmin})
	assert.Equal(t, "function-key", caller.FunctionKey().ID)
	assert.True(t, caller.FunctionKey().HasRole("Wif.Admin"), "who holds the key may do all")
	assert.False(t, caller.FunctionKey().IsQueue)
	assert.Equal(t, caller.Caller{ID: "queue", IsQueue: true}, caller.Queue(""))
	assert.Equal(t, caller.Caller{ID: "team", IsQueue: true, Roles: []caller.Role{"Wif.Operate"}},
		caller.Queue("team", caller.RoleOperate))
}

// TestIDs are both of a caller's, as records have them; a client id that is not there is not written.
func TestIDs(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]caller.Caller{
		`{"objectId":"o","appId":"a"}`: {ID: "o", AppID: "a", Roles: []caller.Role{caller.RoleRead}},
		`{"objectId":"function-key"}`:  caller.FunctionKey(),
	} {
		raw, err := json.Marshal(c.IDs())
		require.NoError(t, err)
		assert.JSONEq(t, want, string(raw))
	}
}
