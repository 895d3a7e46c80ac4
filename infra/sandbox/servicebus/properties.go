package servicebus

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// QueueProperties are a queue's settings, by the names and in the forms of Bicep's
// Microsoft.ServiceBus/namespaces/queues. Durations are ISO 8601; an empty or zero setting means the service's
// default.
type QueueProperties struct {
	RequiresSession                     bool   `json:"requiresSession,omitempty"`
	RequiresDuplicateDetection          bool   `json:"requiresDuplicateDetection,omitempty"`
	DuplicateDetectionHistoryTimeWindow string `json:"duplicateDetectionHistoryTimeWindow,omitempty"` // default PT10M
	// default PT1M, at most PT5M
	LockDuration                     string `json:"lockDuration,omitempty"`
	DefaultMessageTimeToLive         string `json:"defaultMessageTimeToLive,omitempty"` // default: for ever
	MaxDeliveryCount                 int    `json:"maxDeliveryCount,omitempty"`         // default 10
	DeadLetteringOnMessageExpiration bool   `json:"deadLetteringOnMessageExpiration,omitempty"`
}

// SubscriptionProperties are the settings of one subscription: those of a queue, without duplicate detection.
type SubscriptionProperties struct {
	Name                             string `json:"name"`
	RequiresSession                  bool   `json:"requiresSession,omitempty"`
	LockDuration                     string `json:"lockDuration,omitempty"`
	DefaultMessageTimeToLive         string `json:"defaultMessageTimeToLive,omitempty"`
	MaxDeliveryCount                 int    `json:"maxDeliveryCount,omitempty"`
	DeadLetteringOnMessageExpiration bool   `json:"deadLetteringOnMessageExpiration,omitempty"`
}

// TopicProperties are a topic's settings and its subscriptions. Every subscription gets every message (Service Bus's
// default rule, the TrueFilter).
type TopicProperties struct {
	RequiresDuplicateDetection          bool                     `json:"requiresDuplicateDetection,omitempty"`
	DuplicateDetectionHistoryTimeWindow string                   `json:"duplicateDetectionHistoryTimeWindow,omitempty"`
	DefaultMessageTimeToLive            string                   `json:"defaultMessageTimeToLive,omitempty"`
	Subscriptions                       []SubscriptionProperties `json:"subscriptions,omitempty"`
}

// settings are the properties of an entity in computed form.
type settings struct {
	RequiresSession  bool
	duplicateWindow  time.Duration // 0: no duplicate detection
	lock             time.Duration
	timeToLive       time.Duration // 0: for ever
	maxDelivery      uint32
	deadLetterExpiry bool
}

const (
	defaultLock            = time.Minute
	longestLock            = 5 * time.Minute
	defaultDuplicateWindow = 10 * time.Minute
	defaultMaxDelivery     = 10
	largestMaxDelivery     = 2000
)

func (p QueueProperties) settings() (settings, error) {
	s := settings{RequiresSession: p.RequiresSession, deadLetterExpiry: p.DeadLetteringOnMessageExpiration}
	var err error
	if s.lock, err = durationOr(p.LockDuration, defaultLock); err != nil {
		return s, fmt.Errorf("lockDuration: %w", err)
	}
	if s.lock <= 0 || s.lock > longestLock {
		return s, fmt.Errorf("lockDuration: %s is not between 0 and %s", s.lock, longestLock)
	}
	if s.timeToLive, err = durationOr(p.DefaultMessageTimeToLive, 0); err != nil {
		return s, fmt.Errorf("defaultMessageTimeToLive: %w", err)
	}
	window, err := durationOr(p.DuplicateDetectionHistoryTimeWindow, defaultDuplicateWindow)
	if err != nil {
		return s, fmt.Errorf("duplicateDetectionHistoryTimeWindow: %w", err)
	}
	if p.RequiresDuplicateDetection {
		s.duplicateWindow = window
	}
	switch {
	case p.MaxDeliveryCount == 0:
		s.maxDelivery = defaultMaxDelivery
	case p.MaxDeliveryCount < 0 || p.MaxDeliveryCount > largestMaxDelivery:
		return s, fmt.Errorf("maxDeliveryCount: %d is not between 1 and %d", p.MaxDeliveryCount, largestMaxDelivery)
	default:
		s.maxDelivery = uint32(p.MaxDeliveryCount)
	}
	return s, nil
}

// properties are the settings as Azure shows them, whatever the form was in which they were given.
func (s settings) properties() QueueProperties {
	return QueueProperties{
		RequiresSession: s.RequiresSession, RequiresDuplicateDetection: s.duplicateWindow > 0,
		DuplicateDetectionHistoryTimeWindow: isoText(s.duplicateWindow), LockDuration: isoText(s.lock),
		DefaultMessageTimeToLive: isoText(s.timeToLive), MaxDeliveryCount: int(s.maxDelivery),
		DeadLetteringOnMessageExpiration: s.deadLetterExpiry,
	}
}

func (p TopicProperties) settings() (settings, error) {
	return QueueProperties{
		RequiresDuplicateDetection: p.RequiresDuplicateDetection, DefaultMessageTimeToLive: p.DefaultMessageTimeToLive,
		DuplicateDetectionHistoryTimeWindow: p.DuplicateDetectionHistoryTimeWindow,
	}.settings()
}

func (p SubscriptionProperties) settings() (settings, error) {
	return QueueProperties{
		RequiresSession: p.RequiresSession, LockDuration: p.LockDuration, MaxDeliveryCount: p.MaxDeliveryCount,
		DefaultMessageTimeToLive:         p.DefaultMessageTimeToLive,
		DeadLetteringOnMessageExpiration: p.DeadLetteringOnMessageExpiration,
	}.settings()
}

// isoDuration has the parts that Azure accepts; years and months have no fixed length.
func isoDuration() *regexp.Regexp {
	return regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)
}

// durationOr parses an ISO 8601 duration. An empty text is the fallback; what is too long for a time.Duration (Azure's
// own "for ever", P10675199DT2H48M5.4775807S) is 0.
func durationOr(text string, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	parts := isoDuration().FindStringSubmatch(text)
	if parts == nil || strings.HasSuffix(text, "P") || strings.HasSuffix(text, "T") {
		return 0, fmt.Errorf("%q is not an ISO 8601 duration", text)
	}
	const day = 24 * time.Hour
	total := 0.0
	for i, unit := range []time.Duration{7 * day, day, time.Hour, time.Minute, time.Second} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not an ISO 8601 duration: %w", text, err)
		}
		total += n * float64(unit)
	}
	if total >= float64(1<<63-1) {
		return 0, nil
	}
	return time.Duration(total), nil
}

// isoText is the ISO 8601 form of a duration; empty for 0.
func isoText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	const day = 24 * time.Hour
	part := func(unit time.Duration, letter string) string {
		n := d / unit
		d -= n * unit
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(int64(n), 10) + letter
	}
	text := "P" + part(day, "D")
	clock := part(time.Hour, "H") + part(time.Minute, "M")
	if d > 0 {
		clock += strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
	}
	if clock == "" {
		return text
	}
	return text + "T" + clock
}

func isValidName(name string) bool {
	return len(name) <= 260 && regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`).MatchString(name)
}

// check reports whether an entity with these settings accepts m.
func (s settings) check(m *amqp.Message) error {
	if s.RequiresSession && (m.Properties == nil || m.Properties.GroupID == nil) {
		return &Error{ConditionNotAllowed,
			"The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have " +
				"session support enabled can only receive messages that have the SessionId set to a valid value."}
	}
	return nil
}
