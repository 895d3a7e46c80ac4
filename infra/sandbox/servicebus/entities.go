package servicebus

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Kinds of entities.
const (
	KindQueue        = "queue"
	KindTopic        = "topic"
	KindSubscription = "subscription"
)

// EntityInfo describes a queue, topic or subscription and counts its messages.
type EntityInfo struct {
	Name         string `json:"name"` // "queue", "topic" or "topic/subscriptions/name", spelt as it was created
	Kind         string `json:"kind"`
	Active       int    `json:"active"` // ready or locked
	Scheduled    int    `json:"scheduled"`
	Deferred     int    `json:"deferred"`
	DeadLettered int    `json:"deadLettered"`
	// Properties are the settings in effect, defaults included. A topic has only those of them that topics have.
	Properties QueueProperties `json:"properties"`
}

// entity is a named thing in the namespace.
type entity struct {
	name  string
	kind  string
	queue *Queue // a queue or subscription: its messages; a topic: its scheduled messages
	topic *topic
}

// PutQueue creates a queue, or changes the settings of the one there is; its messages stay. As in Azure, whether a
// queue has sessions or duplicate detection is fixed when it is created.
func (b *Broker) PutQueue(name string, p QueueProperties) error {
	s, err := p.settings()
	if err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	return b.Do(func(time.Time) error { return b.put(name, KindQueue, s) })
}

// PutTopic creates a topic with its subscriptions, or makes the one there is like p: subscriptions that p does not
// name are deleted.
func (b *Broker) PutTopic(name string, p TopicProperties) error {
	s, err := p.settings()
	if err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	subscriptions := make(map[string]settings, len(p.Subscriptions))
	for _, sub := range p.Subscriptions {
		path := name + "/subscriptions/" + sub.Name
		if subscriptions[path], err = sub.settings(); err != nil {
			return fmt.Errorf("subscription %s: %w", path, err)
		}
		if !isValidName(sub.Name) || strings.Contains(sub.Name, "/") {
			return fmt.Errorf("subscription %s: %q is not a valid name", path, sub.Name)
		}
	}
	return b.Do(func(time.Time) error {
		if err := b.put(name, KindTopic, s); err != nil {
			return err
		}
		return b.putSubscriptions(b.entities[strings.ToLower(name)].topic, subscriptions)
	})
}

func (b *Broker) put(name, kind string, s settings) error {
	key := strings.ToLower(name)
	old, exists := b.entities[key]
	switch {
	case !isValidName(name):
		return &Error{ConditionNotAllowed, fmt.Sprintf("%q is not a valid entity name.", name)}
	case exists && old.kind != kind:
		return &Error{ConditionNotAllowed, fmt.Sprintf("%s is a %s already.", name, old.kind)}
	case exists && (old.queue.RequiresSession != s.RequiresSession ||
		(old.queue.duplicateWindow > 0) != (s.duplicateWindow > 0)):
		return &Error{ConditionNotAllowed, name + ": requiresSession and requiresDuplicateDetection " +
			"cannot be changed."}
	case exists:
		old.queue.settings = s
		return nil
	}
	e := &entity{name: name, kind: kind, queue: newQueue(b, name, s)}
	if kind == KindTopic {
		e.topic = &topic{name: name, subscriptions: map[string]*Queue{}}
		e.queue.topic = e.topic
	}
	b.entities[key] = e
	return nil
}

func (b *Broker) putSubscriptions(t *topic, wanted map[string]settings) error {
	keep := map[string]bool{}
	for path, s := range wanted {
		key := strings.ToLower(path)
		keep[key] = true
		if err := b.putSubscription(t, path, s); err != nil {
			return err
		}
	}
	for key := range t.subscriptions {
		if !keep[key] {
			b.remove(key)
		}
	}
	return nil
}

func (b *Broker) putSubscription(t *topic, path string, s settings) error {
	if err := b.put(path, KindSubscription, s); err != nil {
		return err
	}
	key := strings.ToLower(path)
	t.subscriptions[key] = b.entities[key].queue
	return nil
}

// DeleteEntity removes a queue, a topic with its subscriptions, or a subscription ("topic/subscriptions/name"), and
// all messages. Links to it are detached with amqp:not-found. An absent entity is an *Error with ConditionNotFound.
func (b *Broker) DeleteEntity(name string) error {
	return b.Do(func(time.Time) error {
		key := strings.ToLower(name)
		e, ok := b.entities[key]
		if !ok {
			return notFound(name)
		}
		if e.topic != nil {
			for sub := range maps.Clone(e.topic.subscriptions) {
				b.remove(sub)
			}
		}
		b.remove(key)
		return nil
	})
}

// remove deletes one entity that exists.
func (b *Broker) remove(key string) {
	e := b.entities[key]
	delete(b.entities, key)
	e.queue.close(notFound(e.name))
	if topicKey, _, isSub := strings.Cut(key, "/subscriptions/"); isSub {
		if parent, ok := b.entities[topicKey]; ok && parent.topic != nil {
			delete(parent.topic.subscriptions, key)
		}
	}
}

// Entities lists all entities, by name.
func (b *Broker) Entities() []EntityInfo {
	var out []EntityInfo
	// The only error is "closed", and a closed broker has no entities.
	_ = b.Do(func(time.Time) error {
		for _, key := range slices.Sorted(maps.Keys(b.entities)) {
			e := b.entities[key]
			info := e.queue.count()
			info.Name, info.Kind, info.Properties = e.name, e.kind, e.queue.properties()
			if e.kind == KindTopic {
				info.Properties.LockDuration, info.Properties.MaxDeliveryCount = "", 0
			}
			out = append(out, info)
		}
		return nil
	})
	return out
}

// Reset empties the namespace: messages, sessions and their state, duplicate-detection history and published events.
// The entities stay, and so do links to them; locks and session locks are lost.
func (b *Broker) Reset() {
	_ = b.Do(func(time.Time) error {
		for _, e := range b.entities {
			e.queue.purge()
			if e.topic != nil {
				e.topic.published = nil
			}
		}
		return nil
	})
}

// Purge empties one queue, subscription or dead-letter queue, as Reset does for all.
func (b *Broker) Purge(entity string) error {
	return b.Do(func(time.Time) error {
		q, err := b.Source(entity)
		if err != nil {
			return err
		}
		q.purge()
		return nil
	})
}
