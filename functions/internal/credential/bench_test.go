package credential_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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
		"empty lines":     []byte("x" + strings.Repeat("\n", credential.MaxSize-1)),
		"short lines":     []byte(strings.Repeat("a: b\n", credential.MaxSize/5)),
		"braces":          []byte("x" + strings.Repeat(` {"a":"`, credential.MaxSize/8)),
		"lines of pairs":  []byte(strings.Repeat("client aud: x\n", credential.MaxSize/14)),
		"lines of keys":   []byte(strings.Repeat("key: b\n", credential.MaxSize/7)),
		"elements":        []byte(strings.Repeat("<a>b</a>", credential.MaxSize/8)),
		"names":           []byte(strings.Repeat("key=", credential.MaxSize/4)),
		"long names":      []byte("a" + strings.Repeat("_key", credential.MaxSize/4-1)),
		"tokens":          []byte(strings.Repeat("eyJhb", credential.MaxSize/5)),
		"numbered lines":  []byte(strings.Repeat("1\n", credential.MaxSize/2)),
		"a query":         []byte(strings.Repeat("a=b&", credential.MaxSize/4)),
		"a table": []byte(strings.Repeat("a,", credential.MaxSize/4) + "\n" + strings.Repeat("b,",
			credential.MaxSize/4-1)),
		"Latin-1": []byte(strings.Repeat("\xe9", credential.MaxSize)),
		"escapes": []byte(seed(`"x":"` + strings.Repeat(`\u0061`, 1200) + `"`)),
		"five of 1,500": []byte(seed(`"subject":`+quote(strings.Repeat("aB9+", 375)), `"audience":`+
			quote(strings.Repeat("e.", 750)))),
		"objects in text": []byte("x" + strings.Repeat(seed()+"\n", 25)),
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

// BenchmarkJudge judges files, beside encoding/json that decodes the same ones. What counts is the CPU time, that of
// the garbage collection included: other work on the machine makes the wall time longer, not this.
func BenchmarkJudge(b *testing.B) {
	for name, file := range costly(b) {
		b.Run(name, func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				linter().Lint(file, credential.Form{})
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
		b.Run(name+", encoding/json", func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				var any map[string]any
				_ = json.Unmarshal(file, &any) // not all of them are JSON
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpu is what the process has taken of the processors.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
