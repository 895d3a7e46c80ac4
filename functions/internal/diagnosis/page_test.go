package diagnosis

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/errors instead of comparing with it")

// TestPages holds docs/errors against the catalogue: a page for each code, and no other.
func TestPages(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "docs", "errors")
	if *update {
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	for _, e := range Entries() {
		p, ok := PageOf(e.Code)
		require.True(t, ok)
		file := filepath.Join(folder, string(e.Code)+".md")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(p.Markdown()), 0o644)) //nolint:gosec // part of the documentation
		}
		content, err := os.ReadFile(file)
		require.NoError(t, err, "go generate ./functions/internal/diagnosis")
		assert.Equal(t, p.Markdown(), string(content), "go generate ./functions/internal/diagnosis")
	}
	all, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, all, len(Entries()), "a page without a code is left over")
}

// TestPagesAreWhole: each says who mends it and explains what it leaves open.
func TestPagesAreWhole(t *testing.T) {
	t.Parallel()
	open := regexp.MustCompile(`<([a-zA-Z]+)>`)
	for _, e := range Entries() {
		p, _ := PageOf(e.Code)
		assert.NotEmpty(t, p.Mends, e.Code)
		explained := map[string]bool{}
		for _, one := range p.Placeholders {
			explained[one.Name] = true
		}
		for _, m := range open.FindAllStringSubmatch(p.Command, -1) {
			assert.True(t, explained[m[1]], "%s: <%s> is not explained", e.Code, m[1])
		}
		for name := range (Context{}).values() {
			assert.NotEmpty(t, meanings()[name], name)
		}
	}
	_, known := PageOf("no-such-code")
	assert.False(t, known)
}

func TestPageSaysWhatLeadsToIt(t *testing.T) {
	t.Parallel()
	subject, _ := PageOf(CodeCredentialSubjectMismatch)
	assert.Contains(t, subject.Answers, "Entra ID: AADSTS700213")
	exists, _ := PageOf(CodeRoleAssignmentExists)
	assert.Equal(t, []string{"Azure Resource Manager: RoleAssignmentExists"}, exists.Answers)
	busy, _ := PageOf(CodeDirectoryBusy)
	assert.Equal(t, []string{"Microsoft Graph: ConcurrencyViolation", "Microsoft Graph: Directory_ConcurrencyViolation"},
		busy.Answers)
	assert.Contains(t, busy.Markdown(), `Directory\_ConcurrencyViolation`)
}

func TestPageSaysWhetherItPasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code]string{CodeRoleMissing: "Perhaps: a change", CodeThrottled: "Perhaps: the same",
		CodeScopeLocked: "No: "} {
		p, _ := PageOf(code)
		assert.Contains(t, p.Markdown(), want, code)
	}
}

// TestHTMLIsEscaped: what stands in a text is shown, not carried out, and nothing comes from another host.
func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	evil := `<script>alert("x")</script>`
	p := Page{Entry: Entry{Code: "x", Title: evil, Cause: evil, Steps: []string{evil}, Command: evil}, Mends: evil,
		Passes: evil, Answers: []string{evil}}
	body, err := p.HTML()
	require.NoError(t, err)
	assert.NotContains(t, string(body), "<script")
	assert.NotContains(t, p.Markdown()[:strings.Index(p.Markdown(), "```")], "\n<script")

	role, _ := PageOf(CodeRoleMissing)
	body, err = role.HTML()
	require.NoError(t, err)
	assert.Contains(t, string(body), "<code>&lt;principalId&gt;</code>: the object id of the service principal")
	assert.NotRegexp(t, `(?i)src=|<link|url\(|@import`, string(body))
	assert.Less(t, len(body), 10_000)
}
