package functions

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// asked counts the requests to Storage by what tells clients apart: the version, and whether a token came along.
type asked struct {
	next http.Handler
	mu   sync.Mutex
	by   map[[2]string]int
}

// ServeHTTP implements http.Handler.
func (s *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := "with token"
	if r.Header.Get("Authorization") == "" {
		kind = "anonymous"
	}
	s.mu.Lock()
	for _, version := range r.Header.Values("x-ms-version") {
		s.by[[2]string{version, kind}]++
	}
	s.mu.Unlock()
	s.next.ServeHTTP(w, r)
}

// wholeAccount names no container, so that one is chosen.
const wholeAccount = `{"serviceName":"my-service",
	"storage":[{"resourceId":"` + world.DataAccountID + `","access":"readWrite"}]}`

// TestEveryBlobRequestAsksForThePinnedVersion: those of the state store, of access tests in a named container and
// in one that stands for its account, and of the question without a token.
func TestEveryBlobRequestAsksForThePinnedVersion(t *testing.T) {
	a := newAppOn(t, map[string]string{
		"DDOE_SUBJECT_TOKEN_URL": "https://gate.dataloop.ai/api/v1/subject-tokens", "DDOE_API_KEY": planted,
	}, onStateAccount(t))
	seen := &asked{next: a.net["*.blob.core.windows.net"], by: map[[2]string]int{}}
	a.net["*.blob.core.windows.net"] = seen
	for id, spec := range map[string]string{"named": good, "account": wholeAccount} {
		require.Equal(t, 201, a.call("PUT", "/integrations/"+id, spec).StatusCode)
		a.deliver()
		for _, body := range []string{`{}`, `{"mode": "oracle"}`, `{"subjectToken": "garbage"}`} {
			got := a.call("POST", "/integrations/"+id+"/access-tests", body)
			require.Equal(t, 200, got.StatusCode, got.raw)
		}
	}
	require.Equal(t, 200, a.call("GET", "/integrations", "").StatusCode)
	pinned := [][2]string{{azure.StorageVersion, "with token"}, {azure.StorageVersion, "anonymous"}}
	for key, n := range seen.by {
		assert.Contains(t, pinned, key, "%d requests", n)
	}
	assert.Positive(t, seen.by[pinned[0]])
	assert.Positive(t, seen.by[pinned[1]])
}

// behind is an account that learns versions later than the pinned one: it refuses that as the sandbox refuses a
// version to come.
func behind(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-ms-version") == azure.StorageVersion {
			r.Header.Set("x-ms-version", "2099-11-05")
		}
		next.ServeHTTP(w, r)
	})
}

// TestAnAccountThatDoesNotKnowTheVersion is told as what it is, with who mends it, whatever account that is.
func TestAnAccountThatDoesNotKnowTheVersion(t *testing.T) {
	const code = "storage-version-unsupported"
	t.Run("access test", func(t *testing.T) {
		a := newApp(t, map[string]string{
			"DDOE_SUBJECT_TOKEN_URL": "https://gate.dataloop.ai/api/v1/subject-tokens", "DDOE_API_KEY": planted})
		require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
		a.deliver()
		a.net["*.blob.core.windows.net"] = behind(a.net["*.blob.core.windows.net"])
		for _, body := range []string{`{}`, `{"mode": "oracle"}`, `{"subjectToken": "garbage"}`} {
			got := a.call("POST", "/integrations/my-images/access-tests", body)
			require.Equal(t, 200, got.StatusCode, got.raw)
			assert.Contains(t, got.raw, code, body)
			assert.Contains(t, got.raw, "The version is 2099-11-05.")
			assert.NotContains(t, got.raw, "storage-unrecognised")
		}
	})
	t.Run("state account", func(t *testing.T) {
		a := newAppOn(t, nil, onStateAccount(t))
		require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
		a.net["*.blob.core.windows.net"] = behind(a.net["*.blob.core.windows.net"])
		for _, request := range [][3]string{
			{"PUT", "/integrations/my-images", good}, {"GET", "/integrations/my-images", ""},
			{"GET", "/integrations", ""},
		} {
			got := a.call(request[0], request[1], request[2])
			assert.Equal(t, 503, got.StatusCode, got.raw)
			assert.Equal(t, code, got.at("code"), got.raw)
			assert.Equal(t, "operator", got.at("remedy", "who"))
			assert.Equal(t, "InvalidHeaderValue", got.at("evidence", "storageCode"), got.raw)
		}
	})
}
