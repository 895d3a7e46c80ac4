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
	none, known := Of("no-such-code")
	assert.False(t, known)
	assert.Zero(t, none)
}

// whole is a page that has everything, bare one that has nothing that can be left out.
func whole() Page {
	return Page{Entry: diagnosis.Entry{Code: "x-y", Title: "One_title",
		Cause:   "A `cause` of *two* [kinds] <here> # \\.",
		Steps:   []string{"Do <this>.", "Or <something> else.", "Or_nothing.", "Do_that."},
		Command: "az x --name <clientId>"},
		ManagedCommand: "az y --name '<identity>'", Passes: "No_never.", Mends: "An *admin*",
		Placeholders: []Placeholder{{"clientId", "the client"}, {"identity", "the identity"}},
		Answers:      []string{"Entra_ID: 1", "Graph: <2>"},
		IfLost: &IfLost{Cause: "It *was* there.", Mends: "A <person>", Steps: []string{"Bring_it back.",
			"Or <not>."}}}
}

func bare() Page {
	return Page{Entry: diagnosis.Entry{Code: "x-y", Title: "A title", Cause: "A cause.", Steps: []string{"Wait."}},
		Passes: "Perhaps.", Mends: "You"}
}

// TestBothFormsAreWhole holds all that the two forms show, and in which order, against testdata.
func TestBothFormsAreWhole(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Page{"whole": whole(), "bare": bare()} {
		html, err := p.HTML()
		require.NoError(t, err)
		for ending, got := range map[string]string{".html": string(html), ".md": p.Markdown()} {
			golden := filepath.Join("testdata", name+ending)
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644)) //nolint:gosec // nothing to hide
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got, "go generate ./functions/internal/diagnosis/page")
		}
	}
}

// TestEveryMarkIsEscaped: of what would be markup nothing is left, each mark by itself.
func TestEveryMarkIsEscaped(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{`\`, "`", "*", "_", "[", "<", "#"} {
		assert.Equal(t, `a\`+mark+"b", escaped("a"+mark+"b"))
	}
	assert.Equal(t, "a-b.c", escaped("a-b.c"))
}

// TestMeaningsAreNeeded: each stands for a value that an entry leaves open, or that a diagnosis has in its context.
func TestMeaningsAreNeeded(t *testing.T) {
	t.Parallel()
	used := (diagnosis.Context{}).Values()
	for _, e := range diagnosis.Entries() {
		for _, one := range placeholders(e) {
			used[one.Name] = ""
		}
	}
	require.NotEmpty(t, meanings())
	for name := range meanings() {
		assert.Contains(t, used, name)
	}
}

// TestPlaceholdersOfEveryText: of title, cause, each step and both commands, by name, each once.
func TestPlaceholdersOfEveryText(t *testing.T) {
	t.Parallel()
	e := diagnosis.Entry{Title: "{target}", Cause: "{subject} {issuer} {subject}", Steps: []string{"{role}",
		"{scope} {nobody}"}, Command: "{clientId} {blob}"}
	var names []string
	for _, one := range placeholders(e) {
		names = append(names, one.Name)
		assert.Equal(t, meanings()[one.Name], one.Meaning)
	}
	assert.Equal(t, []string{"blob", "clientId", "issuer", "role", "scope", "subject", "target"}, names)
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

// TestBothFormsHaveTheSameHeadings: a browser and a terminal are told the same.
func TestBothFormsHaveTheSameHeadings(t *testing.T) {
	t.Parallel()
	heading := regexp.MustCompile(`(?m)^(?:## (.*)|<h2>(.*)</h2>)$`)
	headings := func(text string) (found []string) {
		for _, m := range heading.FindAllStringSubmatch(text, -1) {
			found = append(found, m[1]+m[2])
		}
		return found
	}
	for _, e := range diagnosis.Entries() {
		p, _ := Of(e.Code)
		body, err := p.HTML()
		require.NoError(t, err)
		require.NotEmpty(t, headings(p.Markdown()), e.Code)
		assert.Equal(t, headings(p.Markdown()), headings(string(body)), e.Code)
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
