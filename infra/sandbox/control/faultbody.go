package control

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// write answers with the fault: its own body, or an error of the shape that the host's service gives.
func (f Fault) write(w http.ResponseWriter, r *http.Request, now time.Time, requestID string) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	if host, _, _ := strings.Cut(r.Host, ":"); host == platform.GateHost {
		w.Header().Set("x-request-id", requestID) // on every answer of the platform, whatever its body
	}
	contentType, body := f.ownBody()
	if f.Body == nil && status >= 400 {
		contentType, body = f.serviceBody(w.Header(), r.Host, status, now, requestID)
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	for name, value := range f.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified {
		_, _ = w.Write(body) // the caller went away: nobody to tell
	}
}

// ownBody is the body that was given: text as it is, anything else as JSON.
func (f Fault) ownBody() (contentType string, body []byte) {
	var text string
	switch {
	case f.Body == nil:
		return "", nil
	case json.Unmarshal(f.Body, &text) == nil:
		return "text/plain; charset=utf-8", []byte(text)
	}
	return "application/json; charset=utf-8", f.Body
}

func (f Fault) serviceBody(header http.Header, host string, status int, now time.Time,
	requestID string) (string, []byte) {
	host, _, _ = strings.Cut(host, ":")
	switch {
	case strings.HasPrefix(host, "login."):
		return f.entraBody(header, status, now, requestID)
	case strings.Contains(host, ".blob."):
		return f.storageBody(header, status, now, requestID)
	case strings.Contains(host, "graph"):
		return f.graphBody(header, status, now, requestID)
	case host == platform.GateHost:
		_, message := f.words(status)
		return "application/json; charset=utf-8", encode(map[string]any{"status": status, "message": message})
	}
	header.Set("x-ms-request-id", requestID)
	header.Set("x-ms-correlation-request-id", requestID)
	code, message := f.words(status)
	return "application/json; charset=utf-8",
		encode(map[string]any{"error": map[string]any{"code": code, "message": message}})
}

// words are code and message, with what a service would say where they are not given.
func (f Fault) words(status int) (code, message string) {
	code, message = f.Code, f.Message
	if code == "" {
		code = strings.ReplaceAll(http.StatusText(status), " ", "")
	}
	if message == "" {
		message = http.StatusText(status) + "."
	}
	return code, message
}

func (f Fault) graphBody(header http.Header, status int, now time.Time, requestID string) (string, []byte) {
	header.Set("request-id", requestID)
	header.Set("client-request-id", requestID)
	code, message := f.words(status)
	return "application/json", encode(map[string]any{"error": map[string]any{"code": code, "message": message,
		"innerError": map[string]any{
			"date": now.Format("2006-01-02T15:04:05"), "request-id": requestID, "client-request-id": requestID}}})
}

// storageBody is the XML of the blob service; the code is in a header, too, because a HEAD has no body.
func (f Fault) storageBody(header http.Header, status int, now time.Time, requestID string) (string, []byte) {
	code, message := f.words(status)
	if f.Code == "" {
		switch status {
		case http.StatusServiceUnavailable:
			code = "ServerBusy"
		case http.StatusInternalServerError:
			code = "InternalError"
		}
	}
	header.Set("x-ms-error-code", code)
	header.Set("x-ms-request-id", requestID)
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(message)) // a strings.Builder never fails
	return "application/xml", fmt.Appendf(nil, "\ufeff<?xml version=\"1.0\" "+
		"encoding=\"utf-8\"?><Error><Code>%s</Code><Message>%s\nRequestId:%s\nTime:%s</Message></Error>",
		code, escaped.String(), requestID, now.Format("2006-01-02T15:04:05.0000000Z"))
}

// entraBody is the token endpoint's error. The code may be an AADSTS number, or an OAuth error such as invalid_client.
func (f Fault) entraBody(header http.Header, status int, now time.Time, requestID string) (string, []byte) {
	header.Set("x-ms-request-id", requestID)
	oauth, number, message := f.Code, 0, f.Message
	if digits := regexp.MustCompile(`^(?:AADSTS)?(\d{5,8})$`).FindStringSubmatch(f.Code); digits != nil {
		number, _ = strconv.Atoi(digits[1]) // eight digits at most
		oauth = ""
	}
	if oauth == "" {
		oauth = oauthError(status)
	}
	if message == "" {
		message = http.StatusText(status) + "."
	}
	numbers := []int{}
	if number != 0 {
		numbers = append(numbers, number)
		message = fmt.Sprintf("AADSTS%d: %s", number, message)
	}
	return "application/json; charset=utf-8", encode(map[string]any{
		"error": oauth, "error_codes": numbers, "trace_id": requestID, "correlation_id": requestID,
		"timestamp": now.Format("2006-01-02 15:04:05Z"),
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s",
			message, requestID, requestID, now.Format("2006-01-02 15:04:05Z")),
	})
}

func oauthError(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "invalid_client"
	case status >= 500 || status == http.StatusTooManyRequests:
		return "temporarily_unavailable"
	}
	return "invalid_request"
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil { // maps of strings and numbers: cannot be
		return []byte(`{}`)
	}
	return data
}
