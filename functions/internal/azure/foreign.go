package azure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Service tells an Azure service's own answers from those that a proxy or gateway on the way gives in its place.
type Service struct {
	// Name is the service's in evidence.
	Name string
	// RequestID are the headers of which the service sends one with every answer.
	RequestID []string
	// IsRefusal reports whether a body is a refusal of the service, which may name the id too. Nil for Storage, whose
	// bodies are no JSON.
	IsRefusal func(body []byte, hasID bool) bool
	// IsDocument reports whether a body is what the service has to be read of, whose headers are not documented. Nil
	// where every answer has an id.
	IsDocument func(body []byte) bool
}

// storage is Azure Storage. Source: learn.microsoft.com, Status and error codes.
var storage = Service{Name: "storage", RequestID: []string{"x-ms-request-id"}}

// ForeignError is an answer that the service did not give: it proves nothing, of rights least of all.
type ForeignError struct {
	service string
	status  int
}

// Error shows service and status, and nothing of the answer besides.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s: status %d, and not of the service's own: another one has answered", e.service, e.status)
}

// ForeignStatus is the status of the answer.
func (e *ForeignError) ForeignStatus() int { return e.status }

// ForeignService is the service that was asked.
func (e *ForeignError) ForeignService() string { return e.service }

// NonRetriable keeps azcore from sending the request again: it may have come through.
func (*ForeignError) NonRetriable() {}

// OwnAnswers returns a policy, for each attempt, that takes the service's own answers alone; any other is a
// *ForeignError. The SDKs take a web page for an empty list, no body for any value, and a status for a refusal,
// whoever has sent it. What may pass by itself (408, 429, 5xx) is let through: it proves nothing either way, and front
// ends of the services themselves answer so without an id (microsoft-authentication-library-for-dotnet issue 2855).
func (s Service) OwnAnswers() policy.Policy { return ownAnswers{s} }

type ownAnswers struct{ service Service }

// Do implements policy.Policy.
func (p ownAnswers) Do(req *policy.Request) (*http.Response, error) {
	resp, err := req.Next()
	if err != nil {
		return resp, err
	}
	isOwn, err := p.service.hasAnswered(req.Raw(), resp)
	if err != nil || isOwn {
		return resp, err
	}
	if err := resp.Body.Close(); err != nil {
		return nil, fmt.Errorf("close an answer that is not the service's: %w", err)
	}
	return nil, &ForeignError{service: p.service.Name, status: resp.StatusCode}
}

// hasAnswered reports whether an answer is the service's own, by its headers and the shape of its body. An error is
// about a body that broke off.
func (s Service) hasAnswered(req *http.Request, resp *http.Response) (bool, error) {
	status := resp.StatusCode
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests ||
		status == http.StatusRequestTimeout {
		return true, nil
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	hasID := slices.ContainsFunc(s.RequestID, func(name string) bool { return resp.Header.Get(name) != "" })
	isRefusal := status >= http.StatusBadRequest
	isDocument := s.IsDocument != nil && req.Method == http.MethodGet && !isRefusal
	switch {
	case media == "text/html", status == http.StatusProxyAuthRequired, !hasID && !isDocument &&
		(!isRefusal || s.IsRefusal == nil):
		return false, nil
	case s.IsRefusal == nil && isRefusal:
		return s.isStorageRefusal(resp)
	case s.IsRefusal == nil && isBodiless(req):
		raw, err := runtime.Payload(resp)
		return len(raw) == 0, err
	case s.IsRefusal == nil:
		return !isList(req, resp.StatusCode) || media == "application/xml" || media == "text/xml", nil
	case !isRefusal && !isDocument && !hasBody(req, resp.StatusCode):
		return true, nil
	}
	raw, err := runtime.Payload(resp)
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.Name, err)
	}
	switch {
	case isRefusal:
		return s.IsRefusal(raw, hasID), nil
	case isDocument:
		return s.IsDocument(raw), nil
	}
	// What breaks off behind that is the service's all the same: a list that ends in an error does.
	return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")), nil
}

// isStorageRefusal reports whether Storage's code is in the header or in the body; an answer to HEAD has no body.
func (Service) isStorageRefusal(resp *http.Response) (bool, error) {
	if resp.Header.Get("x-ms-error-code") != "" {
		return true, nil
	}
	raw, err := runtime.Payload(resp)
	return bytes.Contains(raw, []byte("<Code>")), err
}

// isList reports whether what is answered is a list of Storage's, which has a body.
func isList(req *http.Request, status int) bool {
	return status == http.StatusOK && req.URL.Query().Get("comp") == "list"
}

// isBodiless reports whether Storage answers a request by headers alone, where it succeeds: all but lists, other
// documents and blobs.
func isBodiless(req *http.Request) bool {
	query := req.URL.Query()
	return req.Method != http.MethodGet || query.Has("restype") && !query.Has("comp")
}

// hasBody reports whether a success has to have a body: a deletion, and what states that there is none, has not.
func hasBody(req *http.Request, status int) bool {
	return (status == http.StatusOK || status == http.StatusCreated) && req.Method != http.MethodDelete
}

// HasErrorCode reports whether a body is the error of a service with an id by header: error.code, or code alone as
// azcore reads it.
func HasErrorCode(body []byte, hasID bool) bool {
	var refusal struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
		Code string `json:"code"`
	}
	return hasID && json.Unmarshal(body, &refusal) == nil && refusal.Error.Code+refusal.Code != ""
}
