package platform

import (
	"encoding/json"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// defaultSubject is whom the platform's tokens speak for where no credential file states it.
const defaultSubject = "system:serviceaccount:dataloop:storage"

// connection is what an integration's options say. Account and secret may be absent.
type connection struct{ tenant, client, secret, account, subject, audience string }

// connection reads the options of an integration by what they mean, and from the credential file what they do not say.
func (t tester) connection(integration world.Object) (connection, error) {
	available, ok := t.world.DDOEObject(world.DDOEAvailableIntegrations, text(integration, "type"))
	if !ok {
		return connection{}, unreachable("the integration's type is not available")
	}
	values := meanings(available, members(integration, "options"))
	var file struct {
		ClientID string `json:"clientId"`
		TenantID string `json:"tenantId"`
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}
	if content := values[world.MeansCredentialFile]; content != "" && json.Unmarshal([]byte(content), &file) != nil {
		return connection{}, unreachable("the credential file is not a JSON object")
	}
	k := connection{
		tenant: orDefault(values[world.MeansTenantID], file.TenantID), client: orDefault(values[world.MeansClientID],
			file.ClientID),
		secret: values[world.MeansClientSecret], account: values[world.MeansAccountName],
		subject:  orDefault(file.Subject, defaultSubject),
		audience: orDefault(file.Audience, DefaultAudience),
	}
	if k.tenant == "" || k.client == "" {
		return connection{}, unreachable("the integration names no tenant or no client")
	}
	return k, nil
}

// meanings are the values of an integration's options by what they mean.
func meanings(available, given world.Object) map[string]string {
	values := map[string]string{}
	for _, option := range options(available) {
		if means, value := meaning(option), text(given, text(option, "name")); means != "" && value != "" {
			values[means] = value
		}
	}
	return values
}

// options are the options that an available integration lists.
func options(available world.Object) []world.Object {
	list, _ := available["options"].([]any)
	all := make([]world.Object, 0, len(list))
	for _, one := range list {
		if option, ok := one.(world.Object); ok {
			all = append(all, option)
		}
	}
	return all
}

// meaning is what an option's value is for: what the world states, or else what its names tell a person; "" if they do
// not.
func meaning(option world.Object) string {
	if means := text(option, "means"); means != "" {
		return means
	}
	names := strings.ToLower(text(option, "name") + " " + text(option, "displayName"))
	for _, word := range []struct{ part, means string }{
		{"container", "container"}, {"tenant", world.MeansTenantID}, {"directory", world.MeansTenantID},
		{"secret", world.MeansClientSecret},
		{"file", world.MeansCredentialFile}, {"json", world.MeansCredentialFile},
		{"content", world.MeansCredentialFile},
		{"account", world.MeansAccountName}, {"client", world.MeansClientID}, {"application", world.MeansClientID},
		{"credential", world.MeansCredentialFile}, {"storage", world.MeansAccountName},
	} {
		if strings.Contains(names, word.part) {
			return word.means
		}
	}
	return ""
}
