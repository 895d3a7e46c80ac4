package servicebus

import (
	"strings"
)

const (
	deadLetterSuffix = "/$deadletterqueue"
	ManagementSuffix = "/$management"
	CBSNode          = "$cbs"
)

// CleanPath brings an address to the form of the broker's keys: lower case, without scheme and host.
func CleanPath(address string) string {
	p := strings.ToLower(address)
	if _, rest, ok := strings.Cut(p, "://"); ok {
		_, p, _ = strings.Cut(rest, "/")
	}
	return strings.Trim(p, "/")
}

// BaseEntity strips the parts of a path that have no rights of their own.
func BaseEntity(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ManagementSuffix), deadLetterSuffix)
}

// Source finds what messages are received from: a queue, a subscription, or the dead-letter queue of one.
func (b *Broker) Source(address string) (*Queue, error) {
	path := CleanPath(address)
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

// Target finds what messages are sent to: a queue or a topic.
func (b *Broker) Target(address string) (*Queue, error) {
	path := CleanPath(address)
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
