// Package reporttest holds reports whole in files, for tests: every check with its layer, its id and all its other
// members.
package reporttest

import (
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
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Hold compares reports, by name, with the file that holds them; update writes it. What differs from run to run is
// replaced first.
func Hold(t *testing.T, file string, update bool, replace *strings.Replacer, reports map[string]assessment.Report) {
	t.Helper()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		fmt.Fprintf(&text, "# %s\n%s\n", name, replace.Replace(Text(reports[name])))
	}
	if update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	}
	want, err := os.ReadFile(file) //nolint:gosec // a test's own file
	require.NoError(t, err)
	assert.Equal(t, string(want), text.String())
}

// Text is a report in lines: what it concludes, its causes, and each check. A check of the layer file that passes is
// left out: the file's own tests hold it.
func Text(r assessment.Report) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s, proved %s\n", r.Kind, r.Verdict, r.ClaimLevel)
	if r.Diagnosis != nil {
		fmt.Fprintf(&text, "because %s\n", cause(*r.Diagnosis))
	}
	for _, d := range r.Also {
		fmt.Fprintf(&text, "also %s\n", cause(d))
	}
	for _, c := range r.Checks {
		if c.Layer != "file" || c.Status != diagnosis.OutcomePass {
			fmt.Fprintf(&text, "%s (%s) %s\n", c.ID, c.Layer, strings.Join(members(c), " | "))
		}
	}
	for _, l := range r.Leftovers {
		fmt.Fprintf(&text, "left %s: %s: %s\n", l.URL, l.Reason, l.Remedy)
	}
	return text.String()
}

// cause is a code, and its detail where that is none that the catalogue has: its words are held there.
func cause(d diagnosis.Diagnosis) string {
	if d.Detail == diagnosis.New(d.Code).Detail {
		return string(d.Code)
	}
	return string(d.Code) + ": " + d.Detail
}

// members are those of a check that are not empty, but for what differs from run to run, such as request ids, and for
// the catalogue's words.
func members(c assessment.Check) []string {
	all := []string{strings.TrimSpace(string(c.Status) + " " + string(c.Code))}
	add := func(name, value string) {
		if value != "" {
			all = append(all, name+"="+value)
		}
	}
	general := diagnosis.New(c.Code)
	if c.Title != general.Title {
		add("title", c.Title)
	}
	add("field", c.Field)
	add("target", c.Target)
	add("dependsOn", c.DependsOn)
	if c.Detail != general.Detail {
		add("detail", c.Detail)
	}
	add("expected", c.Expected)
	add("actual", c.Actual)
	add("presented", c.Presented)
	if c.DiffAt != nil {
		add("diffAt", fmt.Sprint(*c.DiffAt))
	}
	for _, d := range c.Differences {
		add("difference", fmt.Sprintf("%s: %q, have %q (%s)", d.Member, d.Want, d.Have, d.Owner))
	}
	if c.Transient {
		add("transient", "true")
	}
	if c.Remedy != nil {
		add("who", string(c.Remedy.Who))
		add("command", c.Remedy.Command)
	}
	if e := c.Evidence; e != nil {
		add("evidence", strings.Join(strings.Fields(fmt.Sprint(e.Service, " ", e.HTTPStatus, " ", e.ServiceCode, " ",
			e.OAuthError, " ", e.AADSTS, " ", e.StorageCode)), " "))
	}
	return all
}
