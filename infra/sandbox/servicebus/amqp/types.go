// Package amqp is the part of AMQP 1.0 that a server needs: the type system, the performatives, SASL, frames and the
// message format (OASIS AMQP Version 1.0, parts 1, 2, 3 and 5). It holds no connection state and knows nothing of
// Service Bus. Decoding is bounded: no input makes it allocate more than a small multiple of the input's own size.
package amqp

import (
	"encoding/hex"
	"fmt"
)

// Symbol is the AMQP type symbol: an ASCII name from a constrained domain.
type Symbol string

// UUID is the AMQP type uuid, in network byte order (RFC 4122).
type UUID [16]byte

// String gives the usual text form, 8-4-4-4-12 hexadecimal digits.
func (u UUID) String() string {
	var dst [36]byte
	hex.Encode(dst[0:8], u[0:4])
	hex.Encode(dst[9:13], u[4:6])
	hex.Encode(dst[14:18], u[6:8])
	hex.Encode(dst[19:23], u[8:10])
	hex.Encode(dst[24:36], u[10:16])
	dst[8], dst[13], dst[18], dst[23] = '-', '-', '-', '-'
	return string(dst[:])
}

// Char is the AMQP type char, a UTF-32BE code unit. It is kept as it came, valid or not.
type Char uint32

// Decimal32 is the AMQP type decimal32, carried through without interpretation.
type Decimal32 [4]byte

// Decimal64 is the AMQP type decimal64, carried through without interpretation.
type Decimal64 [8]byte

// Decimal128 is the AMQP type decimal128, carried through without interpretation.
type Decimal128 [16]byte

// Timestamp is the AMQP type timestamp: milliseconds since the Unix epoch, UTC. It is kept as the number on the wire
// because clients send values that time.Time cannot format (the year 10000 stands for "no limit").
type Timestamp int64

// List is the AMQP type list.
type List []any

// Array is the AMQP type array: elements of one type. All elements must have the same Go type.
type Array []any

// Entry is one pair of a Map.
type Entry struct{ Key, Value any }

// Map is the AMQP type map. It keeps the order of the wire and allows keys of any type.
type Map []Entry

// Described is a described type: a descriptor (a uint64 or a Symbol) and the value it describes.
type Described struct{ Descriptor, Value any }

// Get returns the value of the entry whose key is the string or the symbol key.
func (m Map) Get(key string) (any, bool) {
	for _, e := range m {
		switch k := e.Key.(type) {
		case string:
			if k == key {
				return e.Value, true
			}
		case Symbol:
			if string(k) == key {
				return e.Value, true
			}
		}
	}
	return nil, false
}

// With returns a copy of m in which key (compared as in Get) has the value; a new key is added as keyed by k.
func (m Map) With(k any, value any) Map {
	name := fmt.Sprint(k)
	out := make(Map, 0, len(m)+1)
	found := false
	for _, e := range m {
		if fmt.Sprint(e.Key) == name {
			e.Value, found = value, true
		}
		out = append(out, e)
	}
	if !found {
		out = append(out, Entry{k, value})
	}
	return out
}

// Without returns a copy of m that lacks key.
func (m Map) Without(key string) Map {
	out := make(Map, 0, len(m))
	for _, e := range m {
		if fmt.Sprint(e.Key) != key {
			out = append(out, e)
		}
	}
	return out
}

// Format codes of part 1, section 1.6.
const (
	codeDescribed  = 0x00
	codeNull       = 0x40
	codeTrue       = 0x41
	codeFalse      = 0x42
	codeUint0      = 0x43
	codeUlong0     = 0x44
	codeList0      = 0x45
	codeUbyte      = 0x50
	codeByte       = 0x51
	codeSmallUint  = 0x52
	codeSmallUlong = 0x53
	codeSmallInt   = 0x54
	codeSmallLong  = 0x55
	codeBool       = 0x56
	codeUshort     = 0x60
	codeShort      = 0x61
	codeUint       = 0x70
	codeInt        = 0x71
	codeFloat      = 0x72
	codeChar       = 0x73
	codeDecimal32  = 0x74
	codeUlong      = 0x80
	codeLong       = 0x81
	codeDouble     = 0x82
	codeTimestamp  = 0x83
	codeDecimal64  = 0x84
	codeDecimal128 = 0x94
	codeUUID       = 0x98
	codeBinary8    = 0xa0
	codeString8    = 0xa1
	codeSymbol8    = 0xa3
	codeBinary32   = 0xb0
	codeString32   = 0xb1
	codeSymbol32   = 0xb3
	codeList8      = 0xc0
	codeMap8       = 0xc1
	codeList32     = 0xd0
	codeMap32      = 0xd1
	codeArray8     = 0xe0
	codeArray32    = 0xf0
)
