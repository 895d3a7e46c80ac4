package armid

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseResourceGroup(t *testing.T) {
	t.Parallel()
	const subscription = "/subscriptions/22222222-2222-4222-8222-222222222222"
	for name, tc := range map[string]struct{ id, want, problem string }{
		"as Azure spells it": {subscription + "/resourceGroups/identities",
			subscription + "/resourceGroups/identities", ""},
		"in other letters": {"/SUBSCRIPTIONS/ABCDEF22-2222-4222-8222-222222222222/resourcegroups/Team_A.(eu)",
			"/subscriptions/abcdef22-2222-4222-8222-222222222222/resourceGroups/Team_A.(eu)", ""},
		"nothing":            {"", "", "four segments"},
		"a name":             {"identities", "", "four segments"},
		"a slash at the end": {subscription + "/resourceGroups/identities/", "", "four segments"},
		"no slash before":    {"x" + subscription + "/resourceGroups/identities", "", "four segments"},
		"a resource in it":   {subscription + "/resourceGroups/identities/providers/x/y/z", "", "four segments"},
		"a URL": {"https://management.azure.com" + subscription + "/resourceGroups/identities", "",
			"four segments"},
		"another collection": {subscription + "/groups/identities", "", "Segment 3 of the id is not resourceGroups."},
		"no GUID":            {"/subscriptions/mine/resourceGroups/identities", "", "The subscription is not a GUID."},
		"no name":            {subscription + "/resourceGroups/", "", "The resource group's name is not valid."},
		"a bad name":         {subscription + "/resourceGroups/a b", "", "The resource group's name is not valid."},
		"a name with a dot": {subscription + "/resourceGroups/identities.", "",
			"The resource group's name is not valid."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, problem := ParseResourceGroup(tc.id)
			assert.Equal(t, tc.want, id.String())
			assert.Equal(t, tc.problem == "", problem == "", problem)
			assert.Contains(t, problem, tc.problem)
		})
	}
}

func TestResourceGroupsAreTheSame(t *testing.T) {
	t.Parallel()
	const one, other = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
	group := ResourceGroup{one, "rg-wif"}
	assert.True(t, group.IsSame(ResourceGroup{one, "RG-Wif"}))
	assert.False(t, group.IsSame(ResourceGroup{other, "rg-wif"}))
	assert.False(t, group.IsSame(ResourceGroup{one, "rg-wif2"}))
	assert.False(t, group.IsSame(ResourceGroup{}))
	assert.False(t, ResourceGroup{}.IsSame(ResourceGroup{}), "no group is no group's own")
}
