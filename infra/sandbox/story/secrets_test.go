package story

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
)

// jwt is the shape of any token.
var jwt = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)

// kept is what the app leaves behind: every document, operation and record of its store, what it has put on the topic, and
// what waits in its queues.
func (a *app) kept() map[string]string {
	a.t.Helper()
	state := deployment.Example().State.Name
	all := map[string]string{"events": whole(a.control(http.MethodGet, "/world", nil).at("events"))}
	blobs, err := a.Cloud().World().Blobs(state, deployment.StateContainer, "")
	assert.NoError(a.t, err)
	for _, listed := range blobs { // without content
		b, err := a.Cloud().World().ReadBlob(state, deployment.StateContainer, listed.Name)
		assert.NoError(a.t, err)
		all["record "+b.Name] = string(b.Content)
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

// noSecretWasTold scans every log line, every answer and all that is kept for planted secrets, for anything that looks like
// a token, and for the credential file.
func (a *app) noSecretWasTold(kept map[string]string) {
	kept["log"], kept["answers"] = a.log.String(), a.said.String()
	secrets := append(slices.Clone(a.planted), a.settings("DDOE_API_KEY", "IDENTITY_HEADER")...)
	if a.file != "" {
		secrets = append(secrets, a.file)
	}
	for where, text := range kept {
		assert.NotRegexp(a.t, jwt, text, "a token in %s", where)
		for _, secret := range secrets {
			for _, form := range forms(secret) {
				assert.False(a.t, strings.Contains(text, form), "a secret in %s: %s", where, around(text, form))
			}
		}
	}
}

// forms are the ways in which a text may be written: as it is, in JSON with and without < escaped, in JSON within JSON, and
// in a URL.
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

// optionsAreUntold checks that no value of an option that the platform was sent is in what the app says or keeps, but for
// the ids and names that documents and reports are there to show.
func (a *app) optionsAreUntold() {
	a.t.Helper()
	options, _ := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options").(map[string]any)
	require.NotEmpty(a.t, options)
	document := a.call(http.MethodGet, "/integrations/my-images", nil)
	shown := []any{document.at("status.clientId"), document.at("spec.tenantId"), "acmedata", "images"}
	kept := a.kept()
	kept["log"], kept["answers"] = a.log.String(), a.said.String()
	hidden := 0
	for name, value := range options {
		if slices.Contains(shown, value) {
			continue
		}
		hidden++
		for where, text := range kept {
			for _, form := range forms(value.(string)) {
				assert.False(a.t, strings.Contains(text, form), "the value of option %s in %s: %s", name, where, around(text, form))
			}
		}
	}
	assert.Positive(a.t, hidden, "there is something to hide: %v", options)
}
