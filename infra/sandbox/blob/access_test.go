package blob_test

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// attempts are the operations of an access test, each on a container and a blob name.
func attempts() map[string]func(ctx context.Context, client *azblob.Client, container, name string) error {
	return map[string]func(ctx context.Context, client *azblob.Client, container, name string) error{
		"list": func(ctx context.Context, client *azblob.Client, container, _ string) error {
			_, err := client.NewListBlobsFlatPager(container, nil).NextPage(ctx)
			return err
		},
		"read": func(ctx context.Context, client *azblob.Client, container, name string) error {
			_, err := client.DownloadStream(ctx, container, name, nil)
			return err
		},
		"write": func(ctx context.Context, client *azblob.Client, container, name string) error {
			_, err := client.UploadBuffer(ctx, container, name, []byte("x"), nil)
			return err
		},
		"delete": func(ctx context.Context, client *azblob.Client, container, name string) error {
			_, err := client.DeleteBlob(ctx, container, name, nil)
			return err
		},
		"properties": func(ctx context.Context, client *azblob.Client, container, _ string) error {
			_, err := client.ServiceClient().NewContainerClient(container).GetProperties(ctx, nil)
			return err
		},
	}
}

// TestRoles holds the table of roles: what each may do in the container that it is given for.
func TestRoles(t *testing.T) {
	for name, tc := range map[string]struct{ role, scope, may string }{
		"no role": {"", "", ""},
		"reader on the container": {rbac.RoleBlobDataReader, containerID(world.DataAccountID, "images"),
			"list read properties"},
		"contributor on the container": {rbac.RoleBlobDataContributor, containerID(world.DataAccountID, "images"),
			"list read write delete properties"},
		"owner on the account": {rbac.RoleBlobDataOwner, world.DataAccountID,
			"list read write delete properties"},
		"reader on the subscription": {rbac.RoleBlobDataReader, "/subscriptions/" + world.SubscriptionID,
			"list read properties"},
		"reader on another container": {rbac.RoleBlobDataReader, containerID(world.DataAccountID, "archive"), ""},
		"reader on another account":   {rbac.RoleBlobDataReader, world.LockedAccountID, ""},
		"delegator":                   {rbac.RoleBlobDelegator, world.DataAccountID, ""},
		"management role Contributor": {rbac.RoleContributor, world.DataAccountID, "properties"},
		"management role Owner":       {rbac.RoleOwner, world.DataAccountID, "properties"},
	} {
		for attempt, try := range attempts() {
			t.Run(name+"/"+attempt, func(t *testing.T) {
				f := newFixture(t)
				_, err := f.world.WriteBlob(world.DataAccount, "images", world.Blob{Name: "b", Content: []byte("x")})
				require.NoError(t, err)
				client := f.client(t, world.DataAccount, f.tokenOf(f.principal(t, tc.role, tc.scope),
					entra.ResourceStorage))
				err = try(t.Context(), client, "images", "b")
				if strings.Contains(tc.may, attempt) {
					require.NoError(t, err)
					return
				}
				fails(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
			})
		}
	}
}

// TestForbiddenBeforeNotFound: who may not, does not learn what exists; who may, does.
func TestForbiddenBeforeNotFound(t *testing.T) {
	f := newFixture(t)
	stranger := f.client(t, world.DataAccount, f.tokenOf(f.principal(t, "", ""), entra.ResourceStorage))
	owner := f.client(t, world.DataAccount, f.tokenOf(f.principal(t, rbac.RoleBlobDataOwner, world.DataAccountID),
		entra.ResourceStorage))
	for attempt, try := range attempts() {
		t.Run(attempt, func(t *testing.T) {
			fails(t, try(t.Context(), stranger, "nowhere", "nothing"), http.StatusForbidden,
				"AuthorizationPermissionMismatch")
			fails(t, try(t.Context(), owner, "nowhere", "nothing"), http.StatusNotFound, "ContainerNotFound")
		})
	}
}

// TestPermissionOracle: on a name that was never used, the answer tells whether the operation would be allowed, and
// nothing is left behind.
func TestPermissionOracle(t *testing.T) {
	for name, tc := range map[string]struct {
		role               string
		read, write, erase int
	}{
		"contributor": {rbac.RoleBlobDataContributor, http.StatusNotFound, http.StatusPreconditionFailed,
			http.StatusNotFound},
		"reader": {rbac.RoleBlobDataReader, http.StatusNotFound, http.StatusForbidden, http.StatusForbidden},
		"nobody": {rbac.RoleBlobDelegator, http.StatusForbidden, http.StatusForbidden, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			client := f.as(t, tc.role)
			status := func(err error) int {
				var failed *azcore.ResponseError
				require.ErrorAs(t, err, &failed)
				return failed.StatusCode
			}
			_, err := blobClient(client, "never-used").GetProperties(t.Context(), nil)
			assert.Equal(t, tc.read, status(err))
			_, err = client.UploadBuffer(t.Context(), "images", "never-used", nil,
				&azblob.UploadBufferOptions{AccessConditions: conditions("*", "")})
			assert.Equal(t, tc.write, status(err))
			_, err = client.DeleteBlob(t.Context(), "images", "never-used", nil)
			assert.Equal(t, tc.erase, status(err))
			left, err := f.world.Blobs(world.DataAccount, "images", "")
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestConditionsAreHeeded: a condition on the role assignment decides by path, prefix and tags, before anybody learns
// whether the blob is there.
func TestConditionsAreHeeded(t *testing.T) {
	t.Parallel()
	const containersProvider = "Microsoft.Storage/storageAccounts/blobServices/containers"
	const blobs = containersProvider + "/blobs"
	for name, tc := range map[string]struct {
		condition        string
		in, out, isThere bool // write to in/ and out/, read a blob with a tag
		list             bool // of in/
	}{
		"none":    {"", true, true, true, true},
		"by path": {"@Resource[" + blobs + ":path] StringLike 'in/*'", true, false, true, false},
		"by name": {"@Resource[" + containersProvider + ":name] StringEquals 'images'", true, true, true, true},
		"by another": {"@Resource[" + containersProvider + ":name] StringEquals 'archive'", false, false,
			false, false},
		"by tag": {"@Resource[" + blobs + "/tags:Project<$key_case_sensitive$>] StringEquals 'Cascade'", false, false,
			true, false},
		"by prefix": {"!(ActionMatches{'" + blobs + "/read'} AND SubOperationMatches{'Blob.List'}) " +
			"OR @Request[" + blobs +
			":prefix] StringStartsWith 'in/'", true, true, true, true},
		"not understood": {"Exists @Resource[" + blobs + ":path]", false, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			principal := f.principal(t, "", "")
			_, _, err := f.world.PutRoleAssignment(rbac.RoleAssignment{Name: uuid.NewString(),
				Scope: containerID(world.DataAccountID, "images"), PrincipalID: principal.ID,
				PrincipalType: "ServicePrincipal", Condition: tc.condition, ConditionVersion: "2.0",
				RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleBlobDataContributor)})
			require.NoError(t, err)
			_, err = f.world.WriteBlob(world.DataAccount, "images", world.Blob{Name: "in/tagged",
				Tags: map[string]string{"Project": "Cascade"}})
			require.NoError(t, err)
			client := f.client(t, world.DataAccount, f.tokenOf(principal, entra.ResourceStorage))
			isAllowed := func(err error) bool {
				var failed *azcore.ResponseError
				if err != nil {
					require.ErrorAs(t, err, &failed)
				}
				return failed == nil || failed.StatusCode != http.StatusForbidden
			}
			write := func(name string) error {
				_, err := client.UploadBuffer(t.Context(), "images", name, nil, nil)
				return err
			}
			assert.Equal(t, tc.in, isAllowed(write("in/a")), "in/a")
			assert.Equal(t, tc.out, isAllowed(write("out/a")), "out/a")
			_, err = blobClient(client, "in/tagged").GetProperties(t.Context(), nil)
			assert.Equal(t, tc.isThere, isAllowed(err), "in/tagged")
			_, err = client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{
				Prefix: new("in/")}).NextPage(t.Context())
			assert.Equal(t, tc.list, isAllowed(err), "list of in/")
		})
	}
}

// TestFirewallComesFirst: a closed account refuses a stranger, a bad token and its owner alike.
func TestFirewallComesFirst(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataOwner, world.LockedAccountID)
	for name, credential := range map[string]token{
		"owner":     f.tokenOf(principal, entra.ResourceStorage),
		"bad token": func() (string, time.Time, error) { return "garbage", time.Now().Add(time.Hour), nil },
	} {
		t.Run(name, func(t *testing.T) {
			for _, try := range attempts() {
				fails(t, try(t.Context(), f.client(t, world.LockedAccount, credential), "images", "b"),
					http.StatusForbidden, "AuthorizationFailure")
			}
		})
	}
}

// tokenCase is a request's credential, and the answer to it.
type tokenCase struct {
	authorization string
	query         string
	status        int
	code, detail  string
}

// check asks for a container with the credential.
func (c tokenCase) check(t *testing.T, service http.Handler, method string) {
	t.Helper()
	request := httptest.NewRequest(method,
		"https://acmedata.blob.core.windows.net/images?restype=container"+c.query, nil)
	request.Header.Set("x-ms-version", blob.NewestVersion)
	request.Header.Set("x-ms-client-request-id", "mine")
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	recorder := httptest.NewRecorder()
	service.ServeHTTP(recorder, request)
	require.Equal(t, c.status, recorder.Code)
	assert.Equal(t, c.code, recorder.Header().Get("x-ms-error-code"))
	assert.Equal(t, blob.NewestVersion, recorder.Header().Get("x-ms-version"))
	assert.Equal(t, "mine", recorder.Header().Get("x-ms-client-request-id"))
	assert.NotEmpty(t, recorder.Header().Get("x-ms-request-id"))
	if c.status == http.StatusUnauthorized {
		assertChallenge(t, recorder)
	}
	if method == http.MethodHead {
		assert.Empty(t, recorder.Body.String())
		return
	}
	if c.code != "" {
		assertErrorBody(t, recorder, c.code, c.detail)
	}
}

// TestTokens has a row for each way in which a token can be wrong.
func TestTokens(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataReader, world.DataAccountID)
	issue := func(resource string, opts ...entra.IssueOption) string {
		compact, _, err := f.authority.Issue(principal.ID, resource, opts...)
		require.NoError(t, err)
		return "Bearer " + compact
	}
	forged := issue(entra.ResourceStorage)
	forged = forged[:strings.LastIndex(forged, ".")+1]
	for name, tc := range map[string]tokenCase{
		"good":                 {issue(entra.ResourceStorage), "", 200, "", ""},
		"good, trailing slash": {issue(entra.ResourceStorage + "/"), "", 200, "", ""},
		"for this account":     {issue("https://acmedata.blob.core.windows.net"), "", 200, "", ""},
		"for another account": {issue("https://acmelocked.blob.core.windows.net"), "", 401,
			"InvalidAuthenticationInfo", "Audience validation failed. Audience did not match."},
		"for another resource": {issue(entra.ResourceGraph), "", 401, "InvalidAuthenticationInfo",
			"Audience validation failed. Audience did not match."},
		"of another tenant": {issue(entra.ResourceStorage, entra.WithTenant("77777777-7777-4777-8777-777777777777")),
			"", 401, "InvalidAuthenticationInfo", "Issuer validation failed. Issuer did not match."},
		"expired": {issue(entra.ResourceStorage, entra.WithLifetime(-time.Minute)), "", 401,
			"InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."},
		"signature stripped": {forged, "", 401, "InvalidAuthenticationInfo", "Signature validation failed."},
		"garbage":            {"Bearer garbage", "", 401, "InvalidAuthenticationInfo", "Unable to parse the token."},
		"empty bearer":       {"Bearer", "", 401, "NoAuthenticationInformation", ""},
		"no header":          {"", "", 401, "NoAuthenticationInformation", ""},
		"other scheme":       {"Basic YTpi", "", 400, "InvalidAuthenticationInfo", ""},
		"account key":        {"SharedKey acmedata:c2ln", "", 403, "KeyBasedAuthenticationNotPermitted", ""},
		"shared access":      {"", "&sv=2021-08-06&sig=c2ln", 403, "KeyBasedAuthenticationNotPermitted", ""},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(name+"/"+method, func(t *testing.T) {
				tc.check(t, f.service, method)
			})
		}
	}
}

// assertChallenge: a 401 tells where tokens for Storage are issued.
func assertChallenge(t *testing.T, recorder *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, "Bearer authorization_uri=https://login.microsoftonline.com/"+world.TenantID+
		"/oauth2/authorize resource_id=https://storage.azure.com", recorder.Header().Get("WWW-Authenticate"))
}

func assertErrorBody(t *testing.T, recorder *httptest.ResponseRecorder, code, detail string) {
	t.Helper()
	var body struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
		Detail  string   `xml:"AuthenticationErrorDetail"`
	}
	require.NoError(t, xml.Unmarshal([]byte(strings.TrimPrefix(recorder.Body.String(), "\ufeff")), &body))
	assert.Equal(t, code, body.Code)
	assert.Equal(t, detail, body.Detail)
	assert.Contains(t, body.Message, "\nRequestId:"+recorder.Header().Get("x-ms-request-id")+"\nTime:")
}

// TestRoleTakesTime: a new assignment has no effect until Timing.RBACMS have passed.
func TestRoleTakesTime(t *testing.T) {
	f := newFixture(t)
	f.world.SetTiming(world.Timing{RBACMS: 3_600_000})
	client := f.as(t, rbac.RoleBlobDataReader)
	_, err := client.NewListBlobsFlatPager("images", nil).NextPage(t.Context())
	fails(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	f.world.SetTiming(world.Timing{})
	_, err = client.NewListBlobsFlatPager("images", nil).NextPage(t.Context())
	require.NoError(t, err)
}

// TestFederatedIdentityReachesTheBlob goes the whole way: the platform's token, exchanged by the SDK, opens a
// container that its application has a role on, and stops opening it when the assignment is gone.
func TestFederatedIdentityReachesTheBlob(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataContributor, containerID(world.DataAccountID, "images"))
	app, ok := f.world.ApplicationByAppID(principal.AppID)
	require.True(t, ok)
	_, err := f.world.CreateFederatedCredential(world.FederatedIdentityCredential{ApplicationID: app.ID, Name: "trust",
		Issuer: world.Issuer, Subject: "system:serviceaccount:dataloop:a",
		Audiences: []string{entra.ResourceTokenExchange}})
	require.NoError(t, err)
	credential, err := azidentity.NewClientAssertionCredential(world.TenantID, app.AppID,
		func(context.Context) (string, error) {
			return f.issuer.Mint(platform.TokenRequest{Subject: "system:serviceaccount:dataloop:a"})
		}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: f.options()})
	require.NoError(t, err)
	client := f.client(t, world.DataAccount, credential)

	upload(t, client, "proof", "proved")
	read, err := client.DownloadStream(t.Context(), "images", "proof", nil)
	require.NoError(t, err)
	content, err := io.ReadAll(read.Body)
	require.NoError(t, err)
	assert.Equal(t, "proved", string(content))

	for _, assignment := range f.world.RoleAssignments() {
		if assignment.PrincipalID == principal.ID {
			_, err = f.world.DeleteRoleAssignment(assignment.ID)
			require.NoError(t, err)
		}
	}
	_, err = client.DownloadStream(t.Context(), "images", "proof", nil)
	fails(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
}

// TestAppReachesItsState: the seeded identity of the app may use the state container, and no customer's data.
func TestAppReachesItsState(t *testing.T) {
	f := newFixture(t)
	app, ok := f.world.ServicePrincipal(world.AppPrincipalID)
	require.True(t, ok)
	_, err := f.client(t, deployment.Example().State.Name, f.tokenOf(app, entra.ResourceStorage)).
		UploadBuffer(t.Context(), deployment.StateContainer, "integrations/a.json", []byte("{}"), nil)
	require.NoError(t, err)
	// Its right begins at the container, and that is enough to be told that it is there.
	_, err = f.client(t, deployment.Example().State.Name, f.tokenOf(app, entra.ResourceStorage)).CreateContainer(
		t.Context(), deployment.StateContainer, nil)
	fails(t, err, http.StatusConflict, "ContainerAlreadyExists")
	_, err = f.client(t, deployment.Example().State.Name, f.tokenOf(app, entra.ResourceStorage)).CreateContainer(
		t.Context(), "another", nil)
	fails(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err = f.client(t, world.DataAccount, f.tokenOf(app, entra.ResourceStorage)).NewListBlobsFlatPager("images",
		nil).NextPage(t.Context())
	fails(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
}
