package blob_test

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestListingContainersTakesARoleOnTheAccount: a role on one container shows none, a management role shows all.
func TestListingContainersTakesARoleOnTheAccount(t *testing.T) {
	for name, tc := range map[string]struct {
		account, role, scope string
		refusal              string
	}{
		"no role":               {world.DataAccount, "", "", "AuthorizationPermissionMismatch"},
		"reader on the account": {world.DataAccount, rbac.RoleBlobDataReader, world.DataAccountID, ""},
		"owner on the subscription": {world.DataAccount, rbac.RoleBlobDataOwner, "/subscriptions/" +
			world.SubscriptionID, ""},
		"management role Contributor": {world.DataAccount, rbac.RoleContributor, world.DataAccountID, ""},
		"delegator on the account": {world.DataAccount, rbac.RoleBlobDelegator, world.DataAccountID,
			"AuthorizationPermissionMismatch"},
		"contributor on a container": {world.DataAccount, rbac.RoleBlobDataContributor,
			containerID(world.DataAccountID, "images"), "AuthorizationPermissionMismatch"},
		"reader on another account": {world.DataAccount, rbac.RoleBlobDataReader, world.LockedAccountID,
			"AuthorizationPermissionMismatch"},
		"owner behind a firewall": {world.LockedAccount, rbac.RoleBlobDataOwner, world.LockedAccountID,
			"AuthorizationFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			client := f.client(t, tc.account, f.tokenOf(f.principal(t, tc.role, tc.scope), entra.ResourceStorage))
			page, err := client.NewListContainersPager(nil).NextPage(t.Context())
			if tc.refusal != "" {
				fails(t, err, http.StatusForbidden, tc.refusal)
				return
			}
			require.NoError(t, err)
			immutable := map[string]bool{}
			for _, c := range page.ContainerItems {
				immutable[*c.Name] = *c.Properties.HasImmutabilityPolicy
				assert.False(t, *c.Properties.HasLegalHold || *c.Properties.IsImmutableStorageWithVersioningEnabled)
				assert.NotEmpty(t, *c.Properties.ETag)
			}
			assert.Equal(t, map[string]bool{"archive": true, "images": false}, immutable)
		})
	}
}

func TestContainersArePaged(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"beta", "zeta", "$web"} {
		_, err := f.world.CreateContainer(world.DataAccount, name)
		require.NoError(t, err)
	}
	client := f.client(t, world.DataAccount, f.tokenOf(f.principal(t, rbac.RoleBlobDataReader, world.DataAccountID),
		entra.ResourceStorage))
	list := func(opts *azblob.ListContainersOptions) ([]string, int) {
		var names []string
		pages := 0
		for pager := client.NewListContainersPager(opts); pager.More(); pages++ {
			page, err := pager.NextPage(t.Context())
			require.NoError(t, err)
			for _, c := range page.ContainerItems {
				names = append(names, *c.Name)
			}
		}
		return names, pages
	}
	for size, pages := range map[int32]int{1: 5, 2: 3, 5: 1, 6000: 1} {
		names, seen := list(&azblob.ListContainersOptions{MaxResults: to.Ptr(size)})
		assert.Equal(t, []string{"$web", "archive", "beta", "images", "zeta"}, names)
		assert.Equal(t, pages, seen, "pages of %d", size)
	}
	names, _ := list(&azblob.ListContainersOptions{Prefix: to.Ptr("i")})
	assert.Equal(t, []string{"images"}, names)

	_, err := client.NewListContainersPager(&azblob.ListContainersOptions{Marker: to.Ptr("*")}).NextPage(t.Context())
	fails(t, err, http.StatusBadRequest, "InvalidQueryParameterValue")
	_, err = client.NewListContainersPager(&azblob.ListContainersOptions{MaxResults: to.Ptr(int32(0))}).NextPage(
		t.Context())
	fails(t, err, http.StatusBadRequest, "OutOfRangeQueryParameterValue")
	_, err = client.NewListContainersPager(
		&azblob.ListContainersOptions{Include: azblob.ListContainersInclude{Deleted: true}}).NextPage(t.Context())
	fails(t, err, http.StatusNotImplemented, "NotImplemented")
	_, err = client.ServiceClient().GetProperties(t.Context(), nil)
	fails(t, err, http.StatusNotImplemented, "NotImplemented")
}
