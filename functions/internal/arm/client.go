// Package arm is a client of Azure Resource Manager for what the product needs: role assignments, the caller's
// permissions at a scope, managed identities with their credentials, and a storage account's location and endpoint.
// Failures are *Error with ARM's code, status and request id. It decides nothing about retries beyond those of the
// azcore pipeline, and knows no rule of the domain.
package arm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

const (
	moduleName    = "ddoe-wif-arm"
	moduleVersion = "v1.0.0"

	versionStorage = "2023-05-01"
)

// The headers that tie a request to Microsoft's logs.
const (
	headerRequestID       = "x-ms-request-id"
	headerClientRequestID = "x-ms-client-request-id"
)

// own are ARM's answers: each provider sends the request id, ARM itself the correlation id. Source:
// azure-resource-manager-rpc, common-api-details.
var own = azure.Service{Name: "arm", RequestID: []string{headerRequestID, "x-ms-correlation-request-id"},
	IsRefusal: azure.HasErrorCode}

// Options are the options of New. The zero value is the public cloud; Cloud must have a Resource Manager entry
// otherwise, as azcore's own configurations do.
type Options struct {
	azcore.ClientOptions
}

// Client calls ARM as one identity. It is safe for concurrent use.
type Client struct {
	assignments *armauthorization.RoleAssignmentsClient
	resources   *azarm.Client // what the SDK has no fitting call for
}

// New returns a client that authenticates with cred. It sends nothing.
func New(cred azcore.TokenCredential, opts *Options) (*Client, error) {
	if cred == nil {
		return nil, errors.New("arm: credential missing")
	}
	if opts == nil {
		opts = &Options{}
	}
	clientOptions := &azarm.ClientOptions{
		ClientOptions: opts.ClientOptions,
		// Role assignments need no provider of ours, and registering one would be a right we do not ask for.
		DisableRPRegistration: true,
	}
	host, err := hostOf(opts.Cloud)
	if err != nil {
		return nil, err
	}
	clientOptions.PerCallPolicies = append(slices.Clone(opts.PerCallPolicies), azure.PinHost(host))
	clientOptions.PerRetryPolicies = append(slices.Clone(opts.PerRetryPolicies),
		azure.AttemptID(headerClientRequestID), own.OwnAnswers())
	// The subscription only matters to calls that list a subscription's assignments; ours carry full scopes.
	assignments, err := armauthorization.NewRoleAssignmentsClient("", cred, clientOptions)
	if err != nil {
		return nil, fmt.Errorf("arm: %w", err)
	}
	resources, err := azarm.NewClient(moduleName, moduleVersion, cred, clientOptions)
	if err != nil {
		return nil, fmt.Errorf("arm: %w", err)
	}
	return &Client{assignments: assignments, resources: resources}, nil
}

func hostOf(c cloud.Configuration) (string, error) {
	if c.ActiveDirectoryAuthorityHost == "" && len(c.Services) == 0 {
		c = cloud.AzurePublic
	}
	endpoint := c.Services[cloud.ResourceManager].Endpoint
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("arm: the cloud's Resource Manager endpoint %q is not an https URL", endpoint)
	}
	return u.Host, nil
}

// StorageAccount is a storage account, as far as it is read.
type StorageAccount struct {
	ID           string
	Name         string
	Location     string
	BlobEndpoint string // such as https://acct.blob.core.windows.net/
	// HierarchicalNamespace is true where the account is a Data Lake Storage Gen2.
	HierarchicalNamespace bool
	Network               Network
}

// Network is from where an account takes requests. Source:
// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties.
type Network struct {
	// IsPrivate is true where the account is reached by private endpoints alone.
	IsPrivate bool
	// IsRestricted is true where what no rule names is refused.
	IsRestricted bool
	// AddressRules and SubnetRules count the rules that let somebody in.
	AddressRules, SubnetRules int
}

// GetStorageAccount reads the storage account with that ARM id; *Error with status 404 if there is none.
func (c *Client) GetStorageAccount(ctx context.Context, resourceID string) (StorageAccount, error) {
	var body struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Location   string `json:"location"`
		Properties struct {
			IsHNSEnabled     bool `json:"isHnsEnabled"`
			PrimaryEndpoints struct {
				Blob string `json:"blob"`
			} `json:"primaryEndpoints"`
			PublicNetworkAccess string `json:"publicNetworkAccess"`
			NetworkACLs         struct {
				DefaultAction string     `json:"defaultAction"`
				IPRules       []struct{} `json:"ipRules"`
				SubnetRules   []struct{} `json:"virtualNetworkRules"`
			} `json:"networkAcls"`
		} `json:"properties"`
	}
	const op = "read storage account"
	target, err := c.target(resourceID, "", versionStorage)
	if err != nil {
		return StorageAccount{}, fmt.Errorf("arm: %s: %w", op, err)
	}
	resp, err := c.sendTo(ctx, op, http.MethodGet, target, nil, &body)
	if err != nil {
		return StorageAccount{}, err
	}
	if body.ID == "" {
		return StorageAccount{}, undecodable(op, resp, errIncomplete)
	}
	properties := body.Properties
	return StorageAccount{
		Network: Network{IsPrivate: properties.PublicNetworkAccess == "Disabled",
			IsRestricted: properties.NetworkACLs.DefaultAction == "Deny",
			AddressRules: len(properties.NetworkACLs.IPRules), SubnetRules: len(properties.NetworkACLs.SubnetRules)},
		ID: body.ID, Name: body.Name, Location: body.Location, BlobEndpoint: body.Properties.PrimaryEndpoints.Blob,
		HierarchicalNamespace: body.Properties.IsHNSEnabled,
	}, nil
}

// IsHierarchical reports whether the storage account with that ARM id has a hierarchical namespace.
func (c *Client) IsHierarchical(ctx context.Context, resourceID string) (bool, error) {
	account, err := c.GetStorageAccount(ctx, resourceID)
	return account.HierarchicalNamespace, err
}

// Container is a container, as far as it is read.
type Container struct {
	// IsImmutable is true where a policy or a legal hold keeps blobs from being changed and deleted.
	IsImmutable bool
}

// GetContainer reads that container of the storage account; *Error with status 404 if there is none.
// It takes the right Microsoft.Storage/storageAccounts/blobServices/containers/read. Source:
// https://learn.microsoft.com/rest/api/storagerp/blob-containers/get.
func (c *Client) GetContainer(ctx context.Context, accountID, container string) (Container, error) {
	var body struct {
		ID         string `json:"id"`
		Properties struct {
			HasImmutabilityPolicy bool `json:"hasImmutabilityPolicy"`
			HasLegalHold          bool `json:"hasLegalHold"`
		} `json:"properties"`
	}
	const op = "read container"
	target, err := c.target(accountID, "/blobServices/default/containers/"+url.PathEscape(container), versionStorage)
	if err != nil {
		return Container{}, fmt.Errorf("arm: %s: %w", op, err)
	}
	resp, err := c.sendTo(ctx, op, http.MethodGet, target, nil, &body)
	if err == nil && body.ID == "" {
		err = undecodable(op, resp, errIncomplete)
	}
	return Container{IsImmutable: body.Properties.HasImmutabilityPolicy || body.Properties.HasLegalHold}, err
}

// maxPages bounds a listing; more are a loop.
const maxPages = 100

// target builds the URL of an ARM id plus suffix.
func (c *Client) target(id, suffix, version string) (string, error) {
	path, err := escapeID(id)
	if err != nil {
		return "", err
	}
	return runtime.JoinPaths(c.resources.Endpoint(), path+suffix) + "?api-version=" + version, nil
}

// escapeID makes an ARM id fit for a URL path, without its leading slash. It refuses what would leave the path that
// the caller meant: an id is input of a customer, and the request carries our token.
func escapeID(id string) (string, error) {
	segments := strings.Split(strings.Trim(id, "/"), "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("%q is not an ARM id", id)
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/"), nil
}
