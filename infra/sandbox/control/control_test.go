package control_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/control"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

type bench struct {
	t        *testing.T
	world    *world.World
	broker   *servicebus.Broker
	recorder *control.Recorder
	faults   *control.Faults
	api      http.Handler
	resets   int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, world: world.New(nil), broker: servicebus.NewBroker(servicebus.Options{}),
		recorder: control.NewRecorder(nil), faults: control.NewFaults(nil)}
	t.Cleanup(b.broker.Close)
	world.Seed(b.world)
	require.NoError(t, b.broker.PutQueue("wif-commands", servicebus.QueueProperties{RequiresSession: true}))
	require.NoError(t, b.broker.PutQueue("plain", servicebus.QueueProperties{}))
	require.NoError(t, b.broker.PutTopic("wif-events", servicebus.TopicProperties{}))
	key, err := jose.NewKey("issuer")
	require.NoError(t, err)
	authority, err := entra.NewAuthority(b.world)
	require.NoError(t, err)
	b.api = control.New(control.Options{World: b.world, Broker: b.broker, Recorder: b.recorder, Faults: b.faults,
		Mint: platform.NewIssuer(world.Issuer, time.Now, key).Mint, MintCaller: authority.IssueCaller,
		Access: func() control.Access {
			return control.Access{CertificateAuthority: "PEM", ServiceBus: control.ServiceBus{Namespace: "ns"}}
		},
		AfterReset: func() { b.resets++ }})
	return b
}

type reply struct {
	status int
	header http.Header
	raw    string
	json   any
}

// at walks members (string) and items (int) of a reply's JSON.
func (r reply) at(path ...any) any {
	v := r.json
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func (b *bench) do(method, path, body string) reply {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	require.NoError(b.t, err)
	got := reply{status: w.Code, header: w.Result().Header, raw: string(raw)}
	if strings.Contains(got.header.Get("Content-Type"), "json") {
		require.NoError(b.t, json.Unmarshal(raw, &got.json), got.raw)
	}
	return got
}

func TestWorldShowsEverything(t *testing.T) {
	b := newBench(t)
	require.Equal(t, 201, b.do("POST", "/queues/wif-events/messages",
		`{"body":{"specversion":"1.0","id":"e-1","type":"t.v1","data":{}}}`).status)
	got := b.do("GET", "/world", "")
	require.Equal(t, 200, got.status)
	for _, array := range []string{"tenants", "subscriptions", "applications", "deletedItems", "servicePrincipals",
		"federatedIdentityCredentials",
		"roleAssignments", "storageAccounts", "queues", "topics", "events", "resourceGroups", "owners", "appRoles",
		"userAssignedIdentities", "userAssignedIdentityCredentials"} {
		assert.IsType(t, []any{}, got.at(array), array)
	}
	identity := world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shown"
	require.Less(t, b.do("PUT", "/objects/userAssignedIdentities/"+url.PathEscape(identity), `{}`).status, 300)
	require.Less(t, b.do("PUT", "/objects/userAssignedIdentityCredentials/"+url.PathEscape(identity+
		"/federatedIdentityCredentials/one"), `{"issuer":"https://x","subject":"s","audiences":["a"]}`).status, 300)
	got = b.do("GET", "/world", "")
	assert.Subset(t, keysOf(t, got.at("userAssignedIdentities", 0)), []string{"id", "name", "location", "clientId",
		"principalId", "tenantId", "tags"})
	assert.Subset(t, keysOf(t, got.at("userAssignedIdentityCredentials", 0)), []string{"id", "identityId", "name",
		"issuer", "subject", "audiences"})
	for _, array := range []string{"organizations", "projects", "availableIntegrations", "integrations", "drivers"} {
		assert.IsType(t, []any{}, got.at("ddoe", array), array)
	}
	assert.Equal(t, world.TenantID, got.at("tenants", 0, "id"))
	assert.Equal(t, "acmedata", got.at("storageAccounts", 0, "name"))
	assert.Equal(t, true, got.at("storageAccounts", 0, "containers", 1, "immutable"))
	assert.Equal(t, "PEM", got.at("certificateAuthority"))
	assert.Equal(t, "ns", got.at("serviceBus", "namespace"))
	assert.Equal(t, "t.v1", got.at("events", 0, "type"), "the event's own members")
	assert.Equal(t, "e-1", got.at("events", 0, "body", "id"), "and the message's body")
	assert.Equal(t, "plain", got.at("queues", 0, "name"))
	assert.InDelta(t, 0, got.at("queues", 0, "active"), 0)
}

// keysOf are the names of an object's members.
func keysOf(t *testing.T, v any) []string {
	t.Helper()
	require.IsType(t, map[string]any{}, v)
	return slices.Collect(maps.Keys(v.(map[string]any)))
}

func TestMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body string
		status     int
		check      func(t *testing.T, visible reply)
	}{
		"an event": {path: "/queues/wif-commands/messages", body: `{"body":{"id":"m-1","type":"t"},"sessionId":"s-1"}`,
			status: 201, check: func(t *testing.T, visible reply) {
				assert.Equal(t, "m-1", visible.at(0, "messageId"), "the message id is the event's")
				assert.Equal(t, "s-1", visible.at(0, "sessionId"))
				assert.Equal(t, "application/cloudevents+json", visible.at(0, "contentType"))
				assert.Equal(t, "t", visible.at(0, "body", "type"))
			}},
		"text that is not JSON": {path: "/queues/plain/messages", body: `{"body":"{oops","messageId":"m-2"}`,
			status: 201, check: func(t *testing.T, visible reply) {
				assert.Equal(t, "{oops", visible.at(0, "body"))
				assert.Equal(t, "m-2", visible.at(0, "messageId"))
			}},
		"bytes": {path: "/queues/plain/messages", body: `{"bodyBase64":"/w=="}`, status: 201,
			check: func(t *testing.T, visible reply) {
				assert.Equal(t, "/w==", visible.at(0, "bodyBase64"))
			}},
		"a session queue needs a session": {path: "/queues/wif-commands/messages", body: `{"body":1}`, status: 400},
		"unknown member":                  {path: "/queues/plain/messages", body: `{"text":"x"}`, status: 400},
		"not base64":                      {path: "/queues/plain/messages", body: `{"bodyBase64":"!"}`, status: 400},
		"unknown queue":                   {path: "/queues/none/messages", body: `{"body":1}`, status: 404},
		"no such path":                    {path: "/queues/plain/peek", body: `{}`, status: 404},
		"dead letters are not put":        {path: "/queues/plain/deadletter", body: `{}`, status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			got := b.do("POST", tc.path, tc.body)
			require.Equal(t, tc.status, got.status, got.raw)
			if tc.check != nil {
				tc.check(t, b.do("GET", tc.path, ""))
			}
		})
	}
}

func TestDeadLettersAreListed(t *testing.T) {
	b := newBench(t)
	require.Equal(t, 201, b.do("POST", "/queues/plain/messages", `{"body":"x"}`).status)
	locked, err := b.broker.Receive(t.Context(), "plain")
	require.NoError(t, err)
	require.NoError(t, locked.DeadLetter("why", "because"))
	for _, path := range []string{"/queues/plain/deadletter", "/queues/plain/messages/deadletter"} {
		got := b.do("GET", path, "")
		assert.Equal(t, "why", got.at(0, "deadLetterReason"), got.raw)
	}
	assert.Empty(t, b.do("GET", "/queues/plain/messages", "").json)
}

// objectStep is one request of TestObjects.
type objectStep struct {
	name, method, path, body string
	status                   int
	pointer                  string
}

// objectSteps are made in order: later ones find what earlier ones left.
func objectSteps() []objectStep {
	const guid = "00000000-0000-4000-8000-000000000001"
	return slices.Concat(azureSteps(guid), otherSteps(), lastSteps(guid))
}

// azureSteps are about objects of Entra and ARM.
func azureSteps(guid string) []objectStep {
	full := world.DataAccountID + "/providers/Microsoft.Authorization/roleAssignments/" + guid
	ra := `{"principalId":"` + world.AppPrincipalID + `","roleDefinitionId":"` +
		rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleReader) + `"`
	return []objectStep{
		{name: "add", method: "PUT", path: "/objects/applications/" + guid,
			body: `{"displayName":"A","uniqueName":"u","appId":"` + dataloop.ProjectID + `"}`, status: 204},
		{name: "add by an id that is not the body's", method: "PUT", path: "/objects/applications/x",
			body: `{"id":"y"}`, status: 400, pointer: "/id"},
		{name: "name that is taken", method: "PUT", path: "/objects/applications/y", body: `{"uniqueName":"u"}`,
			status: 409},
		{name: "misspelt member", method: "PUT", path: "/objects/applications/y", body: `{"displayname":"u"}`,
			status: 400, pointer: "/displayname"},
		{name: "wrong type", method: "PUT", path: "/objects/applications/y", body: `{"tags":["a",1]}`, status: 400,
			pointer: "/tags/1"},
		{name: "not JSON", method: "PUT", path: "/objects/applications/y", body: `{`, status: 400},
		{name: "credential", method: "PUT", path: "/objects/federatedIdentityCredentials/f",
			body: `{"applicationId":"` + guid + `","name":"n","issuer":"i","subject":"s"}`, status: 204},
		{name: "credential of nobody", method: "PUT", path: "/objects/federatedIdentityCredentials/g",
			body: `{"applicationId":"z","name":"n"}`, status: 404},
		{name: "credential without a name", method: "PUT", path: "/objects/federatedIdentityCredentials/g",
			body: `{"applicationId":"` + guid + `"}`, status: 400, pointer: "/name"},
		{name: "principal", method: "PUT", path: "/objects/servicePrincipals/p", body: `{"appId":"` +
			dataloop.ProjectID +
			`","accountEnabled":false}`, status: 204},
		{name: "principal without an app", method: "PUT", path: "/objects/servicePrincipals/q", body: `{}`,
			status: 400, pointer: "/appId"},
		{name: "assignment by full id", method: "PUT", path: "/objects/roleAssignments" + full, body: ra + `}`,
			status: 204},
		{name: "assignment by escaped id", method: "PUT", path: "/objects/roleAssignments/" + url.PathEscape(full),
			body: ra + `,"description":"d"}`, status: 204},
		{name: "assignment by double slash", method: "PUT", path: "/objects/roleAssignments/" + full, body: ra + `}`,
			status: 204},
		{name: "assignment without a scope", method: "PUT", path: "/objects/roleAssignments/" + dataloop.ProjectID,
			body: ra + `}`, status: 400, pointer: "/scope"},
		{name: "assignment removed by name", method: "DELETE", path: "/objects/roleAssignments/" + guid, status: 204},
		{name: "and again", method: "DELETE", path: "/objects/roleAssignments/" + guid, status: 404},
		{name: "account", method: "PUT", path: "/objects/storageAccounts/acmenew",
			body: `{"containers":[{"name":"c","blobs":[{"name":"b","size":3}]}]}`, status: 204},
		{name: "account's firewall", method: "PUT", path: "/objects/storageAccounts/acmenew",
			body: `{"firewallClosed":true}`, status: 204},
		{name: "account of another name", method: "PUT", path: "/objects/storageAccounts/acmenew",
			body: `{"name":"other"}`, status: 400, pointer: "/name"},
	}
}

// otherSteps are about the platform's objects and Service Bus.
func otherSteps() []objectStep {
	return []objectStep{
		{name: "platform", method: "PUT", path: "/objects/ddoe.integrations/i-1",
			body: `{"name":"x","options":{"a":[1]}}`, status: 204},
		{name: "platform, by type", method: "PUT", path: "/objects/ddoe.availableIntegrations/azure",
			body: `{"displayName":"Azure"}`, status: 204},
		{name: "platform, other id", method: "PUT", path: "/objects/ddoe.drivers/d-1", body: `{"id":"d-2"}`,
			status: 400, pointer: "/id"},
		{name: "queue", method: "PUT", path: "/objects/queues/mine",
			body: `{"requiresSession":true,"lockDuration":"PT30S"}`, status: 204},
		{name: "queue's property", method: "PUT", path: "/objects/queues/mine", body: `{"sessions":true}`, status: 400,
			pointer: "/sessions"},
		{name: "queue's duration", method: "PUT", path: "/objects/queues/mine",
			body: `{"requiresSession":true,"lockDuration":"30s"}`, status: 400},
		{name: "topic", method: "PUT", path: "/objects/topics/news", body: `{"subscriptions":[{"name":"s"}]}`,
			status: 204},
		{name: "queue gone", method: "DELETE", path: "/objects/queues/mine", status: 204},
		{name: "queue not there", method: "DELETE", path: "/objects/queues/mine", status: 404},
	}
}

// lastSteps remove what the first steps made, and ask for what is not there.
func lastSteps(guid string) []objectStep {
	return []objectStep{
		{name: "app roles", method: "PUT", path: "/objects/appRoles/" + world.AppPrincipalID, body: `{"roles":[]}`,
			status: 204},
		{name: "owners", method: "DELETE", path: "/objects/owners/nothing", status: 404},
		{name: "soft delete", method: "DELETE", path: "/objects/applications/" + guid, status: 204},
		{name: "purge", method: "DELETE", path: "/objects/deletedItems/" + guid, status: 204},
		{name: "unknown kind", method: "PUT", path: "/objects/users/x", body: `{}`, status: 404},
		{name: "no id", method: "PUT", path: "/objects/applications/", body: `{}`, status: 404},
		{name: "read", method: "GET", path: "/objects/applications/x", status: 405},
	}
}

func TestObjects(t *testing.T) {
	b := newBench(t)
	for _, step := range objectSteps() {
		got := b.do(step.method, step.path, step.body)
		assert.Equal(t, step.status, got.status, "%s: %s", step.name, got.raw)
		if step.status >= 400 {
			assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"), step.name)
			assert.NotEmpty(t, got.at("detail"), step.name)
		}
		if step.pointer != "" {
			assert.Equal(t, step.pointer, got.at("errors", 0, "pointer"), step.name)
		}
	}
	got := b.do("GET", "/world", "")
	assert.Equal(t, "azure", got.at("ddoe", "availableIntegrations", 3, "type"), "after the three seeded ones")
	assert.Equal(t, "s", got.at("topics", 0, "subscriptions", 0, "name"))
	assert.Empty(t, b.world.AppRoles(world.AppPrincipalID))
	account, ok := b.world.StorageAccount("acmenew")
	require.True(t, ok)
	assert.True(t, account.FirewallClosed)
	assert.Empty(t, account.Containers, "PUT replaces the whole object")
	_, ok = b.world.ServicePrincipal("p")
	assert.False(t, ok, "the service principal went with its application")
}

func TestWhatWasShownCanBePutBack(t *testing.T) {
	b := newBench(t)
	app, err := b.world.CreateApplication(world.Application{UniqueName: "u", DisplayName: "A"}, world.AppPrincipalID)
	require.NoError(t, err)
	_, err = b.world.CreateServicePrincipal(world.ServicePrincipal{AppID: app.AppID}, "")
	require.NoError(t, err)
	_, err = b.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: app.ID, Name: "abc",
		Issuer: "i", Subject: "s", Audiences: []string{"a"}})
	require.NoError(t, err)
	_, err = b.world.WriteBlob(world.DataAccount, "images", world.Blob{Name: "b", Content: []byte("kept")})
	require.NoError(t, err)

	identity := b.world.UserAssignedIdentities()[0].ID
	_, _, err = b.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: identity,
		Name: "abc", Issuer: "i", Subject: "s", Audiences: []string{"a"}})
	require.NoError(t, err)

	before := b.do("GET", "/world", "")
	for kind, key := range map[string]string{"applications": "id", "servicePrincipals": "id",
		"federatedIdentityCredentials": "id",
		"roleAssignments":              "id", "storageAccounts": "name", "tenants": "id",
		"userAssignedIdentities": "id", "userAssignedIdentityCredentials": "id", "subscriptions": "id", "owners": "id",
		"appRoles": "id"} {
		list, _ := before.at(kind).([]any)
		require.NotEmpty(t, list, kind)
		for _, o := range list {
			raw, err := json.Marshal(o)
			require.NoError(t, err)
			id, _ := o.(map[string]any)[key].(string)
			got := b.do("PUT", "/objects/"+kind+"/"+url.PathEscape(id), string(raw))
			assert.Equal(t, 204, got.status, "%s: %s", kind, got.raw)
		}
	}
	assert.JSONEq(t, before.raw, b.do("GET", "/world", "").raw)
	blob, err := b.world.ReadBlob(world.DataAccount, "images", "b")
	require.NoError(t, err)
	assert.Equal(t, "kept", string(blob.Content), "the content is not shown, and not lost")
}

// TestAdvance: one request moves the delays of the world and the messages of the broker.
func TestAdvance(t *testing.T) {
	b := newBench(t)
	for body, pointer := range map[string]string{`{}`: "/by", `{"by":"0s"}`: "/by", `{"by":"-1m"}`: "/by",
		`{"by":"13"}`: "/by", `{"by":13}`: "/by", `{"for":"13m"}`: "/for"} {
		got := b.do("POST", "/advance", body)
		assert.Equal(t, 400, got.status, body)
		assert.Equal(t, pointer, got.at("errors", 0, "pointer"), body)
	}
	before := b.world.Now()
	require.NoError(t, b.broker.Send("plain", servicebus.Message{ScheduledAt: time.Now().Add(13 * time.Minute)}))
	require.Equal(t, 204, b.do("POST", "/advance", `{"by":"13m"}`).status)
	assert.GreaterOrEqual(t, b.world.Elapsed(before), 13*time.Minute)
	assert.Equal(t, "active", b.do("GET", "/queues/plain/messages", "").at(0, "state"))
}

func TestTimingAndReset(t *testing.T) {
	b := newBench(t)
	got := b.do("PUT", "/timing", `{"latencyMs":1,"replicationMs":2,"stsMs":3,"rbacMs":4}`)
	require.Equal(t, 200, got.status)
	assert.Equal(t, world.Timing{LatencyMS: 1, ReplicationMS: 2, STSMS: 3, RBACMS: 4}, b.world.Timing())
	assert.JSONEq(t, `{"latencyMs":1,"replicationMs":2,"stsMs":3,"rbacMs":4}`, b.do("GET", "/timing", "").raw)
	assert.Equal(t, "/rbacMs", b.do("PUT", "/timing", `{"rbacMs":-1}`).at("errors", 0, "pointer"))
	assert.Equal(t, "/latency", b.do("PUT", "/timing", `{"latency":1}`).at("errors", 0, "pointer"))

	known := b.do("GET", "/limits", "").raw
	assert.JSONEq(t, `{"managedIdentityRates":false,"regionsWithoutFederation":["malaysiasouth","newzealandnorth"],
		"withoutFederationAtAll":false,"deletedIdentitySeconds":0,"unregisteredProviders":[],"deniedTypes":[]}`, known)
	assert.Equal(t, 200, b.do("PUT", "/limits", `{"managedIdentityRates":true,"regionsWithoutFederation":[]}`).status)
	assert.Equal(t, world.Limits{ManagedIdentityRates: true, RegionsWithoutFederation: []string{},
		UnregisteredProviders: []string{}, DeniedTypes: []string{}}, b.world.Limits())
	assert.Equal(t, "/rates", b.do("PUT", "/limits", `{"rates":true}`).at("errors", 0, "pointer"))
	fresh := b.do("GET", "/world", "").at("storageAccounts")
	_, err := b.world.CreateApplication(world.Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	require.Equal(t, 200, b.do("PUT", "/faults", `[{"match":{},"status":500}]`).status)
	require.Equal(t, 201, b.do("POST", "/queues/plain/messages", `{"body":"x"}`).status)
	require.Equal(t, 204, b.do("POST", "/reset", "").status)
	assert.Equal(t, 1, b.resets)
	assert.Empty(t, b.world.Applications())
	assert.Equal(t, world.Timing{}, b.world.Timing())
	assert.JSONEq(t, known, b.do("GET", "/limits", "").raw)
	assert.Empty(t, b.faults.List())
	after := b.do("GET", "/world", "")
	assert.Len(t, after.at("storageAccounts"), len(fresh.([]any)))
	assert.InDelta(t, 0, after.at("queues", 0, "active"), 0)
}

func TestHelpAndUnknownRoutes(t *testing.T) {
	b := newBench(t)
	got := b.do("GET", "/", "")
	assert.Equal(t, 200, got.status)
	assert.Contains(t, got.raw, "PUT /faults")
	assert.Contains(t, got.raw, "ddoe.integrations")
	assert.Equal(t, 404, b.do("GET", "/nope", "").status)
	assert.Equal(t, 405, b.do("DELETE", "/world", "").status)
	assert.Equal(t, 400, b.do("GET", "/requests?since=x", "").status)
}
