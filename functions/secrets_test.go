package functions

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// marker is in every secret that these tests plant.
const marker = "pl4nted"

// secrets are planted ones by their kind; marker is in the secret part.
func secrets() map[string]string {
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return map[string]string{
		"token": header(`{"alg":"RS256","typ":"JWT"}`) +
			".pl4nted-pl4nted-pl4nted.pl4nted-pl4nted-pl4nted",
		"token, a blank":    header(`{ "alg":"RS256"}`) + ".pl4nted.pl4nted",
		"token, a line":     header("{\r\n  \"alg\":\"RS256\"}") + ".pl4nted.pl4nted",
		"connection string": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=pl4nted/pl4nted~==;EndpointSuffix=core.windows.net",
		"bus":               "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=pl4nted=",
		"signature":         "https://a.blob.core.windows.net/c?sv=2024-11-04&sp=r&sig=pl4nted%2Bpl4nted%3D",
		"client secret":     "abc8Q~pl4nted0123456789abcdefghijklmnopqrs",
		"account key":       strings.Repeat("pl4nted/", 10) + "abcdef==",
		"bearer":            " Bearer pl4nted-pl4nted-pl4nted",
		"GitHub":            "/ghp_" + strings.Repeat("pl4nted", 5) + "x",
		"URL":               "amqps://root:pl4nted@a.servicebus.windows.net",
		"private key":       "-----BEGIN PRIVATE KEY-----\npl4nted",
	}
}

// FuzzPlantedSecrets puts a secret, with anything around it, wherever a caller or producer can put a text, and looks
// for it in all that the app answers, logs, sends and keeps.
func FuzzPlantedSecrets(f *testing.F) {
	kinds := slices.Sorted(maps.Keys(secrets()))
	for i := range kinds {
		f.Add(uint8(i), "", "")
		f.Add(uint8(i), "~1/~0", `"\"}/x~`)
	}
	f.Add(uint8(0), strings.Repeat("é", 70), "\u2028")
	f.Fuzz(func(t *testing.T, kind uint8, before, after string) {
		if strings.Contains(before+after, marker) {
			t.Skip("planted without the shape of a secret")
		}
		secret := secrets()[kinds[int(kind)%len(kinds)]]
		a := newApp(t, nil)
		require.Equal(t, http.StatusCreated, a.call("PUT", "/integrations/existing", good, "Content-Type",
			"application/json").StatusCode)
		a.deliver()
		text := strings.ToValidUTF8(before+secret+after, "")
		a.plantInRequests(text)
		a.plantInFiles(text)
		a.plantInMessages(text)
		for where, told := range a.everything() {
			at := strings.Index(told, marker)
			require.Negative(t, at, "%s: …%s", where, told[max(0, at-300):min(len(told), max(0, at)+100)])
		}
	})
}

// heard keeps an answer, headers and all.
func (a *app) heard(got answer) {
	fmt.Fprintf(&a.said, "%v\n%s\n", got.Header, got.raw)
}

// everything is all that left the app: answers, log lines, messages, records.
func (a *app) everything() map[string]string {
	a.t.Helper()
	all := map[string]string{"answers": a.said.String(), "log": a.log.String()}
	for _, m := range a.queue.sent {
		all["message "+m.ID] = fmt.Sprintf("%s %+v", m.Body, m)
	}
	records, _, err := a.store.List(a.t.Context(), "", "", 10_000)
	require.NoError(a.t, err)
	for _, r := range records {
		all["record "+r.Key] = r.Key + string(r.Body)
	}
	require.Greater(a.t, len(records), 20, "what is refused is kept")
	return all
}

// spellings are the text as a JSON string: as encoders write it, and with each character by its number.
func spellings(t *testing.T, text string) []string {
	t.Helper()
	plain, err := json.Marshal(text)
	require.NoError(t, err)
	var numbers strings.Builder
	for _, r := range text {
		if r > 0xFFFF {
			return []string{string(plain)}
		}
		fmt.Fprintf(&numbers, `\u%04x`, r)
	}
	return []string{string(plain), `"` + numbers.String() + `"`}
}

func (a *app) plantInRequests(text string) {
	a.t.Helper()
	call := func(method, path, body string, headers ...string) {
		a.t.Helper()
		a.heard(a.call(method, path, body, append([]string{"Content-Type", "application/json"}, headers...)...))
	}
	const path, test = "/integrations/x-y-z", "/integrations/existing/access-tests"
	for _, q := range spellings(a.t, text) {
		for _, body := range []string{
			`{` + q + `:1}`, `{` + q + `:{` + q + `:[` + q + `]},` + q + `:2}`, `{"storage":[{` + q + `:1}]}`,
			`{"ddoe":{"driver":{` + q + `:{}}}}`,
			`{"serviceName":` + q + `,"displayName":` + q + `,"issuer":` + q + `,"subjects":[` + q + `]}`,
			`{"storage":` + q + `}`, q, `{` + q,
			`{"storage":[{"resourceId":` + q + `,"container":` + q + `,"access":` + q + `}]}`,
			`{"ddoe":{"organizationId":` + q + `,"driver":{"projectId":` + q + `,"name":` + q + `,"path":` + q +
				`}},"healthCheck":{"interval":` + q + `}}`,
		} {
			call("PUT", path, body)
			call("PUT", path+"?dryRun=true", body)
		}
		for _, body := range []string{`{` + q + `:"x"}`, `{"subjectToken":{` + q + `:1}}`, `{"mode":` + q + `}`,
			`{"access":` + q + `}`, `{"prefix":` + q + `}`, `{"subjectToken":` + q + `}`} {
			call("POST", test, body)
			call("POST", test, body, "Prefer", "respond-async")
		}
	}
	call("PUT", path, text)
	call("GET", path+"?"+url.QueryEscape(text)+"="+url.QueryEscape(text), "")
	call("GET", "/integrations?state="+url.QueryEscape(text)+"&pageSize="+url.QueryEscape(text)+"&continuationToken="+
		url.QueryEscape(text), "")
	call("GET", "/integrations/existing/credentials?subject="+url.QueryEscape(text), "")
	call("GET", "/integrations/"+url.PathEscape(text), "")
	call("GET", "/operations/"+url.PathEscape(text), "")
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		call("PUT", path, good, "Operation-Id", text)
		call("PUT", path, good, "If-Match", text)
		call("PUT", path, good, "Content-Encoding", text)
	}
}

func (a *app) plantInFiles(text string) {
	a.t.Helper()
	const five = `"clientId":"a","tenantId":"b","federatedTokenIssuer":"c","subject":"d","audience":"e"`
	validate := func(body, contentType string) {
		a.t.Helper()
		a.heard(a.call("POST", "/credentials/validate", body, "Content-Type", contentType))
	}
	files := []string{text, `{` + five + `}` + text}
	for _, q := range spellings(a.t, text) {
		files = append(files, `{`+q+`:1,`+five+`}`, `{`+five+`,`+q+`:{`+q+`:[`+q+`]}}`, `{`+q+`:{`+five+`}}`,
			`[{`+five+`,`+q+`:1}]`, q, `{`+q, `{"x":1,`+q+`:`+q+`}`,
			`{"clientId":`+q+`,"tenantId":`+q+`,"federatedTokenIssuer":`+q+`,"subject":`+q+`,"audience":`+q+`}`,
			`{"client_id":`+q+`,"x":{`+five+`},`+q+`:2}`)
	}
	for _, file := range files {
		validate(file, "application/json")
		body, contentType := inForm(a.t, []byte(file), map[string]string{"clientId": text, "tenantId": text})
		validate(body, contentType)
	}
	body, contentType := inForm(a.t, []byte(`{}`), map[string]string{text: text})
	validate(body, contentType)
	var named bytes.Buffer
	w := multipart.NewWriter(&named)
	_, err := w.CreateFormFile("file", text)
	require.NoError(a.t, err)
	require.NoError(a.t, w.Close())
	validate(named.String(), w.FormDataContentType())
	validate(`{}`, "multipart/form-data; boundary="+url.QueryEscape(text))
}

func (a *app) plantInMessages(text string) {
	a.t.Helper()
	event := func(id, eventType, data string) string {
		return `{"specversion":"1.0","id":` + id + `,"source":"/x","type":` + eventType + `,"data":` + data + `}`
	}
	const provision, check, data = `"ai.ddoe.wif.provision.v1"`, `"ai.ddoe.wif.healthcheck.v1"`,
		`{"integrationId":"existing"}`
	bodies := []string{text}
	for i, q := range spellings(a.t, text) {
		id := fmt.Sprintf(`"event-%d"`, i)
		bodies = append(bodies, q, `{`+q, `{`+q+`:1}`, event(q, provision, `{"colour":1}`), event(id, q, data),
			event(id, provision, `{`+q+`:`+q+`}`), event(id, provision, q),
			event(id, provision, `{"integrationId":"existing","spec":{`+q+`:1,"storage":[{`+q+`:`+q+`}]}}`),
			event(id, provision, `{"integrationId":`+q+`,"operationId":`+q+`}`),
			event(id, provision, `{"integrationId":"existing","operationId":"op-`+id[1:]+`,"spec":{"serviceName":`+q+
				`,"storage":[{"resourceId":`+q+`}]}}`),
			event(id, check, `{"integrationId":"existing","slot":`+q+`}`),
			event(id, check, `{"integrationId":"existing",`+q+`:1}`),
			strings.Replace(event(id, provision, data), `"1.0"`, q, 1), strings.Replace(event(id, provision, data),
				`"source"`, q, 1),
			strings.Replace(event(id, provision, data), `{`, `{`+q+`:`+q+`,`, 1))
	}
	for i, body := range bodies {
		for _, d := range []Delivery{
			{Body: []byte(body), MessageID: fmt.Sprintf("message-%d", i), SessionID: "existing"},
			{Body: []byte(body), MessageID: text, SessionID: text, ApplicationProperties: map[string]any{text: text,
				"DeadLetterReason": text, "DeadLetterErrorDescription": text}},
		} {
			for _, name := range []string{"reconcile", "checkhealth", "deadletter"} {
				assert.NoError(a.t, a.function(name).Message(a.t.Context(), d), "%s %s", name, body)
			}
		}
	}
}
