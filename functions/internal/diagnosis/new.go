package diagnosis

import (
	"cmp"
	"fmt"
)

// Option adds to a Diagnosis what the catalogue cannot know.
type Option func(*options)

type options struct {
	context  Context
	detail   string
	evidence *Evidence
	findings []Finding
}

// WithContext fills the placeholders of the entry's texts.
func WithContext(c Context) Option { return func(o *options) { o.context = c } }

// WithDetail replaces the entry's general cause by what happened in this case. It must hold no secret.
func WithDetail(format string, args ...any) Option {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return func(o *options) { o.detail = format }
}

// WithEvidence attaches what a service answered.
func WithEvidence(e Evidence) Option { return func(o *options) { o.evidence = &e } }

// WithFindings attaches one finding for each faulty member of an input.
func WithFindings(findings ...Finding) Option {
	return func(o *options) { o.findings = append(o.findings, findings...) }
}

// typePath is the path below a base URL under which each code has its page.
const typePath = "/api/errors/"

// TypeOf links to a code's page: absolute where base is the app's public URL, without a slash at its end; else by
// path.
func TypeOf(base string, code Code) string { return base + typePath + string(code) }

// New returns the diagnosis of a code. An unknown code becomes CodeUnrecognised, so that nothing is left without
// words; a test holds that all codes in use are in the catalogue.
func New(code Code, opts ...Option) Diagnosis {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	e, ok := Lookup(code)
	if !ok {
		e, _ = Lookup(CodeUnrecognised)
	}
	filled := e.Fill(o.context)
	return Diagnosis{
		Type:      TypeOf("", e.Code),
		Layer:     e.Layer,
		Code:      e.Code,
		Title:     filled.Title,
		Detail:    cmp.Or(o.detail, filled.Cause),
		Transient: e.Transient && !(e.Propagation && o.context.Propagated),
		Remedy:    &Remedy{Who: filled.Who, Steps: filled.Steps, Command: filled.Command},
		Evidence:  o.evidence,
		Findings:  o.findings,
	}
}

// Error is an error that already has its words. classify.Error returns its Diagnosis unchanged.
type Error struct {
	Diagnosis Diagnosis
	// Err is the cause, or nil.
	Err error
}

// Error shows code and detail, never the cause's text, which may hold what a service answered.
func (e *Error) Error() string {
	return string(e.Diagnosis.Code) + ": " + cmp.Or(e.Diagnosis.Detail, e.Diagnosis.Title)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
