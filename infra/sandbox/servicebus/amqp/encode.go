package amqp

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// AppendValue appends the encoding of v to dst. Besides the types that Decoder.Value returns it takes int (as long),
// time.Time (as timestamp) and []Symbol (as array; an empty one as null).
func AppendValue(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, codeNull), nil
	case bool:
		if v {
			return append(dst, codeTrue), nil
		}
		return append(dst, codeFalse), nil
	case uint32:
		return appendUint(dst, v), nil
	case uint64:
		return appendUlong(dst, v), nil
	case int:
		return AppendValue(dst, int64(v))
	case int32:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(dst, codeSmallInt, byte(v)), nil
		}
	case int64:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(dst, codeSmallLong, byte(v)), nil
		}
	case time.Time:
		return AppendValue(dst, Timestamp(v.UnixMilli()))
	case string:
		return appendSized(dst, codeString8, v), nil
	case Symbol:
		return appendSized(dst, codeSymbol8, v), nil
	case []byte:
		return appendSized(dst, codeBinary8, v), nil
	case []Symbol:
		if len(v) == 0 {
			return append(dst, codeNull), nil
		}
		a := make(Array, len(v))
		for i, s := range v {
			a[i] = s
		}
		return appendArray(dst, a)
	case List:
		return appendList(dst, v)
	case Map:
		return appendMap(dst, v)
	case Array:
		return appendArray(dst, v)
	case Described:
		return appendDescribed(dst, v)
	}
	code, err := constructor(v)
	if err != nil {
		return nil, err
	}
	return appendBody(append(dst, code), v)
}

func appendUint(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(dst, codeUint0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUint, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeUint), v)
}

func appendUlong(dst []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(dst, codeUlong0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUlong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeUlong), v)
}

// appendSized appends a variable-width value; the four-byte form's code is the one-byte form's plus 0x10.
func appendSized[T ~string | ~[]byte](dst []byte, short byte, v T) []byte {
	if len(v) <= math.MaxUint8 {
		dst = append(dst, short, byte(len(v)))
	} else {
		dst = binary.BigEndian.AppendUint32(append(dst, short+0x10), uint32(len(v)))
	}
	return append(dst, v...)
}

// constructor returns the full-width format code of a primitive: the one that every element of an array can share.
func constructor(v any) (byte, error) {
	switch v.(type) {
	case nil:
		return codeNull, nil
	case bool:
		return codeBool, nil
	case uint8:
		return codeUbyte, nil
	case int8:
		return codeByte, nil
	case uint16:
		return codeUshort, nil
	case int16:
		return codeShort, nil
	case uint32:
		return codeUint, nil
	case int32:
		return codeInt, nil
	case float32:
		return codeFloat, nil
	case Char:
		return codeChar, nil
	case Decimal32:
		return codeDecimal32, nil
	case uint64:
		return codeUlong, nil
	case int64:
		return codeLong, nil
	case float64:
		return codeDouble, nil
	case Timestamp:
		return codeTimestamp, nil
	case Decimal64:
		return codeDecimal64, nil
	case Decimal128:
		return codeDecimal128, nil
	case UUID:
		return codeUUID, nil
	case []byte:
		return codeBinary32, nil
	case string:
		return codeString32, nil
	case Symbol:
		return codeSymbol32, nil
	case List:
		return codeList32, nil
	case Map:
		return codeMap32, nil
	case Array:
		return codeArray32, nil
	}
	return 0, fmt.Errorf("amqp: cannot encode a %T", v)
}

// appendBody appends v without its constructor, in the form that constructor announces.
func appendBody(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return dst, nil
	case bool:
		if v {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case uint8:
		return append(dst, v), nil
	case int8:
		return append(dst, byte(v)), nil
	case uint16:
		return binary.BigEndian.AppendUint16(dst, v), nil
	case int16:
		return binary.BigEndian.AppendUint16(dst, uint16(v)), nil
	case uint32:
		return binary.BigEndian.AppendUint32(dst, v), nil
	case int32:
		return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
	case float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(v)), nil
	case Char:
		return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
	case Decimal32:
		return append(dst, v[:]...), nil
	case uint64:
		return binary.BigEndian.AppendUint64(dst, v), nil
	case int64:
		return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
	case float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v)), nil
	case Timestamp:
		return binary.BigEndian.AppendUint64(dst, uint64(v)), nil
	case Decimal64:
		return append(dst, v[:]...), nil
	case Decimal128:
		return append(dst, v[:]...), nil
	case UUID:
		return append(dst, v[:]...), nil
	case []byte:
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...), nil
	case string:
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...), nil
	case Symbol:
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...), nil
	}
	return appendCompoundBody(dst, v)
}

// appendCompoundBody appends size, count and content of a list, map or array.
func appendCompoundBody(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	var count int
	var err error
	switch v := v.(type) {
	case List:
		count = len(v)
		for _, e := range v {
			if dst, err = AppendValue(dst, e); err != nil {
				return nil, err
			}
		}
	case Map:
		count = 2 * len(v)
		for _, e := range v {
			if dst, err = AppendValue(dst, e.Key); err != nil {
				return nil, err
			}
			if dst, err = AppendValue(dst, e.Value); err != nil {
				return nil, err
			}
		}
	case Array:
		count = len(v)
		if dst, err = appendElements(dst, v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("amqp: cannot encode a %T", v)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	binary.BigEndian.PutUint32(dst[start+4:], uint32(count))
	return dst, nil
}

func appendElements(dst []byte, a Array) ([]byte, error) {
	if len(a) == 0 {
		return append(dst, codeNull), nil
	}
	code, err := constructor(a[0])
	if err != nil {
		return nil, err
	}
	dst = append(dst, code)
	for _, e := range a {
		if c, err := constructor(e); err != nil || c != code {
			return nil, fmt.Errorf("amqp: array of %T holds a %T", a[0], e)
		}
		if dst, err = appendBody(dst, e); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendList(dst []byte, l List) ([]byte, error) {
	if len(l) == 0 {
		return append(dst, codeList0), nil
	}
	return appendCompoundBody(append(dst, codeList32), l)
}

func appendMap(dst []byte, m Map) ([]byte, error) {
	return appendCompoundBody(append(dst, codeMap32), m)
}

func appendArray(dst []byte, a Array) ([]byte, error) {
	return appendCompoundBody(append(dst, codeArray32), a)
}

func appendDescribed(dst []byte, d Described) ([]byte, error) {
	dst, err := AppendValue(append(dst, codeDescribed), d.Descriptor)
	if err != nil {
		return nil, err
	}
	return AppendValue(dst, d.Value)
}
