// Package azure holds what the clients of Azure's services share: the policies of their pipelines, the time limit
// of a request, and the making of blob clients. It imports no package of the product, and knows nothing of what a
// request is for.
package azure

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
)

// AttemptID returns a policy, for each attempt, that gives every attempt an id of its own under that header: with
// one id for all attempts, a support case cannot tell the attempt that landed from those that did not.
func AttemptID(header string) policy.Policy { return attemptID{header: header} }

type attemptID struct{ header string }

// Do implements policy.Policy.
func (p attemptID) Do(req *policy.Request) (*http.Response, error) {
	req.Raw().Header.Set(p.header, uuid.NewString())
	return req.Next()
}

// PinHost returns a policy, for each call, that refuses to carry the token anywhere but to that host, over https:
// a next link is a URL out of a response body.
func PinHost(host string) policy.Policy { return pinHost{host: host} }

type pinHost struct{ host string }

// Do implements policy.Policy.
func (p pinHost) Do(req *policy.Request) (*http.Response, error) {
	if u := req.Raw().URL; u.Scheme != "https" || u.Host != p.host {
		return nil, fmt.Errorf("refusing to follow a link to the foreign host %q", u.Host)
	}
	return req.Next()
}

// maxRetryAfter is the longest wait that an answer may ask for: a day.
const maxRetryAfter = 24 * time.Hour

// RetryAfter is how long an answer asks to wait, by its header Retry-After in either form, seconds or HTTP date; zero
// where it does not ask, and a day at most. Source: RFC 9110, 10.2.3.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		// Bounded before it is multiplied: a larger number would overflow into a wait that is over.
		return time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
