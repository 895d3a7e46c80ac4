package ddoe

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// User is whom an API key belongs to.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Me reads the user of the API key. Success says that the key is accepted, whatever its user may do.
func (c *Client) Me(ctx context.Context) (User, error) {
	var u User
	_, err := c.do(ctx, call{op: "read own user", method: http.MethodGet, path: "/users/me", complete: func() bool { return u.Email != "" || u.ID != "" }}, &u)
	if u.Email == "" {
		u.Email = u.ID
	}
	return u, err
}

// KeyExpires is when an API key ends, by its claim exp, which nobody has verified; false where the key is no JWT or has no
// exp.
func KeyExpires(key secret.Value) (time.Time, bool) {
	parts := strings.Split(key.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expires json.Number `json:"exp"`
	}
	if json.Unmarshal(body, &claims) != nil {
		return time.Time{}, false
	}
	seconds, err := claims.Expires.Float64()
	if err != nil || seconds <= 0 || seconds > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}
