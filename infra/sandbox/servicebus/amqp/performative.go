package amqp

// Descriptors of the performatives (part 2, section 2.7).
const (
	codeOpen        = 0x10
	codeBegin       = 0x11
	codeAttach      = 0x12
	codeFlow        = 0x13
	codeTransfer    = 0x14
	codeDisposition = 0x15
	codeDetach      = 0x16
	codeEnd         = 0x17
	codeClose       = 0x18
)

// Performative is the body of an AMQP or SASL frame: a pointer to one of the structs of this package.
type Performative interface {
	composite() (code uint64, fields List)
}

// Role is the role of a link endpoint, as attach and disposition carry it.
type Role bool

// The roles.
const (
	RoleSender   Role = false
	RoleReceiver Role = true
)

// Settle modes of attach.
const (
	SenderUnsettled uint8 = 0
	SenderSettled   uint8 = 1
	SenderMixed     uint8 = 2

	ReceiverFirst  uint8 = 0
	ReceiverSecond uint8 = 1
)

// Open negotiates connection parameters.
type Open struct {
	ContainerID  string
	Hostname     string
	MaxFrameSize uint32 // bytes; 0: not given, no limit
	ChannelMax   uint16 // 0: not given, 65535
	IdleTimeout  uint32 // milliseconds; 0: none
	Properties   Map
}

// Begin starts a session on a channel.
type Begin struct {
	RemoteChannel  *uint16
	NextOutgoingID uint32
	IncomingWindow uint32
	OutgoingWindow uint32
	HandleMax      *uint32
}

// Attach attaches a link to a session.
type Attach struct {
	Name                 string
	Handle               uint32
	Role                 Role
	SenderSettleMode     *uint8
	ReceiverSettleMode   *uint8
	Source               *Terminus
	Target               *Terminus
	InitialDeliveryCount *uint32
	MaxMessageSize       *uint64
	OfferedCapabilities  []Symbol
	DesiredCapabilities  []Symbol
	Properties           Map
}

// Flow updates the flow state of a session and, with Handle, of a link.
type Flow struct {
	NextIncomingID *uint32
	IncomingWindow uint32
	NextOutgoingID uint32
	OutgoingWindow uint32
	Handle         *uint32
	DeliveryCount  *uint32
	LinkCredit     *uint32
	Available      *uint32
	Drain          bool
	Echo           bool
}

// Transfer carries a message, or a part of one.
type Transfer struct {
	Handle        uint32
	DeliveryID    *uint32
	DeliveryTag   []byte
	MessageFormat *uint32
	Settled       bool
	More          bool
	Aborted       bool
	Payload       []byte // what follows the performative in the frame
}

// Disposition tells the peer of changes in the state of deliveries.
type Disposition struct {
	Role    Role
	First   uint32
	Last    *uint32
	Settled bool
	State   *State
}

// Detach ends a link.
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

// End ends a session.
type End struct{ Error *Error }

// Close ends the connection.
type Close struct{ Error *Error }

func (p *Open) composite() (uint64, List) {
	l := List{p.ContainerID, nil, nil, nil, nil, nil, nil, nil, nil, mapOrNil(p.Properties)}
	if p.Hostname != "" {
		l[1] = p.Hostname
	}
	if p.MaxFrameSize != 0 {
		l[2] = p.MaxFrameSize
	}
	if p.ChannelMax != 0 {
		l[3] = p.ChannelMax
	}
	if p.IdleTimeout != 0 {
		l[4] = p.IdleTimeout
	}
	return codeOpen, l
}

func (p *Begin) composite() (uint64, List) {
	return codeBegin, List{deref(p.RemoteChannel), p.NextOutgoingID, p.IncomingWindow, p.OutgoingWindow,
		deref(p.HandleMax)}
}

func (p *Attach) composite() (uint64, List) {
	return codeAttach, List{p.Name, p.Handle, bool(p.Role), deref(p.SenderSettleMode), deref(p.ReceiverSettleMode),
		p.Source.value(),
		p.Target.value(), nil, nil, deref(p.InitialDeliveryCount), deref(p.MaxMessageSize),
		symbolsOrNil(p.OfferedCapabilities),
		symbolsOrNil(p.DesiredCapabilities), mapOrNil(p.Properties)}
}

func (p *Flow) composite() (uint64, List) {
	return codeFlow, List{deref(p.NextIncomingID), p.IncomingWindow, p.NextOutgoingID, p.OutgoingWindow,
		deref(p.Handle),
		deref(p.DeliveryCount), deref(p.LinkCredit), deref(p.Available), trueOrNil(p.Drain), trueOrNil(p.Echo)}
}

func (p *Transfer) composite() (uint64, List) {
	l := List{p.Handle, deref(p.DeliveryID), nil, deref(p.MessageFormat), trueOrNil(p.Settled), trueOrNil(p.More),
		nil, nil, nil,
		trueOrNil(p.Aborted)}
	if p.DeliveryTag != nil {
		l[2] = p.DeliveryTag
	}
	return codeTransfer, l
}

func (p *Disposition) composite() (uint64, List) {
	return codeDisposition, List{bool(p.Role), p.First, deref(p.Last), trueOrNil(p.Settled), p.State.value()}
}

func (p *Detach) composite() (uint64, List) {
	return codeDetach, List{p.Handle, trueOrNil(p.Closed), p.Error.value()}
}

func (p *End) composite() (uint64, List) { return codeEnd, List{p.Error.value()} }

func (p *Close) composite() (uint64, List) { return codeClose, List{p.Error.value()} }

func trueOrNil(b bool) any {
	if b {
		return true
	}
	return nil
}

func symbolsOrNil(s []Symbol) any {
	if len(s) == 0 {
		return nil
	}
	return s
}

// DecodePerformative decodes the body of a frame. A transfer's payload aliases body.
func DecodePerformative(body []byte) (Performative, error) {
	d := NewDecoder(body)
	v, err := d.Value()
	if err != nil {
		return nil, err
	}
	described, ok := v.(Described)
	code, numeric := described.Descriptor.(uint64)
	if !ok || !numeric {
		return nil, malformed("frame body is not a described list")
	}
	f, err := asFields(described.Value)
	if err != nil {
		return nil, err
	}
	p := f.performative(code)
	switch {
	case p == nil:
		return nil, malformed("unknown performative 0x%02x", code)
	case f.err != nil:
		return nil, f.err
	}
	if t, ok := p.(*Transfer); ok {
		t.Payload = d.Remaining()
		return t, nil
	}
	if len(d.Remaining()) > 0 {
		return nil, malformed("%d bytes after performative 0x%02x", len(d.Remaining()), code)
	}
	return p, nil
}

// performative reads the fields of the composite type code, nil for an unknown one.
func (f *fields) performative(code uint64) Performative {
	switch code {
	case codeOpen:
		return &Open{ContainerID: required[string](f, 0), Hostname: optional[string](f, 1),
			MaxFrameSize: optional[uint32](f, 2),
			ChannelMax:   optional[uint16](f, 3), IdleTimeout: optional[uint32](f, 4), Properties: optional[Map](f, 9)}
	case codeBegin:
		return &Begin{RemoteChannel: pointer[uint16](f, 0), NextOutgoingID: required[uint32](f, 1),
			IncomingWindow: required[uint32](f, 2),
			OutgoingWindow: required[uint32](f, 3), HandleMax: pointer[uint32](f, 4)}
	case codeAttach:
		return &Attach{Name: required[string](f, 0), Handle: required[uint32](f, 1), Role: Role(required[bool](f, 2)),
			SenderSettleMode: pointer[uint8](f, 3), ReceiverSettleMode: pointer[uint8](f, 4), Source: f.terminus(5),
			Target:               f.terminus(6),
			InitialDeliveryCount: pointer[uint32](f, 9), MaxMessageSize: pointer[uint64](f, 10),
			OfferedCapabilities: f.symbols(11),
			DesiredCapabilities: f.symbols(12), Properties: optional[Map](f, 13)}
	case codeFlow:
		return &Flow{NextIncomingID: pointer[uint32](f, 0), IncomingWindow: required[uint32](f, 1),
			NextOutgoingID: required[uint32](f, 2),
			OutgoingWindow: required[uint32](f, 3), Handle: pointer[uint32](f, 4),
			DeliveryCount: pointer[uint32](f, 5),
			LinkCredit:    pointer[uint32](f, 6), Available: pointer[uint32](f, 7), Drain: optional[bool](f, 8),
			Echo: optional[bool](f, 9)}
	case codeTransfer:
		return &Transfer{Handle: required[uint32](f, 0), DeliveryID: pointer[uint32](f, 1),
			DeliveryTag:   optional[[]byte](f, 2),
			MessageFormat: pointer[uint32](f, 3), Settled: optional[bool](f, 4), More: optional[bool](f, 5),
			Aborted: optional[bool](f, 9)}
	case codeDisposition:
		return &Disposition{Role: Role(required[bool](f, 0)), First: required[uint32](f, 1),
			Last:    pointer[uint32](f, 2),
			Settled: optional[bool](f, 3), State: f.state(4)}
	case codeDetach:
		return &Detach{Handle: required[uint32](f, 0), Closed: optional[bool](f, 1), Error: f.error(2)}
	case codeEnd:
		return &End{Error: f.error(0)}
	case codeClose:
		return &Close{Error: f.error(0)}
	}
	return f.sasl(code)
}
