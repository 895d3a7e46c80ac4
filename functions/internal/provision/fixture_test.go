package provision_test

import (
	"context"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // hundreds of small worlds: most of the heap is dead, and looking at it often takes time
	goleak.VerifyTestMain(m)
}

const (
	id      = operationtest.IntegrationID
	subject = "system:serviceaccount:dataloop:my-service"
	other   = "system:serviceaccount:dataloop:other"
)

// fixture is a deployment of the service in a seeded world: real clients over the sandbox's handlers.
type fixture struct {
	*operationtest.Deployment
	t       operationtest.TB
	service *provision.Service
	worker  *operation.Worker
	world   *world.World
	issuer  *platform.Issuer
	kinds   []resource.Kind
	// pause waits between attempts of a request.
	pause    func(ctx context.Context, d time.Duration) error
	schedule func(context.Context, integration.Document) error
	health   *health.Service

	network
	meter
}

func newFixture(t operationtest.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, Deployment: operationtest.New(t, time.Now().UTC().Truncate(time.Second)),
		schedule: func(context.Context, integration.Document) error { return nil }}
	f.pause = f.Sleep
	f.Store.Begin = func(c operationtest.Call) func() {
		return f.trip(trip{service: serviceStore, isWrite: c.IsWrite(), key: c.Key})
	}
	f.world = world.New(f.Now)
	world.Seed(f.world)
	services, err := cloud.NewServices(f.world, cloud.ServiceOptions{APIKey: "planted-key", Between: f,
		AroundParts: []func(http.Handler) http.Handler{f.inBatch}})
	require.NoError(t, err)
	authority := services.Authority
	f.issuer, f.hosts = services.Issuer, services.ByHost
	f.hosts["acmedata.blob.core.windows.net"] = services.Blobs
	delete(f.hosts, cloud.BlobHosts) // no other account is there
	cred := credential(func(scope string) (string, time.Time, error) {
		defer f.takes(serviceLogin, false)()
		return authority.Issue(world.AppPrincipalID, strings.TrimSuffix(scope, "/.default"))
	})
	options := azcore.ClientOptions{Transport: transporter{f}, Retry: azpolicy.RetryOptions{MaxRetries: -1}}
	f.kinds = f.azureKinds(cred, options)
	tester := &access.Tester{Exchanger: entra.NewExchanger(options), ClientOptions: options, Now: f.Now}
	f.health, err = health.New(health.Options{
		Repository: f.Repository, Schedule: health.Schedule{Repository: f.Repository, Now: f.Now}, Engine: f.Engine,
		Look: func(context.Context, integration.Document) assessment.Report {
			panic("nothing is on the health queue")
		},
		IsProof: tester.IsProof, Kinds: f.kinds, Send: f.Send, Now: f.Now, Source: operationtest.Source,
	})
	require.NoError(t, err)
	allowed,
		err := entitlement.New(`[{"callers":["queue"],"subjects":["*","*:*:*:*"],"issuers":["`+world.Issuer+`"]}]`,
		entitlement.Defaults{})
	require.NoError(t, err)
	f.service, err = provision.New(provision.Options{
		Repository: f.Repository, Engine: f.Engine, Watch: watch{f.health, f}, Kinds: f.kinds,
		Claims: &entitlement.Claims{Repository: f.Repository},
		Policy: allowed,
		Defaults: resolve.Defaults{Issuer: world.Issuer,
			SubjectTemplate: "system:serviceaccount:dataloop:{service}", Audience: "api://AzureADTokenExchange",
			IdentityGroup: armid.ResourceGroup{SubscriptionID: world.SubscriptionID, Name: "identities"},
			OwnGroups:     []armid.ResourceGroup{{SubscriptionID: world.SubscriptionID, Name: "rg-wif"}},
			Location:      world.Location,
			TenantID:      func(context.Context) (string, error) { return world.TenantID, nil }},
		Tester: tester,
		TokenSource: func(_ context.Context, subject, audience string) (secret.Value, error) {
			token, err := f.issuer.Mint(platform.TokenRequest{Subject: subject, Audience: audience})
			return secret.New(token), err
		},
		Now: f.Now,
	})
	require.NoError(t, err)
	f.setPlatform(resourceplatform.Platform{})
	return f
}

// watch is what looks after the health of the fixture's integrations, with a schedule that the test sees.
type watch struct {
	*health.Service
	f *fixture
}

func (w watch) Plan(ctx context.Context, d integration.Document) error { return w.f.schedule(ctx, d) }

// azureKinds are the kinds of Azure's objects, whose requests go through the fixture.
func (f *fixture) azureKinds(cred azcore.TokenCredential, options azcore.ClientOptions) []resource.Kind {
	f.t.Helper()
	directory, err := graph.New(cred, &graph.Options{ClientOptions: options})
	require.NoError(f.t, err)
	resources, err := arm.New(cred, &arm.Options{ClientOptions: options})
	require.NoError(f.t, err)
	requests := policy.Requests{Sleep: func(ctx context.Context, d time.Duration) error { return f.pause(ctx, d) },
		Now: f.Now}
	identities := identity.New(map[integration.IdentityKind]identity.Implementation{
		integration.IdentityApplication: application.New(directory, requests, "0123abcd", nil),
		integration.IdentityManaged:     managedidentity.New(resources, requests, "0123abcd")})
	return []resource.Kind{identities, trust.New(identities, requests), grant.New(resources, requests)}
}

type credential func(scope string) (string, time.Time, error)

func (c credential) GetToken(_ context.Context, o azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, expires, err := c(o.Scopes[0])
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, err
}

func spec(containers ...string) integration.Spec {
	s := integration.Spec{ServiceName: "my-service"}
	for _, c := range containers {
		s.Storage = append(s.Storage, integration.StorageAccess{ResourceID: world.DataAccountID, Container: c,
			Access: integration.AccessReadWrite})
	}
	return s
}

// submit submits and returns the command that was sent for it.
func (f *fixture) submit(s integration.Spec) (operation.Accepted, message.Command) {
	f.t.Helper()
	a, err := f.service.Submit(f.t.Context(), provision.Submission{ID: id, Spec: s})
	require.NoError(f.t, err)
	return a, f.Command(a.Operation.ID)
}

func (f *fixture) remove(opts provision.TeardownOptions) (operation.Accepted, message.Command) {
	f.t.Helper()
	a, err := f.service.SubmitTeardown(f.t.Context(), id, opts)
	require.NoError(f.t, err)
	return a, f.Command(a.Operation.ID)
}

// events are the types of what was published of the integration; its health has events of its own.
func (f *fixture) events() []string {
	var types []string
	for _, m := range f.Messages(message.TopicEvents) {
		if m.Subject == message.TypeHealthChanged {
			continue
		}
		types = append(types, strings.TrimSuffix(strings.TrimPrefix(m.Subject, "ai.ddoe.wif.integration."), ".v1"))
	}
	return types
}

func (f *fixture) handle(c message.Command) {
	f.t.Helper()
	f.mark()
	defer f.mark()
	require.NoError(f.t, f.worker.Handle(f.t.Context(), c))
}

// provisioned submits the spec and carries it out.
func (f *fixture) provisioned(s integration.Spec) integration.Document {
	f.t.Helper()
	a, c := f.submit(s)
	f.handle(c)
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	return f.Document()
}

// counts are the objects of ours in the world.
type counts struct{ applications, principals, identities, credentials, assignments, deleted int }

func (f *fixture) counts() counts {
	c := counts{applications: len(f.world.Applications()), identities: len(managed(f)),
		deleted: len(f.world.DeletedItems())}
	for _, p := range f.world.ServicePrincipals() {
		if p.ServicePrincipalType == "Application" {
			c.principals++
		}
	}
	for _, a := range f.world.Applications() {
		c.credentials += len(f.world.FederatedCredentials(a.ID))
	}
	for _, u := range managed(f) {
		c.credentials += len(f.world.UserAssignedIdentityCredentials(u.ID))
	}
	for _, a := range f.world.RoleAssignments() {
		if a.PrincipalID != world.AppPrincipalID {
			c.assignments++
		}
	}
	return c
}

// killedAnywhere kills the process before each effect of the command that begin returns, each time in a fixture of its
// own, and the last time not at all; then looks what came of it.
func killedAnywhere(t *testing.T, begin func() (*fixture, message.Command),
	then func(f *fixture, c message.Command, n int)) {
	t.Helper()
	n := 0
	for killed := true; killed; {
		n++
		f, c := begin()
		_ = f.worker.Handle(f.Doom(t.Context(), n, false), c) // a dead process answers nothing
		killed = f.IsDead()
		f.Revive()
		then(f, c, n)
	}
	assert.Greater(t, n, 8, "there is something to kill")
}
