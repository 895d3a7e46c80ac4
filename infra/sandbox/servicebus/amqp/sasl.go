package amqp

// Descriptors of SASL frames (part 5, section 5.3).
const (
	codeMechanisms = 0x40
	codeInit       = 0x41
	codeOutcome    = 0x44
)

// SASL mechanisms.
const (
	MechanismAnonymous = Symbol("ANONYMOUS")
	MechanismPlain     = Symbol("PLAIN")
	MechanismExternal  = Symbol("EXTERNAL")
	MechanismMSSBCBS   = Symbol("MSSBCBS") // Microsoft's name for "authenticate on $cbs"
)

// SASL outcome codes.
const (
	SASLOK         uint8 = 0
	SASLAuthFailed uint8 = 1
)

// SASLMechanisms announces the mechanisms that the server supports.
type SASLMechanisms struct{ Mechanisms []Symbol }

// SASLInit is the client's choice and its first response.
type SASLInit struct {
	Mechanism       Symbol
	InitialResponse []byte
	Hostname        string
}

// SASLOutcome ends the exchange.
type SASLOutcome struct {
	Code           uint8
	AdditionalData []byte
}

func (p *SASLMechanisms) composite() (uint64, List) {
	return codeMechanisms, List{symbolsOrNil(p.Mechanisms)}
}

func (p *SASLInit) composite() (uint64, List) {
	l := List{p.Mechanism, nil, nil}
	if p.InitialResponse != nil {
		l[1] = p.InitialResponse
	}
	if p.Hostname != "" {
		l[2] = p.Hostname
	}
	return codeInit, l
}

func (p *SASLOutcome) composite() (uint64, List) {
	l := List{p.Code, nil}
	if p.AdditionalData != nil {
		l[1] = p.AdditionalData
	}
	return codeOutcome, l
}

// sasl reads the SASL frames that a server or its client sends; challenges and responses belong to mechanisms that
// this package does not know.
func (f *fields) sasl(code uint64) Performative {
	switch code {
	case codeMechanisms:
		return &SASLMechanisms{Mechanisms: f.symbols(0)}
	case codeInit:
		return &SASLInit{Mechanism: required[Symbol](f, 0), InitialResponse: optional[[]byte](f, 1),
			Hostname: optional[string](f, 2)}
	case codeOutcome:
		return &SASLOutcome{Code: required[uint8](f, 0), AdditionalData: optional[[]byte](f, 1)}
	}
	return nil
}
