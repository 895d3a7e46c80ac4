// Package graph is a thin client of Microsoft Graph for what workload identity federation needs: applications, service
// principals, federated identity credentials and the recycle bin. Every write is keyed (uniqueName, appId, name), so
// that sending it twice is safe. Failures are *Error with Graph's code, status and request id. The package knows no
// rule of the domain: it decides nothing about retries beyond those of the azcore pipeline, and never interprets a
// message.
package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// ServiceName is the key under which a cloud.Configuration may name a Graph endpoint of its own.
const ServiceName cloud.ServiceName = "microsoftGraph"

const (
	moduleName    = "ddoe-wif-graph"
	moduleVersion = "v1.0.0"
	versionV1     = "/v1.0/"
	versionBeta   = "/beta/"
)

// The headers that tie a request to Microsoft's logs.
const (
	headerRequestID       = "request-id"
	headerClientRequestID = "client-request-id"
)

// Options are the options of New. The zero value is the public cloud.
type Options struct {
	azcore.ClientOptions
	// Endpoint is Graph's base URL without version, such as https://graph.microsoft.us. Empty derives it from Cloud:
	// Cloud.Services[ServiceName] if there, else by the cloud's authority host.
	Endpoint string
	// Scope is the scope of the access token; empty means Endpoint + "/.default".
	Scope string
}

// Client calls Graph as one identity. It is safe for concurrent use.
type Client struct {
	// Scope is that of the tokens that it is used with.
	Scope string

	endpoint string // scheme and host, no trailing slash
	pipeline runtime.Pipeline
}

// New returns a client that authenticates with cred. It sends nothing. It fails if the cloud is unknown and no
// Endpoint is given, or if the endpoint is not an https URL.
func New(cred azcore.TokenCredential, opts *Options) (*Client, error) {
	if cred == nil {
		return nil, errors.New("graph: credential missing")
	}
	if opts == nil {
		opts = &Options{}
	}
	endpoint, err := endpointOf(opts)
	if err != nil {
		return nil, err
	}
	scope := opts.Scope
	if scope == "" {
		scope = endpoint.String() + "/.default"
	}
	return &Client{
		endpoint: endpoint.String(), Scope: scope,
		pipeline: runtime.NewPipeline(moduleName, moduleVersion, runtime.PipelineOptions{
			PerCall: []policy.Policy{azure.PinHost(endpoint.Host)},
			PerRetry: []policy.Policy{
				azure.AttemptID(headerClientRequestID), own.OwnAnswers(),
				runtime.NewBearerTokenPolicy(cred, []string{scope}, nil),
			},
			AllowedHeaders: []string{headerClientRequestID, headerRequestID},
		}, &opts.ClientOptions),
	}, nil
}

// endpointOf finds Graph's base URL: given, named by the cloud, or known by the cloud's authority host.
func endpointOf(opts *Options) (*url.URL, error) {
	raw := opts.Endpoint
	if raw == "" {
		raw = opts.Cloud.Services[ServiceName].Endpoint
	}
	if raw == "" {
		switch opts.Cloud.ActiveDirectoryAuthorityHost {
		case "", cloud.AzurePublic.ActiveDirectoryAuthorityHost:
			raw = "https://graph.microsoft.com"
		case cloud.AzureGovernment.ActiveDirectoryAuthorityHost:
			raw = "https://graph.microsoft.us"
		case cloud.AzureChina.ActiveDirectoryAuthorityHost:
			raw = "https://microsoftgraph.chinacloudapi.cn"
		default:
			return nil, fmt.Errorf("graph: no endpoint known for the authority %q",
				opts.Cloud.ActiveDirectoryAuthorityHost)
		}
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("graph: endpoint %q is not an https URL of a host", raw)
	}
	return u, nil
}

// call is one request to Graph.
type call struct {
	op     string // for Error.Op, such as "create application"
	method string
	path   string // below the version, escaped, with query; or an absolute URL (next link)
	body   any    // nil for none
	upsert bool   // Prefer: create-if-missing
	beta   bool
}

// do sends c and returns the response if its status is one of want; otherwise *Error. The body is downloaded already.
func (c *Client) do(ctx context.Context, r call, want ...int) (*http.Response, error) {
	target := r.path
	if !strings.HasPrefix(target, "https://") {
		version := versionV1
		if r.beta {
			version = versionBeta
		}
		target = c.endpoint + version + r.path
	}
	req, err := runtime.NewRequest(ctx, r.method, target)
	if err != nil {
		return nil, fmt.Errorf("graph: %s: %w", r.op, err)
	}
	req.Raw().Header.Set("Accept", "application/json")
	if r.upsert {
		req.Raw().Header.Set("Prefer", "create-if-missing")
	}
	if r.body != nil {
		if err := runtime.MarshalAsJSON(req, r.body); err != nil {
			return nil, fmt.Errorf("graph: %s: encode: %w", r.op, err)
		}
	}
	resp, err := c.pipeline.Do(req)
	if err != nil {
		return nil, fmt.Errorf("graph: %s: %w", r.op, err)
	}
	if !runtime.HasStatusCode(resp, want...) {
		return nil, newError(r.op, resp)
	}
	return resp, nil
}

// decode reads the JSON body of a success into v, which must then hold what was asked for: the SDK takes an empty body
// for any value.
func decode(op string, resp *http.Response, v complete) error {
	err := runtime.UnmarshalAsJSON(resp, v)
	if err == nil && !v.isComplete() {
		err = errIncomplete
	}
	if err != nil {
		return &undecodableError{answer{Op: op, StatusCode: resp.StatusCode,
			RequestID: resp.Header.Get(headerRequestID)}, err}
	}
	return nil
}

// complete is an answer that can tell whether it holds what was asked for.
type complete interface{ isComplete() bool }

var errIncomplete = errors.New("it lacks what was asked for")

// undecodableError is a success whose body is not the JSON that Graph documents: it proves nothing, and was answered.
type undecodableError struct {
	answer
	err error
}

type answer = Error // as a member, its name must not be that of its method

func (e *undecodableError) Error() string {
	return fmt.Sprintf("graph: %s: answer is not the expected JSON (request-id %s)", e.Op, e.RequestID)
}

func (e *undecodableError) Unwrap() error { return e.err }

// key is an OData key segment, such as applications(uniqueName='…'): quotes in the value are doubled, then the value
// is escaped for a URL path.
func key(collection, property, value string) string {
	return collection + "(" + property + "='" + url.PathEscape(strings.ReplaceAll(value, "'", "''")) + "')"
}
