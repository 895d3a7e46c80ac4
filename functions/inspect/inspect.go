// Package inspect is the edge of GET /integrations and of what is under it: the list, one integration, the credential
// file to upload, the health state, and the drift. It only reads.
package inspect

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	// Get returns a document, tombstones included.
	Get func(ctx context.Context, id string) (integration.Document, error)
	// List returns a page of documents, tombstones included, with the names of those that cannot be read.
	List func(ctx context.Context, token string, limit int) (integration.Page, error)
	// Health returns what the scheduled checks know of a document.
	Health func(ctx context.Context, d integration.Document) (integration.HealthStatus, error)
	// Drift compares an integration with what there really is.
	Drift func(ctx context.Context, id string) (assessment.Report, error)
	// BaseURL is what links are built from, such as https://host/api or /api.
	BaseURL string
}

// Register adds the operations to the API.
func (f Function) Register(api huma.API) {
	f.registerList(api)
	outages := []int{http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	problem.Register(api, huma.Operation{
		OperationID: "getIntegration", Method: http.MethodGet, Path: "/integrations/{id}",
		Tags:        []string{"integrations"},
		Summary:     "One integration",
		Description: "What is wanted (spec) and what has been reached (status).",
	}, append(outages, http.StatusNotFound), f.item)
	problem.Register(api, huma.Operation{
		OperationID: "getCredentialFile", Method: http.MethodGet, Path: "/integrations/{id}/credentials",
		Tags:    []string{"integrations"},
		Summary: "The azure_credentials.json to upload to DDOE",
		Description: "Exactly the members clientId, tenantId, federatedTokenIssuer, subject and audience. The file " +
			"holds no secret.",
		Responses: map[string]*huma.Response{"200": fileResponse(api)},
	}, append(outages, http.StatusNotFound, http.StatusConflict), f.file)
	problem.Register(api, huma.Operation{
		OperationID: "getHealth", Method: http.MethodGet, Path: "/integrations/{id}/health",
		Tags:    []string{"integrations"},
		Summary: "The health state of an integration",
		Description: "What tests and checks found: the state and since when, the last report with what it really " +
			"proved, and the last changes. The state is unknown before the first check, and when three checks in a " +
			"row could tell nothing.",
	}, append(outages, http.StatusNotFound), f.health)
	problem.Register(api, huma.Operation{
		OperationID: "getDrift", Method: http.MethodGet, Path: "/integrations/{id}/drift",
		Tags:    []string{"integrations"},
		Summary: "Compare with what is really in Entra, Azure and DDOE now",
		Description: "Reads only. What is missing or changed is mended by the same PUT again; what somebody added " +
			"is only reported. The platform shows no options, so a hash tells what it was sent last.",
	}, append(outages, http.StatusNotFound, http.StatusConflict), f.drift)
}

type itemInput struct {
	ID string `path:"id" doc:"Integration id" example:"my-service"`
}

type itemOutput struct {
	ETag string `header:"ETag" doc:"Version of the spec, for If-Match"`
	Body view.Document
}

func (f Function) item(ctx context.Context, in *itemInput) (*itemOutput, error) {
	document, err := f.document(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &itemOutput{ETag: problem.EntityTag(integration.SpecVersion(document)), Body: view.DocumentOf(document)},
		nil
}

// document loads what can be looked at; a tombstone cannot.
func (f Function) document(ctx context.Context, id string) (integration.Document, error) {
	if err := problem.IntegrationID(ctx, id); err != nil {
		return integration.Document{}, err
	}
	document, err := f.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return integration.Document{}, integration.Absent(nil)
	case err != nil:
		return integration.Document{}, operation.StoreError(err)
	case document.Status.Phase == integration.PhaseDeleted:
		return integration.Document{}, integration.Absent(&document)
	}
	return document, nil
}

type fileInput struct {
	ID      string `path:"id" doc:"Integration id" example:"my-service"`
	Subject string `query:"subject"`
}

// LongTags are the ends of tags that are too long for a line.
func (fileInput) LongTags() map[string]string {
	return map[string]string{
		"Subject": `doc:"Which subject the file is for; default: that of serviceName, else the first of the spec"`,
	}
}

type fileOutput struct {
	ContentType        string `header:"Content-Type" hidden:"true"`
	ContentDisposition string `header:"Content-Disposition" hidden:"true"`
	Body               []byte
}

func fileResponse(api huma.API) *huma.Response {
	return &huma.Response{
		Description: "The file, as an attachment",
		Headers: map[string]*huma.Param{"Content-Disposition": {
			Description: "Names the file " + credential.FileName, Schema: &huma.Schema{Type: huma.TypeString}}},
		Content: map[string]*huma.MediaType{"application/json": {
			Schema: problem.Schema[credential.File](api),
			Example: credential.File{
				ClientID: "33333333-3333-4333-8333-333333333333", TenantID: "11111111-1111-4111-8111-111111111111",
				FederatedTokenIssuer: "https://dataloop.ai/oauth2",
				Subject:              "system:serviceaccount:dataloop:my-service",
				Audience:             "api://AzureADTokenExchange",
			},
		}},
	}
}

func (f Function) file(ctx context.Context, in *fileInput) (*fileOutput, error) {
	document, err := f.document(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body, err := credential.CredentialFile(document, in.Subject)
	if err != nil {
		return nil, err
	}
	return &fileOutput{
		ContentType: "application/json", ContentDisposition: `attachment; filename="` + credential.FileName + `"`,
		Body: body,
	}, nil
}

type healthOutput struct {
	Body integration.HealthStatus
}

func (f Function) health(ctx context.Context, in *itemInput) (*healthOutput, error) {
	document, err := f.document(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	status, err := f.Health(ctx, document)
	if err != nil {
		return nil, operation.StoreError(err)
	}
	return &healthOutput{Body: status}, nil
}

type driftOutput struct {
	Body assessment.Report
}

func (f Function) drift(ctx context.Context, in *itemInput) (*driftOutput, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	report, err := f.Drift(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &driftOutput{Body: report}, nil
}
