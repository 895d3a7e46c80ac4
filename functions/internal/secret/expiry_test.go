package secret_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// jwt is a key with that payload.
func jwt(payload string) secret.Value {
	return secret.New("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x")
}

func TestExpires(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]int64{
		`{"exp":1800000000}`:              1800000000,
		`{"exp":1800000000.9}`:            1800000000,
		`{"exp":1}`:                       1,
		`{"exp":100000000000}`:            100000000000,
		`{"aud":"??>>","exp":1800000000}`: 1800000000, // needs both letters that URLs have of their own
	} {
		at, ok := jwt(payload).Expires()
		assert.True(t, ok, payload)
		assert.Equal(t, want, at.Unix(), payload)
		assert.Equal(t, time.UTC, at.Location())
	}
	at, ok := secret.New("e30.eyJleHAiOjE4MDAwMDAwMDAgfQ==.x").Expires()
	assert.True(t, ok, "padded")
	assert.Equal(t, int64(1800000000), at.Unix())
	for _, payload := range []string{`{}`, `{"exp":0}`, `{"exp":-1}`, `{"exp":100000000001}`, `{"exp":"1800000000"}`,
		`[]`, `{"exp":18`} {
		at, ok := jwt(payload).Expires()
		assert.False(t, ok, payload)
		assert.Zero(t, at, payload)
	}
	const payload = "eyJleHAiOjE4MDAwMDAwMDB9"
	for _, key := range []string{"", "key", payload, "e30." + payload, "e30." + payload + ".x.y",
		"e30.!" + payload + ".x", "e30." + payload + "~.x",
		"a.b.c"} {
		_, ok := secret.New(key).Expires()
		assert.False(t, ok, key)
	}
}
