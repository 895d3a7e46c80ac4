package credential

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode finds the encoding, and makes UTF-8 of the data. Bytes that are not UTF-8 are taken for Windows-1252, so that
// the file can be judged like any other.
func (r *reading) decode(data []byte) {
	order := unitOrder(data)
	if order != nil {
		r.utf16 = true
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		r.text = strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
		return
	}
	// encoding/json would put U+FFFD in the place of bytes that are not UTF-8, without a word.
	if utf8.Valid(data) {
		r.text, r.marked = strings.CutPrefix(string(data), "\ufeff")
		return
	}
	var text strings.Builder
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			if r.misread == "" {
				line, column := place(string(data), i)
				r.misread = fmt.Sprintf("Byte %d, in line %d, column %d, is not UTF-8; the file may be in "+
					"Windows-1252 or Latin-1, and is read as such.", i, line, column)
			}
			c = ofWindows(data[i])
		}
		text.WriteRune(c)
		i += size
	}
	r.text, r.marked = strings.CutPrefix(text.String(), "\ufeff")
}

// unitOrder is the order of the bytes in a text of UTF-16, nil where the data is none: it begins with the byte order
// mark, or most of its first characters are ASCII, one byte of which is zero.
func unitOrder(data []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return binary.BigEndian
	}
	var zeros [2]int
	pairs := min(len(data), 64) / 2
	for i, b := range data[:2*pairs] {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case 2*zeros[1] > pairs && 2*zeros[0] <= pairs:
		return binary.LittleEndian
	case 2*zeros[0] > pairs && 2*zeros[1] <= pairs:
		return binary.BigEndian
	default:
		return nil
	}
}

// ofWindows is the character of a byte from 128 in Windows-1252; from 160 that is Latin-1, too.
func ofWindows(b byte) rune {
	const first = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"
	if b >= 0xa0 {
		return rune(b)
	}
	return []rune(first)[b-0x80]
}
