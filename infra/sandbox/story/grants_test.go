package story

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// grant is one right of the app's identity, and how to take it away.
type grant struct {
	name   string // "role on kind/name"
	remove func(*testing.T, *world.World)
}

// grants are all rights of the deployment: the role assignments of the snapshot and the app role of graph.bicep.
func grants(t *testing.T) []grant {
	t.Helper()
	d, w := deployment.Example(), world.New(nil)
	world.Seed(w)
	var all []grant
	for _, a := range d.Assignments {
		role, ok := w.Role(a.RoleDefinitionID)
		require.True(t, ok, a.RoleDefinitionID)
		scope := strings.Split(a.Scope, "/")
		on := strings.Join(scope[len(scope)-2:], "/")
		for resource, called := range map[string]string{d.HostAccount.Name: "host", d.State.Name: "state",
			d.Namespace.Name: "wif"} {
			on = strings.ReplaceAll(on, resource, called)
		}
		// a role of our own states of what, to be the only one in the tenant
		name, _, _ := strings.Cut(role.Name, " of ")
		all = append(all, grant{name + " on " + on, func(t *testing.T, w *world.World) {
			_, err := w.DeleteRoleAssignment(a.ID)
			require.NoError(t, err)
		}})
	}
	require.Len(t, d.GraphRoles, 1)
	return append(all, grant{"app role on Microsoft Graph", func(_ *testing.T, w *world.World) {
		w.SetAppRoles(world.AppPrincipalID)
	}})
}

// notEvaluated are the grants that no test here can miss, each with the reason.
func notEvaluated() map[string]string {
	return map[string]string{
		"Storage Blob Data Owner on storageAccounts/host": "the Functions host's own storage: the " +
			"stand-in keeps leases, timers and keys in memory",
		"Service Bus Scale Reader on namespaces/wif": "the scale controller's look at the " +
			"queues: nothing here scales, the stand-in has one instance",
		"Monitoring Metrics Publisher on components/appi-wif": "the Functions host's telemetry: the " +
			"sandbox has no Application Insights",
	}
}

// loss is what is seen of the story without one grant.
type loss struct {
	// ends is where the story ends: the step, the status and the code of the diagnosis with who is to act. notStarted
	// is where the app ends before it.
	ends string
	// states is what answers or log must tell besides: what is missing, in words that lead to the grant.
	text string
	// waits is set where the story does not fail but stands still.
	waits bool
	// unready is the check of readyz that tells of it by its name, with the role and the entity; empty where none
	// does.
	unready string
	// only is the kind of identity that needs the grant; empty for both.
	only string
}

// managedByDefault is the setting of a deployment without an Entra administrator.
const managedByDefault = "DEFAULT_IDENTITY=managedIdentity"

const notStarted = "start: refused"

func losses() map[string]loss {
	return map[string]loss{
		"Storage Blob Data Contributor on containers/wif-state": {
			ends: "provision: 503 store-unavailable, operator", text: "identity holds Storage Blob Data Contributor"},
		"Azure Service Bus Data Sender on queues/wif-commands": {
			ends: "provision: 503 service-bus-permission-missing, operator",
			text: "Azure Service Bus Data Sender on queues/wif-commands", unready: "queues/wif-commands"},
		"Azure Service Bus Data Receiver on queues/wif-commands": {
			ends: "operation: NotStarted", text: `function reconcile: .*'Listen' claim.*/wif-commands'`, waits: true},
		// Its news holds up no operation; it is told later, and meanwhile the log tells why not.
		"Azure Service Bus Data Sender on topics/wif-events": {
			ends: "events: none is told", text: `(?s)'Send' claim.*'wif-events'.*"msg":"event not published yet"`,
			waits: true, unready: "topics/wif-events"},
		"Blob Access Delegate on resourceGroups/data": {
			ends: "operation: Failed arm-permission-missing, operator", text: "group to dataScopes"},
		"app role on Microsoft Graph": {
			ends: "operation: Failed graph-permission-missing, entra-admin", text: `Application\.ReadWrite\.OwnedBy`,
			only: "application"},
		"Integration Identity Contributor on resourceGroups/identities": {
			ends: "operation: Failed managed-identity-permission-missing, operator",
			text: `Microsoft\.ManagedIdentity/userAssignedIdentities/\{read,write,delete\}`, only: "managedIdentity"},
		"Key Vault Secrets User on secrets/ddoe-api-key": {
			ends: notStarted, text: "setting DDOE_API_KEY is not resolved: key-vault-reference-unresolved: .* Key " +
				"Vault Secrets User on the secret"},
		"Azure Service Bus Data Sender on queues/wif-health": {
			ends: "health: not checked", text: `"function":"sweep".*healthcheck\.v1: service-bus-permission-missing`,
			waits:   true,
			unready: "queues/wif-health"},
		"Azure Service Bus Data Receiver on queues/wif-health": {
			ends: "health: not checked", text: `function checkhealth: .*'Listen' claim.*/wif-health'`, waits: true},
	}
}

// TestEveryGrantIsNeeded tells the story without one grant after the other, for each kind of identity: none is too
// many, and each loss is seen as what it is. A new grant fails the test until it is in one of the two lists.
func TestEveryGrantIsNeeded(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, g := range grants(t) {
		assert.False(t, seen[g.name], "granted twice: %s", g.name)
		seen[g.name] = true
		expected, evaluated := losses()[g.name]
		_, excused := notEvaluated()[g.name]
		assert.NotEqual(t, evaluated, excused, "%s must be in losses or in notEvaluated", g.name)
		if !evaluated {
			continue
		}
		for _, kind := range []string{"application", "managedIdentity"} {
			if expected.only != "" && expected.only != kind || expected.ends == notStarted && kind != "application" {
				continue
			}
			t.Run("without "+strings.ReplaceAll(g.name, "/", " ")+" for "+kind, func(t *testing.T) {
				t.Parallel()
				if expected.ends == notStarted {
					assert.Regexp(t, expected.text, startRefused(t, func(w *world.World) { g.remove(t, w) }))
					return
				}
				a := startArranged(t, func(w *world.World) { g.remove(t, w) }, "DEFAULT_IDENTITY="+kind)
				var standsStill string
				if expected.waits {
					standsStill, _, _ = strings.Cut(expected.ends, ":")
				}
				assert.Equal(t, expected.ends, a.story(standsStill))
				holdReadiness(a, expected.unready)
				said := regexp.MustCompile(expected.text)
				assert.Eventually(t, func() bool { return said.MatchString(a.log.String() + a.said.String()) },
					10*time.Second, 50*time.Millisecond, "neither log nor answers say %s", said)
			})
		}
	}
	for name := range losses() {
		assert.True(t, seen[name], "not granted any more: %s", name)
	}
	for name := range notEvaluated() {
		assert.True(t, seen[name], "not granted any more: %s", name)
	}
}

// holdReadiness holds what readyz says of Service Bus against the entity that the app may not send to; empty where it
// may send to all.
func holdReadiness(a *app, entity string) {
	a.t.Helper()
	got := send(a.t, http.MethodGet, a.APIURL()+"/readyz", nil)
	checks, _ := got.at("checks").([]any)
	for _, check := range checks {
		name, isOfBus := strings.CutPrefix(at(check, "name").(string), "serviceBus.")
		if !isOfBus {
			continue
		}
		if entity == "" || !strings.HasSuffix(entity, "/"+name) {
			assert.Equal(a.t, "pass", at(check, "status"), "%s", check)
			continue
		}
		assert.Equal(a.t, http.StatusServiceUnavailable, got.Status)
		assert.Equal(a.t, "service-bus-permission-missing", at(check, "diagnosis.code"), "%s", check)
		assert.Equal(a.t, "unauthorized", at(check, "diagnosis.evidence.serviceCode"))
		assert.Regexp(a.t, "^az role assignment create --assignee-object-id "+world.AppPrincipalID+
			" .*\"Azure Service Bus Data Sender\" .*/"+entity+"$", at(check, "diagnosis.remedy.command"))
	}
}

// TestTheGrantsSuffice tells the same story with all of them, and with those alone that are evaluated. Each kind of
// identity does without the grant of the other.
func TestTheGrantsSuffice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		without func(string) bool
		env     []string
	}{
		"all": {without: func(string) bool { return false }},
		"applications, without those of the platform": {without: func(name string) bool {
			return notEvaluated()[name] != "" || strings.HasPrefix(name, "Integration Identity Contributor")
		}},
		"managed identities, without those of the platform": {without: func(name string) bool {
			return notEvaluated()[name] != "" || name == "app role on Microsoft Graph"
		}, env: []string{managedByDefault}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startArranged(t, func(w *world.World) {
				for _, g := range grants(t) {
					if tt.without(g.name) {
						g.remove(t, w)
					}
				}
			}, tt.env...)
			assert.Equal(t, "well", a.story(""))
		})
	}
}

// startArranged is start with a world that was changed before the app could see it, and with settings.
func startArranged(t *testing.T, arrange func(*world.World), env ...string) *app {
	t.Helper()
	return launch(t, stack.Options{Arrange: arrange, Env: env})
}

// startRefused starts an app that does not start, and returns what it said meanwhile.
func startRefused(t *testing.T, arrange func(*world.World)) string {
	t.Helper()
	require.NoError(t, sources())
	log := &lockedBuffer{}
	_, err := stack.Start(t.Context(), stack.Options{Dist: dist, Log: log, Arrange: arrange})
	require.ErrorContains(t, err, "the handler did not become ready", log)
	return log.String()
}

// story provisions, tests the access with a token that the app asks for, and lets the schedule check it. It returns
// the first step that does not go well, or "well". The step at which it is to stand still is waited for shortly, every
// other one for as long as a slow machine may take.
func (a *app) story(standsStill string) string {
	a.t.Helper()
	patience := func(step string) time.Duration {
		if step == standsStill {
			return 3 * time.Second
		}
		return time.Minute
	}
	const path = "/integrations/my-images"
	put := a.call(http.MethodPut, path, a.spec("images"))
	if put.Status >= 400 {
		return fmt.Sprintf("provision: %d %v, %v", put.Status, put.at("code"), put.at("remedy.who"))
	}
	location := put.Header.Get("Operation-Location")
	operation := a.poll(location[strings.LastIndex(location, "/operations/"):], "status", patience("operation"),
		"Succeeded", "Failed", "Canceled")
	switch status := operation.at("status"); status {
	case "Succeeded":
	case "Failed":
		return fmt.Sprintf("operation: Failed %v, %v", operation.at("error.code"), operation.at("error.remedy.who"))
	default:
		return fmt.Sprintf("operation: %v", status)
	}
	test := a.call(http.MethodPost, path+"/access-tests", map[string]any{})
	if test.Status >= 400 {
		return fmt.Sprintf("access test: %d %v, %v", test.Status, test.at("code"), test.at("remedy.who"))
	}
	if test.at("verdict") != "pass" {
		return fmt.Sprintf("access test: %v", test.at("verdict"))
	}
	tested := a.call(http.MethodGet, path+"/health", nil).at("lastReport.id")
	a.fallDue(path)
	health := a.call(http.MethodGet, path+"/health", nil)
	for deadline := time.Now().Add(patience("health")); health.at("lastReport.id") == tested; {
		if time.Now().After(deadline) {
			return "health: not checked"
		}
		time.Sleep(50 * time.Millisecond)
		health = a.call(http.MethodGet, path+"/health", nil)
	}
	if state := health.at("state"); state != "healthy" {
		return fmt.Sprintf("health: %v", state)
	}
	told := func() bool {
		return strings.Contains(a.control(http.MethodGet, "/world", nil).Raw, "ai.ddoe.wif.integration.provisioned.v1")
	}
	for deadline := time.Now().Add(patience("events")); !told(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return "events: none is told"
		}
	}
	return "well"
}

// poll asks until the member has one of the values, or patience is over, and returns the last answer.
func (a *app) poll(path, member string, patience time.Duration, values ...string) answer {
	a.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got := a.call(http.MethodGet, path, nil)
		value, _ := got.at(member).(string)
		if slices.Contains(values, value) || time.Now().After(deadline) {
			return got
		}
		time.Sleep(50 * time.Millisecond) // a caller's own polling of a real server
	}
}

// fallDue makes the integration's last slot due, as if the app had been down at that time, and fires the timer.
func (a *app) fallDue(path string) {
	a.t.Helper()
	health := a.call(http.MethodGet, path+"/health", nil)
	next, _ := health.at("nextDue").(string)
	due, err := time.Parse(time.RFC3339, next)
	require.NoError(a.t, err, health.Raw)
	interval, err := time.ParseDuration(a.call(http.MethodGet, path, nil).at("spec.healthCheck.interval").(string))
	require.NoError(a.t, err)
	key := "due/" + due.Add(-interval).UTC().Format("20060102T150405Z") + "/" + path[strings.LastIndex(path, "/")+1:]
	_, err = a.Cloud().World().WriteBlob(deployment.Example().State.Name, deployment.StateContainer,
		world.Blob{Name: key, Content: []byte("{}")})
	require.NoError(a.t, err)
	fired := send(a.t, http.MethodPost, a.HostURL()+"/admin/functions/sweep", map[string]any{"input": ""})
	require.Less(a.t, fired.Status, 300, fired.Raw)
}
