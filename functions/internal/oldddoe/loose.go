package ddoe

import (
	"encoding/json"
	"time"
)

// maxDate bounds what is believed to be a date, in milliseconds since 1970.
const maxDate = 1e15

// Date is a time of the platform's, which shows them as a number of milliseconds since 1970 or as text (RFC 3339). It is
// zero where the answer says nothing that can be read.
type Date struct{ time.Time }

// UnmarshalJSON reads both forms; what it cannot read is zero, and no error.
func (d *Date) UnmarshalJSON(body []byte) error {
	*d = Date{}
	var milliseconds float64
	var text string
	switch {
	case string(body) == "null":
	case json.Unmarshal(body, &milliseconds) == nil:
		if milliseconds > 0 && milliseconds < maxDate {
			d.Time = time.UnixMilli(int64(milliseconds)).UTC()
		}
	case json.Unmarshal(body, &text) == nil:
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			d.Time = at.UTC()
		}
	}
	return nil
}

// reference is another object as the platform shows it: its id, or the object itself. It is empty where neither can be
// read.
type reference string

// UnmarshalJSON reads both forms; what it cannot read is empty, and no error.
func (r *reference) UnmarshalJSON(body []byte) error {
	*r = ""
	var object struct {
		ID string `json:"id"`
	}
	var id string
	switch {
	case json.Unmarshal(body, &id) == nil:
		*r = reference(id)
	case json.Unmarshal(body, &object) == nil:
		*r = reference(object.ID)
	}
	return nil
}

// loose is a member that the platform need not say, or not in the form that is known: what cannot be read has not been said.
type loose[T any] struct{ said *T }

// UnmarshalJSON reads the member; what it cannot read is nil, and no error.
func (l *loose[T]) UnmarshalJSON(body []byte) error {
	l.said = nil
	var v *T // null says nothing either
	if json.Unmarshal(body, &v) == nil {
		l.said = v
	}
	return nil
}

// or is the value that was said, or else another.
func (l loose[T]) or(other T) T {
	if l.said == nil {
		return other
	}
	return *l.said
}

// list is a list of which the entries that cannot be read are left out: one that nobody asked for must not spoil the others.
type list[T any] []T

// UnmarshalJSON reads a list; its error says that it is none.
func (l *list[T]) UnmarshalJSON(body []byte) error {
	*l = nil
	var entries []json.RawMessage
	if err := json.Unmarshal(body, &entries); err != nil {
		return err
	}
	for _, raw := range entries {
		var entry *T
		if json.Unmarshal(raw, &entry) == nil && entry != nil {
			*l = append(*l, *entry)
		}
	}
	return nil
}
