package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = "./testdata/sample"

func TestJudge(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("testdata/sample/sample.go")
	require.NoError(t, err)
	source, err := os.ReadFile(file) //nolint:gosec // a test's own file
	require.NoError(t, err)
	condition := "len(text) > 3"
	at := bytes.Index(source, []byte(condition))
	r := &runner{target: sample, judges: [][]string{{sample}}, scratch: t.TempDir(), timeout: time.Second}
	for after, want := range map[string]verdict{
		"len(text) > 4":             survived,
		"len(text) > 9":             killed,
		"func() bool { for { } }()": timedOut,
		"len(texts) > 3":            notCompiling,
	} {
		got, err := r.judge(t.Context(), mutant{file: file, offset: at, before: condition, after: after})
		require.NoError(t, err)
		assert.Equal(t, want, got, after)
	}
	noticed := mutant{file: file, offset: at, before: condition, after: "len(text) > 9"}
	var name string
	for name, r.judges = range map[string][][]string{
		"the first": {{sample}, {sample, "-run=^$"}}, "the second": {{sample, "-run=^$"}, {sample}},
	} {
		got, err := r.judge(t.Context(), noticed)
		require.NoError(t, err)
		assert.Equal(t, killed, got, "%s of two judges notices", name)
	}
	now, err := os.ReadFile(file) //nolint:gosec // a test's own file
	require.NoError(t, err)
	assert.Equal(t, string(source), string(now), "the working tree is not touched")
}

// sampled runs the command on the sample and returns what it printed, line by line.
func sampled(t *testing.T, n int, seed uint64) []string {
	t.Helper()
	var out bytes.Buffer
	r := &runner{target: sample, judges: [][]string{{sample}}, timeout: time.Minute}
	require.NoError(t, run(t.Context(), &out, r, n, seed))
	assert.NoDirExists(t, r.scratch)
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

func TestRun(t *testing.T) {
	t.Parallel()
	all := sampled(t, 10, 1)
	assert.ElementsMatch(t, []string{
		"killed        testdata/sample/sample.go:6: return: `len(text) > 3` → " +
			"`func() (bool) { if false { return len(text) > 3 }; return *new(bool) }()`",
		"survived      testdata/sample/sample.go:6: swap: `>` → `>=`",
		"survived      testdata/sample/sample.go:6: number: `3` → `(3 + 1)`",
		"survived      testdata/sample/sample.go:6: number: `3` → `(3 - 1)`",
	}, all[:4])
	assert.Equal(t, []string{
		"", "survived: 3, not compiling: 0, timed out: 0",
		"| package | valid | killed | % |", "| testdata/sample | 4 | 1 | 25 |",
	}, all[4:])
	assert.Equal(t, all[:2], sampled(t, 2, 1)[:2], "the same seed begins with the same mutants")
	assert.NotEqual(t, all[:4], sampled(t, 10, 2)[:4], "another seed takes others first")
}

func TestRunNeedsTestsThatPass(t *testing.T) {
	t.Parallel()
	r := &runner{target: sample, judges: [][]string{{sample, "./testdata/nothing"}}}
	require.ErrorIs(t, run(t.Context(), &bytes.Buffer{}, r, 1, 1), errFailed)
	r.target = "./testdata/nothing"
	require.ErrorIs(t, run(t.Context(), &bytes.Buffer{}, r, 1, 1), errFailed)
	ended, end := context.WithCancel(t.Context())
	end()
	r.target, r.judges = sample, [][]string{{sample}}
	require.ErrorIs(t, run(ended, &bytes.Buffer{}, r, 1, 1), context.Canceled)
}

func TestTimedOutCountsAsNoticed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, tally{killed: 1, timedOut: 1, survived: 1, notCompiling: 5}.show(&out, "x"))
	assert.Contains(t, out.String(), "| x | 3 | 2 | 66 |")
	out.Reset()
	require.NoError(t, tally{}.show(&out, "x"))
	assert.Contains(t, out.String(), "| x | 0 | 0 | 0 |")
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "`a b`", oneLine("a\n\t b"))
	assert.Equal(t, "`"+strings.Repeat("é", 100)+"`", oneLine(strings.Repeat("é", 100)))
	assert.Equal(t, "`"+strings.Repeat("é", 100)+"…`", oneLine(strings.Repeat("é", 101)))
}
