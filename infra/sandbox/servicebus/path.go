package servicebus

import (
	"strings"
)

const (
	deadLetterSuffix = "/$deadletterqueue"
	managementSuffix = "/$management"
	cbsNode          = "$cbs"
)

// cleanPath brings an address to the form of the broker's keys: lower case, without scheme and host.
func cleanPath(address string) string {
	p := strings.ToLower(address)
	if _, rest, ok := strings.Cut(p, "://"); ok {
		_, p, _ = strings.Cut(rest, "/")
	}
	return strings.Trim(p, "/")
}

// baseEntity strips the parts of a path that have no rights of their own.
func baseEntity(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, managementSuffix), deadLetterSuffix)
}

// source finds what messages are received from: a queue, a subscription, or the dead-letter queue of one.
func (b *Broker) source(address string) (*queue, error) {
	path := cleanPath(address)
	base, isDead := strings.CutSuffix(path, deadLetterSuffix)
	e, ok := b.entities[base]
	switch {
	case !ok:
		return nil, notFound(address)
	case e.kind == KindTopic:
		return nil, &Error{ConditionNotAllowed, "Cannot receive from the topic '" + e.name +
			"'; receive from one of its subscriptions."}
	case isDead:
		return e.queue.dead, nil
	}
	return e.queue, nil
}

// target finds what messages are sent to: a queue or a topic.
func (b *Broker) target(address string) (*queue, error) {
	path := cleanPath(address)
	e, ok := b.entities[path]
	if !ok && strings.HasSuffix(path, deadLetterSuffix) {
		return nil, &Error{ConditionNotAllowed, "Cannot send to a dead-letter queue."}
	}
	if !ok {
		return nil, notFound(address)
	}
	if e.kind == KindSubscription {
		return nil, &Error{ConditionNotAllowed, "Cannot send to a subscription."}
	}
	return e.queue, nil
}
