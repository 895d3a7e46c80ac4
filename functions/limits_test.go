package functions

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// onStateAccount keeps the records in the deployment's own account.
func onStateAccount(t *testing.T) func(network, identity) integration.Store {
	return func(net network, own identity) integration.Store {
		store, err := blobstore.New("https://"+deployment.Example().State.Name+".blob.core.windows.net", own,
			foundation{client: &http.Client{Transport: net}}.clientOptions(Config{}))
		require.NoError(t, err)
		return containerMaker{store}
	}
}

// within asserts how long something took, by the clock of a synctest bubble.
func within(t *testing.T, began time.Time, least, most time.Duration) {
	t.Helper()
	took := time.Since(began)
	t.Logf("took %v", took)
	assert.GreaterOrEqual(t, took, least)
	assert.LessOrEqual(t, took, most)
}

// TestAHungServiceCostsOneLimit: a command whose service takes a request and never answers is parked after the
// time of one attempt, waits, and goes on once the service answers.
func TestAHungServiceCostsOneLimit(t *testing.T) {
	for host, limit := range map[string]time.Duration{
		"graph.microsoft.com": azure.AnswerLimit, "management.azure.com": azure.AnswerLimit,
		sandbox.GateHost: ddoe.AnswerLimit,
	} {
		t.Run(host, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newApp(t, map[string]string{
					"DDOE_API_URL": "https://" + sandbox.GateHost + "/api/v1", "DDOE_API_KEY": planted})
				created := a.call("PUT", "/integrations/my-images", withDDOE)
				require.Equal(t, 201, created.StatusCode, created.raw)
				path := strings.TrimPrefix(created.Header.Get("Operation-Location"), "/api")
				healthy := a.net[host]
				a.net[host] = hung
				began := time.Now()
				a.deliver()
				within(t, began, limit, limit+5*time.Second)
				op := a.call("GET", path, "")
				assert.Equal(t, "Running", op.at("status"))
				assert.Equal(t, "network-timeout", op.at("waiting", "code"), op.raw)
				assert.Contains(t, op.at("waiting", "detail"), host)
				a.net[host] = healthy
				a.due()
				assert.Equal(t, "Succeeded", a.call("GET", path, "").at("status"))
			})
		})
	}
}

// TestAHungServiceIsToldToACaller who waits for the answer.
func TestAHungServiceIsToldToACaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApp(t, nil)
		a.call("PUT", "/integrations/my-images", good)
		a.deliver()
		for _, host := range []string{"graph.microsoft.com", "management.azure.com"} {
			healthy := a.net[host]
			a.net[host] = hung
			began := time.Now()
			got := a.call("GET", "/integrations/my-images/drift", "")
			within(t, began, azure.AnswerLimit, azure.AnswerLimit+5*time.Second)
			assert.Contains(t, got.raw, "network-timeout", host)
			a.net[host] = healthy
		}
	})
}

// TestAHungStateAccount: who writes and who reads is told so while the front end still listens.
func TestAHungStateAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAppOn(t, nil, onStateAccount(t))
		require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
		healthy := a.net["*.blob.core.windows.net"]
		a.net["*.blob.core.windows.net"] = hung
		for _, request := range [][3]string{
			{"PUT", "/integrations/my-images", good}, {"GET", "/integrations/my-images", ""},
		} {
			began := time.Now()
			got := a.call(request[0], request[1], request[2])
			within(t, began, azure.AnswerLimit, azure.AnswerLimit+5*time.Second)
			assert.Equal(t, 503, got.StatusCode, got.raw)
			assert.Equal(t, "store-unavailable", got.at("code"), got.raw)
		}
		a.net["*.blob.core.windows.net"] = healthy
		assert.Equal(t, 200, a.call("GET", "/integrations/my-images", "").StatusCode)
	})
}

// TestAnAnswerThatStopsHalfWay: the limit holds to the last byte.
func TestAnAnswerThatStopsHalfWay(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"value":[`))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	client := newClient()
	defer client.CloseIdleConnections()
	options := azure.Limit(foundation{client: client}.clientOptions(Config{}), 100*time.Millisecond)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	answer, err := options.Transport.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	_, err = answer.Body.Read(make([]byte, 10))
	require.NoError(t, err)
	_, err = answer.Body.Read(make([]byte, 10))
	var late *azure.TimeoutError
	require.ErrorAs(t, err, &late)
}

// TestAHungTokenEndpoint: the app's own identity is asked for a token within the same limit, and is named as what
// fails.
func TestAHungTokenEndpoint(t *testing.T) {
	// azidentity itself reads these two.
	t.Setenv("IDENTITY_ENDPOINT", "https://identity.example/token")
	t.Setenv("IDENTITY_HEADER", "header")
	synctest.Test(t, func(t *testing.T) {
		net := network{"identity.example": hung}
		options := foundation{client: &http.Client{Transport: net}}.clientOptions(Config{})
		credential, err := newCredential(Config{ManagedIdentity: true}, options)
		require.NoError(t, err)
		began := time.Now()
		_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{
			Scopes: []string{entra.ResourceStorage + "/.default"}})
		require.Error(t, err)
		within(t, began, azure.AnswerLimit, azure.AnswerLimit+time.Second)
		assert.Contains(t, err.Error(), "no whole answer from identity.example within 20s")
	})
}

// TestACancelledInvocationEndsAtOnce, whatever it waits for.
func TestACancelledInvocationEndsAtOnce(t *testing.T) {
	for _, host := range []string{"graph.microsoft.com", "management.azure.com", "*.blob.core.windows.net"} {
		t.Run(host, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAppOn(t, nil, onStateAccount(t))
				require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
				a.net[host] = hung
				m, ok := a.queue.take("wif-commands")
				require.True(t, ok)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				began := time.Now()
				err := a.function("reconcile").Message(ctx, Delivery{Body: m.Body, MessageID: m.ID,
					SessionID: m.SessionID})
				require.ErrorIs(t, err, context.Canceled)
				within(t, began, time.Second, time.Second)
			})
		})
	}
}
