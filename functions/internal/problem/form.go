package problem

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Part is a part of a form. FileName is empty where it is none of a file.
type Part struct {
	Name, FileName string
	// Content is the beginning of the part, which has Size bytes.
	Content []byte
	Size    int64
}

// ReadForm takes a form (RFC 7578) apart: take gets each part, and an error of it ends the reading and is returned. A
// form without its last boundary is refused, as it is cut off.
func ReadForm(body []byte, boundary string, take func(Part) error) error {
	whole := func(string) int64 { return int64(len(body)) }
	return StreamForm(bytes.NewReader(body), boundary, whole, take)
}

// StreamForm is ReadForm of a form that arrives, part by part. most is how many bytes of a part of some name are kept.
// An error of the reader is returned.
func StreamForm(body io.Reader, boundary string, most func(name string) int64, take func(Part) error) error {
	if boundary == "" {
		return malformedForm()
	}
	arriving := &ending{of: body, line: []byte("--" + boundary + "--")}
	for reader := multipart.NewReader(arriving, boundary); ; {
		part, err := reader.NextPart()
		switch {
		case arriving.err != nil:
			return arriving.err
		case errors.Is(err, io.EOF) && arriving.hasEnd:
			_, err := io.Copy(io.Discard, body) // whether it arrives whole
			return err
		case err != nil:
			return malformedForm()
		}
		kept, err := io.ReadAll(io.LimitReader(part, most(part.FormName())))
		rest, errRest := io.Copy(io.Discard, part)
		switch {
		case arriving.err != nil:
			return arriving.err
		case errors.Join(err, errRest) != nil:
			return malformedForm()
		}
		if err := take(Part{part.FormName(), part.FileName(), kept, int64(len(kept)) + rest}); err != nil {
			return err
		}
	}
}

// ending notes whether a form has its last boundary (RFC 2046, section 5.1.1). Without it the form is cut off, which
// package multipart tells only of a cut amid the content of a part, not of one amid its headers.
type ending struct {
	of   io.Reader
	line []byte
	// tail is the end of what was read, in which the boundary may have begun.
	tail   []byte
	hasEnd bool
	// err is an error of the reader.
	err error
	// isBegun is true after the first byte: before it, a boundary needs no line break.
	isBegun bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.of.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	if n > 0 {
		if !e.isBegun {
			e.tail, e.isBegun = []byte("\n"), true
		}
		e.tail = append(e.tail, p[:n]...)
		e.hasEnd = e.hasEnd || bytes.Contains(e.tail, append([]byte("\n"), e.line...))
		e.tail = append([]byte(nil), e.tail[max(0, len(e.tail)-len(e.line)):]...)
	}
	return n, err
}

func malformedForm() error {
	return New(http.StatusBadRequest, diagnosis.CodeMalformedForm,
		"The body is not a form: its parts do not begin and end as the boundary of the Content-Type says.")
}
