package access_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestBudget: whatever hangs, a test is over after five seconds a call, and tells what it does not know.
func TestBudget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hangs func(*http.Request) bool
		want  string
		took  time.Duration
	}{
		"the token service": {func(r *http.Request) bool { return strings.HasPrefix(r.URL.Host, "login.") },
			"exchange.token unknown network-timeout", 5 * time.Second},
		"storage": {func(r *http.Request) bool { return strings.Contains(r.URL.Host, ".blob.") },
			"access.network unknown network-timeout", 5 * time.Second},
		"the write": {func(r *http.Request) bool { return r.Method == http.MethodPut },
			"access.write unknown network-timeout", 5 * time.Second},
		"the delete": {func(r *http.Request) bool { return r.Method == http.MethodDelete },
			"access.delete unknown network-timeout", 5 * time.Second},
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
				assert.Equal(t, tt.took, time.Since(started))
				assert.Contains(t, lines(report), tt.want)
				assert.Equal(t, assessment.VerdictUnknown, report.Verdict)
			})
		})
	}
}

// retryCases are ways in which Storage is busy or hangs at its first request, each with what a test gives it then.
var retryCases = map[string]struct {
	retry    policy.RetryOptions
	wait     string // Retry-After of a busy answer; "hangs" is none
	tries    int
	min, max time.Duration
}{
	"by default": {policy.RetryOptions{}, "", 2, 160 * time.Millisecond, 260 * time.Millisecond},
	"no retry":   {policy.RetryOptions{MaxRetries: -1}, "", 1, 0, 0},
	"one retry": {policy.RetryOptions{MaxRetries: 1}, "", 2, 160 * time.Millisecond,
		260 * time.Millisecond},
	"two retries": {policy.RetryOptions{MaxRetries: 2}, "", 2, 160 * time.Millisecond,
		260 * time.Millisecond},
	"a longer pause": {policy.RetryOptions{RetryDelay: time.Hour}, "", 2, 160 * time.Millisecond,
		260 * time.Millisecond},
	"a shorter pause": {policy.RetryOptions{RetryDelay: 10 * time.Millisecond}, "", 2, 8 * time.Millisecond,
		13 * time.Millisecond},
	"a second to wait":     {policy.RetryOptions{}, "1", 2, time.Second, time.Second},
	"two seconds to wait":  {policy.RetryOptions{MaxRetryDelay: time.Hour}, "2", 1, 0, 0},
	"less patience":        {policy.RetryOptions{MaxRetryDelay: 500 * time.Millisecond}, "1", 1, 0, 0},
	"hangs":                {policy.RetryOptions{}, "hangs", 2, 5 * time.Second, 5 * time.Second},
	"hangs, more patience": {policy.RetryOptions{TryTimeout: time.Hour}, "hangs", 2, 5 * time.Second, 5 * time.Second},
	"hangs, less patience": {policy.RetryOptions{TryTimeout: time.Second}, "hangs", 2, 2160 * time.Millisecond,
		2260 * time.Millisecond},
}

// TestRetryBudget: one retry after a second at most, whatever the app's other clients may take. What is less stays.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	for name, tc := range retryCases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t)
				tries := 0
				c.answer = func(r *http.Request) *http.Response {
					if !strings.Contains(r.URL.Host, ".blob.") {
						return nil
					}
					tries++
					if tc.wait == "hangs" {
						<-r.Context().Done()
						return nil
					}
					return refusal(http.StatusServiceUnavailable, "ServerBusy",
						map[string]string{"Retry-After": tc.wait})
				}
				tester := c.tester()
				tester.ClientOptions.Retry = tc.retry
				started := time.Now()
				_, err := tester.Run(t.Context(), access.Request{Document: c.document(),
					Token: c.token(platform.TokenRequest{})})
				require.NoError(t, err)
				took := time.Since(started)
				assert.Equal(t, tc.tries, tries)
				assert.GreaterOrEqual(t, took, tc.min)
				assert.LessOrEqual(t, took, tc.max)
			})
		})
	}
}

// TestContainersAreTestedFourAtATime: no more at once, and not one after the other.
func TestContainersAreTestedFourAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.answer = func(r *http.Request) *http.Response {
			if strings.Contains(r.URL.Host, ".blob.") {
				time.Sleep(time.Second)
				return refusal(http.StatusForbidden, "AuthorizationFailure", nil)
			}
			return nil
		}
		storage := slices.Repeat([]integration.StorageAccess{images(integration.AccessRead)}, 9)
		started := time.Now()
		report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(storage...),
			Token: c.token(platform.TokenRequest{})})
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, time.Since(started), "four, four and one")
		assert.Equal(t, assessment.VerdictFail, report.Verdict)
	})
}

// TestAllChecksTogetherTakeTenSeconds, however many there are.
func TestAllChecksTogetherTakeTenSeconds(t *testing.T) {
	t.Parallel()
	for containers, took := range map[int]time.Duration{4: 5 * time.Second, 8: 10 * time.Second,
		9: 10 * time.Second, 20: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t)
			c.answer = func(r *http.Request) *http.Response {
				if strings.Contains(r.URL.Host, ".blob.") {
					<-r.Context().Done()
				}
				return nil
			}
			storage := slices.Repeat([]integration.StorageAccess{images(integration.AccessRead)}, containers)
			started := time.Now()
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(storage...),
				Token: c.token(platform.TokenRequest{})})
			require.NoError(t, err)
			assert.Equal(t, took, time.Since(started), containers)
			assert.Equal(t, assessment.VerdictUnknown, report.Verdict, containers)
		})
	}
}

// TestForeignBlobIsNotOverwritten: a blob that happens to have the probe's name is somebody else's.
func TestForeignBlobIsNotOverwritten(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const name = ".ddoe-wif-probe-my-images-20260301T120000Z-101112131415461798191a1b1c1d1e1f"
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
