package arm

import (
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
)

// The headers that tie a request to Microsoft's logs.
const (
	headerRequestID       = "x-ms-request-id"
	headerClientRequestID = "x-ms-client-request-id"
)

// attemptID gives every attempt an id of its own: with one id for all attempts, a support case cannot tell the attempt
// that landed from those that did not.
type attemptID struct{}

func (attemptID) Do(req *policy.Request) (*http.Response, error) {
	req.Raw().Header.Set(headerClientRequestID, uuid.NewString())
	return req.Next()
}

// pinHost refuses to carry the token anywhere but to ARM: a next link is a URL out of a response body.
type pinHost struct{ host string }

func (p pinHost) Do(req *policy.Request) (*http.Response, error) {
	if u := req.Raw().URL; u.Scheme != "https" || u.Host != p.host {
		return nil, fmt.Errorf("refusing to follow a link to the foreign host %q", u.Host)
	}
	return req.Next()
}
