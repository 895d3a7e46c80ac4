package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// settings are a complete environment; changes replace single ones, and an empty value removes one.
func settings(changes map[string]string) func(string) (string, bool) {
	all := map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT":                  "7080",
		"STATE_STORAGE_URL":                             "https://state.blob.core.windows.net/",
		"ServiceBusConnection__fullyQualifiedNamespace": "wif.servicebus.windows.net",
	}
	maps.Copy(all, changes)
	return func(name string) (string, bool) {
		v, ok := all[name]
		return v, ok && v != ""
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := ConfigFromEnvironment(settings(nil))
	require.NoError(t, err)
	assert.Equal(t, 7080, c.Port)
	assert.Equal(t, "https://state.blob.core.windows.net", c.StateStorageURL)
	assert.Equal(t, "wif.servicebus.windows.net", c.ServiceBus.Namespace)
	assert.Equal(t, "public", c.Cloud.Name)
	assert.Equal(t, "api://AzureADTokenExchange", c.Cloud.Audience)
	assert.Equal(t, "blob.core.windows.net", c.Cloud.BlobSuffix)
	assert.Equal(t, "system:serviceaccount:dataloop:{service}", c.SubjectTemplate)
	assert.Empty(t, c.Issuer, "there is no built-in issuer")
	assert.Nil(t, c.Platform, "the steps on the platform are off")
	assert.False(t, c.ManagedIdentity)
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, integration.IdentityApplication, c.DefaultIdentity)
	assert.Zero(t, c.IdentityGroup)
	assert.Equal(t, host, c.SiteName, "a test from outside Azure says where it ran")
}

func TestConfigOfEverySetting(t *testing.T) {
	c, err := ConfigFromEnvironment(settings(map[string]string{
		"AZURE_CLIENT_ID": "0B1F6E0E-7F0C-4F7E-9D59-6D9C9F1C2A10", "AZURE_CLOUD": "china",
		"IDENTITY_ENDPOINT":                             "http://127.0.0.1:1/token",
		"ServiceBusConnection__fullyQualifiedNamespace": "WIF.servicebus.chinacloudapi.cn",
		"SERVICEBUS_CUSTOM_ENDPOINT":                    "127.0.0.1:5671",
		"DDOE_ISSUER":                                   "https://dataloop.ai/oauth2/",
		"ISSUER_ALLOWLIST":                              " IDP.example.com, keys.example.com,",
		"STORAGE_SUFFIX_ALLOWLIST":                      "z01.blob.storage.azure.net",
		"DDOE_SUBJECT_TEMPLATE":                         "svc:{service}",
		"DDOE_SUBJECT_TOKEN_URL":                        "https://gate.dataloop.ai/tokens",
		"DDOE_API_KEY":                                  "planted-key",
		"DDOE_API_URL":                                  "https://ddoe.example.com:8443/api/v1/",
		"DDOE_INTEGRATION_TYPE":                         "some-type",
		"DDOE_OPTION_MAP":                               `{"a":"clientId","b":"=planted-literal"}`,
		"DEFAULT_IDENTITY":                              "managedIdentity", "IDENTITY_RESOURCE_GROUP": identities,
		"OWN_RESOURCE_GROUP": ownGroup,
		"PUBLIC_BASE_URL":    "http://127.0.0.1:7071/", "WEBSITE_SITE_NAME": "wif", "REGION_NAME": "China North 3",
	}))
	require.NoError(t, err)
	assert.Equal(t, "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10", c.ClientID)
	assert.True(t, c.ManagedIdentity)
	assert.Equal(t, []string{"idp.example.com", "keys.example.com"}, c.IssuerHosts)
	assert.Equal(t, []string{"z01.blob.storage.azure.net"}, c.StorageSuffixes)
	assert.Equal(t, "api://AzureADTokenExchangeChina", c.Cloud.Audience)
	assert.Equal(t, "https://login.chinacloudapi.cn/", c.Cloud.Configuration.ActiveDirectoryAuthorityHost)
	assert.Equal(t, "wif.servicebus.chinacloudapi.cn", c.ServiceBus.Namespace)
	assert.Equal(t, "127.0.0.1:5671", c.ServiceBus.CustomEndpoint)
	assert.Equal(t, integration.IdentityManaged, c.DefaultIdentity)
	assert.Equal(t, identities, c.IdentityGroup.String())
	assert.Equal(t, "https://dataloop.ai/oauth2/", c.Issuer, "an issuer is kept byte for byte")
	assert.Equal(t, "svc:{service}", c.SubjectTemplate)
	assert.Equal(t, "planted-key", c.SubjectTokenKey.Reveal())
	require.NotNil(t, c.Platform)
	assert.Equal(t, "https://ddoe.example.com:8443/api/v1", c.Platform.URL)
	assert.Equal(t, "planted-key", c.Platform.Key.Reveal())
	assert.Equal(t, "some-type", c.Platform.IntegrationType)
	assert.Equal(t, "clientId", c.Platform.OptionMap["a"].Reveal())
	assert.Equal(t, "=planted-literal", c.Platform.OptionMap["b"].Reveal())
	assert.Equal(t, "http://127.0.0.1:7071", c.PublicBaseURL)
	assert.Equal(t, "wif", c.SiteName)
	assert.Equal(t, "China North 3", c.Region)

	document, err := json.Marshal(c)
	require.NoError(t, err)
	assert.NotContains(t, string(document)+fmt.Sprintf("%v %+v %#v", c, c, c), "planted")
}

const busConnection = "Endpoint=sb://wif.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=planted="

// faultySettings are changes of the settings with one fault each; the key begins with the setting that is at fault.
var faultySettings = map[string]map[string]string{
	"FUNCTIONS_CUSTOMHANDLER_PORT: missing":   {"FUNCTIONS_CUSTOMHANDLER_PORT": ""},
	"FUNCTIONS_CUSTOMHANDLER_PORT: a word":    {"FUNCTIONS_CUSTOMHANDLER_PORT": "http"},
	"FUNCTIONS_CUSTOMHANDLER_PORT: zero":      {"FUNCTIONS_CUSTOMHANDLER_PORT": "0"},
	"FUNCTIONS_CUSTOMHANDLER_PORT: too large": {"FUNCTIONS_CUSTOMHANDLER_PORT": "65536"},

	"AZURE_CLIENT_ID: a name":    {"AZURE_CLIENT_ID": "my-identity"},
	"AZURE_CLIENT_ID: in braces": {"AZURE_CLIENT_ID": "{0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10}"},

	"AZURE_CLOUD: unknown": {"AZURE_CLOUD": "AzureCloud"},

	"STATE_STORAGE_URL: missing":     {"STATE_STORAGE_URL": ""},
	"STATE_STORAGE_URL: blanks":      {"STATE_STORAGE_URL": "  "},
	"STATE_STORAGE_URL: http":        {"STATE_STORAGE_URL": "http://state.blob.core.windows.net"},
	"STATE_STORAGE_URL: a name":      {"STATE_STORAGE_URL": "state"},
	"STATE_STORAGE_URL: with a SAS":  {"STATE_STORAGE_URL": "https://state.blob.core.windows.net?sig=planted"},
	"STATE_STORAGE_URL: with a user": {"STATE_STORAGE_URL": "https://user:planted@state.blob.core.windows.net"},

	"ServiceBusConnection__fullyQualifiedNamespace: missing": {"ServiceBusConnection__fullyQualifiedNamespace": ""},
	"ServiceBusConnection__fullyQualifiedNamespace: both":    {"ServiceBusConnection": busConnection},
	"ServiceBusConnection__fullyQualifiedNamespace: a URL": {
		"ServiceBusConnection__fullyQualifiedNamespace": "sb://wif.servicebus.windows.net",
	},
	"ServiceBusConnection__fullyQualifiedNamespace: a name": {"ServiceBusConnection__fullyQualifiedNamespace": "wif"},

	"ServiceBusConnection: not one": {"ServiceBusConnection__fullyQualifiedNamespace": "",
		"ServiceBusConnection": "planted"},
	"ServiceBusConnection: without a key": {"ServiceBusConnection__fullyQualifiedNamespace": "",
		"ServiceBusConnection": "Endpoint=sb://wif.servicebus.windows.net/"},
	"ServiceBusConnection: of one queue": {"ServiceBusConnection__fullyQualifiedNamespace": "",
		"ServiceBusConnection": busConnection + ";EntityPath=wif-commands"},

	"SERVICEBUS_CUSTOM_ENDPOINT: a URL":  {"SERVICEBUS_CUSTOM_ENDPOINT": "amqps://127.0.0.1:5671"},
	"SERVICEBUS_CUSTOM_ENDPOINT: a path": {"SERVICEBUS_CUSTOM_ENDPOINT": "127.0.0.1/x"},

	"DEFAULT_IDENTITY: unknown":       {"DEFAULT_IDENTITY": "planted"},
	"DEFAULT_IDENTITY: other letters": {"DEFAULT_IDENTITY": "managedidentity"},

	"IDENTITY_RESOURCE_GROUP: a name":             {"IDENTITY_RESOURCE_GROUP": "planted"},
	"IDENTITY_RESOURCE_GROUP: a subscription":     {"IDENTITY_RESOURCE_GROUP": "/subscriptions/planted"},
	"IDENTITY_RESOURCE_GROUP: a slash at the end": {"IDENTITY_RESOURCE_GROUP": identities + "/"},

	"OWN_RESOURCE_GROUP: a name": {"OWN_RESOURCE_GROUP": "planted"},

	"DDOE_ISSUER: no URL":  {"DDOE_ISSUER": "dataloop.ai/oauth2"},
	"DDOE_ISSUER: http":    {"DDOE_ISSUER": "http://dataloop.ai/oauth2"},
	"DDOE_ISSUER: a query": {"DDOE_ISSUER": "https://dataloop.ai/oauth2?x=1"},

	"DDOE_SUBJECT_TEMPLATE: without the service": {"DDOE_SUBJECT_TEMPLATE": "system:serviceaccount:dataloop:x"},
	"DDOE_SUBJECT_TEMPLATE: the service twice":   {"DDOE_SUBJECT_TEMPLATE": "{service}:{service}"},

	"ISSUER_ALLOWLIST: a URL":          {"ISSUER_ALLOWLIST": "https://idp.example.com"},
	"ISSUER_ALLOWLIST: a port":         {"ISSUER_ALLOWLIST": "idp.example.com:8443"},
	"ISSUER_ALLOWLIST: a pattern":      {"ISSUER_ALLOWLIST": "*.example.com"},
	"ISSUER_ALLOWLIST: an address":     {"ISSUER_ALLOWLIST": "keys.example.com,127.0.0.1"},
	"ISSUER_ALLOWLIST: an IPv6":        {"ISSUER_ALLOWLIST": "::1"},
	"ISSUER_ALLOWLIST: a label":        {"ISSUER_ALLOWLIST": "localhost"},
	"STORAGE_SUFFIX_ALLOWLIST: dotted": {"STORAGE_SUFFIX_ALLOWLIST": ".blob.storage.azure.net"},
	"DDOE_SUBJECT_TOKEN_URL: http": {"DDOE_SUBJECT_TOKEN_URL": "http://gate.dataloop.ai",
		"DDOE_API_KEY": "planted"},

	"DDOE_API_KEY: missing":             {"DDOE_SUBJECT_TOKEN_URL": "https://gate.dataloop.ai"},
	"DDOE_API_KEY: missing for the API": {"DDOE_API_URL": "https://gate.dataloop.ai/api/v1"},

	"DDOE_API_URL: http": {"DDOE_API_URL": "http://gate.dataloop.ai/api/v1",
		"DDOE_API_KEY": "planted"},

	"DDOE_OPTION_MAP: not JSON":          {"DDOE_OPTION_MAP": "planted"},
	"DDOE_OPTION_MAP: an unknown source": {"DDOE_OPTION_MAP": `{"a":"planted"}`},

	"PUBLIC_BASE_URL: a path":         {"PUBLIC_BASE_URL": "/api"},
	"PUBLIC_BASE_URL: a query":        {"PUBLIC_BASE_URL": "https://wif.example.com?code=planted"},
	"PUBLIC_BASE_URL: another scheme": {"PUBLIC_BASE_URL": "ftp://wif.example.com"},

	"ServiceBusConnection__fullyQualifiedNamespace: with port": {
		"ServiceBusConnection__fullyQualifiedNamespace": "wif.servicebus.windows.net:5671",
	},
}

func TestFaultySettings(t *testing.T) {
	byString := map[string]string{"ServiceBusConnection__fullyQualifiedNamespace": "",
		"ServiceBusConnection": busConnection}
	_, err := ConfigFromEnvironment(settings(byString))
	require.NoError(t, err, "a connection string will do")

	for name, changes := range faultySettings {
		t.Run(name, func(t *testing.T) {
			_, err := ConfigFromEnvironment(settings(changes))
			require.Error(t, err)
			joined, ok := err.(interface{ Unwrap() []error })
			require.True(t, ok)
			assert.Len(t, joined.Unwrap(), 1, err)
			setting, _, _ := strings.Cut(name, ":")
			assert.Contains(t, err.Error(), "setting "+setting+" ")
			assert.NotContains(t, err.Error(), "planted", "a faulty value may be a secret")
		})
	}
}

// Whatever setting the reference stands in, the start ends with its own code, and with nothing else about that
// setting.
func TestUnresolvedKeyVaultReferences(t *testing.T) {
	var names []string
	_, err := ConfigFromEnvironment(func(name string) (string, bool) { names = append(names, name); return "", false })
	require.Error(t, err)
	slices.Sort(names)
	names = slices.Compact(names)
	require.Contains(t, names, "DDOE_API_KEY")
	require.Greater(t, len(names), 15)
	for _, name := range names {
		for _, reference := range []string{
			"@Microsoft.KeyVault(SecretUri=https://planted.vault.azure.net/secrets/x)",
			" @microsoft.keyvault(VaultName=planted;SecretName=x)",
		} {
			t.Run(name+" "+reference, func(t *testing.T) {
				values := map[string]string{"WEBSITE_SITE_NAME": "my-site", "DDOE_API_KEY": "planted"}
				values[name] = reference
				if name == "ServiceBusConnection" {
					values["ServiceBusConnection__fullyQualifiedNamespace"] = ""
				}
				_, err := ConfigFromEnvironment(settings(values))
				var known *diagnosis.Error
				require.ErrorAs(t, err, &known)
				assert.Equal(t, diagnosis.CodeKeyVaultReferenceUnresolved, known.Diagnosis.Code)
				assert.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 1, err)
				assert.Contains(t, err.Error(), "setting "+name+" is not resolved: key-vault-reference-unresolved: ")
				assert.Contains(t, err.Error(), "operator: ")
				assert.Contains(t, err.Error(), "/config/configreferences/appsettings?")
				if name != "WEBSITE_SITE_NAME" {
					assert.Contains(t, err.Error(), "--name my-site ")
				}
				assert.NotContains(t, err.Error(), "planted", "it names the vault, not only the setting")
				assert.NotContains(t, err.Error(), "\n", "one line")
			})
		}
	}
}

func TestWhatIsNoKeyVaultReference(t *testing.T) {
	for _, key := range []string{"@Microsoft.KeyVault", "x@Microsoft.KeyVault(SecretUri=y)",
		"@Microsoft.AppConfiguration(Endpoint=x)"} {
		c, err := ConfigFromEnvironment(settings(map[string]string{"DDOE_API_URL": "https://gate.dataloop.ai/api/v1",
			"DDOE_API_KEY": key}))
		require.NoError(t, err)
		assert.Equal(t, key, c.Platform.Key.Reveal())
	}
}

func TestAFaultyOptionIsNamed(t *testing.T) {
	_, err := ConfigFromEnvironment(
		settings(map[string]string{"DDOE_OPTION_MAP": `{"a": "clientId", "zone": "planted", "note": "=planted"}`}))
	require.ErrorContains(t, err, `option "zone"`)
	assert.NotContains(t, err.Error(), "planted", "a faulty value may be a secret")
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := ConfigFromEnvironment(func(name string) (string, bool) { return "\x00", true })
	require.Error(t, err)
	for _, name := range []string{
		"FUNCTIONS_CUSTOMHANDLER_PORT", "AZURE_CLIENT_ID", "AZURE_CLOUD", "STATE_STORAGE_URL",
		"ServiceBusConnection__fullyQualifiedNamespace",
		"SERVICEBUS_CUSTOM_ENDPOINT", "DEFAULT_IDENTITY", "IDENTITY_RESOURCE_GROUP", "OWN_RESOURCE_GROUP",
		"DDOE_ISSUER", "DDOE_SUBJECT_TEMPLATE", "DDOE_SUBJECT_TOKEN_URL", "DDOE_API_URL", "DDOE_OPTION_MAP",
		"PUBLIC_BASE_URL",
	} {
		assert.Contains(t, err.Error(), name)
	}
	_, err = ConfigFromEnvironment(func(string) (string, bool) { return "", false })
	require.Error(t, err)
	for _, name := range []string{"FUNCTIONS_CUSTOMHANDLER_PORT", "STATE_STORAGE_URL",
		"ServiceBusConnection__fullyQualifiedNamespace"} {
		assert.Contains(t, err.Error(), name)
	}
}

// TestEachCloud may be named, the default one too, and has constants of its own.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations and azcore's
// packages cloud and arm/runtime.
func TestEachCloud(t *testing.T) {
	public := []string{"public", "https://login.microsoftonline.com/", "https://management.azure.com",
		"https://management.core.windows.net//.default", "api://AzureADTokenExchange", "blob.core.windows.net"}
	want := map[string][]string{
		"": public, "public": public,
		"usgov": {"usgov", "https://login.microsoftonline.us/", "https://management.usgovcloudapi.net",
			"https://management.core.usgovcloudapi.net//.default", "api://AzureADTokenExchangeUSGov",
			"blob.core.usgovcloudapi.net"},
		"china": {"china", "https://login.chinacloudapi.cn/", "https://management.chinacloudapi.cn",
			"https://management.core.chinacloudapi.cn//.default", "api://AzureADTokenExchangeChina",
			"blob.core.chinacloudapi.cn"},
	}
	for name, all := range want {
		cfg, err := ConfigFromEnvironment(settings(map[string]string{"AZURE_CLOUD": name}))
		require.NoError(t, err, name)
		c := cfg.Cloud
		assert.Equal(t, all, []string{c.Name, c.Configuration.ActiveDirectoryAuthorityHost,
			c.Configuration.Services[cloud.ResourceManager].Endpoint, c.managementScope(), c.Audience,
			c.BlobSuffix}, name)
	}
	for _, c := range clouds() {
		assert.Contains(t, want, c.Name, "each row has a case")
	}
	for _, name := range []string{"Public", "AzureCloud", "gov", "usgovernment", "publi", "public2"} {
		_, err := ConfigFromEnvironment(settings(map[string]string{"AZURE_CLOUD": name}))
		assert.ErrorContains(t, err, "AZURE_CLOUD", name)
	}
}
