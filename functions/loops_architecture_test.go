package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kindsOf are the kinds below package resource, each with the client that it may call. Package identity, which hands
// to implementations that it is given, calls none.
var kindsOf = map[string]string{"resource/application": "graph", "resource/managedidentity": "arm",
	"resource/identity": "", "resource/trust": "", "resource/grant": "arm", "resource/platform": "ddoe",
	"resource/platformlook": "ddoe", "resource/directorylook": "graph"}

// loops are the use cases that go over the list of kinds. They put messages on the bus, and call no other client.
var loops = []string{"provision", "health"}

// ruleOfLoops tells why a room may not import another, of those that the list of kinds is about.
func ruleOfLoops(room, of string) string {
	client, isKind := kindsOf[room]
	switch {
	case isKind && strings.HasPrefix(of, "resource/"):
		return "a kind knows no other kind"
	case isKind && slices.Contains(clients, of) && of != client:
		return "a kind calls its own client"
	case (isKind || room == "resource") && slices.Contains(usecases, of):
		return "the loops call the kinds"
	case room == "resource" && (slices.Contains(clients, of) || strings.HasPrefix(of, "resource/")):
		return "what all kinds share knows none of them, and no service"
	case slices.Contains(loops, room) && slices.Contains(clients, of) && of != "bus":
		return "the loops know no cloud"
	case slices.Contains(loops, room) && strings.HasPrefix(of, "resource/"):
		return "the loops know no kind"
	case room == "health" && of == "provision":
		return "provisioning knows health, not the other way round"
	}
	return ""
}

func TestImportRulesOfKinds(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		room := strings.TrimPrefix(s.folder, "functions/internal/")
		if strings.HasPrefix(room, "resource/") && !s.forTests() {
			assert.Contains(t, kindsOf, room, "a new kind has a rule")
		}
	}
	for name, c := range map[string]struct{ room, of string }{
		"the loops and a service":       {"provision", "graph"},
		"the loops and the exchange":    {"provision", "entra"},
		"the loops and the platform":    {"provision", "ddoe"},
		"the loops and a kind":          {"provision", "resource/trust"},
		"the loops and the identity":    {"provision", "resource/identity"},
		"health and a service":          {"health", "arm"},
		"health and the store's client": {"health", "blobstore"},
		"health and a kind":             {"health", "resource/grant"},
		"health and provisioning":       {"health", "provision"},
		"two kinds":                     {"resource/trust", "resource/application"},
		"two identities":                {"resource/application", "resource/managedidentity"},
		"the identity and one":          {"resource/identity", "resource/application"},
		"a kind and another's client":   {"resource/application", "arm"},
		"the identity and a client":     {"resource/identity", "graph"},
		"a kind and the loops":          {"resource/grant", "provision"},
		"what all share and a client":   {"resource", "arm"},
		"what all share and a kind":     {"resource", "resource/platform"},
		"what all share and the engine": {"resource", "operation"},
	} {
		assert.NotEmpty(t, rule("functions/internal/"+c.room, "functions/internal/"+c.of), name)
	}
	for name, c := range map[string]struct{ room, of string }{
		"the loops":           {"provision", "resource"},
		"health":              {"health", "resource"},
		"the queue":           {"health", "bus"},
		"provision, a report": {"provision", "health"},
		"a kind":              {"resource/application", "resource"},
		"its client":          {"resource/application", "graph"},
		"the policy table":    {"resource", "policy"},
	} {
		assert.Empty(t, rule("functions/internal/"+c.room, "functions/internal/"+c.of), name)
	}
}

// loopFolders hold the loops, which name no kind.
var loopFolders = []string{"functions/internal/provision", "functions/internal/health"}

// namesKind are the files there that do, with the reason.
var namesKind = map[string]string{
	"functions/internal/provision/intent.go": "it completes the identity of a spec, a member that every " +
		"spec has, and " +
		"asks for a word before that takes a client id away",
}

// ofKinds are parts of identifiers and texts that tell one kind, or the service that it is on, from the others.
var ofKinds = []string{"application", "principalid", "serviceprincipal", "federatedcredential", "roleassignment",
	"identity", "platformintegration", "driver", "uniquename", "objectid", "graph", "ddoe"}

// ofApplications are words of one kind of identity, and of the service that it is in.
var ofApplications = []string{"uniquename", "objectid", "graph", "recycle"}

// namesApplications are the rooms and files that may use them: the kind and its client, what records and callers name
// an identity by, the words of diagnoses and the statuses of their codes, the policy table, what the composition is
// made of, the object ids of a report's service principal and of a caller, and the ids
// of Microsoft's own applications.
var namesApplications = []string{"functions/internal/resource/application",
	"functions/internal/resource/directorylook", "functions/internal/graph",
	"functions/internal/integration/identity_names.go", "functions/internal/view", "functions/internal/diagnosis",
	"functions/internal/assessment/report.go", "functions/internal/policy", "functions/internal/problem/codes.go",
	"functions/internal/problem/status.go",
	"functions/resources.go", "functions/usecases.go", "functions/ready.go",
	"functions/internal/access/access.go", "functions/internal/caller", "functions/internal/credential/field/ids.go"}

// kindsNamed are the words of a loop's file that name a kind.
func kindsNamed(file *ast.File) []string { return wordsNamed(file, ofKinds) }

// wordsNamed are the words of a file that hold one of these parts: in identifiers, and in texts other than an example
// in a member's documentation.
func wordsNamed(file *ast.File, parts []string) []string {
	var found []string
	note := func(word string) {
		plain := strings.NewReplacer(" ", "", "-", "", "_", "", "typographic", "").Replace(strings.ToLower(word))
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(plain, part) }) {
			found = append(found, word)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false // held by the import rules
		case *ast.Field:
			if n.Tag != nil {
				n.Tag = nil // its examples are for people
			}
		case *ast.Ident:
			note(n.Name)
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				note(text)
			}
		}
		return true
	})
	return found
}

func TestLoopsNameNoKind(t *testing.T) {
	t.Parallel()
	read := 0
	for _, s := range sources(t) {
		for name, file := range s.files {
			if !slices.Contains(loopFolders, s.folder) {
				continue
			}
			read++
			at := path.Join(s.folder, name)
			assert.Equal(t, namesKind[at] != "", len(kindsNamed(file)) > 0, "%s: %v", at, kindsNamed(file))
		}
	}
	assert.Greater(t, read, len(namesKind)+20)
}

// TestOnlyApplicationsAreInTheDirectory: nothing else speaks of what one kind of identity alone has. What is let speak
// of it does.
func TestOnlyApplicationsAreInTheDirectory(t *testing.T) {
	t.Parallel()
	speaks := map[string]bool{}
	for _, s := range sources(t) {
		for name, file := range s.files {
			at := path.Join(s.folder, name)
			i := slices.IndexFunc(namesApplications, func(room string) bool {
				return at == room || strings.HasPrefix(at, room+"/")
			})
			found := wordsNamed(file, ofApplications)
			switch {
			case i >= 0 && len(found) > 0:
				speaks[namesApplications[i]] = true
			case i < 0 && strings.HasPrefix(at, "functions/"):
				assert.Empty(t, found, at)
			}
		}
	}
	assert.ElementsMatch(t, namesApplications, slices.Collect(maps.Keys(speaks)))
}

func TestKindsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"var a = d.Status.UniqueName":                            {"UniqueName"},
		"var a = d.Status.ObjectID":                              {"ObjectID"},
		"var a = graph.New":                                      {"graph"},
		"var a = resource.FederatedCredential":                   {"FederatedCredential"},
		"var a = integration.IdentityManaged":                    {"IdentityManaged"},
		`var a = kind == "servicePrincipal"`:                     {"servicePrincipal"},
		`var a = kind == "driver"`:                               {"driver"},
		`var a = d.Spec.DDOE`:                                    {"DDOE"},
		"var a = resource.Identity":                              {"Identity"},
		"type a struct{ Name string `example:\"application\"` }": nil,
		`var a = k.Name()`:                                       nil,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+text, 0)
		require.NoError(t, err)
		assert.Equal(t, want, kindsNamed(file), text)
	}
}

// waitsIn are the calls of a file that pause what it does.
func waitsIn(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		name, isSelector := call.Fun.(*ast.SelectorExpr)
		if !isSelector {
			return true
		}
		of, _ := name.X.(*ast.Ident)
		isTimer := of != nil && of.Name == "time" &&
			slices.Contains([]string{"After", "NewTimer", "NewTicker", "AfterFunc"}, name.Sel.Name)
		if isTimer || name.Sel.Name == "Sleep" {
			found = append(found, name.Sel.Name)
		}
		return true
	})
	return found
}

// TestOnlyThePolicyWaits: every pause is a row of the policy table, which nobody else sleeps beside. What the
// composition sleeps with is what the table's pauses are made with, and a long poll waits for its caller, not for a
// service.
func TestOnlyThePolicyWaits(t *testing.T) {
	t.Parallel()
	waits := map[string][]string{}
	for _, s := range sources(t) {
		for name, file := range s.files {
			at := path.Join(s.folder, name)
			if found := waitsIn(file); !s.forTests() && len(found) > 0 && strings.HasPrefix(at, "functions/") {
				waits[at] = found
			}
		}
	}
	assert.Equal(t, map[string][]string{
		"functions/resources.go":             {"NewTimer"},
		"functions/operations/operations.go": {"After"},
		"functions/internal/policy/pace.go":  {"Sleep"}, "functions/internal/policy/requests.go": {"Sleep"},
		"functions/internal/policy/wait.go": {"Sleep"},
	}, waits)
	for text, want := range map[string][]string{
		"func a() { r.requests.Sleep(ctx, pause) }": {"Sleep"},
		"func a() { time.Sleep(pause) }":            {"Sleep"},
		"func a() { <-time.After(pause) }":          {"After"},
		"func a() { slot.After(other) }":            nil,
		"func a() { a.requests.Await(ctx, wait) }":  nil,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "a.go", "package a\n"+text, 0)
		require.NoError(t, err)
		assert.Equal(t, want, waitsIn(file), text)
	}
}

// listsCodes reports whether a file holds a list of codes, by which it decides.
func listsCodes(file *ast.File) bool {
	lists := false
	ast.Inspect(file, func(n ast.Node) bool {
		list, isLiteral := n.(*ast.CompositeLit)
		if !isLiteral {
			return true
		}
		if of, isList := list.Type.(*ast.ArrayType); isList {
			code, isOfPackage := of.Elt.(*ast.SelectorExpr)
			lists = lists || isOfPackage && code.Sel.Name == "Code"
		}
		return true
	})
	return lists
}

// TestOnlyTablesListCodes: what a code means for a decision is asked of the policy's sets. The statuses that codes are
// answered with are the one other table.
func TestOnlyTablesListCodes(t *testing.T) {
	t.Parallel()
	var lists []string
	for _, s := range sources(t) {
		for name, file := range s.files {
			if !s.forTests() && listsCodes(file) {
				lists = append(lists, path.Join(s.folder, name))
			}
		}
	}
	assert.ElementsMatch(t, []string{"functions/internal/policy/codes.go", "functions/internal/policy/sets.go",
		"functions/internal/problem/codes.go", "functions/internal/problem/status.go"}, lists)
}

// textsIn are the texts of a file, without what it imports.
func textsIn(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if _, isImport := n.(*ast.ImportSpec); isImport {
			return false
		}
		if text, is := n.(*ast.BasicLit); is && text.Kind == token.STRING {
			found = append(found, strings.Trim(text.Value, "`\""))
		}
		return true
	})
	return found
}

// TestOnlyThePolicyNamesOperations: a request is named by a constant, so that a slip is no other request. The packages
// below the policy table, which give the words, name none that it does not know.
func TestOnlyThePolicyNamesOperations(t *testing.T) {
	t.Parallel()
	const table = "functions/internal/policy/operation.go"
	all := sources(t)
	known := map[string]bool{}
	for _, s := range all {
		if file := s.files[path.Base(table)]; path.Join(s.folder, path.Base(table)) == table {
			for _, text := range textsIn(file) {
				known[text] = strings.Contains(text, ".")
			}
		}
	}
	require.Greater(t, len(known), 40)
	for _, s := range all {
		for name, file := range s.files {
			at := path.Join(s.folder, name)
			isBelow := strings.HasPrefix(at, "functions/internal/diagnosis/")
			for _, text := range textsIn(file) {
				what, _, isPath := strings.Cut(text, ".")
				switch {
				case at == table || !strings.HasPrefix(at, "functions/"):
				case isBelow && isPath && isRequested(known, what) && !strings.HasSuffix(text, "."):
					assert.True(t, known[text] || strings.Contains(text, " "), "%s: %q", at, text)
				case !isBelow:
					assert.False(t, known[text], "%s: %q", at, text)
				}
			}
		}
	}
}

// isRequested reports whether operations begin with a word.
func isRequested(known map[string]bool, what string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(operation string) bool {
		return strings.HasPrefix(operation, what+".")
	})
}
