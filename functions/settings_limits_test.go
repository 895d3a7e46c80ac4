package functions

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestSettingsAtTheirLimits: the last value that a setting takes, and the first that it does not.
func TestSettingsAtTheirLimits(t *testing.T) {
	t.Parallel()
	const port, bus, namespace = "FUNCTIONS_CUSTOMHANDLER_PORT", "ServiceBusConnection",
		"ServiceBusConnection__fullyQualifiedNamespace"
	const endpoint, name, key = "Endpoint=sb://wif.servicebus.windows.net/", "SharedAccessKeyName=app",
		"SharedAccessKey=planted="
	for setting, values := range map[string]map[string]bool{
		port: {"1": true, "0": false, "-1": false, "65535": true, "65536": false, " 80 ": true,
			"80.0": false},
		"AZURE_CLOUD": {"public": true, "usgov": true, "china": true, "Public": false, "german": false},
		"AZURE_CLIENT_ID": {"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10": true, "0b1f6e0e7f0c4f7e9d596d9c9f1c2a10": false,
			"urn:uuid:0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10": false},
		bus: {endpoint + ";" + name + ";" + key: true, endpoint + ";SharedAccessSignature=planted": true,
			" endpoint = sb://x ; sharedaccesskeyname = a ; sharedaccesskey = b": false,
			"ENDPOINT=sb://wif.x;SHAREDACCESSKEYNAME=a;SHAREDACCESSKEY=b":        true,
			endpoint + ";" + name: false, endpoint + ";" + key: false, name + ";" + key: false,
			"Endpoint=https://wif.servicebus.windows.net/;" + name + ";" + key: false,
			"Endpoint=sb://;" + name + ";" + key:                               false,
			endpoint + ";" + name + ";" + key + ";EntityPath=q":                false,
			endpoint + ";" + name + ";" + key + ";EntityPath=":                 true},
		namespace: {"wif.servicebus.windows.net": true, "a.b": true, "a-b.c": true, "WIF.x": true, "wif": false,
			"-a.b": false,
			"a-.b": false, "a..b": false, "a.b.": false, "a_b.c": false},
		"SERVICEBUS_CUSTOM_ENDPOINT": {"host": true, "host:1": true, "10.0.0.1:5671": true, ":1": false,
			"host/":     false,
			"user@host": false, "host?x": false},
		"PUBLIC_BASE_URL": {"https://h": true, "http://h:1/x": true, "https://h/#x": false, "https://h?": true,
			"https://u@h": false, "https://": false, "h": false},
		"DDOE_SUBJECT_TEMPLATE": {"{service}": true, "a:{service}": true, "a": false, "{service}{service}": false},
		"DDOE_ISSUER":           {"https://h": true, "https://h/": true, "http://h": false},
		"DEFAULT_IDENTITY":      {"application": true, "managedIdentity": true, "Application": false},
	} {
		for value, accepted := range values {
			changes := map[string]string{setting: value}
			if setting == bus {
				changes[namespace] = ""
			}
			_, err := ConfigFromEnvironment(settings(changes))
			if accepted {
				require.NoError(t, err, "%s=%s", setting, value)
			} else {
				require.ErrorContains(t, err, setting, "%s=%s", setting, value)
			}
		}
	}
}

// TestEachCloudByItsName: what differs between them, whole; a row that is mixed up would ask a cloud for another's
// tokens.
func TestEachCloudByItsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Cloud{
		"": {"public", cloud.AzurePublic, "api://AzureADTokenExchange",
			"blob.core.windows.net"},
		"public": {"public", cloud.AzurePublic, "api://AzureADTokenExchange",
			"blob.core.windows.net"},
		"usgov": {"usgov", cloud.AzureGovernment, "api://AzureADTokenExchangeUSGov", "blob.core.usgovcloudapi.net"},
		"china": {"china", cloud.AzureChina, "api://AzureADTokenExchangeChina", "blob.core.chinacloudapi.cn"},
	} {
		c, err := ConfigFromEnvironment(settings(map[string]string{"AZURE_CLOUD": name}))
		require.NoError(t, err)
		assert.Equal(t, want, c.Cloud)
		d := defaults(c, foundation{})
		assert.Equal(t, want.Audience, d.Audience)
	}
}

// TestDefaultsAreTheSettings, each in its place.
func TestDefaultsAreTheSettings(t *testing.T) {
	t.Parallel()
	c, err := ConfigFromEnvironment(settings(map[string]string{"DDOE_ISSUER": "https://i", "REGION_NAME": "r",
		"DDOE_SUBJECT_TEMPLATE": "t:{service}", "DEFAULT_IDENTITY": "managedIdentity",
		"IDENTITY_RESOURCE_GROUP": identities, "OWN_RESOURCE_GROUP": ownGroup}))
	require.NoError(t, err)
	d := defaults(c, foundation{})
	assert.Equal(t, []string{"https://i", "t:{service}", "managedIdentity", identities, "r"},
		[]string{d.Issuer, d.SubjectTemplate, string(d.IdentityKind), d.IdentityGroup.String(), d.Location})
	require.Len(t, d.OwnGroups, 1)
	assert.Equal(t, ownGroup, d.OwnGroups[0].String())
	assert.NotNil(t, d.TenantID)
}

// TestTheTransportsLimits: no phase of a request waits for ever, and a dead connection is found.
func TestTheTransportsLimits(t *testing.T) {
	t.Parallel()
	transport, ok := newClient().Transport.(*http.Transport)
	require.True(t, ok)
	assert.NotNil(t, transport.Proxy, "it honours HTTPS_PROXY")
	assert.NotNil(t, transport.DialContext)
	assert.True(t, transport.ForceAttemptHTTP2)
	assert.Equal(t, []int{100, 10}, []int{transport.MaxIdleConns, transport.MaxIdleConnsPerHost})
	assert.Equal(t, []time.Duration{90 * time.Second, 10 * time.Second, time.Second, headerLimit,
		10 * time.Second, 5 * time.Second}, []time.Duration{transport.IdleConnTimeout, transport.TLSHandshakeTimeout,
		transport.ExpectContinueTimeout, transport.ResponseHeaderTimeout, transport.HTTP2.SendPingTimeout,
		transport.HTTP2.PingTimeout})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://host", nil)
	require.NoError(t, err)
	for status, refused := range map[int]bool{200: false, 403: true, 502: true} {
		err := transport.OnProxyConnectResponse(t.Context(), nil, request, &http.Response{StatusCode: status})
		assert.Equal(t, refused, err != nil, status)
		if refused {
			assert.Equal(t, status, err.(interface{ ProxyStatus() int }).ProxyStatus())
			assert.ErrorContains(t, err, "host")
		}
	}
}

// TestSleepEndsWithItsContext, and else after its time.
func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, sleep(ctx, time.Hour), context.Canceled)
	began := time.Now()
	require.NoError(t, sleep(t.Context(), 20*time.Millisecond))
	assert.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond)
}

// TestWarmUpDoesAllAtOnce: it waits for each of them, and each runs while the others do.
func TestWarmUpDoesAllAtOnce(t *testing.T) {
	t.Parallel()
	const tasks = 3
	var running atomic.Int32
	all := make(chan struct{})
	meet := func(ctx context.Context) error {
		if running.Add(1) == tasks {
			close(all)
		}
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p := foundation{warm: []func(context.Context) error{meet, meet}}
	p.warmUp(t.Context(), discard(), func(ctx context.Context) (string, error) { return "", meet(ctx) })
	assert.EqualValues(t, tasks, running.Load())
}

// TestAContainerThatCannotBeMade is the error, not the absence that led to it: the absence would be taken for an empty
// deployment.
func TestAContainerThatCannotBeMade(t *testing.T) {
	t.Parallel()
	made := 0
	net := network{"*.blob.core.windows.net": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, code := http.StatusNotFound, "ContainerNotFound"
		if r.Method == http.MethodPut && r.URL.Query().Get("restype") == "container" {
			made++
			status, code = http.StatusForbidden, "AuthorizationPermissionMismatch"
		}
		w.Header().Set("x-ms-error-code", code)
		w.Header().Set("x-ms-request-id", "refused")
		w.WriteHeader(status)
	})}
	store, err := blobstore.New("https://fresh.blob.core.windows.net", fixedToken{},
		azcore.ClientOptions{Transport: &http.Client{Transport: net}})
	require.NoError(t, err)
	s := containerMaker{store}
	_, readErr := s.Get(t.Context(), "operations/x.json")
	_, writeErr := s.Put(t.Context(), "operations/x.json", []byte("{}"), "")
	_, _, listErr := s.List(t.Context(), "operations/", "", 10)
	for use, err := range map[string]error{"read": readErr, "write": writeErr, "list": listErr} {
		var refused *blobstore.Error
		require.ErrorAs(t, err, &refused, use)
		assert.Equal(t, "AuthorizationPermissionMismatch", refused.Code, use)
		require.NotErrorIs(t, err, integration.ErrNotFound, use)
	}
	assert.Equal(t, 3, made, "each tries to make it")
}

type fixedToken struct{}

// GetToken implements azcore.TokenCredential.
func (fixedToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
