package arm_test

import (
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	root         = "https://management.azure.com"
	account      = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/acmedata"
	container    = account + "/blobServices/default/containers/images"
	name         = "cccccccc-0000-5000-8000-000000000003"
	principal    = "dddddddd-0000-4000-8000-000000000004"
	assignmentID = container + "/providers/Microsoft.Authorization/roleAssignments/" + name
	roleID       = "/subscriptions/22222222-2222-4222-8222-222222222222/providers/Microsoft.Authorization/roleDefinitions/" + rbac.RoleBlobDataReader
)

func assignment() arm.RoleAssignment {
	return arm.RoleAssignment{
		ID: assignmentID, Scope: container, Name: name, RoleDefinitionID: roleID, PrincipalID: principal,
		Description: "d",
	}
}

const assignmentJSON = `{"id":"` + assignmentID + `","type":"Microsoft.Authorization/roleAssignments","name":"` +
	name + `","properties":{` +
	`"roleDefinitionId":"` + roleID + `","principalId":"` + principal +
	`","principalType":"ServicePrincipal","scope":"` + container + `",` +
	`"description":"d","condition":null,"conditionVersion":null,"createdOn":"2026-01-02T03:04:05.1234567Z","updatedOn":"2026-01-02T03:04:05.1234567Z"}}`

func TestPutRoleAssignment(t *testing.T) {
	body := `{"properties":{"description":"d","principalId":"` + principal + `","principalType":"ServicePrincipal",` +
		`"roleDefinitionId":"` + roleID + `"}}`
	byParts := assignment()
	byParts.ID = ""
	plain := assignment()
	plain.Description = ""
	for _, c := range []struct {
		caseName string
		in       arm.RoleAssignment
		status   int
		want     arm.Outcome
		body     string
	}{
		{"created", assignment(), 201, arm.OutcomeCreated, body},
		{"there already", assignment(), 200, arm.OutcomeUnchanged, body},
		{"by scope and name", byParts, 201, arm.OutcomeCreated, body},
		{"without description", plain, 201, arm.OutcomeCreated, `{"properties":{"principalId":"` + principal +
			`","principalType":"ServicePrincipal","roleDefinitionId":"` + roleID + `"}}`},
	} {
		t.Run(c.caseName, func(t *testing.T) {
			client, s := newClient(t, answer{status: c.status, body: assignmentJSON})
			w, err := client.PutRoleAssignment(t.Context(), c.in)
			require.NoError(t, err)
			assert.Equal(t, arm.Write{Outcome: c.want, RequestID: "request-1"}, w)
			require.Len(t, s.got, 1)
			assert.Equal(t, "PUT", s.got[0].method)
			assert.Equal(t, root+assignmentID+"?api-version=2022-04-01", s.got[0].url)
			assert.Equal(t, "application/json", s.got[0].contentType)
			assert.JSONEq(t, c.body, s.got[0].body)
		})
	}
}

func TestGetRoleAssignment(t *testing.T) {
	client, s := newClient(t, answer{status: 200, body: assignmentJSON})
	got, err := client.GetRoleAssignment(t.Context(), assignmentID)
	require.NoError(t, err)
	assert.Equal(t, assignment(), got)
	assert.Equal(t, []exchange{{method: "GET", url: root + assignmentID + "?api-version=2022-04-01"}}, s.requests())
}

func TestDeleteRoleAssignment(t *testing.T) {
	for _, c := range []struct {
		caseName string
		answer   answer
		want     arm.Outcome
	}{
		{"deleted", answer{status: 200, body: assignmentJSON}, arm.OutcomeDeleted},
		{"absent", answer{status: 204}, arm.OutcomeAbsent},
	} {
		t.Run(c.caseName, func(t *testing.T) {
			client, s := newClient(t, c.answer)
			w, err := client.DeleteRoleAssignment(t.Context(), assignmentID)
			require.NoError(t, err)
			assert.Equal(t, arm.Write{Outcome: c.want, RequestID: "request-1"}, w)
			assert.Equal(t, []exchange{{method: "DELETE", url: root + assignmentID + "?api-version=2022-04-01"}},
				s.requests())
		})
	}
}

func TestDeleteRoleAssignmentWithoutItsScope(t *testing.T) {
	client, _ := newClient(t, answer{status: 404, body: errorJSON("ResourceNotFound", "m")})
	_, err := client.DeleteRoleAssignment(t.Context(), assignmentID)
	assert.True(t, isNotFound(err), "%v", err)
}

func TestListRoleAssignments(t *testing.T) {
	path := root + container + "/providers/Microsoft.Authorization/roleAssignments"
	t.Run("pages", func(t *testing.T) {
		client, s := newClient(t,
			answer{status: 200, body: `{"value":[` + assignmentJSON + `],"nextLink":"` + path +
				`?api-version=2022-04-01&$skipToken=x"}`},
			answer{status: 200, body: `{"value":[{"id":"i","name":"n","properties":{"scope":"/subscriptions/s"}}]}`})
		got, err := client.ListRoleAssignments(t.Context(), container, principal)
		require.NoError(t, err)
		assert.Equal(t, []arm.RoleAssignment{assignment(), {ID: "i", Name: "n", Scope: "/subscriptions/s"}}, got)
		require.Len(t, s.got, 2)
		assert.Equal(t, path+"?api-version=2022-04-01&$filter=principalId%20eq%20%27"+principal+"%27", s.got[0].url)
	})
	t.Run("a principal with every bad character", func(t *testing.T) {
		client, s := newClient(t, answer{status: 200, body: `{"value":[]}`})
		_, err := client.ListRoleAssignments(t.Context(), container, "' or+1&x=#%")
		require.NoError(t, err)
		sent, err := url.Parse(s.got[0].url)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"api-version": {"2022-04-01"}, "$filter": {"principalId eq ''' or+1&x=#%'"}},
			sent.Query())
	})
	t.Run("none", func(t *testing.T) {
		client, _ := newClient(t, answer{status: 200, body: `{"value":[]}`})
		got, err := client.ListRoleAssignments(t.Context(), container, principal)
		require.NoError(t, err)
		assert.Empty(t, got)
	})
	t.Run("foreign next link", func(t *testing.T) {
		client, s := newClient(t, answer{status: 200, body: `{"value":[],"nextLink":"https://attacker.example/x"}`})
		_, err := client.ListRoleAssignments(t.Context(), container, principal)
		require.ErrorContains(t, err, "foreign host")
		assert.Len(t, s.got, 1)
	})
}

func TestGetStorageAccount(t *testing.T) {
	for hns, want := range map[string]bool{"": false, `"isHnsEnabled":false,`: false, `"isHnsEnabled":true,`: true} {
		client, s := newClient(t, answer{status: 200, body: `{"id":"` + account + `","name":"acmedata",` +
			`"location":"westeurope","kind":"StorageV2","properties":{` + hns +
			`"primaryEndpoints":{"blob":"https://acmedata.blob.core.windows.net/",` +
			`"dfs":"https://acmedata.dfs.core.windows.net/"}}}`})
		got, err := client.GetStorageAccount(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, arm.StorageAccount{
			ID: account, Name: "acmedata", Location: "westeurope",
			BlobEndpoint: "https://acmedata.blob.core.windows.net/", HierarchicalNamespace: want,
		}, got)
		is, err := client.IsHierarchical(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, want, is)
		request := exchange{method: "GET", url: root + account + "?api-version=2023-05-01"}
		assert.Equal(t, []exchange{request, request}, s.requests())
	}
	client, _ := newClient(t, answer{status: 403, body: errorJSON("AuthorizationFailed", "m")})
	is, err := client.IsHierarchical(t.Context(), account)
	require.Error(t, err)
	assert.False(t, is)
}

// TestGetContainer: the name is one segment of the path, whatever it holds.
func TestGetContainer(t *testing.T) {
	t.Parallel()
	client, s := newClient(t, answer{status: 200, body: `{"id":"i"}`})
	for _, name := range []string{"images", "a/b?c"} {
		found, err := client.GetContainer(t.Context(), account, name)
		require.NoError(t, err)
		assert.False(t, found.IsImmutable)
	}
	assert.Equal(t, []exchange{{method: "GET", url: root + container + "?api-version=2023-05-01"},
		{method: "GET", url: root + account + "/blobServices/default/containers/a%2Fb%3Fc?api-version=2023-05-01"}},
		s.requests())
}

// TestWhatKeepsBlobs: a policy, or a hold.
func TestWhatKeepsBlobs(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]bool{"hasImmutabilityPolicy": true, "hasLegalHold": true, "other": false} {
		client, _ := newClient(t, answer{status: 200, body: `{"id":"i","properties":{"` + member + `":true}}`})
		found, err := client.GetContainer(t.Context(), account, "images")
		require.NoError(t, err)
		assert.Equal(t, want, found.IsImmutable, member)
	}
}

// TestNetwork: from where an account takes requests.
func TestNetwork(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]arm.Network{
		`{}`:                                 {},
		`{"publicNetworkAccess":"Enabled"}`:  {},
		`{"publicNetworkAccess":"Disabled"}`: {IsPrivate: true},
		`{"networkAcls":{"defaultAction":"Allow"}}`: {},
		`{"networkAcls":{"defaultAction":"Deny","ipRules":[{"value":"1.2.3.4"}],"virtualNetworkRules":[{},{}]}}`: {
			IsRestricted: true, AddressRules: 1, SubnetRules: 2},
	} {
		client, _ := newClient(t, answer{status: 200, body: `{"id":"i","properties":` + body + `}`})
		found, err := client.GetStorageAccount(t.Context(), account)
		require.NoError(t, err)
		assert.Equal(t, want, found.Network, body)
	}
}

// TestEffectiveAssignments: those of groups, too.
func TestEffectiveAssignments(t *testing.T) {
	t.Parallel()
	client, s := newClient(t, answer{status: 200, body: `{"value":[]}`})
	_, err := client.ListEffectiveAssignments(t.Context(), account, "p'q")
	require.NoError(t, err)
	require.Len(t, s.requests(), 1)
	assert.Contains(t, s.requests()[0].url, "assignedTo%28%27p%27%27q%27%29")
}

// TestIDs: an id is a customer's input, and must never make another request than the caller meant.
func TestIDs(t *testing.T) {
	for _, id := range []string{"", "/", "/subscriptions//x", "/subscriptions/../../x", "/subscriptions/./x"} {
		client, s := newClient(t, answer{status: 200, body: "{}"})
		_, err := client.GetStorageAccount(t.Context(), id)
		require.Error(t, err, "%q", id)
		_, err = client.PutRoleAssignment(t.Context(), arm.RoleAssignment{ID: id + "/.."})
		require.Error(t, err, "%q", id)
		_, err = client.ListRoleAssignments(t.Context(), id, principal)
		require.Error(t, err, "%q", id)
		assert.Empty(t, s.got, "%q", id)
	}
	client, s := newClient(t, answer{status: 200, body: `{"id":"i"}`})
	_, err := client.GetStorageAccount(t.Context(), "/subscriptions/s/resourceGroups/a (b)_ä?api-version=1#x%2e/y")
	require.NoError(t, err)
	assert.Equal(t,
		root+"/subscriptions/s/resourceGroups/a%20%28b%29_%C3%A4%3Fapi-version=1%23x%252e/y?api-version=2023-05-01",
		s.got[0].url)
}

func TestClouds(t *testing.T) {
	for _, c := range []struct {
		caseName    string
		cloud       cloud.Configuration
		host, scope string
	}{
		{"none", cloud.Configuration{}, "management.azure.com", "https://management.core.windows.net//.default"},
		{"public", cloud.AzurePublic, "management.azure.com", "https://management.core.windows.net//.default"},
		{"government", cloud.AzureGovernment, "management.usgovcloudapi.net",
			"https://management.core.usgovcloudapi.net//.default"},
		{"china", cloud.AzureChina, "management.chinacloudapi.cn",
			"https://management.core.chinacloudapi.cn//.default"},
	} {
		t.Run(c.caseName, func(t *testing.T) {
			s := &service{t: t, answers: []answer{{status: 200, body: assignmentJSON}}}
			var scopes []string
			client, err := arm.New(credential{scopes: &scopes},
				&arm.Options{ClientOptions: azcore.ClientOptions{Cloud: c.cloud, Transport: s}})
			require.NoError(t, err)
			_, err = client.PutRoleAssignment(t.Context(), assignment())
			require.NoError(t, err)
			_, err = client.GetStorageAccount(t.Context(), account)
			require.NoError(t, err)
			for _, e := range s.got {
				u, err := url.Parse(e.url)
				require.NoError(t, err)
				assert.Equal(t, c.host, u.Host)
			}
			assert.Contains(t, scopes, c.scope)
		})
	}
}

// at is a cloud with a Resource Manager at that address.
func at(endpoint string) cloud.Configuration {
	return cloud.Configuration{ActiveDirectoryAuthorityHost: "https://login.example/",
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: endpoint, Audience: "https://arm.example"}}}
}

// TestNew: options may be left out, a credential and an address of ARM may not.
func TestNew(t *testing.T) {
	t.Parallel()
	client, err := arm.New(credential{}, nil)
	require.NoError(t, err)
	require.NotNil(t, client)
	client, err = arm.New(nil, nil)
	require.EqualError(t, err, "arm: credential missing")
	assert.Nil(t, client)
	_, err = arm.New(credential{}, &arm.Options{ClientOptions: azcore.ClientOptions{Cloud: at("https://arm.example")}})
	require.NoError(t, err)
	other := at("")
	other.Services = map[cloud.ServiceName]cloud.ServiceConfiguration{"other": {Endpoint: "https://arm.example"}}
	for name, c := range map[string]cloud.Configuration{
		"no services":                {ActiveDirectoryAuthorityHost: "https://login.example/"},
		"services, and nothing else": {Services: at("").Services},
		"another service alone":      other,
		"an empty address":           at(""),
		"not encrypted":              at("http://arm.example"),
		"no scheme":                  at("arm.example"),
		"no host":                    at("https:///x"),
		"no URL":                     at("https://%zz"),
	} {
		client, err := arm.New(credential{}, &arm.Options{ClientOptions: azcore.ClientOptions{Cloud: c}})
		require.ErrorContains(t, err, "arm: the cloud's Resource Manager endpoint \""+
			c.Services[cloud.ResourceManager].Endpoint+"\" is not an https URL", name)
		assert.Nil(t, client, name)
	}
}
