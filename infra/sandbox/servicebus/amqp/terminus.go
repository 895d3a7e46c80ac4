package amqp

import "slices"

// Descriptors of errors, delivery states and termini.
const (
	codeError    = 0x1d
	codeReceived = 0x23
	codeAccepted = 0x24
	codeRejected = 0x25
	codeReleased = 0x26
	codeModified = 0x27
	codeSource   = 0x28
	codeTarget   = 0x29
)

const filterField = 7 // of a source

// Error is an AMQP error: a condition, words for people, and details.
type Error struct {
	Condition   Symbol
	Description string
	Info        Map
}

func (e *Error) value() any {
	if e == nil {
		return nil
	}
	l := List{e.Condition, nil, mapOrNil(e.Info)}
	if e.Description != "" {
		l[1] = e.Description
	}
	return Described{uint64(codeError), l}
}

// described reads field i as a described list; ok is false if it is absent or wrong.
func (f *fields) described(i int) (code uint64, inner *fields, ok bool) {
	raw := f.at(i)
	if raw == nil {
		return 0, nil, false
	}
	d, isDescribed := raw.(Described)
	code, numeric := d.Descriptor.(uint64)
	if !isDescribed || !numeric {
		f.fail(i, raw)
		return 0, nil, false
	}
	inner, err := asFields(d.Value)
	if err != nil {
		f.fail(i, raw)
		return 0, nil, false
	}
	return code, inner, true
}

func (f *fields) error(i int) *Error {
	code, inner, ok := f.described(i)
	if !ok {
		return nil
	}
	condition := inner.text(0) // some clients send a string
	e := &Error{Description: optional[string](inner, 1), Info: optional[Map](inner, 2)}
	if code != codeError || condition == nil || inner.err != nil {
		f.fail(i, f.at(i))
		return nil
	}
	e.Condition = Symbol(*condition)
	return e
}

// Outcome is what became of a delivery.
type Outcome uint64

// The outcomes, and the non-terminal state received.
const (
	Received Outcome = codeReceived
	Accepted Outcome = codeAccepted
	Rejected Outcome = codeRejected
	Released Outcome = codeReleased
	Modified Outcome = codeModified
)

// State is a delivery state. Outcomes that this package does not name (those of transactions) keep their code.
type State struct {
	Outcome           Outcome
	Error             *Error // Rejected
	DeliveryFailed    bool   // Modified
	UndeliverableHere bool   // Modified
	Annotations       Map    // Modified
}

func (s *State) value() any {
	if s == nil {
		return nil
	}
	l := List{}
	switch s.Outcome {
	case Rejected:
		if s.Error != nil {
			l = List{s.Error.value()}
		}
	case Modified:
		l = List{s.DeliveryFailed, s.UndeliverableHere, mapOrNil(s.Annotations)}
	case Received:
		l = List{uint32(0), uint64(0)}
	}
	return Described{uint64(s.Outcome), l}
}

func (f *fields) state(i int) *State {
	code, inner, ok := f.described(i)
	if !ok {
		return nil
	}
	s := &State{Outcome: Outcome(code)}
	switch s.Outcome {
	case Rejected:
		s.Error = inner.error(0)
	case Modified:
		s.DeliveryFailed, s.UndeliverableHere = optional[bool](inner, 0), optional[bool](inner, 1)
		s.Annotations = optional[Map](inner, 2)
	}
	if inner.err != nil {
		f.fail(i, f.at(i))
		return nil
	}
	return s
}

// Terminus is a source or target of a link. It keeps all fields, so that it can be echoed.
type Terminus struct {
	Descriptor uint64
	Fields     List
}

// NewSource returns a source with an address and, unless nil, filters.
func NewSource(address string, filter Map) *Terminus {
	t := &Terminus{Descriptor: codeSource, Fields: List{address}}
	if filter != nil {
		return t.WithFilter(filter)
	}
	return t
}

// NewTarget returns a target with an address.
func NewTarget(address string) *Terminus {
	return &Terminus{Descriptor: codeTarget, Fields: List{address}}
}

func (t *Terminus) value() any {
	if t == nil {
		return nil
	}
	return Described{t.Descriptor, t.Fields}
}

func (f *fields) terminus(i int) *Terminus {
	code, inner, ok := f.described(i)
	if !ok {
		return nil
	}
	return &Terminus{Descriptor: code, Fields: inner.list}
}

// Address returns the address, "" if there is none or it is not a string.
func (t *Terminus) Address() string {
	if t == nil || len(t.Fields) == 0 {
		return ""
	}
	address, _ := t.Fields[0].(string)
	return address
}

// IsCoordinator reports whether this is the target of a transactional link.
func (t *Terminus) IsCoordinator() bool {
	return t != nil && t.Descriptor != codeTarget && t.Descriptor != codeSource
}

// Filter returns the filters of a source.
func (t *Terminus) Filter() Map {
	if t == nil || t.Descriptor != codeSource || len(t.Fields) <= filterField {
		return nil
	}
	filter, _ := t.Fields[filterField].(Map)
	return filter
}

// WithFilter returns a copy of a source with other filters.
func (t *Terminus) WithFilter(filter Map) *Terminus {
	fields := slices.Clone(t.Fields)
	for len(fields) <= filterField {
		fields = append(fields, nil)
	}
	fields[filterField] = filter
	return &Terminus{Descriptor: t.Descriptor, Fields: fields}
}
