package amqp_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	goamqp "github.com/Azure/go-amqp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := amqp.AppendValue(nil, v)
	require.NoError(t, err)
	return b
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// TestEncoding holds the encodings of part 1, section 1.6.
func TestEncoding(t *testing.T) {
	tests := map[string]struct {
		value any
		want  string
	}{
		"null":         {nil, "40"},
		"true":         {true, "41"},
		"false":        {false, "42"},
		"ubyte":        {uint8(200), "50 c8"},
		"ushort":       {uint16(0x102), "60 0102"},
		"uint 0":       {uint32(0), "43"},
		"small uint":   {uint32(255), "52 ff"},
		"uint":         {uint32(256), "70 00000100"},
		"ulong 0":      {uint64(0), "44"},
		"small ulong":  {uint64(7), "53 07"},
		"ulong":        {uint64(1 << 40), "80 0000010000000000"},
		"byte":         {int8(-1), "51 ff"},
		"short":        {int16(-2), "61 fffe"},
		"small int":    {int32(-128), "54 80"},
		"int":          {int32(128), "71 00000080"},
		"small long":   {int64(-1), "55 ff"},
		"long":         {int64(-129), "81 ffffffffffffff7f"},
		"float":        {float32(1), "72 3f800000"},
		"double":       {1.0, "82 3ff0000000000000"},
		"decimal32":    {amqp.Decimal32{1, 2, 3, 4}, "74 01020304"},
		"decimal64":    {amqp.Decimal64{1}, "84 0100000000000000"},
		"decimal128":   {amqp.Decimal128{1}, "94 01000000000000000000000000000000"},
		"char":         {amqp.Char('é'), "73 000000e9"},
		"timestamp":    {amqp.Timestamp(1), "83 0000000000000001"},
		"uuid":         {amqp.UUID{1, 15: 2}, "98 01000000000000000000000000000002"},
		"binary":       {[]byte{1, 2}, "a0 02 0102"},
		"string":       {"hé", "a1 03 68c3a9"},
		"symbol":       {amqp.Symbol("s"), "a3 01 73"},
		"empty list":   {amqp.List{}, "45"},
		"list":         {amqp.List{nil, true}, "d0 00000006 00000002 4041"},
		"map":          {amqp.Map{{Key: "k", Value: uint32(1)}}, "d1 00000009 00000002 a1016b 5201"},
		"array":        {amqp.Array{int64(1), int64(2)}, "f0 00000015 00000002 81 0000000000000001 0000000000000002"},
		"symbol array": {amqp.Array{amqp.Symbol("a")}, "f0 0000000a 00000001 b3 00000001 61"},
		"described":    {amqp.Described{Descriptor: uint64(0x24), Value: amqp.List{}}, "00 5324 45"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, unhex(t, tt.want), encode(t, tt.value))
			d := amqp.NewDecoder(unhex(t, tt.want))
			got, err := d.Value()
			require.NoError(t, err)
			assert.Equal(t, tt.value, got)
			assert.Empty(t, d.Remaining())
		})
	}
}

func TestDecodingOfOtherForms(t *testing.T) {
	tests := map[string]struct {
		bytes string
		want  any
	}{
		"long form boolean":  {"56 01", true},
		"full width ulong":   {"80 0000000000000001", uint64(1)},
		"binary32":           {"b0 00000001 ff", []byte{255}},
		"string32":           {"b1 00000001 61", "a"},
		"symbol32":           {"b3 00000001 61", amqp.Symbol("a")},
		"list8":              {"c0 03 02 4041", amqp.List{nil, true}},
		"map8":               {"c1 05 02 a10161 40", amqp.Map{{Key: "a"}}},
		"array8 of uint":     {"e0 04 02 52 0102", amqp.Array{uint32(1), uint32(2)}},
		"array of lists":     {"e0 06 02 c0 0100 0100", amqp.Array{amqp.List{}, amqp.List{}}},
		"array of nothing":   {"e0 02 00 40", amqp.Array{}},
		"array of 3 nulls":   {"e0 02 03 40", amqp.Array{nil, nil, nil}},
		"symbolic described": {"00 a30161 a10162", amqp.Described{Descriptor: amqp.Symbol("a"), Value: "b"}},
		"the year 10000":     {"83 0000e677d21fdc00", amqp.Timestamp(253402300800000)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := amqp.NewDecoder(unhex(t, tt.bytes)).Value()
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestMalformedValues(t *testing.T) {
	tests := map[string]string{
		"nothing":                   "",
		"unknown code":              "01",
		"unknown zero width":        "4f",
		"unknown fixed width":       "5f 00",
		"unknown variable width":    "a2 00",
		"unknown compound":          "c5 02 00 00",
		"cut fixed":                 "70 0000",
		"cut string":                "a1 05 61",
		"string is not UTF-8":       "a1 01 ff",
		"boolean of 2":              "56 02",
		"length beyond int32":       "b0 ffffffff 00",
		"list count beyond content": "c0 03 7f 4040",
		"list32 count of billions":  "d0 00000005 7fffffff 40",
		"map of odd count":          "c1 04 03 404040",
		"array count beyond":        "f0 00000006 7fffffff 54 00",
		"array of billions of null": "f0 00000005 0fffffff 40",
		"bytes after the content":   "c0 03 01 4040",
		"descriptor is a string":    "00 a10161 40",
		"array of described":        "e0 06 01 00 5324 45 00",
		"too deep":                  strings.Repeat("005301", 40) + "40",
	}
	for name, bytes := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.NewDecoder(unhex(t, bytes)).Value()
			require.ErrorIs(t, err, amqp.ErrMalformed)
		})
	}
}

// TestNestedNullsAreBounded: each array of 250 nulls is a few bytes; a megabyte of them would be gigabytes in memory.
func TestNestedNullsAreBounded(t *testing.T) {
	one := []byte{0xe0, 2, 250, 0x40}
	buf := amqpList32(1<<16, one)
	_, err := amqp.NewDecoder(buf).Value()
	require.ErrorIs(t, err, amqp.ErrMalformed)
}

func amqpList32(n int, element []byte) []byte {
	size := uint32(4 + n*len(element))
	out := []byte{0xd0, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), byte(n >> 24), byte(n >> 16),
		byte(n >> 8), byte(n)}
	for range n {
		out = append(out, element...)
	}
	return out
}

func TestUnencodable(t *testing.T) {
	tests := map[string]any{
		"struct":      struct{}{},
		"in a list":   amqp.List{struct{}{}},
		"as key":      amqp.Map{{Key: struct{}{}}},
		"as value":    amqp.Map{{Key: "k", Value: struct{}{}}},
		"mixed array": amqp.Array{int32(1), "x"},
		"array of it": amqp.Array{struct{}{}},
		"descriptor":  amqp.Described{Descriptor: struct{}{}},
	}
	for name, v := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.AppendValue(nil, v)
			require.Error(t, err)
		})
	}
}

func TestMapAccess(t *testing.T) {
	m := amqp.Map{{Key: amqp.Symbol("a"), Value: 1}, {Key: "b", Value: 2}, {Key: uint32(3), Value: 3}}
	a, ok := m.Get("a")
	assert.True(t, ok)
	assert.Equal(t, 1, a)
	_, ok = m.Get("3")
	assert.False(t, ok, "only names are looked up")
	changed := m.With("a", 9).With(amqp.Symbol("c"), 4).Without("b")
	assert.Equal(t, amqp.Map{{Key: amqp.Symbol("a"), Value: 9}, {Key: uint32(3), Value: 3},
		{Key: amqp.Symbol("c"), Value: 4}}, changed)
	assert.Len(t, m, 3, "the original stays")
}

// TestMessageAgainstGoAMQP: what go-amqp encodes we decode, and the other way round.
func TestMessageAgainstGoAMQP(t *testing.T) {
	subject, group, reply := "subject", "group", "reply"
	theirs := &goamqp.Message{
		Header:              &goamqp.MessageHeader{Durable: true, Priority: 5, TTL: time.Minute, DeliveryCount: 2},
		DeliveryAnnotations: goamqp.Annotations{"da": int32(1)},
		Annotations:         goamqp.Annotations{"x-opt-sequence-number": int64(math.MaxInt64)},
		Properties: &goamqp.MessageProperties{MessageID: "id", CorrelationID: uint64(7),
			UserID: []byte("u"), Subject: &subject, GroupID: &group, ReplyTo: &reply},
		ApplicationProperties: map[string]any{"n": int32(-5), "t": time.UnixMilli(99).UTC()},
		Data:                  [][]byte{[]byte("one"), []byte("two")},
		Footer:                goamqp.Annotations{"f": true},
	}
	encoded, err := theirs.MarshalBinary()
	require.NoError(t, err)
	ours, err := amqp.DecodeMessage(encoded)
	require.NoError(t, err)
	assert.Equal(t, uint32(60_000), *ours.Header.TTL)
	assert.Equal(t, uint8(5), *ours.Header.Priority)
	assert.Equal(t, uint32(2), ours.Header.DeliveryCount)
	assert.Equal(t, "id", ours.Properties.MessageID)
	assert.Equal(t, uint64(7), ours.Properties.CorrelationID)
	assert.Equal(t, "group", *ours.Properties.GroupID)
	assert.Equal(t, [][]byte{[]byte("one"), []byte("two")}, ours.DataSections())
	at, _ := ours.ApplicationProperties.Get("t")
	assert.Equal(t, amqp.Timestamp(99), at)
	life, limited := ours.Lifetime()
	assert.True(t, limited)
	assert.Equal(t, time.Minute, life)

	again, err := amqp.AppendMessage(nil, ours)
	require.NoError(t, err)
	var back goamqp.Message
	require.NoError(t, back.UnmarshalBinary(again))
	back.ApplicationProperties["t"] = back.ApplicationProperties["t"].(time.Time).UTC()
	assert.Equal(t, *theirs, back)
}

func TestMessageBodies(t *testing.T) {
	value := amqp.Map{{Key: "k", Value: int64(1)}}
	body, err := amqp.ValueBody(value)
	require.NoError(t, err)
	m, err := amqp.DecodeMessage(body)
	require.NoError(t, err)
	assert.Equal(t, value, m.Value())
	assert.Empty(t, m.DataSections())

	data, err := amqp.DecodeMessage(amqp.AppendData(nil, make([]byte, 300)))
	require.NoError(t, err)
	assert.Nil(t, data.Value())
	assert.Len(t, data.DataSections()[0], 300)
}

func TestLifetime(t *testing.T) {
	at := func(ms int64) *amqp.Timestamp { v := amqp.Timestamp(ms); return &v }
	ttl := func(ms uint32) *amqp.Header { return &amqp.Header{TTL: &ms} }
	tests := map[string]struct {
		m       amqp.Message
		want    time.Duration
		limited bool
	}{
		"none":   {amqp.Message{}, 0, false},
		"header": {amqp.Message{Header: ttl(5)}, 5 * time.Millisecond, true},
		"by two times": {amqp.Message{Header: ttl(math.MaxUint32),
			Properties: &amqp.Properties{CreationTime: at(0), AbsoluteExpiryTime: at(1 << 40)}},
			(1 << 40) * time.Millisecond, true},
		"expiry alone": {amqp.Message{Properties: &amqp.Properties{AbsoluteExpiryTime: at(5)}}, 0, false},
		"beyond a lifetime": {amqp.Message{Header: ttl(9), Properties: &amqp.Properties{CreationTime: at(0),
			AbsoluteExpiryTime: at(math.MaxInt64)}}, 9 * time.Millisecond, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, limited := tt.m.Lifetime()
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.limited, limited)
		})
	}
}

func TestMalformedMessages(t *testing.T) {
	section := func(code uint64, v any) []byte {
		b, err := amqp.AppendValue(nil, amqp.Described{Descriptor: code, Value: v})
		require.NoError(t, err)
		return b
	}
	tests := map[string][]byte{
		"not a section":            {0x40},
		"symbolic descriptor":      encode(t, amqp.Described{Descriptor: amqp.Symbol("x"), Value: nil}),
		"unknown section":          section(0x79, amqp.Map{}),
		"header is a map":          section(0x70, amqp.Map{}),
		"wrong type in header":     section(0x70, amqp.List{"yes"}),
		"wrong type in properties": section(0x73, amqp.List{true}),
		"subject is a number":      section(0x73, amqp.List{nil, nil, nil, int32(1)}),
		"data is a string":         section(0x75, "x"),
		"sequence is a map":        section(0x76, amqp.Map{}),
		"annotations are a list":   section(0x72, amqp.List{}),
	}
	for name, buf := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := amqp.DecodeMessage(buf)
			require.ErrorIs(t, err, amqp.ErrMalformed)
		})
	}
}
