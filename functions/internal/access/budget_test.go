package access_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestBudget: whatever hangs, a test is over after 15 seconds, and tells what it does not know.
func TestBudget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hangs func(*http.Request) bool
		want  string
	}{
		"the token service": {func(r *http.Request) bool { return strings.HasPrefix(r.URL.Host, "login.") },
			"exchange.token unknown network-timeout"},
		"storage": {func(r *http.Request) bool { return strings.Contains(r.URL.Host, ".blob.") },
			"access.network unknown network-timeout"},
		"the write": {func(r *http.Request) bool { return r.Method == http.MethodPut },
			"access.write unknown network-timeout"},
		"the delete": {func(r *http.Request) bool { return r.Method == http.MethodDelete },
			"access.delete unknown network-timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t)
				c.answer = func(r *http.Request) *http.Response {
					if tt.hangs(r) {
						<-r.Context().Done()
					}
					return nil
				}
				tester := c.tester()
				// However patient the app's other clients are, a test is not.
				tester.ClientOptions.Retry = policy.RetryOptions{MaxRetries: 9, TryTimeout: time.Minute,
					RetryDelay: time.Minute, MaxRetryDelay: time.Hour}
				started := time.Now()
				report, err := tester.Run(t.Context(),
					access.Request{Document: c.document(images(integration.AccessReadWrite),
						images(integration.AccessReadWrite)),
						Token: c.token(platform.TokenRequest{})})
				require.NoError(t, err)
				assert.LessOrEqual(t, time.Since(started), 15*time.Second)
				assert.Contains(t, lines(report), tt.want)
				assert.Equal(t, diagnosis.VerdictUnknown, report.Verdict)
			})
		})
	}
}

// TestForeignBlobIsNotOverwritten: a blob that happens to have the probe's name is somebody else's.
func TestForeignBlobIsNotOverwritten(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const name = ".ddoe-wif-probe/my-images/20260301T120000Z-101112131415461798191a1b1c1d1e1f"
	_, err := c.world.WriteBlob(world.DataAccount, "images", world.Blob{Name: name, Content: []byte("theirs")})
	require.NoError(t, err)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Contains(t, lines(report), "access.write fail blob-exists")
	kept, err := c.world.ReadBlob(world.DataAccount, "images", name)
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(kept.Content))
}
