package secret

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Expires is when a key that is a JWT ends, by its claim exp, which nobody has verified; false where it is no JWT or
// has no exp.
func (v Value) Expires() (time.Time, bool) {
	parts := strings.Split(v.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(body, &claims) != nil || claims.Expires <= 0 || claims.Expires > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Expires), 0).UTC(), true
}
