package door

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestACallersRate: so many a second, twice as many at once, and nobody pays for another.
func TestACallersRate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := NewLimiter(20, func() time.Time { return now })
	passed := func(id string, tries int) int {
		count := 0
		for range tries {
			if l.Wait(id) == 0 {
				count++
			}
		}
		return count
	}
	assert.Equal(t, 40, passed("one", 100), "at once")
	assert.Equal(t, 50*time.Millisecond, l.Wait("one"))
	assert.Equal(t, 40, passed("another", 100))
	now = now.Add(time.Second)
	assert.Equal(t, 20, passed("one", 100), "refusals cost nothing")
	now = now.Add(time.Hour)
	assert.Equal(t, 40, passed("one", 100), "no more than the burst")
}

// TestTheMemoryOfALimiter is bounded: callers who have nothing to pay are forgotten first.
func TestTheMemoryOfALimiter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := NewLimiter(1, func() time.Time { return now })
	for i := range 3 * maxKnown {
		if now = now.Add(time.Microsecond); i == maxKnown {
			l.Wait("busy")
			l.Wait("busy")
		}
		l.Wait(fmt.Sprint(i))
		assert.LessOrEqual(t, len(l.known), maxKnown)
		if i == 3*maxKnown/2 {
			assert.NotZero(t, l.Wait("busy"), "it is still known")
		}
	}
	now = now.Add(burstSeconds * time.Second)
	l.Wait("new")
	assert.Len(t, l.known, 1)
}
