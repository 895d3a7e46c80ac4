package validate_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/validate"
)

// TestFourFilesAreJudgedAtOnce, and no more: twenty that take a second each are done after five.
func TestFourFilesAreJudgedAtOnce(t *testing.T) {
	body, contentType := form(t, slices.Repeat([]part{{"file", "x", "{}"}}, 20)...)
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		var left sync.Map
		edge := problemtest.Serve(validate.Function{Judge: func(ctx context.Context,
			_ judgement.Request) (assessment.Report, error) {
			left.Store(discovery.Left(ctx), true)
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(time.Second)
			running.Add(-1)
			return assessment.Report{Kind: "credential", Verdict: assessment.VerdictPass}, nil
		}}.Register)
		began := time.Now()
		got := edge.Call(t, "POST", path+"?depth=structure", body, "Content-Type", contentType)
		require.Equal(t, 200, got.Status, got.Raw)
		assert.Len(t, got.Body["reports"], 20)
		assert.EqualValues(t, 4, most.Load())
		assert.Equal(t, 5*time.Second, time.Since(began))
		for n := range 5 {
			_, isLeft := left.Load(discovery.Budget - time.Duration(n)*time.Second)
			assert.True(t, isLeft, "the files share the time of the request")
		}
	})
}
