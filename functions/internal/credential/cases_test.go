package credential_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The values of the seed.
const (
	client   = "77777777-7777-4777-8777-777777777777"
	tenant   = "11111111-1111-4111-8111-111111111111"
	issuer   = "https://dataloop.ai/oauth2"
	subject  = "system:serviceaccount:dataloop:my-service"
	audience = "api://AzureADTokenExchange"
)

// quote makes a JSON string.
func quote(text string) string {
	encoded, _ := json.Marshal(text) // a string can be encoded
	return string(encoded)
}

// seed is the good file, one member a line, with some lines changed: a line of changes replaces that of its member,
// and one that is empty after the name takes it out. What is no member of the seed is added behind.
func seed(changes ...string) string {
	lines := []string{`"clientId":` + quote(client), `"tenantId":` + quote(tenant),
		`"federatedTokenIssuer":` + quote(issuer), `"subject":` + quote(subject), `"audience":` + quote(audience)}
	for _, change := range changes {
		name, rest, _ := strings.Cut(change, ":")
		i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, name+":") })
		switch {
		case i < 0:
			lines = append(lines, change)
		case rest == "":
			lines = slices.Delete(lines, i, i+1)
		default:
			lines[i] = change
		}
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// renamed is the good file with another name for one of its members.
func renamed(name, other string) string {
	return strings.Replace(seed(), quote(name)+":", quote(other)+":", 1)
}

// judged is a file and what is to be found in it.
type judged struct {
	file string
	form credential.Form
	want []string
}

// repeated is a piece of JSON for each number from 0, with a comma between two.
func repeated(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(list, ",")
}

// groups are all cases, by what they are about.
func groups() map[string]map[string]judged {
	return map[string]map[string]judged{"bytes": byteCases(), "text": textCases(), "object": objectCases(),
		"syntax": syntaxCases(), "whole": wholeCases(), "structure": structureCases(), "members": memberCases(),
		"secret": secretCases(),
		"form":   formCases(), "platform": platformCases()}
}

// TestCases holds the codes of every case against those that stand beside it, and all that is told of it, the words
// included, against testdata/cases.
func TestCases(t *testing.T) {
	t.Parallel()
	for group, cases := range groups() {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			for _, name := range slices.Sorted(maps.Keys(cases)) {
				c := cases[name]
				report := linter().Lint([]byte(c.file), c.form)
				assertSound(t, report)
				assert.Equal(t, c.want, codes(report), name)
				assert.NotContains(t, strings.ToLower(string(encode(t, report))), "pl4nted", name)
				assertParsed(t, c)
				_, _ = fmt.Fprintf(&out, "%s\n%s", name, told(report))
			}
			golden := filepath.Join("testdata", "cases", group+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644)) //nolint:gosec // no secret
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String(), "go test -update accepts the change")
		})
	}
}

// told are the checks of a report that did not pass, with all that is of this file; what is the code's own, such as
// its remedy, assertSound holds against the catalogue.
func told(r assessment.Report) string {
	var out strings.Builder
	skipped := map[string][]string{}
	for _, c := range r.Checks {
		switch c.Status {
		case diagnosis.OutcomePass:
		case diagnosis.OutcomeSkip:
			skipped[c.DependsOn] = append(skipped[c.DependsOn], c.ID)
		default:
			_, _ = fmt.Fprintf(&out, "\t%s %s %s %s\n", c.Status, c.ID, c.Code, c.Field)
			if c.Detail != diagnosis.New(c.Code).Detail {
				_, _ = fmt.Fprintf(&out, "\t\t%s\n", c.Detail)
			}
			at := "none"
			if c.DiffAt != nil {
				at = fmt.Sprint(*c.DiffAt)
			}
			if c.Expected+c.Actual != "" || c.DiffAt != nil {
				_, _ = fmt.Fprintf(&out, "\t\texpected %q, actual %+q, at %s\n", c.Expected, c.Actual, at)
			}
		}
	}
	for _, by := range slices.Sorted(maps.Keys(skipped)) {
		_, _ = fmt.Fprintf(&out, "\tskipped for %s: %s\n", by, strings.Join(skipped[by], " "))
	}
	return out.String()
}

// assertParsed holds that Parse refuses what a service that knows nothing else finds wrong, each fault with all that
// is told of it, and nothing else.
func assertParsed(t *testing.T, c judged) {
	t.Helper()
	var want []diagnosis.Finding
	knowsNothing := credential.Linter{Now: linter().Now}
	for _, check := range knowsNothing.Lint([]byte(c.file), credential.Form{}).Checks {
		if check.Status == diagnosis.OutcomeFail {
			want = append(want, diagnosis.Finding{Pointer: check.Field, Code: check.Code, Detail: check.Detail,
				Expected: check.Expected, Actual: check.Actual, Remedy: strings.Join(check.Remedy.Steps, " ")})
		}
	}
	file, err := credential.Parse([]byte(c.file))
	if want == nil {
		require.NoError(t, err)
		assert.NotZero(t, file)
		return
	}
	var refusal *diagnosis.Error
	require.ErrorAs(t, err, &refusal)
	assert.Zero(t, file)
	assert.Equal(t, diagnosis.CodeInvalidCredentialFile, refusal.Diagnosis.Code)
	assert.Equal(t, want, refusal.Diagnosis.Findings)
}
