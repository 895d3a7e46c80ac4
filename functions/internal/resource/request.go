package resource

import (
	"context"
	"sync"
)

// MaxParallel bounds the requests that one integration sends at a time, so that it does not use up the quota of all.
const MaxParallel = 4

// Each calls do for each of n things, at most MaxParallel at a time, and returns when all are done. A part that is
// broken off because another failed would have to be repeated, so all of them run to their end.
func Each(ctx context.Context, n int, do func(ctx context.Context, i int)) {
	slots := make(chan struct{}, MaxParallel)
	var wait sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			do(ctx, i)
		})
	}
	wait.Wait()
}
