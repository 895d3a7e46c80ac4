package amqp_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus/amqp"
)

// FuzzDecodeValue: any input is decoded within its bounds or refused as malformed, and what was decoded survives being
// encoded and decoded again.
func FuzzDecodeValue(f *testing.F) {
	for _, seed := range []any{nil, true, uint32(5), int64(-1), "text", []byte{1}, amqp.Symbol("s"),
		amqp.List{nil, amqp.Map{{Key: "k", Value: amqp.Array{int32(1), int32(2)}}}},
		amqp.Described{Descriptor: uint64(0x24), Value: amqp.List{}}, amqp.Array{amqp.List{}, amqp.List{true}}} {
		buf, err := amqp.AppendValue(nil, seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(buf)
	}
	f.Add([]byte{0xf0, 0, 0, 0, 5, 0x0f, 0xff, 0xff, 0xff, 0x40})
	f.Fuzz(func(t *testing.T, buf []byte) {
		v, err := amqp.NewDecoder(buf).Value()
		if err != nil {
			if !errors.Is(err, amqp.ErrMalformed) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if n := count(v); n > len(buf)+256 {
			t.Fatalf("%d values out of %d bytes", n, len(buf))
		}
		stable(t, v)
	})
}

// stable checks that encoding and decoding change nothing. Bytes are compared because a NaN does not equal itself.
func stable(t *testing.T, v any) {
	t.Helper()
	first, err := amqp.AppendValue(nil, v)
	if err != nil {
		t.Fatalf("decoded but cannot encode: %v", err)
	}
	again, err := amqp.NewDecoder(first).Value()
	if err != nil {
		t.Fatalf("encoded but cannot decode: %v", err)
	}
	second, err := amqp.AppendValue(nil, again)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("not stable: %x, then %x (%v)", first, second, err)
	}
}

func count(v any) int {
	n := 1
	switch v := v.(type) {
	case amqp.List:
		for _, e := range v {
			n += count(e)
		}
	case amqp.Array:
		for _, e := range v {
			n += count(e)
		}
	case amqp.Map:
		for _, e := range v {
			n += count(e.Key) + count(e.Value)
		}
	case amqp.Described:
		n += count(v.Descriptor) + count(v.Value)
	}
	return n
}

// FuzzDecodeMessage: any message that is decoded can be encoded, and is then the same.
func FuzzDecodeMessage(f *testing.F) {
	id, ttl := "group", uint32(5)
	body := amqp.AppendData(nil, []byte("body"))
	seed, err := amqp.AppendMessage(nil, &amqp.Message{Header: &amqp.Header{TTL: &ttl},
		Annotations:           amqp.Map{{Key: amqp.Symbol("a"), Value: int64(1)}},
		Properties:            &amqp.Properties{MessageID: "m", GroupID: &id},
		ApplicationProperties: amqp.Map{{Key: "p", Value: true}}, Body: body})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(body)
	f.Fuzz(func(t *testing.T, buf []byte) {
		m, err := amqp.DecodeMessage(buf)
		if err != nil {
			if !errors.Is(err, amqp.ErrMalformed) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		first, err := amqp.AppendMessage(nil, m)
		if err != nil {
			t.Fatalf("decoded but cannot encode: %v", err)
		}
		again, err := amqp.DecodeMessage(first)
		if err != nil {
			t.Fatalf("encoded but cannot decode: %v", err)
		}
		second, err := amqp.AppendMessage(nil, again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %x, then %x (%v)", first, second, err)
		}
		_, _ = m.Lifetime()
		_, _ = m.Value(), m.DataSections()
	})
}

// FuzzDecodeFrame: any stream is read as frames until it ends or is refused.
func FuzzDecodeFrame(f *testing.F) {
	var all []byte
	for _, body := range samples() {
		buf, err := amqp.AppendFrame(nil, amqp.Frame{Channel: 1, Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(buf)
		all = append(all, buf...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, buf []byte) {
		r := bytes.NewReader(buf)
		for {
			frame, err := amqp.ReadFrame(r, 4096)
			switch {
			case errors.Is(err, amqp.ErrMalformed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return
			case err != nil:
				t.Fatalf("unexpected error %v", err)
			}
			if _, err := amqp.AppendFrame(nil, frame); err != nil {
				t.Fatalf("read but cannot write: %v", err)
			}
		}
	})
}
