package platformlook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platformlook"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const key = "planted-key"

// setup is a platform that shows two integrations, and a driver on the first.
type setup struct {
	t     *testing.T
	world *world.World
	hosts inprocess.ByHost
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	w := world.New(nil)
	world.Seed(w)
	s := &setup{t: t, world: w, hosts: inprocess.ByHost{
		sandbox.GateHost: sandbox.New(w, sandbox.Options{APIKey: key})}}
	const organization, project = "55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666"
	for _, id := range []string{"theirs", "another"} {
		s.put("ddoe.integrations", id, map[string]any{"name": id, "organizationId": organization, "type": "azure-wif"})
	}
	s.put("ddoe.drivers", "driver-1", map[string]any{"name": "images", "projectId": project,
		"integrationId": "theirs", "type": "azureBlob"})
	return s
}

func (s *setup) put(kind, id string, object map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(object)
	require.NoError(s.t, err)
	require.NoError(s.t, s.world.PutObject(kind, id, body))
}

func (s *setup) look() *platformlook.Look {
	s.t.Helper()
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + sandbox.GateHost + "/api/v1", Key: secret.New(key),
		Client: &http.Client{Transport: s.hosts}})
	require.NoError(s.t, err)
	return platformlook.New(client, policy.Requests{Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil }})
}

func view(integrationID, driverID string) resource.View {
	return resource.View{Document: integration.Document{ID: "by-hand", IsUnmanaged: true, Status: integration.Status{
		DDOE: &integration.DDOEStatus{IntegrationID: integrationID, DriverID: driverID}}}}
}

// of are the members of an item that reports are made of.
func of(items []resource.Item) []resource.Item {
	var all []resource.Item
	for _, i := range items {
		i.Context = diagnosis.Context{}
		all = append(all, i)
	}
	return all
}

func integrationItem(id string) resource.Item {
	return resource.Item{Name: "platformIntegration", CheckID: "ddoe.integration", Key: id, Target: id, Apart: true,
		Title: "The platform shows the integration", State: resource.Unchanged}
}

func driverItem(id string) resource.Item {
	return resource.Item{Name: "driver", CheckID: "ddoe.driver", Key: id, Target: id, Apart: true,
		Title: "The platform shows the driver, on the integration", State: resource.Unchanged}
}

// as is an item with another state and code.
func as(i resource.Item, state resource.State, code diagnosis.Code) resource.Item {
	i.State, i.Code = state, code
	return i
}

// TestWhatThePlatformShows, in whole items: both objects, one alone, one that is missing, and a driver elsewhere.
func TestWhatThePlatformShows(t *testing.T) {
	t.Parallel()
	elsewhere := as(driverItem("driver-1"), resource.Different, diagnosis.CodeDDOEDriverChanged)
	elsewhere.Differences = []diagnosis.MemberDifference{{Member: "integrationId", Want: "another", Have: "theirs",
		Owner: diagnosis.OwnerOther}}
	for name, c := range map[string]struct {
		integration, driver string
		want                []resource.Item
	}{
		"both":           {"theirs", "driver-1", []resource.Item{integrationItem("theirs"), driverItem("driver-1")}},
		"in other case":  {"THEIRS", "driver-1", nil},
		"an integration": {"another", "", []resource.Item{integrationItem("another")}},
		"a driver":       {"", "driver-1", []resource.Item{driverItem("driver-1")}},
		"none":           {"", "", nil},
		"no integration": {"gone", "", []resource.Item{as(integrationItem("gone"), resource.Missing,
			diagnosis.CodeDDOEIntegrationUnknown)}},
		"no driver": {"theirs", "gone", []resource.Item{integrationItem("theirs"), as(driverItem("gone"),
			resource.Missing, diagnosis.CodeDDOEDriverMissing)}},
		"elsewhere": {"another", "driver-1", []resource.Item{integrationItem("another"), elsewhere}},
	} {
		items := newSetup(t).look().Observe(t.Context(), view(c.integration, c.driver))
		if name == "in other case" {
			require.Len(t, items, 2)
			assert.Empty(t, items[1].Differences, "the platform's ids are compared without case")
			continue
		}
		assert.Equal(t, c.want, of(items), name)
	}
}

// TestWhatCannotBeRead is told of each object, and nothing is concluded from it.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.hosts[sandbox.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	})
	items := s.look().Observe(t.Context(), view("theirs", "driver-1"))
	require.Len(t, items, 2)
	for i, op := range []policy.Operation{policy.PlatformIntegrationGet, policy.DriverGet} {
		assert.Equal(t, op, policy.OperationOf(items[i].Err))
	}
	off := platformlook.New(nil, policy.Requests{}).Observe(t.Context(), view("theirs", "driver-1"))
	require.Len(t, off, 2)
	for _, item := range off {
		var known *diagnosis.Error
		require.ErrorAs(t, item.Err, &known)
		assert.Equal(t, diagnosis.CodeDDOEAPIOff, known.Diagnosis.Code)
	}
}

// TestWhatIsNotLookedAt: an integration without a platform's side, and one that is being forgotten.
func TestWhatIsNotLookedAt(t *testing.T) {
	t.Parallel()
	look := newSetup(t).look()
	assert.Empty(t, look.Observe(t.Context(), resource.View{}))
	v := view("theirs", "driver-1")
	v.Ending = true
	assert.Empty(t, look.Observe(t.Context(), v))
	assert.Equal(t, "platformIntegration", look.Name())
	assert.Empty(t, look.Needs())
	assert.Empty(t, look.Outlives())
}
