// Package infra_test holds the deployment to what the app needs. It reads the committed snapshot, the list of
// resources that infra/main.bicep makes of the example parameters, so it needs no compiler; .ci/infra holds the
// snapshot to the Bicep files.
package infra_test

import (
	"encoding/json"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// resource is one resource of the snapshot. A value that only a deployment knows is an expression in brackets.
type resource struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Name       string          `json:"name"`
	Kind       string          `json:"kind"`
	SKU        sku             `json:"sku"`
	Identity   identity        `json:"identity"`
	Properties json.RawMessage `json:"properties"`
}

type sku struct{ Name, Tier string }

type identity struct {
	Type                   string              `json:"type"`
	UserAssignedIdentities map[string]struct{} `json:"userAssignedIdentities"`
}

// leaf is the last segment of the name: a child's own name.
func (r resource) leaf() string { return path.Base(r.Name) }

func snapshot(t *testing.T) []resource {
	t.Helper()
	var s struct {
		PredictedResources []resource `json:"predictedResources"`
		Diagnostics        []any      `json:"diagnostics"`
	}
	readJSON(t, "main.snapshot.json", &s)
	require.Empty(t, s.Diagnostics)
	require.NotEmpty(t, s.PredictedResources)
	return s.PredictedResources
}

func ofType(t *testing.T, resourceType string) []resource {
	t.Helper()
	var found []resource
	for _, r := range snapshot(t) {
		if r.Type == resourceType {
			found = append(found, r)
		}
	}
	require.NotEmpty(t, found, "no resource of type %s", resourceType)
	return found
}

func one(t *testing.T, resourceType string) resource {
	t.Helper()
	found := ofType(t, resourceType)
	require.Len(t, found, 1, resourceType)
	return found[0]
}

func (r resource) properties(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.Properties, into), r.ID)
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(readFile(t, file)), into), file)
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(content)
}

func TestStorageAccountsTakeNoKeys(t *testing.T) {
	accounts := ofType(t, "Microsoft.Storage/storageAccounts")
	assert.Len(t, accounts, 2, "the host's and the app's own")
	for _, account := range accounts {
		t.Run(account.Name, func(t *testing.T) {
			properties := map[string]any{}
			account.properties(t, &properties)
			for name, want := range map[string]any{
				"allowSharedKeyAccess": false, "allowBlobPublicAccess": false, "allowCrossTenantReplication": false,
				"defaultToOAuthAuthentication": true, "supportsHttpsTrafficOnly": true, "minimumTlsVersion": "TLS1_2",
			} {
				assert.Equal(t, want, properties[name], name)
			}
			assert.Regexp(t, regexp.MustCompile(`^[a-z0-9]{3,24}$`), account.Name)
		})
	}
	for _, container := range ofType(t, "Microsoft.Storage/storageAccounts/blobServices/containers") {
		assert.JSONEq(t, `{"publicAccess": "None"}`, string(container.Properties), container.Name)
	}
}

func TestServiceBusAndTelemetryTakeNoKeys(t *testing.T) {
	namespace := one(t, "Microsoft.ServiceBus/namespaces")
	assert.JSONEq(t, `{"disableLocalAuth": true, "minimumTlsVersion": "1.2"}`, string(namespace.Properties))
	assert.Equal(t, "Standard", namespace.SKU.Name, "Basic has neither sessions nor topics")

	var component struct{ DisableLocalAuth bool }
	one(t, "Microsoft.Insights/components").properties(t, &component)
	assert.True(t, component.DisableLocalAuth)
	var workspace struct {
		Features struct{ DisableLocalAuth bool }
	}
	one(t, "Microsoft.OperationalInsights/workspaces").properties(t, &workspace)
	assert.True(t, workspace.Features.DisableLocalAuth)

	for _, r := range snapshot(t) {
		assert.NotContains(t, strings.ToLower(r.Type), "authorizationrules", "a SAS rule is a key")
	}
	for _, key := range []string{"listKeys", "listConnections", "AccountKey=", "SharedAccess"} {
		assert.NotContains(t, readFile(t, "main.snapshot.json"), key)
	}
}

func TestTheSiteIsAKeylessCustomHandlerOnFlexConsumption(t *testing.T) {
	plan := one(t, "Microsoft.Web/serverfarms")
	assert.Equal(t, sku{Name: "FC1", Tier: "FlexConsumption"}, plan.SKU)

	site := one(t, "Microsoft.Web/sites")
	app := one(t, "Microsoft.ManagedIdentity/userAssignedIdentities")
	assert.Equal(t, identity{Type: "UserAssigned", UserAssignedIdentities: map[string]struct{}{app.ID: {}}},
		site.Identity)

	type storage struct {
		Type           string
		Authentication struct{ Type, UserAssignedIdentityResourceID string }
	}
	var p struct {
		HTTPSOnly                 bool
		KeyVaultReferenceIdentity string
		FunctionAppConfig         struct {
			Runtime    struct{ Name, Version string }
			Deployment struct{ Storage storage }
		}
		SiteConfig map[string]any
	}
	site.properties(t, &p)
	assert.True(t, p.HTTPSOnly)
	assert.Equal(t, app.ID, p.KeyVaultReferenceIdentity)
	assert.Equal(t, "custom 1.0", p.FunctionAppConfig.Runtime.Name+" "+p.FunctionAppConfig.Runtime.Version)
	assert.Equal(t, "UserAssignedIdentity", p.FunctionAppConfig.Deployment.Storage.Authentication.Type)
	assert.Equal(t, app.ID, p.FunctionAppConfig.Deployment.Storage.Authentication.UserAssignedIdentityResourceID)
	assert.Equal(t, map[string]any{"minTlsVersion": "1.2", "ftpsState": "Disabled"}, p.SiteConfig)

	var names []string
	for _, policy := range ofType(t, "Microsoft.Web/sites/basicPublishingCredentialsPolicies") {
		assert.JSONEq(t, `{"allow": false}`, string(policy.Properties), policy.Name)
		names = append(names, policy.leaf())
	}
	assert.ElementsMatch(t, []string{"ftp", "scm"}, names)
}
