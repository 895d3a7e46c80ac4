package discovery_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID  = "77777777-7777-4777-8777-777777777777"
	nobody    = "88888888-8888-4888-8888-888888888888" // no tenant's id
	govTenant = "99999999-9999-4999-8999-999999999999"
	suffix    = "blob.core.windows.net"
	blobs     = "*." + suffix
)

// internet is the sandbox's Entra, Storage and platform, by host.
type internet struct {
	inprocess.ByHost
	world *world.World
	names map[string]error // what a look at a name ends with; a name that is not there does not exist
}

func newInternet(t *testing.T) *internet {
	t.Helper()
	w := world.New(nil)
	world.Seed(w)
	w.PutTenant(world.Tenant{ID: govTenant, Domain: "agency.example", Cloud: "microsoftonline.us"})
	services, err := sandbox.NewServices(w, sandbox.ServiceOptions{})
	require.NoError(t, err)
	return &internet{world: w, names: map[string]error{}, ByHost: services.ByHost}
}

func (i *internet) lookupHost(ctx context.Context, name string) ([]string, error) {
	err, isKnown := i.names[name]
	switch {
	case !isKnown:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case errors.Is(err, errSlow):
		<-ctx.Done()
		return nil, ctx.Err()
	default:
		return []string{"10.0.0.4"}, err
	}
}

var errSlow = errors.New("slow")

// change has a host answer otherwise; next is its own answer.
func (i *internet) change(host string, answer func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	next := i.ByHost[host]
	i.ByHost[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, next) })
}

// edit changes the members of the JSON document at a path.
func (i *internet) edit(path string, members func(map[string]any)) {
	i.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != path {
			next.ServeHTTP(w, r)
			return
		}
		got := httptest.NewRecorder()
		next.ServeHTTP(got, r)
		document := map[string]any{}
		if err := json.Unmarshal(got.Body.Bytes(), &document); err != nil {
			panic(err)
		}
		members(document)
		for name, values := range got.Header() {
			w.Header()[name] = values
		}
		if kind, ok := document["contentType"].(string); ok {
			w.Header().Set("Content-Type", kind)
		}
		if err := json.NewEncoder(w).Encode(document); err != nil {
			panic(err)
		}
	})
}

const (
	documentPath = "/oauth2/.well-known/openid-configuration"
	keysPath     = "/oauth2/jwks"
)

// bodyOf is what a handler answers.
func bodyOf(h http.Handler, r *http.Request) string {
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	return got.Body.String()
}

// file is a credential file; members replace the good ones.
func file(t *testing.T, members map[string]string) []byte {
	t.Helper()
	all := map[string]string{"clientId": clientID, "tenantId": world.TenantID, "federatedTokenIssuer": world.Issuer,
		"subject": "system:serviceaccount:dataloop:my-service", "audience": "api://AzureADTokenExchange"}
	for name, value := range members {
		all[name] = value
	}
	raw, err := json.Marshal(all)
	require.NoError(t, err)
	return raw
}

func (i *internet) service() *discovery.Service {
	return discovery.New(discovery.Options{
		Linter: credential.Linter{Audience: "api://AzureADTokenExchange", Now: time.Now},
		Fetcher: fetch.New(fetch.Options{Hosts: []string{entra.Host, platform.Host, "other.example"},
			Suffixes: []string{suffix}, Transport: i.ByHost, LookupHost: i.lookupHost}),
		ClientOptions: azcore.ClientOptions{Cloud: cloud.AzurePublic}, BlobSuffix: suffix,
		Origin: assessment.Origin{Host: "wif", Region: "westeurope"},
	})
}

// look judges a file with the members, and the container images of the account where one is named.
func (i *internet) look(t *testing.T, members map[string]string, account string) assessment.Report {
	t.Helper()
	container := ""
	if account != "" {
		container = "images"
	}
	report, err := i.service().Judge(t.Context(), file(t, members), credential.Form{}, account, container)
	require.NoError(t, err)
	return report
}

// found are the checks that did not pass, by id: their code, or the check that they depend on.
func found(r assessment.Report) map[string]string {
	all := map[string]string{}
	for _, c := range r.Checks {
		switch {
		case c.Status == diagnosis.OutcomePass:
		case c.Status == diagnosis.OutcomeSkip:
			all[c.ID] = "skip " + c.DependsOn
		default:
			all[c.ID] = string(c.Status) + " " + string(c.Code)
		}
	}
	return all
}

// of returns a check of a report.
func of(t *testing.T, r assessment.Report, id string) assessment.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.ID == id {
			return c
		}
	}
	require.FailNow(t, "no check "+id)
	return assessment.Check{}
}

// assertTold holds what every report keeps: each check has a layer and a title, and each fault a code, who mends it
// and how.
func assertTold(t *testing.T, r assessment.Report) {
	t.Helper()
	seen := map[string]int{}
	for _, c := range r.Checks {
		if seen[c.ID]++; c.Layer != "discovery" {
			continue
		}
		assert.Equal(t, 1, seen[c.ID], c.ID)
		assert.NotEmpty(t, c.Title, c.ID)
		if c.DependsOn != "" {
			assert.Nil(t, c.Remedy, c.ID)
			continue
		}
		if c.Status != diagnosis.OutcomePass && c.Status != diagnosis.OutcomeSkip {
			require.NotNil(t, c.Remedy, c.ID)
			assert.NotEmpty(t, c.Remedy.Who, c.ID)
			assert.NotEmpty(t, c.Remedy.Steps, c.ID)
			assert.NotContains(t, c.Detail+c.Remedy.Command+strconv.Quote(c.Title), "<", c.ID)
		}
	}
	assert.Equal(t, r.Diagnosis == nil, r.Verdict == assessment.VerdictPass)
	assert.Equal(t, "credential", r.Kind)
}
