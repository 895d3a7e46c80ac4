package graph_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

func clientOptions(authority, endpoint string) azcore.ClientOptions {
	c := cloud.Configuration{ActiveDirectoryAuthorityHost: authority}
	if endpoint != "" {
		c.Services = map[cloud.ServiceName]cloud.ServiceConfiguration{graph.ServiceName: {Endpoint: endpoint}}
	}
	return azcore.ClientOptions{Cloud: c}
}

// writes are the writes whose errors are known.
func writes(t *testing.T, c *graph.Client) map[string]func() error {
	return map[string]func() error{
		"create application": func() error {
			_, _, err := c.CreateApplication(t.Context(), "u", graph.ApplicationPatch{DisplayName: "d"})
			return err
		},
		"update application": func() error {
			_, err := c.UpdateApplication(t.Context(), objectID, graph.ApplicationPatch{DisplayName: "d"})
			return err
		},
		"upsert service principal": func() error {
			_, _, err := c.UpsertServicePrincipal(t.Context(), appID, graph.ServicePrincipalPatch{})
			return err
		},
		"upsert federated credential": func() error {
			_, _, err := c.UpsertFederatedCredential(t.Context(), objectID, "n", graph.FederatedCredentialPatch{})
			return err
		},
	}
}

var errorCases = []struct {
	op, name string
	status   int
	code     string
	message  string
	details  []string
}{
	{"update application", "restored, and not yet everywhere", 404, "Request_ResourceNotFound",
		"Resource 'u' does not exist", nil},
	{"create application", "uniqueName taken", 400, "Request_BadRequest",
		"Another object with the same value for property uniqueName already exists.", []string{"ObjectConflict"}},
	{"create application", "no right", 403, "Authorization_RequestDenied",
		"Insufficient privileges to complete the operation.", nil},
	{"create application", "two writers", 409, "Directory_ConcurrencyViolation", "m", nil},
	{"create application", "MSA audience", 409, "Error_MsaAppDoesNotExist", "m", nil},
	{"create application", "service tree", 400, "ServiceTreeNullValueProvided", "m", nil},
	{"create application", "quota", 403, "Directory_QuotaExceeded", "m", nil},
	{"upsert service principal", "application not replicated", 400, "Request_BadRequest",
		"The appId 'x' of the service principal does not reference a valid application object.",
		[]string{"NoBackingApplicationObject"}},
	{"upsert service principal", "application not replicated, the odd way", 403, "Authorization_RequestDenied",
		"When using this permission, the backing application of the service principal being created must in the " +
			"local tenant", nil},
	{"upsert service principal", "exists", 409, "Request_MultipleObjectsWithSameKeyValue",
		"The service principal cannot be created", []string{"ObjectConflict", "ConflictingObjects"}},
	{"upsert federated credential", "application not replicated", 404, "Request_ResourceNotFound",
		"Resource 'x' does not exist", nil},
	{"upsert federated credential", "pair taken", 400, "InvalidFederatedIdentityCredentialValue",
		"The combination of issuer and subject must be unique for the application.", nil},
	{"upsert federated credential", "name taken", 409, "Request_MultipleObjectsWithSameKeyValue",
		"FederatedIdentityCredential with name n already exists.", nil},
}

// TestErrors holds each error that Graph is known to answer with: code, details and message arrive as they are.
func TestErrors(t *testing.T) {
	for _, c := range errorCases {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			client, s := newClient(t, answer{status: c.status, body: errorJSON(c.code, c.message, c.details...)})
			err := writes(t, client)[c.op]()
			var got *graph.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, &graph.Error{
				Op: c.op, StatusCode: c.status, Code: c.code, Message: c.message, DetailCodes: c.details,
				RequestID: "request-1",
			}, got)
			assert.Len(t, s.got, 1, "a refusal is not repeated")
			assert.NotContains(t, err.Error(), c.message, "Error() prints no body")
			assert.Contains(t, err.Error(), c.code)
			assert.Contains(t, err.Error(), "request-1")
			assert.Equal(t, c.status == 404, graph.IsNotFound(err))

			var classified interface { // what diagnosis asks for
				Service() string
				HTTPStatus() int
				ErrorCode() string
				ServiceRequestID() string
			}
			require.ErrorAs(t, err, &classified)
			assert.Equal(t, "graph", classified.Service())
			assert.Equal(t, c.status, classified.HTTPStatus())
			assert.Equal(t, c.code, classified.ErrorCode())
			assert.Equal(t, "request-1", classified.ServiceRequestID())
		})
	}
}

// TestARequestIDInTheBodyAlone, in the old spelling too.
func TestARequestIDInTheBodyAlone(t *testing.T) {
	for _, body := range []string{errorJSON("X", "m"), strings.ReplaceAll(errorJSON("X", "m"), "innerError",
		"innererror")} {
		client, _ := newClient(t, answer{status: 400, body: body, header: map[string]string{"request-id": ""}})
		_, err := client.GetApplicationByUniqueName(t.Context(), "u")
		var got *graph.Error
		require.ErrorAs(t, err, &got)
		assert.Equal(t, "inner-id", got.RequestID)
	}
}

func TestACreatedObjectThatIsNoJSON(t *testing.T) {
	client, _ := newClient(t, answer{status: 201, body: `{"id":`})
	_, _, err := client.CreateApplication(t.Context(), "u", graph.ApplicationPatch{})
	require.ErrorContains(t, err, "request-1")
}

// TestThrottled: the write is sent again after the time that Graph asked for, whole, and under a new id.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, s := newClient(t,
			answer{status: 429, header: map[string]string{"Retry-After": "7"},
				body: errorJSON("TooManyRequests", "m")},
			answer{status: 503, header: map[string]string{"Retry-After": "3"}},
			answer{status: 201, body: `{"id":"` + objectID + `"}`},
		)
		app, w, err := client.CreateApplication(t.Context(), "u", graph.ApplicationPatch{DisplayName: "d"})
		require.NoError(t, err)
		assert.Equal(t, objectID, app.ID)
		assert.Equal(t, graph.Write{Outcome: graph.OutcomeCreated, RequestID: "request-3"}, w)
		require.Len(t, s.got, 3)
		assert.Equal(t, 7*time.Second, s.got[1].at.Sub(s.got[0].at))
		assert.Equal(t, 3*time.Second, s.got[2].at.Sub(s.got[1].at))
		for _, r := range s.requests() {
			assert.Equal(t, `{"uniqueName":"u","displayName":"d","signInAudience":"AzureADMyOrg"}`, r.body)
		}
		assert.NotEqual(t, s.got[0].clientRequestID, s.got[1].clientRequestID)
		assert.NotEqual(t, s.got[1].clientRequestID, s.got[2].clientRequestID)
	})
}

// TestRetryAfterIsKept beyond the pipeline's own patience of a minute.
func TestRetryAfterIsKept(t *testing.T) {
	client, _ := newClient(t, answer{status: 429, header: map[string]string{"Retry-After": "150"}})
	_, err := client.DeleteApplication(t.Context(), objectID)
	var got *graph.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, 150*time.Second, got.RetryAfter())
}

var credentialsPath = "applications/" + objectID + "/federatedIdentityCredentials"

func listCredentials(t *testing.T, answers ...answer) ([]graph.FederatedCredential, *service, error) {
	client, s := newClient(t, answers...)
	all, err := client.ListFederatedCredentials(t.Context(), objectID)
	return all, s, err
}

func pageOfOne(name, next string) answer {
	body := `{"value":[{"id":"i-` + name + `","name":"` + name + `","issuer":"i","subject":"s","audiences":["a"],` +
		`"description":"d"}]`
	if next != "" {
		body += `,"@odata.nextLink":"` + next + `"`
	}
	return answer{status: 200, body: body + "}"}
}

func listedCredential(name string) graph.FederatedCredential {
	return graph.FederatedCredential{ID: "i-" + name, Name: name, Issuer: "i", Subject: "s", Audiences: []string{"a"},
		Description: "d"}
}

func TestList(t *testing.T) {

	t.Run("none", func(t *testing.T) {
		all, _, err := listCredentials(t, answer{status: 200, body: `{"value":[]}`})
		require.NoError(t, err)
		assert.Empty(t, all)
	})
	t.Run("pages", func(t *testing.T) {
		all, s, err := listCredentials(t, pageOfOne("a", root+credentialsPath+"?$skiptoken=x%20y"), pageOfOne("b", ""))
		require.NoError(t, err)
		assert.Equal(t, []graph.FederatedCredential{listedCredential("a"), listedCredential("b")}, all)
		assert.Equal(t, []exchange{{method: "GET", url: root + credentialsPath},
			{method: "GET", url: root + credentialsPath + "?$skiptoken=x%20y"}}, s.requests())
	})
	for name, link := range map[string]string{
		"foreign host": "https://attacker.example/v1.0/x", "plain http": "http://graph.microsoft.com/v1.0/x",
		"other port": "https://graph.microsoft.com:8443/v1.0/x",
		"user info":  "https://graph.microsoft.com@attacker.example/",
	} {
		t.Run("next link to "+name, func(t *testing.T) {
			_, s, err := listCredentials(t, pageOfOne("a", link), pageOfOne("b", ""))
			require.Error(t, err)
			assert.Len(t, s.got, 1, "the token went nowhere else")
		})
	}
	t.Run("endless", func(t *testing.T) {
		_, s, err := listCredentials(t, pageOfOne("a", root+credentialsPath))
		require.ErrorContains(t, err, "pages")
		assert.Len(t, s.got, 50)
	})
	t.Run("a flexible credential breaks v1.0", func(t *testing.T) {
		all, s, err := listCredentials(t,
			answer{status: 200, body: `{"value":[{"id":"1","name":"a"},{"id":"2","name":"flex",` +
				`"subject":{"error":{"code":"InternalServerError","message":"subject[Nullable=False] has a null value"}}`},
			answer{status: 200, body: `{"value":[{"id":"2","name":"flex",` +
				`"issuer":"https://token.actions.githubusercontent.com","subject":null,"audiences":["a"],"claimsMatchingExpression":{"value":"claims['sub'] matches 'x'","languageVersion":1}}]}`})
		require.NoError(t, err)
		require.Len(t, all, 1)
		assert.Equal(t, "flex", all[0].Name)
		assert.Empty(t, all[0].Subject)
		assert.Equal(t, &graph.ClaimsMatchingExpression{Value: "claims['sub'] matches 'x'", LanguageVersion: 1},
			all[0].ClaimsMatchingExpression)
		assert.Equal(t, "https://graph.microsoft.com/beta/"+credentialsPath, s.got[1].url)
	})
	t.Run("beta broken too", func(t *testing.T) {
		_, s, err := listCredentials(t, answer{status: 200, body: `{"value":[`})
		require.Error(t, err)
		assert.Len(t, s.got, 2)
	})
	t.Run("application gone", func(t *testing.T) {
		_, s, err := listCredentials(t, answer{status: 404, body: errorJSON("Request_ResourceNotFound", "m")})
		assert.True(t, graph.IsNotFound(err))
		assert.Len(t, s.got, 1)
	})
}

type brokenTransport struct{ err error }

func (b brokenTransport) Do(*http.Request) (*http.Response, error) { return nil, b.err }

type noToken struct{ err error }

func (n noToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, n.err
}

func TestNoAnswer(t *testing.T) {
	cause := errors.New("the cause")
	for name, c := range map[string]struct {
		cred      azcore.TokenCredential
		transport policy.Transporter
	}{
		"connection refused": {credential{}, brokenTransport{cause}},
		"no token":           {noToken{cause}, brokenTransport{errors.New("not reached")}},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := graph.New(c.cred, &graph.Options{ClientOptions: azcore.ClientOptions{
				Transport: c.transport, Retry: policy.RetryOptions{MaxRetries: -1},
			}})
			require.NoError(t, err)
			_, err = client.DeleteApplication(t.Context(), objectID)
			require.ErrorIs(t, err, cause)
			var answered *graph.Error
			assert.NotErrorAs(t, err, &answered)
		})
	}
}

// TestAPurgeIsSentOnce: whoever repeats it must know that an answer was lost, as 404 is then the purge's own doing.
// Any other deletion is repeated by the pipeline.
func TestAPurgeIsSentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := newClient(t, answer{status: 503}, answer{status: 404})
		_, err := c.PurgeDeletedItem(t.Context(), objectID)
		var refused *graph.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 503, refused.StatusCode)
		assert.Len(t, s.got, 1)

		c, s = newClient(t, answer{status: 503}, answer{status: 404, body: errorJSON("Request_ResourceNotFound", "m")})
		_, err = c.DeleteApplication(t.Context(), objectID)
		assert.True(t, graph.IsNotFound(err), "%v", err)
		assert.Len(t, s.got, 2)
	})
}
