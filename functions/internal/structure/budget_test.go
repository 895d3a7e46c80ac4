package structure_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	ofGraph   = "graph.microsoft.com"
	ofARM     = "management.azure.com"
	ofLogin   = "login.microsoftonline.com"
	unknownBy = "unknown network-timeout"
)

// delay has a host take its time before it answers; it ends with the request.
func (s *setup) delay(host string, takes time.Duration) {
	next := s.hosts[host]
	s.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = wait(r.Context(), takes) // the answer follows either way
		next.ServeHTTP(w, r)
	})
}

func wait(ctx context.Context, takes time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(takes):
		return nil
	}
}

const forEver = time.Hour

// slow are services that take their time: how long the report takes then, and what did not pass.
var slow = map[string]struct {
	make func(s *setup)
	took time.Duration
	want map[string]string
}{
	"nothing": {func(*setup) {}, 0, map[string]string{}},
	"the directory": {func(s *setup) { s.delay(ofGraph, forEver) }, 5 * time.Second, map[string]string{
		ofApplication: unknownBy, ofPrincipal: unknownBy, ofTrust: "skip " + ofApplication,
		ofRole: "skip " + ofApplication}},
	"Azure": {func(s *setup) { s.delay(ofARM, forEver) }, 5 * time.Second, map[string]string{
		ofRole: unknownBy, ofAccount: unknownBy, ofContainer: "skip " + ofAccount}},
	"both, a little": {func(s *setup) { s.delay(ofGraph, time.Second); s.delay(ofARM, 2*time.Second) },
		3 * time.Second, map[string]string{}},
	"both, on the way to what needs them": {func(s *setup) {
		s.delay(ofGraph, 4500*time.Millisecond)
		s.delay(ofARM, 4*time.Second)
	}, 8 * time.Second, map[string]string{ofTrust: unknownBy, ofRole: unknownBy}},
	"the service's own tenant": {func(s *setup) {
		s.ownTenant = func(ctx context.Context) (string, error) { return "", wait(ctx, forEver) }
	}, 5 * time.Second, map[string]string{ofTenant: "unknown service-identity-unavailable",
		"structure.identity": "skip " + ofTenant, ofTrust: "skip " + ofTenant, ofRole: "skip " + ofTenant}},
	"the tenant of a domain": {func(s *setup) {
		s.members["tenantId"] = world.TenantDomain
		s.delay(ofLogin, forEver)
	}, 5 * time.Second, map[string]string{ofTenant: "skip discovery.tenant",
		"structure.identity": "skip discovery.tenant", ofTrust: "skip discovery.tenant",
		ofRole: "skip discovery.tenant"}},
	"a client that is not there": {func(s *setup) {
		s.members["clientId"] = "99999999-9999-4999-8999-999999999999"
	}, time.Second, map[string]string{ofApplication: "fail identity-missing", ofPrincipal: "skip " + ofApplication,
		ofTrust: "skip " + ofApplication, ofRole: "skip " + ofApplication}},
	"an object's id": {func(s *setup) { s.members["clientId"] = objectID }, time.Second, map[string]string{
		ofApplication: "fail client-id-is-object-id", ofPrincipal: "skip " + ofApplication,
		ofTrust: "skip " + ofApplication, ofRole: "skip " + ofApplication}},
}

// TestASlowServiceCostsItsOwnLookAlone: five seconds for one, and eight for those that need each other.
func TestASlowServiceCostsItsOwnLookAlone(t *testing.T) {
	for name, c := range slow {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetup(t)
				s.sleep = wait
				c.make(s)
				began := time.Now()
				r := s.judge()
				assert.Equal(t, c.want, found(r))
				assert.InDelta(t, c.took.Seconds(), time.Since(began).Seconds(), 0.01)
				if len(c.want) > 0 {
					assert.NotEqual(t, assessment.VerdictPass, r.Verdict)
				}
			})
		})
	}
}

// TestAThrottledLookIsToldAtOnce, with how long the service asks to wait: nothing is waited for that is too long.
func TestAThrottledLookIsToldAtOnce(t *testing.T) {
	for host, check := range map[string]string{ofGraph: ofApplication, ofARM: ofAccount} {
		t.Run(host, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSetup(t)
				s.sleep = wait
				s.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "17")
					w.Header().Set("request-id", "r")
					w.Header().Set("x-ms-request-id", "r")
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusTooManyRequests)
					_, _ = w.Write([]byte(`{"error":{"code":"TooManyRequests","message":"slow down"}}`))
				})
				began := time.Now()
				r := s.judge()
				assert.Less(t, time.Since(began), time.Second)
				assert.Equal(t, "unknown throttled", found(r)[check])
				assert.Contains(t, of(t, r, check).Detail, "asks to wait 17 seconds (Retry-After)")
				assert.True(t, of(t, r, check).Transient)
			})
		})
	}
}

// TestADomainStandsForItsTenant: what the domain leads to is looked at, and the id to write is told.
func TestADomainStandsForItsTenant(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.members["tenantId"] = world.TenantDomain
	r := s.judge()
	assert.Empty(t, found(r))
	assert.Equal(t, assessment.VerdictWarn, r.Verdict)
	assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
	assert.Equal(t, world.TenantID, of(t, r, "discovery.tenant").Expected)
	s.members["tenantId"] = "nobody.example"
	assert.Equal(t, "skip discovery.tenant", found(s.judge())[ofTenant])
}
