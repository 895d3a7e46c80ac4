package arm_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// inProcess carries the SDK's requests to the handler.
type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

type appToken struct{}

func (appToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: world.AppPrincipalID, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// TestUnmodifiedSDK drives the handler by Microsoft's own client.
func TestUnmodifiedSDK(t *testing.T) {
	b := newBench(t)
	client, err := armauthorization.NewRoleAssignmentsClient(world.SubscriptionID, appToken{},
		&azarm.ClientOptions{ClientOptions: policy.ClientOptions{Transport: inProcess{b.handler}}})
	require.NoError(t, err)
	body := armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		PrincipalID: to.Ptr(b.principal), PrincipalType: to.Ptr(armauthorization.PrincipalTypeServicePrincipal),
		RoleDefinitionID: to.Ptr(rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleBlobDataReader)),
	}}
	created, err := client.Create(t.Context(), world.DataAccountID, one, body, nil)
	require.NoError(t, err)
	assert.Equal(t, rbac.RoleAssignmentID(world.DataAccountID, one), *created.ID)
	assert.Equal(t, b.at, created.Properties.CreatedOn.UTC())

	_, err = client.Create(t.Context(), world.DataAccountID, two, body, nil)
	var refused *azcore.ResponseError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "RoleAssignmentExists", refused.ErrorCode)

	pager := client.NewListForScopePager(world.DataAccountID,
		&armauthorization.RoleAssignmentsClientListForScopeOptions{
			Filter: to.Ptr("principalId eq '" + b.principal + "'")})
	page, err := pager.NextPage(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Value, 1)
	assert.Equal(t, world.DataAccountID, *page.Value[0].Properties.Scope)

	deleted, err := client.DeleteByID(t.Context(), *created.ID, nil)
	require.NoError(t, err)
	assert.Equal(t, one, *deleted.Name)
	_, err = client.DeleteByID(t.Context(), *created.ID, nil)
	require.NoError(t, err, "204 is no error")
}
