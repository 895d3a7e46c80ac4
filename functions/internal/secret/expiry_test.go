package secret_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

func TestExpires(t *testing.T) {
	t.Parallel()
	at, ok := secret.New("e30.eyJleHAiOjE4MDAwMDAwMDB9.x").Expires()
	assert.True(t, ok)
	assert.Equal(t, int64(1800000000), at.Unix())
	for _, key := range []string{"", "key", "a.b.c", "e30.e30.x", "e30.eyJleHAiOi0xfQ.x"} {
		_, ok := secret.New(key).Expires()
		assert.False(t, ok, key)
	}
}
