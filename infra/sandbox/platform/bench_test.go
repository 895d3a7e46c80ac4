package platform_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	api       = "https://gate.dataloop.ai/api/v1"
	ofOrg     = "/orgs/" + dataloop.OrganizationID
	subject   = "system:serviceaccount:dataloop:my-service"
	container = "images"
)

// bench is a whole sandbox, and a user of its platform.
type bench struct {
	t      *testing.T
	cloud  *cloud.Cloud
	world  *world.World
	client *http.Client
	key    string
	at     *time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	at := time.Now().Truncate(time.Millisecond)
	b := &bench{t: t, at: &at}
	var err error
	b.cloud, err = cloud.New(cloud.Options{Now: func() time.Time { return *b.at }})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, b.cloud.Close()) })
	b.world, b.client = b.cloud.World(), &http.Client{Transport: b.cloud.RoundTripper()}
	b.key, err = b.cloud.PlatformKeys().Mint(dataloop.UserEmail, 0)
	require.NoError(t, err)
	return b
}

// reply is an answer read whole.
type reply struct {
	status int
	header http.Header
	raw    string
	value  any
}

// at walks members (string) and items (int).
func (r reply) at(path ...any) any { return walk(r.value, path...) }

func walk(v any, path ...any) any {
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

func (r reply) text(path ...any) string { s, _ := r.at(path...).(string); return s }

// do makes a request to the platform's API with the bench's key; body nil is none.
func (b *bench) do(method, path string, body any) reply {
	b.t.Helper()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(b.t, err)
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, api+path, content)
	require.NoError(b.t, err)
	if b.key != "" {
		request.Header.Set("Authorization", "Bearer "+b.key)
	}
	response, err := b.client.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	got := reply{status: response.StatusCode, header: response.Header, raw: string(raw)}
	require.NotEmpty(b.t, got.header.Get("x-request-id"))
	if strings.Contains(got.header.Get("Content-Type"), "json") {
		require.NoError(b.t, json.Unmarshal(raw, &got.value), got.raw)
	}
	return got
}

// control asks the sandbox's control API, and expects it to agree.
func (b *bench) control(method, path, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	recorder := httptest.NewRecorder()
	b.cloud.ControlHandler().ServeHTTP(recorder, httptest.NewRequestWithContext(b.t.Context(), method, path,
		strings.NewReader(body)))
	require.Less(b.t, recorder.Code, 300, recorder.Body.String())
	return recorder
}

// federation finds the type for federation with Azure and its option names as a client has to: by the words for
// humans.
func (b *bench) federation() (kind string, names map[string]string) {
	b.t.Helper()
	got := b.do("GET", ofOrg+"/availableIntegrations", nil)
	require.Equal(b.t, 200, got.status)
	all, _ := got.value.([]any)
	for _, one := range all {
		if walk(one, "displayName") != "Azure Workload Identity Federation" {
			continue
		}
		names = map[string]string{}
		list, _ := walk(one, "options").([]any)
		for _, option := range list {
			visible, _ := walk(option, "displayName").(string)
			names[visible], _ = walk(option, "name").(string)
		}
		kind, _ = walk(one, "type").(string)
	}
	require.NotEmpty(b.t, kind)
	return kind, names
}

// identity is a federated identity in the world.
type identity struct {
	app        world.Application
	principal  world.ServicePrincipal
	trust      world.FederatedIdentityCredential
	assignment rbac.RoleAssignment
}

// identity makes what the platform needs: application, service principal, trust and role.
func (b *bench) identity() identity {
	b.t.Helper()
	var i identity
	var err error
	i.app, err = b.world.CreateApplication(world.Application{DisplayName: "wif"}, "")
	require.NoError(b.t, err)
	i.principal, err = b.world.CreateServicePrincipal(world.ServicePrincipal{AppID: i.app.AppID,
		AccountEnabled: true}, "")
	require.NoError(b.t, err)
	i.trust, err = b.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: i.app.ID,
		Name:   "trust",
		Issuer: world.Issuer, Subject: subject, Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(b.t, err)
	i.assignment = b.assign(i.principal, rbac.RoleBlobDataContributor)
	return i
}

func (b *bench) assign(p world.ServicePrincipal, role string) rbac.RoleAssignment {
	b.t.Helper()
	a, _, err := b.world.PutRoleAssignment(rbac.RoleAssignment{Name: uuid.NewString(), PrincipalID: p.ID,
		PrincipalType:    "ServicePrincipal",
		Scope:            world.DataAccountID + "/blobServices/default/containers/" + container,
		RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, role)})
	require.NoError(b.t, err)
	return a
}

func (b *bench) revoke(i identity) error {
	_, err := b.world.DeleteRoleAssignment(i.assignment.ID)
	return err
}

// values are the options of an integration, by the words for humans.
func values(clientID string) map[string]string {
	file, _ := json.Marshal(map[string]string{"clientId": clientID, "tenantId": world.TenantID,
		"federatedTokenIssuer": world.Issuer,
		"subject":              subject, "audience": "api://AzureADTokenExchange"}) // strings only: cannot fail
	return map[string]string{"Client ID": clientID, "Tenant ID": world.TenantID,
		"Storage account name":   world.DataAccount,
		"Credential file (JSON)": string(file)}
}

// request is the body that makes an integration of the type for federation.
func (b *bench) request(name string, values map[string]string) map[string]any {
	b.t.Helper()
	kind, names := b.federation()
	options := map[string]any{}
	for visible, value := range values {
		options[names[visible]] = value
	}
	return map[string]any{"name": name, "type": kind, "options": options,
		"metadata": map[string]any{"managed-by": "me/1"}}
}

// integration makes one, and returns its id.
func (b *bench) integration(name string, values map[string]string) string {
	b.t.Helper()
	got := b.do("POST", ofOrg+"/integrations", b.request(name, values))
	require.Equal(b.t, 200, got.status, got.raw)
	return got.text("id")
}

func (b *bench) driverBody(integration string) map[string]any {
	kind, _ := b.federation()
	return map[string]any{"name": "images", "type": "azureblob", "integrationId": integration, "integrationType": kind,
		"creator": dataloop.UserEmail, "allowExternalDelete": false,
		"metadata": map[string]any{"system": map[string]any{"projectId": dataloop.ProjectID}},
		"payload":  map[string]any{"containerName": container, "path": "a folder", "storageClass": "", "region": nil}}
}

func (b *bench) driver(integration string) string {
	b.t.Helper()
	got := b.do("POST", "/drivers", b.driverBody(integration))
	require.Equal(b.t, 200, got.status, got.raw)
	return got.text("id")
}

// validate asks for the validation of an integration's drivers and polls to the end; it returns the last answer and
// how often was asked.
func (b *bench) validate(integration string) (reply, int) {
	b.t.Helper()
	got := b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration})
	require.Equal(b.t, 200, got.status, got.raw)
	require.Equal(b.t, "created", got.text("status"))
	for polls := 1; polls < 50; polls++ {
		got = b.do("GET", "/commands/"+got.text("id"), nil)
		require.Equal(b.t, 200, got.status, got.raw)
		if got.text("status") != "in-progress" {
			return got, polls
		}
	}
	b.t.Fatal("the command does not end")
	return reply{}, 0
}

// metadata is the value of an integration's metadata entry.
func (b *bench) metadata(integration, name string) string {
	b.t.Helper()
	entries, _ := b.do("GET", "/integrations/"+integration, nil).at("metadata").([]any)
	for _, entry := range entries {
		if walk(entry, "name") == name {
			value, _ := walk(entry, "value").(string)
			return value
		}
	}
	return ""
}
