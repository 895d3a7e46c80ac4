package access_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// TestWithoutStorage: where the spec names no storage, one check states it in place of all rights, the exchange is
// tested as far as there is a token, and no account is asked. No data was reached, so the verdict is never pass.
func TestWithoutStorage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hasToken  bool
		exchange  string
		verdict   assessment.Verdict
		claim     assessment.ClaimLevel
		exchanges int
	}{
		"with a token":    {true, "exchange.token pass", assessment.VerdictWarn, assessment.ClaimExchange, 1},
		"without a token": {false, "exchange.token skip", assessment.VerdictUnknown, assessment.ClaimFile, 0},
	} {
		for _, mode := range []access.Mode{access.ModeRoundtrip, access.ModeOracle} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				c := newCloud(t)
				request := access.Request{Document: c.document(), Mode: mode}
				request.Document.Spec.Storage = nil
				if tc.hasToken {
					request.Token = c.token(platform.TokenRequest{})
				}
				report, err := c.tester().Run(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, []string{"list warn no-storage"}, rights(report))
				last := report.Checks[len(report.Checks)-1]
				assert.Equal(t, []string{"access.list", "list", string(diagnosis.CodeNoStorage)},
					[]string{last.ID, last.Layer, string(last.Code)})
				assert.Contains(t, lines(report), tc.exchange)
				assert.Equal(t, tc.verdict, report.Verdict, lines(report))
				assert.Equal(t, tc.claim, report.ClaimLevel)
				assert.Empty(t, report.Leftovers)
				assert.Len(t, c.seen(http.MethodPost), tc.exchanges)
				for _, asked := range c.requests {
					assert.NotContains(t, strings.ToLower(asked), ".blob.", "no account is asked")
				}
			})
		}
	}
}
