package amqp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	frameHeader = 8 // bytes
	frameAMQP   = 0
	frameSASL   = 1

	// MinMaxFrameSize is the smallest limit that a peer may set, and the limit of frames before the peers know better.
	MinMaxFrameSize = 512
)

// ProtocolHeader is a protocol header, the first eight bytes each side sends.
type ProtocolHeader [8]byte

// PlainHeader is the header of plain AMQP 1.0.
func PlainHeader() ProtocolHeader { return ProtocolHeader{'A', 'M', 'Q', 'P', 0, 1, 0, 0} }

// SASLHeader is the header that asks for a SASL exchange first.
func SASLHeader() ProtocolHeader { return ProtocolHeader{'A', 'M', 'Q', 'P', 3, 1, 0, 0} }

// Frame is one frame. Body is nil in an empty frame, which only keeps the connection alive.
type Frame struct {
	Channel uint16
	SASL    bool
	Body    Performative
}

// ReadFrame reads one frame of at most limit bytes. The error wraps ErrMalformed if the bytes are at fault, and is the
// reader's own otherwise.
func ReadFrame(r io.Reader, limit uint32) (Frame, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return Frame{}, err
	}
	size, offset := binary.BigEndian.Uint32(header[:4]), 4*uint32(header[4])
	switch {
	case size > limit:
		return Frame{}, malformed("frame of %d bytes, limit %d", size, limit)
	case offset < frameHeader || offset > size:
		return Frame{}, malformed("data offset %d in a frame of %d bytes", offset, size)
	case header[5] > frameSASL:
		return Frame{}, malformed("frame type 0x%02x", header[5])
	}
	buf := make([]byte, size-frameHeader)
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the header was there
		}
		return Frame{}, fmt.Errorf("read frame body: %w", err)
	}
	f := Frame{Channel: binary.BigEndian.Uint16(header[6:]), SASL: header[5] == frameSASL}
	body := buf[offset-frameHeader:]
	if len(body) == 0 {
		return f, nil
	}
	var err error
	f.Body, err = DecodePerformative(body)
	return f, err
}

// AppendFrame appends the encoding of f to dst.
func AppendFrame(dst []byte, f Frame) ([]byte, error) {
	start := len(dst)
	kind := byte(frameAMQP)
	if f.SASL {
		kind = frameSASL
	}
	dst = append(dst, 0, 0, 0, 0, frameHeader/4, kind, byte(f.Channel>>8), byte(f.Channel))
	if f.Body != nil {
		code, fields := f.Body.composite()
		var err error
		if dst, err = AppendValue(dst, composite(code, fields)); err != nil {
			return nil, err
		}
		if t, ok := f.Body.(*Transfer); ok {
			dst = append(dst, t.Payload...)
		}
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

// TransferOverhead is more than what a transfer frame needs beside its payload and delivery tag.
const TransferOverhead = 128

// ReadHeader reads a protocol header.
func ReadHeader(r io.Reader) (ProtocolHeader, error) {
	var h ProtocolHeader
	_, err := io.ReadFull(r, h[:])
	return h, err
}
