package entra

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

const (
	issuerTimeout  = 5 * time.Second
	issuerMaxBytes = 64 << 10
	issuerMaxKeys  = 100 // Entra keeps the first 100 keys of an issuer and no more
)

// issuers fetches what outside issuers publish, anew for each exchange: unlike Entra, the sandbox caches no metadata,
// so that a rotation shows at once.
type issuers struct{ client *http.Client }

func newIssuers(transport http.RoundTripper) issuers {
	return issuers{client: &http.Client{
		Transport: transport,
		Timeout:   issuerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// discovery is the part of an issuer's OpenID configuration that Entra insists on.
type discovery struct {
	Issuer                string   `json:"issuer"`
	JWKSURI               string   `json:"jwks_uri"`
	AuthorizationEndpoint *string  `json:"authorization_endpoint"`
	SubjectTypes          []string `json:"subject_types_supported"`
}

// keys are the issuer's verification keys by id. Every error is one of the refusals 501661, 90061 and 900612: which
// of the first two Entra chooses is not documented, here 90061 means that discovery was fine and the key set was not.
func (i issuers) keys(ctx context.Context, issuer string) (map[string]*rsa.PublicKey, error) {
	// Entra appends the well-known path to the issuer as it stands, less a trailing slash.
	document, err := i.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, issuerUnreachable()
	}
	var found discovery
	if err := json.Unmarshal(document, &found); err != nil || !found.isAcceptable(issuer) {
		return nil, issuerUnreachable()
	}
	document, err = i.get(ctx, found.JWKSURI)
	if err != nil {
		return nil, keysUnreachable()
	}
	keys, err := jose.ParseKeySet(document)
	if err != nil || len(keys) > issuerMaxKeys {
		return nil, keysUnparsable()
	}
	return keys, nil
}

// isAcceptable follows the faults for which Entra has been seen to refuse a document that it could well fetch: an
// empty authorization_endpoint and an empty subject_types_supported.
func (d discovery) isAcceptable(issuer string) bool {
	if d.Issuer != issuer || len(d.SubjectTypes) == 0 {
		return false
	}
	if d.AuthorizationEndpoint != nil && !isAbsoluteHTTPS(*d.AuthorizationEndpoint) {
		return false
	}
	return isAbsoluteHTTPS(d.JWKSURI)
}

var errNotPublished = errors.New("entra: issuer document is not published")

func (i issuers) get(ctx context.Context, address string) ([]byte, error) {
	if !isAbsoluteHTTPS(address) {
		return nil, fmt.Errorf("%w: %q is no https URL", errNotPublished, address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotPublished, err)
	}
	response, err := i.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotPublished, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", errNotPublished, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, issuerMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotPublished, err)
	}
	if len(document) > issuerMaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", errNotPublished, issuerMaxBytes)
	}
	return document, nil
}

func isAbsoluteHTTPS(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Scheme == "https" && parsed.Host != ""
}
