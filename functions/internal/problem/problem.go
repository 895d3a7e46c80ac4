// Package problem is the one place that writes application/problem+json (RFC 9457): it turns an error into a problem
// document, answers for faulty request bodies so that every fault has a JSON pointer, and keeps huma, net/http and
// panics to the same shape. It takes its words from package diagnosis; an error without words becomes a bare 500 whose
// cause goes to the log alone. A problem never repeats a value of the request.
package problem

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// MediaType is the media type of a problem document.
const MediaType = "application/problem+json"

// Codes that the HTTP edge itself answers with; their words are in the diagnosis catalogue, as those of all other
// codes.
const (
	CodeInternal             = diagnosis.CodeInternal
	CodeTimeout              = diagnosis.CodeRequestTimeout
	CodeNotFound             = diagnosis.CodeNotFound
	CodeConflict             = diagnosis.CodeConflict
	CodeMethodNotAllowed     = diagnosis.CodeMethodNotAllowed
	CodeInvalidID            = diagnosis.CodeInvalidID
	CodeInvalidParameter     = diagnosis.CodeInvalidParameter
	CodeMalformedBody        = strictjson.CodeMalformed
	CodeBodyTooLarge         = diagnosis.CodeBodyTooLarge
	CodeUnsupportedMediaType = diagnosis.CodeUnsupportedMediaType
	CodeUnsupportedEncoding  = diagnosis.CodeUnsupportedContentEncoding
)

// retryAfter is what a caller is told to wait, in seconds, after a failure that may pass by itself.
const retryAfter = 5

// Problem is a problem document. It is an error, so that a handler can return it.
type Problem struct {
	Type      string              `json:"type" format:"uri-reference" example:"/api/errors/invalid-id"`
	Title     string              `json:"title" doc:"What is wrong, the same for every occurrence"`
	Status    int                 `json:"status" doc:"HTTP status of this answer" example:"422"`
	Detail    string              `json:"detail,omitempty" doc:"What is wrong in this occurrence"`
	Instance  string              `json:"instance,omitempty" format:"uri-reference" doc:"Path of the request"`
	Code      diagnosis.Code      `json:"code" example:"invalid-id"`
	Remedy    *diagnosis.Remedy   `json:"remedy,omitempty" doc:"Who repairs it, and how"`
	Errors    []diagnosis.Finding `json:"errors,omitempty" doc:"One entry for each faulty member or parameter"`
	Evidence  *diagnosis.Evidence `json:"evidence,omitempty" doc:"What a service behind this one answered"`
	RequestID string              `json:"requestId"`

	cause     error
	transient bool
	// wait is when the request may be sent again, where that is known.
	wait time.Duration
}

// LongTags are the ends of tags that are too long for a line.
func (Problem) LongTags() map[string]string {
	return map[string]string{
		"Type":      `doc:"Identifies the kind of problem, and links to the page of the code"`,
		"Code":      `doc:"Stable code to program against; header x-ms-error-code repeats it"`,
		"RequestID": `doc:"Repeated in header x-ms-request-id; name it when asking for help"`,
	}
}

// New makes a problem. The title is that of the catalogue, else the status text; the remedy is the catalogue's.
func New(status int, code diagnosis.Code, detail string, findings ...diagnosis.Finding) *Problem {
	p := &Problem{Type: diagnosis.TypeOf("", code), Title: http.StatusText(status), Status: status, Detail: detail,
		Code: code, Errors: findings}
	if entry, ok := diagnosis.Lookup(code); ok {
		d := diagnosis.New(code)
		p.Title, p.Remedy, p.transient = entry.Title, d.Remedy, entry.Transient
	}
	return p
}

// From turns an error into a problem: a Problem as it is, a *diagnosis.Error by its words and its code's status,
// the store's errors and an expired context by their meaning, and anything else into a bare 500. Nil gives nil.
func From(err error) *Problem {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var diagnosed *diagnosis.Error
	if errors.As(err, &diagnosed) {
		return fromDiagnosis(diagnosed)
	}
	switch {
	case errors.Is(err, integration.ErrNotFound):
		p = New(http.StatusNotFound, CodeNotFound, "There is no such record.")
	case errors.Is(err, integration.ErrConflict):
		p = New(http.StatusConflict, CodeConflict,
			"The record was changed by someone else at the same time. Read it again and repeat.")
	case errors.Is(err, context.DeadlineExceeded):
		p = New(http.StatusGatewayTimeout, CodeTimeout, "The request took too long. It may be repeated.")
	default:
		p = internal()
	}
	p.cause = err
	return p
}

func fromDiagnosis(e *diagnosis.Error) *Problem {
	d := e.Diagnosis
	status := StatusOf(d.Code)
	p := New(status, d.Code, d.Detail, d.Findings...)
	if d.Title != "" {
		p.Title = d.Title
	}
	if d.Remedy != nil {
		p.Remedy = d.Remedy
	}
	p.Evidence, p.transient = d.Evidence, d.Transient
	if status >= http.StatusInternalServerError {
		p.cause = fmt.Errorf("%s: %w", d.Code, innermost(e))
	}
	return p
}

// innermost returns what the words were found for: a *diagnosis.Error keeps its cause's text to itself.
func innermost(e *diagnosis.Error) error {
	for e.Err != nil {
		var deeper *diagnosis.Error
		if !errors.As(e.Err, &deeper) {
			return e.Err
		}
		e = deeper
	}
	return e
}

// RateLimited refuses a request of a caller who has to wait.
func RateLimited(wait time.Duration) *Problem {
	p := fromDiagnosis(&diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeRateLimited)})
	p.wait = wait
	return p
}

func internal() *Problem {
	return New(http.StatusInternalServerError, CodeInternal,
		"Something went wrong here. Name the request id when asking for help.")
}

// Error implements error with code and detail, without the cause.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// Unwrap returns the cause, if there is one; it is never part of the document.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return MediaType }

// header returns the headers that go with the document.
func (p *Problem) header() http.Header {
	h := http.Header{}
	h.Set("x-ms-error-code", string(p.Code))
	if p.wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	} else if p.transient || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	return h
}
