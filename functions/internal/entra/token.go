// Package entra exchanges a subject token for an access token, as the federated identity: one fresh credential for
// each test, typed errors that carry codes and never the assertion. It also reads, without verifying, what a subject
// token claims. It writes nothing to the directory.
package entra

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// MaxSubjectToken is the largest subject token that is accepted, in bytes.
const MaxSubjectToken = 16 << 10

// SubjectToken is the platform's OIDC token.
type SubjectToken = secret.Value

// Claims are the claims of a subject token. Nothing of it is verified; the token service does that.
type Claims struct {
	Issuer, Subject string
	Audience        []string
	// ExpiresAt, NotBefore and IssuedAt are zero where the token has no such claim.
	ExpiresAt, NotBefore, IssuedAt time.Time
	// KeyID, Algorithm and Type are kid, alg and typ of the header.
	KeyID, Algorithm, Type string
}

// ErrMalformedToken is the error of ParseSubjectToken; it is wrapped with the reason, never with a part of the token.
var ErrMalformedToken = errors.New("the subject token is not a JWT")

type jwtHeader struct {
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
}

type jwtClaims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  stringOrList `json:"aud"`
	ExpiresAt numericDate  `json:"exp"`
	NotBefore numericDate  `json:"nbf"`
	IssuedAt  numericDate  `json:"iat"`
}

// ParseSubjectToken reads the claims of a compact JWT without verifying it: at most MaxSubjectToken bytes, exactly
// three parts of strict base64url without padding, header and claims JSON objects. The error is ErrMalformedToken.
func ParseSubjectToken(t SubjectToken) (Claims, error) {
	text := t.Reveal()
	switch {
	case text == "":
		return Claims{}, fmt.Errorf("%w: it is empty", ErrMalformedToken)
	case len(text) > MaxSubjectToken:
		return Claims{}, fmt.Errorf("%w: it is larger than %d bytes", ErrMalformedToken, MaxSubjectToken)
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Claims{}, fmt.Errorf("%w: it is made of %d instead of 3 parts", ErrMalformedToken, len(parts))
	}
	var header jwtHeader
	if err := decodePart("header", parts[0], &header); err != nil {
		return Claims{}, err
	}
	var claims jwtClaims
	if err := decodePart("claims", parts[1], &claims); err != nil {
		return Claims{}, err
	}
	if signature, err := strictBase64(parts[2]); err != nil || len(signature) == 0 {
		return Claims{}, fmt.Errorf("%w: the signature is not base64url", ErrMalformedToken)
	}
	return Claims{
		Issuer: claims.Issuer, Subject: claims.Subject, Audience: claims.Audience,
		ExpiresAt: claims.ExpiresAt.Time, NotBefore: claims.NotBefore.Time, IssuedAt: claims.IssuedAt.Time,
		KeyID: header.KeyID, Algorithm: header.Algorithm, Type: header.Type,
	}, nil
}

// strictBase64 decodes base64url without padding, without newlines and with zero trailing bits.
func strictBase64(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, ErrMalformedToken
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

func decodePart(name, part string, into any) error {
	raw, err := strictBase64(part)
	if err != nil {
		return fmt.Errorf("%w: the %s part is not base64url", ErrMalformedToken, name)
	}
	if len(raw) == 0 || raw[0] != '{' {
		return fmt.Errorf("%w: the %s part is not a JSON object", ErrMalformedToken, name)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: the %s part is not readable", ErrMalformedToken, name)
	}
	return nil
}

// stringOrList is a claim that is one string or a list of them (RFC 7519, section 4.1.3).
type stringOrList []string

// UnmarshalJSON accepts both forms.
func (s *stringOrList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*s = stringOrList{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*s = many
	return nil
}

// numericDate is a time in seconds since the epoch, possibly with a fraction (RFC 7519, section 2).
type numericDate struct{ time.Time }

// UnmarshalJSON accepts a JSON number between the years 1970 and 9999; null is a claim that is not there.
func (n *numericDate) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	const lastSecond = 253402300799 // 9999-12-31T23:59:59Z
	if seconds < 0 || seconds > lastSecond {
		return fmt.Errorf("time out of range")
	}
	n.Time = time.Unix(int64(seconds), 0).UTC()
	return nil
}
