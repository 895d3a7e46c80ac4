package amqp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrMalformed is wrapped by every error of decoding: the bytes are not AMQP, or go beyond the decoder's bounds.
var ErrMalformed = errors.New("malformed AMQP data")

const (
	maxDepth     = 32  // nesting of lists, maps, arrays and described types
	spareElement = 256 // elements without a byte of their own that one buffer may hold beyond its length
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Decoder reads AMQP values from a buffer. Binary values alias the buffer.
type Decoder struct {
	buf    []byte
	budget int // values it may still decode: an array of a million nulls is five bytes on the wire
}

// NewDecoder returns a decoder over buf.
func NewDecoder(buf []byte) *Decoder {
	return &Decoder{buf: buf, budget: len(buf) + spareElement}
}

// Remaining returns the bytes that are not decoded yet.
func (d *Decoder) Remaining() []byte { return d.buf }

// Value decodes the next value. Go types: nil, bool, uint8…uint64, int8…int64, float32, float64, string, []byte, and
// this package's types.
func (d *Decoder) Value() (any, error) { return d.value(0) }

func (d *Decoder) value(depth int) (any, error) {
	code, err := d.byte()
	if err != nil {
		return nil, err
	}
	return d.body(code, depth)
}

func (d *Decoder) take(n int) ([]byte, error) {
	if n < 0 || n > len(d.buf) {
		return nil, malformed("%d bytes wanted, %d left", n, len(d.buf))
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b, nil
}

func (d *Decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// body decodes the value that follows the constructor code.
func (d *Decoder) body(code byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, malformed("nested deeper than %d", maxDepth)
	}
	if d.budget--; d.budget < 0 {
		return nil, malformed("too many values")
	}
	switch code >> 4 {
	case 0x0:
		return d.described(code, depth)
	case 0x4:
		return zeroWidth(code)
	case 0x5, 0x6, 0x7, 0x8, 0x9:
		width := [...]int{5: 1, 6: 2, 7: 4, 8: 8, 9: 16}[code>>4]
		b, err := d.take(width)
		if err != nil {
			return nil, err
		}
		return fixedWidth(code, b)
	case 0xa, 0xb:
		b, err := d.sized(code>>4 == 0xa)
		if err != nil {
			return nil, err
		}
		return variableWidth(code, b)
	case 0xc, 0xd, 0xe, 0xf:
		return d.compound(code, depth)
	}
	return nil, malformed("unknown type code 0x%02x", code)
}

func (d *Decoder) described(code byte, depth int) (any, error) {
	if code != codeDescribed {
		return nil, malformed("unknown type code 0x%02x", code)
	}
	descriptor, err := d.value(depth + 1)
	if err != nil {
		return nil, err
	}
	switch descriptor.(type) {
	case uint64, Symbol:
	default:
		return nil, malformed("descriptor of type %T", descriptor)
	}
	value, err := d.value(depth + 1)
	if err != nil {
		return nil, err
	}
	return Described{descriptor, value}, nil
}

func zeroWidth(code byte) (any, error) {
	switch code {
	case codeNull:
		return nil, nil
	case codeTrue:
		return true, nil
	case codeFalse:
		return false, nil
	case codeUint0:
		return uint32(0), nil
	case codeUlong0:
		return uint64(0), nil
	case codeList0:
		return List{}, nil
	}
	return nil, malformed("unknown type code 0x%02x", code)
}

func fixedWidth(code byte, b []byte) (any, error) {
	switch code {
	case codeUbyte:
		return b[0], nil
	case codeByte:
		return int8(b[0]), nil
	case codeSmallUint:
		return uint32(b[0]), nil
	case codeSmallUlong:
		return uint64(b[0]), nil
	case codeSmallInt:
		return int32(int8(b[0])), nil
	case codeSmallLong:
		return int64(int8(b[0])), nil
	case codeBool:
		if b[0] > 1 {
			return nil, malformed("boolean 0x%02x", b[0])
		}
		return b[0] == 1, nil
	case codeUshort:
		return binary.BigEndian.Uint16(b), nil
	case codeShort:
		return int16(binary.BigEndian.Uint16(b)), nil
	case codeUint:
		return binary.BigEndian.Uint32(b), nil
	case codeInt:
		return int32(binary.BigEndian.Uint32(b)), nil
	case codeFloat:
		return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
	case codeChar:
		return Char(binary.BigEndian.Uint32(b)), nil
	case codeDecimal32:
		return Decimal32(b), nil
	case codeUlong:
		return binary.BigEndian.Uint64(b), nil
	case codeLong:
		return int64(binary.BigEndian.Uint64(b)), nil
	case codeDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case codeTimestamp:
		return Timestamp(binary.BigEndian.Uint64(b)), nil
	case codeDecimal64:
		return Decimal64(b), nil
	case codeDecimal128:
		return Decimal128(b), nil
	case codeUUID:
		return UUID(b), nil
	}
	return nil, malformed("unknown type code 0x%02x", code)
}

// sized takes the bytes that a length of one or four bytes announces.
func (d *Decoder) sized(short bool) ([]byte, error) {
	n, err := d.length(short)
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func (d *Decoder) length(short bool) (int, error) {
	if short {
		b, err := d.byte()
		return int(b), err
	}
	b, err := d.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(b)
	if n > math.MaxInt32 {
		return 0, malformed("length %d", n)
	}
	return int(n), nil
}

func variableWidth(code byte, b []byte) (any, error) {
	switch code {
	case codeBinary8, codeBinary32:
		return b, nil
	case codeString8, codeString32:
		if !utf8.Valid(b) {
			return nil, malformed("string is not UTF-8")
		}
		return string(b), nil
	case codeSymbol8, codeSymbol32:
		return Symbol(b), nil
	}
	return nil, malformed("unknown type code 0x%02x", code)
}

// compound decodes a list, map or array. Its content is a buffer of its own: what it holds cannot reach beyond it.
func (d *Decoder) compound(code byte, depth int) (any, error) {
	short := code>>4 == 0xc || code>>4 == 0xe
	content, err := d.sized(short)
	if err != nil {
		return nil, err
	}
	inner := Decoder{buf: content, budget: d.budget}
	count, err := inner.length(short)
	if err != nil {
		return nil, err
	}
	var v any
	switch code {
	case codeList8, codeList32:
		v, err = inner.list(count, depth)
	case codeMap8, codeMap32:
		v, err = inner.mapping(count, depth)
	case codeArray8, codeArray32:
		v, err = inner.array(count, depth)
	default:
		return nil, malformed("unknown type code 0x%02x", code)
	}
	if err != nil {
		return nil, err
	}
	if len(inner.buf) != 0 {
		return nil, malformed("%d bytes too many in a compound value", len(inner.buf))
	}
	d.budget = inner.budget
	return v, nil
}

func (d *Decoder) list(count, depth int) (List, error) {
	if count > len(d.buf) {
		return nil, malformed("list of %d in %d bytes", count, len(d.buf))
	}
	l := make(List, count)
	for i := range l {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		l[i] = v
	}
	return l, nil
}

func (d *Decoder) mapping(count, depth int) (Map, error) {
	if count > len(d.buf) || count%2 != 0 {
		return nil, malformed("map of %d in %d bytes", count, len(d.buf))
	}
	m := make(Map, count/2)
	for i := range m {
		k, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m[i] = Entry{k, v}
	}
	return m, nil
}

func (d *Decoder) array(count, depth int) (Array, error) {
	code, err := d.byte()
	if err != nil {
		return nil, err
	}
	if code == codeDescribed {
		return nil, malformed("arrays of described types are not supported")
	}
	if count > len(d.buf)+spareElement || count > d.budget {
		return nil, malformed("array of %d in %d bytes", count, len(d.buf))
	}
	a := make(Array, count)
	for i := range a {
		if a[i], err = d.body(code, depth+1); err != nil {
			return nil, err
		}
	}
	return a, nil
}
