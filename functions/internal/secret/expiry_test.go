package secret_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TestExpires has what is a JWT with an end, to the last second that counts as one, and next to it what is none.
func TestExpires(t *testing.T) {
	t.Parallel()
	claims := func(body string) string { return base64.RawURLEncoding.EncodeToString([]byte(body)) }
	whole := claims(`{"exp":1800000000}`)
	for name, c := range map[string]struct {
		key  string
		unix int64 // 0: no end
	}{
		"a token":            {"e30." + whole + ".x", 1800000000},
		"a padded body":      {"e30." + claims(`{"exp":1800000000} `) + "==.x", 1800000000},
		"no header":          {"." + whole + ".", 1800000000},
		"a fraction":         {"e30." + claims(`{"exp":1800000000.9}`) + ".x", 1800000000},
		"the first second":   {"e30." + claims(`{"exp":1}`) + ".x", 1},
		"the last second":    {"e30." + claims(`{"exp":100000000000}`) + ".x", 100_000_000_000},
		"too late":           {"e30." + claims(`{"exp":100000000001}`) + ".x", 0},
		"zero":               {"e30." + claims(`{"exp":0}`) + ".x", 0},
		"before all time":    {"e30." + claims(`{"exp":-1}`) + ".x", 0},
		"no end":             {"e30.e30.x", 0},
		"an end in words":    {"e30." + claims(`{"exp":"1800000000"}`) + ".x", 0},
		"not JSON":           {"e30." + claims(`{"exp":1800000000`) + ".x", 0},
		"not base64":         {"e30." + whole + "!.x", 0},
		"two parts":          {"e30." + whole, 0},
		"four parts":         {"e30." + whole + ".x.y", 0},
		"five, as encrypted": {"e30." + whole + ".x.y.z", 0},
		"a key":              {"key", 0},
		"nothing":            {"", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, ok := secret.New(c.key).Expires()
			if c.unix == 0 {
				assert.False(t, ok)
				assert.Zero(t, at)
				return
			}
			assert.True(t, ok)
			assert.Equal(t, time.Unix(c.unix, 0).UTC(), at)
		})
	}
}
