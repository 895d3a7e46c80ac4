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
	Content        []byte
}

// ReadForm takes a form (RFC 7578) apart: take gets each part, and an error of it ends the reading and is returned. A
// form without its last boundary is refused, as it is cut off.
func ReadForm(body []byte, boundary string, take func(Part) error) error {
	if !isEnded(body, boundary) {
		return malformedForm()
	}
	for reader := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformedForm()
		}
		content, err := io.ReadAll(part) // the body is bounded
		if err != nil {
			return malformedForm()
		}
		if err := take(Part{part.FormName(), part.FileName(), content}); err != nil {
			return err
		}
	}
}

// isEnded reports whether a form has its last boundary (RFC 2046, section 5.1.1). Without it the form is cut off,
// which package multipart tells only of a cut amid the content of a part, not of one amid its headers.
func isEnded(form []byte, boundary string) bool {
	end := []byte("--" + boundary + "--")
	return boundary != "" && (bytes.HasPrefix(form, end) || bytes.Contains(form, append([]byte("\n"), end...)))
}

func malformedForm() error {
	return New(http.StatusBadRequest, diagnosis.CodeMalformedForm,
		"The body is not a form: its parts do not begin and end as the boundary of the Content-Type says.")
}
