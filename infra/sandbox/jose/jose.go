// Package jose holds the sandbox's token-signing primitives: RSA keys with an id, key sets as JSON (RFC 7517) and
// signed compact tokens (RFC 7519). The pretended Entra and the pretended platform both sign with it, each with keys
// of its own, so that neither can pass for the other.
package jose

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// keyBits is the modulus size of every key; Entra refuses less than 2048.
const keyBits = 2048

// Key is an RSA key pair with the id (`kid`) that names it in a key set.
type Key struct {
	ID      string
	private *rsa.PrivateKey
}

// NewKey makes a key pair named id.
func NewKey(id string) (*Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("jose: generate key: %w", err)
	}
	return &Key{ID: id, private: private}, nil
}

// Public is the half of the key that a key set shows.
func (k *Key) Public() *rsa.PublicKey { return &k.private.PublicKey }

// Header is what a signer may choose in a token's header. Zero members mean RS256, typ JWT and the key's own id.
type Header struct {
	Algorithm string
	Type      string
	KeyID     string
	// WithoutKeyID leaves the key's id out.
	WithoutKeyID bool
}

// ErrUnsupportedAlgorithm is returned by Sign for an `alg` that it cannot produce.
var ErrUnsupportedAlgorithm = errors.New("jose: unsupported algorithm")

// Sign makes a compact token of the claims. Besides RS256 it can produce the tokens that a relying party has to
// refuse: "none", the HMAC family (keyed with the public modulus, the classic confusion attack) and other RSA digests.
func (k *Key) Sign(header Header, claims map[string]any) (string, error) {
	algorithm := header.Algorithm
	if algorithm == "" {
		algorithm = jwt.SigningMethodRS256.Alg()
	}
	method := jwt.GetSigningMethod(algorithm)
	if method == nil {
		return "", fmt.Errorf("%w: %q", ErrUnsupportedAlgorithm, algorithm)
	}
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	token.Header["typ"] = orDefault(header.Type, "JWT")
	if !header.WithoutKeyID {
		token.Header["kid"] = orDefault(header.KeyID, k.ID)
	}
	key, err := k.materialFor(method)
	if err != nil {
		return "", err
	}
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	return signed, nil
}

func (k *Key) materialFor(method jwt.SigningMethod) (any, error) {
	switch method.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		return k.private, nil
	case *jwt.SigningMethodHMAC:
		return k.private.N.Bytes(), nil
	default:
		if method == jwt.SigningMethodNone {
			return jwt.UnsafeAllowNoneSignatureType, nil
		}
		return nil, fmt.Errorf("%w: %q", ErrUnsupportedAlgorithm, method.Alg())
	}
}

// Token is a compact token taken apart. Nothing in it is verified until Verify has said so.
type Token struct {
	Header Header
	Claims map[string]any
	raw    string
}

// ErrMalformed is returned by Parse for what is not a compact JSON Web Token.
var ErrMalformed = errors.New("jose: malformed token")

// Parse takes a compact token apart without verifying anything.
func Parse(compact string) (Token, error) {
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseUnverified(compact, claims)
	// An unknown `alg` is no malformed token: the relying party has an answer of its own to that.
	if err != nil && !errors.Is(err, jwt.ErrTokenUnverifiable) {
		return Token{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return Token{
		Header: Header{
			Algorithm: text(parsed.Header["alg"]),
			Type:      text(parsed.Header["typ"]),
			KeyID:     text(parsed.Header["kid"]),
		},
		Claims: claims,
		raw:    compact,
	}, nil
}

// ErrSignature is returned by Verify for a signature that the key did not make, and for any algorithm but RS256.
var ErrSignature = errors.New("jose: signature is not valid")

// Verify checks that the token was signed by key with RS256. It checks no claim.
func (t Token) Verify(key *rsa.PublicKey) error {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithoutClaimsValidation(),
	)
	_, err := parser.ParseWithClaims(t.raw, jwt.MapClaims{}, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return nil
}

// Text is the claim's value if it is a string, else "".
func (t Token) Text(claim string) string { return text(t.Claims[claim]) }

// Unix is the claim's value as seconds since 1970 and whether it is a number at all.
func (t Token) Unix(claim string) (int64, bool) {
	switch value := t.Claims[claim].(type) {
	case float64:
		return int64(value), true
	case json.Number:
		seconds, err := value.Int64()
		return seconds, err == nil
	default:
		return 0, false
	}
}

// Audience is the `aud` claim, which may be one string or a list of them.
func (t Token) Audience() []string {
	switch value := t.Claims["aud"].(type) {
	case string:
		return []string{value}
	case []any:
		all := make([]string, 0, len(value))
		for _, one := range value {
			all = append(all, text(one))
		}
		return all
	default:
		return nil
	}
}

// JWK is one RSA verification key of a key set.
type JWK struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use,omitempty"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg,omitempty"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

// JWKS is a key set as an issuer publishes it.
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// KeySet shows the public halves of keys as a key set.
func KeySet(keys ...*Key) JWKS {
	set := JWKS{Keys: make([]JWK, 0, len(keys))}
	for _, key := range keys {
		set.Keys = append(set.Keys, JWK{
			KeyType:   "RSA",
			Use:       "sig",
			KeyID:     key.ID,
			Algorithm: jwt.SigningMethodRS256.Alg(),
			Modulus:   base64.RawURLEncoding.EncodeToString(key.Public().N.Bytes()),
			Exponent:  base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.Public().E)).Bytes()),
		})
	}
	return set
}

// ErrKeySet is returned by ParseKeySet for a document that is no usable key set.
var ErrKeySet = errors.New("jose: key set is not usable")

// ParseKeySet reads a key set; keys of other types than RSA are left out, a broken RSA key spoils the whole set.
func ParseKeySet(document []byte) (map[string]*rsa.PublicKey, error) {
	var set JWKS
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	keys := make(map[string]*rsa.PublicKey, len(set.Keys))
	for _, jwk := range set.Keys {
		if jwk.KeyType != "RSA" {
			continue
		}
		key, err := jwk.public()
		if err != nil {
			return nil, err
		}
		keys[jwk.KeyID] = key
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no RSA key in it", ErrKeySet)
	}
	return keys, nil
}

func (j JWK) public() (*rsa.PublicKey, error) {
	modulus, err := base64.RawURLEncoding.DecodeString(j.Modulus)
	if err != nil {
		return nil, fmt.Errorf("%w: n of key %q: %w", ErrKeySet, j.KeyID, err)
	}
	exponent, err := base64.RawURLEncoding.DecodeString(j.Exponent)
	if err != nil {
		return nil, fmt.Errorf("%w: e of key %q: %w", ErrKeySet, j.KeyID, err)
	}
	e := new(big.Int).SetBytes(exponent)
	if len(modulus) == 0 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
		return nil, fmt.Errorf("%w: key %q has no modulus or a strange exponent", ErrKeySet, j.KeyID)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}, nil
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
