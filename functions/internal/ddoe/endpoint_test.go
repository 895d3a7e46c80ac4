package ddoe_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TestErrorsSayWhatWasAsked: the words name the URL, without what may be secret in it, and the one setting that it comes from.
func TestErrorsSayWhatWasAsked(t *testing.T) {
	asked := func(call func(*ddoe.Client) error) func(base string, way *http.Client) error {
		return func(base string, way *http.Client) error {
			client, err := ddoe.NewClient(ddoe.Options{URL: base + "/our/api/v1", Key: secret.New(apiKey), Client: way})
			require.NoError(t, err)
			return call(client)
		}
	}
	token := func(base string, way *http.Client) error {
		_, err := ddoe.NewTokenSource(base+"/tokens?code=planted", secret.New(apiKey), way).SubjectToken(t.Context(), "s", "a")
		return err
	}
	types := asked(func(c *ddoe.Client) error { _, err := c.AvailableIntegrations(t.Context(), "o-1"); return err })
	drivers := asked(func(c *ddoe.Client) error { _, err := c.ListDrivers(t.Context(), "p", "i"); return err })
	driver := asked(func(c *ddoe.Client) error { _, err := c.GetDriver(t.Context(), "d"); return err })
	number := asked(func(c *ddoe.Client) error { _, err := c.CountDrivers(t.Context(), "i"); return err })
	test := asked(func(c *ddoe.Client) error { _, err := c.TestDriver(t.Context(), "d"); return err })
	hidden := asked(func(c *ddoe.Client) error {
		_, err := c.Hiding(secret.New("planted-file")).GetDriver(t.Context(), "planted-file")
		return err
	})
	for name, c := range map[string]struct {
		request           func(base string, way *http.Client) error
		status            int
		contentType, body string
		operation         string
		code, path        string
		remedy, other     string // what the last step says, and what none does
	}{
		"a web page":             {types, 200, "text/html", "<html>", "ddoe.types.list", "ddoe-answer-invalid", "/our/api/v1/orgs/o-1/availableIntegrations", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"an object for a list":   {drivers, 200, asJSON, `{}`, "ddoe.driver.list", "ddoe-answer-invalid", "/our/api/v1/drivers", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"an object without id":   {driver, 200, asJSON, `{}`, "ddoe.driver.get", "ddoe-answer-invalid", "/our/api/v1/drivers/d", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a number that is none":  {number, 200, asJSON, `-1`, "ddoe.driver.count", "ddoe-answer-invalid", "/our/api/v1/drivers/byIntegration/i", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a body where none is":   {test, 200, asJSON, `{}`, "ddoe.driver.test", "ddoe-answer-invalid", "/our/api/v1/drivers/d/test", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a hidden text":          {hidden, 200, asJSON, `{}`, "ddoe.driver.get", "ddoe-answer-invalid", "/our/api/v1/drivers/[redacted]", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a page that is missing": {types, 404, "text/html", "<html>", "ddoe.types.list", "ddoe-not-found", "/our/api/v1/orgs/o-1/availableIntegrations", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a refused key":          {types, 401, asJSON, `{}`, "ddoe.types.list", "ddoe-unauthorized", "/our/api/v1/orgs/o-1/availableIntegrations", "DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"},
		"a fault":                {types, 500, asJSON, `{}`, "ddoe.types.list", "ddoe-unavailable", "/our/api/v1/orgs/o-1/availableIntegrations", "send the request again", "DDOE_"},
		"a token: a web page":    {token, 200, "text/html", "<html>", "subjectToken.get", "ddoe-answer-invalid", "/tokens", "DDOE_SUBJECT_TOKEN_URL", "DDOE_API_URL"},
		"a token: an object":     {token, 200, asJSON, `{}`, "subjectToken.get", "ddoe-answer-invalid", "/tokens", "DDOE_SUBJECT_TOKEN_URL", "DDOE_API_URL"},
		"a token: unknown":       {token, 404, asJSON, `{}`, "subjectToken.get", "ddoe-not-found", "/tokens", "DDOE_SUBJECT_TOKEN_URL", "DDOE_API_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			found := diagnosis.Classify(c.request(server.URL, server.Client()), diagnosis.Context{Operation: c.operation})
			assert.Equal(t, c.code, string(found.Code))
			assert.Regexp(t, `^`+regexp.QuoteMeta(server.URL+c.path)+` `, found.Detail)
			steps := found.Remedy.Steps
			assert.Contains(t, steps[len(steps)-1], c.remedy)
			for _, text := range append(steps, found.Detail) {
				assert.NotContains(t, text, c.other)
				assert.NotContains(t, text, "planted")
			}
			if c.code == "ddoe-answer-invalid" {
				assert.Contains(t, steps[0], "Send the same request again")
			}
		})
	}
}
