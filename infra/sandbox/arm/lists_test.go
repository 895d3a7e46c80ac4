package arm_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// names are the last segments of the ids in a list.
func names(t *testing.T, list reply) []string {
	t.Helper()
	require.Equal(t, 200, list.status, list.raw)
	found := []string{}
	for _, object := range list.at("value").([]any) {
		id, _ := object.(map[string]any)["id"].(string)
		found = append(found, id[strings.LastIndex(id, "/")+1:])
	}
	return found
}

// TestListsShowWhatTheCallerMaySee: the caller has rights in the group of the data and in no other subscription.
func TestListsShowWhatTheCallerMaySee(t *testing.T) {
	b := newBench(t)
	b.world.PutSubscription(world.Subscription{ID: nobody, TenantID: world.TenantID})
	subscription := "/subscriptions/" + world.SubscriptionID
	group := subscription + "/resourceGroups/data"
	const accounts = "/providers/Microsoft.Storage/storageAccounts"

	assert.Equal(t, []string{world.TenantID}, names(t, b.do("GET", "/tenants", "")))
	assert.Equal(t, []string{world.SubscriptionID}, names(t, b.do("GET", "/subscriptions", "")))
	assert.Equal(t, []string{"acmedata", "acmelocked"}, names(t, b.do("GET", group+accounts, "")))
	assert.Equal(t, 403, b.do("GET", subscription+accounts, "").status, "no right on the subscription")
	assert.Equal(t, 403, b.do("GET", appGroupID+accounts, "").status)
	assert.Equal(t, 405, b.do("POST", "/subscriptions", "").status)

	filtered := func(filter string) reply {
		return b.do("GET", subscription+"/resources?"+version+"&$filter="+url.QueryEscape(filter), "")
	}
	assert.Equal(t, []string{"acmedata"}, names(t, filtered("name eq 'ACMEdata'")))
	assert.Equal(t, []string{"acmedata"},
		names(t, filtered("name eq 'acmedata' and resourceType eq 'Microsoft.Storage/storageAccounts'")))
	assert.Equal(t, []string{}, names(t, filtered("name eq 'acmedata' and resourceType eq 'Microsoft.Web/sites'")))
	assert.NotContains(t, names(t, b.do("GET", subscription+"/resources", "")), "id-wif", "another group")
	assert.Equal(t, []string{}, names(t, b.do("GET", "/subscriptions/"+nobody+"/resources", "")),
		"what is in another subscription")
	for _, filter := range []string{"name", "name eq acmedata", "location eq 'westeurope'"} {
		assert.Equal(t, 400, filtered(filter).status, filter)
	}
}

// TestRegistration: a subscription is registered for a resource provider by whoever may.
func TestRegistration(t *testing.T) {
	b := newBench(t)
	const namespace = "Microsoft.ManagedIdentity"
	b.world.SetLimits(world.Limits{UnregisteredProviders: []string{namespace}})
	path := "/subscriptions/" + world.SubscriptionID + "/providers/" + namespace
	assert.Equal(t, "NotRegistered", b.do("GET", path, "").at("registrationState"))
	assert.Equal(t, 403, b.do("POST", path+"/register", "").status)
	assert.Equal(t, "NotRegistered", b.do("GET", path, "").at("registrationState"))

	_, _, err := b.world.PutRoleAssignment(rbac.RoleAssignment{Name: one, PrincipalID: world.AppPrincipalID,
		PrincipalType: "ServicePrincipal", Scope: "/subscriptions/" + world.SubscriptionID,
		RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleContributor)})
	require.NoError(t, err)
	assert.Equal(t, "Registered", b.do("POST", path+"/register", "").at("registrationState"))
	assert.Equal(t, "Registered", b.do("GET", path, "").at("registrationState"))
}
