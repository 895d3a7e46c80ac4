package servicebus

import (
	"container/heap"
	"time"
)

// alarm is something that the broker does at a time: a lock or message expires, a scheduled message becomes active.
type alarm struct {
	at    time.Time
	fire  func(now time.Time) // called with the broker's lock held
	index int                 // place in the heap, -1 outside of it
}

// alarms is a heap of alarms, earliest first.
type alarms []*alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

// Push implements heap.Interface.
func (a *alarms) Push(x any) {
	entry, ok := x.(*alarm)
	if !ok {
		return
	}
	entry.index = len(*a)
	*a = append(*a, entry)
}

// Pop implements heap.Interface.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	entry := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	entry.index = -1
	return entry
}

// setAlarm plans fire for the time at.
func (b *Broker) setAlarm(at time.Time, fire func(now time.Time)) *alarm {
	entry := &alarm{at: at, fire: fire}
	heap.Push(&b.alarms, entry)
	return entry
}

// moveAlarm gives a planned alarm another time.
func (b *Broker) moveAlarm(entry *alarm, at time.Time) {
	entry.at = at
	if entry.index >= 0 {
		heap.Fix(&b.alarms, entry.index)
	}
}

// clearAlarm cancels an alarm; nil and alarms that have rung are fine.
func (b *Broker) clearAlarm(entry *alarm) {
	if entry != nil && entry.index >= 0 {
		heap.Remove(&b.alarms, entry.index)
	}
}

// ring fires what is due.
func (b *Broker) ring(now time.Time) {
	for len(b.alarms) > 0 && !b.alarms[0].at.After(now) {
		entry, ok := heap.Pop(&b.alarms).(*alarm)
		if ok {
			entry.fire(now)
		}
	}
}

// arm makes the timer go off when the next alarm is due. Every operation rings first, so the timer only matters while
// the broker is idle.
func (b *Broker) arm(now time.Time) {
	if len(b.alarms) == 0 || b.closed {
		b.armedFor = time.Time{}
		b.timer.Stop()
		return
	}
	next := b.alarms[0].at
	if next.Equal(b.armedFor) {
		return
	}
	b.armedFor = next
	b.timer.Reset(max(next.Sub(now), 0))
}

// wake is the timer's function. Where the broker's clock is behind the timer's, arm tries again later.
func (b *Broker) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	now := b.now()
	b.armedFor = time.Time{}
	b.ring(now)
	if len(b.alarms) > 0 {
		b.armedFor = b.alarms[0].at
		b.timer.Reset(max(b.armedFor.Sub(now), time.Millisecond))
	}
}
