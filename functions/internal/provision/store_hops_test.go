package provision_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inARow is how many of the requests to the state store follow one another: reads do, and writes of one record; the
// document and the operation are written side by side.
func inARow(spans []span) int {
	reads, writes := 0, map[string]int{}
	for _, s := range spans {
		switch {
		case s.service != serviceStore:
		case s.isWrite:
			writes[s.key]++
		default:
			reads++
		}
	}
	return reads + slices.Max(append(slices.Collect(maps.Values(writes)), 0))
}

// storeAfterHops are the requests to the state store of an attempt, by the hop that they come after: all that were
// sent at the time at which requests to the clouds had ended. Those before the first write to a cloud are one.
func storeAfterHops(spans []span) (first []span, after [][]span, writes int) {
	var at time.Time
	for _, s := range spans {
		switch {
		case s.service == serviceLogin:
		case s.service != serviceStore:
			if s.isWrite {
				writes++
			}
		case writes == 0:
			first = append(first, s)
		default:
			if len(after) == 0 || !s.begin.Equal(at) {
				after, at = append(after, nil), s.begin
			}
			last := len(after) - 1
			after[last] = append(after[last], s)
		}
	}
	return first, after, writes
}

// TestRequestsToTheStoreAfterEachHop: at most four in a row before the first write to a cloud, and two after each hop:
// what it came to is saved, and what is about to be written. After the last hop the conclusion is saved, with what
// that hop came to, and the end. An attempt with nothing to write to a cloud has five, its end among them. Time is
// virtual, so that what follows a hop is what is sent at the time at which it
// ended.
func TestRequestsToTheStoreAfterEachHop(t *testing.T) {
	t.Parallel()
	const first, all, hop = 4, 5, 2
	for _, j := range journeys() {
		t.Run(j.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := j.begin(t)
				f.latency = latencies()
				delete(f.latency, serviceStore)
				f.measure(func() { j.run(f, j.subjects) })
				before, after, writes := storeAfterHops(f.inAttempt())
				require.Equal(t, j.writes, writes)
				most := first
				if writes == 0 {
					most = all
				}
				assert.LessOrEqual(t, inARow(before), most, "before the first write to a cloud: %v", before)
				for i, trips := range after {
					assert.LessOrEqual(t, inARow(trips), hop, "after hop %d of %d: %v", i, len(after), trips)
				}
			})
		})
	}
}
