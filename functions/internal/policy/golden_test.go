package policy

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares with a file of testdata.
func golden(t *testing.T, name, is string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(is), 0o600))
	}
	was, err := os.ReadFile(file) //nolint:gosec // a test's own file
	require.NoError(t, err)
	assert.Equal(t, string(was), is)
}

// line writes a row down: what it is about, and what is done.
func (r row) line() string {
	about := []string{r.service}
	if r.service == "" {
		about[0] = "any"
	}
	for _, op := range r.operations {
		about = append(about, string(op))
	}
	for _, s := range r.statuses {
		about = append(about, fmt.Sprintf("%d-%d", s.from, s.to))
	}
	if r.code != "" {
		about = append(about, r.code)
	}
	if r.inBatch {
		about = append(about, "in-batch")
	}
	what := []string{string(r.Action)}
	if r.Budget > 0 {
		what = append(what, r.Budget.String())
	}
	if r.Attempts > 0 {
		what = append(what, fmt.Sprintf("%d times", r.Attempts))
	}
	if r.After != "" {
		what = append(what, "then "+string(r.After))
	}
	return strings.Join(about, " ") + ": " + strings.Join(what, " ") + "\n"
}

// TestTheTable: what is done about an answer changes on purpose alone. A row that is added or changed gets its line by
// -update; each of them states what a caller waits for, or gives up.
func TestTheTable(t *testing.T) {
	t.Parallel()
	var is strings.Builder
	for _, r := range rows() {
		is.WriteString(r.line())
	}
	is.WriteString("\nis it there\n")
	for _, r := range absenceRows() {
		is.WriteString(r.line())
	}
	is.WriteString("\nwaits\n")
	for _, name := range slices.Sorted(maps.Keys(waits())) {
		_, _ = fmt.Fprintf(&is, "%s: %v\n", name, waits()[name].pauses)
	}
	golden(t, "table.txt", is.String())
}

// TestTheSets: which codes are excused, mended or tried again changes on purpose alone.
func TestTheSets(t *testing.T) {
	t.Parallel()
	var is strings.Builder
	for _, set := range []struct {
		name  string
		codes []diagnosis.Code
	}{{"of the token", ofToken()}, {"of the sender", ofSender()}, {"mended by a PUT", mendedByPut()},
		{"by design", byDesign()}, {"passing", passing()}} {
		_, _ = fmt.Fprintf(&is, "%s\n", set.name)
		for _, code := range slices.Sorted(slices.Values(set.codes)) {
			_, _ = fmt.Fprintf(&is, "  %s\n", code)
		}
	}
	golden(t, "sets.txt", is.String())
}

// TestAnotherServicesAnswer: a row of one service states nothing of an answer of another one.
func TestAnotherServicesAnswer(t *testing.T) {
	t.Parallel()
	of := map[string]int{}
	for _, r := range rows() {
		if r.service == "" {
			continue
		}
		op, a := r.example()
		of[r.service]++
		for _, service := range []string{serviceGraph, serviceARM, serviceDDOE, serviceStorage} {
			assert.Equal(t, service == r.service, r.isMatch(op, factsFrom(t, a, service)), "%s of %s", r, service)
		}
	}
	for _, service := range []string{serviceGraph, serviceARM, serviceDDOE, serviceStorage} {
		assert.NotZero(t, of[service], "rows of %s", service)
	}
}

// factsFrom are an answer's facts, as if another service had given it.
func factsFrom(t *testing.T, a *answered, service string) facts {
	t.Helper()
	other := *a
	other.service = service
	f, isAnswer := factsOf(&other)
	require.True(t, isAnswer)
	return f
}

// TestStatusesEndWhereTheyEnd: a row's span has neither the status before it nor the one behind.
func TestStatusesEndWhereTheyEnd(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, rows())
	for _, r := range rows() {
		op, a := r.example()
		for _, s := range r.statuses {
			for status, want := range map[int]bool{s.from - 1: false, s.from: true, s.to: true, s.to + 1: false} {
				f := factsFrom(t, a, a.service)
				f.status = status
				alone := r
				alone.statuses = []span{s}
				assert.Equal(t, want, alone.isMatch(op, f), "%s at %d", r, status)
			}
		}
	}
}
