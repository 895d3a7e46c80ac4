package amqp

import (
	"fmt"
	"time"
)

// Section descriptors of part 3, section 3.2.
const (
	sectionHeader                = 0x70
	sectionDeliveryAnnotations   = 0x71
	sectionMessageAnnotations    = 0x72
	sectionProperties            = 0x73
	sectionApplicationProperties = 0x74
	sectionData                  = 0x75
	sectionSequence              = 0x76
	sectionValue                 = 0x77
	sectionFooter                = 0x78
)

// Header is the transport header of a message.
type Header struct {
	Durable       bool
	Priority      *uint8  // nil: the default, 4
	TTL           *uint32 // milliseconds; nil: does not expire
	FirstAcquirer bool
	DeliveryCount uint32 // deliveries that failed before
}

// Properties are the immutable properties of a message. Nil means not set.
type Properties struct {
	MessageID          any // uint64, UUID, []byte or string
	UserID             []byte
	To                 *string
	Subject            *string
	ReplyTo            *string
	CorrelationID      any
	ContentType        *string
	ContentEncoding    *string
	AbsoluteExpiryTime *Timestamp
	CreationTime       *Timestamp
	GroupID            *string
	GroupSequence      *uint32
	ReplyToGroupID     *string
}

// Message is an AMQP message, its body kept as the encoded sections that came.
type Message struct {
	Header                *Header
	DeliveryAnnotations   Map
	Annotations           Map
	Properties            *Properties
	ApplicationProperties Map
	Body                  []byte // encoded data, amqp-sequence or amqp-value sections
	Footer                Map
}

// DecodeMessage decodes the sections of a message. The result aliases buf.
func DecodeMessage(buf []byte) (*Message, error) {
	m := &Message{}
	d := NewDecoder(buf)
	for len(d.Remaining()) > 0 {
		rest := d.Remaining()
		v, err := d.Value()
		if err != nil {
			return nil, err
		}
		section, ok := v.(Described)
		code, known := section.Descriptor.(uint64)
		if !ok || !known {
			return nil, malformed("a message section is not a described type with a numeric descriptor")
		}
		encoded := rest[:len(rest)-len(d.Remaining())]
		if err := m.section(code, section.Value, encoded); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Message) section(code uint64, value any, encoded []byte) error {
	switch code {
	case sectionData:
		if _, ok := value.([]byte); !ok {
			return malformed("data section holds a %T", value)
		}
		m.Body = append(m.Body[:len(m.Body):len(m.Body)], encoded...)
		return nil
	case sectionSequence:
		if _, ok := value.(List); !ok {
			return malformed("sequence section holds a %T", value)
		}
		m.Body = append(m.Body[:len(m.Body):len(m.Body)], encoded...)
		return nil
	case sectionValue:
		m.Body = append(m.Body[:len(m.Body):len(m.Body)], encoded...)
		return nil
	case sectionHeader, sectionProperties:
		f, err := asFields(value)
		if err != nil {
			return err
		}
		if code == sectionHeader {
			m.Header = f.header()
		} else {
			m.Properties = f.properties()
		}
		return f.err
	}
	section, ok := value.(Map)
	if !ok {
		return malformed("section 0x%02x holds a %T", code, value)
	}
	switch code {
	case sectionDeliveryAnnotations:
		m.DeliveryAnnotations = section
	case sectionMessageAnnotations:
		m.Annotations = section
	case sectionApplicationProperties:
		m.ApplicationProperties = section
	case sectionFooter:
		m.Footer = section
	default:
		return malformed("unknown message section 0x%02x", code)
	}
	return nil
}

// AppendMessage appends the encoding of m to dst. Empty sections are left out.
func AppendMessage(dst []byte, m *Message) ([]byte, error) {
	var before, after List // the sections around the body
	if m.Header != nil {
		before = append(before, composite(sectionHeader, m.Header.list()))
	}
	before = appendSection(before, sectionDeliveryAnnotations, m.DeliveryAnnotations)
	before = appendSection(before, sectionMessageAnnotations, m.Annotations)
	if m.Properties != nil {
		before = append(before, composite(sectionProperties, m.Properties.list()))
	}
	before = appendSection(before, sectionApplicationProperties, m.ApplicationProperties)
	after = appendSection(after, sectionFooter, m.Footer)

	var err error
	for _, section := range before {
		if dst, err = AppendValue(dst, section); err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
	}
	dst = append(dst, m.Body...)
	for _, section := range after {
		if dst, err = AppendValue(dst, section); err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
	}
	return dst, nil
}

func appendSection(sections List, code uint64, m Map) List {
	if len(m) == 0 {
		return sections
	}
	return append(sections, Described{code, m})
}

// AppendData appends a data section to dst.
func AppendData(dst, data []byte) []byte {
	return appendSized(append(dst, codeDescribed, codeSmallUlong, sectionData), codeBinary8, data)
}

// ValueBody returns the encoded body of a message that holds one AMQP value.
func ValueBody(v any) ([]byte, error) {
	return AppendValue(nil, Described{uint64(sectionValue), v})
}

// DataSections returns the contents of the data sections of the body.
func (m *Message) DataSections() [][]byte {
	var out [][]byte
	d := NewDecoder(m.Body)
	for len(d.Remaining()) > 0 {
		v, err := d.Value()
		if err != nil {
			return out
		}
		if section, ok := v.(Described); ok && section.Descriptor == uint64(sectionData) {
			if b, ok := section.Value.([]byte); ok {
				out = append(out, b)
			}
		}
	}
	return out
}

// Value returns the value of the amqp-value section, nil if the body is of another kind.
func (m *Message) Value() any {
	v, err := NewDecoder(m.Body).Value()
	if err != nil {
		return nil
	}
	if section, ok := v.(Described); ok && section.Descriptor == uint64(sectionValue) {
		return section.Value
	}
	return nil
}

// Lifetime returns how long the message lives from the moment it is enqueued: the header's TTL or, where the 49 days
// of that field are too short, the distance from creation to absolute expiry. ok is false if it lives forever.
func (m *Message) Lifetime() (ttl time.Duration, ok bool) {
	if p := m.Properties; p != nil && p.AbsoluteExpiryTime != nil && p.CreationTime != nil {
		if ms := int64(*p.AbsoluteExpiryTime) - int64(*p.CreationTime); ms > 0 && ms < maxMilliseconds {
			return time.Duration(ms) * time.Millisecond, true
		}
	}
	if m.Header != nil && m.Header.TTL != nil {
		return time.Duration(*m.Header.TTL) * time.Millisecond, true
	}
	return 0, false
}

// maxMilliseconds is the longest lifetime that fits a time.Duration.
const maxMilliseconds = int64(1<<63-1) / int64(time.Millisecond)

func (h *Header) list() List {
	return List{h.Durable, deref(h.Priority), deref(h.TTL), h.FirstAcquirer, h.DeliveryCount}
}

func (f *fields) header() *Header {
	return &Header{
		Durable: optional[bool](f, 0), Priority: pointer[uint8](f, 1), TTL: pointer[uint32](f, 2),
		FirstAcquirer: optional[bool](f, 3), DeliveryCount: optional[uint32](f, 4),
	}
}

func (p *Properties) list() List {
	l := List{p.MessageID, nil, deref(p.To), deref(p.Subject), deref(p.ReplyTo), p.CorrelationID,
		symbolOrNil(p.ContentType), symbolOrNil(p.ContentEncoding), deref(p.AbsoluteExpiryTime), deref(p.CreationTime),
		deref(p.GroupID), deref(p.GroupSequence), deref(p.ReplyToGroupID)}
	if p.UserID != nil {
		l[1] = p.UserID
	}
	return l
}

func (f *fields) properties() *Properties {
	return &Properties{
		MessageID: f.identifier(0), UserID: optional[[]byte](f, 1), To: f.address(2), Subject: pointer[string](f, 3),
		ReplyTo: f.address(4), CorrelationID: f.identifier(5), ContentType: f.text(6), ContentEncoding: f.text(7),
		AbsoluteExpiryTime: pointer[Timestamp](f, 8), CreationTime: pointer[Timestamp](f, 9),
		GroupID:       pointer[string](f, 10),
		GroupSequence: pointer[uint32](f, 11), ReplyToGroupID: pointer[string](f, 12),
	}
}
