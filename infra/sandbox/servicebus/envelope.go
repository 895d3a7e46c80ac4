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

// Record is what the broker knows of a message. Copies are safe: msg is replaced, never changed.
type Record struct {
	Message          *amqp.Message
	Sequence         int64
	OriginalSequence int64 // where it was first enqueued; differs in a subscription
	EnqueuedAt       time.Time
	scheduledFor     time.Time // zero: was not scheduled
	TimeToLive       time.Duration
	ExpiresAt        time.Time // zero: never
	Failed           uint32    // deliveries that failed
	State            int32
	sessionID        string
	hasSession       bool
	DeadLetterSource string
	LockToken        amqp.UUID
	LockedUntil      time.Time
}

// envelope is a message in a queue.
type envelope struct {
	Record
	index   int // place in a ready heap, -1 outside
	lock    *alarm
	locked  bool
	session *MessageSession // whose lock covers it while it is locked
	expiry  *alarm
	wake    *alarm
}

// readyHeap holds the messages that may be delivered, in sequence: an abandoned message gets its old place.
type readyHeap []*envelope

func (h readyHeap) Len() int           { return len(h) }
func (h readyHeap) Less(i, j int) bool { return h[i].Sequence < h[j].Sequence }
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
