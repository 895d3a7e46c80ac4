package assessment

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCompared: a check that did not pass shows the one value that differs, with the place in this pair.
func TestCompared(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status diagnosis.Outcome
		pair   Pair
		want   Check
	}{
		"a pass shows all": {diagnosis.OutcomePass, Pair{Expected: "a", Actual: "a", Presented: "a"},
			Check{Expected: "a", Actual: "a", Presented: "a"}},
		"what is there": {diagnosis.OutcomeFail, Pair{Expected: "ab", Actual: "ac"},
			Check{Expected: "ab", Actual: "ac", DiffAt: new(1)}},
		"what is there, before the token": {diagnosis.OutcomeFail, Pair{Expected: "ab", Actual: "ac", Presented: "xx"},
			Check{Expected: "ab", Actual: "ac", DiffAt: new(1)}},
		"the token, where what is there is right": {diagnosis.OutcomeFail,
			Pair{Expected: "ab", Actual: "ab", Presented: "abc"},
			Check{Expected: "ab", Presented: "abc", DiffAt: new(2)}},
		"the token, where nothing else is known": {diagnosis.OutcomeWarn, Pair{Expected: "ab", Presented: "b"},
			Check{Expected: "ab", Presented: "b", DiffAt: new(0)}},
		"no difference": {diagnosis.OutcomeFail, Pair{Expected: "ab", Actual: "ab", Presented: "ab"},
			Check{Expected: "ab"}},
		"no difference that can be shown": {diagnosis.OutcomeUnknown, Pair{Expected: "a\u200b", Actual: "a\u200c"},
			Check{Expected: "a\uFFFD"}},
		"a description": {diagnosis.OutcomeFail, Pair{Expected: "after 12:00", Presented: "11:00", IsDescribed: true},
			Check{Expected: "after 12:00", Presented: "11:00"}},
		"nothing expected": {diagnosis.OutcomeFail, Pair{Actual: "b"}, Check{Actual: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Status = tt.status
			assert.Equal(t, tt.want, Check{Status: tt.status}.Compared(tt.pair))
		})
	}
}

// pairInText is how golden texts show a pair.
var pairInText = regexp.MustCompile(`expected: ([^;\n]*); (?:actual|presented): ([^;\n]*)`)

// TestNoFailureHasTwoEqualValues holds every golden report to it.
func TestNoFailureHasTwoEqualValues(t *testing.T) {
	t.Parallel()
	failures := 0
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.Contains(path, "testdata"+string(filepath.Separator)) {
			return err
		}
		switch filepath.Ext(path) {
		case ".json":
			failures += failuresOfJSON(t, path)
		case ".txt":
			failures += failuresOfText(t, path)
		}
		return nil
	}))
	assert.Greater(t, failures, 50, "failed checks that were looked at")
}

func failuresOfText(t *testing.T, path string) int {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // a path below this module
	require.NoError(t, err)
	failures := 0
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, ") pass;") {
			continue
		}
		for _, m := range pairInText.FindAllStringSubmatch(line, -1) {
			failures++
			assert.NotEqual(t, m[1], m[2], "%s: %s", path, line)
		}
	}
	return failures
}

func failuresOfJSON(t *testing.T, path string) int {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // a path below this module
	require.NoError(t, err)
	var document any
	if json.Unmarshal(raw, &document) != nil {
		return 0 // a faulty file, which a report is made of
	}
	failures := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			if status, ok := v["status"].(string); ok && status != string(diagnosis.OutcomePass) &&
				v["expected"] != nil {
				failures++
				for _, other := range []string{"actual", "presented"} {
					assert.NotEqual(t, v["expected"], v[other], "%s: %s of %s", path, other, fmt.Sprint(v["id"]))
				}
			}
			for _, one := range v {
				walk(one)
			}
		}
	}
	walk(document)
	return failures
}
