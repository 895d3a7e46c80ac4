package infra_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parsed parses the non-test Go files that match the pattern. The app is read, never imported: infra shares no code
// with it.
func parsed(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.NotEmpty(t, files, pattern)
	return files
}

// constants returns the string constants of a package whose name has one of the prefixes, by name.
func constants(t *testing.T, pattern string, prefixes ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range parsed(t, pattern) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			for i, name := range spec.Names {
				for _, prefix := range prefixes {
					if text, ok := text(spec.Values[i]); ok && strings.HasPrefix(name.Name, prefix) {
						found[name.Name] = text
					}
				}
			}
			return true
		})
	}
	require.NotEmpty(t, found, "%s has no string constant %v…", pattern, prefixes)
	return found
}

// firstTexts returns the first string literal in each of the functions.
func firstTexts(t *testing.T, pattern string, functions ...string) []string {
	t.Helper()
	var found []string
	for _, file := range parsed(t, pattern) {
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || !slices.Contains(functions, f.Name.Name) {
				continue
			}
			isFound := false
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok && !isFound {
					if value, ok := text(e); ok {
						found, isFound = append(found, value), true
					}
				}
				return !isFound
			})
		}
	}
	require.Len(t, found, len(functions), "%s: functions %v", pattern, functions)
	return found
}

// text is the value of a string literal.
func text(e ast.Node) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// trigger is what a function.json states of a function's trigger.
type trigger struct {
	Function          string
	Type              string
	QueueName         string
	Connection        string
	IsSessionsEnabled bool
}

// queue is the queue that the trigger reads, without the name of its sub-queue.
func (tr trigger) queue() string {
	name, _, _ := strings.Cut(tr.QueueName, "/")
	return name
}

// deadLetters reports whether the trigger reads the dead-letter queue, which has no sessions.
func (tr trigger) deadLetters() bool { return strings.HasSuffix(tr.QueueName, "/$deadletterqueue") }

// queueTriggers returns the Service Bus triggers of all functions.
func queueTriggers(t *testing.T) []trigger {
	t.Helper()
	files, err := filepath.Glob("../functions/*/function.json")
	require.NoError(t, err)
	var found []trigger
	for _, file := range files {
		var function struct{ Bindings []trigger }
		readJSON(t, file, &function)
		for _, binding := range function.Bindings {
			if binding.Type == "serviceBusTrigger" {
				binding.Function = filepath.Base(filepath.Dir(file))
				found = append(found, binding)
			}
		}
	}
	require.NotEmpty(t, found)
	return found
}
