package infra_test

import (
	"go/ast"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The settings that only one side knows, each with the reason.

// platformGiven are read by the code and set by the platform, never by a deployment.
func platformGiven() map[string]string {
	return map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT": "the Functions host, when it starts the handler",
		"IDENTITY_ENDPOINT":            "App Service, where the site has an identity",
		"WEBSITE_SITE_NAME":            "App Service",
		"WEBSITE_OWNER_NAME":           "App Service",
		"WEBSITE_RESOURCE_GROUP":       "App Service, but not on Flex Consumption",
		"REGION_NAME":                  "App Service",
	}
}

// leftUnset are read by the code and must not be set by this deployment.
func leftUnset() map[string]string {
	return map[string]string{
		"ServiceBusConnection":       "a connection string holds a key; the namespace takes none",
		"SERVICEBUS_CUSTOM_ENDPOINT": "the namespace is reached by its own name",
	}
}

// onlyWhereNeeded are read by the code, and main.bicep sets them where their parameter is given; the example gives
// none.
func onlyWhereNeeded() map[string]string {
	why := "for what cannot be discovered on the platform; a value made up for an example would be a guess " +
		"that people copy"
	callers := "for an API that has a registration in Entra; the sandbox runs the example, and asks for no token"
	return map[string]string{"DDOE_INTEGRATION_TYPE": why, "DDOE_OPTION_MAP": why,
		"AUTH_AUDIENCE": callers, "AUTH_TENANT_ID": callers, "QUEUE_OWNER": callers,
		"CORS_ORIGINS": "for an API that is called from a browser; the example has no page",
		"POLICY":       "for what the defaults do not allow, or allow too much of"}
}

// hostReads are read by the Functions host or by the platform, not by the code. What bindings name comes on top.
func hostReads() []string {
	return []string{
		"AzureWebJobsStorage__accountName", "AzureWebJobsStorage__blobServiceUri", "AzureWebJobsStorage__credential",
		"AzureWebJobsStorage__clientId",
		"APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
	}
}

func TestEverySettingThatIsReadIsSet(t *testing.T) {
	set := settings(t)
	for _, name := range codeReads(t) {
		if why, ok := leftUnset()[name]; ok {
			assert.NotContains(t, set, name, why)
			continue
		}
		if why, ok := platformGiven()[name]; ok {
			assert.NotContains(t, set, name, "set by %s", why)
			continue
		}
		if why, ok := onlyWhereNeeded()[name]; ok {
			assert.NotContains(t, set, name, why)
			assert.Contains(t, readFile(t, "main.bicep"), "{ "+name+":", "the code reads it: add it to main.bicep")
			continue
		}
		assert.Contains(t, set, name, "the code reads it: add it to main.bicep")
	}
	for _, name := range slices.Concat(hostReads(), bindingSettings(t)) {
		assert.Contains(t, set, name, "the Functions host reads it")
	}
}

func TestEverySettingThatIsSetIsRead(t *testing.T) {
	read := slices.Concat(codeReads(t), hostReads(), bindingSettings(t))
	for name := range settings(t) {
		assert.Contains(t, read, name, "nothing reads it: take it out of main.bicep")
	}
}

func TestTheListsOfExceptionsAreNotStale(t *testing.T) {
	read := codeReads(t)
	for _, list := range []map[string]string{platformGiven(), leftUnset(), onlyWhereNeeded()} {
		for name := range list {
			assert.Contains(t, read, name, "nothing reads it any more: take it out of the list")
		}
	}
}

func TestSecretsAreKeyVaultReferences(t *testing.T) {
	for name, value := range settings(t) {
		if strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_SECRET") {
			assert.Contains(t, value, "@Microsoft.KeyVault(SecretUri=https://", name)
		}
	}
	for _, connection := range []string{"AzureWebJobsStorage", "ServiceBusConnection"} {
		assert.Equal(t, "managedidentity", settings(t)[connection+"__credential"], connection)
		assert.Contains(t, settings(t)[connection+"__clientId"], ".clientId", connection)
	}
}

// The host takes the account's name where it cannot make a client from the URI early in its start: both must lead to
// the account that it has the right to. Source: azure-functions-host issues 11787, 11782, 11636.
func TestTheHostsAccountIsNamedTwice(t *testing.T) {
	var accounts []string // those that hold the package
	for _, c := range ofType(t, "Microsoft.Storage/storageAccounts/blobServices/containers") {
		if c.leaf() == "packages" {
			account, _, _ := strings.Cut(c.Name, "/")
			accounts = append(accounts, account)
		}
	}
	assert.Equal(t, []string{settings(t)["AzureWebJobsStorage__accountName"]}, accounts)
	assert.Contains(t, settings(t)["AzureWebJobsStorage__blobServiceUri"], "outputs.hostBlobEndpoint")
}

// Flex Consumption refuses or ignores these.
func TestNoSettingThatFlexConsumptionRefuses(t *testing.T) {
	refused := regexp.MustCompile(
		`^(FUNCTIONS_(WORKER_RUNTIME|EXTENSION_VERSION)|WEBSITE_.*|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|AzureWebJobsStorage)$`)
	for name := range settings(t) {
		assert.NotRegexp(t, refused, name)
	}
}

// settings returns the app settings: name → value, an expression in brackets where only a deployment knows it. If the
// object as a whole were an expression, a condition in main.bicep would depend on what only a deployment knows.
func settings(t *testing.T) map[string]string {
	t.Helper()
	var found map[string]string
	for _, r := range ofType(t, "Microsoft.Web/sites/config") {
		if r.leaf() == "appsettings" {
			r.properties(t, &found)
		}
	}
	require.NotEmpty(t, found, "no app settings")
	return found
}

// codeReads returns the settings that the code reads: its names are the only literals of that form in the packages
// that get the environment. A connection's members are added to the name of the connection.
func codeReads(t *testing.T) []string {
	t.Helper()
	setting := regexp.MustCompile(`^([A-Z][A-Z0-9]*(_[A-Z0-9]+)+|POLICY)$`)
	names := map[string]bool{}
	for _, file := range slices.Concat(parsed(t, "../functions/*.go"), parsed(t, "../handler/*.go")) {
		ast.Inspect(file, func(n ast.Node) bool {
			value, ok := text(n)
			switch {
			case !ok:
			case setting.MatchString(value):
				names[value] = true
			case slices.Contains(connections(t), value):
				names[value] = true
			case strings.HasPrefix(value, "__"):
				for _, connection := range connections(t) {
					names[connection+value] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// connections are the names of the triggers' connections.
func connections(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, tr := range queueTriggers(t) {
		names[tr.Connection] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// bindingSettings are what the host reads for the bindings of function.json: the members of a connection that a
// user-assigned identity needs, and every %NAME%.
func bindingSettings(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, connection := range connections(t) {
		for _, member := range []string{"fullyQualifiedNamespace", "credential", "clientId"} {
			names = append(names, connection+"__"+member)
		}
	}
	files, err := filepath.Glob("../functions/*/function.json")
	require.NoError(t, err)
	for _, file := range files {
		for _, named := range regexp.MustCompile(`%(\w+)%`).FindAllStringSubmatch(readFile(t, file), -1) {
			names = append(names, named[1])
		}
	}
	return names
}
