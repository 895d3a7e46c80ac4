package door

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// clockSkew is the difference between clocks that is forgiven, as Microsoft's own libraries do. Source:
// Microsoft.IdentityModel.Tokens, TokenValidationParameters.DefaultClockSkew.
const clockSkew = 5 * time.Minute

// Options are what tokens are held against.
type Options struct {
	// Audience is the claim aud, byte for byte: the API's client id, or in tokens of version 1 its application id URI.
	Audience string
	// TenantID is the tenant whose tokens count.
	TenantID func(ctx context.Context) (string, error)
	// Authority is the cloud's token service, such as https://login.microsoftonline.com/.
	Authority string
	Client    *http.Client
	Now       func() time.Time
}

// Verifier verifies access tokens of one tenant for one API.
type Verifier struct {
	Options
	parser *jwt.Parser

	mu      sync.Mutex
	issuers map[string]*issuer // by configuration
}

// NewVerifier makes a Verifier. It sends nothing before there is a token.
func NewVerifier(o Options) *Verifier {
	return &Verifier{Options: o, issuers: map[string]*issuer{}, parser: jwt.NewParser(
		// Entra signs with nothing else. Source: its metadata, member id_token_signing_alg_values_supported.
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithAudience(o.Audience), jwt.WithExpirationRequired(), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(o.Now),
		jwt.WithStrictDecoding())}
}

// claims are those of an access token of version 1 or 2. Source: learn.microsoft.com, Access token claims reference.
type claims struct {
	jwt.RegisteredClaims
	Version  string `json:"ver"`
	TenantID string `json:"tid"`
	Object   string `json:"oid"`
	// AppID1 and AppID2 are the client id of who asked for the token, in version 1 and 2. An id token has neither.
	AppID1 string        `json:"appid"`
	AppID2 string        `json:"azp"`
	Roles  []caller.Role `json:"roles"`
	// Groups are absent where the token would name more than it can hold (200). Source: learn.microsoft.com,
	// Configure group claims for applications.
	Groups []string `json:"groups"`
}

// configurations are where the issuers of tokens publish what they are, below the tenant, by version of the token.
func configurations() map[string]string {
	const document = ".well-known/openid-configuration"
	return map[string]string{"1.0": document, "2.0": "v2.0/" + document}
}

// Verify returns who a token speaks for. The error is a *diagnosis.Error that tells which check failed, and never
// holds the token: signature, times and audience first, then issuer and tenant, then that it is an access token.
func (v *Verifier) Verify(ctx context.Context, token string) (caller.Caller, error) {
	tenant, err := v.TenantID(ctx)
	if err != nil {
		return caller.Caller{}, unavailable(err)
	}
	var said claims
	var issuedBy string
	_, err = v.parser.ParseWithClaims(token, &said, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		name, key, err := v.find(ctx, tenant, said.Version, id)
		if err == nil && key == nil {
			err = jwt.ErrTokenSignatureInvalid
		}
		issuedBy = name
		return key, err
	})
	switch {
	case err != nil:
		return caller.Caller{}, v.refusal(err, tenant)
	case said.Issuer != issuedBy || !strings.EqualFold(said.TenantID, tenant):
		return caller.Caller{}, v.words(diagnosis.CodeCallerTokenTenant, tenant, nil)
	case said.Object == "" || said.AppID1+said.AppID2 == "":
		return caller.Caller{}, v.words(diagnosis.CodeCallerTokenInvalid, tenant, nil)
	}
	return caller.Caller{ID: said.Object, AppID: said.AppID1 + said.AppID2, Roles: said.Roles,
		Groups: said.Groups}, nil
}

// find looks for a key of the issuer of a version.
func (v *Verifier) find(ctx context.Context, tenant, version, id string) (string, any, error) {
	document, known := configurations()[version]
	if !known {
		return "", nil, nil
	}
	return v.issuer(strings.TrimSuffix(v.Authority, "/")+"/"+tenant+"/"+document).find(ctx, id)
}

func (v *Verifier) issuer(configuration string) *issuer {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.issuers[configuration] == nil {
		v.issuers[configuration] = &issuer{configuration: configuration, client: v.Client, now: v.Now}
	}
	return v.issuers[configuration]
}

// refusals are the parser's errors, by what is wrong with a token; the first that fits counts.
func refusals() []struct {
	err  error
	code diagnosis.Code
} {
	return []struct {
		err  error
		code diagnosis.Code
	}{
		{jwt.ErrTokenMalformed, diagnosis.CodeCallerTokenInvalid},
		{jwt.ErrTokenSignatureInvalid, diagnosis.CodeCallerTokenInvalid},
		{jwt.ErrTokenInvalidAudience, diagnosis.CodeCallerTokenAudience},
		{jwt.ErrTokenExpired, diagnosis.CodeCallerTokenExpired},
		{jwt.ErrTokenNotValidYet, diagnosis.CodeCallerTokenExpired},
	}
}

func (v *Verifier) refusal(err error, tenant string) error {
	if errors.Is(err, jwt.ErrTokenUnverifiable) && !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		return unavailable(err)
	}
	for _, row := range refusals() {
		if errors.Is(err, row.err) {
			return v.words(row.code, tenant, err)
		}
	}
	return v.words(diagnosis.CodeCallerTokenInvalid, tenant, err)
}

func (v *Verifier) words(code diagnosis.Code, tenant string, err error) error {
	return &diagnosis.Error{Err: err, Diagnosis: diagnosis.New(code,
		diagnosis.WithContext(diagnosis.Context{API: v.Audience, CallerTenant: tenant}))}
}

// unavailable tells that the app cannot verify tokens now.
func unavailable(err error) error {
	return &diagnosis.Error{Err: err, Diagnosis: diagnosis.New(diagnosis.CodeEntraUnavailable,
		diagnosis.WithDetail("The keys by which tokens are verified cannot be read, so nothing is known "+
			"of the token."))}
}
