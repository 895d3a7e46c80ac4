package protocol

import (
	"fmt"
	"strconv"
	"time"
)

// Metadata is what the host tells about a trigger. A key that is absent gives the zero value; a key that is there but
// cannot be read is an error.
type Metadata map[string]Value

// arraySuffix marks the metadata of a batch: MessageIdArray holds what MessageId holds for one message.
const arraySuffix = "Array"

// at returns the metadata of message n of a batch, in the shape of a single message's.
func (m Metadata) at(n int) Metadata {
	one := make(Metadata, len(m))
	for key, value := range m {
		if len(key) <= len(arraySuffix) || key[len(key)-len(arraySuffix):] != arraySuffix {
			continue
		}
		if values, ok := value.elements(); ok && n < len(values) && string(values[n]) != "null" {
			one[key[:len(key)-len(arraySuffix)]] = values[n]
		}
	}
	return one
}

// String returns a text, encoded once or twice.
func (m Metadata) String(key string) (string, error) {
	v, ok := m[key]
	if !ok {
		return "", nil
	}
	s, err := v.text()
	if err != nil {
		return "", fmt.Errorf("metadata %s: %w", key, err)
	}
	return s, nil
}

// Int returns a whole number, bare or in a string.
func (m Metadata) Int(key string) (int, error) {
	s, err := m.String(key)
	if err != nil || s == "" {
		return 0, err
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("metadata %s: %w: %w", key, ErrEnvelope, err)
	}
	return n, nil
}

// Time returns a time in UTC. The host writes some without a zone (EnqueuedTimeUtc), which RFC 3339 does not allow;
// those are UTC.
func (m Metadata) Time(key string) (time.Time, error) {
	s, err := m.String(key)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("metadata %s: %w", key, err)
	}
	return t, nil
}

// Object returns the members of an object, or nil.
func (m Metadata) Object(key string) map[string]any {
	members, _ := m[key].object()
	return members
}

func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse("2006-01-02T15:04:05.999999999", s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	return t, nil
}
