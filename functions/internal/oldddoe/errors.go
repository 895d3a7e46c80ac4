package ddoe

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CodeAnswerInvalid is the code of an Error where the platform answered with success, but not with the JSON that was
// asked for: on a path that it does not know it shows its web page with status 200.
const CodeAnswerInvalid = "answer-invalid"

// Error is a refusal of the platform, as codes and ids; its text holds no body.
type Error struct {
	op         string
	status     int
	code       string
	message    string
	requestID  string
	retryAfter time.Duration
	endpoint   string
	// page says that the answer was a web page: it need not come from the API.
	page bool
}

// Error shows operation, status and code.
func (e *Error) Error() string {
	text := "ddoe: "
	if e.op != "" {
		text += e.op + ": "
	}
	text += fmt.Sprintf("status %d", e.status)
	if e.code != "" {
		text += ", " + e.code
	}
	return text
}

// Service is "ddoe".
func (e *Error) Service() string { return "ddoe" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.status }

// ErrorCode is the platform's own code, or CodeAnswerInvalid; empty where it gave none.
func (e *Error) ErrorCode() string { return e.code }

// ServiceRequestID is the platform's id of the request; empty where it gave none.
func (e *Error) ServiceRequestID() string { return e.requestID }

// ServiceMessage is what the platform said, for people: the API has no codes. Keys, tokens and the values of the options
// that were sent are taken out of it; it is never part of Error().
func (e *Error) ServiceMessage() string { return e.message }

// Endpoint is the URL that was asked, without its query; empty where it cannot be read.
func (e *Error) Endpoint() string { return e.endpoint }

// RetryAfter is how long the platform asked to wait; zero if it did not.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// IsNotFound reports whether err is the platform's 404. A web page with that status proves no absence: a proxy shows one,
// and a wrong base of the API.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.status == http.StatusNotFound && !e.page
}

const (
	// maxCode is the longest code and id that is kept, in bytes.
	maxCode = 64
)

// refusal makes the error of the answer of a URL. hidden are texts that must not be shown.
func refusal(op, url string, resp *http.Response, body []byte, now time.Time, hidden []string) *Error {
	isJSON := isJSON(resp.Header)
	return &Error{op: op, status: resp.StatusCode, code: word(errorCode(isJSON, body), hidden), message: conceal(errorMessage(resp.Header, isJSON, body), hidden),
		requestID: requestID(resp.Header, hidden), retryAfter: retryAfter(resp.Header, now), endpoint: endpoint(url, hidden), page: isPage(resp.Header)}
}

// endpoint is a URL without user info and query, which may hold a key.
func endpoint(text string, hidden []string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return conceal((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String(), hidden)
}

func isPage(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "text/html"
}

// invalid makes the error of a URL's success that cannot be believed. hidden are texts that must not be shown.
func invalid(op, url string, resp *http.Response, hidden []string) *Error {
	return &Error{op: op, status: resp.StatusCode, code: CodeAnswerInvalid, requestID: requestID(resp.Header, hidden), endpoint: endpoint(url, hidden)}
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/json"
}

func requestID(h http.Header, hidden []string) string {
	for _, name := range []string{"x-request-id", "x-ms-request-id"} {
		if v := word(h.Get(name), hidden); v != "" {
			return v
		}
	}
	return ""
}

// retryAfter reads Retry-After in both its forms, seconds and HTTP date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// errorCode is the answer's member code, or error.code, as it came.
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
			return code
		}
	}
	code, _ := answer.Code.(string)
	return code
}

// errorMessage is the member message of both of the platform's envelopes, or a body of plain text. A web page says nothing.
func errorMessage(h http.Header, isJSON bool, body []byte) string {
	if isJSON {
		var answer struct {
			Message any `json:"message"`
		}
		if json.Unmarshal(body, &answer) != nil {
			return ""
		}
		text, _ := answer.Message.(string)
		return text
	}
	if media, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && media == "text/plain" {
		return string(body)
	}
	return ""
}

// word returns s where it is a short word of letters, digits and ._- that holds nothing hidden, else nothing: what a
// service calls a code or an id may be anything, even an echo of the request.
func word(s string, hidden []string) string {
	odd := func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("._-", r)
	}
	if len(s) > maxCode || strings.ContainsFunc(s, odd) || slices.Contains(hidden, s) || conceal(s, hidden) != s {
		return ""
	}
	return s
}
