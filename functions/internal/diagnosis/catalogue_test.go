package diagnosis

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryEntryIsComplete(t *testing.T) {
	layers := []string{"", "file", "discovery", "structure", "token", "exchange", "network", "protection", "list",
		"read", "write", "delete", "cleanup"}
	people := []Who{WhoEntraAdmin, WhoIdentityAdmin, WhoStorageAdmin, WhoDDOEAdmin, WhoCaller, WhoUploader,
		WhoOperator}
	placeholder := regexp.MustCompile(`\{([a-zA-Z]+)\}`)
	known := Context{}.Values()
	seen := map[Code]bool{}
	require.NotEmpty(t, Entries())
	for _, e := range Entries() {
		t.Run(string(e.Code), func(t *testing.T) {
			assert.Regexp(t, `^[a-z]+(-[a-z]+)*$`, e.Code)
			assert.False(t, seen[e.Code], "twice in the catalogue")
			seen[e.Code] = true
			assert.NotEmpty(t, e.Title)
			assert.False(t, strings.HasSuffix(e.Title, "."), "a title has no full stop")
			assert.True(t, strings.HasSuffix(e.Cause, "."), "a cause is a sentence")
			assert.Contains(t, people, e.Who)
			assert.NotEmpty(t, e.Steps)
			assert.Contains(t, layers, e.Layer)
			assert.NotEqual(t, OutcomePass, e.CheckStatus(), "no fault ever passes")
			assert.False(t, e.Propagation && !e.Transient)
			for _, text := range append([]string{e.Title, e.Cause, e.Command}, e.Steps...) {
				for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
					if strings.Contains(text, "/api/integrations/{id}") && m[1] == "id" {
						continue
					}
					assert.Contains(t, known, m[1], "unknown placeholder in %q", text)
				}
			}
			assert.NotRegexp(t, `'[^']*\{[a-zA-Z]+\}`, e.Command,
				"values are quoted when they are filled in, so none stands in quotes")
		})
	}
}

func TestNoNumberMeansTwoCodes(t *testing.T) {
	seen := map[int]Code{}
	for _, e := range Entries() {
		for _, n := range e.AADSTS {
			assert.Empty(t, seen[n], "AADSTS%d is in %s too", n, e.Code)
			seen[n] = e.Code
		}
	}
	assert.Greater(t, len(seen), 20, "the catalogue has its numbers")
}

// TestNoPlaceholderIsPrinted: what a person reads has the values that are known, whoever reads it, and names those
// that are not. JMESPath has braces of its own, with a colon in them.
func TestNoPlaceholderIsPrinted(t *testing.T) {
	t.Parallel()
	placeholder, open := regexp.MustCompile(`\{[a-zA-Z]+\}`), regexp.MustCompile(`<[a-zA-Z]+>`)
	require.NotEmpty(t, Entries())
	for _, e := range Entries() {
		for _, request := range []Request{RequestPut, RequestDelete, RequestOther, RequestLook} {
			for _, wasThere := range []bool{true, false} {
				known := filledOf(identityID)
				known.Request, known.WasThere, known.Blob = request, wasThere, "b"
				d, unknown := New(e.Code, WithContext(known)), New(e.Code, WithContext(Context{Request: request}))
				text := d.Title + d.Detail + d.Remedy.String()
				assert.NotRegexp(t, placeholder, text, e.Code)
				assert.NotRegexp(t, placeholder, unknown.Title+unknown.Detail+unknown.Remedy.String(), e.Code)
				for _, name := range open.FindAllString(text, -1) {
					assert.Contains(t, byReaders, name, "%s leaves open what is known", e.Code)
				}
			}
		}
	}
}

// byReaders are what only the reader knows: the parts of a resource id, and the name of a group.
var byReaders = []string{"<subscription>", "<group>", "<account>"}

func TestNew(t *testing.T) {
	t.Run("fills the words", func(t *testing.T) {
		d := New("role-missing", WithContext(Context{PrincipalID: "p-1", Role: "Storage Blob Data Reader",
			Scope: "/subscriptions/s", Assignment: "a-1"}))
		assert.Equal(t, CodeRoleMissing, d.Code)
		assert.True(t, d.Transient)
		assert.Contains(t, d.Remedy.Steps[1],
			"assigns Storage Blob Data Reader to the service principal (object id p-1,")
		assert.Equal(t, "az role assignment create --name a-1 --assignee-object-id p-1 --assignee-principal-type "+
			"ServicePrincipal --role 'Storage Blob Data Reader' --scope /subscriptions/s", d.Remedy.Command)
	})
	t.Run("an unknown value stays visible", func(t *testing.T) {
		assert.Contains(t, New("role-missing").Remedy.Command, "--scope <scope>")
	})
	t.Run("an unknown code has words too", func(t *testing.T) {
		d := New("no-such-code", WithDetail("%d%%", 3))
		assert.Equal(t, CodeUnrecognised, d.Code)
		assert.Equal(t, "3%", d.Detail)
		assert.NotEmpty(t, d.Remedy.Steps)
	})
	t.Run("propagation ends", func(t *testing.T) {
		assert.False(t, New("role-missing", WithContext(Context{Propagated: true})).Transient)
		assert.True(t, New("signing-key-unknown", WithContext(Context{Propagated: true})).Transient,
			"not a matter of propagation")
	})
	t.Run("findings and evidence", func(t *testing.T) {
		d := New("invalid-spec", WithFindings(Finding{Pointer: "/issuer", Code: "issuer-not-https"}),
			WithEvidence(Evidence{HTTPStatus: 400}))
		assert.Len(t, d.Findings, 1)
	})
}

// TestRepairBeginsWithThePut: what is missing behind the app's back is put back by the app, under its own names.
func TestRepairBeginsWithThePut(t *testing.T) {
	for _, code := range []Code{"federated-credential-missing", "credential-subject-mismatch", "identity-missing",
		"service-principal-missing", "role-missing"} {
		assert.Equal(t, "Repeat the PUT of the integration; it puts back what is missing.",
			New(code).Remedy.Steps[0], code)
	}
}

// TestWhoIsToldWhatTheyCanDo: the caller sends requests and writes specs, the uploader has the credential file and
// nothing else, and what the operator is told is not to send a request.
func TestWhoIsToldWhatTheyCanDo(t *testing.T) {
	t.Parallel()
	// What is asked in a request that failed for a reason of the app's own, which sending it again may get around.
	isOfTheApp := func(code Code) bool {
		return slices.ContainsFunc(appEntries(), func(e Entry) bool { return e.Code == code })
	}
	request := regexp.MustCompile(`^(Repeat the PUT|PUT the spec|Send |Correct the (request|parameter|path)|` +
		`Choose another (integration )?id|Give another region|Correct the name in the spec|Add storage to the spec)`)
	// Somebody else may mend these instead, where the object that is in the way is theirs.
	others := []Code{CodeApplicationForeign, CodeManagedIdentityForeign,
		CodeDDOEAnswerInvalid} // a setting of the operator's may be wrong
	ofFiles := slices.Concat(credentialEntries(),
		[]Entry{{Code: CodeClientMalformed}, {Code: CodeTenantMalformed},
			{Code: CodeClientIDIsObjectID}}) // Entra's answer to an id of the file
	require.NotEmpty(t, Entries())
	for _, e := range Entries() {
		isOfFile := slices.ContainsFunc(ofFiles, func(f Entry) bool { return f.Code == e.Code })
		assert.Equal(t, isOfFile, e.Who == WhoUploader, "%s: the uploader is for the file, and only for it", e.Code)
		if request.MatchString(e.Steps[0]) && !isOfFile && !isOfTheApp(e.Code) && !slices.Contains(others, e.Code) {
			assert.Equal(t, WhoCaller, e.Who, "%s: %s", e.Code, e.Steps[0])
		}
	}
	for _, e := range slices.Concat(bodyEntries(), addressEntries(), stateEntries(), healthEntries(), specEntries(),
		ddoeSpecEntries()) {
		assert.Equal(t, WhoCaller, e.Who, "%s is about a request", e.Code)
	}
	for _, e := range settingEntries() {
		assert.Equal(t, WhoOperator, e.Who, "%s is about a setting", e.Code)
	}
}

// TestAPutEnablesNothing: what somebody has switched off stays so, and no remedy promises otherwise.
func TestAPutEnablesNothing(t *testing.T) {
	remedy := New("client-disabled").Remedy
	assert.Contains(t, remedy.Steps[0], "A PUT does not")
	assert.NotContains(t, strings.Join(remedy.Steps, " "), "puts back")
}

// TestWhatAPutMendsIsAMatterOfTime: what a PUT puts back is still found missing for some minutes after it.
func TestWhatAPutMendsIsAMatterOfTime(t *testing.T) {
	mended := 0
	for _, e := range Entries() {
		if e.Steps[0] != "Repeat the PUT of the integration; it puts back what is missing." {
			continue
		}
		mended++
		assert.True(t, New(e.Code).Transient, e.Code)
		assert.False(t, New(e.Code, WithContext(Context{Propagated: true})).Transient, e.Code)
	}
	assert.Greater(t, mended, 15)
}

// TestNetworkRulesLetBothIn: what was refused is this service's test, and what the integration is for is the
// platform's access.
func TestNetworkRulesLetBothIn(t *testing.T) {
	step := New("network-rules-blocked").Remedy.Steps[0]
	assert.Contains(t, step, "the platform's egress and this service's")
}

// TestCommandsCannotBeHijacked: a value from outside must not become shell code in a command that an administrator
// pastes.
func TestCommandsCannotBeHijacked(t *testing.T) {
	evil := `x'; rm -rf ~ #$(id)` + "`id`"
	command := New("federated-credential-missing",
		WithContext(Context{ClientID: evil, Issuer: "https://i", Subject: evil, Audience: "a",
			Credential: "subject-1"})).Remedy.Command
	assert.Equal(t, `az ad app federated-credential create --id 'x'\''; rm -rf ~ #$(id)`+"`id`"+
		`' --parameters '{"name":"subject-1","issuer":"https://i","subject":"x'\''; rm -rf ~ #$(id)`+"`id`"+
		`","audiences":["a"]}'`, command)
}
