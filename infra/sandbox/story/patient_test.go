package story

import (
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// roleID is the definition of a built-in role.
func roleID(t *testing.T, name string) string {
	t.Helper()
	id := map[string]string{"Storage Blob Data Reader": rbac.RoleBlobDataReader,
		"Storage Blob Data Contributor": rbac.RoleBlobDataContributor}[name]
	require.NotEmpty(t, id, name)
	return "/subscriptions/" + world.SubscriptionID + "/providers/Microsoft.Authorization/roleDefinitions/" + id
}

// ward is one running app with one sandbox, in which many integrations are broken and mended beside each other. Each
// has a storage account of its own, so that none sees what another suffers.
type ward struct {
	app *app
	// shell is where commands run; nil without the Azure CLI.
	shell *terminal

	mu     sync.Mutex
	faults map[string][]any // by patient
}

func openWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{app: launch(t, stack.Options{Env: []string{"RATE_LIMIT=1000", "DATA_SCOPES="}}),
		faults: map[string][]any{}}
	if _, err := exec.LookPath("az"); err == nil {
		w.shell = openTerminal(w.app)
	}
	return w
}

// patient is one integration of the ward.
type patient struct {
	*app

	ward     *ward
	id       string
	spec     map[string]any
	document answer // as of the last admission
}

// admit makes the patient's storage account, and its spec, which nobody has PUT yet.
func (w *ward) admit(t *testing.T, id string) *patient {
	t.Helper()
	a := &app{sandbox: &sandbox{Stack: w.app.Stack, t: t}, log: w.app.log, environment: w.app.environment}
	p := &patient{app: a, ward: w, id: id}
	p.object("storageAccounts", p.account(), map[string]any{"containers": []any{map[string]any{"name": "images"}}})
	p.spec = map[string]any{"serviceName": "my-service", "storage": []any{map[string]any{
		"resourceId": p.accountID(), "container": "images", "access": "readWrite"}}}
	return p
}

// in is the patient in a test below.
func (p *patient) in(t *testing.T) *patient {
	t.Helper()
	q := *p
	q.app = &app{sandbox: &sandbox{Stack: p.Stack, t: t}, log: p.log, environment: p.environment}
	return &q
}

// account is the name of the patient's own storage account.
func (p *patient) account() string { return "of" + strings.ReplaceAll(p.id, "-", "") }

func (p *patient) accountID() string {
	return world.DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + p.account()
}

func (p *patient) path() string { return "/integrations/" + p.id }

// put carries the spec out.
func (p *patient) put() {
	p.t.Helper()
	put := p.call(http.MethodPut, p.path(), p.spec)
	require.Less(p.t, put.Status, 300, put.Raw)
	operation := p.wait(put.Header.Get("Operation-Location"))
	require.Equal(p.t, "Succeeded", operation.at("status"), operation.Raw)
}

// read is the integration as it is now, and keeps it.
func (p *patient) read() answer {
	p.t.Helper()
	p.document = p.call(http.MethodGet, p.path(), nil)
	return p.document
}

// told is the diagnosis that one of the places gives: of a report the root cause, of health the one of its last
// report; of a PUT of the spec what its operation has failed with, or waits for. Nil where all is well.
func (p *patient) told(place string) map[string]any {
	p.t.Helper()
	var found any
	switch place {
	case inDrift:
		found = p.call(http.MethodGet, p.path()+"/drift", nil).at("diagnosis")
	case inTest:
		found = p.call(http.MethodPost, p.path()+"/access-tests", map[string]any{}).at("diagnosis")
	case inHealth:
		found = p.call(http.MethodPost, p.path()+"/health-checks", nil).at("lastReport.diagnosis")
	case inOperation:
		put := p.call(http.MethodPut, p.path(), p.spec)
		require.Less(p.t, put.Status, 300, put.Raw)
		p.pending = put.Header.Get("Operation-Location")
		found = stopped(p.app, p.pending)
	}
	d, _ := found.(map[string]any)
	return d
}

// awaitTold asks until a place tells a code, or nothing where the code is empty: a change takes a moment until it
// acts.
func (p *patient) awaitTold(place, code, why string) map[string]any {
	p.t.Helper()
	var last map[string]any
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		last = p.told(place)
		if said, _ := last["code"].(string); said == code {
			return last
		}
		require.True(p.t, time.Now().Before(deadline), "%s: %s tells %v in place of %q", why, place, last, code)
	}
}

// disturb has requests of this patient's meet faults, in place of those that they met before.
func (p *patient) disturb(faults ...map[string]any) {
	p.t.Helper()
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	p.ward.faults[p.id] = nil
	for _, f := range faults {
		f["times"] = -1
		p.ward.faults[p.id] = append(p.ward.faults[p.id], f)
	}
	all := []any{}
	for _, of := range p.ward.faults {
		all = append(all, of...)
	}
	p.control(http.MethodPut, "/faults", all)
}

// object makes or replaces an object of the sandbox by hand, or removes it where there is none.
func (p *patient) object(kind, id string, change map[string]any) {
	p.t.Helper()
	path := "/objects/" + kind + "/" + url.PathEscape(id)
	if change == nil {
		p.control(http.MethodDelete, path, nil)
		return
	}
	p.control(http.MethodPut, path, change)
}

// find is the first object of a kind of which is is true.
func (p *patient) find(kind string, is func(map[string]any) bool) map[string]any {
	p.t.Helper()
	all, _ := p.control(http.MethodGet, "/world", nil).at(kind).([]any)
	for _, one := range all {
		if o, _ := one.(map[string]any); is(o) {
			return o
		}
	}
	require.Fail(p.t, "there is no such object", "%s of %s", kind, p.id)
	return nil
}

// change changes members of an object by hand.
func (p *patient) change(kind string, object map[string]any, members map[string]any) {
	p.t.Helper()
	changed := maps.Clone(object)
	maps.Copy(changed, members)
	p.object(kind, object["id"].(string), changed)
}

// with is true of objects that have a value.
func with(member string, value any) func(map[string]any) bool {
	return func(o map[string]any) bool { return o[member] == value }
}

func (p *patient) application() map[string]any {
	p.t.Helper()
	return p.find("applications", with("appId", p.document.at("status.clientId")))
}

func (p *patient) principal() map[string]any {
	p.t.Helper()
	return p.find("servicePrincipals", with("appId", p.document.at("status.clientId")))
}

// credential is the patient's first federated credential, and its kind.
func (p *patient) credential() (string, map[string]any) {
	p.t.Helper()
	kind := credentials(p.document)
	return kind, p.find(kind, with("id", str(p.document, "status.federatedCredentials.0.id")))
}

func (p *patient) assignment() map[string]any {
	p.t.Helper()
	return p.find("roleAssignments", with("id", str(p.document, "status.roleAssignments.0.id")))
}
