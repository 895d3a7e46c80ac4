package functions

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// proxy answers every request in the service's place.
type proxy struct {
	status int
	header map[string]string
	body   string
}

func (p proxy) Do(r *http.Request) (*http.Response, error) {
	header := http.Header{}
	for name, value := range p.header {
		header.Set(name, value)
	}
	return &http.Response{StatusCode: p.status, Header: header, Body: io.NopCloser(strings.NewReader(p.body)),
		ContentLength: int64(len(p.body)), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
}

func (p proxy) RoundTrip(r *http.Request) (*http.Response, error) { return p.Do(r) }

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token-of-test", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// foreignAnswers are those that no service gives.
var foreignAnswers = map[string]proxy{
	"another's JSON": {404, map[string]string{"Content-Type": "application/json", "request-id": "p",
		"x-ms-request-id": "p"},
		`{"message":"no route"}`},
	"another's JSON, with an error": {403, map[string]string{"Content-Type": "application/json", "request-id": "p",
		"x-ms-request-id": "p"},
		`{"error":{"message":"no route"}}`},
	"another's JSON, as a success": {200, map[string]string{"Content-Type": "application/json"}, `{"status":"ok"}`},
	"no JSON, with ids of its own": {200, map[string]string{"request-id": "p", "x-ms-request-id": "p"}, "OK"},
	"a page that forbids":          {403, map[string]string{"Content-Type": "text/html"}, "<html>Blocked</html>"},
	"a page that forbids, with ids of its own": {403, map[string]string{"Content-Type": "text/html",
		"request-id": "p", "x-ms-request-id": "p"}, "<html>Blocked</html>"},
	"a proxy's own": {407, nil, ""},
	"not there":     {404, map[string]string{"Content-Type": "text/html"}, "<html>Not found</html>"},
	"a page":        {200, map[string]string{"Content-Type": "text/html"}, "<html>Sign in</html>"},
	"nothing":       {200, nil, ""},
}

// clientsAsked are the services, each asked by its client over HTTP that the proxy answers.
func clientsAsked(t *testing.T) map[string]func(context.Context, proxy) error {
	t.Helper()
	options := func(p proxy) azcore.ClientOptions {
		return azcore.ClientOptions{Transport: p, Retry: policy.RetryOptions{MaxRetries: -1}}
	}
	const account = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/acmedata"
	return map[string]func(context.Context, proxy) error{
		"graph": func(ctx context.Context, p proxy) error {
			client, err := graph.New(anyToken{}, &graph.Options{ClientOptions: options(p)})
			require.NoError(t, err)
			_, err = client.GetApplicationByUniqueName(ctx, "name")
			return err
		},
		"arm": func(ctx context.Context, p proxy) error {
			client, err := arm.New(anyToken{}, &arm.Options{ClientOptions: options(p)})
			require.NoError(t, err)
			_, err = client.GetStorageAccount(ctx, account)
			return err
		},
		"storage": func(ctx context.Context, p proxy) error {
			client, err := azure.BlobContainer("https://acmedata.blob.core.windows.net/images", anyToken{}, options(p))
			require.NoError(t, err)
			_, err = client.NewListBlobsFlatPager(nil).NextPage(ctx)
			return err
		},
		"entra": func(ctx context.Context, p proxy) error {
			cred, err := entra.NewExchanger(options(p)).Credential("11111111-1111-4111-8111-111111111111",
				"77777777-7777-4777-8777-777777777777", secret.New("e30.e30.e30"))
			require.NoError(t, err)
			_, err = cred.GetToken(ctx,
				policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
			return err
		},
		"ddoe": func(ctx context.Context, p proxy) error {
			client, err := ddoe.NewClient(ddoe.Options{URL: "https://gate.example/api/v1",
				Key:    secret.New("key-of-test"),
				Client: &http.Client{Transport: p}})
			require.NoError(t, err)
			_, err = client.GetDriver(ctx, "driver")
			return err
		},
	}
}

// TestAnswersThatAreNotTheServices state nothing of the integration, and nobody's right is missing for them.
func TestAnswersThatAreNotTheServices(t *testing.T) {
	t.Parallel()
	for service, ask := range clientsAsked(t) {
		for name, answer := range foreignAnswers {
			if service == "ddoe" && strings.HasPrefix(name, "another's JSON") {
				continue // the platform has neither ids nor codes: its JSON looks as anybody's
			}
			t.Run(service+" "+name, func(t *testing.T) {
				t.Parallel()
				want := diagnosis.CodeAnswerNotFromService
				if service == "ddoe" {
					want = diagnosis.CodeDDOEAnswerInvalid // it has no ids and no codes
				}
				err := ask(t.Context(), answer)
				require.Error(t, err)
				check := classify.Check("x", "network", "t", err, diagnosis.Context{Operation: "ddoe.driver.get"})
				assert.Equal(t, want, check.Code, err)
				assert.Equal(t, diagnosis.OutcomeUnknown, check.Status)
			})
		}
	}
}
