package story

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// parts are the first two of what may be a token.
var parts = regexp.MustCompile(`([A-Za-z0-9_-]{11,})\.[A-Za-z0-9_-]{7,}`)

// jwt returns a token that a text holds, empty where it holds none: its header is a JSON object, however it is
// written.
func jwt(text string) string {
	for _, found := range parts.FindAllStringSubmatch(text, -1) {
		header, err := base64.RawURLEncoding.DecodeString(found[1])
		var object map[string]any
		if err == nil && json.Unmarshal(header, &object) == nil {
			return found[0]
		}
	}
	return ""
}

// kept is what the app leaves behind: every document, operation and record of its store, what it has put on the topic,
// and what waits in its queues.
func (a *app) kept() map[string]string {
	a.t.Helper()
	state := deployment.Example().State.Name
	all := map[string]string{"events": whole(a.control(http.MethodGet, "/world", nil).at("events"))}
	blobs, err := a.Cloud().World().Blobs(state, deployment.StateContainer, "")
	assert.NoError(a.t, err)
	for _, b := range blobs { // a listing holds no content
		record, err := a.Cloud().World().ReadBlob(state, deployment.StateContainer, b.Name)
		if errors.Is(err, world.ErrBlobNotFound) {
			continue // removed since
		}
		assert.NoError(a.t, err)
		assert.Len(a.t, record.Content, record.Size, b.Name)
		all["record "+b.Name] = string(record.Content)
	}
	for _, queue := range []string{"wif-commands", "wif-health"} {
		for _, door := range []string{"messages", "deadletter"} {
			all[queue+" "+door] = a.control(http.MethodGet, "/queues/"+queue+"/"+door, nil).Raw
		}
	}
	return all
}

// whole is a value of the control API as text; a body that is JSON in JSON is still legible.
func whole(v any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err.Error()
	}
	return text.String()
}

// noSecretWasTold scans every log line, every answer and all that is kept for planted secrets, for anything that looks
// like a token, and for the credential file.
func (a *app) noSecretWasTold(kept map[string]string) {
	kept["log"], kept["answers"] = a.log.String(), a.said.String()
	secrets := append(slices.Clone(a.planted), a.settings("DDOE_API_KEY", "IDENTITY_HEADER")...)
	if a.file != "" {
		secrets = append(secrets, a.file)
	}
	for where, text := range kept {
		assert.Empty(a.t, jwt(text), "a token in %s", where)
		for _, secret := range secrets {
			for _, form := range forms(secret) {
				assert.False(a.t, strings.Contains(text, form), "a secret in %s: %s", where, around(text, form))
			}
		}
	}
}

// forms are the ways in which a text may be written: as it is, in JSON with and without < escaped, in JSON within
// JSON, and in a URL.
func forms(text string) []string {
	all := []string{text, url.QueryEscape(text), url.PathEscape(text)}
	once := []string{quoted(text, true), quoted(text, false)}
	all = append(all, once...)
	for _, inner := range once {
		all = append(all, quoted(inner, true), quoted(inner, false))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// quoted is the text as it stands between the quotes of a JSON string.
func quoted(text string, escapeHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	if err := encoder.Encode(text); err != nil { // a string
		return text
	}
	line := strings.TrimSpace(b.String())
	return line[1 : len(line)-1]
}

// around is where a secret was found, for the message of the test.
func around(text, secret string) string {
	i := strings.Index(text, secret)
	if i < 0 {
		return ""
	}
	return text[max(0, i-200):min(len(text), i+len(secret)+50)]
}

// optionsAreUntold checks that no value of an option that the platform was sent is in what the app states or keeps,
// but for the ids and names that documents and reports are there to show.
func (a *app) optionsAreUntold() {
	a.t.Helper()
	options, _ := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options").(map[string]any)
	require.NotEmpty(a.t, options)
	document := a.call(http.MethodGet, "/integrations/my-images", nil)
	visible := []any{document.at("status.clientId"), document.at("spec.tenantId"), "acmedata", "images"}
	kept := a.kept()
	kept["log"], kept["answers"] = a.log.String(), a.said.String()
	hidden := 0
	for name, value := range options {
		if slices.Contains(visible, value) {
			continue
		}
		hidden++
		for where, text := range kept {
			for _, form := range forms(value.(string)) {
				assert.False(a.t, strings.Contains(text, form), "the value of option %s in %s: %s", name, where,
					around(text, form))
			}
		}
	}
	assert.Positive(a.t, hidden, "there is something to hide: %v", options)
}

// TestSecretsInOddPlaces puts tokens and keys where names belong, by HTTP, in a form and by message. What the app
// answers and keeps is scanned when the test ends; the rest of a pointer leads to the place.
func TestSecretsInOddPlaces(t *testing.T) {
	t.Parallel()
	a := startWithPlanted(t)
	header := base64.RawURLEncoding.EncodeToString([]byte("{\n  \"alg\": \"RS256\"\n}"))
	for kind, secret := range map[string]string{
		"a token with blanks": header + ".pl4nted.pl4nted",
		"a connection string": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=pl4nted/~pl4nted==;EndpointSuffix=core.windows.net",
		"a signature":         "https://a.blob.core.windows.net/c?sv=2024-11-04&sig=pl4nted%3D",
	} {
		t.Run(kind, func(t *testing.T) {
			spec := a.spec("images")
			spec["storage"].([]any)[0].(map[string]any)[secret] = secret
			got := a.call(http.MethodPut, "/integrations/x-y-z", spec)
			assert.Equal(t, http.StatusUnprocessableEntity, got.Status)
			assert.Equal(t, "/storage/0/[redacted]", got.at("errors.0.pointer"), got.Raw)

			body, contentType := form(t, `{"x":{`+quotedWhole(secret)+`:1}}`, nil)
			got = a.call(http.MethodPost, validatePath, body, "Content-Type", contentType)
			assert.Contains(t, got.Raw, `"/x/[redacted]"`)
			body, contentType = form(t, `{}`, map[string]string{secret: secret})
			got = a.call(http.MethodPost, validatePath, body, "Content-Type", contentType)
			assert.Equal(t, "/[redacted]", got.at("errors.0.pointer"), got.Raw)

			id := uuid.NewString()
			a.produce("ses-1", cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": "ses-1",
				"operationId": id, "spec": spec}))
			operation := a.operation(id)
			assert.Equal(t, "/data/spec/storage/0/[redacted]", operation.at("error.errors.0.pointer"), operation.Raw)
			assert.Contains(t, a.kept()["record rejected/"+id+".json"], "[redacted]",
				"the refused message is kept without it")
		})
	}
}

// quotedWhole is the text as a JSON string.
func quotedWhole(text string) string { return `"` + quoted(text, false) + `"` }
