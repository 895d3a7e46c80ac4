package entra_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const subject = "system:serviceaccount:dataloop:my-service"

// network answers HTTP requests by host, in-process; a host that it does not know does not resolve.
type network = inprocess.ByHost

// clock is a time that stands still until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

// fixture is a seeded world with one application that trusts one subject of the platform's issuer.
type fixture struct {
	clock     *clock
	world     *world.World
	authority *entra.Authority
	issuer    *platform.Issuer
	network   network
	app       world.Application
	principal world.ServicePrincipal
	trust     world.FederatedIdentityCredential
}

// issuerKey signs for the issuers of all tests: an RSA key takes longer to make than most tests take.
var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{clock: &clock{at: time.Now().Truncate(time.Second)}, network: network{}}
	f.world = world.New(f.clock.now)
	world.Seed(f.world)
	var err error
	f.authority, err = entra.NewAuthority(f.world)
	require.NoError(t, err)
	key, err := issuerKey()
	require.NoError(t, err)
	f.issuer = platform.NewIssuer(world.Issuer, f.clock.now, key)
	f.network[platform.Host] = platform.New(f.world, platform.Options{Issuer: f.issuer, APIKey: "key"})
	f.network[entra.Host] = entra.New(f.world, f.authority, f.network)

	f.app, err = f.world.CreateApplication(world.Application{DisplayName: "my-app"}, "")
	require.NoError(t, err)
	f.principal, err = f.world.CreateServicePrincipal(world.ServicePrincipal{AppID: f.app.AppID,
		AccountEnabled: true}, "")
	require.NoError(t, err)
	f.trust, err = f.world.CreateFederatedCredential(world.FederatedIdentityCredential{
		ApplicationID: f.app.ID, Name: "trust", Issuer: world.Issuer, Subject: subject,
		Audiences: []string{entra.ResourceTokenExchange},
	})
	require.NoError(t, err)
	return f
}

func (f *fixture) mint(t *testing.T, request platform.TokenRequest) string {
	t.Helper()
	if request.Subject == "" {
		request.Subject = subject
	}
	token, err := f.issuer.Mint(request)
	require.NoError(t, err)
	return token
}

// form is a token request that succeeds as it stands.
func (f *fixture) form(t *testing.T) url.Values {
	t.Helper()
	return url.Values{
		"grant_type":            {"client_credentials"},
		"client_id":             {f.app.AppID},
		"client_info":           {"1"},
		"scope":                 {"https://storage.azure.com/.default"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {f.mint(t, platform.TokenRequest{})},
	}
}

// refusal is the body of an error answer.
type refusal struct {
	Status        int    `json:"-"`
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	ErrorURI      string `json:"error_uri"`
}

func (f *fixture) post(t *testing.T, tenant string, form url.Values, header ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://"+entra.Host+"/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := f.network.RoundTrip(request)
	require.NoError(t, err)
	return response
}

func (f *fixture) refused(t *testing.T, tenant string, form url.Values, header ...string) refusal {
	t.Helper()
	response := f.post(t, tenant, form, header...)
	got := refusal{Status: response.StatusCode}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
	return got
}

func (f *fixture) get(t *testing.T, address string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	response, err := f.network.RoundTrip(request)
	require.NoError(t, err)
	body := map[string]any{}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
	return response.StatusCode, body
}

func document(body any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(body) })
}
