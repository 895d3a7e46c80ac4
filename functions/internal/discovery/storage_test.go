package discovery_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// storageRefusal answers as Storage does.
func storageRefusal(w http.ResponseWriter, status int, code string) {
	w.Header().Set("x-ms-request-id", "r-1")
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
}

const dns = "acmedata.privatelink." + suffix

// accounts are what a look at an account may meet, with the checks that do not pass.
var accounts = map[string]struct {
	account string
	arrange func(*internet)
	want    map[string]string
}{
	"by its URL":            {"https://acmedata." + suffix, nil, nil},
	"by its URL, and slash": {"https://acmedata." + suffix + "/", nil, nil},
	"with a firewall": {world.LockedAccountID, nil, map[string]string{
		"discovery.storage":        "fail network-rules-blocked",
		"discovery.storage.public": "skip discovery.storage",
		"discovery.storage.tenant": "skip discovery.storage"}},
	"that is not there": {"https://nobody." + suffix, func(i *internet) { delete(i.ByHost, blobs) },
		map[string]string{"discovery.storage": "unknown network-dns",
			"discovery.storage.public": "skip discovery.storage",
			"discovery.storage.tenant": "skip discovery.storage"}},
	"of another tenant": {world.DataAccountID, func(i *internet) {
		i.world.PutSubscription(world.Subscription{ID: world.SubscriptionID, TenantID: govTenant})
	}, map[string]string{"discovery.storage.tenant": "fail storage-tenant-mismatch"}},
	"that takes nothing anonymous": {world.DataAccountID, func(i *internet) {
		i.change(blobs, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			storageRefusal(w, http.StatusConflict, "PublicAccessNotPermitted")
		})
	}, map[string]string{"discovery.storage.tenant": "skip "}},
	"that is disabled": {world.DataAccountID, func(i *internet) {
		i.change(blobs, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			storageRefusal(w, http.StatusForbidden, "AccountIsDisabled")
		})
	}, map[string]string{"discovery.storage": "fail account-disabled",
		"discovery.storage.public": "skip discovery.storage",
		"discovery.storage.tenant": "skip discovery.storage"}},
	"a gateway in its place": {world.DataAccountID, func(i *internet) {
		i.change(blobs, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(403) })
	}, map[string]string{"discovery.storage": "unknown answer-not-from-service",
		"discovery.storage.public": "skip discovery.storage",
		"discovery.storage.tenant": "skip discovery.storage"}},
	"with an open container": {world.DataAccountID, func(i *internet) {
		i.change(blobs, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/images" {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("x-ms-request-id", "r-1")
		})
	}, map[string]string{"discovery.storage.public": "warn container-public"}},
	"that tells of no such container": {world.DataAccountID, func(i *internet) {
		i.change(blobs, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/images" {
				next.ServeHTTP(w, r)
				return
			}
			storageRefusal(w, http.StatusNotFound, "ContainerNotFound")
		})
	}, map[string]string{"discovery.storage.public": "fail container-not-found"}},
	"with a private endpoint": {world.DataAccountID, func(i *internet) { i.names[dns] = nil }, nil},
	"whose names a proxy resolves": {world.DataAccountID, func(i *internet) { i.names[dns] = fetch.ErrProxied },
		map[string]string{"discovery.storage.dns": "skip "}},
	"whose names are not resolved now": {world.DataAccountID, func(i *internet) {
		i.names[dns] = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	}, map[string]string{"discovery.storage.dns": "unknown network-dns"}},
	"whose names nobody resolves": {world.DataAccountID, func(i *internet) { i.names[dns] = errors.New("no DNS") },
		map[string]string{"discovery.storage.dns": "unknown unrecognised"}},
}

func TestStorage(t *testing.T) {
	t.Parallel()
	for name, c := range accounts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInternet(t)
			if c.arrange != nil {
				c.arrange(i)
			}
			r := i.look(t, nil, c.account)
			assertTold(t, r)
			if c.want == nil {
				c.want = map[string]string{}
			}
			assert.Equal(t, c.want, found(r))
			isProved := true
			for id, what := range c.want {
				isProved = isProved && (id == "discovery.storage.dns" || strings.HasPrefix(what, "warn "))
			}
			assert.Equal(t, isProved, r.ClaimLevel == assessment.ClaimDiscovery)
			assert.Equal(t, name == "with a private endpoint", strings.Contains(
				of(t, r, "discovery.storage.dns").Detail, "has a private endpoint: "+dns+" exists"))
		})
	}
}

// TestTheTenantsAreCompared, also where Entra did not answer: a GUID needs no look.
func TestTheTenantsAreCompared(t *testing.T) {
	t.Parallel()
	i := newInternet(t)
	r := i.look(t, map[string]string{"tenantId": nobody}, world.DataAccountID)
	assert.Equal(t, map[string]string{"discovery.tenant": "fail tenant-unknown",
		"discovery.tenant.cloud":   "skip discovery.tenant",
		"discovery.storage.tenant": "fail storage-tenant-mismatch"}, found(r))
	c := of(t, r, "discovery.storage.tenant")
	assert.Equal(t, world.TenantID, c.Expected)
	assert.Equal(t, nobody, c.Actual)
	assert.Equal(t, "/tenantId", c.Field)
	assert.Equal(t, "The account trusts the tenant "+world.TenantID+".", c.Detail)
	assert.Equal(t, "discovery.tenant", c.DependsOn, "it follows from the tenant that is not there")
	assert.Equal(t, diagnosis.CodeTenantUnknown, r.Diagnosis.Code)
	assert.Empty(t, r.Also)
	assertTold(t, r)
	r = i.look(t, map[string]string{"tenantId": "nobody.example"}, world.DataAccountID)
	assert.Equal(t, "skip discovery.tenant", found(r)["discovery.storage.tenant"], "a domain needs one")
	i.ByHost[entra.Host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	r = i.look(t, map[string]string{"tenantId": nobody}, world.DataAccountID)
	assert.Equal(t, "unknown entra-unavailable", found(r)["discovery.tenant"])
	assert.Equal(t, diagnosis.CodeStorageTenantMismatch, r.Diagnosis.Code, "the account's word needs none of Entra's")
}

func TestWhatNamesNoStorage(t *testing.T) {
	t.Parallel()
	s := newInternet(t).service()
	for _, container := range []string{"a", "Images", "a/b", "../x", "images?x", "$root"} {
		_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, world.DataAccountID, container)
		var refused *diagnosis.Error
		require.ErrorAs(t, err, &refused, container)
		assert.Equal(t, diagnosis.CodeInvalidContainer, refused.Diagnosis.Code, container)
		assert.Equal(t, "/container", refused.Diagnosis.Findings[0].Pointer)
	}
	for _, account := range []string{"acmedata", "http://acmedata." + suffix, "https://", "https://acmedata." +
		suffix + "/images",
		"https://me@acmedata." + suffix, "https://acmedata." + suffix + "?sig=x", "https://acmedata." + suffix + "#x",
		"https://[::1", world.DataResourceGroupID} {
		_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, account, "images")
		var refused *diagnosis.Error
		require.ErrorAs(t, err, &refused, account)
		assert.Equal(t, diagnosis.CodeInvalidResourceID, refused.Diagnosis.Code, account)
		require.Len(t, refused.Diagnosis.Findings, 1)
		assert.Equal(t, "/storage", refused.Diagnosis.Findings[0].Pointer)
		assert.NotContains(t, refused.Diagnosis.Detail+refused.Diagnosis.Findings[0].Actual, "sig=x")
	}
	for container, want := range map[string][]string{
		"images": {"/container invalid-combination"},
		"a":      {"/container invalid-combination", "/container invalid-container"},
	} {
		_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, "", container)
		assert.Equal(t, want, refusals(t, err), "a container alone")
	}
	_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, "x", "a")
	assert.Equal(t, []string{"/storage invalid-resource-id", "/container invalid-container"}, refusals(t, err))
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "a storage account's resource id, or https://{account}."+suffix,
		refused.Diagnosis.Findings[0].Expected)
	assert.Equal(t, "3 to 63 lower-case letters, digits and single hyphens between them",
		refused.Diagnosis.Findings[1].Expected)
	_, err = s.Judge(t.Context(), file(t, nil), credential.Form{}, "", "images")
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "storage beside it", refused.Diagnosis.Findings[0].Expected)
}

func refusals(t *testing.T, err error) []string {
	t.Helper()
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	var all []string
	for _, f := range refused.Diagnosis.Findings {
		all = append(all, f.Pointer+" "+string(f.Code))
	}
	return all
}

// TestFaultsInPairs: each fault of the account beside each of the issuer's document and of the tenant. None hides
// another, but for the tenant's, without which the account's cannot be told.
func TestFaultsInPairs(t *testing.T) {
	t.Parallel()
	tenants := map[string]map[string]string{nobody: {"discovery.tenant": "fail tenant-unknown",
		"discovery.tenant.cloud": "skip discovery.tenant"},
		govTenant: {"discovery.tenant.cloud": "fail cloud-mismatch"}}
	for account, a := range accounts {
		if account == "of another tenant" { // which is a fault of two sides
			continue
		}
		for document, d := range documentFaults {
			i := newInternet(t)
			if a.arrange != nil {
				a.arrange(i)
			}
			i.edit(documentPath, func(m map[string]any) { m[d.member] = d.value })
			got := found(i.look(t, nil, a.account))
			assert.Equal(t, d.want, got[d.check], "%s, %s", account, document)
			for id, want := range a.want {
				assert.Equal(t, want, got[id], "%s, %s", account, document)
			}
		}
		for tenant, checks := range tenants {
			i := newInternet(t)
			if a.arrange != nil {
				a.arrange(i)
			}
			got := found(i.look(t, map[string]string{"tenantId": tenant}, a.account))
			for id, want := range checks {
				assert.Equal(t, want, got[id], "%s, %s", account, tenant)
			}
			for id, want := range a.want {
				assert.Equal(t, want, got[id], "%s, %s", account, tenant)
			}
		}
	}
}

// TestOtherEndpointsAreNamed: what a host is says more than that it is on no list.
func TestOtherEndpointsAreNamed(t *testing.T) {
	t.Parallel()
	s := newInternet(t).service()
	const other = "The URL is of an account in %, and this service works in public Azure."
	const beside = "The URL is that of %: the same account's blob endpoint is https://acme." + suffix + "."
	for host, words := range map[string][2]string{
		"acme.blob.core.usgovcloudapi.net": {other, "Azure US Government"},
		"ACME.Blob.Core.UsGovCloudApi.net": {other, "Azure US Government"},
		"acme.dfs.core.chinacloudapi.cn":   {other, "Azure in China"},
		"acme.dfs.core.windows.net":        {beside, "Data Lake Storage"},
		"acme.file.core.windows.net":       {beside, "Azure Files"},
		"acme.queue.core.windows.net":      {beside, "Queue Storage"},
		"acme.table.core.windows.net":      {beside, "Table Storage"},
		"acme.z6.web.core.windows.net":     {beside, "a static website"},
	} {
		_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, "https://"+host, "images")
		assert.Equal(t, []string{"/storage invalid-resource-id"}, refusals(t, err), host)
		var refused *diagnosis.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, strings.Replace(words[0], "%", words[1], 1), refused.Diagnosis.Findings[0].Detail, host)
	}
	for _, host := range []string{"acme.blob.core.windows.net", "acme.other.core.windows.net", "core.windows.net",
		"acme.blob.storage.azure.net", "acme.blob.core.windows.net.evil.example"} {
		_, err := s.Judge(t.Context(), file(t, nil), credential.Form{}, "https://"+host, "images")
		require.NoError(t, err, host)
	}
}
