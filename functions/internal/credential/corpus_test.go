package credential_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
)

// TestCorpus judges the files of testdata/corpus, as public reports show what people upload: a good_ one breaks no
// rule, and what a bad_ one breaks, with place and position, is held against testdata/corpus.txt. Every secret in
// these files has "pl4nted" in it.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	counted := map[string]int{}
	corpus := files(t, "corpus")
	for _, name := range slices.Sorted(maps.Keys(corpus)) {
		report := linter().Lint(corpus[name], credential.Form{})
		assertSound(t, report)
		assert.NotContains(t, strings.ToLower(string(encode(t, report))), "pl4nted", name)
		assertParsed(t, judged{file: string(corpus[name])})
		kind, _, _ := strings.Cut(name, "_")
		counted[kind]++
		assert.Equal(t, kind == "good", report.Verdict == assessment.VerdictPass, "%s: %v", name, codes(report))
		if kind == "bad" {
			_, _ = fmt.Fprintf(&out, "%s\n%s", name, told(report))
		}
	}
	assert.Equal(t, len(corpus), counted["good"]+counted["bad"])
	assert.GreaterOrEqual(t, len(corpus), 150)
	golden := filepath.Join("testdata", "corpus.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "go test -update accepts the change")
}

// seeds are the files that a property is tried with, as a unit test and as the beginning of a search.
func seeds(f *testing.F, add func([]byte)) {
	f.Helper()
	for _, folder := range []string{"good", "bad", "corpus"} {
		entries, err := os.ReadDir(filepath.Join("testdata", folder))
		require.NoError(f, err)
		for _, e := range entries {
			raw, err := os.ReadFile(filepath.Join("testdata", folder, e.Name()))
			require.NoError(f, err)
			add(raw)
		}
	}
}

// FuzzNothingBreaksTheReader: whatever the bytes, there is a report, and it keeps what every report promises.
func FuzzNothingBreaksTheReader(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw, "") })
	f.Add([]byte(`{"`), `":"x"}`)
	f.Fuzz(func(t *testing.T, raw []byte, typed string) {
		assertSound(t, linter().Lint(raw, credential.Form{ClientID: typed, TenantID: typed}))
	})
}

// FuzzOnlyStrictFilesAreTaken: what passes is one JSON object of exactly the five members, for a reader that knows no
// leniency, and Parse takes what passes and has the same values.
func FuzzOnlyStrictFilesAreTaken(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		report := linter().Lint(raw, credential.Form{})
		file, err := credential.Parse(raw)
		if report.Verdict != assessment.VerdictPass && report.Verdict != assessment.VerdictWarn {
			return
		}
		require.NoError(t, err)
		var members map[string]string
		bare := bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		require.NoError(t, json.Unmarshal(bare, &members)) // which refuses what follows the object
		require.Equal(t, 5, bytes.Count(bare, []byte(`":`))-strings.Count(strings.Join(slices.Collect(
			maps.Values(members)), ""), `":`), "no member is there twice")
		for _, name := range []string{"clientId", "tenantId"} {
			members[name] = strings.ToLower(members[name])
		}
		require.Equal(t, map[string]string{"clientId": file.ClientID, "tenantId": file.TenantID,
			"federatedTokenIssuer": file.FederatedTokenIssuer, "subject": file.Subject, "audience": file.Audience},
			members)
	})
}

// planted are secrets of each kind that is known by its shape, whatever stands around it. A key without its padding is
// known by its length, and so not amid other letters; TestEachSecretIsToldInEachSurrounding has it.
var planted = []string{"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
	"abc8Q~0123456789abcdefghijklmnopqrstuvwx", "ghp_0123456789abcdefghijABCDEFGHIJ012345",
	strings.Repeat("aB9+/x", 15)[:86] + "==",
	"1.AXoA" + strings.Repeat("aB9_-x", 8) + ".AgABAAEAAAD" + strings.Repeat("aB9_-x", 40)}

// FuzzNoSecretIsRepeated: a secret that stands anywhere in the file or in the form is nowhere in the report.
func FuzzNoSecretIsRepeated(f *testing.F) {
	seeds(f, func(raw []byte) {
		for _, at := range []int{0, len(raw) / 3, bytes.LastIndexByte(raw, '"') + 1, len(raw)} {
			f.Add(raw[:at], string(raw[at:]), uint8(at))
		}
	})
	f.Add([]byte(`{"clientId":"`), `"}`, uint8(1))
	f.Add([]byte(`{"`), `":"x"}`, uint8(2))
	f.Fuzz(func(t *testing.T, before []byte, after string, which uint8) {
		secret := planted[int(which)%len(planted)]
		raw := append(append(slices.Clone(before), secret...), after...)
		report := linter().Lint(raw, credential.Form{ClientID: after, TenantID: secret})
		require.NotContains(t, string(encode(t, report)), secret)
	})
}
