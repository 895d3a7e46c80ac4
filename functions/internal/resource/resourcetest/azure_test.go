package resourcetest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	sandboxarm "github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	sandboxgraph "github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // thousands of small worlds: most of the heap is dead, and looking at it often takes time
	goleak.VerifyTestMain(m)
}

const (
	id       = "my-service"
	instance = "0123abcd"
	subject  = "system:serviceaccount:dataloop:my-service"
	another  = "system:serviceaccount:dataloop:another"
	third    = "system:serviceaccount:dataloop:third"

	objectID    = "aaaaaaaa-0000-4000-8000-000000000001"
	clientID    = "aaaaaaaa-0000-4000-8000-000000000002"
	principalID = "aaaaaaaa-0000-4000-8000-000000000003"
)

// azure is a seeded world behind the wire, with the product's clients.
type azure struct {
	*world.World
	graph    *graph.Client
	arm      *arm.Client
	requests policy.Requests
	// theirs are the ids of objects that somebody else has made.
	theirs map[string]bool
	// isLocked is true where storage lets nobody in.
	isLocked bool
}

type token struct{}

func (token) GetToken(context.Context, azpolicy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

// isApp lets every request pass as the app's own identity: tokens are not what is tested here.
func isApp(*http.Request) (string, error) { return world.AppPrincipalID, nil }

func newAzure(t testing.TB, w *resourcetest.Wire) *azure {
	a := &azure{World: world.New(w.Now), requests: policy.Requests{Sleep: w.Sleep, Now: w.Now},
		theirs: map[string]bool{}}
	world.Seed(a.World)
	w.Hosts["graph.microsoft.com"] = sandboxgraph.New(a.World, isApp, w.InBatch)
	w.Hosts["management.azure.com"] = sandboxarm.New(a.World, isApp)
	options := azcore.ClientOptions{Transport: w, Retry: azpolicy.RetryOptions{MaxRetries: -1}}
	var err error
	a.graph, err = graph.New(token{}, &graph.Options{ClientOptions: options})
	require.NoError(t, err)
	a.arm, err = arm.New(token{}, &arm.Options{ClientOptions: options})
	require.NoError(t, err)
	return a
}

// document is an integration of which nothing is made.
func document(subjects ...string) integration.Document {
	return integration.Document{ID: id, Spec: integration.Spec{DisplayName: "My service", TenantID: world.TenantID,
		Issuer:   world.Issuer,
		Audience: "api://AzureADTokenExchange", Subjects: subjects,
		Storage: []integration.StorageAccess{{ResourceID: world.DataAccountID, Container: "images",
			Access: integration.AccessReadWrite}}}}
}

// identified is a document whose identity is in place.
func (a *azure) identified(t testing.TB, d integration.Document) integration.Document {
	_, err := a.CreateApplication(world.Application{ID: objectID, AppID: clientID, UniqueName: "ddoe-wif-" + instance +
		"-" + id, DisplayName: "My service"}, world.AppPrincipalID)
	require.NoError(t, err)
	_, err = a.CreateServicePrincipal(world.ServicePrincipal{ID: principalID, AppID: clientID, AccountEnabled: true},
		world.AppPrincipalID)
	require.NoError(t, err)
	d.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
	d.Status.ClientID, d.Status.ServicePrincipalID = clientID, principalID
	return d
}

// object shows an object: ours without what differs from world to world, which strip takes out; somebody else's as it
// is.
func object[T any](key string, isOurs bool, o T, strip func(*T)) resourcetest.Object {
	if isOurs {
		strip(&o)
	}
	state, err := json.Marshal(o)
	if err != nil {
		panic(err) // the world's objects are JSON
	}
	return resourcetest.Object{Key: key, IsOurs: isOurs, State: string(state)}
}
