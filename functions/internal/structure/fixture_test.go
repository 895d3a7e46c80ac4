package structure_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/discovery"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/directorylook"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	resourceidentity "github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/functions/internal/structure"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	objectID    = "aaaaaaaa-0000-4000-8000-000000000001"
	clientID    = "aaaaaaaa-0000-4000-8000-000000000002"
	principalID = "aaaaaaaa-0000-4000-8000-000000000003"
	groupID     = "aaaaaaaa-0000-4000-8000-000000000004"
	credentials = "federatedIdentityCredentials"
	credentialA = "aaaaaaaa-0000-4000-8000-000000000005"
	assigned    = "aaaaaaaa-0000-4000-8000-000000000006"
	subject     = "system:serviceaccount:dataloop:my-service"
	audience    = "api://AzureADTokenExchange"
	container   = world.DataAccountID + "/blobServices/default/containers/images"

	reader      = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	owner       = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
	manager     = "b24988ac-6180-42a0-ab88-20f7382dd24c"
)

// setup is what a person has made by hand, by the seed's steps, in the sandbox's world.
type setup struct {
	t         *testing.T
	world     *world.World
	hosts     inprocess.ByHost
	authority *entra.Authority
	// members replace those of the good file; what names the storage is the container images where account is empty.
	members map[string]string
	account string
	request structure.Request
	// group is the resource group of the service's own identities; empty where it has none.
	group string
	// sleep waits between requests; nil is no wait.
	sleep func(ctx context.Context, d time.Duration) error
	// ownTenant is the service's own tenant.
	ownTenant func(ctx context.Context) (string, error)
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	w := world.New(nil)
	world.Seed(w)
	services, err := sandbox.NewServices(w, sandbox.ServiceOptions{})
	require.NoError(t, err)
	s := &setup{t: t, world: w, members: map[string]string{}, account: world.DataAccountID,
		request: structure.Request{Container: "images"}, hosts: services.ByHost, authority: services.Authority,
		sleep:     func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		ownTenant: func(context.Context) (string, error) { return world.TenantID, nil }}
	s.put("applications", objectID, map[string]any{"appId": clientID, "displayName": "DDOE WIF App"})
	s.put("servicePrincipals", principalID, map[string]any{"appId": clientID, "accountEnabled": true,
		"servicePrincipalType": "Application"})
	s.trust(nil)
	s.assign(container, contributor, principalID, "")
	return s
}

func (s *setup) put(kind, id string, object any) {
	s.t.Helper()
	body, err := json.Marshal(object)
	require.NoError(s.t, err)
	require.NoError(s.t, s.world.PutObject(kind, id, body))
}

func (s *setup) remove(kind, id string) { require.NoError(s.t, s.world.DeleteObject(kind, id)) }

// trust writes the federated credential with some of its members changed.
func (s *setup) trust(change map[string]any) {
	object := map[string]any{"applicationId": objectID, "name": "DDOE-federation", "issuer": world.Issuer,
		"subject": subject, "audiences": []string{audience}}
	for name, value := range change {
		object[name] = value
	}
	s.put(credentials, credentialA, object)
}

// assign writes the one role assignment anew.
func (s *setup) assign(scope, role, principal, condition string) {
	if _, ok := s.world.RoleAssignment(container + "/providers/Microsoft.Authorization/roleAssignments/" +
		assigned); ok {
		s.remove("roleAssignments", assigned)
	}
	object := map[string]any{"scope": scope,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" +
			role, "principalId": principal}
	if condition != "" {
		object["condition"] = condition
	}
	s.put("roleAssignments", scope+"/providers/Microsoft.Authorization/roleAssignments/"+assigned, object)
}

// identity makes a managed identity with a credential for the subject, and has the file name it.
func (s *setup) identity(group string) world.UserAssignedIdentity {
	s.t.Helper()
	made, _ := s.world.PutUserAssignedIdentity(world.UserAssignedIdentity{Name: "by-hand", Location: world.Location,
		ID: group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/by-hand"})
	_, _, err := s.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: made.ID,
		Name: "DDOE-federation", Issuer: world.Issuer, Subject: subject, Audiences: []string{audience}})
	require.NoError(s.t, err)
	s.members["clientId"] = made.ClientID
	return made
}

// forbid has a host refuse every request as it refuses who lacks a right.
func (s *setup) forbid(host, code string) {
	s.hosts[host] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("request-id", "refused")
		w.Header().Set("x-ms-request-id", "refused")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"code":"` + code + `","message":"no"}}`))
	})
}

type token struct{ *entra.Authority }

func (a token) GetToken(_ context.Context, o azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	issued, expires, err := a.Issue(world.AppPrincipalID, strings.TrimSuffix(o.Scopes[0], "/.default"))
	return azcore.AccessToken{Token: issued, ExpiresOn: expires}, err
}

func (s *setup) service() *structure.Service {
	options := azure.Limit(azcore.ClientOptions{Transport: s.hosts}, azure.AnswerLimit)
	directory, err := graph.New(token{s.authority}, &graph.Options{ClientOptions: options})
	require.NoError(s.t, err)
	resources, err := arm.New(token{s.authority}, &arm.Options{ClientOptions: options})
	require.NoError(s.t, err)
	requests := policy.Requests{Now: time.Now, Sleep: s.sleep}
	found := resourceidentity.NewLookup(directorylook.New(directory, requests),
		managedidentity.NewFinder(resources, requests, s.group))
	looks := discovery.New(discovery.Options{
		Linter: credential.Linter{Audience: audience, Now: time.Now},
		Fetcher: fetch.New(fetch.Options{Hosts: []string{entra.Host, platform.Host},
			Suffixes: []string{"blob.core.windows.net"}, Transport: s.hosts,
			LookupHost: func(context.Context, string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
			}}),
		ClientOptions: azcore.ClientOptions{Cloud: cloud.AzurePublic}, BlobSuffix: "blob.core.windows.net",
		Origin: assessment.Origin{Host: "wif"},
	})
	return &structure.Service{Discovery: looks, Kinds: []resource.Kind{resource.Looking(found),
		resource.Looking(trust.NewLook(found)), resource.Looking(grant.NewLook(resources, requests)),
		resource.Looking(grant.NewAccounts(resources, requests))},
		TenantID: s.ownTenant}
}

func (s *setup) judge() assessment.Report {
	s.t.Helper()
	members := map[string]string{"clientId": clientID, "tenantId": world.TenantID,
		"federatedTokenIssuer": world.Issuer, "subject": subject, "audience": audience}
	for name, value := range s.members {
		members[name] = value
	}
	r := s.request
	var err error
	r.File, err = json.Marshal(members)
	require.NoError(s.t, err)
	if r.Account = s.account; r.Account == "" {
		r.Container = ""
	}
	report, err := s.service().Judge(s.t.Context(), r)
	require.NoError(s.t, err)
	return report
}

// found are the checks of the layer that did not pass, by id: their code, or the check that they depend on.
func found(r assessment.Report) map[string]string {
	all := map[string]string{}
	for _, c := range r.Checks {
		switch {
		case c.Layer != "structure" || c.Status == diagnosis.OutcomePass:
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
