// Package cuttest cuts bodies short for tests: a body may end, or its connection break, at any byte.
package cuttest

import (
	"io"
	"strings"
)

// EachByte calls try with every beginning of the body that is not the whole: from none of it to all but the last byte.
func EachByte(body string, try func(cut string)) {
	for at := range len(body) {
		try(body[:at])
	}
}

// Broken gives what is there of a body, and then breaks off as a connection does, with io.ErrUnexpectedEOF.
func Broken(cut string) io.Reader { return io.MultiReader(strings.NewReader(cut), broken{}) }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
