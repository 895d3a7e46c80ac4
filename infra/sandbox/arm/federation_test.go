package arm_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func trust(subject string) string {
	return `{"properties":{"issuer":"https://dataloop.ai/oauth2","subject":"` + subject +
		`","audiences":["api://AzureADTokenExchange"]}}`
}

func TestCredentialLife(t *testing.T) {
	b := newConditionedBench(t)
	b.identity(mine)
	list, path := mine+"/federatedIdentityCredentials", mine+"/federatedIdentityCredentials/one"
	assert.Equal(t, "NotFound", b.do("GET", path, "").text("error", "code"))
	assert.Equal(t, 204, b.do("DELETE", path, "").status, "nothing there")

	created := b.do("PUT", path, trust("s"))
	require.Equal(t, 201, created.status, created.raw)
	assert.Equal(t, path, created.text("id"))
	assert.Equal(t, "one", created.text("name"))
	assert.Equal(t, "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
		created.text("type"))
	assert.Equal(t, map[string]any{"issuer": "https://dataloop.ai/oauth2", "subject": "s",
		"audiences": []any{"api://AzureADTokenExchange"}}, created.at("properties"))
	assert.Equal(t, 200, b.do("PUT", path, created.raw).status, "what was read can be sent back")

	changed := b.do("PUT", path, trust("t"))
	require.Equal(t, 200, changed.status, changed.raw)
	assert.Equal(t, changed.json, b.do("GET", strings.ToUpper(path), "").json, "ids have no case")
	require.Equal(t, 201, b.do("PUT", list+"/two", trust("s")).status, "the pair is free again")
	assert.Len(t, b.do("GET", list, "").at("value"), 2)
	assert.Equal(t, 200, b.do("DELETE", path, "").status)
	assert.Equal(t, 204, b.do("DELETE", path, "").status)
	assert.Len(t, b.do("GET", list, "").at("value"), 1)
}

// TestCredentialErrors has a row for each refusal, with the documented text.
func TestCredentialErrors(t *testing.T) {
	const empty = "Federated Identity Credential from HTTP body has empty properties"
	const audience = "Federated identity credentials must have exactly one audience."
	const list = "/federatedIdentityCredentials/"
	body := func(issuer, subject, audiences string) string {
		return `{"properties":{"issuer":"` + issuer + `","subject":"` + subject + `","audiences":` + audiences + `}}`
	}
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, message      string
	}{
		"no audience":    {body: body("i", "s", `[]`), status: 400, code: "BadRequest", message: audience},
		"two audiences":  {body: body("i", "s", `["a","b"]`), status: 400, code: "BadRequest", message: audience},
		"empty audience": {body: body("i", "s", `[""]`), status: 400, code: "BadRequest", message: empty},
		"no issuer":      {body: body("", "s", `["a"]`), status: 400, code: "BadRequest", message: empty},
		"no subject":     {body: body("i", "", `["a"]`), status: 400, code: "BadRequest", message: empty},
		"no properties":  {body: `{}`, status: 400, code: "BadRequest", message: empty},
		"no JSON":        {body: `[`, status: 400, code: "InvalidRequestContent"},
		"name too short": {path: mine + list + "ab",
			status: 400, code: "BadRequest", message: "Federated Identity Credential name 'ab' is invalid."},
		"name begins badly": {path: mine + list + "_abc", status: 400, code: "BadRequest", message: "is invalid."},
		"name too long": {path: mine + list + strings.Repeat("a", 121),
			status: 400, code: "BadRequest", message: "is invalid."},
		"longest name": {path: mine + list + strings.Repeat("a", 120), status: 201},
		"pair of another": {body: trust("taken"),
			status: 400, code: "BadRequest", message: "Issuer and subject combination already exists for this " +
				"Managed Identity."},
		"pair in other case": {body: trust("Taken"), status: 201},
		"no identity": {path: identities + "/none" + list + "one",
			status: 404, code: "NotFound", message: "The parent user-assigned identity doesn't exist."},
		"no identity to read": {method: "GET", path: identities + "/none" + list + "one",
			status: 404, code: "NotFound", message: "The parent"},
		"no identity to list": {method: "GET", path: identities + "/none/federatedIdentityCredentials",
			status: 404, code: "NotFound", message: "The parent"},
		"other method": {method: "PATCH",
			status: 405, code: "MethodNotAllowed", message: "http method 'PATCH'"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			b.identity(mine)
			require.Equal(t, 201, b.do("PUT", mine+list+"first", trust("taken")).status)
			got := b.do(or(tc.method, "PUT"), or(tc.path, mine+list+"one"), or(tc.body, trust("s")))
			assert.Equal(t, tc.status, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.Contains(t, got.text("error", "message"), tc.message)
		})
	}
}

func TestCredentialOtherIdentityMayTrustTheSame(t *testing.T) {
	b := newConditionedBench(t)
	for _, id := range []string{mine, mine + "-2"} {
		b.identity(id)
		assert.Equal(t, 201, b.do("PUT", id+"/federatedIdentityCredentials/one", trust("s")).status)
	}
}

func TestCredentialLimit(t *testing.T) {
	b := newConditionedBench(t)
	b.identity(mine)
	path := func(n int) string { return fmt.Sprintf("%s/federatedIdentityCredentials/c-%d", mine, n) }
	for n := range world.MaxFederatedCredentials {
		require.Equal(t, 201, b.do("PUT", path(n), trust(fmt.Sprint(n))).status)
	}
	assert.Equal(t, 400, b.do("PUT", path(20), trust("20")).status)
	assert.Equal(t, 200, b.do("PUT", path(19), trust("20")).status, "one that is there can be changed")
}

func TestRegionWithoutFederation(t *testing.T) {
	b := newConditionedBench(t)
	require.Equal(t, 201, b.do("PUT", mine, `{"location":"Malaysia South"}`).status, "the identity is made")
	path := mine + "/federatedIdentityCredentials/one"
	got := b.do("PUT", path, trust("s"))
	assert.Equal(t, 405, got.status)
	assert.Equal(t, "MethodNotAllowed", got.text("error", "code"))
	assert.Equal(t, "The request format was unexpected: Support for federated identity credentials not enabled.",
		got.text("error", "message"))
	b.world.SetLimits(world.Limits{RegionsWithoutFederation: []string{"West Europe"}})
	assert.Equal(t, 201, b.do("PUT", path, trust("s")).status)
	b.identity(mine + "-2")
	assert.Equal(t, 405, b.do("PUT", mine+"-2/federatedIdentityCredentials/one", trust("s")).status)
}

// TestOverlappingWrites: while one write of a credential is being handled, the identity takes no other; reads, other
// identities and the identity itself are not in its way.
func TestOverlappingWrites(t *testing.T) {
	const first = mine + "/federatedIdentityCredentials/one"
	for name, tc := range map[string]struct {
		method, path string
		status       int
	}{
		"write":                  {"PUT", mine + "/federatedIdentityCredentials/two", 409},
		"same credential":        {"PUT", first, 409},
		"delete":                 {"DELETE", mine + "/federatedIdentityCredentials/old", 409},
		"other case":             {"PUT", strings.ToUpper(mine) + "/federatedIdentityCredentials/two", 409},
		"read":                   {"GET", mine + "/federatedIdentityCredentials/old", 200},
		"of another identity":    {"PUT", mine + "-2/federatedIdentityCredentials/two", 201},
		"of the identity itself": {"PUT", mine, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newConditionedBench(t)
				b.identity(mine)
				b.identity(mine + "-2")
				require.Equal(t, 201, b.do("PUT", mine+"/federatedIdentityCredentials/old", trust("old")).status)
				inner, release := b.handler, make(chan struct{})
				var isHeld atomic.Bool
				b.handler = arm.TrackWrites(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if isHeld.CompareAndSwap(false, true) { // the first request lasts
						<-release
					}
					inner.ServeHTTP(w, r)
				}))
				done := make(chan reply, 1)
				go func() { done <- b.do("PUT", first, trust("s")) }()
				synctest.Wait()
				body := trust("t")
				if tc.path == mine {
					body = here
				}
				got := b.do(tc.method, tc.path, body)
				close(release)
				assert.Equal(t, tc.status, got.status, got.raw)
				if tc.status == 409 {
					assert.Equal(t, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
						got.text("error", "code"))
					assert.Contains(t, got.text("error", "message"), mine)
				}
				assert.Equal(t, 201, (<-done).status, "the first is not disturbed")
				assert.Less(t, b.do(tc.method, tc.path, body).status, 300, "one after the other")
			})
		})
	}
}
