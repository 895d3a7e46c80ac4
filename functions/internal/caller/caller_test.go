package caller_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
)

func TestWhatARoleIncludes(t *testing.T) {
	t.Parallel()
	require.Len(t, caller.Roles(), 3)
	for held, may := range map[caller.Role][]caller.Role{
		"":                 nil,
		"Wif.Other":        nil,
		"wif.admin":        nil,
		caller.RoleRead:    {caller.RoleRead},
		caller.RoleOperate: {caller.RoleRead, caller.RoleOperate},
		caller.RoleAdmin:   {caller.RoleRead, caller.RoleOperate, caller.RoleAdmin},
	} {
		for _, needed := range caller.Roles() {
			c := caller.Caller{Roles: []caller.Role{"Wif.Other", held}}
			assert.Equal(t, contains(may, needed), c.HasRole(needed), "%s for %s", held, needed)
		}
	}
}

func contains(roles []caller.Role, role caller.Role) bool {
	for _, r := range roles {
		if r == role {
			return true
		}
	}
	return false
}

func TestTheCallerTravelsWithTheRequest(t *testing.T) {
	t.Parallel()
	nobody, isCalled := caller.From(t.Context())
	assert.False(t, isCalled)
	assert.False(t, nobody.HasRole(caller.RoleRead), "nobody may do nothing")
	ctx := caller.With(t.Context(), caller.FunctionKey())
	who, isCalled := caller.From(ctx)
	assert.True(t, isCalled)
	assert.Equal(t, caller.FunctionKey(), who)
	_, isCalled = caller.From(caller.Without(ctx))
	assert.False(t, isCalled)
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	const one, other, group = "one", "other", "group"
	for name, row := range map[string]struct {
		who      caller.Caller
		sees     []string
		isHidden []string
	}{
		"an operator": {caller.Caller{ID: one, Roles: []caller.Role{caller.RoleOperate}, Groups: []string{"x", group}},
			[]string{one, group}, []string{other, caller.IDFunctionKey, caller.IDQueue, "", "One"}},
		"an administrator": {caller.Caller{ID: one, Roles: []caller.Role{caller.RoleAdmin}},
			[]string{one, other, group, caller.IDFunctionKey, caller.IDQueue, ""}, nil},
		"a holder of the function key": {caller.FunctionKey(), []string{one, caller.IDFunctionKey, ""}, nil},
		"a producer": {caller.Queue(""), []string{caller.IDQueue},
			[]string{one, caller.IDFunctionKey, ""}},
		"a producer for an owner":   {caller.Queue(one), []string{one}, []string{caller.IDQueue, other}},
		"a producer who may do all": {caller.Queue(one, caller.RoleAdmin), []string{one, other}, nil},
		"nobody":                    {caller.Caller{}, nil, []string{"", one}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, owner := range row.sees {
				assert.True(t, row.who.CanSee(owner), owner)
			}
			for _, owner := range row.isHidden {
				assert.False(t, row.who.CanSee(owner), owner)
			}
		})
	}
}

func TestWhatCanNameAnOwner(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]bool{"11111111-1111-4111-8111-11111111111a": true, caller.IDQueue: true,
		caller.IDFunctionKey: true, "": false, "someone": false, "11111111-1111-4111-8111-11111111111A": false,
		"{11111111-1111-4111-8111-111111111111}": false, "11111111111141118111111111111111": false} {
		assert.Equal(t, want, caller.IsValidOwner(owner), owner)
	}
}
