package functions

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// failedChecks are the names and codes of the checks of an answer that failed.
func failedChecks(t *testing.T, got answer) []string {
	t.Helper()
	failed := []string{}
	for _, one := range got.at("checks").([]any) {
		check := one.(map[string]any)
		if check["status"] == "pass" {
			continue
		}
		if check["name"] == "callers" {
			assert.Equal(t, "warn", check["status"])
			continue
		}
		found := check["diagnosis"].(map[string]any)
		remedy := found["remedy"].(map[string]any)
		assert.NotEmpty(t, remedy["steps"], check)
		failed = append(failed, check["name"].(string)+" "+found["code"].(string))
	}
	return failed
}

// TestWhatIsNotReady names each dependency that is down, and each right of the app's own that is missing; nothing is
// written, and no secret told.
func TestWhatIsNotReady(t *testing.T) {
	t.Parallel()
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for name, c := range map[string]struct {
		change func(a *app, s *storetest.Failing)
		want   []string
	}{
		"all is well": {func(*app, *storetest.Failing) {}, []string{}},
		"no Graph": {func(a *app, _ *storetest.Failing) { a.net["graph.microsoft.com"] = down },
			[]string{"graph graph-unavailable"}},
		"no right in Graph": {func(a *app, _ *storetest.Failing) {
			a.world.SetAppRoles(world.AppPrincipalID)
		}, []string{"graph graph-permission-missing"}},
		"no Resource Manager": {func(a *app, _ *storetest.Failing) { a.net["management.azure.com"] = down },
			[]string{"resourceManager arm-unavailable", "identityResourceGroup arm-unavailable"}},
		"no token endpoint": {func(a *app, _ *storetest.Failing) { delete(a.net, "login.microsoftonline.com") },
			[]string{"tokenEndpoint network-dns"}},
		"the token endpoint is broken": {func(a *app, _ *storetest.Failing) {
			next := a.net["login.microsoftonline.com"]
			a.net["login.microsoftonline.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				next.ServeHTTP(w, r)
			})
		}, []string{"tokenEndpoint entra-unavailable"}},
		"the token source is broken": {func(a *app, _ *storetest.Failing) {
			next := a.net[sandbox.GateHost]
			a.net[sandbox.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				next.ServeHTTP(w, r)
			})
		}, []string{"subjectTokenSource ddoe-unavailable"}},
		"no platform": {func(a *app, _ *storetest.Failing) { delete(a.net, sandbox.GateHost) },
			[]string{"platform network-dns", "subjectTokenSource network-dns"}},
		"no store": {func(_ *app, s *storetest.Failing) { s.At = 1 }, []string{"stateStore store-unavailable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &storetest.Failing{Store: storetest.NewMemory()}
			a := newAppOn(t, map[string]string{
				"DDOE_SUBJECT_TOKEN_URL":  "https://" + sandbox.GateHost + "/api/v1/subject-tokens",
				"DDOE_API_KEY":            planted,
				"DDOE_API_URL":            "https://" + sandbox.GateHost + "/api/v1",
				"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID,
			}, func(network, identity) integration.Store { return store })
			c.change(a, store)
			got := a.call("GET", "/readyz", "")
			assert.ElementsMatch(t, c.want, failedChecks(t, got), got.raw)
			assert.Equal(t, len(c.want) == 0, got.StatusCode == http.StatusOK)
			assert.NotRegexp(t, "landed|failed step|PUT|"+planted, got.raw, "a look makes nothing")
		})
	}
}

// TestReadyWithoutGraph: with managed identities by default no right in Graph is missed, and nothing is asked there.
func TestReadyWithoutGraph(t *testing.T) {
	t.Parallel()
	a := newApp(t, map[string]string{"DEFAULT_IDENTITY": "managedIdentity",
		"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID})
	a.world.SetAppRoles(world.AppPrincipalID)
	a.net["graph.microsoft.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked", r.Method, r.URL)
	})
	got := a.call("GET", "/readyz", "")
	assert.Equal(t, http.StatusOK, got.StatusCode, got.raw)
	assert.Empty(t, failedChecks(t, got))
	assert.NotContains(t, got.raw, `"graph"`)
	assert.Contains(t, got.raw, `"identityResourceGroup"`)
}

// tokenOf is a credential of the principal, whose token nobody looks into but the app itself.
type tokenOf string

func (principal tokenOf) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"` + string(principal) + `"}`))
	return azcore.AccessToken{Token: "header." + claims + ".signature"}, nil
}

// TestReadinessOpensTheLinks: the right to send is seen by each link on its own, and told with the entity's name and
// the command that grants it to the app's own identity; where a key is used, it has no roles.
func TestReadinessOpensTheLinks(t *testing.T) {
	t.Parallel()
	key := "Endpoint=sb://sb-wif.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=" + planted
	for name, c := range map[string]struct {
		settings map[string]string
		command  string
	}{
		"by its identity": {map[string]string{}, "--assignee-object-id " + world.AppPrincipalID +
			" .*\"Azure Service Bus Data Sender\" " +
			`--scope .* --name wif .*\)/topics/wif-events$`},
		"by a key": {map[string]string{"ServiceBusConnection__fullyQualifiedNamespace": "",
			"ServiceBusConnection": key}, "^$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := ConfigFromEnvironment(settings(c.settings))
			require.NoError(t, err)
			p := testFoundation(t)
			p.credential = tokenOf(world.AppPrincipalID)
			var opened []string
			p.attach = func(_ context.Context, entity string) error {
				opened = append(opened, entity)
				if entity == message.TopicEvents {
					return &bus.Error{Op: "open link", Entity: entity, Code: "unauthorized"}
				}
				return nil
			}
			clients, err := newServices(cfg, p)
			require.NoError(t, err)
			for _, probe := range readinessOf(cfg, p, clients).Probes {
				if !strings.HasPrefix(probe.Name, "serviceBus.") {
					continue
				}
				assert.Empty(t, probe.Command)
				assert.Equal(t, strings.HasSuffix(probe.Name, message.TopicEvents),
					!strings.Contains(probe.Unseen, "receiving"), "to a topic we send alone")
				err := probe.Ask(t.Context())
				if probe.Name != "serviceBus."+message.TopicEvents {
					require.NoError(t, err)
					continue
				}
				var found *diagnosis.Error
				require.ErrorAs(t, err, &found)
				assert.Equal(t, diagnosis.CodeServiceBusPermissionMissing, found.Diagnosis.Code)
				assert.Regexp(t, c.command, found.Diagnosis.Remedy.Command)
			}
			assert.Equal(t, []string{message.QueueCommands, message.QueueHealth, message.TopicEvents}, opened)
		})
	}
}

// TestReadinessTellsWhoMayCall: without a setting for callers' tokens the key is the only door. That is told, and
// hinders nothing.
func TestReadinessTellsWhoMayCall(t *testing.T) {
	t.Parallel()
	for audience, status := range map[string]string{"": "warn", "api://wif": "pass"} {
		changes := map[string]string{}
		if audience != "" {
			changes["AUTH_AUDIENCE"] = audience
		}
		a := newApp(t, changes)
		cfg, err := ConfigFromEnvironment(settings(changes))
		require.NoError(t, err)
		probe := callersProbe(cfg)
		report := (&readiness.Service{Probes: []readiness.Probe{probe}, Now: time.Now}).Check(t.Context())
		require.Len(t, report.Checks, 1)
		assert.Equal(t, status, string(report.Checks[0].Status))
		assert.True(t, report.Ready)
		assert.Equal(t, audience == "", strings.Contains(report.Checks[0].Note, "the function key is the only door"))
		if audience != "" {
			continue
		}
		got := a.call("GET", "/readyz", "")
		assert.Equal(t, http.StatusOK, got.StatusCode, got.raw)
		assert.Contains(t, got.raw, "AUTH_AUDIENCE is not set")
	}
}
