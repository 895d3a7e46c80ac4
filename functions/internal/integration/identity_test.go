package integration_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	subscriptionID = "/subscriptions/22222222-2222-4222-8222-222222222222"
	identities     = subscriptionID + "/resourceGroups/identities"
)

func TestResourceGroupOfAnIdentity(t *testing.T) {
	t.Parallel()
	assert.Equal(t, identities, integration.IdentityMade{Key: identities + "/providers/x/y/z"}.ResourceGroup())
	assert.Empty(t, integration.IdentityMade{Key: "ddoe-wif-0123abcd-my-service"}.ResourceGroup())
}

// TestForgetFormerClientID: the former client id is forgotten where the platform was told the new one.
func TestForgetFormerClientID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		platform *integration.DDOEStatus
		want     string
	}{
		"by nobody":           {nil, "former"},
		"by a person":         {&integration.DDOEStatus{Mode: "manual"}, "former"},
		"by its API":          {&integration.DDOEStatus{Mode: "api"}, ""},
		"a person's, by hand": {&integration.DDOEStatus{Mode: "api", Adopted: true}, "former"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := integration.Status{DDOE: c.platform, Identity: integration.IdentityMade{
				Kind: integration.IdentityManaged, FormerClientID: "former"}}
			s.ForgetFormerClientID()
			assert.Equal(t, c.want, s.Identity.FormerClientID)
		})
	}
	var none integration.Status
	none.ForgetFormerClientID()
	assert.Equal(t, integration.Status{}, none)
}
