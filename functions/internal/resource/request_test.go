package resource_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// TestEach: four at a time, each once, and all of them have ended when it returns.
func TestEach(t *testing.T) {
	t.Parallel()
	for n, seconds := range map[int]int{0: 0, 1: 1, 3: 1, 4: 1, 5: 2, 8: 2, 9: 3} {
		synctest.Test(t, func(t *testing.T) {
			type key struct{}
			ctx := context.WithValue(t.Context(), key{}, "mine")
			began, done := time.Now(), make([]int, n)
			var running, most atomic.Int32
			resource.Each(ctx, n, func(ctx context.Context, i int) {
				assert.Equal(t, "mine", ctx.Value(key{}))
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				done[i]++
			})
			assert.Equal(t, time.Duration(seconds)*time.Second, time.Since(began), "%d things", n)
			assert.Equal(t, min(n, 4), int(most.Load()), "%d things", n)
			for i := range n {
				assert.Equal(t, 1, done[i], "%d of %d", i, n)
			}
		})
	}
}
