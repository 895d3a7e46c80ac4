package access_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	sut "github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	subject     = "system:serviceaccount:dataloop:my-service"
	audience    = "api://AzureADTokenExchange"
	clientID    = "77777777-7777-4777-8777-777777777777"
	objectID    = "88888888-8888-4888-8888-888888888888"
	principalID = "99999999-9999-4999-8999-999999999999"
	apiKey      = "planted-api-key"
)

// cloud is the sandbox's Entra, Storage and platform, by host, on one clock.
type cloud struct {
	t      *testing.T
	world  *world.World
	issuer *platform.Issuer
	hosts  map[string]http.Handler
	blobs  *blob.Service

	mu       sync.Mutex
	requests []string
	answer   func(*http.Request) *http.Response // a fault; nil answer means the service's own
	after    func(*http.Request, *http.Response) (*http.Response, error)
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := world.New(func() time.Time { return now })
	world.Seed(w)
	c := &cloud{t: t, world: w}
	services, err := sandbox.NewServices(w, sandbox.ServiceOptions{APIKey: apiKey, Between: c})
	require.NoError(t, err)
	c.issuer, c.blobs, c.hosts = services.Issuer, services.Blobs, services.ByHost
	c.provision()
	return c
}

// RoundTrip answers by host, as the running sandbox does.
func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.requests = append(c.requests, r.Method+" "+r.URL.Host+r.URL.Path)
	answer, after := c.answer, c.after
	c.mu.Unlock()
	if answer != nil {
		if resp := answer(r); resp != nil {
			resp.Request = r
			return resp, nil
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp, err := inprocess.Hosts(c.handler).RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if after != nil {
		return after(r, resp)
	}
	return resp, nil
}

func (c *cloud) handler(host string) (http.Handler, bool) {
	if c.blobs.HasAccount(host) {
		return c.blobs, true
	}
	handler, isKnown := c.hosts[host]
	return handler, isKnown
}

// Do makes the cloud an SDK transport.
func (c *cloud) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }

func (c *cloud) seen(method string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var of []string
	for _, r := range c.requests {
		if strings.HasPrefix(r, method+" ") {
			of = append(of, r)
		}
	}
	return of
}

func (c *cloud) provision() {
	app, err := c.world.CreateApplication(world.Application{ID: objectID, AppID: clientID, DisplayName: "DDOE WIF"},
		world.AppPrincipalID)
	require.NoError(c.t, err)
	sp, err := c.world.CreateServicePrincipal(world.ServicePrincipal{ID: principalID, AppID: clientID,
		AccountEnabled: true}, world.AppPrincipalID)
	require.NoError(c.t, err)
	require.Equal(c.t, []string{objectID, clientID, principalID}, []string{app.ID, app.AppID, sp.ID})
	c.trust("subject", world.Issuer, subject, audience)
	for i, account := range []string{world.DataAccountID, world.LockedAccountID} {
		c.assign("b0000000-0000-4000-8000-00000000000"+string(rune('0'+i)), account, rbac.RoleBlobDataContributor)
	}
}

func (c *cloud) trust(name, issuer, subject, audience string) {
	_, err := c.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: objectID, Name: name,
		Issuer: issuer, Subject: subject, Audiences: []string{audience}})
	require.NoError(c.t, err)
}

func (c *cloud) retrust(change func(*world.FederatedIdentityCredential)) {
	_, err := c.world.UpdateFederatedCredential(objectID, "subject", func(f *world.FederatedIdentityCredential) error {
		change(f)
		return nil
	})
	require.NoError(c.t, err)
}

func (c *cloud) assign(name, scope, role string) {
	ra := rbac.RoleAssignment{Name: name, Scope: scope, PrincipalID: principalID, PrincipalType: "ServicePrincipal",
		RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, role)}
	ra.ID = rbac.RoleAssignmentID(ra.Scope, ra.Name)
	_, _, err := c.world.PutRoleAssignment(ra)
	require.NoError(c.t, err)
}

func (c *cloud) unassign() {
	for _, ra := range c.world.RoleAssignments() {
		if ra.PrincipalID == principalID {
			_, err := c.world.DeleteRoleAssignment(ra.ID)
			require.NoError(c.t, err)
		}
	}
}

func (c *cloud) token(r platform.TokenRequest) sut.SubjectToken {
	if r.Subject == "" {
		r.Subject = subject
	}
	token, err := c.issuer.Mint(r)
	require.NoError(c.t, err)
	return secret.New(token)
}

func (c *cloud) tester() *access.Tester {
	opts := azcore.ClientOptions{Transport: c, Retry: policy.RetryOptions{MaxRetries: 1, RetryDelay: time.Millisecond,
		MaxRetryDelay: time.Millisecond}}
	return &access.Tester{Exchanger: sut.NewExchanger(opts), ClientOptions: opts, Now: c.world.Now,
		Random: &countingReader{},
		Origin: assessment.Origin{Host: "test", Region: "westeurope"}}
}

func (c *cloud) document(storage ...integration.StorageAccess) integration.Document {
	if len(storage) == 0 {
		storage = []integration.StorageAccess{images(integration.AccessReadWrite)}
	}
	changed := c.world.Now().Add(-time.Hour)
	return integration.Document{
		ID: "my-images",
		Spec: integration.Spec{TenantID: world.TenantID, Issuer: world.Issuer,
			Subjects: []string{subject, "system:serviceaccount:dataloop:other"},
			Audience: audience, Storage: storage},
		Status: integration.Status{Phase: integration.PhaseProvisioned, ClientID: clientID,
			Identity:           integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID},
			ServicePrincipalID: principalID},
		CreatedAt: changed, UpdatedAt: changed,
	}
}

// blobNames are all blobs of the data account.
func (c *cloud) blobNames() []string {
	names := []string{}
	for _, container := range []string{"images", "archive"} {
		blobs, err := c.world.Blobs(world.DataAccount, container, "")
		require.NoError(c.t, err)
		for _, b := range blobs {
			names = append(names, container+"/"+b.Name)
		}
	}
	slices.Sort(names)
	return names
}

func images(a integration.Access) integration.StorageAccess {
	return integration.StorageAccess{ResourceID: world.DataAccountID, Container: "images", Access: a}
}

func with(entry integration.StorageAccess, change func(*integration.StorageAccess)) integration.StorageAccess {
	change(&entry)
	return entry
}

// refusal is an answer in Storage's manner.
func refusal(status int, code string, headers map[string]string) *http.Response {
	body := "<Error><Code>" + code + "</Code></Error>"
	if status < http.StatusMultipleChoices {
		body = "" // it is none
	}
	resp := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, ProtoMajor: 1,
		ProtoMinor: 1,
		Body:       io.NopCloser(strings.NewReader(body))}
	resp.Header.Set("x-ms-request-id", "r")
	resp.Header.Set("Content-Type", "application/xml")
	resp.Header.Set("x-ms-error-code", code)
	for name, value := range maps.All(headers) {
		resp.Header.Set(name, value)
	}
	return resp
}

// countingReader is a source of bytes that are the same in every run.
type countingReader struct{ next byte }

func (r *countingReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.next
		r.next++
	}
	return len(p), nil
}
