package structure_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	ofBlobs   = "*.blob.core.windows.net"
	otherGUID = "88888888-8888-4888-8888-888888888888"
)

// change has a host answer otherwise; next is its own answer.
func (s *setup) change(host string, answer func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	next := s.hosts[host]
	s.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, next) })
}

// document changes a member of the issuer's document, or of its keys.
func document(path, name string, value any) func(s *setup) {
	return func(s *setup) {
		s.change(platform.Host, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			got := httptest.NewRecorder()
			next.ServeHTTP(got, r)
			members := map[string]any{}
			if r.URL.Path == path && json.Unmarshal(got.Body.Bytes(), &members) == nil {
				members[name] = value
				got.Body.Reset()
				_ = json.NewEncoder(got.Body).Encode(members)
			}
			maps.Copy(w.Header(), got.Header())
			w.WriteHeader(got.Code)
			_, _ = w.Write(got.Body.Bytes())
		})
	}
}

// refuses has Storage refuse what is asked for without a token.
func refuses(isContainer bool, status int, code string) func(s *setup) {
	return func(s *setup) {
		s.change(ofBlobs, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if isContainer && r.URL.Query().Get("restype") != "container" {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("x-ms-request-id", "r-1")
			w.Header().Set("x-ms-error-code", code)
			w.WriteHeader(status)
		})
	}
}

const (
	ofDocument = "/oauth2/.well-known/openid-configuration"
	ofKeys     = "/oauth2/jwks"
)

// outside are the faults that discovery finds.
var outside = map[string]fault{
	"another issuer": {make: document(ofDocument, "issuer", world.Issuer+"/"), check: "discovery.issuer.name",
		want: "fail issuer-document-mismatch"},
	"no RS256": {make: document(ofDocument, "id_token_signing_alg_values_supported", []string{"ES256"}),
		check: "discovery.issuer.algorithms", want: "fail issuer-document-invalid"},
	"no keys": {make: document(ofKeys, "keys", []any{}), check: "discovery.keys.usable",
		want: "fail issuer-keys-invalid"},
	"an issuer that is down": {make: func(s *setup) {
		s.change(platform.Host, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(503) })
	}, check: "discovery.issuer", want: "unknown issuer-unavailable"},
	"no tenant": {make: member("tenantId", otherGUID), check: "discovery.tenant", want: "fail tenant-unknown"},
	"another cloud": {make: func(s *setup) {
		s.world.PutTenant(world.Tenant{ID: otherGUID, Domain: "agency.example", Cloud: "microsoftonline.us"})
		s.members["tenantId"] = otherGUID
	}, check: "discovery.tenant.cloud", want: "fail cloud-mismatch"},
	"an account that DNS does not know": {make: func(s *setup) { delete(s.hosts, ofBlobs) },
		check: "discovery.storage", want: "unknown network-dns"},
	"an account that keeps us out": {make: refuses(false, 403, "AuthorizationFailure"), check: "discovery.storage",
		want: "fail network-rules-blocked"},
	"a disabled account": {make: refuses(false, 403, "AccountIsDisabled"), check: "discovery.storage",
		want: "fail account-disabled"},
	"a container that is not there": {make: refuses(true, 404, "ContainerNotFound"),
		check: "discovery.storage.public", want: "fail container-not-found"},
	"another tenant's account": {make: func(s *setup) {
		s.world.PutSubscription(world.Subscription{ID: world.SubscriptionID, TenantID: otherGUID})
	}, check: "discovery.storage.tenant", want: "fail storage-tenant-mismatch"},
}

// causes are the codes of what a report finds at fault.
func causes(r assessment.Report) []string {
	var all []string
	if r.Diagnosis != nil {
		all = append(all, string(r.Diagnosis.Code))
	}
	for _, d := range r.Also {
		all = append(all, string(d.Code))
	}
	return all
}

// code is that of the cause where the fault is alone, own that of its check.
func (f fault) code() string { return cmp.Or(f.cause, f.own()) }
func (f fault) own() string  { _, code, _ := strings.Cut(f.want, " "); return code }

// isExplained reports whether a fault is told as a cause, or its check follows from one that did not pass. Where the
// tenant is not seen, there is one check for the whole identity.
func isExplained(r assessment.Report, f fault) bool {
	if slices.Contains(causes(r), f.code()) || slices.Contains(causes(r), f.own()) {
		return true
	}
	byID := map[string]assessment.Check{}
	for _, c := range r.Checks {
		byID[c.ID] = c
	}
	c, isThere := byID[f.check]
	if !isThere {
		c = byID["structure.identity"]
	}
	for c.DependsOn != "" {
		c = byID[c.DependsOn]
	}
	return c.Status == diagnosis.OutcomeFail || c.Status == diagnosis.OutcomeUnknown
}

// assertPair holds what is told of two faults: each, or what it follows from; and nothing else.
func assertPair(t *testing.T, r assessment.Report, a, b fault) {
	t.Helper()
	for _, f := range []fault{a, b} {
		assert.True(t, isExplained(r, f), "%s is masked: %v", f.want, told(r))
	}
	for _, code := range causes(r) {
		assert.Contains(t, []string{a.code(), a.own(), b.code(), b.own()}, code, "%v", told(r))
	}
	assert.NotEmpty(t, causes(r))
}

// told are the checks of a report that did not pass, of all layers: what they state, and what they follow from.
func told(r assessment.Report) map[string]string {
	all := map[string]string{}
	for _, c := range r.Checks {
		if c.Status == diagnosis.OutcomePass {
			continue
		}
		all[c.ID] = strings.TrimSpace(string(c.Status) + " " + string(c.Code))
		if c.DependsOn != "" {
			all[c.ID] += " after " + c.DependsOn
		}
	}
	return all
}

// TestEachFaultIsOneCause, however many checks it shows in.
func TestEachFaultIsOneCause(t *testing.T) {
	t.Parallel()
	all := faults()
	maps.Copy(all, outside)
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			f.make(s)
			r := s.judge()
			c := of(t, r, f.check)
			assert.Equal(t, f.want, string(c.Status)+" "+string(c.Code))
			assert.Equal(t, []string{f.code()}, causes(r), "%v", told(r))
			assert.Equal(t, f.cause != "", c.DependsOn != "")
		})
	}
}

// TestFaultsOfDiscoveryBesideThoseOfTheStructure: of two that have nothing to do with each other both are causes, and
// one that follows names the other.
func TestFaultsOfDiscoveryBesideThoseOfTheStructure(t *testing.T) {
	t.Parallel()
	inside := faults()
	for _, one := range slices.Sorted(maps.Keys(outside)) {
		for _, other := range slices.Sorted(maps.Keys(inside)) {
			if one == "another tenant's account" && other == "another tenant" || // one undoes the other
				one == "a container that is not there" && other == "a firewall" { // which names none
				continue
			}
			t.Run(one+" and "+other, func(t *testing.T) {
				t.Parallel()
				s := newSetup(t)
				inside[other].make(s)
				outside[one].make(s)
				assertPair(t, s.judge(), outside[one], inside[other])
			})
		}
	}
}
