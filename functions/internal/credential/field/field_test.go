package field_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

const publicAudience = "api://AzureADTokenExchange"

// tables are all tables, by the prefix of their codes.
func tables() map[string]field.Rules {
	return map[string]field.Rules{"issuer": field.Issuer(), "subject": field.Subject(),
		"audience":  field.Audience(publicAudience),
		"tenant-id": field.TenantID(), "client-id": field.ClientID(), "display-name": field.Printable("display-name",
			10), "ddoe": field.Printable("ddoe", 256)}
}

func TestEveryRuleHasItsWords(t *testing.T) {
	for name, rules := range tables() {
		seen := map[diagnosis.Code]bool{}
		for _, r := range rules {
			assert.True(t, strings.HasPrefix(string(r.Code), name+"-"), r.Code)
			assert.NotEmpty(t, r.Expected, r.Code)
			assert.False(t, seen[r.Code], "one rule is one entry: %s", r.Code)
			seen[r.Code] = true
			_, ok := diagnosis.Lookup(r.Code)
			assert.True(t, ok, "%s is not in the catalogue", r.Code)
		}
		if name == "ddoe" {
			continue // the platform has more codes than those of its texts
		}
		for _, e := range diagnosis.Entries() {
			if strings.HasPrefix(string(e.Code), name+"-") && e.Layer == "file" && !slices.Contains(others(), e.Code) {
				assert.True(t, seen[e.Code], "no rule has the catalogue's code %s", e.Code)
			}
		}
	}
}

// others are codes of the catalogue that begin like a field's, but are found by whoever sees the whole file.
func others() []diagnosis.Code {
	return []diagnosis.Code{"issuer-subject-swapped", "issuer-unexpected", "subject-unexpected",
		"client-id-is-tenant-id"}
}

// offences are the values that break a rule of a table.
func offences(t *testing.T, table string, code diagnosis.Code) []offence {
	t.Helper()
	list := listed(t, broken, table, code)
	if limit := longest[table]; limit > 0 && string(code) == table+"-too-long" {
		list = whole(strings.Repeat("é", limit+1))
	}
	require.NotEmpty(t, list, "no offender of %s", code)
	return list
}

// listed are the entries of a rule, by its code or by the end of its code.
func listed[T any](t *testing.T, all map[string][]T, table string, code diagnosis.Code) []T {
	t.Helper()
	if list, ok := all[string(code)]; ok {
		return list
	}
	return all[strings.TrimPrefix(string(code), table+"-")]
}

// violation is how a table judges a value by one of its rules; false where the value keeps it.
func violation(rules field.Rules, code diagnosis.Code, value string) (field.Violation, bool) {
	found := rules.Violations(value)
	i := slices.IndexFunc(found, func(v field.Violation) bool { return v.Code == code })
	if i < 0 {
		return field.Violation{}, false
	}
	return found[i], true
}

// TestEveryRuleCatchesItsOffenders, in every table that has the rule.
func TestEveryRuleCatchesItsOffenders(t *testing.T) {
	t.Parallel()
	for name, rules := range tables() {
		for _, r := range rules {
			for _, o := range offences(t, name, r.Code) {
				found, ok := violation(rules, r.Code, o.value)
				if !assert.True(t, ok, "%s: %q; found %v", r.Code, o.value, rules.Violations(o.value)) {
					continue
				}
				at := -1
				if found.At != nil {
					at = *found.At
				}
				assert.Equal(t, o.at, at, "%s: %q", r.Code, o.value)
				assertFinding(t, rules, found, o.value)
			}
		}
	}
}

// assertFinding holds that a fault refuses a spec with all that the violation tells, and a warning does not.
func assertFinding(t *testing.T, rules field.Rules, v field.Violation, value string) {
	t.Helper()
	entry, known := diagnosis.Lookup(v.Code)
	assert.True(t, known, v.Code)
	assert.Equal(t, entry.CheckStatus() == diagnosis.OutcomeWarn, v.Warning, v.Code)
	want := diagnosis.Finding{Pointer: "/x", Code: v.Code, Detail: v.Detail, Expected: v.Expected, Actual: v.Actual,
		Remedy: strings.Join(entry.Steps, " ")}
	assert.NotEmpty(t, want.Remedy, v.Code)
	isRefused := !v.Warning || v.Code == "tenant-id-domain" // a spec keeps the GUID
	assert.Equal(t, isRefused, slices.Contains(rules.Check("/x", value), want), "%s: %q", v.Code, value)
}

// TestEveryRuleLeavesItsNeighbours, in every table that has the rule.
func TestEveryRuleLeavesItsNeighbours(t *testing.T) {
	t.Parallel()
	for name, rules := range tables() {
		for _, r := range rules {
			fine := listed(t, kept, name, r.Code)
			if string(r.Code) == name+"-too-long" {
				fine = []string{strings.Repeat("é", longest[name])}
			}
			assert.NotEmpty(t, fine, "no value next to what breaks %s", r.Code)
			for _, value := range fine {
				_, ok := violation(rules, r.Code, value)
				assert.False(t, ok, "%s: %q", r.Code, value)
			}
		}
	}
}

// TestALastRuleEndsTheTable: where a rule is the last that states something useful, nothing follows it; any other
// leaves the rest of the table to be checked.
func TestALastRuleEndsTheTable(t *testing.T) {
	t.Parallel()
	for name, rules := range tables() {
		for _, r := range rules {
			for _, o := range offences(t, name, r.Code) {
				found := rules.Violations(o.value)
				if r.Last {
					assert.Equal(t, r.Code, found[len(found)-1].Code, "%q", o.value)
				}
			}
		}
	}
	var all []diagnosis.Code
	for _, v := range field.Issuer().Violations("https://me@LOGIN.microsoft.com:1/.well-known/?a#b") {
		all = append(all, v.Code)
	}
	assert.Equal(t, []diagnosis.Code{"issuer-user-info", "issuer-query", "issuer-fragment", "issuer-discovery-path",
		"issuer-entra", "issuer-port", "issuer-host-case"}, all)
}

var update = flag.Bool("update", false, "rewrite testdata/violations.txt")

// TestViolationsAreToldWhole holds all that is told of every offender against testdata/violations.txt.
func TestViolationsAreToldWhole(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	all, seen := tables(), map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, r := range all[name] {
			list, end := offences(t, name, r.Code), strings.TrimPrefix(string(r.Code), name)
			if seen[end] {
				list = list[:1] // the same rule of another table
			}
			seen[end] = true
			for _, o := range list {
				v, _ := violation(all[name], r.Code, o.value)
				printed := shortened(o.value)
				if end == "-secret" {
					printed = o.value[:5] + "…" // a scanner of this repository shall find no secret in it
				}
				_, _ = fmt.Fprintf(&out, "%s %+q\n\t%s\n\texpected %q, actual %+q, at %d, warning %t\n\tof %s\n",
					r.Code,
					printed, v.Detail, v.Expected, shortened(v.Actual), o.at, v.Warning,
					codes(all[name].Violations(o.value)))
			}
		}
	}
	golden := filepath.Join("testdata", "violations.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644)) //nolint:gosec // no secret
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "go test -update accepts the change")
}

// codes are the codes of violations in their order: after a rule that is the last, none follows.
func codes(found []field.Violation) string {
	var list []string
	for _, v := range found {
		list = append(list, string(v.Code))
	}
	return strings.Join(list, " ")
}

// shortened keeps long values out of the golden file.
func shortened(v string) string {
	if len(v) <= 120 {
		return v
	}
	return fmt.Sprintf("%s… %d bytes", v[:40], len(v))
}

// TestAFaultIsToldInWordsThatPeopleCount: characters are counted from 1 in words, while At is an index; what is too
// long is counted, not repeated.
func TestAFaultIsToldInWordsThatPeopleCount(t *testing.T) {
	for name, c := range map[string]struct {
		rules          field.Rules
		value          string
		detail, actual string
	}{
		"cannot be printed": {field.Printable("display-name", 256), "a\x00b",
			"Character 2 is U+0000, which cannot be printed.", "a\ufffdb"},
		"cannot be read": {field.Printable("ddoe", 256), "\ufffdx", "Character 1 is U+FFFD, or cannot be read.",
			"\ufffdx"},
		"cannot be seen": {field.Issuer(), "https://a\u200b.example",
			"Character 10 is U+200B, which cannot be seen.", "https://a\ufffd.example"},
		"typographic mark": {field.Subject(), "a\u2013b", "Character 2 is U+2013, a typographic mark.", "a\u2013b"},
		"text too long": {field.Printable("display-name", 256), strings.Repeat("x", 257),
			"The value has 257 characters.", ""},
		"subject too long": {field.Subject(), strings.Repeat("z", 601), "The value has 601 characters.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := c.rules.Check("/x", c.value)
			require.Len(t, found, 1)
			assert.Equal(t, c.detail, found[0].Detail)
			assert.Equal(t, c.actual, found[0].Actual)
		})
	}
}

// TestBracketsAroundAGUIDAreNoPlaceholder: they are the registry's, not a template's.
func TestBracketsAroundAGUIDAreNoPlaceholder(t *testing.T) {
	findings := field.ClientID().Check("/x", "{"+guid+"}")
	require.Len(t, findings, 1)
	assert.Equal(t, diagnosis.CodeClientIDNotGUID, findings[0].Code)
}

// TestWhatIsNoIDIsNotRepeated: a password pasted as client id has no shape of its own.
func TestWhatIsNoIDIsNotRepeated(t *testing.T) {
	for value, visible := range map[string]bool{"hunter2!": false, "p4ssw0rd/with-more": false, "4f6b0b1e-9a52": true,
		"acme.example": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"acme.example/": false, strings.Repeat("a.", 29) + "example": false} {
		assert.Equal(t, visible, field.ActualID(value) != "", value)
		assert.Equal(t, visible, field.ClientID().Check("/x", value)[0].Actual != "", value)
	}
	for c := rune(' '); c < 0x100; c++ { // what a GUID is written with, and the brackets and blanks around it
		harmless := strings.ContainsRune("0123456789abcdefABCDEF-{}() ", c)
		assert.Equal(t, harmless, field.ActualID(string(c)) != "", "%q", c)
	}
}

func TestGoodValues(t *testing.T) {
	for value, rules := range map[string]field.Rules{
		"https://dataloop.ai/oauth2":               field.Issuer(),
		"https://dataloop.ai/oauth2/":              field.Issuer(),
		"https://xn--bcher-kva.example:8443/a%20b": field.Issuer(),
		"https://microsoftonline.com.example/x":    field.Issuer(),
		"system:serviceaccount:dataloop:a.b-c":     field.Subject(),
		"repo:octo/cat:ref:refs/heads/main":        field.Subject(),
		"Straße 1, ß":                              field.Subject(),
		"api://AzureADTokenExchange":               field.Audience(""),
		"11111111-1111-4111-8111-11111111AAAA":     field.TenantID(),
		"77777777-7777-4777-8777-777777777777":     field.ClientID(),
	} {
		assert.Empty(t, rules.Check("/x", value), value)
		assert.NotEmpty(t, rules.Check("/x", value+"\x00"), value)
	}
}

// TestSecretsAreNotRepeated: whatever else a table finds, a secret is the only finding, and no value is shown.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, secret := range secrets {
		for name, rules := range tables() {
			findings := rules.Check("/x", secret)
			if assert.Len(t, findings, 1, secret) {
				assert.Equal(t, name+"-secret", string(findings[0].Code))
				assert.Empty(t, findings[0].Actual)
			}
		}
		assert.Empty(t, field.Actual(secret))
	}
}

// TestOnlyWhatMustBeIsHidden: of each rule that hides no value, the offender is shown as it may be printed.
func TestOnlyWhatMustBeIsHidden(t *testing.T) {
	t.Parallel()
	hidden := []string{"secret", "encoding", "too-long", "user-info"}
	for name, rules := range tables() {
		for _, r := range rules {
			for _, o := range offences(t, name, r.Code) {
				v, _ := violation(rules, r.Code, o.value)
				end := strings.TrimPrefix(strings.TrimPrefix(string(r.Code), name), "-")
				switch {
				case slices.Contains(hidden, end):
					assert.Empty(t, v.Actual, "%s: %q", r.Code, o.value)
				case end == "not-guid":
					assert.Equal(t, field.ActualID(o.value), v.Actual)
				case slices.Contains([]string{"client-id", "tenant-id"}, name) && r.IsHidden != nil:
					// which of them: TestAPasswordInThePlaceOfAnIDIsNotRepeated
					assert.Contains(t, []string{"", redact.Printable(o.value)}, v.Actual, "%s: %q", r.Code, o.value)
				default:
					assert.Equal(t, redact.Printable(o.value), v.Actual, "%s: %q", r.Code, o.value)
				}
			}
		}
	}
}

// TestWhatOneRuleHidesNoLaterOneShows: the name of a user may be a token.
func TestWhatOneRuleHidesNoLaterOneShows(t *testing.T) {
	t.Parallel()
	found := field.Issuer().Violations("https://pl4nted@dataloop.ai:1/?a#b")
	require.Len(t, found, 4)
	for _, v := range found {
		assert.Empty(t, v.Actual, v.Code)
	}
}

// TestWarningsRefuseNoSpec: these and no others are worth a warning only, in a file.
func TestWarningsRefuseNoSpec(t *testing.T) {
	t.Parallel()
	var warnings []string
	for name, rules := range tables() {
		for _, r := range rules {
			if v, _ := violation(rules, r.Code, offences(t, name, r.Code)[0].value); v.Warning {
				warnings = append(warnings, string(r.Code))
			}
		}
	}
	assert.ElementsMatch(t, []string{"audience-custom", "tenant-id-domain", "tenant-id-microsoft",
		"issuer-other-platform", "subject-other-platform", "issuer-address",
		"issuer-port", "issuer-host-case"}, warnings)
}

// TestAudienceOfEachCloud: what is expected is the own cloud's, the public one's where the cloud is not known.
func TestAudienceOfEachCloud(t *testing.T) {
	t.Parallel()
	clouds := []string{publicAudience, publicAudience + "USGov", publicAudience + "China", "api://own", ""}
	for _, own := range clouds {
		for _, v := range clouds[:4] {
			var want []string
			switch {
			case own == v, own == "" && v != "api://own":
			case v == "api://own":
				want = []string{"audience-custom"}
			default:
				want = []string{"audience-other-cloud"}
			}
			var got []string
			for _, found := range field.Audience(own).Violations(v) {
				got = append(got, string(found.Code))
				expected := own
				if own == "" {
					expected = publicAudience
				}
				assert.Equal(t, expected, found.Expected)
			}
			assert.Equal(t, want, got, "%q in the cloud of %q", v, own)
		}
	}
}

// TestRolesAreThoseOfAzure, by their ids: what a wrong one would grant, nobody would see.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage.
func TestRolesAreThoseOfAzure(t *testing.T) {
	t.Parallel()
	assert.Equal(t, field.Role{ID: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", Name: "Storage Blob Data Reader"},
		field.BlobDataReader())
	assert.Equal(t, field.Role{ID: "ba92f5b4-2d11-453d-a403-e96b0029c9fe", Name: "Storage Blob Data Contributor"},
		field.BlobDataContributor())
	assert.Equal(t, field.Role{ID: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", Name: "Storage Blob Data Owner"},
		field.BlobDataOwner())
}

// TestDNSNames has the exact limits of RFC 1123 names.
func TestDNSNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "0", "a-b", "az09.za90", strings.Repeat("a", 63),
		strings.Repeat("a.", 126) + "a"} {
		assert.True(t, field.IsDNSName(name), name)
	}
	for _, name := range append(slices.Clone(noLabels), "", ".", "a.", ".a", "a..b", strings.Repeat("a", 64),
		strings.Repeat("a.", 126)+"ab", "a."+strings.Repeat("a", 64)) {
		assert.False(t, field.IsDNSName(name), name)
	}
}

// TestAPasswordInThePlaceOfAnIDIsNotRepeated, whatever stands around it; an id is.
func TestAPasswordInThePlaceOfAnIDIsNotRepeated(t *testing.T) {
	t.Parallel()
	around := map[string]string{"blank": " %s", "blank behind": "%s ", "marks": `"%s"`,
		"typographic": "\u201c%s\u201d",
		"guillemets":  "\u2039%s\u203a", "zero width": "Som\u200b%s", "line break": "%s\n", "label": "Value: %s",
		"tooltip": "%s Copied", "assignment": "CLIENT_ID=%s", "brackets": "{%s}"}
	for _, rules := range []field.Rules{field.ClientID(), field.TenantID()} {
		for name, format := range around {
			violations := rules.Violations(fmt.Sprintf(format, "Sommer2026!Geheim"))
			require.NotEmpty(t, violations, name)
			for _, v := range violations {
				assert.NotContains(t, v.Actual, "2026", "%s: %s", name, v.Code)
			}
			shown := rules.Violations(fmt.Sprintf(format, "3c9d1f52-0b7e-4a61-9d2c-6e5f4b3a2a10"))
			require.NotEmpty(t, shown, name)
			assert.Contains(t, shown[0].Actual, "3c9d1f52", name)
		}
	}
}

// TestAShapeThatIsBrokenIsASecret: what cannot be seen hides none; and the shapes of services that have nothing to do
// with Azure.
func TestAShapeThatIsBrokenIsASecret(t *testing.T) {
	t.Parallel()
	letters := strings.Repeat("Ab3", 30)
	for name, value := range map[string]string{
		"client secret":             "abc8Q~0123456789abcdefghijklmnopqrstu",
		"account key":               letters[:86] + "==",
		"account key in a URL":      letters[:80] + "%2B%2fAB" + "ab%3D%3D",
		"connection string":         "AccountKey=x",
		"github token":              "ghp_" + letters[:36],
		"github fine-grained token": "github_pat_" + letters[:22],
		"gitlab token":              "glpat-" + letters[:20],
		"slack token":               "xoxb-" + letters[:10],
		"google key":                "AIza" + letters[:35],
	} {
		assert.NotEmpty(t, field.Secret(value), name)
		for _, mark := range []string{"\u200b", "\n", "\r\n", "\t", "\u00ad", "\u2060"} {
			assert.NotEmpty(t, field.Secret(value[:6]+mark+value[6:]), "%s, %q", name, mark)
			assert.Empty(t, field.Actual(value[:6]+mark+value[6:]), "%s, %q", name, mark)
		}
	}
	for _, harmless := range []string{"two lines\nof text", "xoxb", "AIza", "api://AzureADTokenExchange%3D%3D"} {
		assert.Empty(t, field.Secret(harmless))
	}
}
