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
	"unicode"

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

// ParseSubjectToken reads the claims of a compact JWT without verifying it: at most MaxSubjectToken bytes, exactly
// three parts of strict base64url without padding, header and claims JSON objects. The error is ErrMalformedToken.
func ParseSubjectToken(t SubjectToken) (Claims, error) {
	compact := t.Reveal()
	switch {
	case compact == "":
		return Claims{}, fmt.Errorf("%w: it is empty", ErrMalformedToken)
	case len(compact) > MaxSubjectToken:
		return Claims{}, fmt.Errorf("%w: it is larger than %d bytes", ErrMalformedToken, MaxSubjectToken)
	case strings.TrimLeftFunc(compact, unicode.IsSpace) != compact:
		return Claims{}, fmt.Errorf("%w: a blank or line break stands before it", ErrMalformedToken)
	case strings.TrimRightFunc(compact, unicode.IsSpace) != compact:
		return Claims{}, fmt.Errorf("%w: a blank or line break stands behind it", ErrMalformedToken)
	}
	if around := wrapping(compact); around != "" {
		return Claims{}, fmt.Errorf("%w: %s", ErrMalformedToken, around)
	}
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return Claims{}, fmt.Errorf("%w: it is made of %d instead of 3 parts", ErrMalformedToken, len(parts))
	}
	var c Claims
	if err := decodePart("header", parts[0], text("kid", &c.KeyID), text("alg", &c.Algorithm),
		text("typ", &c.Type)); err != nil {
		return Claims{}, err
	}
	if err := decodePart("claims", parts[1], text("iss", &c.Issuer), text("sub", &c.Subject),
		texts("aud", &c.Audience), seconds("exp", &c.ExpiresAt), seconds("nbf", &c.NotBefore),
		seconds("iat", &c.IssuedAt)); err != nil {
		return Claims{}, err
	}
	if signature, err := strictBase64(parts[2]); err != nil || len(signature) == 0 {
		return Claims{}, fmt.Errorf("%w: the signature is not base64url", ErrMalformedToken)
	}
	return c, nil
}

// wrapping tells what stands around a token that was copied with more than itself; empty for nothing. It repeats
// nothing but names of members that tokens are usually sent in.
func wrapping(text string) string {
	var inside any
	isJSON := json.Unmarshal([]byte(text), &inside) == nil
	object, isObject := inside.(map[string]any)
	_, isString := inside.(string)
	switch {
	case len(text) > 7 && strings.EqualFold(text[:7], "Bearer "):
		return "the word Bearer stands before it, which belongs into a header"
	case isObject:
		for _, name := range []string{"access_token", "id_token", "token", "subjectToken", "subject_token", "jwt"} {
			if _, isThere := object[name].(string); isThere {
				return "it is a JSON object, of which the value of " + name + " alone may be the token"
			}
		}
		return "it is a JSON object"
	case isJSON && isString, text[0] == '"', text[0] == '\'':
		return "it stands in quotes"
	case text[0] == '{', text[0] == '[':
		return "it is JSON, or a part of it"
	default:
		return ""
	}
}

// strictBase64 decodes base64url without padding, without newlines and with zero trailing bits.
func strictBase64(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, ErrMalformedToken
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// claim is a member of header or claims that is read.
type claim struct {
	name string
	// want is what its value has to be.
	want string
	into any
}

// text is a claim of the type StringOrURI.
func text(name string, into *string) claim { return claim{name, "a string", into} }

// texts is a claim that is one string or a list of them (RFC 7519, section 4.1.3).
func texts(name string, into *[]string) claim {
	return claim{name, "a string or a list of strings", (*stringOrList)(into)}
}

// seconds is a claim of the type NumericDate.
func seconds(name string, into *time.Time) claim {
	return claim{name, "a number of seconds, from 1970 to 9999,", (*numericDate)(into)}
}

// decodePart reads claims of a part; their names are compared with their case (RFC 7519, section 4).
func decodePart(name, part string, claims ...claim) error {
	raw, err := strictBase64(part)
	if err != nil {
		return fmt.Errorf("%w: the %s part is not base64url", ErrMalformedToken, name)
	}
	if len(raw) == 0 || raw[0] != '{' {
		return fmt.Errorf("%w: the %s part is not a JSON object", ErrMalformedToken, name)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return fmt.Errorf("%w: the %s part is not readable", ErrMalformedToken, name)
	}
	for _, c := range claims {
		value, ok := members[c.name]
		if ok && json.Unmarshal(value, c.into) != nil {
			return fmt.Errorf("%w: its %s is %s, where %s is expected", ErrMalformedToken, c.name, kindOf(value),
				c.want)
		}
	}
	return nil
}

// kindOf tells which type a JSON value has.
func kindOf(value json.RawMessage) string {
	switch value[0] {
	case '"':
		return "a string"
	case '[':
		return "a list"
	case '{':
		return "an object"
	case 't', 'f':
		return "true or false"
	default:
		return "a number"
	}
}

// stringOrList is one string or a list of them.
type stringOrList []string

// UnmarshalJSON accepts both forms.
func (s *stringOrList) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*s = make(stringOrList, 1)
		return json.Unmarshal(b, &(*s)[0])
	}
	return json.Unmarshal(b, (*[]string)(s))
}

// numericDate is a time in seconds since the epoch, possibly with a fraction (RFC 7519, section 2).
type numericDate time.Time

// UnmarshalJSON accepts a JSON number between the years 1970 and 9999; null is a claim that is not there.
func (n *numericDate) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var since float64
	if err := json.Unmarshal(b, &since); err != nil {
		return err
	}
	const lastSecond = 253402300799 // 9999-12-31T23:59:59Z
	if since < 0 || since > lastSecond {
		return fmt.Errorf("time out of range")
	}
	*n = numericDate(time.Unix(int64(since), 0).UTC())
	return nil
}
