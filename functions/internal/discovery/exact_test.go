package discovery_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

const wholeDocument = `{"issuer":"https://dataloop.ai/oauth2","jwks_uri":"https://dataloop.ai/oauth2/jwks",` +
	`"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`

// spellings are changes to the issuer's document, or to its keys, with the checks that do not pass.
var spellings = map[string]struct {
	path, old, new string
	want           map[string]string
	detail         string
}{
	"as it should be": {documentPath, "", "", map[string]string{}, ""},
	"unknown members": {documentPath, `{"issuer"`, `{"a":1,"a":2,"issuer"`, map[string]string{}, ""},
	"another case alone": {documentPath, `"issuer"`, `"ISSUER"`, map[string]string{
		"discovery.issuer.names": "fail issuer-document-invalid",
		"discovery.issuer.name":  "fail issuer-document-mismatch"},
		"ISSUER: it is another member than issuer, which is written so."},
	"another case beside it": {documentPath, `{"issuer"`, `{"ISSUER":"https://evil.example","issuer"`,
		map[string]string{"discovery.issuer.names": "warn issuer-document-unusual"}, "ISSUER: it is another member"},
	"another case behind it": {documentPath, `["RS256"]}`, `["RS256"],"ISSUER":"https://evil.example"}`,
		map[string]string{"discovery.issuer.names": "warn issuer-document-unusual"}, "ISSUER: it is another member"},
	"twice": {documentPath, `{"issuer"`, `{"issuer":"https://evil.example","issuer"`,
		map[string]string{"discovery.issuer.names": "fail issuer-document-invalid"},
		"issuer: it stands more than once."},
	"twice by an escape": {documentPath, `{"issuer"`, `{"\u0069ssuer":"https://evil.example","issuer"`,
		map[string]string{"discovery.issuer.names": "fail issuer-document-invalid"},
		"issuer: it stands more than once."},
	"keys in another case": {keysPath, `"keys"`, `"Keys"`, map[string]string{
		"discovery.keys.names":  "fail issuer-keys-invalid",
		"discovery.keys.usable": "fail issuer-keys-invalid"}, "Keys: it is another member than keys"},
	"a key's id in another case": {keysPath, `"kid"`, `"KID"`, map[string]string{
		"discovery.keys.usable": "fail issuer-keys-invalid"}, "KID: it is another member than kid"},
	"a key's id twice": {keysPath, `"kid"`, `"kid":"other","kid"`, map[string]string{
		"discovery.keys.usable": "fail issuer-keys-invalid"}, "kid: it stands more than once"},
}

// TestNamesAreReadExactly, as others read them: encoding/json takes any case, and the last of two.
func TestNamesAreReadExactly(t *testing.T) {
	t.Parallel()
	for name, c := range spellings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInternet(t)
			i.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				body := wholeDocument
				if r.URL.Path == keysPath {
					body = bodyOf(next, r)
				}
				if r.URL.Path == c.path {
					assert.Contains(t, body, c.old)
					body = strings.Replace(body, c.old, c.new, 1)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(body))
			})
			r := i.look(t, nil, "")
			assertTold(t, r)
			assert.Equal(t, c.want, found(r))
			details := ""
			for _, one := range r.Checks {
				details += one.Detail
			}
			assert.Contains(t, details, c.detail)
		})
	}
}
