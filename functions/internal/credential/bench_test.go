package credential_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
)

// costly are files that are as much work as a file may be, beside a good one.
func costly(tb testing.TB) map[string][]byte {
	tb.Helper()
	good, err := os.ReadFile(filepath.Join("testdata", "good", "seed.json"))
	require.NoError(tb, err)
	all := map[string][]byte{
		"good":            good,
		"unknown members": []byte(seed(repeated(600, `"zzz%d":1`))),
		"mistyped names":  []byte(seed(repeated(400, `"tenantIf%d":"x"`))),
		"nested":          []byte(seed(`"x":` + strings.Repeat("[", 3700) + strings.Repeat("]", 3700))),
		"a long text":     []byte("x" + strings.Repeat(" a=b", credential.MaxSize/4-1)),
		"base64":          []byte(strings.Repeat("e30K", credential.MaxSize/4)),
	}
	for name, file := range all {
		require.LessOrEqual(tb, len(file), credential.MaxSize, name)
	}
	return all
}

// TestNoFileIsCostly: the work grows with the file and no faster. Allocations are counted, as they do not depend on
// what else the machine does; time is what BenchmarkJudge measures.
func TestNoFileIsCostly(t *testing.T) {
	for name, file := range costly(t) {
		assert.LessOrEqual(t, testing.AllocsPerRun(1, func() { linter().Lint(file, credential.Form{}) }),
			30_000.0, name)
	}
}

// BenchmarkJudge judges files, beside encoding/json that decodes the same ones.
func BenchmarkJudge(b *testing.B) {
	for name, file := range costly(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				linter().Lint(file, credential.Form{})
			}
		})
		b.Run(name+", encoding/json", func(b *testing.B) {
			for b.Loop() {
				var any map[string]any
				_ = json.Unmarshal(file, &any) // not all of them are JSON
			}
		})
	}
}
