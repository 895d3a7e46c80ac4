package host

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of ports run by themselves: between fork and exec, a process that another test starts holds the listeners
// of this one, so a port that was just closed is not free yet.

// newPorts is what another process would have.
func newPorts(t *testing.T) *portBlocks {
	t.Helper()
	b := &portBlocks{}
	t.Cleanup(func() {
		for _, listener := range b.owned {
			assert.NoError(t, listener.Close())
		}
	})
	return b
}

func takePort(t *testing.T, b *portBlocks) int {
	t.Helper()
	port, err := b.take(t.Context())
	require.NoError(t, err)
	return port
}

func TestNoPortIsGivenTwice(t *testing.T) {
	given := map[int]bool{}
	for _, process := range []*portBlocks{newPorts(t), newPorts(t)} {
		for range blockSize + 1 { // more than one block has
			port := takePort(t, process)
			assert.False(t, given[port], "port %d", port)
			given[port] = true
		}
		assert.Len(t, process.owned, 2)
	}
}

func TestAReleasedPortIsTakenAgainBeforeAnotherBlock(t *testing.T) {
	b := newPorts(t)
	released := takePort(t, b)
	b.release(released)
	assert.NotEqual(t, released, takePort(t, b), "not at once")
	for takePort(t, b) != released {
		require.Len(t, b.owned, 1)
	}
}

func TestAPortWhereSomebodyListensIsNotGiven(t *testing.T) {
	b := newPorts(t)
	port := takePort(t, b)
	b.free = append([]int{port}, b.free...)
	listener, err := listenPort(t.Context(), port)
	require.NoError(t, err)
	assert.NotEqual(t, port, takePort(t, b))
	require.NoError(t, listener.Close())
	assert.Equal(t, port, takePort(t, b))
}

func TestARestartedHandlerKeepsItsPortUnlessSomebodyListensThere(t *testing.T) {
	s := newSupervisor(command{root: t.TempDir(), executable: "true"}, time.Second, time.Now, &logger{out: io.Discard})
	start := func(port *int) {
		p, err := s.start(t.Context(), port, nil)
		require.NoError(t, err)
		<-p.done
	}
	var port int
	start(&port)
	first := port
	assert.NotZero(t, first)
	start(&port)
	assert.Equal(t, first, port)

	listener, err := listenPort(t.Context(), port)
	require.NoError(t, err)
	start(&port)
	assert.NotEqual(t, first, port)
	require.NoError(t, listener.Close())
	s.release(port)
}
