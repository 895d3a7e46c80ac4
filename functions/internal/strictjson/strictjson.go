// Package strictjson reads JSON as a contract wants it: member names in their exact case, no unknown or repeated
// members, no trailing data, the types of the Go fields. All faults are reported at once, each with a JSON pointer;
// none repeats a value, or a name that holds a secret. It knows neither HTTP nor queues.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The codes of faults, as in the diagnosis catalogue.
const (
	CodeMalformed       = diagnosis.CodeMalformedBody
	CodeTooDeep         = diagnosis.CodeNestedTooDeep
	CodeUnknownMember   = diagnosis.CodeUnknownMember
	CodeDuplicateMember = diagnosis.CodeDuplicateMember
	CodeWrongType       = diagnosis.CodeWrongType
)

const (
	// maxFindings bounds the answer to a body that is wrong everywhere.
	maxFindings = 50
	// maxDepth bounds the nesting of a body; no document of the contract comes near it.
	maxDepth = 32
)

// Error tells why a body was not read.
type Error struct {
	// Code is CodeMalformed where the body is not JSON, CodeTooDeep where it is not read; else the code of the first
	// finding.
	Code   diagnosis.Code
	Detail string
	// Findings name the faulty members; there are none where the body is not JSON.
	Findings []diagnosis.Finding
	// Err is the cause where encoding/json told one; its text may repeat the body.
	Err error
}

// Error names code and detail; it repeats nothing of the body.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// Decode reads one JSON value into what into points to. A null member counts as absent. The result is nil or an
// *Error, and then nothing has been decoded.
func Decode(body []byte, into any) error {
	if err := syntax(body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	w := walker{decoder: d}
	w.value(reflect.TypeOf(into).Elem(), "", true)
	if len(w.findings) > 0 {
		return faulty(w.findings)
	}
	// encoding/json fills what comes before a fault, so what it fills is not yet what the caller has.
	target := reflect.ValueOf(into).Elem()
	filled := reflect.New(target.Type())
	filled.Elem().Set(target)
	if err := errors.Join(w.err, json.Unmarshal(body, filled.Interface())); err != nil {
		return &Error{Code: CodeMalformed, Detail: "The body cannot be read.", Err: err}
	}
	target.Set(filled.Elem())
	return nil
}

// With is the error with what else is wrong with the value, each fault once: what is told of a member that is faulty
// itself, or of what is in it, follows from that.
func (e *Error) With(more []diagnosis.Finding) *Error {
	all := slices.Clone(e.Findings)
	for _, f := range more {
		follows := slices.ContainsFunc(e.Findings, func(known diagnosis.Finding) bool {
			return strings.HasPrefix(f.Pointer+"/", known.Pointer+"/")
		})
		if !follows && len(all) < maxFindings {
			all = append(all, f)
		}
	}
	with := faulty(all)
	with.Err = e.Err
	return with
}

func malformed(format string, args ...any) error {
	return &Error{Code: CodeMalformed, Detail: fmt.Sprintf(format, args...)}
}

// syntax refuses what is not exactly one JSON value in UTF-8.
func syntax(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return malformed("A JSON body is required.")
	}
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		return malformed("The body starts with a byte order mark; send UTF-8 without one.")
	}
	// encoding/json would silently replace bytes that are not UTF-8.
	if !utf8.Valid(body) {
		return malformed("The body is not UTF-8.")
	}
	if isTooDeep(body) {
		return &Error{Code: CodeTooDeep, Detail: fmt.Sprintf("The body is nested deeper than %d levels.", maxDepth)}
	}
	var fault *json.SyntaxError
	if errors.As(json.Unmarshal(body, new(json.RawMessage)), &fault) {
		return malformed("The body is not JSON: %s at byte %d.", fault.Error(), fault.Offset)
	}
	return nil
}

// isTooDeep counts brackets outside strings.
func isTooDeep(body []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

// faulty makes one error of the findings; its code is that of the first.
func faulty(findings []diagnosis.Finding) *Error {
	detail := findings[0].Detail
	switch {
	case len(findings) == maxFindings: // there may be more, which are not listed
		detail = fmt.Sprintf("At least %d members of the body are faulty.", maxFindings)
	case len(findings) > 1:
		detail = fmt.Sprintf("%d members of the body are faulty.", len(findings))
	}
	return &Error{Code: findings[0].Code, Detail: detail, Findings: findings}
}
