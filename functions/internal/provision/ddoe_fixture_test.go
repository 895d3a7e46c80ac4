package provision_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const gate = "gate.dataloop.ai/api/v1"

// roundTripper makes an HTTP client of the fixture's way to the hosts, faults included.
type roundTripper struct{ f *fixture }

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	return transporter(rt).Do(r)
}

// withPlatform gives the deployment access to the platform's API.
func withPlatform(t *testing.T) *fixture {
	f := newFixture(t)
	f.world.RewordOffer()
	site := platform.New(f.world, platform.Options{Issuer: f.issuer, APIKey: "planted-key", Transport: f})
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = platform.GateHost
		site.ServeHTTP(w, r)
	})
	f.setPlatform(provision.Platform{})
	return f
}

func (f *fixture) setPlatform(p provision.Platform) {
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + gate, Key: secret.New("planted-key"), Client: &http.Client{Transport: roundTripper{f}},
		Sleep: f.sleep, Now: f.now, Hidden: p.OptionMap.Literals()})
	require.NoError(f.t, err)
	p.Hiding = client.Hiding
	f.service.Platform = &p
}

// wired asks for the platform's side too.
func wired() integration.Spec {
	s := spec("images")
	s.DDOE = &integration.DDOE{OrganizationID: world.OrganizationID, Integration: true, Driver: &integration.Driver{ProjectID: world.ProjectID, Name: "images"}}
	return s
}

// gateCounts are the platform's objects.
type gateCounts struct{ integrations, drivers int }

func (f *fixture) onGate() gateCounts {
	return gateCounts{len(f.world.DDOEObjects(world.DDOEIntegrations)), len(f.world.DDOEObjects(world.DDOEDrivers))}
}

// settle carries out the parked copies of a command, in the order of their attempts.
func (f *fixture) settle(c message.Command) integration.Operation {
	f.t.Helper()
	for n := 1; !f.operation(c.OperationID).Status.Final(); n++ {
		require.Less(f.t, n, 12, "it is parked for ever")
		f.advance(time.Minute)
		f.handle(f.command(fmt.Sprintf("%s-retry-%d", c.OperationID, n)))
	}
	return f.operation(c.OperationID)
}

// completed carries out a command, parked copies included, that has to succeed.
func (f *fixture) completed(c message.Command) {
	f.t.Helper()
	f.handle(c)
	f.settle(c)
	f.requireStatus(c.OperationID, integration.OperationSucceeded)
}

// carried submits a spec and carries it out, parked copies included.
func (f *fixture) carried(s integration.Spec) integration.Document {
	f.t.Helper()
	_, c := f.submit(s)
	f.completed(c)
	return f.document()
}

// quirk switches one of the platform's ways on.
func (f *fixture) quirk(name string, members world.Object) {
	o := world.Object{"name": name}
	for k, v := range members {
		o[k] = v
	}
	require.NoError(f.t, f.world.PutDDOEObject(world.DDOEQuirks, o))
}

// offered is the seeded type for federation with Azure, however it is called: the one with a credential file.
func (f *fixture) offered() world.Object {
	for _, o := range f.world.DDOEObjects(world.DDOEAvailableIntegrations) {
		if slices.ContainsFunc(o["options"].([]any), func(option any) bool { return option.(world.Object)["means"] == world.MeansCredentialFile }) {
			return o
		}
	}
	f.t.Fatal("the type is not offered")
	return nil
}

// changed asks for other values of what can be changed in place: name, options and driver.
func changed() integration.Spec {
	s := wired()
	s.DisplayName, s.ServiceName, s.Subjects = "Renamed", "", []string{other}
	s.DDOE.Driver.Path, s.DDOE.Driver.AllowExternalDelete = "sub/folder", true
	return s
}

// requireChanged checks that integration and driver are those of the document, and as changed says.
func (f *fixture) requireChanged(n int) {
	f.t.Helper()
	require.Equal(f.t, gateCounts{1, 1}, f.onGate(), "at %d", n)
	f.requireOurs(n)
	made, driver := f.world.DDOEObjects(world.DDOEIntegrations)[0], f.world.DDOEObjects(world.DDOEDrivers)[0]
	require.Equal(f.t, []any{"Renamed", "sub/folder", true}, []any{made["name"], driver["path"], driver["allowExternalDelete"]}, "at %d", n)
	require.Contains(f.t, fmt.Sprint(made["options"]), other, "at %d", n)
}

// requireOurs checks that integration and driver are those of the document.
func (f *fixture) requireOurs(n int) {
	f.t.Helper()
	made, driver, st := f.world.DDOEObjects(world.DDOEIntegrations)[0], f.world.DDOEObjects(world.DDOEDrivers)[0], f.document().Status.DDOE
	require.Equal(f.t, []any{st.IntegrationID, st.DriverID, st.IntegrationID}, []any{made["id"], driver["id"], driver["integrationId"]}, "at %d", n)
}
