package ddoe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TestTheTokenSourceEchoesNoKey in what it calls a code or a request id.
func TestTheTokenSourceEchoesNoKey(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("x-request-id", apiKey)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":"`+apiKey+`"}`)
		}))
		defer server.Close()
		_, err := ddoe.NewTokenSource(server.URL, secret.New(apiKey), server.Client()).SubjectToken(t.Context(), "s", "a")
		var refused *ddoe.Error
		require.ErrorAs(t, err, &refused)
		assert.NotContains(t, fmt.Sprintf("%v %+v %s %s", err, refused, refused.ErrorCode(), refused.ServiceRequestID()), "planted")
	}
}
