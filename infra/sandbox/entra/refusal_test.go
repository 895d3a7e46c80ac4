package entra_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// refusalCase is one row of TestRefusals.
type refusalCase struct {
	tenant  string // default: the seeded one
	arrange func(t *testing.T, f *fixture, form url.Values)
	code    int
	oauth   string
	status  int
	text    string // regular expression over the description
}

// TestRefusals has one row for each AADSTS code that the token endpoint can answer.
func TestRefusals(t *testing.T) {
	rows := map[string]refusalCase{}
	for _, some := range []map[string]refusalCase{
		refusedRequests(), refusedClients(), refusedAssertions(), refusedIssuers(), refusedSignatures(),
	} {
		for name, row := range some {
			require.NotContains(t, rows, name)
			rows[name] = row
		}
	}
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			form := f.form(t)
			if tc.arrange != nil {
				tc.arrange(t, f, form)
			}
			tenant := tc.tenant
			if tenant == "" {
				tenant = world.TenantID
			}
			got := f.refused(t, tenant, form)
			assert.Equal(t, []int{tc.code}, got.Codes, got.Description)
			assert.Equal(t, tc.oauth, got.Error)
			assert.Equal(t, tc.status, got.Status)
			assert.Regexp(t, `^AADSTS(\d{4,9}): `, got.Description)
			assert.Regexp(t, `(?s)`+tc.text, got.Description)
			assert.Regexp(t, regexp.QuoteMeta(" Trace ID: "+got.TraceID+" Correlation ID: "+got.CorrelationID+
				" Timestamp: "+got.Timestamp)+"$", got.Description)
			assert.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`, got.Timestamp)
			if assertion := form.Get("client_assertion"); assertion != "" {
				assert.NotContains(t, got.Description, assertion)
			}
		})
	}
}

// TestRefusalOrder gives each request all faults from some step on: the earliest must be the one that is named.
func TestRefusalOrder(t *testing.T) {
	f := newFixture(t)
	bad := platform.TokenRequest{Issuer: "https://other.example", Audience: "other", Subject: "other",
		KeyID: "unknown", ExpiresInSeconds: -600}
	form := f.form(t)
	form.Set("scope", "https://foo.example/.default")
	for _, step := range []struct {
		code   int
		repair func()
	}{
		{700211, func() { bad.Issuer = "" }},
		{700212, func() { bad.Audience = "" }},
		{700213, func() { bad.Subject = subject }},
		{7000272, func() { bad.KeyID = "" }},
		{700024, func() { bad.ExpiresInSeconds = 0 }},
		{500011, func() { form.Set("scope", "https://storage.azure.com/.default") }},
	} {
		form.Set("client_assertion", f.mint(t, bad))
		assert.Equal(t, []int{step.code}, f.refused(t, world.TenantID, form).Codes)
		step.repair()
	}
	form.Set("client_assertion", f.mint(t, bad))
	assert.Equal(t, http.StatusOK, f.post(t, world.TenantID, form).StatusCode)
}

func TestCorrelationIDIsTheCallers(t *testing.T) {
	f := newFixture(t)
	id := uuid.NewString()
	got := f.refused(t, "not-a-tenant", f.form(t), "client-request-id", id)
	assert.Equal(t, id, got.CorrelationID)
	assert.Equal(t, "https://login.microsoftonline.com/error?code=900023", got.ErrorURI)
}

// TestClockSkew: five minutes are forgiven at both ends, no more.
func TestClockSkew(t *testing.T) {
	for name, tc := range map[string]struct {
		later time.Duration // how much later than the token's issue Entra's clock is
		good  bool
	}{
		"issuer's clock is ahead":         {-5 * time.Minute, true},
		"issuer's clock is too far ahead": {-5*time.Minute - time.Second, false},
		"just expired":                    {6*time.Minute - time.Second, true},
		"long expired":                    {6 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.clock.advance(time.Hour)
			form := f.form(t)
			form.Set("client_assertion", f.mint(t, platform.TokenRequest{ExpiresInSeconds: 60}))
			f.clock.advance(tc.later)
			if tc.good {
				assert.Equal(t, http.StatusOK, f.post(t, world.TenantID, form).StatusCode)
				return
			}
			assert.Equal(t, []int{700024}, f.refused(t, world.TenantID, form).Codes)
		})
	}
}

// TestNewCredentialIsSlow: the directory has accepted a credential, but the token service does not know it yet.
func TestNewCredentialIsSlow(t *testing.T) {
	f := newFixture(t)
	f.world.SetTiming(world.Timing{STSMS: 5000})
	assert.Equal(t, []int{70025}, f.refused(t, world.TenantID, f.form(t)).Codes)

	f.clock.advance(5 * time.Second)
	require.Equal(t, http.StatusOK, f.post(t, world.TenantID, f.form(t)).StatusCode)

	_, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: f.app.ID,
		Name:   "second",
		Issuer: world.Issuer, Subject: "second", Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
	form := f.form(t)
	form.Set("client_assertion", f.mint(t, platform.TokenRequest{Subject: "second"}))
	assert.Equal(t, []int{700213}, f.refused(t, world.TenantID, form).Codes)
	f.world.Advance(5 * time.Second) // as the clock does
	assert.Equal(t, http.StatusOK, f.post(t, world.TenantID, form).StatusCode)
}

func set(name, value string) func(*testing.T, *fixture, url.Values) {
	return func(_ *testing.T, _ *fixture, form url.Values) { form.Set(name, value) }
}

func mint(request platform.TokenRequest) func(*testing.T, *fixture, url.Values) {
	return func(t *testing.T, f *fixture, form url.Values) { form.Set("client_assertion", f.mint(t, request)) }
}

// publish replaces members of the platform's discovery document.
func publish(members map[string]any) func(*testing.T, *fixture, url.Values) {
	return func(t *testing.T, f *fixture, _ url.Values) {
		_, discovery := f.get(t, world.Issuer+"/.well-known/openid-configuration")
		for name, value := range members {
			discovery[name] = value
		}
		f.network[platform.Host] = document(discovery)
	}
}

// foreign signs claims with a key that no issuer publishes.
func foreign(t *testing.T, kid string, claims map[string]any) string {
	t.Helper()
	key, err := jose.NewKey(kid)
	require.NoError(t, err)
	token, err := key.Sign(jose.Header{}, claims)
	require.NoError(t, err)
	return token
}

func (f *fixture) trustIssuer(t *testing.T, issuer string) {
	t.Helper()
	_, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: f.app.ID,
		Name:   "other",
		Issuer: issuer, Subject: subject, Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
}
