package provision_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
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
	var once sync.Once
	var handler http.Handler
	f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() {
			handler = platform.New(f.world, platform.Options{Issuer: f.issuer(), APIKey: "planted-key", Transport: f})
		})
		r.Host = platform.GateHost
		handler.ServeHTTP(w, r)
	})
	f.setPlatform(provision.Platform{})
	return f
}

func (f *fixture) setPlatform(p provision.Platform) {
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + gate, Key: secret.New("planted-key"), Client: &http.Client{Transport: roundTripper{f}},
		Sleep: f.sleep, Now: f.now, Hidden: p.OptionMap.Literals()})
	require.NoError(f.t, err)
	p.Client = client
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

// carried submits a spec and carries it out, parked copies included.
func (f *fixture) carried(s integration.Spec) integration.Document {
	f.t.Helper()
	a, c := f.submit(s)
	f.handle(c)
	f.settle(c)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
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

// offered is the seeded type for federation with Azure.
func (f *fixture) offered() world.Object {
	for _, o := range f.world.DDOEObjects(world.DDOEAvailableIntegrations) {
		if o["displayName"] == "Azure Workload Identity Federation" {
			return o
		}
	}
	f.t.Fatal("the type is not offered")
	return nil
}

func TestPlatformSideIsMadeAndValidated(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	st := d.Status.DDOE
	made := f.world.DDOEObjects(world.DDOEIntegrations)[0]
	driver := f.world.DDOEObjects(world.DDOEDrivers)[0]
	assert.Equal(t, "api", st.Mode)
	assert.Equal(t, made["id"], st.IntegrationID)
	assert.Equal(t, driver["id"], st.DriverID)
	assert.Equal(t, f.offered()["type"], st.IntegrationType)
	assert.False(t, st.Validated, "the platform has not validated it yet")
	assert.Nil(t, st.Form)
	assert.Equal(t, "DDOE WIF my-service", made["name"])
	assert.Equal(t, map[string]any{"images": nil, "azureblob": nil, "": nil}, map[string]any{driver["containerName"].(string): nil, driver["type"].(string): nil, driver["path"].(string): nil})
	assert.Equal(t, false, driver["allowExternalDelete"])
	assert.Equal(t, world.UserEmail, driver["creator"])
	assert.Equal(t, st.IntegrationType, driver["integrationType"])
	assert.Equal(t, world.ProjectID, driver["projectId"])

	// The types are asked for before anything is written.
	assert.Contains(t, f.requests[0], "/availableIntegrations")
	// Only listed options are sent, and the ones that nobody needs are not.
	options := made["options"].(map[string]any)
	assert.Len(t, options, 4)
	var values []string
	for _, v := range options {
		values = append(values, v.(string))
	}
	all := strings.Join(values, "\n")
	for _, want := range []string{d.Status.ClientID, world.TenantID, "acmedata", `"federatedTokenIssuer": "` + world.Issuer} {
		assert.Contains(t, all, want)
	}

	before := len(f.requests)
	f.verified(d.Status.LastOperationID)
	d = f.document()
	assert.Equal(t, integration.PhaseUsable, d.Status.Phase)
	assert.True(t, d.Status.DDOE.Validated)
	assert.NotNil(t, d.Status.DDOE.CheckedAt)
	assert.Empty(t, d.Status.DDOE.ValidationID)
	assert.Contains(t, strings.Join(f.requests[before:], "\n"), "/drivers/validateDrivers")

	// The same again changes nothing on the platform.
	before = len(f.requests)
	f.provisioned(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	for _, r := range f.requests[before:] {
		assert.NotRegexp(t, `^(POST|PATCH|DELETE) gate`, r)
	}

	a, down := f.remove(provision.TeardownOptions{})
	before = len(f.requests)
	f.handle(down)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
	var order []string
	for _, r := range f.requests[before:] {
		if strings.HasPrefix(r, "DELETE") {
			order = append(order, regexp.MustCompile(`(drivers|integrations|roleAssignments|federatedIdentityCredentials|applications)/[^/]*$`).FindStringSubmatch(r)[1])
		}
	}
	assert.Equal(t, []string{"drivers", "integrations"}, order[:2])
	assert.Equal(t, "applications", order[len(order)-1])
}

func TestPlatformValidationWithoutSubjectTokens(t *testing.T) {
	f := withPlatform(t)
	f.service.TokenSource = nil
	d := f.provisioned(wired())
	f.verified(d.Status.LastOperationID)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.True(t, f.document().Status.DDOE.Validated)
}

// TestPlatformSlowValidation takes longer than an invocation: a scheduled message goes on with the same command.
func TestPlatformSlowValidation(t *testing.T) {
	f := withPlatform(t)
	f.quirk(platform.QuirkValidation, world.Object{"polls": float64(12)})
	d := f.provisioned(wired())
	assert.Greater(t, f.verified(d.Status.LastOperationID), 1)
	assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
	assert.True(t, f.document().Status.DDOE.Validated)
	assert.Len(t, f.world.DDOEObjects(world.DDOECommands), 1, "one validation")
}

func TestPlatformValidationFails(t *testing.T) {
	for _, status := range []string{"failed", "timeout", "aborted"} {
		t.Run(status, func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(platform.QuirkValidation, world.Object{"status": status, "error": "because"})
			d := f.provisioned(wired())
			f.verified(d.Status.LastOperationID)
			d = f.document()
			assert.Equal(t, integration.PhaseFailed, d.Status.Phase)
			assert.False(t, d.Status.DDOE.Validated)
			i := len(d.Status.Conditions) - 1
			assert.Equal(t, "ddoe-validation-failed", d.Status.Conditions[i].Reason)
			assert.Contains(t, d.Status.Conditions[i].Message, "because")
		})
	}
}

// TestPlatformKilledAnywhere kills the process before and after each effect of a provisioning, and of a teardown.
func TestPlatformKilledAnywhere(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("create, after=%v", after), func(t *testing.T) {
			killed, n := true, 1
			for ; killed; n++ {
				f := withPlatform(t)
				_, cmd := f.submit(wired())
				_ = f.service.Handle(f.dies(n, after), cmd)
				killed = f.revive()
				f.handle(cmd)
				f.settle(cmd)
				f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
				require.Equal(t, gateCounts{1, 1}, f.onGate(), "killed at effect %d", n)
				require.Equal(t, f.world.DDOEObjects(world.DDOEDrivers)[0]["id"], f.document().Status.DDOE.DriverID)
			}
			assert.Greater(t, n, 20, "there is something to kill")
		})
		t.Run(fmt.Sprintf("teardown, after=%v", after), func(t *testing.T) {
			killed := true
			for n := 1; killed; n++ {
				f := withPlatform(t)
				f.provisioned(wired())
				_, cmd := f.remove(provision.TeardownOptions{Purge: true})
				_ = f.service.Handle(f.dies(n, after), cmd)
				killed = f.revive()
				f.handle(cmd)
				f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
				require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
				require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
			}
		})
		t.Run(fmt.Sprintf("verify, after=%v", after), func(t *testing.T) {
			killed := true
			for n := 1; killed; n++ {
				f := withPlatform(t)
				d := f.provisioned(wired())
				cmd := f.command(d.Status.LastOperationID + "-verify-0")
				_ = f.service.Handle(f.dies(n, after), cmd)
				killed = f.revive()
				f.handle(cmd)
				f.verified(d.Status.LastOperationID)
				require.Equal(t, integration.PhaseUsable, f.document().Status.Phase, "killed at effect %d", n)
				require.True(t, f.document().Status.DDOE.Validated)
			}
		})
	}
	// What a killed provisioning leaves behind is torn down whole.
	t.Run("teardown after a crash", func(t *testing.T) {
		killed := true
		for n := 1; killed; n++ {
			f := withPlatform(t)
			_, cmd := f.submit(wired())
			_ = f.service.Handle(f.dies(n, true), cmd)
			killed = f.revive()
			_, down := f.remove(provision.TeardownOptions{Purge: true})
			f.handle(down)
			f.requireStatus(down.OperationID, integration.OperationSucceeded)
			require.Equal(t, gateCounts{}, f.onGate(), "killed at effect %d", n)
			require.Equal(t, counts{}, f.counts(), "killed at effect %d", n)
		}
	})
}

// TestPlatformFaultAnywhere lets each request to the platform fail once: answered instead of done, done but answered
// otherwise, done without an answer.
func TestPlatformFaultAnywhere(t *testing.T) {
	for name, x := range map[string]fault{
		"500 before":  {status: 500},
		"500 after":   {status: 500, after: true},
		"503 before":  {status: 503},
		"503 after":   {status: 503, after: true},
		"429 before":  {status: 429},
		"dropped":     {status: 0, after: true},
		"never there": {status: 0},
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				f := withPlatform(t)
				before := len(f.requests)
				struck := x
				struck.match, struck.skip, struck.times = regexp.MustCompile(`gate\.dataloop\.ai`), n, 1
				f.fails(struck)
				_, cmd := f.submit(wired())
				f.handle(cmd)
				f.settle(cmd)
				f.requireStatus(cmd.OperationID, integration.OperationSucceeded)
				require.Equal(t, gateCounts{1, 1}, f.onGate(), "request %d", n)
				f.verified(cmd.OperationID)
				require.Equal(t, integration.PhaseUsable, f.document().Status.Phase, "request %d", n)
				_, down := f.remove(provision.TeardownOptions{})
				f.handle(down)
				f.settle(down)
				f.requireStatus(down.OperationID, integration.OperationSucceeded)
				require.Equal(t, gateCounts{}, f.onGate(), "request %d", n)
				if f.faults[0].done <= n {
					assert.Greater(t, n, 10, "there are requests to disturb")
					_ = before
					break
				}
			}
		})
	}
}

func TestPlatformTwoAtOnce(t *testing.T) {
	for range 10 {
		f := withPlatform(t)
		a, cmd := f.submit(wired())
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { assert.NoError(t, f.service.Handle(t.Context(), cmd)) })
		}
		group.Wait()
		f.settle(cmd)
		f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
		require.Equal(t, gateCounts{1, 1}, f.onGate())
		d := f.document()
		require.Equal(t, f.world.DDOEObjects(world.DDOEIntegrations)[0]["id"], d.Status.DDOE.IntegrationID)
		require.Equal(t, f.world.DDOEObjects(world.DDOEDrivers)[0]["id"], d.Status.DDOE.DriverID)
	}
}

func TestPlatformQuirks(t *testing.T) {
	for name, members := range map[string]world.Object{
		platform.QuirkDuplicate400:      nil,
		platform.QuirkDuplicate409:      nil,
		platform.QuirkReferences:        {"value": "object"},
		platform.QuirkDates:             {"value": "string"},
		platform.QuirkErrors:            {"value": "text"},
		platform.QuirkRefuseDeleteInUse: nil,
		platform.QuirkPatchReplaces:     nil,
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.quirk(name, members)
			d := f.carried(wired())
			s := wired()
			s.DisplayName = "Renamed"
			s.DDOE.Driver.Path = "sub/folder/"
			d2 := f.carried(s)
			assert.Equal(t, d.Status.DDOE.IntegrationID, d2.Status.DDOE.IntegrationID)
			assert.Equal(t, d.Status.DDOE.DriverID, d2.Status.DDOE.DriverID)
			assert.Equal(t, "Renamed", f.world.DDOEObjects(world.DDOEIntegrations)[0]["name"])
			assert.Equal(t, "sub/folder", f.world.DDOEObjects(world.DDOEDrivers)[0]["path"])
			f.verified(d2.Status.LastOperationID)
			assert.Equal(t, integration.PhaseUsable, f.document().Status.Phase)
			_, down := f.remove(provision.TeardownOptions{})
			f.handle(down)
			f.requireStatus(down.OperationID, integration.OperationSucceeded)
			assert.Equal(t, gateCounts{}, f.onGate())
		})
	}
}

func TestPlatformRolesAndErrors(t *testing.T) {
	user := func(f *fixture, member, role string) {
		o, _ := f.world.DDOEObject(world.DDOEUsers, world.UserEmail)
		o[member] = role
		require.NoError(f.t, f.world.PutDDOEObject(world.DDOEUsers, o))
	}
	for name, c := range map[string]struct {
		arrange func(*fixture)
		code    string
		detail  string
		kept    gateCounts
	}{
		"organisation role": {func(f *fixture) { user(f, "role", "member") }, "ddoe-organization-role-missing", "admin or owner", gateCounts{}},
		"project role":      {func(f *fixture) { user(f, "projectRole", "viewer") }, "ddoe-project-role-missing", "developer or owner", gateCounts{integrations: 1}},
		"role as 401": {func(f *fixture) {
			f.quirk(platform.QuirkRole401, nil)
			user(f, "role", "member")
		}, "ddoe-organization-role-missing", "admin or owner", gateCounts{}},
		"key refused": {func(f *fixture) { f.fails(fault{match: regexp.MustCompile(`gate`), status: 401}) }, "ddoe-unauthorized", "API key", gateCounts{}},
		"plain text": {func(f *fixture) {
			f.quirk(platform.QuirkErrors, world.Object{"value": "text"})
			user(f, "role", "member")
		}, "ddoe-organization-role-missing", "The platform says: Forbidden", gateCounts{}},
		"web page": {func(f *fixture) {
			f.hosts[platform.GateHost] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>"))
			})
		}, "ddoe-answer-invalid", "", gateCounts{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			c.arrange(f)
			a, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
			assert.Equal(t, c.code, op.Error.Code)
			assert.Contains(t, op.Error.Detail, c.detail)
			assert.Equal(t, c.kept, f.onGate())
			if name == "key refused" || name == "web page" {
				assert.Equal(t, counts{}, f.counts(), "nothing was written")
			}
		})
	}
}

func TestPlatformForeignIntegration(t *testing.T) {
	f := withPlatform(t)
	require.NoError(t, f.world.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": "theirs", "name": "DDOE WIF my-service", "type": f.offered()["type"],
		"org": world.OrganizationID, "options": world.Object{}, "metadata": []any{}}))
	a, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, "ddoe-integration-foreign", op.Error.Code)
	assert.Contains(t, op.Error.Detail, "theirs")
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate(), "what is not ours stays")
}

// TestPlatformManualThenAutomatic: an organisation without the type, which gets it later.
func TestPlatformManualThenAutomatic(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d := f.provisioned(wired())
	st := d.Status.DDOE
	assert.Equal(t, "manual", st.Mode)
	assert.Contains(t, st.Why, "gcp-workload-identity-federation (GCP Workload Identity Federation)")
	assert.Contains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	assert.Equal(t, "ddoe-type-unknown", st.Diagnosis.Code)
	assert.Equal(t, &integration.DDOEForm{IntegrationName: "DDOE WIF my-service", Provider: "Azure", IntegrationType: "Workload Identity Federation",
		ClientID: d.Status.ClientID, TenantID: world.TenantID, ImportFile: "azure_credentials.json"}, st.Form)
	assert.Contains(t, st.Next, "azure_credentials.json")
	assert.Equal(t, gateCounts{}, f.onGate())

	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Nil(t, d.Status.DDOE.Form)
	assert.Nil(t, d.Status.DDOE.Diagnosis)
	assert.Empty(t, d.Status.DDOE.Why)
	assert.Equal(t, gateCounts{1, 1}, f.onGate())

	// It disappears again: what was made stays known, and is torn down.
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEAvailableIntegrations, offered["type"].(string)))
	d = f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.NotEmpty(t, d.Status.DDOE.IntegrationID)
	_, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(down.OperationID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
}

func TestPlatformSeveralTypesAndTheSetting(t *testing.T) {
	f := withPlatform(t)
	second := f.offered()
	second["type"], second["displayName"] = "other-type", "Azure federation (preview)"
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, second))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Contains(t, d.Status.DDOE.Why, "Several")
	f.setPlatform(provision.Platform{IntegrationType: "other-type"})
	d = f.provisioned(wired())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Equal(t, "other-type", d.Status.DDOE.IntegrationType)
	f.setPlatform(provision.Platform{IntegrationType: "not-there"})
	assert.Contains(t, f.provisioned(wired()).Status.DDOE.Why, "not-there")
}

func TestPlatformUnknownRequiredOption(t *testing.T) {
	f := withPlatform(t)
	offered := f.offered()
	offered["options"] = append(offered["options"].([]any), world.Object{"name": "zone", "displayName": "Trust zone", "type": "string", "required": true})
	require.NoError(t, f.world.PutDDOEObject(world.DDOEAvailableIntegrations, offered))
	d := f.provisioned(wired())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Equal(t, "ddoe-option-unmapped", d.Status.DDOE.Diagnosis.Code)
	assert.Contains(t, d.Status.DDOE.Why, "zone (Trust zone)")
	assert.Contains(t, d.Status.DDOE.Why, "DDOE_OPTION_MAP")

	options, err := provision.ParseOptionMap(`{"zone": "=planted-zone", "not-listed": "clientId"}`)
	require.NoError(t, err)
	f.setPlatform(provision.Platform{OptionMap: options})
	f.provisioned(wired())
	sent := f.world.DDOEObjects(world.DDOEIntegrations)[0]["options"].(map[string]any)
	assert.Equal(t, "planted-zone", sent["zone"])
	assert.NotContains(t, sent, "not-listed")
	document, err := json.Marshal(f.document())
	require.NoError(t, err)
	assert.NotContains(t, string(document), "planted")
}

func TestPlatformDriverInUse(t *testing.T) {
	f := withPlatform(t)
	d := f.provisioned(wired())
	require.NoError(t, f.world.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "theirs", "name": "their driver", "type": "azureblob",
		"integrationId": d.Status.DDOE.IntegrationID, "integrationType": d.Status.DDOE.IntegrationType, "projectId": "p-2", "containerName": "images"}))
	a, down := f.remove(provision.TeardownOptions{})
	f.handle(down)
	op := f.requireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, "ddoe-integration-in-use", op.Error.Code)
	assert.Contains(t, op.Error.Detail, "their driver (id theirs, project p-2)")
	assert.Equal(t, gateCounts{1, 2}, f.onGate(), "nothing was touched")
	assert.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 1}, f.counts())
	require.NoError(t, f.world.DeleteDDOEObject(world.DDOEDrivers, "theirs"))
	a, down = f.remove(provision.TeardownOptions{})
	f.handle(down)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, gateCounts{}, f.onGate())
}

func TestPlatformNotWantedAnyMore(t *testing.T) {
	f := withPlatform(t)
	f.provisioned(wired())
	s := wired()
	s.DDOE.Driver = nil
	d := f.provisioned(s)
	assert.Equal(t, gateCounts{integrations: 1}, f.onGate())
	assert.Empty(t, d.Status.DDOE.DriverID)
	d = f.provisioned(spec("images"))
	assert.Equal(t, gateCounts{}, f.onGate())
	assert.Equal(t, "manual", d.Status.DDOE.Mode)
	assert.Empty(t, d.Status.DDOE.IntegrationID)
}

func TestPlatformWaitsForPropagation(t *testing.T) {
	f := withPlatform(t)
	f.fails(fault{match: regexp.MustCompile(`POST gate\.dataloop\.ai/api/v1/drivers/test`), times: 20, status: 400})
	d := f.carried(wired())
	assert.Equal(t, gateCounts{1, 1}, f.onGate())
	assert.Equal(t, "api", d.Status.DDOE.Mode)
	assert.Positive(t, f.slept)

	f = withPlatform(t)
	f.fails(fault{match: regexp.MustCompile(`POST gate\.dataloop\.ai/api/v1/drivers/test`), status: 400})
	_, cmd := f.submit(wired())
	f.handle(cmd)
	op := f.settle(cmd)
	assert.Equal(t, integration.OperationFailed, op.Status)
	assert.Equal(t, "ddoe-driver-test-failed", op.Error.Code)
}

func TestPlatformDatalakeDriver(t *testing.T) {
	f := withPlatform(t)
	account, ok := f.world.StorageAccount(world.DataAccount)
	require.True(t, ok)
	account.HierarchicalNamespace = true
	f.world.PutStorageAccount(account)
	f.provisioned(wired())
	assert.Equal(t, "azureDatalakeGen2", f.world.DDOEObjects(world.DDOEDrivers)[0]["type"])
}
