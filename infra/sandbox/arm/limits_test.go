package arm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAFreedNameIsHeldForItsRegion for a while.
func TestAFreedNameIsHeldForItsRegion(t *testing.T) {
	const north = `{"location":"North Europe"}`
	b := newConditionedBench(t)
	b.identity(mine)
	b.world.SetLimits(world.Limits{DeletedIdentitySeconds: 30})
	require.Equal(t, 200, b.do("DELETE", mine, "").status)
	assert.Equal(t, 404, b.do("GET", mine, "").status)
	got := b.do("PUT", mine, north)
	assert.Equal(t, 409, got.status)
	assert.Equal(t, "InvalidResourceLocation", got.text("error", "code"))
	assert.Contains(t, got.text("error", "message"), "'westeurope'")
	b.at = b.at.Add(30 * time.Second)
	assert.Equal(t, 201, b.do("PUT", mine, north).status)
	assert.Equal(t, 409, b.do("PUT", mine, here).status, "it is there")
	require.Equal(t, 200, b.do("DELETE", mine, "").status)
	assert.Equal(t, 201, b.do("PUT", mine, north).status, "its own region may have it at once")
}

// TestAProviderThatIsNotRegistered takes no writes.
func TestAProviderThatIsNotRegistered(t *testing.T) {
	b := newConditionedBench(t)
	b.world.SetLimits(world.Limits{UnregisteredProviders: []string{"Microsoft.ManagedIdentity"}})
	got := b.do("PUT", mine, here)
	assert.Equal(t, 409, got.status)
	assert.Equal(t, "MissingSubscriptionRegistration", got.text("error", "code"))
	assert.Contains(t, got.text("error", "message"), "'Microsoft.ManagedIdentity'")
	assert.Equal(t, 404, b.do("GET", mine, "").status)
	b.world.SetLimits(world.Limits{})
	assert.Equal(t, 201, b.do("PUT", mine, here).status)
}

// TestADenyingPolicy refuses the writes of the resource types that it denies, and names itself.
func TestADenyingPolicy(t *testing.T) {
	const credentials = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
	b := newConditionedBench(t)
	b.world.SetLimits(world.Limits{DeniedTypes: []string{strings.ToLower(credentials)}})
	require.Equal(t, 201, b.do("PUT", mine, here).status, "another type")
	got := b.do("PUT", mine+"/federatedIdentityCredentials/one", trust("s"))
	assert.Equal(t, 403, got.status)
	assert.Equal(t, "RequestDisallowedByPolicy", got.text("error", "code"))
	assert.Equal(t, "one", got.text("error", "target"))
	assert.Contains(t, got.text("error", "message"), "Resource 'one' was disallowed by policy. Policy identifiers: "+
		`'[{"policyAssignment":{"name":"Not in this subscription","id":"/subscriptions/`)
	assert.Contains(t, got.raw, `"policyDefinitionEffect":"Deny"`)
	assert.Equal(t, 200, b.do("GET", mine+"/federatedIdentityCredentials", "").status, "it looks at writes alone")
	b.world.SetLimits(world.Limits{DeniedTypes: []string{"Microsoft.ManagedIdentity/userAssignedIdentities"}})
	assert.Equal(t, 403, b.do("PUT", mine, here).status, "tags are a write, too")
	assert.Equal(t, 201, b.do("PUT", mine+"/federatedIdentityCredentials/one", trust("s")).status)
	assert.Equal(t, 200, b.do("DELETE", mine, "").status)
}

// TestARegionWithoutFederationAtAll refuses every request about credentials; one without federation only the writes.
func TestARegionWithoutFederationAtAll(t *testing.T) {
	const list = mine + "/federatedIdentityCredentials"
	for _, atAll := range []bool{false, true} {
		b := newConditionedBench(t)
		b.identity(mine)
		b.world.SetLimits(world.Limits{RegionsWithoutFederation: []string{"West Europe"},
			WithoutFederationAtAll: atAll})
		for request, status := range map[[3]string]int{{"PUT", list + "/one", trust("s")}: 0, {"GET", list}: 200,
			{"GET", list + "/one"}: 404, {"DELETE", list + "/one"}: 204} {
			got := b.do(request[0], request[1], request[2])
			if atAll || status == 0 {
				assert.Equal(t, 405, got.status, request)
				assert.Contains(t, got.text("error", "message"), "not enabled", request)
			} else {
				assert.Equal(t, status, got.status, request)
			}
		}
		assert.Equal(t, 200, b.do("DELETE", mine, "").status, "the identity can be deleted")
	}
}
