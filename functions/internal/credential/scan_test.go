package credential_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
)

// FuzzMembersAreThoseOfJSON: our scanner finds in an object what encoding/json finds.
func FuzzMembersAreThoseOfJSON(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw) })
	for _, text := range []string{`{}`, ` { } `, `{"a":{"b":[1,"}"]},"a\"":-1.5e3,"":"\u0041\\","x" : [ ] , "y":null}`,
		`{"a":"\ud800"}`, `{"[":"{","a":[{},{"b":","}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		first, err := decoder.Token()
		if err != nil || first != json.Delim('{') || !json.Valid(raw) || !utf8.Valid(raw) {
			return // the scanner is for what has been read already
		}
		var names, values []string
		for decoder.More() {
			name, err := decoder.Token()
			require.NoError(t, err)
			var value json.RawMessage
			require.NoError(t, decoder.Decode(&value))
			names, values = append(names, name.(string)), append(values, string(value))
		}
		_, err = decoder.Token()
		require.NotErrorIs(t, err, io.EOF)
		gotNames, gotValues := credential.MembersOf(raw)
		require.Equal(t, names, gotNames)
		require.Equal(t, values, gotValues)
	})
}
