package graph_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

const selectsApplication = "?$select=id,appId,displayName,uniqueName,signInAudience,tags,isDisabled," +
	"disabledByMicrosoftStatus,passwordCredentials"

const (
	root     = "https://graph.microsoft.com/v1.0/"
	objectID = "aaaaaaaa-0000-4000-8000-000000000001"
	appID    = "bbbbbbbb-0000-4000-8000-000000000002"
)

// outcome is everything that a call gives back.
type outcome struct {
	value any
	write graph.Write
}

var applicationJSON = `{"@odata.context":"x","id":"` + objectID + `","appId":"` + appID +
	`","uniqueName":"u","displayName":"d",` +
	`"signInAudience":"AzureADMyOrg","tags":["a","b"],"createdDateTime":"2026-01-01T00:00:00Z"}`

var readApplication = graph.Application{
	ID: objectID, AppID: appID, UniqueName: "u", DisplayName: "d", SignInAudience: "AzureADMyOrg",
	Tags: []string{"a", "b"},
}

func createApplication(t *testing.T, c *graph.Client) (outcome, error) {
	a, w, err := c.CreateApplication(t.Context(), "ddoe-wif-1-acme", graph.ApplicationPatch{DisplayName: "d",
		Tags: []string{"a", "b"}})
	return outcome{a, w}, err
}

func upsertPrincipal(t *testing.T, c *graph.Client) (outcome, error) {
	p, w, err := c.UpsertServicePrincipal(t.Context(), appID, graph.ServicePrincipalPatch{Tags: []string{"a"}})
	return outcome{p, w}, err
}

func upsertCredential(t *testing.T, c *graph.Client) (outcome, error) {
	f, w, err := c.UpsertFederatedCredential(t.Context(), objectID, "subject-1", graph.FederatedCredentialPatch{
		Issuer: "https://dataloop.ai/oauth2", Subject: "system:serviceaccount:dataloop:s",
		Audiences: []string{"api://AzureADTokenExchange"},
	})
	return outcome{f, w}, err
}

func written(f func(*testing.T, *graph.Client) (graph.Write, error)) func(*testing.T, *graph.Client) (outcome, error) {
	return func(t *testing.T, c *graph.Client) (outcome, error) {
		w, err := f(t, c)
		return outcome{nil, w}, err
	}
}

var deleteApplication = written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
	return c.DeleteApplication(t.Context(), objectID)
})

var deletePrincipal = written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
	return c.DeleteServicePrincipal(t.Context(), objectID)
})

var deleteCredential = written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
	return c.DeleteFederatedCredential(t.Context(), objectID, "subject-1")
})

var restore = written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
	return c.RestoreDeletedItem(t.Context(), objectID)
})

var purge = written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
	return c.PurgeDeletedItem(t.Context(), objectID)
})

func receipt(o graph.Outcome) graph.Write { return graph.Write{Outcome: o, RequestID: "request-1"} }

var notFound = errorJSON("Request_ResourceNotFound", "Resource 'x' does not exist.")

func upsertRequest(path, body string) exchange {
	return exchange{method: "PATCH", url: root + path, prefer: "create-if-missing", contentType: "application/json",
		body: body}
}

// requestCases are the client's requests, one each, with the answer to each.
var requestCases = []struct {
	name   string
	answer answer
	call   func(*testing.T, *graph.Client) (outcome, error)
	sent   exchange
	want   outcome
}{
	{
		"application created", answer{status: 201, body: applicationJSON}, createApplication,
		exchange{method: "POST", url: root + "applications", contentType: "application/json",
			body: `{"uniqueName":"ddoe-wif-1-acme","displayName":"d","signInAudience":"AzureADMyOrg",` +
				`"tags":["a","b"]}`},
		outcome{readApplication, receipt(graph.OutcomeCreated)},
	},
	{
		"application updated", answer{status: 204},
		written(func(t *testing.T, c *graph.Client) (graph.Write, error) {
			return c.UpdateApplication(t.Context(), objectID, graph.ApplicationPatch{DisplayName: "d"})
		}),
		exchange{method: "PATCH", url: root + "applications/" + objectID, contentType: "application/json",
			body: `{"displayName":"d","signInAudience":"AzureADMyOrg"}`},
		outcome{nil, receipt(graph.OutcomeUpdated)},
	},
	{
		"application with every member", answer{status: 201, body: applicationJSON},
		func(t *testing.T, c *graph.Client) (outcome, error) {
			a, w, err := c.CreateApplication(t.Context(), "it's 100% a/b#c", graph.ApplicationPatch{
				DisplayName: "d", SignInAudience: "AzureADMultipleOrgs", Description: "e",
			})
			return outcome{a, w}, err
		},
		exchange{method: "POST", url: root + "applications", contentType: "application/json",
			body: `{"uniqueName":"it's 100% a/b#c","displayName":"d","signInAudience":"AzureADMultipleOrgs",` +
				`"description":"e"}`},
		outcome{readApplication, receipt(graph.OutcomeCreated)},
	},
	{
		"application read by a name with quotes", answer{status: 200, body: applicationJSON},
		func(t *testing.T, c *graph.Client) (outcome, error) {
			a, err := c.GetApplicationByUniqueName(t.Context(), "it's 100% a/b#c")
			return outcome{value: a}, err
		},
		exchange{method: "GET", url: root + "applications(uniqueName='it%27%27s%20100%25%20a%2Fb%23c')" +
			selectsApplication},
		outcome{value: readApplication},
	},
	{
		"application read", answer{status: 200, body: applicationJSON},
		func(t *testing.T, c *graph.Client) (outcome, error) {
			a, err := c.GetApplicationByUniqueName(t.Context(), "u")
			return outcome{value: a}, err
		},
		exchange{method: "GET", url: root + "applications(uniqueName='u')" + selectsApplication},
		outcome{value: readApplication},
	},
	{
		"application read with its certificates", answer{status: 200, body: `{"id":"` + objectID +
			`","passwordCredentials":[{"keyId":"1","displayName":"secret"}],"keyCredentials":[{"keyId":"2"}],` +
			`"isDisabled":true,"disabledByMicrosoftStatus":"NotDisabled"}`},
		func(t *testing.T, c *graph.Client) (outcome, error) {
			a, err := c.GetApplicationByUniqueName(t.Context(), "u", graph.MemberKeyCredentials)
			return outcome{value: a}, err
		},
		exchange{method: "GET", url: root + "applications(uniqueName='u')" + selectsApplication + ",keyCredentials"},
		outcome{value: graph.Application{ID: objectID, IsDisabled: true, DisabledByMicrosoftStatus: "NotDisabled",
			LoginCredentials: graph.LoginCredentials{
				PasswordCredentials: []graph.LoginCredential{{KeyID: "1", DisplayName: "secret"}},
				KeyCredentials:      []graph.LoginCredential{{KeyID: "2"}}}}},
	},
	{
		"application deleted", answer{status: 204}, deleteApplication,
		exchange{method: "DELETE", url: root + "applications/" + objectID},
		outcome{nil, receipt(graph.OutcomeDeleted)},
	},
	{
		"principal created", answer{status: 201, body: `{"id":"` + objectID + `","appId":"` + appID +
			`","accountEnabled":true,"servicePrincipalType":"Application","tags":["a"]}`},
		upsertPrincipal, upsertRequest("servicePrincipals(appId='"+appID+"')", `{"tags":["a"]}`),
		outcome{graph.ServicePrincipal{
			ID: objectID, AppID: appID, AccountEnabled: true, ServicePrincipalType: "Application", Tags: []string{"a"},
		}, receipt(graph.OutcomeCreated)},
	},
	{
		"principal updated", answer{status: 204}, upsertPrincipal,
		upsertRequest("servicePrincipals(appId='"+appID+"')", `{"tags":["a"]}`),
		outcome{graph.ServicePrincipal{}, receipt(graph.OutcomeUpdated)},
	},
	{
		"principal read", answer{status: 200, body: `{"id":"` + objectID + `","appId":"` + appID +
			`","accountEnabled":false}`},
		func(t *testing.T, c *graph.Client) (outcome, error) {
			p, err := c.GetServicePrincipalByAppID(t.Context(), appID)
			return outcome{value: p}, err
		},
		exchange{method: "GET", url: root + "servicePrincipals(appId='" + appID +
			"')?$select=id,appId,accountEnabled,servicePrincipalType,tags,passwordCredentials,appOwnerOrganizationId"},
		outcome{value: graph.ServicePrincipal{ID: objectID, AppID: appID}},
	},
	{
		"principal deleted", answer{status: 204}, deletePrincipal,
		exchange{method: "DELETE", url: root + "servicePrincipals/" + objectID},
		outcome{nil, receipt(graph.OutcomeDeleted)},
	},
	{
		"credential created", answer{status: 201, body: `{"id":"f","name":"subject-1","issuer":"i","subject":"s",` +
			`"audiences":["a"],"description":null}`},
		upsertCredential,
		upsertRequest("applications/"+objectID+"/federatedIdentityCredentials(name='subject-1')",
			`{"issuer":"https://dataloop.ai/oauth2","subject":"system:serviceaccount:dataloop:s","audiences":["api://AzureADTokenExchange"]}`),
		outcome{graph.FederatedCredential{ID: "f", Name: "subject-1", Issuer: "i", Subject: "s",
			Audiences: []string{"a"}}, receipt(graph.OutcomeCreated)},
	},
	{
		"credential updated", answer{status: 204}, upsertCredential,
		upsertRequest("applications/"+objectID+"/federatedIdentityCredentials(name='subject-1')",
			`{"issuer":"https://dataloop.ai/oauth2","subject":"system:serviceaccount:dataloop:s","audiences":["api://AzureADTokenExchange"]}`),
		outcome{graph.FederatedCredential{}, receipt(graph.OutcomeUpdated)},
	},
	{
		"credential deleted", answer{status: 204}, deleteCredential,
		exchange{method: "DELETE", url: root + "applications/" + objectID + "/federatedIdentityCredentials/subject-1"},
		outcome{nil, receipt(graph.OutcomeDeleted)},
	},
	{
		"restored", answer{status: 200, body: applicationJSON}, restore,
		exchange{method: "POST", url: root + "directory/deletedItems/" + objectID + "/restore"},
		outcome{nil, receipt(graph.OutcomeRestored)},
	},
	{
		"purged", answer{status: 204}, purge,
		exchange{method: "DELETE", url: root + "directory/deletedItems/" + objectID},
		outcome{nil, receipt(graph.OutcomeDeleted)},
	},
}

func TestRequests(t *testing.T) {
	for _, c := range requestCases {
		t.Run(c.name, func(t *testing.T) {
			client, s := newClient(t, c.answer)
			got, err := c.call(t, client)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			assert.Equal(t, []exchange{c.sent}, s.requests())
		})
	}
}

// TestADeleteOfNothing is told as Graph answers it: what it means is decided elsewhere.
func TestADeleteOfNothing(t *testing.T) {
	for name, send := range map[string]func(*testing.T, *graph.Client) (outcome, error){
		"application": deleteApplication, "credential": deleteCredential, "deleted item": purge} {
		client, _ := newClient(t, answer{status: http.StatusNotFound, body: notFound})
		_, err := send(t, client)
		assert.True(t, isNotFound(err), "%s: %v", name, err)
	}
}

func TestEndpointAndScope(t *testing.T) {
	for _, c := range []struct {
		name      string
		opts      graph.Options
		url, want string // scope
	}{
		{"public", graph.Options{}, "https://graph.microsoft.com/v1.0/", "https://graph.microsoft.com/.default"},
		{"public, by name", graph.Options{ClientOptions: clientOptions("https://login.microsoftonline.com/", "")},
			"https://graph.microsoft.com/v1.0/", "https://graph.microsoft.com/.default"},
		{"government", graph.Options{ClientOptions: clientOptions("https://login.microsoftonline.us/", "")},
			"https://graph.microsoft.us/v1.0/", "https://graph.microsoft.us/.default"},
		{"china", graph.Options{ClientOptions: clientOptions("https://login.chinacloudapi.cn/", "")},
			"https://microsoftgraph.chinacloudapi.cn/v1.0/", "https://microsoftgraph.chinacloudapi.cn/.default"},
		{"named by the cloud", graph.Options{ClientOptions: clientOptions("https://login.example/",
			"https://graph.example/")}, "https://graph.example/v1.0/", "https://graph.example/.default"},
		{"given", graph.Options{Endpoint: "https://dod-graph.microsoft.us", Scope: "s"},
			"https://dod-graph.microsoft.us/v1.0/", "s"},
		{"given with a slash", graph.Options{Endpoint: "https://dod-graph.microsoft.us/"},
			"https://dod-graph.microsoft.us/v1.0/", "https://dod-graph.microsoft.us/.default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{t: t, answers: []answer{{status: http.StatusNoContent}}}
			c.opts.Transport = s
			var scopes []string
			client, err := graph.New(credential{scopes: &scopes}, &c.opts)
			require.NoError(t, err)
			_, err = client.DeleteApplication(t.Context(), "x")
			require.NoError(t, err)
			assert.Equal(t, c.url+"applications/x", s.got[0].url)
			assert.Equal(t, []string{c.want}, scopes)
		})
	}
	for name, opts := range map[string]graph.Options{
		"unknown cloud":  {ClientOptions: clientOptions("https://login.example/", "")},
		"plain http":     {Endpoint: "http://graph.microsoft.com"},
		"with a path":    {Endpoint: "https://graph.microsoft.com/v1.0"},
		"with a query":   {Endpoint: "https://graph.microsoft.com?x=y"},
		"without a host": {Endpoint: "https:///"},
		"not an address": {Endpoint: "://"},
		"a control":      {Endpoint: "https://graph.microsoft.com\x7f"},
	} {
		_, err := graph.New(credential{}, &opts)
		assert.Error(t, err, name)
	}
	_, err := graph.New(nil, nil)
	assert.Error(t, err)
	_, err = graph.New(credential{}, nil)
	assert.NoError(t, err)
}
