// Command lint is the project's set of analyzers as one `go vet -vettool` program: vet caches its results per package,
// and go.mod pins every analyzer. Few and strict: each finding fails the build.
package main

import (
	"strings"

	"github.com/kisielk/errcheck/errcheck"
	"github.com/polyfloyd/go-errorlint/errorlint"
	"github.com/sonatard/noctx"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/nilness"
	"golang.org/x/tools/go/analysis/passes/unusedwrite"
	"golang.org/x/tools/go/analysis/unitchecker"
	"honnef.co/go/tools/analysis/lint"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"
	"honnef.co/go/tools/unused"
)

func main() {
	analyzers := []*analysis.Analyzer{
		outsideTests(errcheck.Analyzer),    // no error is dropped by accident
		errorlint.NewAnalyzer(),            // errors are compared with errors.Is and errors.As, and wrapped with %w
		outsideTests(noctx.Analyzer),       // no request, listener or process without a context
		nilness.Analyzer,                   // no certain nil dereference
		outsideTests(unusedwrite.Analyzer), // no write that nobody reads
		deadCode,                           // nothing that nothing uses
	}
	analyzers = add(analyzers, staticcheck.Analyzers, nil)
	analyzers = add(analyzers, simple.Analyzers, nil)
	// Package comments, error strings, and comments on exported functions, types and variables.
	style := map[string]bool{"ST1000": true, "ST1005": true, "ST1020": true, "ST1021": true, "ST1022": true}
	analyzers = add(analyzers, stylecheck.Analyzers, style)
	unitchecker.Main(analyzers...)
}

// add appends the analyzers that are named in only, or all of them where only is nil.
func add(to []*analysis.Analyzer, from []*lint.Analyzer, only map[string]bool) []*analysis.Analyzer {
	for _, a := range from {
		if only == nil || only[a.Analyzer.Name] {
			to = append(to, a.Analyzer)
		}
	}
	return to
}

// outsideTests drops what an analyzer finds in test files.
func outsideTests(a *analysis.Analyzer) *analysis.Analyzer {
	quiet := *a
	run := a.Run
	quiet.Run = func(pass *analysis.Pass) (any, error) {
		report := pass.Report
		filtered := *pass
		filtered.Report = func(d analysis.Diagnostic) {
			if !strings.HasSuffix(pass.Fset.Position(d.Pos).Filename, "_test.go") {
				report(d)
			}
		}
		return run(&filtered)
	}
	return &quiet
}

// deadCode reports what unused finds; that analyzer leaves the reporting to its driver.
var deadCode = &analysis.Analyzer{
	Name:     "unused",
	Doc:      "reports functions, types, fields and constants that nothing uses",
	Requires: []*analysis.Analyzer{unused.Analyzer.Analyzer},
	Run: func(pass *analysis.Pass) (any, error) {
		found := pass.ResultOf[unused.Analyzer.Analyzer].(unused.Result)
		used := make(map[string]bool, len(found.Used))
		for _, o := range found.Used {
			used[o.Position.String()] = true
		}
		for _, o := range found.Unused {
			if used[o.Position.String()] {
				continue
			}
			for _, f := range pass.Files {
				file := pass.Fset.File(f.Pos())
				if file.Name() == o.Position.Filename && o.Position.Line <= file.LineCount() {
					pass.Reportf(file.LineStart(o.Position.Line), "%s %s is unused", o.Kind, o.Name)
				}
			}
		}
		return nil, nil
	},
}
