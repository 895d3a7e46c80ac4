package entra

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/google/uuid"
)

// Tenant is what the token service tells everybody of a tenant.
type Tenant struct {
	// ID is the tenant's GUID, also where it was asked for by a domain.
	ID string
	// Cloud is the domain of the tenant's own token service, such as microsoftonline.com.
	Cloud string
}

// CloudOf is the Tenant.Cloud of the tenants in a cloud. Sources: the metadata of each cloud's own endpoint, as
// learn.microsoft.com, National clouds, lists them (member cloud_instance_name).
func CloudOf(c cloud.Configuration) string {
	switch c.ActiveDirectoryAuthorityHost {
	case cloud.AzureGovernment.ActiveDirectoryAuthorityHost:
		return "microsoftonline.us"
	case cloud.AzureChina.ActiveDirectoryAuthorityHost:
		return "partner.microsoftonline.cn"
	default:
		return "microsoftonline.com"
	}
}

// FindTenant asks the token service for a tenant by id or domain, once, without a credential. It tells of tenants in
// other clouds, too. An *ExchangeError is a refusal, with AADSTS 90002 where there is no such tenant; others are
// *azure.ForeignError and the transport's.
func FindTenant(ctx context.Context, o azcore.ClientOptions, idOrDomain string) (Tenant, error) {
	o.Retry.MaxRetries = -1 // none
	pipeline := runtime.NewPipeline("azure-wif", "", runtime.PipelineOptions{
		PerRetry: []policy.Policy{own.OwnAnswers()}}, &o)
	address := strings.TrimSuffix(o.Cloud.ActiveDirectoryAuthorityHost, "/") + "/" + url.PathEscape(idOrDomain) +
		"/v2.0/.well-known/openid-configuration"
	request, err := runtime.NewRequest(ctx, http.MethodGet, address)
	if err != nil {
		return Tenant{}, fmt.Errorf("tenant metadata: %w", err)
	}
	response, err := pipeline.Do(request)
	if err != nil {
		return Tenant{}, fmt.Errorf("tenant metadata: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return Tenant{}, fromResponse(response)
	}
	var metadata struct {
		Issuer string `json:"issuer"`
		Cloud  string `json:"cloud_instance_name"`
	}
	if err := runtime.UnmarshalAsJSON(response, &metadata); err != nil {
		return Tenant{}, fmt.Errorf("tenant metadata: %w", err)
	}
	issuer, err := url.Parse(metadata.Issuer)
	if err != nil {
		return Tenant{}, fmt.Errorf("tenant metadata: issuer: %w", err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(issuer.Path, "/"), "/")
	if err := uuid.Validate(id); err != nil {
		return Tenant{}, fmt.Errorf("tenant metadata: tenant id: %w", err)
	}
	return Tenant{ID: strings.ToLower(id), Cloud: metadata.Cloud}, nil
}
