package platformlook_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platformlook"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// shown is what a look at a world with two integrations, and a driver on the first, tells of the ids.
func shown(t *testing.T, answer http.Handler, integrationID, driverID string, isEnding bool) []resource.Item {
	t.Helper()
	w := world.New(nil)
	for _, object := range [][3]string{{"integrations", "theirs", `{"name": "a", "type": "x"}`},
		{"integrations", "another", `{"name": "b", "type": "x"}`},
		{"drivers", "driver-1", `{"name": "images", "integrationId": "theirs", "type": "azureBlob"}`}} {
		require.NoError(t, w.PutObject("ddoe."+object[0], object[1], []byte(object[2])))
	}
	if answer == nil {
		answer = sandbox.New(w, sandbox.Options{APIKey: "key"})
	}
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + sandbox.GateHost + "/api/v1", Key: secret.New("key"),
		Client: &http.Client{Transport: inprocess.ByHost{sandbox.GateHost: answer}}})
	require.NoError(t, err)
	look := platformlook.New(client, policy.Requests{Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil }})
	return look.Observe(t.Context(), resource.View{Ending: isEnding, Document: integration.Document{
		Status: integration.Status{DDOE: &integration.DDOEStatus{IntegrationID: integrationID, DriverID: driverID}}}})
}

// TestWhatIsShown: both objects, one alone, one that is missing, a driver elsewhere, one whose ids differ by case.
func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	const ofIntegration, ofDriver = "platformIntegration ddoe.integration %[1]s %[1]s The platform shows the " +
		"integration: %[2]s true", "driver ddoe.driver %[1]s %[1]s The platform shows the driver, on the " +
		"integration: %[2]s true"
	for ids, want := range map[[2]string][]string{
		{"theirs", "driver-1"}: {fmt.Sprintf(ofIntegration, "theirs", "unchanged  []"),
			fmt.Sprintf(ofDriver, "driver-1", "unchanged  []")},
		{"", "driver-1"}: {fmt.Sprintf(ofDriver, "driver-1", "unchanged  []")},
		{"gone", ""}:     {fmt.Sprintf(ofIntegration, "gone", "missing ddoe-integration-unknown []")},
		{"theirs", "gone"}: {fmt.Sprintf(ofIntegration, "theirs", "unchanged  []"),
			fmt.Sprintf(ofDriver, "gone", "missing ddoe-driver-missing []")},
		{"another", "driver-1"}: {fmt.Sprintf(ofIntegration, "another", "unchanged  []"), fmt.Sprintf(ofDriver,
			"driver-1", "different ddoe-driver-changed [{integrationId another theirs other}]")},
		{"", ""}: nil,
	} {
		var told []string
		for _, i := range shown(t, nil, ids[0], ids[1], false) {
			told = append(told, fmt.Sprint(i.Name, " ", i.CheckID, " ", i.Key, " ", i.Target, " ", i.Title, ": ",
				i.State, " ", i.Code, " ", i.Differences, " ", i.Apart))
			require.NoError(t, i.Err)
		}
		assert.Equal(t, want, told, ids)
	}
	assert.Empty(t, shown(t, nil, "THEIRS", "driver-1", false)[1].Differences)
	assert.Empty(t, shown(t, nil, "theirs", "driver-1", true), "what is forgotten is not looked at")
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	failed := shown(t, down, "theirs", "driver-1", false)
	assert.Equal(t, []policy.Operation{policy.PlatformIntegrationGet, policy.DriverGet}, []policy.Operation{
		policy.OperationOf(failed[0].Err), policy.OperationOf(failed[1].Err)})
	off := platformlook.New(nil, policy.Requests{}).Observe(t.Context(), resource.View{Document: integration.Document{
		Status: integration.Status{DDOE: &integration.DDOEStatus{IntegrationID: "x"}}}})
	assert.ErrorContains(t, off[0].Err, "ddoe-api-off")
	assert.Equal(t, "platformIntegration", (&platformlook.Look{}).Name())
}
