package discovery_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestTwentyFilesShareTheirTime: what is slow is waited for once, and all files together take no longer than one may.
func TestTwentyFilesShareTheirTime(t *testing.T) {
	for name, c := range map[string]struct {
		issuer func(n int) string
		took   time.Duration
		asked  int32
	}{
		"of one issuer":    {func(int) string { return world.Issuer }, 5 * time.Second, 1},
		"of issuers apart": {func(n int) string { return fmt.Sprintf("%s/%d", world.Issuer, n) }, 8 * time.Second, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInternet(t)
				var asked atomic.Int32
				i.change(platform.Host, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
					asked.Add(1)
					<-r.Context().Done()
				})
				service, ctx, began := i.service(), discovery.Begin(t.Context()), time.Now()
				var files errgroup.Group
				files.SetLimit(4)
				for n := range 20 {
					files.Go(func() error {
						r, err := service.Judge(ctx, file(t, map[string]string{"federatedTokenIssuer": c.issuer(n)}),
							credential.Form{}, "", "")
						assert.Equal(t, assessment.VerdictUnknown, r.Verdict)
						return err
					})
				}
				assert.NoError(t, files.Wait())
				assert.Equal(t, c.took, time.Since(began))
				assert.Equal(t, c.asked, asked.Load())
			})
		})
	}
}

// TestARequestThatHasBegunGoesOn: its time is not given twice.
func TestARequestThatHasBegunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.Equal(t, 8*time.Second, discovery.Left(t.Context()), "nothing has begun")
		ctx := discovery.Begin(t.Context())
		time.Sleep(3 * time.Second)
		assert.Equal(t, 5*time.Second, discovery.Left(discovery.Begin(ctx)))
	})
}
