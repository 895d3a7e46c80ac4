package functions

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	subscription = "22222222-2222-4222-8222-222222222222"
	identities   = "/subscriptions/" + subscription + "/resourceGroups/identities"
	ownGroup     = "/subscriptions/" + subscription + "/resourceGroups/rg-wif"
)

// TestIdentitiesAreNotMadeInTheAppsOwnGroup: whichever source names the group, in whatever letters.
func TestIdentitiesAreNotMadeInTheAppsOwnGroup(t *testing.T) {
	t.Parallel()
	const (
		elsewhere = "/subscriptions/33333333-3333-4333-8333-333333333333/resourceGroups/rg-wif"
		premium   = subscription + "+rg-wif-WestEuropewebspace-Linux"
	)
	shouted := "/SUBSCRIPTIONS/" + subscription + "/resourcegroups/RG-WIF"
	deployed := func(group string) map[string]string { return map[string]string{"OWN_RESOURCE_GROUP": group} }
	platform := func(group, owner string) map[string]string {
		return map[string]string{"WEBSITE_RESOURCE_GROUP": group, "WEBSITE_OWNER_NAME": owner}
	}
	for name, tc := range map[string]struct {
		group   string
		known   map[string]string
		refused bool
	}{
		"deployed, the same":      {ownGroup, deployed(ownGroup), true},
		"deployed, other letters": {ownGroup, deployed(shouted), true},
		"deployed, another name":  {identities, deployed(ownGroup), false},
		"deployed, another's":     {elsewhere, deployed(ownGroup), false},
		"platform, the same":      {ownGroup, platform("RG-wif", premium), true},
		"platform, another's":     {elsewhere, platform("rg-wif", premium), false},
		"platform, another name":  {identities, platform("rg-wif", premium), false},
		"platform, name alone":    {elsewhere, platform("rg-wif", ""), true},
		"one of two says so": {ownGroup, map[string]string{"OWN_RESOURCE_GROUP": identities,
			"WEBSITE_RESOURCE_GROUP": "rg-wif", "WEBSITE_OWNER_NAME": premium}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := map[string]string{"IDENTITY_RESOURCE_GROUP": tc.group}
			maps.Copy(changes, tc.known)
			c, err := ConfigFromEnvironment(settings(changes))
			if tc.refused {
				require.ErrorContains(t, err,
					"setting IDENTITY_RESOURCE_GROUP must not be the app's own resource group")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.group, c.IdentityGroup.String())
		})
	}
}

// TestAnAppThatDoesNotKnowItsOwnGroup starts with no group for managed identities: it might be its own.
func TestAnAppThatDoesNotKnowItsOwnGroup(t *testing.T) {
	t.Parallel()
	const flex = subscription + "+flex-99ddf98v18fee2c3d86cb4d0f37573099297d5124520437bfa4ee00d9fc8ff8e-webspace"
	for name, known := range map[string]map[string]string{
		"nothing":          nil,
		"Flex Consumption": {"WEBSITE_OWNER_NAME": flex},
	} {
		_, err := ConfigFromEnvironment(settings(known))
		require.NoError(t, err, name)
		changes := map[string]string{"IDENTITY_RESOURCE_GROUP": identities}
		maps.Copy(changes, known)
		_, err = ConfigFromEnvironment(settings(changes))
		require.ErrorContains(t, err, "setting OWN_RESOURCE_GROUP is required where IDENTITY_RESOURCE_GROUP is set",
			name)
	}
}

// TestManagedIdentitiesNeedNoGroupHere: a spec may name its own.
func TestManagedIdentitiesNeedNoGroupHere(t *testing.T) {
	t.Parallel()
	c, err := ConfigFromEnvironment(settings(map[string]string{"DEFAULT_IDENTITY": "managedIdentity",
		"OWN_RESOURCE_GROUP": ownGroup, "WEBSITE_RESOURCE_GROUP": "rg-wif"}))
	require.NoError(t, err)
	assert.Equal(t, integration.IdentityManaged, c.DefaultIdentity)
	assert.Zero(t, c.IdentityGroup)
}
