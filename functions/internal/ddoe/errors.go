package ddoe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// CodeAnswerInvalid is the code of an Error where the platform answered with success, but not with the JSON that was
// asked for.
const CodeAnswerInvalid = "answer-invalid"

// Error is a refusal of the platform, as codes and ids; its text holds no body.
type Error struct {
	status    int
	code      string
	requestID string
}

// Error shows status and code.
func (e *Error) Error() string {
	if e.code == "" {
		return fmt.Sprintf("ddoe: status %d", e.status)
	}
	return fmt.Sprintf("ddoe: status %d, %s", e.status, e.code)
}

// Service is "ddoe".
func (e *Error) Service() string { return "ddoe" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.status }

// ErrorCode is the platform's own code, or CodeAnswerInvalid; empty where it gave none.
func (e *Error) ErrorCode() string { return e.code }

// ServiceRequestID is the platform's id of the request; empty where it gave none.
func (e *Error) ServiceRequestID() string { return e.requestID }

// maxCode is the longest code and id that is kept, in bytes.
const maxCode = 64

func requestID(h http.Header) string {
	for _, name := range []string{"x-request-id", "x-ms-request-id"} {
		if v := word(h.Get(name)); v != "" {
			return v
		}
	}
	return ""
}

// errorCode is the answer's member code, or error.code, where it looks like a code.
func errorCode(isJSON bool, body []byte) string {
	if !isJSON {
		return ""
	}
	var answer struct {
		Code  any `json:"code"`
		Error any `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if nested, ok := answer.Error.(map[string]any); ok {
		if code, ok := nested["code"].(string); ok {
			return word(code)
		}
	}
	code, ok := answer.Code.(string)
	if !ok {
		return ""
	}
	return word(code)
}

// word returns s where it is a short word of letters, digits and ._-, else nothing: what a service calls a code may be
// anything, even an echo of the request.
func word(s string) string {
	odd := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("._-", r)
	}
	if len(s) > maxCode || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}
