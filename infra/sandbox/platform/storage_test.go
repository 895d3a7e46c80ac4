package platform_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// driverTests are the ways in which the federation may be broken, and what the platform answers to the test of a
// driver then.
var driverTests = map[string]struct {
	values func(v map[string]string)
	change func(b *bench, i identity) error
	body   func(driver map[string]any)
	text   string // "" passes
}{
	"all in place": {},
	"Data Lake":    {body: func(d map[string]any) { d["type"] = "azureDatalakeGen2" }},
	"root":         {body: func(d map[string]any) { d["payload"] = map[string]any{"containerName": container} }},
	"no application": {change: func(b *bench, i identity) error { return b.world.DeleteApplication(i.app.ID) },
		text: "AADSTS700016"},
	"no service principal": {change: func(b *bench, i identity) error {
		return b.world.DeleteServicePrincipal(i.principal.ID)
	},
		text: "AADSTS7000229"},
	"no trust": {change: func(b *bench, i identity) error {
		return b.world.DeleteFederatedCredential(i.app.ID, i.trust.ID)
	},
		text: "AADSTS70025"},
	"no role": {change: func(b *bench, i identity) error { return b.revoke(i) },
		text: "AuthorizationPermissionMismatch"},
	"reader only": {change: func(b *bench, i identity) error {
		b.assign(i.principal, rbac.RoleBlobDataReader)
		return b.revoke(i)
	}, text: "AuthorizationPermissionMismatch"},
	"role not in effect yet": {change: func(b *bench, _ identity) error {
		b.world.SetTiming(world.Timing{RBACMS: 60000})
		return nil
	}, text: "AuthorizationPermissionMismatch"},
	"no such container": {change: func(b *bench, _ identity) error {
		return b.world.DeleteContainer(world.DataAccount, container)
	},
		text: "ContainerNotFound"},
	"firewall": {values: func(v map[string]string) { v["Storage account name"] = world.LockedAccount },
		text: "AuthorizationFailure"},
	"no such account": {values: func(v map[string]string) { v["Storage account name"] = "nosuchaccount" },
		text: "ENOTFOUND nosuchaccount.blob.core.windows.net"},
	"other tenant": {values: func(v map[string]string) { v["Tenant ID"] = "99999999-9999-4999-8999-999999999999" },
		text: "AADSTS90002"},
	"other client": {values: func(v map[string]string) { v["Client ID"] = "99999999-9999-4999-8999-999999999999" },
		text: "AADSTS700016"},
}

// TestDriverTestNeedsTheFederation: a driver validates only if the platform's own token really gets it to the
// container.
func TestDriverTestNeedsTheFederation(t *testing.T) {
	for name, tc := range driverTests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			i := b.identity()
			v := values(i.app.AppID)
			if tc.values != nil {
				tc.values(v)
			}
			integration := b.integration("wif", v)
			body := b.driverBody(integration)
			if tc.body != nil {
				tc.body(body)
			}
			made := b.do("POST", "/drivers", body)
			require.Equal(t, 200, made.status, made.raw)
			if tc.change != nil {
				require.NoError(t, tc.change(b, i))
			}
			before := len(b.cloud.Requests(0))

			got := b.do("GET", "/drivers/"+made.text("id")+"/test", nil)
			if tc.text == "" {
				assert.Equal(t, 204, got.status, got.raw)
				assert.Empty(t, got.raw)
			} else {
				assert.Equal(t, 400, got.status)
				assert.Contains(t, got.text("message"), tc.text)
			}
			assert.Len(t, b.cloud.Requests(before), 1,
				"what the platform does by itself is not in the log of the app's requests")
			command, _ := b.validate(integration)
			if tc.text == "" {
				assert.Equal(t, "success", command.text("status"))
				assert.Nil(t, command.at("error"))
				assert.Equal(t, "trusted", b.metadata(integration, "status"))
			} else {
				assert.Equal(t, "failed", command.text("status"))
				assert.Contains(t, command.text("error"), tc.text)
				assert.Equal(t, "untrusted", b.metadata(integration, "status"))
			}
			assert.InDelta(t, 100, command.at("progress"), 0)
			blobs, err := b.world.Blobs(world.DataAccount, container, "")
			if err == nil {
				assert.Empty(t, blobs, "the test file goes away again")
			}
		})
	}
}

// TestOptionsByOtherNames: a type may be put into the world under any names; the sandbox's platform understands it by
// what the options are called.
func TestOptionsByOtherNames(t *testing.T) {
	for name, options := range map[string]map[string]string{
		"telling names": {"applicationClientId": "Client ID", "directory": "Tenant ID",
			"storageAccount": "Storage account name", "importJson": "Credential file (JSON)"},
		"no account": {"applicationClientId": "Client ID", "directory": "Tenant ID",
			"importJson": "Credential file (JSON)"},
		"only the file": {"importJson": "Credential file (JSON)"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			i := b.identity()
			v, given, list := values(i.app.AppID), map[string]any{}, []any{}
			for option, visible := range options {
				given[option] = v[visible]
				list = append(list, dataloop.Object{"name": option, "displayName": option, "type": "string",
					"required": true})
			}
			require.NoError(t, b.world.PutDDOEObject(dataloop.AvailableIntegrations,
				dataloop.Object{"type": "x", "displayName": "X", "options": list}))
			made := b.do("POST", ofOrg+"/integrations", map[string]any{"name": "n", "type": "x", "options": given})
			require.Equal(t, 200, made.status, made.raw)
			driver := b.driverBody(made.text("id"))
			driver["integrationType"] = "x"
			test := "/drivers/" + b.do("POST", "/drivers", driver).text("id") + "/test"
			got := b.do("GET", test, nil)
			assert.Equal(t, 204, got.status, got.raw)

			require.NoError(t, b.revoke(i))
			assert.Equal(t, 400, b.do("GET", test, nil).status)
		})
	}
}

// TestImmutableContainer: the platform may write there, and leave its file.
func TestImmutableContainer(t *testing.T) {
	b := newBench(t)
	i := b.identity()
	_, _, err := b.world.PutRoleAssignment(rbac.RoleAssignment{Name: "a0000000-0000-4000-8000-00000000000f",
		PrincipalID:   i.principal.ID,
		PrincipalType: "ServicePrincipal", Scope: world.DataAccountID, RoleDefinitionID: rbac.RoleDefinitionID(
			world.SubscriptionID, rbac.RoleBlobDataContributor)})
	require.NoError(t, err)
	driver := b.driverBody(b.integration("n", values(i.app.AppID)))
	driver["payload"] = map[string]any{"containerName": "archive"}
	test := "/drivers/" + b.do("POST", "/drivers", driver).text("id") + "/test"
	assert.Equal(t, 204, b.do("GET", test, nil).status)
	assert.Equal(t, 204, b.do("GET", test, nil).status, "again")
}

func TestValidationAtOnce(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values(b.identity().app.AppID))
	driver := b.driver(integration)
	command := b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got := b.do("GET", "/commands/"+command.text("id"), nil)
			assert.Equal(t, "success", got.text("status"))
			assert.Equal(t, 204, b.do("GET", "/drivers/"+driver+"/test", nil).status)
		})
	}
	group.Wait()
}

func TestValidationWithoutDrivers(t *testing.T) {
	b := newBench(t)
	command, _ := b.validate(b.integration("wif", values("c")))
	assert.Equal(t, "success", command.text("status"))
}
