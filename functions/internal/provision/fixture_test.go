package provision_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	sandboxarm "github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	sandboxentra "github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	sandboxgraph "github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id      = "my-service"
	subject = "system:serviceaccount:dataloop:my-service"
	other   = "system:serviceaccount:dataloop:other"
)

// fixture is a deployment of the service in a seeded world: real clients over the sandbox's handlers, an in-memory
// store, a queue that is a slice, and one clock that only sleeping moves.
type fixture struct {
	t       tb
	service *provision.Service
	engine  *operation.Engine
	worker  *operation.Worker
	world   *world.World
	issuer  *platform.Issuer
	store   integration.Store
	kinds   []resource.Kind
	// pause waits between attempts of a request.
	pause func(ctx context.Context, d time.Duration) error

	clock
	network
	killSwitch
	meter

	mu   sync.Mutex // guards sent and beforePut
	sent []sent
	// deaf is the entity that takes nothing.
	deaf     string
	schedule func(context.Context, integration.Document) error
	log      bytes.Buffer
	// beforePut runs once, before the next write to the store.
	beforePut func()
}

type sent struct {
	entity string
	bus.Message
}

// issuerKey signs for the issuers of all tests: an RSA key takes longer to make than most tests take.
var issuerKey = sync.OnceValues(func() (*jose.Key, error) { return jose.NewKey("issuer") })

// tb is what a fixture needs of a test, or of one try of a property.
type tb interface {
	require.TestingT
	Helper()
	Context() context.Context
}

func newFixture(t tb) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: clock{at: time.Now().UTC().Truncate(time.Second)}, store: storetest.NewMemory(),
		schedule: func(context.Context, integration.Document) error { return nil }}
	f.pause = f.sleep
	f.world = world.New(f.now)
	world.Seed(f.world)
	authority, err := sandboxentra.NewAuthority(f.world)
	require.NoError(t, err)
	key, err := issuerKey()
	require.NoError(t, err)
	f.issuer = platform.NewIssuer(world.Issuer, f.now, key)
	f.hosts = map[string]http.Handler{
		"graph.microsoft.com": sandboxgraph.New(f.world, authority.Authenticate(sandboxgraph.Audience),
			f.inBatch),
		"management.azure.com":           sandboxarm.New(f.world, authority.Authenticate(sandboxarm.Audience)),
		sandboxentra.Host:                sandboxentra.New(f.world, authority, f),
		platform.Host:                    platform.New(f.world, platform.Options{Issuer: f.issuer, APIKey: "key"}),
		"acmedata.blob.core.windows.net": blob.New(f.world, authority),
	}
	cred := credential(func(scope string) (string, time.Time, error) {
		defer f.takes(serviceLogin, false)()
		return authority.Issue(world.AppPrincipalID, strings.TrimSuffix(scope, "/.default"))
	})
	options := azcore.ClientOptions{Transport: transporter{f}, Retry: azpolicy.RetryOptions{MaxRetries: -1}}
	f.kinds = f.azureKinds(cred, options)
	repository := &integration.Repository{Store: guarded{f}, Now: f.now}
	f.engine, err = operation.New(operation.Options{Repository: repository, Send: f.send, Now: f.now,
		Source: "/ddoe-wif/0123abcd",
		Log:    slog.New(slog.NewJSONHandler(&f.log, nil))})
	require.NoError(t, err)
	f.service, err = provision.New(provision.Options{
		Repository: repository, Engine: f.engine, Schedule: func(ctx context.Context, d integration.Document) error {
			return f.schedule(ctx, d)
		},
		Kinds: f.kinds,
		Defaults: integration.Defaults{Issuer: world.Issuer,
			SubjectTemplate: "system:serviceaccount:dataloop:{service}", Audience: "api://AzureADTokenExchange",
			IdentityGroup: integration.ResourceGroupID{SubscriptionID: world.SubscriptionID, Name: "identities"},
			Location:      world.Location,
			TenantID:      func(context.Context) (string, error) { return world.TenantID, nil }},
		Tester: &access.Tester{Exchanger: entra.NewExchanger(options), ClientOptions: options, Now: f.now},
		TokenSource: func(_ context.Context, subject, audience string) (secret.Value, error) {
			token, err := f.issuer.Mint(platform.TokenRequest{Subject: subject, Audience: audience})
			return secret.New(token), err
		},
		Now: f.now,
	})
	require.NoError(t, err)
	f.setPlatform(resourceplatform.Platform{})
	return f
}

// azureKinds are the kinds of Azure's objects, whose requests go through the fixture.
func (f *fixture) azureKinds(cred azcore.TokenCredential, options azcore.ClientOptions) []resource.Kind {
	f.t.Helper()
	directory, err := graph.New(cred, &graph.Options{ClientOptions: options})
	require.NoError(f.t, err)
	resources, err := arm.New(cred, &arm.Options{ClientOptions: options})
	require.NoError(f.t, err)
	requests := policy.Requests{Sleep: func(ctx context.Context, d time.Duration) error { return f.pause(ctx, d) },
		Now: f.now}
	managed := managedidentity.New(resources, requests, "0123abcd")
	identities := identity.New(
		identity.Implementation{Kind: application.New(directory, requests, "0123abcd"),
			Credentials: application.NewCredentials(directory, requests)},
		identity.Implementation{Kind: managed, Credentials: managedidentity.NewCredentials(managed)})
	return []resource.Kind{identities, trust.New(identities, requests), grant.New(resources, requests)}
}

func (f *fixture) send(_ context.Context, entity string, m bus.Message) error {
	_, err := effect(f, func() (struct{}, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if entity == f.deaf {
			return struct{}{}, errors.New("unauthorized")
		}
		duplicate := slices.ContainsFunc(f.sent, func(s sent) bool { return s.entity == entity && s.ID == m.ID })
		if !duplicate { // the entities detect duplicates
			f.sent = append(f.sent, sent{entity, m})
		}
		return struct{}{}, nil
	})
	return err
}

// guarded is the store, as far as the process lives.
type guarded struct{ f *fixture }

func (g guarded) Get(ctx context.Context, key string) (integration.Record, error) {
	defer g.f.takes(serviceStore, false)()
	return g.f.store.Get(ctx, key)
}
func (g guarded) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	g.f.mu.Lock()
	beforePut := g.f.beforePut
	g.f.beforePut = nil
	g.f.mu.Unlock()
	if beforePut != nil {
		beforePut()
	}
	defer g.f.takes(serviceStore, true)()
	return effect(g.f, func() (string, error) { return g.f.store.Put(ctx, key, body, ifMatch) })
}
func (g guarded) Delete(ctx context.Context, key, ifMatch string) error {
	defer g.f.takes(serviceStore, true)()
	_, err := effect(g.f, func() (struct{}, error) { return struct{}{}, g.f.store.Delete(ctx, key, ifMatch) })
	return err
}
func (g guarded) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	return g.f.store.List(ctx, prefix, token, limit)
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
	return a, f.command(a.Operation.ID)
}

func (f *fixture) remove(opts provision.TeardownOptions) (operation.Accepted, message.Command) {
	f.t.Helper()
	a, err := f.service.SubmitTeardown(f.t.Context(), id, opts)
	require.NoError(f.t, err)
	return a, f.command(a.Operation.ID)
}

// command parses the message with that id as the trigger delivers it.
func (f *fixture) command(messageID string) message.Command {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.sent, func(s sent) bool { return s.entity == message.QueueCommands && s.ID == messageID })
	require.GreaterOrEqual(f.t, i, 0, "no message %s", messageID)
	c, err := message.ParseCommand(message.Delivery{Body: f.sent[i].Body, MessageID: f.sent[i].ID,
		SessionID: f.sent[i].SessionID})
	require.NoError(f.t, err)
	return c
}

// events are the types of what was published.
func (f *fixture) events() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var types []string
	for _, s := range f.sent {
		if s.entity == message.TopicEvents {
			types = append(types, strings.TrimSuffix(strings.TrimPrefix(s.Subject, "ai.ddoe.wif.integration."), ".v1"))
		}
	}
	return types
}

func (f *fixture) handle(c message.Command) {
	f.t.Helper()
	require.NoError(f.t, f.worker.Handle(f.t.Context(), c))
}

// provisioned submits the spec and carries it out.
func (f *fixture) provisioned(s integration.Spec) integration.Document {
	f.t.Helper()
	a, c := f.submit(s)
	f.handle(c)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
	return f.document()
}

func (f *fixture) document() integration.Document {
	f.t.Helper()
	d, err := f.service.Repository.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	return d
}

func (f *fixture) operation(operationID string) integration.Operation {
	f.t.Helper()
	o, err := f.service.Repository.GetOperation(f.t.Context(), operationID)
	require.NoError(f.t, err)
	return o
}

func (f *fixture) requireStatus(operationID string, want integration.OperationStatus) integration.Operation {
	f.t.Helper()
	o := f.operation(operationID)
	require.Equal(f.t, want, o.Status, "%+v", o.Error)
	return o
}

// counts are the objects of ours in the world.
type counts struct{ applications, principals, credentials, assignments, deleted int }

func (f *fixture) counts() counts {
	c := counts{applications: len(f.world.Applications()), deleted: len(f.world.DeletedItems())}
	for _, p := range f.world.ServicePrincipals() {
		if p.ServicePrincipalType == "Application" {
			c.principals++
		}
	}
	for _, a := range f.world.Applications() {
		c.credentials += len(f.world.FederatedCredentials(a.ID))
	}
	for _, a := range f.world.RoleAssignments() {
		if a.PrincipalID != world.AppPrincipalID {
			c.assignments++
		}
	}
	return c
}

// killedAnywhere kills the process at each effect of the command that begin returns, each time in a fixture of its
// own, and the last time not at all; then looks what came of it.
func killedAnywhere(t *testing.T, begin func() (*fixture, message.Command),
	then func(f *fixture, c message.Command, n int)) {
	t.Helper()
	n := 0
	for killed := true; killed; {
		n++
		f, c := begin()
		_ = f.worker.Handle(f.dies(t.Context(), n), c) // a dead process answers nothing
		killed = f.revive()
		then(f, c, n)
	}
	assert.Greater(t, n, 8, "there is something to kill")
}
