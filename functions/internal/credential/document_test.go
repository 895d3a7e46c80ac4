package credential_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// describedFiles are five files of the corpus whose reports the document has, as a person reads them.
var describedFiles = []string{"bad_all_in_one.json", "bad_environment_export.sh",
	"bad_exchanged_subject_audience.json",
	"bad_secret_smart_quotes_windows.json", "bad_lines_number_and_fault.txt"}

// TestTheDocumentIsTrue: how many rules and files there are, and five reports. -update writes both.
func TestTheDocumentIsTrue(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "..", "..", "docs", "credential-files.md")
	document, err := os.ReadFile(name)
	require.NoError(t, err)
	corpus, good := files(t, "corpus"), 0
	for file := range corpus {
		if strings.HasPrefix(file, "good_") {
			good++
		}
	}
	known := credential.Count()
	counts := fmt.Sprintf(
		"It knows **%d rules**, and **%d kinds** of other files by name. They are tried on a corpus of "+
			"**%d files**: %d good ones, and %d bad ones.\n", known.Rules, known.Kinds, len(corpus), good,
		len(corpus)-good)
	var reports strings.Builder
	for _, file := range describedFiles {
		require.Contains(t, corpus, file)
		reports.WriteString(readable(file, linter().Lint(corpus[file], credential.Form{})))
	}
	want := between(t, between(t, string(document), "counts", counts), "reports", reports.String())
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(want), 0o644)) //nolint:gosec // a document
		return
	}
	assert.Equal(t, want, string(document), "go test -update accepts the change")
}

// between puts a text between the marks of a part of a document.
func between(t *testing.T, document, part, text string) string {
	t.Helper()
	begin, end := "<!-- "+part+" -->\n", "<!-- end of "+part+" -->"
	before, rest, found := strings.Cut(document, begin)
	require.True(t, found, part)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found, part)
	return before + begin + text + end + after
}

// readable is a report as text: what a person needs of it.
func readable(file string, r assessment.Report) string {
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "\n`%s`: **%s**\n\n", file, r.Verdict)
	for _, c := range r.Checks {
		if c.Status == diagnosis.OutcomePass || c.Status == diagnosis.OutcomeSkip {
			continue
		}
		_, _ = fmt.Fprintf(&out, "- %s: **%s**", c.Status, c.Title)
		if c.Field != "" {
			_, _ = fmt.Fprintf(&out, ", `%s`", c.Field)
		}
		_, _ = fmt.Fprintf(&out, " (`%s`). %s", c.Code, c.Detail)
		if c.Expected != "" {
			_, _ = fmt.Fprintf(&out, " Expected: `%s`.", c.Expected)
		}
		if c.Actual != "" {
			_, _ = fmt.Fprintf(&out, " There is: `%s`.", c.Actual)
		}
		if c.DiffAt != nil {
			_, _ = fmt.Fprintf(&out, " From character %d.", *c.DiffAt+1)
		}
		_, _ = fmt.Fprintf(&out, " *%s*\n", strings.Join(c.Remedy.Steps, " "))
	}
	return out.String()
}
