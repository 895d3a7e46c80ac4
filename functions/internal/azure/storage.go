package azure

import (
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
)

// StorageVersion is the service version that every request to Storage asks for. An account that does not know a
// version refuses it (400 InvalidHeaderValue, azure-sdk-for-net issue 45302), and azblob asks for the newest that
// it was built for, which may lie in the future. This one was deployed in all regions by July 2025
// (learn.microsoft.com, Versioning for Azure Storage). Nothing that the app asks for came later: block blobs,
// listing as XML, metadata, conditions and the immutability of containers are older (azblob's CHANGELOG names what
// each version brought).
const StorageVersion = "2025-05-05"

// headerVersion is as azblob spells it: the SDK writes past the canonical form of net/http.
const headerVersion = "x-ms-version"

// BlobService returns a client of a storage account's blob service. It sends nothing. Without a credential its
// requests are anonymous.
func BlobService(url string, cred azcore.TokenCredential, o azcore.ClientOptions) (*service.Client, error) {
	options := &service.ClientOptions{ClientOptions: pinned(o)}
	if cred == nil {
		return service.NewClientWithNoCredential(url, options)
	}
	return service.NewClient(url, cred, options)
}

// BlobContainer returns a client of a container, by its URL. It sends nothing. Without a credential its requests
// are anonymous.
func BlobContainer(url string, cred azcore.TokenCredential, o azcore.ClientOptions) (*container.Client, error) {
	options := &container.ClientOptions{ClientOptions: pinned(o)}
	if cred == nil {
		return container.NewClientWithNoCredential(url, options)
	}
	return container.NewClient(url, cred, options)
}

// pinned are the options with the policies that set the version, and that take Storage's answers alone.
func pinned(o azcore.ClientOptions) azcore.ClientOptions {
	o.PerCallPolicies = append(slices.Clone(o.PerCallPolicies), pinVersion{})
	o.PerRetryPolicies = append(slices.Clone(o.PerRetryPolicies), storage.OwnAnswers())
	return o
}

// pinVersion asks for StorageVersion instead of the version that azblob was built for.
type pinVersion struct{}

// Do implements policy.Policy.
func (pinVersion) Do(req *policy.Request) (*http.Response, error) {
	header := req.Raw().Header
	delete(header, headerVersion)
	header.Set(headerVersion, StorageVersion)
	return req.Next()
}
