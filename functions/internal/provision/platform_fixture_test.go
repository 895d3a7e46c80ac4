package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	resourceplatform "github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

const gate = "gate.dataloop.ai/api/v1"

// roundTripper makes an HTTP client of the fixture's way to the hosts, faults included.
type roundTripper struct{ f *fixture }

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return transporter(rt).Do(r)
}

// withPlatform gives the deployment access to the platform's API.
func withPlatform(t operationtest.TB) *fixture {
	f := newFixture(t)
	f.world.RewordOffer()
	site := f.hosts[platform.GateHost]
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = platform.GateHost
		site.ServeHTTP(w, r)
	})
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + gate, Key: secret.New("planted-key"),
		Client: &http.Client{Transport: roundTripper{f}}})
	require.NoError(t, err)
	f.setPlatform(resourceplatform.Platform{Client: client})
	return f
}

// flat are storage accounts without a hierarchical namespace.
type flat struct{}

func (flat) IsHierarchical(context.Context, string) (bool, error) { return false, nil }

// setPlatform puts the platform's kinds behind those of Entra and Azure.
func (f *fixture) setPlatform(p resourceplatform.Platform) {
	p.Instance, p.Requests = "0123abcd", policy.Requests{Sleep: func(ctx context.Context, d time.Duration) error {
		return f.pause(ctx, d)
	}, Now: f.Now}
	p.Accounts = flat{}
	kinds, err := resourceplatform.New(p)
	require.NoError(f.t, err)
	f.kinds = append(f.kinds[:3:3], kinds...)
	f.service.Kinds, f.health.Kinds = f.kinds, f.kinds
	f.restart()
}

// takeTokensFrom gives the deployment a source of subject tokens; nil is none.
func (f *fixture) takeTokensFrom(source func(ctx context.Context, subject, audience string) (secret.Value, error)) {
	f.service.TokenSource = source
	f.restart()
}

// restart makes the worker from the service as it is now.
func (f *fixture) restart() {
	f.t.Helper()
	var err error
	f.worker, err = operation.NewWorker(f.Engine, f.service.Tasks())
	require.NoError(f.t, err)
}

// wired asks for the platform's side too.
func wired() integration.Spec {
	s := spec("images")
	s.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID, Integration: true,
		Driver: &integration.Driver{ProjectID: dataloop.ProjectID, Name: "images"}}
	return s
}

// gateCounts are the platform's objects.
type gateCounts struct{ integrations, drivers int }

func (f *fixture) onGate() gateCounts {
	return gateCounts{len(f.world.DDOEObjects(dataloop.Integrations)), len(f.world.DDOEObjects(dataloop.Drivers))}
}

// finish carries out the parked copies of a command, in the order of their attempts.
func (f *fixture) finish(c message.Command) integration.Operation {
	f.t.Helper()
	for n := 1; !f.Operation(c.OperationID).Status.IsFinal(); n++ {
		require.Less(f.t, n, 12, "it is parked for ever")
		f.Advance(time.Minute)
		f.handle(f.Await(fmt.Sprintf("%s-retry-%d", c.OperationID, n)))
	}
	return f.Operation(c.OperationID)
}

// completed carries out a command, parked copies included, that has to succeed.
func (f *fixture) completed(c message.Command) {
	f.t.Helper()
	f.handle(c)
	f.finish(c)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
}

// carried submits a spec and carries it out, parked copies included.
func (f *fixture) carried(s integration.Spec) integration.Document {
	f.t.Helper()
	_, c := f.submit(s)
	f.completed(c)
	return f.Document()
}
