package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azblobblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func upload(t *testing.T, client *azblob.Client, name, content string) azblob.UploadBufferResponse {
	t.Helper()
	stored, err := client.UploadBuffer(t.Context(), "images", name, []byte(content), nil)
	require.NoError(t, err)
	return stored
}

func conditions(match, none string) *azblob.AccessConditions {
	c := &azblobblob.ModifiedAccessConditions{}
	if match != "" {
		c.IfMatch = to.Ptr(azcore.ETag(match))
	}
	if none != "" {
		c.IfNoneMatch = to.Ptr(azcore.ETag(none))
	}
	return &azblob.AccessConditions{ModifiedAccessConditions: c}
}

// TestRoundTrip writes, reads, lists and deletes as the access test does.
func TestRoundTrip(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
	const name = "a prefix/.ddoe-wif-probe/ümlaut & co"
	stored, err := client.UploadBuffer(t.Context(), "images", name, []byte("probe"), &azblob.UploadBufferOptions{
		Metadata:         map[string]*string{"purpose": to.Ptr("probe")},
		HTTPHeaders:      &azblobblob.HTTPHeaders{BlobContentType: to.Ptr("text/plain")},
		AccessConditions: conditions("", "*"),
	})
	require.NoError(t, err)

	read, err := client.DownloadStream(t.Context(), "images", name, nil)
	require.NoError(t, err)
	content, err := io.ReadAll(read.Body)
	require.NoError(t, err)
	assert.Equal(t, "probe", string(content))
	assert.Equal(t, *stored.ETag, *read.ETag)
	assert.Equal(t, "text/plain", *read.ContentType)
	assert.Equal(t, "probe", *read.Metadata["Purpose"])

	page, err := client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{Prefix: to.Ptr(name),
		Include: container.ListBlobsInclude{Metadata: true}}).NextPage(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Segment.BlobItems, 1)
	item := page.Segment.BlobItems[0]
	assert.Equal(t, name, *item.Name)
	assert.EqualValues(t, 5, *item.Properties.ContentLength)
	assert.Equal(t, strings.Trim(string(*stored.ETag), `"`), string(*item.Properties.ETag),
		"a listing shows ETags without quotes")
	assert.Equal(t, "probe", *item.Metadata["purpose"])

	_, err = client.DeleteBlob(t.Context(), "images", name,
		&azblob.DeleteBlobOptions{AccessConditions: conditions(string(*stored.ETag), "")})
	require.NoError(t, err)
	_, err = client.DownloadStream(t.Context(), "images", name, nil)
	fails(t, err, http.StatusNotFound, "BlobNotFound")
}

func TestRanges(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
	upload(t, client, "digits", "0123456789")
	for name, tc := range map[string]struct {
		offset, count int64
		want          string
	}{
		"whole":      {0, 0, "0123456789"},
		"middle":     {2, 3, "234"},
		"to the end": {7, 0, "789"},
		"beyond it":  {8, 100, "89"},
		"first byte": {0, 1, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := client.DownloadStream(t.Context(), "images", "digits", &azblob.DownloadStreamOptions{
				Range: azblob.HTTPRange{Offset: tc.offset, Count: tc.count}})
			require.NoError(t, err)
			content, err := io.ReadAll(read.Body)
			require.NoError(t, err)
			assert.Equal(t, tc.want, string(content))
		})
	}
	_, err := client.DownloadStream(t.Context(), "images", "digits",
		&azblob.DownloadStreamOptions{Range: azblob.HTTPRange{Offset: 10, Count: 1}})
	fails(t, err, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")

	buffer := make([]byte, 10)
	_, err = client.DownloadBuffer(t.Context(), "images", "digits", buffer, nil)
	require.NoError(t, err)
	assert.Equal(t, "0123456789", string(buffer))
}

// conditional is one operation on a blob of the container images, under conditions.
type conditional func(client *azblob.Client, name string, c *azblob.AccessConditions, t *testing.T) error

func putIf(client *azblob.Client, name string, c *azblob.AccessConditions, t *testing.T) error {
	_, err := client.UploadBuffer(t.Context(), "images", name, []byte("new"),
		&azblob.UploadBufferOptions{AccessConditions: c})
	return err
}

func getIf(client *azblob.Client, name string, c *azblob.AccessConditions, t *testing.T) error {
	_, err := client.DownloadStream(t.Context(), "images", name, &azblob.DownloadStreamOptions{AccessConditions: c})
	return err
}

func headIf(client *azblob.Client, name string, c *azblob.AccessConditions, t *testing.T) error {
	_, err := blobClient(client, name).GetProperties(t.Context(),
		&azblobblob.GetPropertiesOptions{AccessConditions: c})
	return err
}

func deleteIf(client *azblob.Client, name string, c *azblob.AccessConditions, t *testing.T) error {
	_, err := client.DeleteBlob(t.Context(), "images", name, &azblob.DeleteBlobOptions{AccessConditions: c})
	return err
}

// TestConditions has a row for each operation and condition, on a blob that exists and on one that does not.
func TestConditions(t *testing.T) {
	const present, absent, etag, stale = "present", "absent", "(its ETag)", `"0x8DOLD"`
	for name, tc := range map[string]struct {
		call        conditional
		blob        string
		match, none string
		status      int // 0: succeeds
		code        string
	}{
		"put, must be new, is":           {putIf, absent, "", "*", 0, ""},
		"put, must be new, is not":       {putIf, present, "", "*", 409, "BlobAlreadyExists"},
		"put, must exist, does":          {putIf, present, "*", "", 0, ""},
		"put, must exist, does not":      {putIf, absent, "*", "", 412, "ConditionNotMet"},
		"put over the one that was read": {putIf, present, etag, "", 0, ""},
		"put over a changed one":         {putIf, present, stale, "", 412, "ConditionNotMet"},
		"put over a deleted one":         {putIf, absent, stale, "", 412, "ConditionNotMet"},
		"put unless it is this one":      {putIf, present, "", etag, 412, "ConditionNotMet"},
		"put unless it is another":       {putIf, present, "", stale, 0, ""},
		"get unless known, changed":      {getIf, present, "", stale, 0, ""},
		"get this one":                   {getIf, present, etag, "", 0, ""},
		"get a changed one":              {getIf, present, stale, "", 412, "ConditionNotMet"},
		"get an absent one by ETag":      {getIf, absent, stale, "", 404, "BlobNotFound"},
		"head a changed one":             {headIf, present, stale, "", 412, "ConditionNotMet"},
		"head an absent one":             {headIf, absent, "", "", 404, "BlobNotFound"},
		"delete this one":                {deleteIf, present, etag, "", 0, ""},
		"delete a changed one":           {deleteIf, present, stale, "", 412, "ConditionNotMet"},
		"delete an absent one":           {deleteIf, absent, "", "", 404, "BlobNotFound"},
		"delete an absent one by ETag":   {deleteIf, absent, stale, "", 404, "BlobNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
			stored := upload(t, client, present, "old")
			resolve := func(value string) string {
				if value == etag {
					return string(*stored.ETag)
				}
				return value
			}
			err := tc.call(client, tc.blob, conditions(resolve(tc.match), resolve(tc.none)), t)
			if tc.status == 0 {
				require.NoError(t, err)
				return
			}
			fails(t, err, tc.status, tc.code)
		})
	}
}

// TestUnchangedIsNoError: azblob hands a 304 to its caller as a success, with an ErrorCode and without a body.
func TestUnchangedIsNoError(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
	stored := upload(t, client, "b", "content")
	read, err := client.DownloadStream(t.Context(), "images", "b",
		&azblob.DownloadStreamOptions{AccessConditions: conditions("", string(*stored.ETag))})
	require.NoError(t, err)
	assert.Equal(t, "ConditionNotMet", *read.ErrorCode)
	assert.Nil(t, read.Body)
}

func blobClient(client *azblob.Client, name string) *azblobblob.Client {
	return client.ServiceClient().NewContainerClient("images").NewBlobClient(name)
}

// TestOneWriterWins: of 32 at once with the same condition exactly one succeeds, and its content is what stays.
func TestOneWriterWins(t *testing.T) {
	for name, tc := range map[string]struct {
		exists  bool
		refusal string
	}{
		"replacing what was read": {true, "ConditionNotMet"},
		"creating":                {false, "BlobAlreadyExists"},
	} {
		t.Run(name, func(t *testing.T) {
			client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
			condition := conditions("", "*")
			if tc.exists {
				condition = conditions(string(*upload(t, client, "contended", "0").ETag), "")
			}
			var wins atomic.Int32
			var winner atomic.Value
			var wait sync.WaitGroup
			for n := range 32 {
				wait.Go(func() {
					content := fmt.Sprintf("writer %d", n)
					_, err := client.UploadBuffer(t.Context(), "images", "contended", []byte(content),
						&azblob.UploadBufferOptions{AccessConditions: condition})
					if err == nil {
						wins.Add(1)
						winner.Store(content)
						return
					}
					var failed *azcore.ResponseError
					if assert.True(t, errors.As(err, &failed)) {
						assert.Equal(t, tc.refusal, failed.ErrorCode)
					}
				})
			}
			wait.Wait()
			require.EqualValues(t, 1, wins.Load())
			read, err := client.DownloadStream(t.Context(), "images", "contended", nil)
			require.NoError(t, err)
			content, err := io.ReadAll(read.Body)
			require.NoError(t, err)
			assert.Equal(t, winner.Load(), string(content))
		})
	}
}

func TestListing(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
	var want []string
	for n := range 7 {
		name := fmt.Sprintf("list/%02d&<>", n)
		upload(t, client, name, "x")
		want = append(want, name)
	}
	upload(t, client, "other", "x")

	for size, pages := range map[int32]int{1: 7, 3: 3, 6: 2, 7: 1, 8: 1, 9000: 1} {
		var got []string
		seen := 0
		pager := client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{Prefix: to.Ptr("list/"),
			MaxResults: to.Ptr(size)})
		for pager.More() {
			page, err := pager.NextPage(t.Context())
			require.NoError(t, err)
			seen++
			for _, item := range page.Segment.BlobItems {
				got = append(got, *item.Name)
			}
		}
		assert.Equal(t, want, got)
		assert.Equal(t, pages, seen, "pages of %d", size)
	}

	page, err := client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{Prefix: to.Ptr("nothing")}).
		NextPage(t.Context())
	require.NoError(t, err)
	assert.Empty(t, page.Segment.BlobItems)

	_, err = client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{MaxResults: to.Ptr(int32(0))}).
		NextPage(t.Context())
	fails(t, err, http.StatusBadRequest, "OutOfRangeQueryParameterValue")
	_, err = client.NewListBlobsFlatPager("images", &azblob.ListBlobsFlatOptions{Marker: to.Ptr("*")}).NextPage(
		t.Context())
	fails(t, err, http.StatusBadRequest, "InvalidQueryParameterValue")
}

func TestMetadata(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataContributor)
	before := upload(t, client, "tagged", "content")
	_, err := blobClient(client, "tagged").SetMetadata(t.Context(), map[string]*string{"run": to.Ptr("7")}, nil)
	require.NoError(t, err)
	after, err := blobClient(client, "tagged").GetProperties(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "7", *after.Metadata["Run"])
	assert.EqualValues(t, len("content"), *after.ContentLength)
	assert.NotEqual(t, *before.ETag, *after.ETag)
	_, err = blobClient(client, "absent").SetMetadata(t.Context(), nil, nil)
	fails(t, err, http.StatusNotFound, "BlobNotFound")
}

func TestContainers(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataContributor, world.DataAccountID)
	client := f.client(t, world.DataAccount, f.tokenOf(principal, "https://storage.azure.com"))

	_, err := client.CreateContainer(t.Context(), "fresh", nil)
	require.NoError(t, err)
	_, err = client.CreateContainer(t.Context(), "fresh", nil)
	fails(t, err, http.StatusConflict, "ContainerAlreadyExists")
	_, err = client.DeleteContainer(t.Context(), "fresh", nil)
	require.NoError(t, err)
	_, err = client.DeleteContainer(t.Context(), "fresh", nil)
	fails(t, err, http.StatusNotFound, "ContainerNotFound")
	for _, name := range []string{"ab", "Upper", "a--b", strings.Repeat("a", 64)} {
		_, err = client.CreateContainer(t.Context(), name, nil)
		fails(t, err, http.StatusBadRequest, "InvalidResourceName")
	}

	for name, immutable := range map[string]bool{"images": false, "archive": true} {
		properties, err := client.ServiceClient().NewContainerClient(name).GetProperties(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, immutable, *properties.HasImmutabilityPolicy)
		assert.False(t, *properties.HasLegalHold)
		assert.False(t, *properties.IsImmutableStorageWithVersioningEnabled)
	}
}

// TestImmutable: a new blob may be written, but nothing can be taken back.
func TestImmutable(t *testing.T) {
	f := newFixture(t)
	principal := f.principal(t, rbac.RoleBlobDataOwner, world.DataAccountID)
	client := f.client(t, world.DataAccount, f.tokenOf(principal, "https://storage.azure.com"))
	_, err := client.UploadBuffer(t.Context(), "archive", "kept", []byte("1"), nil)
	require.NoError(t, err)
	_, err = client.UploadBuffer(t.Context(), "archive", "kept", []byte("2"), nil)
	fails(t, err, http.StatusConflict, "BlobImmutableDueToPolicy")
	_, err = client.UploadBuffer(t.Context(), "archive", "kept", []byte("2"),
		&azblob.UploadBufferOptions{AccessConditions: conditions(`"0x8DOLD"`, "")})
	fails(t, err, http.StatusPreconditionFailed, "ConditionNotMet")
	_, err = client.DeleteBlob(t.Context(), "archive", "kept", nil)
	fails(t, err, http.StatusConflict, "BlobImmutableDueToPolicy")
	_, err = client.DeleteContainer(t.Context(), "archive", nil)
	fails(t, err, http.StatusConflict, "BlobImmutableDueToPolicy")
	read, err := client.DownloadStream(t.Context(), "archive", "kept", nil)
	require.NoError(t, err)
	content, err := io.ReadAll(read.Body)
	require.NoError(t, err)
	assert.Equal(t, "1", string(content))
}

// TestNotImplementedIsNoSuccess: what the sandbox lacks must be seen, not silently left out.
func TestNotImplementedIsNoSuccess(t *testing.T) {
	client := newFixture(t).as(t, rbac.RoleBlobDataOwner)
	_, err := client.ServiceClient().NewContainerClient("images").NewBlockBlobClient("b").StageBlock(t.Context(),
		"MDA=", nopCloser{bytes.NewReader([]byte("x"))}, &blockblob.StageBlockOptions{})
	fails(t, err, http.StatusNotImplemented, "NotImplemented")
	_, err = client.ServiceClient().NewContainerClient("images").NewListBlobsHierarchyPager("/", nil).NextPage(
		t.Context())
	fails(t, err, http.StatusNotImplemented, "NotImplemented")
	_, err = client.ServiceClient().NewContainerClient("images").NewAppendBlobClient("b").Create(t.Context(), nil)
	fails(t, err, http.StatusNotImplemented, "NotImplemented")
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func TestHasAccount(t *testing.T) {
	f := newFixture(t)
	for host, want := range map[string]bool{
		"acmedata.blob.core.windows.net":     true,
		"ACMEDATA.blob.core.windows.net:443": true,
		"nobody.blob.core.windows.net":       false,
		"acmedata.dfs.core.windows.net":      false,
		"blob.core.windows.net":              false,
		"":                                   false,
	} {
		assert.Equal(t, want, f.service.HasAccount(host), host)
	}
	recorder := httptest.NewRecorder()
	f.service.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://nobody.blob.core.windows.net/c/b", nil))
	assert.Equal(t, http.StatusBadGateway, recorder.Code)
}
