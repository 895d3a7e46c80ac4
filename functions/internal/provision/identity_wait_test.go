package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const putManagedCredential = `^PUT .*/federatedIdentityCredentials/`

// TestTwentySubjectsTakeSeveralAttempts: an invocation that ends before the twentieth write parks the operation, which
// goes on where it was.
func TestTwentySubjectsTakeSeveralAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.world.SetLimits(world.Limits{ManagedIdentityRates: true})
		f.pause = func(ctx context.Context, d time.Duration) error {
			time.Sleep(d) // deadlines are by the bubble's clock
			return f.Sleep(ctx, d)
		}
		a, c := f.submit(of(integration.IdentityManaged, trusting(20, "service-00")))
		var made []int
		for n := 1; !f.Operation(c.OperationID).Status.IsFinal(); n++ {
			require.Less(t, n, 6, "it is parked for ever")
			if n > 1 {
				o := f.Operation(c.OperationID)
				require.NotNil(t, o.Waiting)
				assert.Equal(t, diagnosis.CodeManagedIdentityPaced, o.Waiting.Code)
				f.Advance(f.retryAt(c.OperationID, n-1).Sub(f.Now()))
				c = f.Command(fmt.Sprintf("%s-retry-%d", c.OperationID, n-1))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 63*time.Second)
			require.NoError(t, f.worker.Handle(ctx, c))
			cancel()
			made = append(made, len(f.world.UserAssignedIdentityCredentials(managedID)))
		}
		f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
		// The last twenty seconds are for parking the command: a write at once, and one each 4 s for 40 s.
		assert.Equal(t, []int{11, 20}, made, "made by each attempt and those before")
		assert.Len(t, f.Document().Status.FederatedCredentials, 20)
	})
}

// TestWhatPassesIsWaitedFor within one attempt: Azure's own answers to writes that meet, come too often or too early.
func TestWhatPassesIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]fault{
		"two writers": {match: at(putManagedCredential), times: 3, status: 409,
			code: "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"},
		"too often":          {match: at(putManagedCredential), times: 3, status: 429, code: "TooManyRequests"},
		"not replicated":     {match: at(putManagedCredential), times: 5, status: 404, code: "ParentResourceNotFound"},
		"not everywhere yet": {match: at(putManagedCredential), times: 5, status: 404, code: "NotFound"},
		"the identity, too often": {match: at(`^PUT .*/userAssignedIdentities/[^/]*$`), times: 3, status: 429,
			code: "TooManyRequests"},
		"the principal is not replicated": {match: at(`^PUT .*/roleAssignments/`), times: 3, status: 400,
			code: "PrincipalNotFound"},
		"a delete meets another": {match: at(`^DELETE .*/federatedIdentityCredentials/`), times: 3, status: 409,
			code: "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.fails(c)
			_, command := f.submit(of(integration.IdentityManaged, spec("images")))
			f.handle(command)
			f.RequireStatus(command.OperationID, integration.OperationSucceeded)
			require.Len(t, f.world.UserAssignedIdentityCredentials(managedID), 1)
			f.tearDown()
			assert.Empty(t, managed(f))
			assert.Greater(t, f.faults[0].done, c.times, "it has struck each time, and then no more")
			assert.GreaterOrEqual(t, f.Slept(), time.Second, "it was waited for")
		})
	}
}

// TestEachRefusalOfACredentialIsTold with Azure's own words: there is one code for all of them.
func TestEachRefusalOfACredentialIsTold(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]string{
		"audience":   "Federated identity credentials must have exactly one audience.",
		"properties": "Federated Identity Credential from HTTP body has empty properties.",
		"name":       "Federated Identity Credential name 'subject-1' is invalid.",
		"pair":       "Issuer and subject combination already exists for this Managed Identity.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.fails(fault{match: at(putManagedCredential), status: 400, code: "BadRequest", message: said})
			_, command := f.submit(of(integration.IdentityManaged, spec("images")))
			f.handle(command)
			o := f.RequireStatus(command.OperationID, integration.OperationFailed)
			assert.Equal(t, diagnosis.CodeManagedCredentialRefused, o.Error.Code)
			assert.Contains(t, o.Error.Detail, said)
		})
	}
}

// TestAPairThatIsTakenMeanwhile is Azure's refusal of a credential that somebody has made since the look: an equal one
// serves, under whatever name.
func TestAPairThatIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, command := f.submit(of(integration.IdentityManaged, spec("images")))
	management, once := f.hosts["management.azure.com"], sync.Once{}
	f.hosts["management.azure.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/federatedIdentityCredentials/") {
			once.Do(func() {
				_, _, err := f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{
					IdentityID: managedID, Name: "by-hand", Issuer: world.Issuer, Subject: subject,
					Audiences: []string{"api://AzureADTokenExchange"}})
				assert.NoError(t, err)
			})
		}
		management.ServeHTTP(w, r)
	})
	f.handle(command)
	o := f.RequireStatus(command.OperationID, integration.OperationSucceeded)
	assert.Contains(t, outcomes(o), "federatedCredential adopted")
}

// TestWhatIsBlockedTakesNoTime in a plan: a credential of somebody else is not written, one of our name is.
func TestWhatIsBlockedTakesNoTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	put := func(name, audience string) {
		_, _, err := f.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{
			IdentityID: managedID, Name: name, Issuer: world.Issuer, Subject: other, Audiences: []string{audience}})
		require.NoError(t, err)
	}
	s := spec("images")
	s.Subjects = []string{other}
	for name, want := range map[string]string{"by-hand": "",
		integration.CredentialName(other): "1 federatedCredential: about 4 s"} {
		put(name, "api://somewhere-else")
		p, err := f.service.Plan(t.Context(), provision.Submission{ID: id, Spec: s})
		require.NoError(t, err)
		assert.Equal(t, want, p.Takes, name)
		require.NoError(t, f.world.DeleteUserAssignedIdentityCredential(
			managedID+"/federatedIdentityCredentials/"+name))
	}
}
