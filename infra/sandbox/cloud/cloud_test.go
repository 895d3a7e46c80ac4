package cloud_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// getVariable makes the test binary a program of its own that gets one URL with the default client.
const getVariable = "CLOUD_TEST_GET"

func TestMain(m *testing.M) {
	if target := os.Getenv(getVariable); target != "" {
		response, err := http.Get(target)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(response.StatusCode)
		return
	}
	goleak.VerifyTestMain(m)
}

const discovery = "https://dataloop.ai/oauth2/.well-known/openid-configuration"

func started(t *testing.T) *cloud.Cloud {
	t.Helper()
	c, err := cloud.New(cloud.Options{Log: t.Output()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	require.NoError(t, c.Start(t.Context()))
	return c
}

func setting(t *testing.T, c *cloud.Cloud, name string) string {
	t.Helper()
	for _, pair := range c.Environment() {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	t.Fatalf("no %s in the environment", name)
	return ""
}

// client is one that goes through the proxy and trusts the sandbox's certificates.
func client(t *testing.T, c *cloud.Cloud) *http.Client {
	t.Helper()
	proxy, err := url.Parse(setting(t, c, "HTTPS_PROXY"))
	require.NoError(t, err)
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: trusting(t, c)}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func trusting(t *testing.T, c *cloud.Cloud) *tls.Config {
	t.Helper()
	raw, err := os.ReadFile(setting(t, c, "SSL_CERT_FILE"))
	require.NoError(t, err)
	assert.Equal(t, c.CertificateAuthority(), raw)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(raw))
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func get(t *testing.T, h *http.Client, target string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	response, err := h.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body), nil
}

func TestEveryServiceAnswersByItsHost(t *testing.T) {
	c := started(t)
	inProcess := &http.Client{Transport: c.RoundTripper()}
	for way, h := range map[string]*http.Client{"through the proxy": client(t, c), "in-process": inProcess} {
		for target, status := range map[string]int{
			"https://login.microsoftonline.com/" + world.TenantID + "/v2.0/.well-known/openid-configuration": 200,
			"https://graph.microsoft.com/v1.0/applications":                                                  401,
			"https://management.azure.com" + world.DataAccountID + "?api-version=2023-05-01":                 401,
			"https://acmedata.blob.core.windows.net/images?restype=container&comp=list":                      401,
			discovery:                             200,
			"https://gate.dataloop.ai/api":        200,
			"https://DATALOOP.AI:443/oauth2/jwks": 200,
		} {
			t.Run(way+" "+target, func(t *testing.T) {
				response, body, err := get(t, h, target)
				require.NoError(t, err)
				assert.Equal(t, status, response.StatusCode, body)
				assert.Equal(t, int64(len(body)), response.ContentLength)
			})
		}
	}
}

func TestUnmodifiedProgramReachesTheSandbox(t *testing.T) {
	c := started(t)
	run := func(target string) string {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Env = append(append(os.Environ(), "NO_PROXY=*", "no_proxy=*"),
			append(c.Environment(), getVariable+"="+target)...)
		out, _ := command.CombinedOutput()
		return string(out)
	}
	assert.Equal(t, "200\n", run(discovery))
	assert.Contains(t, run("https://example.com/"), "Bad Gateway")
}

func TestUnknownHostsAreRefused(t *testing.T) {
	c := started(t)
	proxied := client(t, c)
	for _, target := range []string{
		"https://example.com/", "https://nobody.blob.core.windows.net/", "https://blob.core.windows.net/",
		"https://sub.dataloop.ai/",
		"https://dataloop.ai:8443/", "https://127.0.0.1/",
	} {
		t.Run(target, func(t *testing.T) {
			_, _, err := get(t, proxied, target)
			require.ErrorContains(t, err, "Bad Gateway")
		})
	}
	t.Run("plain HTTP", func(t *testing.T) {
		response, _, err := get(t, proxied, "http://dataloop.ai/")
		require.NoError(t, err)
		assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	})
	t.Run("another Host within the tunnel", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, discovery, nil)
		require.NoError(t, err)
		request.Host = "example.com"
		response, err := proxied.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, http.StatusMisdirectedRequest, response.StatusCode)
	})
	t.Run("in-process", func(t *testing.T) {
		for _, target := range []string{"https://example.com/", "http://dataloop.ai/"} {
			_, _, err := get(t, &http.Client{Transport: c.RoundTripper()}, target)
			var dns *net.DNSError
			require.ErrorAs(t, err, &dns)
			assert.True(t, dns.IsNotFound)
		}
	})
}

func TestRequestsAreLoggedAndFaultsApply(t *testing.T) {
	c := started(t)
	for way, h := range map[string]*http.Client{"through the proxy": client(t, c),
		"in-process": {Transport: c.RoundTripper()}} {
		t.Run(way, func(t *testing.T) {
			seen := len(c.Requests(0))
			require.NoError(t, c.Faults().Set([]control.Fault{
				{Match: control.Match{Host: "dataloop"}, Times: new(1), Status: 503, Effect: control.EffectBefore},
				{Match: control.Match{Host: "dataloop"}, Times: new(1), Effect: control.EffectDrop},
			}))
			response, _, err := get(t, h, discovery)
			require.NoError(t, err)
			assert.Equal(t, 503, response.StatusCode)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://dataloop.ai/oauth2/jwks",
				strings.NewReader("x"))
			require.NoError(t, err)
			response, err = h.Do(request) // a POST, which no transport tries again
			if err == nil {
				_ = response.Body.Close()
			}
			require.Error(t, err, "the connection is cut")
			if way == "in-process" {
				require.ErrorIs(t, err, syscall.ECONNRESET)
			}
			response, _, err = get(t, h, discovery)
			require.NoError(t, err)
			assert.Equal(t, 200, response.StatusCode)
			var statuses []int
			for _, r := range c.Requests(0)[seen:] {
				assert.Equal(t, "dataloop.ai", r.Host)
				statuses = append(statuses, r.Status)
			}
			assert.Equal(t, []int{503, 0, 200}, statuses)
		})
	}
}

func TestInProcessRequestEndsWithItsContext(t *testing.T) {
	c := started(t)
	c.World().SetTiming(world.Timing{LatencyMS: 60_000})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, discovery, nil)
	require.NoError(t, err)
	response, err := c.RoundTripper().RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// appToken is the app's identity, asked for at the managed-identity endpoint as azidentity would.
type appToken struct {
	t *testing.T
	c *cloud.Cloud
}

func (a appToken) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	query := url.Values{"api-version": {"2019-08-01"}, "resource": {strings.TrimSuffix(o.Scopes[0], "/.default")},
		"client_id": {world.AppClientID}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, setting(a.t, a.c, "IDENTITY_ENDPOINT")+"?"+
		query.Encode(), nil)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	request.Header.Set("X-IDENTITY-HEADER", setting(a.t, a.c, "IDENTITY_HEADER"))
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if response.StatusCode != http.StatusOK {
		return azcore.AccessToken{}, errors.New(response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return azcore.AccessToken{}, err
	}
	return azcore.AccessToken{Token: body.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestServiceBusByIdentityOverTLS(t *testing.T) {
	c := started(t)
	bus, err := azservicebus.NewClient(setting(t, c, "ServiceBusConnection__fullyQualifiedNamespace"), appToken{t, c},
		&azservicebus.ClientOptions{
			CustomEndpoint: setting(t, c, "SERVICEBUS_CUSTOM_ENDPOINT"), TLSConfig: trusting(t, c),
			RetryOptions: azservicebus.RetryOptions{MaxRetries: -1},
		})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, bus.Close(context.Background())) })
	send := func(entity string) error {
		sender, err := bus.NewSender(entity, nil)
		require.NoError(t, err)
		defer func() { _ = sender.Close(t.Context()) }()
		session := "s"
		return sender.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("x"), SessionID: &session}, nil)
	}
	require.NoError(t, send("wif-commands"))
	require.NoError(t, send("wif-events"))
	assert.Len(t, c.Broker().Peek("wif-commands"), 1)
	assert.Len(t, c.Broker().Events("wif-events"), 1)

	for _, ra := range c.World().RoleAssignments() {
		if strings.HasSuffix(ra.Scope, "/queues/wif-health") && strings.HasSuffix(ra.RoleDefinitionID,
			rbac.RoleServiceBusDataSender) {
			_, err := c.World().DeleteRoleAssignment(ra.ID)
			require.NoError(t, err)
		}
	}
	var refused *azservicebus.Error
	require.ErrorAs(t, send("wif-health"), &refused)
	assert.Equal(t, azservicebus.CodeUnauthorizedAccess, refused.Code, "receiving is allowed, sending no more")
	require.NoError(t, send("wif-commands"), "the other queue is not concerned")

	receiver, err := bus.NewReceiverForSubscription("wif-events", "a", nil)
	require.NoError(t, err)
	_, err = receiver.PeekMessages(t.Context(), 1, nil)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, azservicebus.CodeUnauthorizedAccess, refused.Code, "the app reads no events")
}

func TestServiceBusByConnectionString(t *testing.T) {
	c := started(t)
	response, body, err := get(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		c.ControlURL()+"/world")
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
	var state struct {
		Queues     []struct{ Name string }
		ServiceBus struct{ ConnectionString, Plain, TLS, Namespace string }
		Authority  string `json:"certificateAuthority"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &state))
	assert.Equal(t, string(c.CertificateAuthority()), state.Authority)
	assert.Equal(t, deployment.Example().Namespace.Host(), state.ServiceBus.Namespace)
	assert.Equal(t, setting(t, c, "SERVICEBUS_CUSTOM_ENDPOINT"), state.ServiceBus.TLS)
	var names []string
	for _, q := range state.Queues {
		names = append(names, q.Name)
	}
	assert.Subset(t, names, []string{"wif-commands", "wif-health"})

	bus, err := azservicebus.NewClientFromConnectionString(state.ServiceBus.ConnectionString, nil)
	require.NoError(t, err)
	sender, err := bus.NewSender("wif-health", nil)
	require.NoError(t, err)
	require.NoError(t, sender.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("x")}, nil))
	require.NoError(t, bus.Close(t.Context()))
	assert.Len(t, c.Broker().Peek("wif-health"), 1)
}

func TestStartNamesATakenAddressAndLeavesNothing(t *testing.T) {
	c := started(t)
	taken := strings.TrimPrefix(c.ControlURL(), "http://")
	second, err := cloud.New(cloud.Options{ControlAddr: taken})
	require.NoError(t, err)
	err = second.Start(t.Context())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "control API")
	require.NoError(t, second.Close())
}

func TestCloseRemovesTheCertificate(t *testing.T) {
	c, err := cloud.New(cloud.Options{})
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	file := setting(t, c, "SSL_CERT_FILE")
	require.FileExists(t, file)
	require.NoError(t, c.Close())
	require.NoFileExists(t, file)
	require.NoError(t, c.Close(), "closing twice is harmless")
}
