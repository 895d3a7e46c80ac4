package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// Exchanger makes credentials that exchange a subject token. It holds no token and no cache: two credentials never
// share one, because a cached access token makes a broken trust look sound.
type Exchanger struct{ options azcore.ClientOptions }

// The retry budget of an exchange: somebody waits for the answer, and a refusal is never retried anyway.
const (
	maxRetries = 1
	tryTimeout = 2500 * time.Millisecond
	firstDelay = 200 * time.Millisecond
	maxDelay   = time.Second
)

// NewExchanger takes transport and cloud of the token service's pipeline; the retry budget is cut down to one retry
// after at most a second. The cloud's authority host is the only host that an assertion is ever sent to.
func NewExchanger(opts azcore.ClientOptions) *Exchanger {
	if opts.Retry.MaxRetries == 0 || opts.Retry.MaxRetries > maxRetries {
		opts.Retry.MaxRetries = maxRetries
	}
	opts.Retry.TryTimeout = capped(opts.Retry.TryTimeout, tryTimeout)
	opts.Retry.RetryDelay = capped(opts.Retry.RetryDelay, firstDelay)
	opts.Retry.MaxRetryDelay = capped(opts.Retry.MaxRetryDelay, maxDelay)
	if opts.Cloud.ActiveDirectoryAuthorityHost == "" {
		opts.Cloud = cloud.AzurePublic
	}
	return &Exchanger{options: opts}
}

// own are the answers of the token service: a refusal has a trace id and is as RFC 6749, 5.2 has it; its metadata is
// as OpenID Connect Discovery has it.
var own = azure.Service{Name: "entra", RequestID: []string{"x-ms-request-id"},
	IsRefusal: func(body []byte, hasID bool) bool {
		var refusal struct {
			Error   string `json:"error"`
			TraceID string `json:"trace_id"`
		}
		return json.Unmarshal(body, &refusal) == nil && refusal.Error != "" && (hasID || refusal.TraceID != "")
	},
	IsDocument: func(body []byte) bool {
		var metadata struct {
			TokenEndpoint string `json:"token_endpoint"`
		}
		return json.Unmarshal(body, &metadata) == nil && metadata.TokenEndpoint != ""
	},
}

// capped is d where it is set and not above the limit.
func capped(d, limit time.Duration) time.Duration {
	if d == 0 || d > limit {
		return limit
	}
	return d
}

// Credential returns a fresh credential of the identity clientID in the tenant. Errors of its GetToken are
// *ExchangeError, or *NetworkError where there was no answer; they never hold the assertion.
func (e *Exchanger) Credential(tenantID, clientID string, t SubjectToken) (azcore.TokenCredential, error) {
	if tenantID == "" || clientID == "" {
		return nil, errors.New("tenant id and client id are needed for a token exchange")
	}
	if _, err := ParseSubjectToken(t); err != nil {
		return nil, err
	}
	authority, err := url.Parse(e.options.Cloud.ActiveDirectoryAuthorityHost)
	if err != nil {
		return nil, fmt.Errorf("authority host: %w", err)
	}
	opts := e.options
	opts.PerCallPolicies = append([]policy.Policy{pinned{host: authority.Host}}, opts.PerCallPolicies...)
	opts.PerRetryPolicies = append([]policy.Policy{observed{}, own.OwnAnswers()},
		opts.PerRetryPolicies...)
	assertion := func(context.Context) (string, error) { return t.Reveal(), nil }
	inner, err := azidentity.NewClientAssertionCredential(tenantID, clientID, assertion,
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions: opts,
			// The authority is one of the known clouds' and pinned; asking the public discovery about it costs a
			// request.
			DisableInstanceDiscovery: true,
		})
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return &credential{inner: inner}, nil
}

// credential turns the errors of azidentity into ours.
type credential struct{ inner azcore.TokenCredential }

// GetToken exchanges the assertion, or answers from this credential's own cache.
func (c *credential) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	ctx, seen := observe(ctx)
	token, err := c.inner.GetToken(ctx, opts)
	if err == nil {
		return token, nil
	}
	classified := Classify(err)
	var exchange *ExchangeError
	if errors.As(classified, &exchange) {
		return azcore.AccessToken{}, classified
	}
	// azidentity keeps only the text of a transport error, so the pipeline remembers the error itself.
	cause := seen.last()
	if ctx.Err() != nil {
		cause = ctx.Err()
	}
	return azcore.AccessToken{}, &NetworkError{Err: cause}
}

// pinned refuses to send a body anywhere but to the authority host: whatever a metadata document states, the assertion
// goes to one place.
type pinned struct{ host string }

// Do implements policy.Policy.
func (p pinned) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	if raw.Method != http.MethodGet && !strings.EqualFold(raw.URL.Host, p.host) {
		note(raw.Context(), errForeignHost)
		return nil, errForeignHost
	}
	return req.Next()
}

var errForeignHost = errors.New("the token endpoint is not on the authority host")
