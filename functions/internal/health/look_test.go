package health_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const subject = "system:serviceaccount:dataloop:my-service"

// scene is an observer in a seeded world, by the real clients, with one integration that is as it should be.
type scene struct {
	t        *testing.T
	observer *health.Observer
	graph    *graph.Client
	arm      *arm.Client
	world    *world.World
	document integration.Document
	hosts    inprocess.ByHost
	mu       sync.Mutex // guards requests
	requests []string
	refuse   map[string]int // "METHOD host" → status of every answer
}

func newScene(t *testing.T) *scene {
	t.Helper()
	w := world.New(nil)
	world.Seed(w)
	s := &scene{t: t, world: w, refuse: map[string]int{}}
	services, err := cloud.NewServices(w, cloud.ServiceOptions{Between: s})
	require.NoError(t, err)
	authority, issuer := services.Authority, services.Issuer
	s.hosts = services.ByHost
	cred := identity(func(scope string) (string, time.Time, error) {
		return authority.Issue(world.AppPrincipalID, strings.TrimSuffix(scope, "/.default"))
	})
	options := azcore.ClientOptions{Transport: transport{s}, Retry: azpolicy.RetryOptions{MaxRetries: -1}}
	directory, err := graph.New(cred, &graph.Options{ClientOptions: options})
	require.NoError(t, err)
	resources, err := arm.New(cred, &arm.Options{ClientOptions: options})
	require.NoError(t, err)
	requests := policy.Requests{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Now: time.Now}
	s.observer, err = health.NewObserver(health.ObserverOptions{
		Tester: &access.Tester{Exchanger: entra.NewExchanger(options), ClientOptions: options,
			Origin: assessment.Origin{Region: "westeurope"}},
		TokenSource: func(_ context.Context, subject, audience string) (secret.Value, error) {
			token, err := issuer.Mint(platform.TokenRequest{Subject: subject, Audience: audience})
			return secret.New(token), err
		},
		Kinds: []resource.Kind{application.New(directory, requests, "0123abcd", nil),
			trust.New(application.New(directory, requests, "0123abcd", nil), requests), grant.New(resources,
				requests)},
	})
	require.NoError(t, err)
	s.graph, s.arm = directory, resources
	s.provision(directory, resources)
	return s
}

// provision makes an integration's objects.
func (s *scene) provision(directory *graph.Client, resources *arm.Client) {
	s.t.Helper()
	ctx := s.t.Context()
	app, _, err := directory.CreateApplication(ctx, "unique", graph.ApplicationPatch{DisplayName: "x",
		Tags: []string{"managed-by:ddoe-wif", "integration:" + id}})
	require.NoError(s.t, err)
	principal, _, err := directory.UpsertServicePrincipal(ctx, app.AppID, graph.ServicePrincipalPatch{})
	require.NoError(s.t, err)
	credential := integration.FederatedCredential{Name: integration.CredentialName(subject), Issuer: world.Issuer,
		Subject: subject, Audience: "api://AzureADTokenExchange"}
	_, _, err = directory.UpsertFederatedCredential(ctx, app.ID, credential.Name,
		graph.FederatedCredentialPatch{Issuer: credential.Issuer, Subject: subject,
			Audiences: []string{credential.Audience}})
	require.NoError(s.t, err)
	scope := arm.Scope(world.DataAccountID, "images")
	role := arm.RoleDefinitionID(strings.Split(world.DataAccountID, "/")[2], integration.AccessReadWrite.Role().ID)
	name := arm.RoleAssignmentName(world.TenantID, scope, role, principal.ID, "")
	_, err = resources.PutRoleAssignment(ctx, arm.RoleAssignment{Scope: scope, Name: name, RoleDefinitionID: role,
		PrincipalID: principal.ID})
	require.NoError(s.t, err)
	s.document = integration.Document{
		ID: id, UpdatedAt: time.Now(),
		Spec: integration.Spec{DisplayName: "x", TenantID: world.TenantID, Issuer: world.Issuer,
			Subjects: []string{subject}, Audience: credential.Audience,
			Storage: []integration.StorageAccess{{ResourceID: world.DataAccountID, Container: "images",
				Access: integration.AccessReadWrite}}},
		Status: integration.Status{Phase: integration.PhaseUsable, ClientID: app.AppID,
			Identity: integration.IdentityMade{
				Kind: integration.IdentityApplication, Key: "unique", ID: app.ID},
			ServicePrincipalID:   principal.ID,
			FederatedCredentials: []integration.FederatedCredential{credential},
			RoleAssignments: []integration.RoleAssignment{{ID: arm.RoleAssignmentID(scope, name), Scope: scope,
				RoleDefinitionID: role, PrincipalID: principal.ID}}},
	}
	s.requests = nil
}

type transport struct{ s *scene }

func (tr transport) Do(r *http.Request) (*http.Response, error) { return tr.s.RoundTrip(r) }

// RoundTrip answers by host, in-process.
func (s *scene) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock() // kinds look at once
	s.requests = append(s.requests, r.Method+" "+r.URL.Host)
	s.mu.Unlock()
	if status, isRefused := s.refuse[r.Method+" "+r.URL.Host]; isRefused {
		return inprocess.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("request-id", "refused")
			w.Header().Set("x-ms-request-id", "refused")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":{"code":"Refused"}}`))
		}), r)
	}
	return s.hosts.RoundTrip(r)
}

type identity func(scope string) (string, time.Time, error)

func (i identity) GetToken(_ context.Context, o azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := i(o.Scopes[0])
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

// look looks at the document, whose last change has propagated or not.
func (s *scene) look(propagated bool) assessment.Report {
	d := s.document
	d.UpdatedAt = time.Now()
	if propagated {
		d.UpdatedAt = d.UpdatedAt.Add(-time.Hour)
	}
	return s.observer.Look(s.t.Context(), d)
}

// faults are the codes of what did not pass.
func faults(r assessment.Report) []string {
	codes := []string{}
	for _, c := range r.Checks {
		if c.Status != diagnosis.OutcomePass && c.Status != diagnosis.OutcomeSkip {
			codes = append(codes, string(c.Status)+" "+string(c.Code))
		}
	}
	return codes
}

func TestLookAsTheFederatedIdentityWritesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := s.look(true)
	assert.Equal(t, assessment.VerdictPass, r.Verdict, "%+v", r.Checks)
	assert.Equal(t, assessment.ClaimAccess, r.ClaimLevel)
	assert.Equal(t, subject, r.TestedAs.Subject)
	account, ok := s.world.StorageAccount("acmedata")
	require.True(t, ok)
	for _, c := range account.Containers {
		assert.Empty(t, c.Blobs)
	}
	for _, request := range s.requests {
		assert.NotContains(t, request, "graph.microsoft.com", "the app's own identity is not asked")
	}
}

func TestLookMeansEverySubject(t *testing.T) {
	t.Parallel()
	const second = "system:serviceaccount:dataloop:second"
	for name, c := range map[string]struct {
		change  func(s *scene)
		verdict assessment.Verdict
		faults  []string
	}{
		"both are there": {func(*scene) {}, assessment.VerdictPass, []string{}},
		"the second's credential is removed": {func(s *scene) {
			require.NoError(s.t, s.world.DeleteFederatedCredential(s.document.Status.Identity.ID,
				integration.CredentialName(second)))
		}, assessment.VerdictFail, []string{"fail federated-credential-missing"}},
		"it cannot be read": {func(s *scene) { s.refuse["GET graph.microsoft.com"] = 403 }, assessment.VerdictUnknown,
			[]string{"unknown graph-permission-missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.document.Spec.Subjects = append(s.document.Spec.Subjects, second)
			_, _, err := s.graph.UpsertFederatedCredential(t.Context(), s.document.Status.Identity.ID,
				integration.CredentialName(second),
				graph.FederatedCredentialPatch{Issuer: world.Issuer, Subject: second,
					Audiences: []string{s.document.Spec.Audience}})
			require.NoError(t, err)
			c.change(s)
			r := s.look(true)
			assert.Equal(t, c.verdict, r.Verdict, "%+v", r.Checks)
			assert.Equal(t, c.faults, faults(r))
			decisive, patient := r.Decisive()
			assert.False(t, patient, "%+v", decisive)
		})
	}
}

// TestPropagationMayExplainARefusal for ten minutes after a change, whatever was proved before, and no longer.
func TestPropagationMayExplainARefusal(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.Equal(t, integration.PhaseUsable, s.document.Status.Phase)
	_, err := s.world.DeleteRoleAssignment(s.document.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	for _, hasPropagated := range []bool{false, true} {
		found, _ := s.look(hasPropagated).Decisive()
		assert.Equal(t, diagnosis.CodeRoleMissing, found.Code)
		assert.Equal(t, !hasPropagated, found.Transient)
	}
}

func patchCredential(s *scene, f graph.FederatedCredentialPatch) {
	_, _, err := s.graph.UpsertFederatedCredential(s.t.Context(), s.document.Status.Identity.ID,
		integration.CredentialName(subject), f)
	require.NoError(s.t, err)
}

var goodCredential = graph.FederatedCredentialPatch{Issuer: world.Issuer, Subject: subject,
	Audiences: []string{"api://AzureADTokenExchange"}}

// structureCases are changes of what is there, each with what is found.
var structureCases = map[string]struct {
	change  func(s *scene)
	verdict assessment.Verdict
	faults  []string
}{
	"as it was made": {func(*scene) {}, assessment.VerdictPass, []string{}},
	"no application": {func(s *scene) {
		_, err := s.graph.DeleteApplication(s.t.Context(), s.document.Status.Identity.ID)
		require.NoError(s.t, err)
	}, assessment.VerdictFail, []string{"fail identity-missing"}},
	"another application": {func(s *scene) { s.document.Status.ClientID = "another" }, assessment.VerdictFail,
		[]string{"fail application-replaced"}},
	"another principal": {func(s *scene) {
		old := s.document.Status.ServicePrincipalID
		require.NoError(s.t, s.world.DeleteServicePrincipal(old))
		require.NoError(s.t, s.world.PurgeDeletedItem(old))
		_, _, err := s.graph.UpsertServicePrincipal(s.t.Context(), s.document.Status.ClientID,
			graph.ServicePrincipalPatch{})
		require.NoError(s.t, err)
	}, assessment.VerdictFail, []string{"fail service-principal-replaced"}},
	"principal disabled": {func(s *scene) {
		_, err := s.world.UpdateServicePrincipal(s.document.Status.ServicePrincipalID,
			func(p *world.ServicePrincipal) error {
				p.AccountEnabled = false
				return nil
			})
		require.NoError(s.t, err)
	}, assessment.VerdictFail, []string{"fail client-disabled"}},
	"no credential": {func(s *scene) {
		_, err := s.graph.DeleteFederatedCredential(s.t.Context(), s.document.Status.Identity.ID,
			integration.CredentialName(subject))
		require.NoError(s.t, err)
	}, assessment.VerdictFail, []string{"fail federated-credential-missing"}},
	"another issuer": {func(s *scene) {
		f := goodCredential
		f.Issuer += "/"
		patchCredential(s, f)
	}, assessment.VerdictFail, []string{"fail federated-credential-changed"}},
	"another subject": {func(s *scene) {
		f := goodCredential
		f.Subject += "x"
		patchCredential(s, f)
	}, assessment.VerdictFail, []string{"fail federated-credential-changed"}},
	"another audience": {func(s *scene) {
		f := goodCredential
		f.Audiences = []string{"api://x"}
		patchCredential(s, f)
	}, assessment.VerdictFail, []string{"fail federated-credential-changed"}},
	"no assignment": {func(s *scene) {
		_, err := s.arm.DeleteRoleAssignment(s.t.Context(), s.document.Status.RoleAssignments[0].ID)
		require.NoError(s.t, err)
	}, assessment.VerdictFail, []string{"fail role-missing"}},
	"no container": {func(s *scene) {
		require.NoError(s.t, s.world.DeleteContainer("acmedata", "images"))
	}, assessment.VerdictFail, []string{"fail container-not-found"}},
	"no account": {func(s *scene) {
		require.NoError(s.t, s.world.DeleteObject("storageAccounts", world.DataAccountID))
	}, assessment.VerdictFail, []string{"fail storage-account-not-found"}},
	"Graph refuses us": {func(s *scene) { s.refuse["GET graph.microsoft.com"] = 403 }, assessment.VerdictUnknown,
		[]string{"unknown graph-permission-missing", "unknown graph-permission-missing",
			"unknown graph-permission-missing"}},
	"Azure refuses us": {func(s *scene) { s.refuse["GET management.azure.com"] = 403 }, assessment.VerdictUnknown,
		[]string{"unknown arm-permission-missing"}},
	"Azure is throttling": {func(s *scene) { s.refuse["GET management.azure.com"] = 429 }, assessment.VerdictUnknown,
		[]string{"unknown throttled"}},
}

func TestLookAtTheStructure(t *testing.T) {
	t.Parallel()
	for name, c := range structureCases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.observer.TokenSource = nil
			c.change(s)
			r := s.look(true)
			assert.Equal(t, c.verdict, r.Verdict)
			assert.Equal(t, c.faults, faults(r))
			assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
			assert.Nil(t, r.TestedAs, "nothing was tested as the federated identity")
			for _, check := range r.Checks {
				assert.False(t, check.Transient && check.Status == diagnosis.OutcomeFail, "%s: %s", name, check.Code)
			}
			for _, request := range s.requests {
				assert.False(t, strings.Contains(request, "login.microsoftonline.com") ||
					strings.Contains(request, "blob."), request)
			}
		})
	}
}

func TestReplicationExcusesAnAbsenceForSomeMinutes(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.observer.TokenSource = nil
	_, err := s.arm.DeleteRoleAssignment(t.Context(), s.document.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	d, _ := s.look(false).Decisive()
	assert.True(t, d.Transient)
	d, _ = s.look(true).Decisive()
	assert.False(t, d.Transient)
}

// TestNoTokenProvesNothing: where the platform should issue a token and does not, the structure may still show a
// fault, but cannot make good for the test that was not made.
func TestNoTokenProvesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, err := range []error{errors.New("platform down"),
		&diagnosis.Error{Diagnosis: diagnosis.New("not-provisioned")}} {
		s.observer.TokenSource = func(context.Context, string, string) (secret.Value, error) {
			return secret.Value{}, err
		}
		r := s.look(true)
		assert.Equal(t, assessment.VerdictUnknown, r.Verdict)
		assert.Equal(t, diagnosis.OutcomeUnknown, r.Checks[0].Status, r.Checks[0].Code)
	}
	_, err := s.world.DeleteRoleAssignment(s.document.Status.RoleAssignments[0].ID)
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictFail, s.look(true).Verdict)
}
