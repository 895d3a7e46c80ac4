package platform

import (
	"encoding/json"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// defaultSubject is whom the platform's tokens speak for where no credential file states it.
const defaultSubject = "system:serviceaccount:dataloop:storage"

// connection is what an integration's options say. Account and secret may be absent.
type connection struct{ tenant, client, secret, account, subject, audience string }

// connection reads the options of an integration by what they mean, and from the credential file what they do not say.
func (t tester) connection(integration dataloop.Object) (connection, error) {
	available, ok := t.world.DDOEObject(dataloop.AvailableIntegrations, text(integration, "type"))
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
	if content := values[dataloop.MeansCredentialFile]; content != "" && json.Unmarshal([]byte(content),
		&file) != nil {
		return connection{}, unreachable("the credential file is not a JSON object")
	}
	k := connection{
		tenant: orDefault(values[dataloop.MeansTenantID], file.TenantID),
		client: orDefault(values[dataloop.MeansClientID],
			file.ClientID),
		secret: values[dataloop.MeansClientSecret], account: values[dataloop.MeansAccountName],
		subject:  orDefault(file.Subject, defaultSubject),
		audience: orDefault(file.Audience, DefaultAudience),
	}
	if k.tenant == "" || k.client == "" {
		return connection{}, unreachable("the integration names no tenant or no client")
	}
	return k, nil
}

// meanings are the values of an integration's options by what they mean.
func meanings(available, given dataloop.Object) map[string]string {
	values := map[string]string{}
	for _, option := range options(available) {
		if means, value := meaning(option), text(given, text(option, "name")); means != "" && value != "" {
			values[means] = value
		}
	}
	return values
}

// options are the options that an available integration lists.
func options(available dataloop.Object) []dataloop.Object {
	list, _ := available["options"].([]any)
	all := make([]dataloop.Object, 0, len(list))
	for _, one := range list {
		if option, ok := one.(dataloop.Object); ok {
			all = append(all, option)
		}
	}
	return all
}

// meaning is what an option's value is for: what the world states, or else what its names tell a person; "" if they do
// not.
func meaning(option dataloop.Object) string {
	if means := text(option, "means"); means != "" {
		return means
	}
	names := strings.ToLower(text(option, "name") + " " + text(option, "displayName"))
	for _, word := range []struct{ part, means string }{
		{"container", "container"}, {"tenant", dataloop.MeansTenantID}, {"directory", dataloop.MeansTenantID},
		{"secret", dataloop.MeansClientSecret},
		{"file", dataloop.MeansCredentialFile}, {"json", dataloop.MeansCredentialFile},
		{"content", dataloop.MeansCredentialFile},
		{"account", dataloop.MeansAccountName}, {"client", dataloop.MeansClientID},
		{"application", dataloop.MeansClientID},
		{"credential", dataloop.MeansCredentialFile}, {"storage", dataloop.MeansAccountName},
	} {
		if strings.Contains(names, word.part) {
			return word.means
		}
	}
	return ""
}
