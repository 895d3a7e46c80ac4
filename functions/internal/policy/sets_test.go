package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestSetsOfCodes: every member exists, once, and the words that people get agree with what the set decides.
func TestSetsOfCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		codes  []diagnosis.Code
		is     func(diagnosis.Code) bool
		agrees func(diagnosis.Entry) bool
	}{
		"of the token": {ofToken(), IsOfToken, func(e diagnosis.Entry) bool { return e.Layer == "token" }},
		"of the sender": {ofSender(), IsOfSender, func(e diagnosis.Entry) bool {
			return e.Who == diagnosis.WhoDDOEAdmin || e.Who == diagnosis.WhoOperator
		}},
		"mended by a PUT": {mendedByPut(), IsMendedByPut, func(e diagnosis.Entry) bool {
			return strings.Contains(strings.Join(e.Steps, " "), "PUT")
		}},
		"passing": {passing(), isPassing, func(diagnosis.Entry) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, code := range c.codes {
				entry, known := diagnosis.Lookup(code)
				require.True(t, known, code)
				assert.True(t, c.agrees(entry), "%s: %s %v", code, entry.Who, entry.Steps)
			}
			assert.Len(t, slices.Compact(slices.Sorted(slices.Values(c.codes))), len(c.codes), "none is there twice")
			for _, entry := range diagnosis.Entries() {
				assert.Equal(t, slices.Contains(c.codes, entry.Code), c.is(entry.Code), entry.Code)
			}
		})
	}
}

// TestWhatStatesOfTheIntegration: what is provisioned is in none of the sets that excuse it.
func TestWhatStatesOfTheIntegration(t *testing.T) {
	t.Parallel()
	for _, code := range []diagnosis.Code{diagnosis.CodeRoleMissing, diagnosis.CodeCredentialMissing,
		diagnosis.CodeCredentialSubjectMismatch, diagnosis.CodeContainerNotFound, diagnosis.CodeClientUnknown} {
		assert.False(t, IsOfToken(code) || IsOfSender(code), code)
	}
	for _, code := range mendedByPut() {
		assert.False(t, IsOfToken(code) || IsOfSender(code), code)
	}
}
