package resolve_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
)

const (
	subscriptionID = "/subscriptions/22222222-2222-4222-8222-222222222222"
	identities     = subscriptionID + "/resourceGroups/identities"
	ownName        = "rg-wif"
)

// identityCase is a request's identity, and what becomes of it.
type identityCase struct {
	defaults resolve.Defaults
	given    *integration.Identity
	want     integration.Identity
	pointers []string
}

func identityCases() map[string]identityCase {
	const application, managed = integration.IdentityApplication, integration.IdentityManaged
	group, _ := armid.ParseResourceGroup(identities)
	withDefaults := resolve.Defaults{IdentityKind: managed, IdentityGroup: group, Location: "West Europe",
		OwnGroups: []armid.ResourceGroup{{Name: ownName}}}
	return map[string]identityCase{
		"nothing, without a default": {resolve.Defaults{}, nil,
			integration.Identity{Kind: application}, nil},
		"nothing, with one": {withDefaults, nil,
			integration.Identity{Kind: managed, ResourceGroup: identities, Location: "westeurope"}, nil},
		"an application against the default": {withDefaults, &integration.Identity{Kind: application},
			integration.Identity{Kind: application}, nil},
		"all of it": {resolve.Defaults{OwnGroups: withDefaults.OwnGroups}, &integration.Identity{Kind: managed,
			ResourceGroup: "/SUBSCRIPTIONS" +
				subscriptionID[14:] + "/resourcegroups/Team", Location: "North Europe"},
			integration.Identity{Kind: managed, ResourceGroup: subscriptionID + "/resourceGroups/Team",
				Location: "northeurope"}, nil},
		"no group and no region": {resolve.Defaults{}, &integration.Identity{Kind: managed},
			integration.Identity{Kind: managed},
			[]string{"/identity/resourceGroup", "/identity/location"}},
		"no such kind": {withDefaults, &integration.Identity{Kind: "robot"}, integration.Identity{Kind: "robot"},
			[]string{"/identity/kind"}},
		"a name for an id": {withDefaults, &integration.Identity{ResourceGroup: "identities"},
			integration.Identity{Kind: managed, ResourceGroup: "identities", Location: "westeurope"},
			[]string{"/identity/resourceGroup"}},
		"the service's own group": {withDefaults, &integration.Identity{ResourceGroup: subscriptionID +
			"/resourceGroups/RG-WIF"},
			integration.Identity{Kind: managed, ResourceGroup: subscriptionID + "/resourceGroups/RG-WIF",
				Location: "westeurope"},
			[]string{"/identity/resourceGroup"}},
		"no group is known to be the service's own": {resolve.Defaults{Location: "westeurope"},
			&integration.Identity{Kind: managed, ResourceGroup: identities},
			integration.Identity{Kind: managed, ResourceGroup: identities, Location: "westeurope"},
			[]string{"/identity/resourceGroup"}},
		"a region that is none": {withDefaults, &integration.Identity{Location: "west/europe"},
			integration.Identity{Kind: managed, ResourceGroup: identities, Location: "west/europe"},
			[]string{"/identity/location"}},
		"an application somewhere": {resolve.Defaults{}, &integration.Identity{ResourceGroup: identities,
			Location: "westeurope"},
			integration.Identity{Kind: application, ResourceGroup: identities, Location: "westeurope"},
			[]string{"/identity/resourceGroup", "/identity/location"}},
	}
}

func TestResolveIdentity(t *testing.T) {
	t.Parallel()
	for name, c := range identityCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := defaults()
			d.IdentityKind, d.IdentityGroup, d.Location, d.OwnGroups = c.defaults.IdentityKind,
				c.defaults.IdentityGroup, c.defaults.Location, c.defaults.OwnGroups
			spec := valid()
			spec.Identity = c.given
			resolved, findings, err := d.Resolve(t.Context(), "my-service", spec)
			require.NoError(t, err)
			var pointers []string
			for _, f := range findings {
				pointers = append(pointers, f.Pointer)
				assert.Equal(t, diagnosis.CodeInvalidIdentity, f.Code)
			}
			assert.Equal(t, c.pointers, pointers)
			assert.Equal(t, c.want, *resolved.Identity)
			again, _, err := d.Resolve(t.Context(), "my-service", resolved)
			require.NoError(t, err)
			assert.Equal(t, resolved, again, "a resolved spec resolves to itself")
		})
	}
}
