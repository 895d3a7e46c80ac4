package ddoe_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
)

// inJSON is a text as it stands in a JSON string.
func inJSON(t *testing.T, text string, escapeHTML bool) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	require.NoError(t, encoder.Encode(text))
	return strings.Trim(strings.TrimSpace(b.String()), `"`)
}

// TestMessagesShowNoOptionHoweverItIsWritten: encoders differ in what they escape, and a body may be JSON within JSON.
func TestMessagesShowNoOptionHoweverItIsWritten(t *testing.T) {
	const option = "planted\"<&'>\\/ \n\té\U0001F511+end"
	once, plain := inJSON(t, option, true), inJSON(t, option, false)
	for name, text := range map[string]string{
		"as it is":                  option,
		"JSON":                      plain,
		"JSON with escaped HTML":    once,
		"JSON with escaped slashes": strings.ReplaceAll(plain, "/", `\/`),
		"JSON in ASCII":             strings.NewReplacer("é", `\u00E9`, "\U0001F511", `\uD83D\uDD11`).Replace(plain),
		"JSON in JSON":              inJSON(t, once, true),
		"JSON in JSON, unlike":      inJSON(t, plain, true),
		"JSON in JSON in JSON":      inJSON(t, inJSON(t, plain, false), false),
		"query":                     url.QueryEscape(option),
		"path":                      url.PathEscape(option),
		"query in lower case":       strings.ToLower(url.QueryEscape(option)),
	} {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(map[string]string{"message": "bad value " + text + " of field"})
			require.NoError(t, err)
			a := serve(t, scripted{status: 400, contentType: asJSON, body: string(body)})
			_, _, err = a.CreateIntegration(t.Context(), "org", ddoe.NewIntegration{Name: "n", Type: "t", Options: ddoe.Values{"a": option}})
			var refused *ddoe.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, "bad value [redacted] of field", refused.ServiceMessage())
		})
	}
}
