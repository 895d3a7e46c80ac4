package azure_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// do is a transport.
type do func(*http.Request) (*http.Response, error)

// Do implements policy.Transporter.
func (f do) Do(r *http.Request) (*http.Response, error) { return f(r) }

// credential issues tokens that nobody looks at.
type credential struct{}

// GetToken implements azcore.TokenCredential.
func (credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func answer(r *http.Request, status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"X-Ms-Request-Id": {"r"}}, Body: io.NopCloser(body),
		Request: r}
}

func nothing() io.Reader { return strings.NewReader("") }
