package page

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

var update = flag.Bool("update", false, "write docs/errors instead of comparing with it")

// TestPages holds docs/errors against the catalogue: a page for each code, and no other.
func TestPages(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "..", "docs", "errors")
	if *update {
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	for _, e := range diagnosis.Entries() {
		p, ok := Of(e.Code)
		require.True(t, ok)
		file := filepath.Join(folder, string(e.Code)+".md")
		if *update {
			//nolint:gosec // part of the documentation
			require.NoError(t, os.WriteFile(file, []byte(p.Markdown()), 0o644))
		}
		content, err := os.ReadFile(file)
		require.NoError(t, err, "go generate ./functions/internal/diagnosis/page")
		assert.Equal(t, p.Markdown(), string(content), "go generate ./functions/internal/diagnosis/page")
	}
	all, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, all, len(diagnosis.Entries()), "a page without a code is left over")
}

// TestPagesAreWhole: each tells who mends it and explains what it leaves open.
func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	open := regexp.MustCompile(`<([a-zA-Z]+)>`)
	for _, e := range diagnosis.Entries() {
		p, _ := Of(e.Code)
		assert.NotEmpty(t, p.Mends, e.Code)
		explained := map[string]bool{}
		for _, one := range p.Placeholders {
			explained[one.Name] = true
		}
		for _, m := range open.FindAllStringSubmatch(p.Command, -1) {
			assert.True(t, explained[m[1]], "%s: <%s> is not explained", e.Code, m[1])
		}
		for name := range (diagnosis.Context{}).Values() {
			assert.NotEmpty(t, meanings()[name], name)
		}
	}
	_, known := Of("no-such-code")
	assert.False(t, known)
}

func TestPageTellsWhatLeadsToIt(t *testing.T) {
	t.Parallel()
	subject, _ := Of(diagnosis.CodeCredentialSubjectMismatch)
	assert.Contains(t, subject.Answers, "Entra ID: AADSTS700213")
	exists, _ := Of(diagnosis.CodeRoleAssignmentExists)
	assert.Equal(t, []string{"Azure Resource Manager: RoleAssignmentExists"}, exists.Answers)
	busy, _ := Of(diagnosis.CodeDirectoryBusy)
	assert.Equal(t, []string{"Microsoft Graph: ConcurrencyViolation",
		"Microsoft Graph: Directory_ConcurrencyViolation"},
		busy.Answers)
	assert.Contains(t, busy.Markdown(), `Directory\_ConcurrencyViolation`)
}

func TestPageTellsWhetherItPasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[diagnosis.Code]string{diagnosis.CodeRoleMissing: "Perhaps: a change",
		diagnosis.CodeThrottled:   "Perhaps: the same",
		diagnosis.CodeScopeLocked: "No: "} {
		p, _ := Of(code)
		assert.Contains(t, p.Markdown(), want, code)
	}
}

// TestHTMLIsEscaped: what stands in a text is shown, not carried out, and nothing comes from another host.
func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	evil := `<script>alert("x")</script>`
	p := Page{Entry: diagnosis.Entry{Code: "x", Title: evil, Cause: evil, Steps: []string{evil}, Command: evil},
		Mends:  evil,
		Passes: evil, Answers: []string{evil}}
	body, err := p.HTML()
	require.NoError(t, err)
	assert.NotContains(t, string(body), "<script")
	assert.NotContains(t, p.Markdown()[:strings.Index(p.Markdown(), "```")], "\n<script")

	role, _ := Of(diagnosis.CodeRoleMissing)
	body, err = role.HTML()
	require.NoError(t, err)
	assert.Contains(t, string(body), "<code>&lt;principalId&gt;</code>: the object id of the service principal")
	assert.NotRegexp(t, `(?i)src=|<link|url\(|@import`, string(body))
	assert.Less(t, len(body), 10_000)
}
