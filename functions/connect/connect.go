// Package connect is the edge of PUT /integrations/{id}: it decodes a spec, hands it to the provisioning use case, and
// answers with the document and the operation that carries it out, or with the plan alone.
package connect

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Submit func(context.Context, provision.Submission) (operation.Accepted, error)
	// Get returns a document, tombstones included.
	Get func(ctx context.Context, id string) (integration.Document, error)
	// Faults finds what Submit would refuse of a spec.
	Faults func(ctx context.Context, id string, spec integration.Spec) []diagnosis.Finding
	Plan   func(ctx context.Context, s provision.Submission) (provision.Plan, error)
	// OperationURL makes the link to an operation.
	OperationURL func(id string) string
}

type input struct {
	ID          string `path:"id" example:"my-service"`
	DryRun      bool   `query:"dryRun"`
	Replace     bool   `query:"replace"`
	IfMatch     string `header:"If-Match" doc:"Only update the version with this ETag"`
	IfNoneMatch string `header:"If-None-Match" doc:"* only creates"`
	problem.OperationHeader
	problem.JSONBody[integration.Spec]
}

// LongTags are the ends of tags that are too long for a line.
func (input) LongTags() map[string]string {
	return map[string]string{
		"ID": `doc:"Integration id: 3 to 50 lower-case letters, digits and single hyphens"`,
		"DryRun": `doc:"Answer with the plan and touch nothing. The plan goes by what Entra, Azure and the DDOE ` +
			`platform hold now"`,
		"Replace": `doc:"Let the spec ask for another identity than there is, of another kind, resource group or ` +
			`region: the one that there is is removed for good, and the client id is another one"`,
	}
}

type output struct {
	Status            int
	ETag              string `header:"ETag"`
	OperationLocation string `header:"Operation-Location"`
	RetryAfter        string `header:"Retry-After"`
	Body              any
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	document := problem.Schema[view.Document](api)
	plan := problem.Schema[provision.Plan](api)
	headers := map[string]*huma.Param{
		"ETag": {Description: "Version of the spec, for If-Match", Schema: &huma.Schema{Type: huma.TypeString}},
		"Operation-Location": {Description: "Link to the operation that carries the request out",
			Schema: &huma.Schema{Type: huma.TypeString}},
		"Retry-After": {Description: "Seconds to wait before the first look at the operation; absent where it has " +
			"ended, as that of a repeated request may have",
			Schema: &huma.Schema{Type: huma.TypeString}},
	}
	responses := map[string]*huma.Response{
		"200": {Description: "Updated, or the plan where dryRun is true", Headers: headers,
			Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{document, plan}}}}},
		"201": {Description: "Created", Headers: headers,
			Content: map[string]*huma.MediaType{"application/json": {Schema: document}}},
	}
	f.registerPatch(api, responses)
	problem.Register(api, huma.Operation{
		OperationID: "connect", Method: http.MethodPut, Path: "/integrations/{id}", Tags: []string{"integrations"},
		Summary: "Create or update an integration",
		Description: "Stores what is wanted and starts an operation that makes it so: one identity (an application " +
			"with its service principal, or a user-assigned managed identity), one federated identity credential " +
			"for each subject and one role assignment for each storage entry. " +
			"The same request may be sent again at any time; it converges. " +
			"The body replaces the whole spec: what it does not name any more is removed, on the DDOE platform too, " +
			"where the datasets on a removed driver lose their storage. " +
			"dryRun=true shows that beforehand.",
		RequestBody: &huma.RequestBody{Required: true,
			Content: map[string]*huma.MediaType{"application/json": {Examples: examples()}}},
		Responses: responses,
	}, failures, f.serve)
}

// failures are the statuses with which a change is refused, beside those of its body.
var failures = []int{http.StatusConflict, http.StatusPreconditionFailed, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	operationID, err := in.Operation()
	if err != nil {
		return nil, err
	}
	spec, err := in.Decode(func(s integration.Spec) []diagnosis.Finding { return f.Faults(ctx, in.ID, s) })
	if err != nil {
		return nil, err
	}
	submission := provision.Submission{ID: in.ID, Spec: spec, Replace: in.Replace, OperationID: operationID,
		IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch}
	if in.DryRun {
		plan, err := f.Plan(ctx, submission)
		if err != nil {
			return nil, err
		}
		return &output{Status: http.StatusOK, Body: plan}, nil
	}
	accepted, err := f.Submit(ctx, submission)
	if err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(accepted.Operation.ID)
	status := http.StatusOK
	if accepted.Created {
		status = http.StatusCreated
	}
	pause := ""
	if !accepted.Operation.Status.IsFinal() {
		pause = problem.FirstLook
	}
	return &output{
		Status: status, RetryAfter: pause, ETag: problem.EntityTag(integration.SpecVersion(accepted.Document)),
		OperationLocation: f.OperationURL(accepted.Operation.ID), Body: view.DocumentOf(accepted.Document),
	}, nil
}

// examples are what the API document shows as request bodies.
func examples() map[string]*huma.Example {
	const account = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/" +
		"providers/Microsoft.Storage/storageAccounts/acmedata"
	return map[string]*huma.Example{
		"service": {Summary: "One service, one container", Value: integration.Spec{
			ServiceName: "my-service",
			Storage: []integration.StorageAccess{{ResourceID: account, Container: "images",
				Access: integration.AccessReadWrite}},
		}},
		"subjects": {Summary: "Issuer and subjects spelled out", Value: integration.Spec{
			DisplayName: "Azure WIF Integration", Issuer: "https://dataloop.ai/oauth2",
			Subjects: []string{"system:serviceaccount:dataloop:my-service"}, Audience: "api://AzureADTokenExchange",
			Storage: []integration.StorageAccess{{ResourceID: account, Container: "images",
				Access: integration.AccessRead}},
		}},
		"platform": {Summary: "With integration and driver on the DDOE platform", Value: integration.Spec{
			ServiceName: "my-service",
			Storage: []integration.StorageAccess{{ResourceID: account, Container: "images",
				Access: integration.AccessReadWrite}},
			DDOE: &integration.DDOE{OrganizationID: "55555555-5555-4555-8555-555555555555", Integration: true,
				Driver: &integration.Driver{ProjectID: "66666666-6666-4666-8666-666666666666", Name: "images"}},
		}},
	}
}
