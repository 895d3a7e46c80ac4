package servicebus

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// keptEvents is how many published messages a topic remembers for Events.
const keptEvents = 10_000

// topic copies what is published to its subscriptions.
type topic struct {
	name          string
	subscriptions map[string]*Queue // by key, "topic/subscriptions/name"
	published     []Record
}

// publish hands a copy of the message to every subscription. The topic's time to live bounds that of the copies;
// 0 is no bound.
func (t *topic) publish(now time.Time, r Record, topicLife time.Duration) {
	t.published = append(t.published, r)
	if len(t.published) > 2*keptEvents {
		t.published = slices.Clone(t.published[len(t.published)-keptEvents:])
	}
	for _, key := range slices.Sorted(maps.Keys(t.subscriptions)) {
		sub := t.subscriptions[key]
		if sub.check(r.Message) != nil {
			continue // a subscription with sessions drops what has no session id
		}
		env := &envelope{Record: r, index: -1}
		env.Sequence = 0
		sub.Messages.number(env)
		bound := sub.timeToLive
		if bound == 0 || (topicLife > 0 && topicLife < bound) {
			bound = topicLife
		}
		sub.limitLife(env, bound)
		sub.makeReady(now, env)
		sub.dispatch(now)
	}
}

// Events returns what was published on a topic, oldest first, whether or not a subscription was there: the last 10,000
// messages. Scheduled messages appear when they become active.
func (b *Broker) Events(topic string) []Message {
	var out []Message
	_ = b.Do(func(time.Time) error {
		e, ok := b.entities[strings.ToLower(topic)]
		if !ok || e.topic == nil {
			return nil
		}
		kept := e.topic.published
		for _, r := range kept[max(0, len(kept)-keptEvents):] {
			out = append(out, messageOf(r))
		}
		return nil
	})
	return out
}
