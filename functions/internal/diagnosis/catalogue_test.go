package diagnosis

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryEntryIsComplete(t *testing.T) {
	layers := []string{"", "file", "discovery", "structure", "token", "exchange", "network", "protection", "list", "read", "write", "delete", "cleanup"}
	people := []Who{WhoEntraAdmin, WhoStorageAdmin, WhoDDOEAdmin, WhoUploader, WhoOperator}
	placeholder := regexp.MustCompile(`\{([a-zA-Z]+)\}`)
	known := Context{}.values()
	seen := map[string]bool{}
	for _, e := range Entries() {
		t.Run(e.Code, func(t *testing.T) {
			assert.Regexp(t, `^[a-z]+(-[a-z]+)*$`, e.Code)
			assert.False(t, seen[e.Code], "twice in the catalogue")
			seen[e.Code] = true
			assert.NotEmpty(t, e.Title)
			assert.False(t, strings.HasSuffix(e.Title, "."), "a title has no full stop")
			assert.True(t, strings.HasSuffix(e.Cause, "."), "a cause is a sentence")
			assert.Contains(t, people, e.Who)
			assert.NotEmpty(t, e.Steps)
			assert.Contains(t, layers, e.Layer)
			assert.GreaterOrEqual(t, e.HTTPStatus, http.StatusBadRequest)
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
			assert.NotRegexp(t, `'[^']*\{[a-zA-Z]+\}`, e.Command, "values are quoted when they are filled in, so none stands in quotes")
		})
	}
}

func TestNoNumberMeansTwoCodes(t *testing.T) {
	seen := map[int]string{}
	for _, e := range Entries() {
		for _, n := range e.AADSTS {
			assert.Empty(t, seen[n], "AADSTS%d is in %s too", n, e.Code)
			seen[n] = e.Code
		}
	}
}

// TestEveryMappedCodeExists: what a classification table says must be in the catalogue.
func TestEveryMappedCodeExists(t *testing.T) {
	for name, table := range map[string]map[string]string{"graph": graphCodes(), "arm": armCodes(), "storage": storageCodes()} {
		for service, code := range table {
			_, ok := Lookup(code)
			assert.True(t, ok, "%s: %s → %s", name, service, code)
		}
	}
}

// TestEveryUsedCodeExists reads the code that uses the catalogue: New takes any string, so a typing error would only
// show as "unrecognised" in front of a caller.
func TestEveryUsedCodeExists(t *testing.T) {
	// What a client calls Code is a service's; the classification tables translate it.
	clients := []string{"arm", "blobstore", "bus", "ddoe", "entra", "graph"}
	used := 0
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		find := codesOf
		if slices.Contains(clients, filepath.Base(filepath.Dir(path))) {
			find = func(n ast.Node) []string { call, _ := n.(*ast.CallExpr); return codesOfCall(call) }
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, code := range find(n) {
				used++
				_, ok := Lookup(code)
				assert.True(t, ok, "%s: %q is not in the catalogue", files.Position(n.Pos()), code)
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, used, 20, "the search finds nothing any more")
}

// codesOf are the codes that a node hands to the catalogue: the first argument of a call of diagnosis.New, or of a helper
// named refuse or reject; a member Code or code of a literal; a constant named Code…; and what a helper named note or
// fault is given that has the form of a code.
func codesOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		return codesOfCall(n)
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "code") {
			return codesIn(literals(n.Value))
		}
	case *ast.ValueSpec:
		if strings.HasPrefix(n.Names[0].Name, "Code") {
			return codesIn(literals(n.Values...))
		}
	}
	return nil
}

func codesOfCall(call *ast.CallExpr) []string {
	if call == nil {
		return nil
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); name == "New" && (!ok || x.Name != "diagnosis") {
			return nil
		}
	case *ast.Ident:
		name = f.Name
	}
	switch {
	case slices.Contains([]string{"New", "refuse", "reject"}, name) && len(call.Args) > 0:
		return literals(call.Args[0])
	case slices.Contains([]string{"note", "fault"}, name):
		return slices.DeleteFunc(codesIn(literals(call.Args...)), func(text string) bool { return !strings.Contains(text, "-") })
	default:
		return nil
	}
}

// codesIn keeps what has the form of a code; services' own codes have capitals.
func codesIn(texts []string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(text) })
}

// literals are the string literals among the expressions.
func literals(expressions ...ast.Expr) []string {
	var all []string
	for _, e := range expressions {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
}

// TestTheSearchForCodesFinds keeps the search itself honest: one code of each way in which the packages write them.
func TestTheSearchForCodesFinds(t *testing.T) {
	found := map[string]bool{}
	files := token.NewFileSet()
	for _, folder := range []string{"integration", "message", "credential", "credential/field"} {
		paths, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		require.NoError(t, err)
		for _, path := range paths {
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				for _, code := range codesOf(n) {
					found[code] = true
				}
				return true
			})
		}
	}
	for _, code := range []string{"tenant-not-served", "invalid-container", "service-name-without-template", "session-mismatch", "not-a-cloudevent",
		"invalid-operation-id", "file-wrapped", "issuer-unexpected", "subject-wildcard", "not-provisioned"} {
		assert.True(t, found[code], code)
	}
}

func TestNew(t *testing.T) {
	t.Run("fills the words", func(t *testing.T) {
		d := New("role-missing", WithContext(Context{PrincipalID: "p-1", Role: "Storage Blob Data Reader", Scope: "/subscriptions/s", Assignment: "a-1"}))
		assert.Equal(t, "role-missing", d.Code)
		assert.True(t, d.Transient)
		assert.Contains(t, d.Remedy.Steps[1], "Assign Storage Blob Data Reader to the service principal (object id p-1,")
		assert.Equal(t, "az role assignment create --name a-1 --assignee-object-id p-1 --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Reader' --scope /subscriptions/s", d.Remedy.Command)
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
		assert.False(t, New("role-missing", WithContext(Context{Settled: true})).Transient)
		assert.True(t, New("signing-key-unknown", WithContext(Context{Settled: true})).Transient, "not a matter of propagation")
	})
	t.Run("findings and evidence", func(t *testing.T) {
		d := New("invalid-spec", WithFindings(Finding{Pointer: "/issuer", Code: "issuer-not-https"}), WithEvidence(Evidence{HTTPStatus: 400}))
		assert.Len(t, d.Findings, 1)
		assert.Equal(t, 400, d.Evidence.HTTPStatus)
	})
}

// TestRepairBeginsWithThePut: what is missing behind the app's back is put back by the app, under its own names.
func TestRepairBeginsWithThePut(t *testing.T) {
	for _, code := range []string{"credential-missing", "credential-subject-mismatch", "client-unknown", "service-principal-missing", "client-disabled", "role-missing",
		"federated-credential-missing", "application-missing", "service-principal-not-found", "role-assignment-not-found"} {
		assert.Equal(t, "Repeat the PUT of the integration; it puts back what is missing.", New(code).Remedy.Steps[0], code)
	}
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
		assert.False(t, New(e.Code, WithContext(Context{Settled: true})).Transient, e.Code)
	}
	assert.Greater(t, mended, 15)
}

// TestNetworkRulesLetBothIn: what was refused is this service's test, and what the integration is for is the platform's access.
func TestNetworkRulesLetBothIn(t *testing.T) {
	step := New("network-rules-blocked").Remedy.Steps[0]
	assert.Contains(t, step, "the platform's egress and this service's")
}

// TestCommandsCannotBeHijacked: a value from outside must not become shell code in a command that an administrator pastes.
func TestCommandsCannotBeHijacked(t *testing.T) {
	evil := `x'; rm -rf ~ #$(id)` + "`id`"
	command := New("federated-credential-missing", WithContext(Context{ClientID: evil, Issuer: "https://i", Subject: evil, Audience: "a", Credential: "subject-1"})).Remedy.Command
	assert.Equal(t, `az ad app federated-credential create --id 'x'\''; rm -rf ~ #$(id)`+"`id`"+`' --parameters '{"name":"subject-1","issuer":"https://i","subject":"x'\''; rm -rf ~ #$(id)`+"`id`"+`","audiences":["a"]}'`, command)
	assert.Equal(t, `'-rf'`, shellQuote("-rf"), "no value becomes an option")
	assert.Equal(t, `''`, shellQuote(""))
}

func TestPrintable(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":          {"system:serviceaccount:a:b", "system:serviceaccount:a:b"},
		"line feed":      {"a\r\nb", "a\uFFFD\uFFFDb"},
		"escape":         {"\x1b[31m", "\uFFFD[31m"},
		"right-to-left":  {"a\u202eb", "a\uFFFDb"},
		"long":           {strings.Repeat("a", 700), strings.Repeat("a", 600) + "…"},
		"cut in a rune":  {strings.Repeat("a", 599) + "éx", strings.Repeat("a", 599) + "…"},
		"other language": {"日本", "日本"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, Printable(tt.in)) })
	}
}
