package provision_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestStepsCarryThePlatformsRequestID: what was made, changed and removed can be asked after at DDOE's.
func TestStepsCarryThePlatformsRequestID(t *testing.T) {
	f := withPlatform(t)
	var answered sync.Map // request id → request
	gate := f.hosts[platform.GateHost]
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.ServeHTTP(w, r)
		answered.Store(w.Header().Get("x-request-id"), r.Method+" "+r.URL.Path)
	})
	carry := func(c message.Command) integration.Document { f.completed(c); return f.document() }
	_, create := f.submit(wired())
	d := carry(create)
	_, change := f.submit(changed())
	d = carry(change)
	_, remove := f.remove(provision.TeardownOptions{})
	carry(remove)
	integrations := "/api/v1/orgs/" + world.OrganizationID + "/integrations"
	ofIntegration, ofDriver := "/"+d.Status.DDOE.IntegrationID, "/api/v1/drivers/"+d.Status.DDOE.DriverID
	for operation, want := range map[string]map[string]any{
		create.OperationID: {"ddoeIntegration created": "POST " + integrations, "ddoeDriver created": "POST /api/v1/drivers"},
		change.OperationID: {"ddoeIntegration updated": "PATCH " + integrations, "ddoeDriver updated": "PATCH " + ofDriver},
		remove.OperationID: {"ddoeIntegration-delete deleted": "DELETE " + integrations + ofIntegration, "ddoeDriver-delete deleted": "DELETE " + ofDriver},
	} {
		got := map[string]any{}
		for _, s := range f.operation(operation).Steps {
			if name := s.Name + " " + s.Outcome; want[name] != nil {
				got[name], _ = answered.Load(s.RequestID)
			}
		}
		assert.Equal(t, want, got)
	}
}

// TestTheSettingHasTheLastWord: DDOE_OPTION_MAP decides where the value of an option comes from, whatever its name says.
func TestTheSettingHasTheLastWord(t *testing.T) {
	const literal = "planted-literal"
	f := withPlatform(t)
	offered := f.offered()
	options := []any{}
	for name, displayName := range map[string]string{"o1": "Client ID", "o2": "Tenant ID", "o3": "Account name", "o4": "Client secret", "o5": "Container", "clientId": "Client ID"} {
		options = append(options, world.Object{"name": name, "displayName": displayName, "type": "string", "required": true})
	}
	offered["options"] = options
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	sources, err := provision.ParseOptionMap(fmt.Sprintf(`{"o1": "tenantId", "o2": "=%s", "o3": "container", "o4": "accountName", "clientId": "tenantId"}`, literal))
	require.NoError(t, err)
	f.setPlatform(provision.Platform{OptionMap: sources})
	s := wired()
	s.DDOE.Driver = nil // the platform would try to use what it is sent
	f.carried(s)
	assert.Equal(t, map[string]any{"o1": world.TenantID, "o2": literal, "o3": "images", "o4": "acmedata", "o5": "images", "clientId": world.TenantID},
		f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"], "o5 is as its name says")
}
