package operationtest

import (
	"context"
	"slices"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
)

// Bus keeps the messages that a process sends. Its entities detect duplicates, as those of the deployment do. It is
// safe for concurrent use.
type Bus struct {
	process *Process

	mu       sync.Mutex
	sent     []Sent
	taken    map[string]bool // "entity id" of every message
	dropped  int
	refusals map[string]error
}

// Sent is a message, and the queue or topic that took it.
type Sent struct {
	Entity string
	bus.Message
}

// NewBus returns the bus of a process.
func NewBus(process *Process) *Bus {
	return &Bus{process: process, taken: map[string]bool{}, refusals: map[string]error{}}
}

// Send is the engine's way to the bus.
func (b *Bus) Send(_ context.Context, entity string, m bus.Message) error {
	_, err := Effect(b.process, func() (struct{}, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if err := b.refusals[entity]; err != nil {
			return struct{}{}, err
		}
		key := entity + " " + m.ID
		if b.taken[key] {
			b.dropped++
			return struct{}{}, nil
		}
		b.taken[key] = true
		b.sent = append(b.sent, Sent{entity, m})
		return struct{}{}, nil
	})
	return err
}

// Refuse makes an entity answer every message with an error, from now on; nil ends it.
func (b *Bus) Refuse(entity string, with error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals[entity] = with
}

// Sent are all messages that were taken, in their order.
func (b *Bus) Sent() []Sent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// Messages are those that an entity took, in their order.
func (b *Bus) Messages(entity string) []bus.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	var on []bus.Message
	for _, s := range b.sent {
		if s.Entity == entity {
			on = append(on, s.Message)
		}
	}
	return on
}

// Duplicates is how many messages were sent that an entity already had.
func (b *Bus) Duplicates() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}
