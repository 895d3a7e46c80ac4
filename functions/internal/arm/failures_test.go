package arm_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
)

// TestErrors holds each error that ARM is known to answer a role assignment with.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
	}{
		{400, "PrincipalNotFound"}, {400, "UnmatchedPrincipalType"}, {409, "RoleAssignmentExists"},
		{400, "RoleAssignmentUpdateNotPermitted"}, {400, "HashConflictOnDifferentRoleAssignmentIds"},
		{400, "RoleDefinitionDoesNotExist"}, {400, "RoleAssignmentLimitExceeded"}, {403, "AuthorizationFailed"},
		{409, "ScopeLocked"}, {403, "LinkedAuthorizationFailed"}, {404, "ResourceNotFound"},
		{404, "SubscriptionNotFound"},
		{401, "InvalidAuthenticationToken"},
	} {
		t.Run(c.code, func(t *testing.T) {
			client, s := newClient(t, answer{status: c.status, body: errorJSON(c.code, "words with a name")})
			_, err := client.PutRoleAssignment(t.Context(), assignment())
			var got *arm.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, "put role assignment", got.Op)
			assert.Equal(t, c.status, got.HTTPStatus())
			assert.Equal(t, c.code, got.ErrorCode())
			assert.Equal(t, "words with a name", got.ServiceMessage())
			assert.Equal(t, "request-1", got.ServiceRequestID())
			assert.Equal(t, "arm", got.Service())
			assert.NotContains(t, err.Error(), "words", "Error() prints no body")
			assert.Equal(t, c.status == 404, arm.IsNotFound(err))
			var sdk *azcore.ResponseError
			require.ErrorAs(t, err, &sdk)
			assert.Len(t, s.got, 1, "a refusal is not repeated")
		})
	}
}

// TestThrottled: the write is sent again after the time that ARM asked for, whole, and under a new id.
func TestThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, s := newClient(t,
			answer{status: 429, header: map[string]string{"Retry-After": "11"},
				body: errorJSON("TooManyRequests", "m")},
			answer{status: 201, body: assignmentJSON})
		w, err := client.PutRoleAssignment(t.Context(), assignment())
		require.NoError(t, err)
		assert.Equal(t, arm.Write{Outcome: arm.OutcomeCreated, RequestID: "request-2"}, w)
		require.Len(t, s.got, 2)
		assert.Equal(t, 11*time.Second, s.got[1].at.Sub(s.got[0].at))
		assert.NotEmpty(t, s.got[0].body)
		assert.Equal(t, s.got[0].body, s.got[1].body)
		assert.NotEqual(t, s.got[0].clientRequestID, s.got[1].clientRequestID)
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	client, _ := newClient(t, answer{status: 429, header: map[string]string{"Retry-After": "600"},
		body: errorJSON("SubscriptionRequestsThrottled", "m")})
	_, err := client.PutRoleAssignment(t.Context(), assignment())
	var got *arm.Error
	require.ErrorAs(t, err, &got)
	assert.Equal(t, 10*time.Minute, got.RetryAfter())
}

// TestNoRegistration: ARM's answer to an unregistered provider must not make the SDK register it.
func TestNoRegistration(t *testing.T) {
	client, s := newClient(t, answer{status: 409, body: errorJSON("MissingSubscriptionRegistration", "m")})
	_, err := client.PutRoleAssignment(t.Context(), assignment())
	require.Error(t, err)
	assert.Len(t, s.got, 1)
}

func TestUndecodable(t *testing.T) {
	client, _ := newClient(t, answer{status: 200, body: "<html>"})
	_, err := client.GetStorageAccount(t.Context(), account)
	require.Error(t, err)
	_, err = client.GetRoleAssignment(t.Context(), assignmentID)
	require.Error(t, err)
}

type brokenTransport struct{ err error }

func (b brokenTransport) Do(*http.Request) (*http.Response, error) { return nil, b.err }

func TestNoAnswer(t *testing.T) {
	cause := errors.New("the cause")
	client, err := arm.New(credential{}, &arm.Options{ClientOptions: azcore.ClientOptions{
		Transport: brokenTransport{cause}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	require.NoError(t, err)
	_, err = client.DeleteRoleAssignment(t.Context(), assignmentID)
	require.ErrorIs(t, err, cause)
	var answered *arm.Error
	assert.NotErrorAs(t, err, &answered)
}
