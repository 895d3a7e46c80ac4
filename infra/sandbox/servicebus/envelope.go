package servicebus

import (
	"container/heap"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// Message states, with the values of the annotation x-opt-message-state.
const (
	stateActive    int32 = 0
	stateDeferred  int32 = 1
	stateScheduled int32 = 2
)

// record is what the broker knows of a message. Copies are safe: msg is replaced, never changed.
type record struct {
	msg              *amqp.Message
	seq              int64
	originalSeq      int64 // where it was first enqueued; differs in a subscription
	enqueuedAt       time.Time
	scheduledFor     time.Time // zero: was not scheduled
	timeToLive       time.Duration
	expiresAt        time.Time // zero: never
	failed           uint32    // deliveries that failed
	state            int32
	sessionID        string
	hasSession       bool
	deadLetterSource string
	lockToken        amqp.UUID
	lockedUntil      time.Time
}

// envelope is a message in a queue.
type envelope struct {
	record
	index   int // place in a ready heap, -1 outside
	lock    *alarm
	locked  bool
	session *session // whose lock covers it while it is locked
	expiry  *alarm
	wake    *alarm
}

// readyHeap holds the messages that may be delivered, in sequence: an abandoned message gets its old place.
type readyHeap []*envelope

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return h[i].seq < h[j].seq }
func (h readyHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *readyHeap) Push(x any) {
	env, ok := x.(*envelope)
	if !ok {
		return
	}
	env.index = len(*h)
	*h = append(*h, env)
}

// Pop implements heap.Interface.
func (h *readyHeap) Pop() any {
	last := len(*h) - 1
	env := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	env.index = -1
	return env
}

func (h *readyHeap) next() *envelope {
	if len(*h) == 0 {
		return nil
	}
	env, ok := heap.Pop(h).(*envelope)
	if !ok {
		return nil
	}
	return env
}
