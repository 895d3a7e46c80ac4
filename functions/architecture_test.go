package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/ddoe-ai/azure-wif/"

// source is one package's non-test files, by its folder from the module's root.
type source struct {
	folder string
	files  map[string]*ast.File
}

// sources parses every Go file of the product. Reading the files, instead of asking the go command, keeps the test
// cache honest: it knows what was read.
func sources(t *testing.T) []source {
	t.Helper()
	all := map[string]*source{}
	for _, root := range []string{"handler", "functions", "infra"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../")
			if all[folder] == nil {
				all[folder] = &source{folder: folder, files: map[string]*ast.File{}}
			}
			all[folder].files[filepath.Base(file)] = parsed
			return nil
		})
		require.NoError(t, err)
	}
	list := []source{}
	for _, folder := range slices.Sorted(maps.Keys(all)) {
		list = append(list, *all[folder])
	}
	return list
}

// imports returns what the package imports.
func (s source) imports() []string {
	found := map[string]bool{}
	for _, file := range s.files {
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// forTests reports whether the package exists to be imported by tests, like net/http/httptest.
func (s source) forTests() bool { return strings.HasSuffix(s.folder, "test") }

// The rooms of functions/internal.
var (
	words = []string{"armid", "assessment", "caller", "diagnosis",
		"diagnosis/classify", "diagnosis/page", "integration",
		"credential", "credential/field", "message", "invocation", "redact", "secret", "strictjson"}
	clients  = []string{"arm", "blobstore", "bus", "ddoe", "entra", "fetch", "graph"}
	usecases = []string{"access", "adoption", "discovery", "health", "judgement", "operation", "provision",
		"readiness", "entitlement",
		"structure"}
)

// engineKnows is what package operation may import beside words.
var engineKnows = []string{"bus", "policy"}

// ofDiagnosis are all that the rooms of package diagnosis may import of the product: arrows go one way.
var ofDiagnosis = map[string][]string{"diagnosis": {"diagnosis/words"}, "diagnosis/words": {"redact", "shell"},
	"assessment":         {"diagnosis", "redact"},
	"diagnosis/classify": {"assessment", "diagnosis", "redact"}, "diagnosis/page": {"diagnosis", "diagnosis/classify"}}

// policies is the package that the clients of Azure share.
const policies = "azure"

func edge(folder string) bool {
	return strings.HasPrefix(folder, "functions/") && !strings.HasPrefix(folder, "functions/internal")
}

// web are the packages that requests and answers over HTTP are made of: for edges and the composition.
var web = []string{"problem", "view", "door", "cors"}

// rule tells why a package may not import another of the product; empty where it may.
func rule(folder, imported string) string {
	room := strings.TrimPrefix(folder, "functions/internal/")
	of, internal := strings.CutPrefix(imported, "functions/internal/")
	allowed, isOfDiagnosis := ofDiagnosis[room]
	switch {
	case isOfDiagnosis && !slices.Contains(allowed, of):
		return "a diagnosis needs nobody's help"
	case strings.HasPrefix(folder, "infra/sandbox") && strings.HasPrefix(imported, "functions"):
		return "the sandbox shares nothing with the app"
	case strings.HasPrefix(imported, "infra/"):
		if strings.HasPrefix(folder, "infra/") {
			return ""
		}
		return "the app holds no sandbox code"
	case strings.HasPrefix(folder, "handler") && strings.HasPrefix(imported, "functions/"):
		return "the door knows package functions only"
	case folder == "handler/protocol" && imported == "functions":
		return "the protocol knows no functions"
	case strings.HasPrefix(folder, "functions") && strings.HasPrefix(imported, "handler"):
		return "the functions know nothing of the protocol"
	case edge(folder) && !internal:
		return "an edge imports neither package functions nor another edge"
	case edge(folder) && !slices.Contains(web, of) && !slices.Contains(words, of) && !slices.Contains(usecases, of):
		return "an edge calls use cases, no client"
	case slices.Contains(clients, room) && (slices.Contains(clients, of) || slices.Contains(usecases, of)):
		return "a client knows neither another client nor a use case"
	case room == "operation" && internal && !slices.Contains(engineKnows, of) && !slices.Contains(words, of):
		return "the engine knows no cloud"
	case strings.HasPrefix(folder, "functions/internal/") && !slices.Contains(web, room) && slices.Contains(web, of):
		return "only edges answer HTTP"
	case room == policies && internal:
		return "the policies of all clients know none of them"
	case slices.Contains(words, room) && of == policies:
		return "the vocabulary calls nobody"
	case slices.Contains(words, room) && (slices.Contains(clients, of) || slices.Contains(usecases, of)):
		return "the vocabulary calls nobody"
	}
	if internal {
		return ruleOfLoops(room, of)
	}
	return ""
}

func TestImportRules(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			own, ok := strings.CutPrefix(imported, module)
			if ok && !s.forTests() {
				assert.Empty(t, rule(s.folder, own), "%s imports %s", s.folder, own)
			}
			if edge(s.folder) {
				assert.NotContains(t, imported, "Azure/", "%s: an edge calls no service", s.folder)
			}
			if inner, ok := strings.CutPrefix(s.folder, "functions/internal/"); ok && !slices.Contains(web, inner) &&
				!s.forTests() {
				assert.NotContains(t, imported, "/huma/", "%s: only edges answer HTTP", s.folder)
			}
			if !s.forTests() || strings.HasPrefix(s.folder, "infra/sandbox") {
				assert.NotEqual(t, "testing", imported, s.folder)
				assert.NotContains(t, imported, "httptest", s.folder)
			}
		}
	}
}

func TestImportRulesCatchOffenders(t *testing.T) {
	for _, offence := range [][2]string{
		{"functions/connect", "functions/internal/graph"}, {"functions/connect", "functions/inspect"},
		{"functions/connect", "functions"},
		{"functions/internal/graph", "functions/internal/arm"},
		{"functions/internal/bus", "functions/internal/provision"},
		{"functions/internal/integration", "functions/internal/blobstore"},
		{"functions/internal/message", "functions/internal/problem"},
		{"functions/internal/provision", "functions/internal/problem"},
		{"functions/internal/graph", "functions/internal/problem"},
		{"functions/internal/access", "infra/sandbox/world"},
		{"functions/internal/provision", "functions/internal/view"},
		{"functions/internal/operation", "functions/internal/graph"},
		{"functions/internal/operation", "functions/internal/provision"},
		{"functions/internal/operation", "functions/internal/access"},
		{"functions/internal/operation", "functions/internal/resource"},
		{"functions/internal/access", "infra/sandbox/world"},
		{"functions/internal/azure", "functions/internal/diagnosis"},
		{"functions/internal/integration", "functions/internal/azure"},
		{"functions/connect", "functions/internal/azure"},
		{"functions/internal/diagnosis", "functions/internal/secret"},
		{"functions/internal/diagnosis", "functions/internal/diagnosis/classify"},
		{"functions/internal/diagnosis/words", "functions/internal/diagnosis"},
		{"functions/internal/diagnosis/classify", "functions/internal/policy"},
		{"functions/internal/diagnosis/classify", "functions/internal/diagnosis/page"},
		{"functions/internal/diagnosis/page", "functions/internal/integration"},
		{"functions", "infra/sandbox/cloud"}, {"infra/sandbox/graph", "functions/internal/graph"},
		{"infra/sandbox", "functions"},
		{"handler", "functions/connect"}, {"handler/protocol", "functions"}, {"functions", "handler/protocol"},
	} {
		assert.NotEmpty(t, rule(offence[0], offence[1]), offence)
	}
	for _, fine := range [][2]string{
		{"functions/connect", "functions/internal/problem"}, {"functions/connect", "functions/internal/view"},
		{"functions", "functions/connect"}, {"functions", "functions/internal/graph"},
		{"functions/connect", "functions/internal/provision"},
		{"handler", "functions"},
		{"handler", "handler/protocol"},
		{"functions/internal/operation", "functions/internal/bus"},
		{"functions/internal/health", "functions/internal/operation"},
		{"functions/internal/diagnosis/classify", "functions/internal/diagnosis"},
		{"functions/internal/diagnosis/page", "functions/internal/diagnosis/classify"},
		{"functions/errorpage", "functions/internal/diagnosis/page"},
		{"infra/sandbox/graph", "infra/sandbox/world"},
		{"functions/internal/blobstore", "functions/internal/integration"},
		{"functions/internal/graph", "functions/internal/azure"},
		{"functions/internal/access", "functions/internal/azure"},
	} {
		assert.Empty(t, rule(fine[0], fine[1]), fine)
	}
}

func TestEveryPackageTellsWhatItPromises(t *testing.T) {
	for _, s := range sources(t) {
		var documented []string
		for name, file := range s.files {
			if file.Doc != nil {
				documented = append(documented, name)
				assert.Regexp(t, `^(Package|Command) `+path.Base(s.folder)+` `, file.Doc.Text(), "%s/%s",
					s.folder, name)
			}
		}
		assert.Len(t, documented, 1, "package comments of %s", s.folder)
	}
}

const azblob = "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

// blobClients are the calls in a file that make a client with azblob's own functions, which pin no version.
func blobClients(file *ast.File) []string {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if imported == azblob || strings.HasPrefix(imported, azblob+"/") {
			name := path.Base(imported)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = true
		}
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(selector.Sel.Name, "NewClient") {
			if from, ok := selector.X.(*ast.Ident); ok && names[from.Name] {
				found = append(found, from.Name+"."+selector.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestBlobClientsAreMadeInOnePlace, which pins the service version that they ask for.
func TestBlobClientsAreMadeInOnePlace(t *testing.T) {
	made := 0
	for _, s := range sources(t) {
		for name, file := range s.files {
			calls := blobClients(file)
			if s.folder == "functions/internal/"+policies {
				made += len(calls)
				continue
			}
			assert.Empty(t, calls, "%s/%s", s.folder, name)
		}
	}
	assert.Equal(t, 4, made, "service and container, with and without credential")
	offender, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
import other "`+azblob+`/blockblob"
var _, _ = other.NewClient("", nil, nil)`, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"other.NewClient"}, blobClients(offender))
}

// TestOnlyTheDoorReadsTheEnvironment also keeps the settings in one place: config.go gets a lookup function.
func TestOnlyTheDoorReadsTheEnvironment(t *testing.T) {
	for _, s := range sources(t) {
		if strings.HasPrefix(s.folder, "infra/") || s.folder == "handler" || s.forTests() {
			continue
		}
		for name, file := range s.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if selector, ok := n.(*ast.SelectorExpr); ok {
					if from, ok := selector.X.(*ast.Ident); ok && from.Name == "os" {
						assert.NotContains(t, []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv"},
							selector.Sel.Name, "%s/%s", s.folder, name)
					}
				}
				return true
			})
		}
	}
}

func TestNothingRegistersItself(t *testing.T) {
	for _, s := range sources(t) {
		for name, file := range s.files {
			for _, declaration := range file.Decls {
				if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
					assert.NotEqual(t, "init", f.Name.Name, "%s/%s", s.folder, name)
				}
			}
		}
	}
}
