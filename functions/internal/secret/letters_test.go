package secret_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TestTheLettersOfAToken: those of base64 in URLs, the two of its own included, and no others.
func TestTheLettersOfAToken(t *testing.T) {
	t.Parallel()
	body := base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"??>>~~~","exp":1800000000}`))
	assert.Regexp(t, "[-_]", body)
	at, ok := secret.New("e30." + body + ".x").Expires()
	assert.True(t, ok)
	assert.Equal(t, int64(1800000000), at.Unix())
	_, ok = secret.New("e30." + body + "~.x").Expires()
	assert.False(t, ok)
}
