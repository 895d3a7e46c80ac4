package cloud

import (
	"maps"
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Environment is what the app needs to run in the sandbox, NAME=value each, after Start: the settings of the
// deployment, what the platform adds to them, and the proxy and certificate by which production URLs lead here.
// Nothing in it is the sandbox's own invention.
func (c *Cloud) Environment() []string {
	s := c.started()
	all := make(map[string]string, len(c.deployment.Settings))
	for name, value := range c.deployment.Settings {
		all[name] = c.resolveReference(value)
	}
	maps.Copy(all, map[string]string{
		// What the platform adds.
		"IDENTITY_ENDPOINT": s.identityURL,
		"IDENTITY_HEADER":   c.identityHeader,
		// Short or long, "West Europe": github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2906.
		"REGION_NAME": c.deployment.Site.Location,
		"RATE_LIMIT":  "1000", // a test asks faster than a person
		// The way into the sandbox.
		"HTTPS_PROXY":                s.proxyURL,
		"https_proxy":                s.proxyURL,
		"NO_PROXY":                   "", // a developer's own exceptions would lead out of the sandbox
		"no_proxy":                   "",
		"SSL_CERT_FILE":              s.caFile,
		"SERVICEBUS_CUSTOM_ENDPOINT": s.tls,
		"ServiceBusConnection":       "", // a developer's own connection string would go before the identity
	})
	environment := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		environment = append(environment, name+"="+all[name])
	}
	return environment
}

// resolveReference replaces a Key Vault reference by the secret, with the identity of the app, as the platform does
// when it starts the app. Where it may not, the app gets the reference itself. The one secret that there is, is the
// key of the DDOE platform's API. Source:
// https://learn.microsoft.com/azure/app-service/app-service-key-vault-references.
func (c *Cloud) resolveReference(value string) string {
	secret, isReference := c.deployment.SecretID(value)
	if !isReference || !c.world.IsAllowed(world.AppPrincipalID, "Microsoft.KeyVault/vaults/secrets/getSecret/action",
		secret, true) {
		return value
	}
	return c.platformKey
}
