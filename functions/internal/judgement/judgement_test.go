package judgement_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
)

// TestDepthFile asks nobody: there is no look that it could make.
func TestDepthFile(t *testing.T) {
	t.Parallel()
	s := &judgement.Service{Linter: credential.Linter{Now: time.Now}}
	for _, depth := range []judgement.Depth{"", judgement.DepthFile} {
		r, err := s.Judge(t.Context(), judgement.Request{Depth: depth, File: []byte("{}"),
			Form: credential.Form{ClientID: "x"}})
		require.NoError(t, err)
		assert.Equal(t, assessment.ClaimFile, r.ClaimLevel)
		for _, c := range r.Checks {
			assert.Equal(t, "file", c.Layer)
		}
		assert.Equal(t, assessment.VerdictFail, r.Verdict)
	}
}
