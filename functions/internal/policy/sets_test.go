package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestSetsOfCodes: every member exists, once, and the words that people get agree with what the set decides, be it
// that a code is in the set or that it is not.
func TestSetsOfCodes(t *testing.T) {
	t.Parallel()
	isForSender := func(e diagnosis.Entry) bool {
		return e.Who == diagnosis.WhoDDOEAdmin || e.Who == diagnosis.WhoOperator ||
			e.Who == diagnosis.WhoCaller && strings.HasPrefix(e.Steps[0], "Send ") // the token that was sent
	}
	isOfNoTest := func(e diagnosis.Entry) bool { // an access test tells none of these
		return slices.Contains([]string{"", "discovery", "structure", "token"}, e.Layer)
	}
	for name, c := range map[string]struct {
		codes  []diagnosis.Code
		is     func(diagnosis.Code) bool
		agrees func(diagnosis.Entry) bool
		// belongs is true of what must not be left out.
		belongs func(diagnosis.Entry) bool
	}{
		"of the token": {ofToken(), IsOfToken, func(e diagnosis.Entry) bool { return e.Layer == "token" },
			func(e diagnosis.Entry) bool {
				return e.Layer == "token" && !strings.HasPrefix(string(e.Code), "ddoe-") // what the platform answers
			}},
		"of the sender": {ofSender(), IsOfSender, isForSender,
			func(e diagnosis.Entry) bool { return isForSender(e) && !isOfNoTest(e) }},
		"mended by a PUT": {mendedByPut(), IsMendedByPut, func(e diagnosis.Entry) bool {
			steps := strings.Join(e.Steps, " ")
			return strings.Contains(steps, "PUT") && !strings.Contains(steps, "A PUT does not")
		}, func(e diagnosis.Entry) bool {
			return e.Layer == "structure" && strings.HasPrefix(e.Steps[0], "Repeat the PUT of the integration") &&
				e.Code != diagnosis.CodeObjectNotFound // a run meets it, no look
		}},
		"by design": {byDesign(), IsByDesign,
			func(e diagnosis.Entry) bool { return e.CheckStatus() == diagnosis.OutcomeWarn },
			func(diagnosis.Entry) bool { return false }},
		"passing": {passing(), isPassing, func(diagnosis.Entry) bool { return true },
			func(diagnosis.Entry) bool { return false }},
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
				assert.True(t, c.is(entry.Code) || !c.belongs(entry), "%s is left out", entry.Code)
			}
		})
	}
}

// TestWhatStatesOfTheIntegration: what is provisioned is in none of the sets that excuse it.
func TestWhatStatesOfTheIntegration(t *testing.T) {
	t.Parallel()
	for _, code := range []diagnosis.Code{diagnosis.CodeRoleMissing, diagnosis.CodeFederatedCredentialMissing,
		diagnosis.CodeCredentialSubjectMismatch, diagnosis.CodeContainerNotFound, diagnosis.CodeIdentityMissing} {
		assert.False(t, IsOfToken(code) || IsOfSender(code), code)
	}
	mended := mendedByPut()
	assert.NotEmpty(t, mended)
	for _, code := range mended {
		assert.False(t, IsOfToken(code) || IsOfSender(code), code)
	}
	excusing := [][]diagnosis.Code{ofToken(), ofSender()}
	for i, is := range []func(diagnosis.Code) bool{IsOfToken, IsOfSender} {
		require.NotEmpty(t, excusing[i])
		for _, code := range excusing[i] {
			assert.True(t, is(code), code)
		}
	}
}
