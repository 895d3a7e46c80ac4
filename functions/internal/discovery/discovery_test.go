package discovery_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestAGoodFile(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	r := i.look(t, nil, world.DataAccountID)
	assertTold(t, r)
	assert.Empty(t, found(r))
	assert.Equal(t, assessment.VerdictPass, r.Verdict)
	assert.Equal(t, assessment.ClaimDiscovery, r.ClaimLevel)
	assert.Equal(t, &assessment.Origin{Host: "wif", Region: "westeurope"}, r.TestedFrom)
	assert.Equal(t, "issuer", of(t, r, "discovery.keys.usable").Actual, "the ids of the keys tell of a rotation")
	ids := map[string]bool{}
	for _, c := range r.Checks {
		ids[c.ID] = c.Layer == "discovery"
	}
	for _, id := range []string{"discovery.tenant", "discovery.tenant.cloud", "discovery.issuer",
		"discovery.issuer.name", "discovery.issuer.jwksUri", "discovery.issuer.algorithms",
		"discovery.issuer.subjectTypes", "discovery.issuer.authorizationEndpoint", "discovery.issuer.contentType",
		"discovery.keys", "discovery.keys.usable", "discovery.storage", "discovery.storage.dns",
		"discovery.storage.public", "discovery.storage.tenant"} {
		assert.True(t, ids[id], id)
	}
	r = i.look(t, map[string]string{"federatedTokenIssuer": world.Issuer}, "")
	assert.NotContains(t, fmt.Sprint(r.Checks), "discovery.storage", "no storage is named")
	assert.Equal(t, assessment.ClaimDiscovery, r.ClaimLevel)
}

// documentFaults are the faults of a discovery document, each with the one check that it fails.
var documentFaults = map[string]struct {
	member string
	value  any
	check  string
	want   string
}{
	"another issuer": {"issuer", world.Issuer + "/", "discovery.issuer.name", "fail issuer-document-mismatch"},
	"keys without TLS": {"jwks_uri", "http://dataloop.ai/oauth2/jwks", "discovery.issuer.jwksUri",
		"fail issuer-document-invalid"},
	"no RS256": {"id_token_signing_alg_values_supported", []string{"ES256"}, "discovery.issuer.algorithms",
		"fail issuer-document-invalid"},
	"no subject types": {"subject_types_supported", []string{}, "discovery.issuer.subjectTypes",
		"fail issuer-document-invalid"},
	"empty endpoint": {"authorization_endpoint", "", "discovery.issuer.authorizationEndpoint",
		"fail issuer-document-invalid"},
	"as a web page": {"contentType", "text/html; charset=utf-8", "discovery.issuer.contentType",
		"warn issuer-document-unusual"},
}

// TestFaultsOfTheDocument: each alone, and each beside each other.
func TestFaultsOfTheDocument(t *testing.T) {
	t.Parallel()
	for _, one := range slices.Sorted(maps.Keys(documentFaults)) {
		for _, other := range slices.Sorted(maps.Keys(documentFaults)) {
			i := newInternet(t)
			i.edit(documentPath, func(d map[string]any) {
				for _, f := range []string{one, other} {
					d[documentFaults[f].member] = documentFaults[f].value
				}
			})
			r := i.look(t, nil, "")
			assertTold(t, r)
			want := map[string]string{}
			for _, f := range []string{one, other} {
				want[documentFaults[f].check] = documentFaults[f].want
				if f == "keys without TLS" {
					want["discovery.keys"] = "skip discovery.issuer.jwksUri"
				}
			}
			assert.Equal(t, want, found(r), "%s, %s", one, other)
			onlyWarns := one == other && one == "as a web page"
			assert.Equal(t, onlyWarns, r.ClaimLevel == assessment.ClaimDiscovery, "%s, %s", one, other)
			assert.Equal(t, "/federatedTokenIssuer", of(t, r, documentFaults[one].check).Field)
			if detail := of(t, r, documentFaults[one].check).Detail; one != "another issuer" &&
				one != "as a web page" {
				assert.True(t, strings.HasPrefix(detail, documentFaults[one].member+": "), detail)
			}
			assert.Len(t, r.Also, map[bool]int{true: 0, false: 1}[one == other], "each is a cause of its own")
		}
	}
}

func TestWhatADocumentMayBe(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(map[string]any){
		"an endpoint":         func(d map[string]any) { d["authorization_endpoint"] = "https://dataloop.ai/login" },
		"no endpoint by null": func(d map[string]any) { d["authorization_endpoint"] = nil },
		"further algorithms": func(d map[string]any) {
			d["id_token_signing_alg_values_supported"] = []string{"x", "RS256"}
		},
		"further members":       func(d map[string]any) { d["x"] = 1 },
		"a plain type":          func(d map[string]any) { d["contentType"] = "application/json" },
		"a type in large print": func(d map[string]any) { d["contentType"] = "Application/JSON;charset=UTF-8" },
	} {
		i := newInternet(t)
		i.edit(documentPath, edit)
		assert.Empty(t, found(i.look(t, nil, "")), name)
	}
	// The path follows the issuer less a slash at its end; the document has the slash as well.
	i := newInternet(t)
	i.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		assert.NotContains(t, r.URL.Path, "//")
		next.ServeHTTP(w, r)
	})
	i.edit(documentPath, func(d map[string]any) { d["issuer"] = world.Issuer + "/" })
	assert.Empty(t, found(i.look(t, map[string]string{"federatedTokenIssuer": world.Issuer + "/"}, "")))
}

func TestDifferingIssuersAreCompared(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	i.edit(documentPath, func(d map[string]any) { d["issuer"] = "https://dataloop.ai/OAuth2" })
	c := of(t, i.look(t, nil, ""), "discovery.issuer.name")
	assert.Equal(t, "https://dataloop.ai/OAuth2", c.Expected)
	assert.Equal(t, world.Issuer, c.Actual)
	require.NotNil(t, c.DiffAt)
	assert.Equal(t, 20, *c.DiffAt)
	assert.Equal(t, diagnosis.WhoUploader, c.Remedy.Who)
}

// answers are what an issuer may answer in the place of a document.
var answers = map[string]struct {
	answer func(http.ResponseWriter, *http.Request)
	want   string
}{
	"nothing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "fail issuer-unreachable"},
	"gone":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "fail issuer-unreachable"},
	"its fault": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"unknown issuer-unavailable"},
	"a gateway's": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"unknown issuer-unavailable"},
	"too many": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) },
		"unknown issuer-unavailable"},
	"late": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(408) },
		"unknown issuer-unavailable"},
	"a login": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) },
		"unknown answer-not-from-service"},
	"a refusal": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
		"unknown answer-not-from-service"},
	"nothing in it": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"unknown answer-not-from-service"},
	"somewhere else": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://other.example/", http.StatusFound)
	}, "unknown answer-not-from-service"},
	"without end": {func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, fetch.MaxBody+1))
	}, "unknown answer-not-from-service"},
	"a cut":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unknown network-connect"},
	"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "fail "},
	"a list": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("[]")) }, "fail "},
	"a number": {func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"jwks_uri":1,"keys":1}`))
	}, "fail "},
	"not whole": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[`)) }, "fail "},
}

func TestWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	for name, c := range answers {
		for path, invalid := range map[string]string{documentPath: "issuer-document-invalid",
			keysPath: "issuer-keys-invalid"} {
			i := newInternet(t)
			i.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Path != path {
					next.ServeHTTP(w, r)
					return
				}
				c.answer(w, r)
			})
			r := i.look(t, nil, "")
			assertTold(t, r)
			want := c.want
			if want == "fail " {
				want += invalid
			}
			all := map[string]string{"discovery.keys": want}
			if path == documentPath {
				all = map[string]string{"discovery.issuer": want, "discovery.keys": "skip discovery.issuer"}
			}
			assert.Equal(t, all, found(r), "%s at %s", name, path)
			assert.Equal(t, assessment.ClaimFile, r.ClaimLevel, name)
			if name == "gone" {
				assert.Equal(t, &diagnosis.Evidence{HTTPStatus: 410}, r.Diagnosis.Evidence)
				assert.Contains(t, r.Diagnosis.Detail, "Nothing is published at https://dataloop.ai"+path)
			}
		}
	}
}

// TestWhatIsNotContacted is unknown: a host that is not listed, of the issuer or of its keys.
func TestWhatIsNotContacted(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	r := i.look(t, map[string]string{"federatedTokenIssuer": "https://idp.evil.example/x"},
		"https://acme.blob.evil.example")
	assertTold(t, r)
	assert.Equal(t, map[string]string{"discovery.issuer": "unknown host-not-allowed",
		"discovery.keys": "skip discovery.issuer", "discovery.storage": "unknown host-not-allowed",
		"discovery.storage.dns": "skip discovery.storage", "discovery.storage.public": "skip discovery.storage",
		"discovery.storage.tenant": "skip discovery.storage"}, found(r))
	assert.Contains(t, of(t, r, "discovery.issuer").Detail, "idp.evil.example is not on the list")
	assert.Equal(t, diagnosis.WhoOperator, r.Diagnosis.Remedy.Who)
	assert.Len(t, r.Also, 1, "each host is told once")
	r = i.look(t, map[string]string{"federatedTokenIssuer": "https://dataloop.ai:8443/oauth2"}, "")
	assert.Equal(t, "unknown host-not-allowed", found(r)["discovery.issuer"], "an allowed host's other ports are not")
	i.edit(documentPath, func(d map[string]any) { d["jwks_uri"] = "https://keys.evil.example/jwks" })
	r = i.look(t, nil, "")
	assert.Equal(t, map[string]string{"discovery.keys": "unknown host-not-allowed"}, found(r))
	assert.Contains(t, r.Diagnosis.Detail, "keys.evil.example is not on the list")
}

func TestWhatLeadsInside(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	i.ByHost = map[string]http.Handler{}
	s := i.service()
	s.Fetcher = fetch.New(fetch.Options{Hosts: []string{platform.Host}, Transport: inside{}})
	r, err := s.Judge(t.Context(), file(t, map[string]string{"tenantId": "<TENANT>"}), credential.Form{}, "", "")
	require.NoError(t, err)
	assert.Equal(t, "unknown address-not-public", found(r)["discovery.issuer"])
	assert.Contains(t, of(t, r, "discovery.issuer").Detail, world.Issuer)
}

// inside is a guard before a name that leads to no public address.
type inside struct{}

func (inside) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &fetch.Refusal{Reason: fetch.ReasonAddress, Host: "10.0.0.4:443"}
}

func TestTenants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		members map[string]string
		want    map[string]string
	}{
		"by domain": {map[string]string{"tenantId": world.TenantDomain},
			map[string]string{"file.tenantId.domain": "warn tenant-id-domain"}},
		"in capitals": {map[string]string{"tenantId": strings.ToUpper("AAAA1111-1111-4111-8111-111111111111")},
			map[string]string{"discovery.tenant": "fail tenant-unknown",
				"discovery.tenant.cloud": "skip discovery.tenant"}},
		"of nobody": {map[string]string{"tenantId": nobody}, map[string]string{
			"discovery.tenant": "fail tenant-unknown", "discovery.tenant.cloud": "skip discovery.tenant"}},
		"exchanged": {map[string]string{"tenantId": nobody, "clientId": world.TenantID}, map[string]string{
			"discovery.tenant": "fail ids-swapped", "discovery.tenant.cloud": "skip discovery.tenant"}},
		"exchanged, and no client id": {map[string]string{"tenantId": nobody, "clientId": "x"}, map[string]string{
			"file.clientId.not-guid": "fail client-id-not-guid",
			"discovery.tenant":       "fail tenant-unknown", "discovery.tenant.cloud": "skip discovery.tenant"}},
		"in another cloud": {map[string]string{"tenantId": govTenant}, map[string]string{
			"discovery.tenant.cloud": "fail cloud-mismatch"}},
		"a placeholder": {map[string]string{"tenantId": "<TENANT_ID>"}, map[string]string{
			"file.tenantId.placeholder": "fail tenant-id-placeholder",
			"discovery.tenant":          "skip file.tenantId.placeholder",
			"discovery.tenant.cloud":    "skip file.tenantId.placeholder",
			"file.ids":                  "skip file.tenantId.placeholder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newInternet(t).look(t, c.members, "")
			assertTold(t, r)
			got := found(r)
			if name == "exchanged, and no client id" {
				delete(got, "file.ids")
			}
			assert.Equal(t, c.want, got)
		})
	}
	i := newInternet(t)
	r := i.look(t, map[string]string{"tenantId": world.TenantDomain}, world.DataAccountID)
	told := of(t, r, "discovery.tenant")
	assert.Equal(t, "The domain is that of the tenant "+world.TenantID+
		", which is looked at: write this id in the domain's place.", told.Detail)
	assert.Equal(t, []string{world.TenantID, world.TenantDomain}, []string{told.Expected, told.Actual})
	assert.Equal(t, diagnosis.OutcomePass, of(t, r, "discovery.storage.tenant").Status)
	assert.Equal(t, assessment.ClaimDiscovery, r.ClaimLevel)
	r = i.look(t, map[string]string{"tenantId": govTenant}, "")
	assert.Equal(t, "microsoftonline.com", of(t, r, "discovery.tenant.cloud").Expected)
	assert.Equal(t, "microsoftonline.us", of(t, r, "discovery.tenant.cloud").Actual)
	r = i.look(t, map[string]string{"tenantId": nobody}, "")
	assert.Equal(t, diagnosis.WhoUploader, r.Diagnosis.Remedy.Who, "the file names a tenant that is not there")
	r = i.look(t, map[string]string{"tenantId": nobody, "clientId": world.TenantID}, "")
	assert.Equal(t, world.TenantID, of(t, r, "discovery.tenant").Expected)
}

// TestEntrasOtherAnswers prove nothing.
func TestEntrasOtherAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"no issuer": {`{"token_endpoint":"x"}`, "discovery.tenant: unknown unrecognised"},
		"a tenant without id": {`{"token_endpoint":"x","issuer":"https://login.microsoftonline.com/x/v2.0"}`,
			"discovery.tenant: unknown unrecognised"},
		"no cloud": {`{"token_endpoint":"x","issuer":"https://sts.windows.net/` + world.TenantID + `/"}`,
			"discovery.tenant.cloud: unknown entra-unrecognised"},
		"somebody else's": {`{}`, "discovery.tenant: unknown answer-not-from-service"},
		"a page":          {`<html>`, "discovery.tenant: unknown answer-not-from-service"},
	} {
		i := newInternet(t)
		i.change(entra.Host, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(c.body))
		})
		r := i.look(t, nil, "")
		assertTold(t, r)
		id, want, _ := strings.Cut(c.want, ": ")
		assert.Equal(t, want, found(r)[id], name)
		assert.Equal(t, assessment.VerdictUnknown, r.Verdict, name)
	}
}

// TestNothingToLookAt: a file that cannot be read names nothing.
func TestNothingToLookAt(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	r, err := i.service().Judge(t.Context(), []byte("{"), credential.Form{}, world.DataAccountID, "")
	require.NoError(t, err)
	got := found(r)
	for _, id := range []string{"discovery.tenant", "discovery.tenant.cloud", "discovery.issuer", "discovery.keys",
		"discovery.storage.tenant"} {
		assert.Equal(t, "skip file.json.syntax", got[id], id)
	}
	assert.Equal(t, diagnosis.OutcomePass, of(t, r, "discovery.storage").Status, "it needs nothing of the file")
	assert.Equal(t, diagnosis.CodeFileNotJSON, r.Diagnosis.Code)
	assert.Equal(t, assessment.ClaimFile, r.ClaimLevel)
}

// TestSlow: what does not answer in time is unknown, alone, and hinders nothing but what needs it.
func TestSlow(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }
	for name, c := range map[string]struct {
		host string
		want map[string]string
	}{
		"Entra": {entra.Host, map[string]string{"discovery.tenant": "unknown network-timeout",
			"discovery.tenant.cloud": "skip discovery.tenant"}},
		"the issuer": {platform.Host, map[string]string{"discovery.issuer": "unknown network-timeout",
			"discovery.keys": "skip discovery.issuer"}},
		"the account": {blobs, map[string]string{"discovery.storage": "unknown network-timeout",
			"discovery.storage.public": "skip discovery.storage",
			"discovery.storage.tenant": "skip discovery.storage"}},
		"DNS": {"", map[string]string{"discovery.storage.dns": "unknown network-timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := newInternet(t)
				if c.host == "" {
					i.names["acmedata.privatelink."+suffix] = errSlow
				} else {
					i.change(c.host, hang)
				}
				begun := time.Now()
				r := i.look(t, nil, world.DataAccountID)
				assert.Equal(t, 5*time.Second, time.Since(begun))
				assert.Equal(t, c.want, found(r))
				assert.Equal(t, assessment.VerdictUnknown, r.Verdict)
				assert.EqualValues(t, 5000, r.DurationMS)
			})
		})
	}
	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			i := newInternet(t)
			i.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				select {
				case <-time.After(4900 * time.Millisecond):
					next.ServeHTTP(w, r)
				case <-r.Context().Done():
				}
			})
			begun := time.Now()
			r := i.look(t, nil, "")
			assert.Equal(t, 8*time.Second, time.Since(begun), "the budget of all")
			assert.Equal(t, map[string]string{"discovery.keys": "unknown network-timeout"}, found(r))
		})
	})
}
