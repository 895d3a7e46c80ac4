package ddoe

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// CodeAnswerInvalid is the code of an answer without the JSON that was asked for, or of a 403, 404 or 407 that is none
// of the API's: a web page proves nothing.
const CodeAnswerInvalid = "answer-invalid"

// Error is a refusal of the platform. The API has no codes; its message is for people, and Error() holds no body.
type Error struct {
	op         string
	status     int
	code       string
	message    string
	requestID  string
	retryAfter time.Duration
	endpoint   string
}

// Error shows operation, status and code.
func (e *Error) Error() string {
	text := fmt.Sprintf("ddoe: %s: status %d", e.op, e.status)
	if e.code != "" {
		text += ", " + e.code
	}
	return text
}

// Service is "ddoe".
func (e *Error) Service() string { return "ddoe" }

// HTTPStatus is the status of the answer.
func (e *Error) HTTPStatus() int { return e.status }

// ErrorCode is CodeAnswerInvalid or empty.
func (e *Error) ErrorCode() string { return e.code }

// ServiceRequestID is the platform's id of the request; empty where it gave none.
func (e *Error) ServiceRequestID() string { return e.requestID }

// ServiceMessage is the platform's message for people, without secrets that it was sent; Error() does not have it.
func (e *Error) ServiceMessage() string { return e.message }

// Endpoint is the URL that was asked, without its query.
func (e *Error) Endpoint() string { return e.endpoint }

// RetryAfter is how long the platform asked to wait; zero if it did not.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// refusal makes the error of an answer that is no success.
func (c *Client) refusal(r call, resp *http.Response, body []byte) *Error {
	e := c.invalid(r, resp)
	if s := resp.StatusCode; !isJSON(resp.Header) && (s == 403 || s == 404 || s == 407) {
		return e
	}
	e.code = ""
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil { // in seconds alone
		e.retryAfter = time.Duration(max(0, min(seconds, 24*60*60))) * time.Second
	}
	var answer struct {
		Message string `json:"message"`
	}
	if isJSON(resp.Header) && json.Unmarshal(body, &answer) == nil {
		e.message = c.hidden.Replace(answer.Message)
	}
	return e
}

// invalid makes the error of an answer that is not valid.
func (c *Client) invalid(r call, resp *http.Response) *Error {
	path, _, _ := strings.Cut(c.base+r.path, "?")
	return &Error{op: r.op, status: resp.StatusCode, code: CodeAnswerInvalid, endpoint: path,
		requestID: c.requestID(resp)}
}

// concealer takes secrets out of what the platform states: as they are, as they stand in the JSON that was sent, and
// as others escape it. One of less than four characters stays, since words would be spoilt.
func concealer(secrets ...secret.Value) *strings.Replacer {
	var pairs []string
	for _, one := range secrets {
		text := one.Reveal()
		quoted, err := encode(text)
		escaped, _ := json.Marshal(text) // any string is JSON
		if len(text) >= 4 && err == nil {
			pairs = append(pairs, string(escaped[1:len(escaped)-1]), "[redacted]",
				string(quoted[1:len(quoted)-1]), "[redacted]", text, "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...)
}

func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/json"
}

func (c *Client) requestID(resp *http.Response) string {
	return c.hidden.Replace(resp.Header.Get("x-request-id"))
}
