// Package manage is the edge of POST /integrations/{id}/manage: it has an imported integration taken over, and answers
// with the document and the operation that does it, or with the plan alone.
package manage

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Submit func(ctx context.Context, t provision.Takeover) (operation.Accepted, error)
	Plan   func(ctx context.Context, t provision.Takeover) (provision.TakeoverPlan, error)
	// OperationURL makes the link to an operation.
	OperationURL func(id string) string
}

type input struct {
	ID          string `path:"id" doc:"Integration id" example:"my-service"`
	DryRun      bool   `query:"dryRun" doc:"Answer with the plan and touch nothing"`
	IfMatch     string `header:"If-Match" doc:"Only take over the version with this ETag"`
	IfNoneMatch string `header:"If-None-Match" doc:"Do not take over the version with this ETag"`
	problem.OperationHeader
}

type output struct {
	Status            int
	ETag              string `header:"ETag"`
	OperationLocation string `header:"Operation-Location"`
	Body              any
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	text := func(description string) *huma.Param {
		return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	problem.Register(api, huma.Operation{
		OperationID: "manage", Method: http.MethodPost, Path: "/integrations/{id}/manage",
		Tags: []string{"integrations"}, DefaultStatus: http.StatusAccepted,
		Summary: "Take an imported integration over",
		Description: "Starts an operation that makes an imported integration one of the service's own: " +
			"identity, and the federated credentials and role assignments that equal what its spec asks for, " +
			"are the service's then. It brings them to the spec as a PUT does, and a DELETE removes them. What " +
			"else is on the identity stays as it is, and so does the platform's side. The service has to own an " +
			"application, and a managed identity has to be in the resource group of the service's own; else the " +
			"answer says how to get there. dryRun=true shows what would change, and what a DELETE would remove " +
			"from then on. It may be sent again.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The plan, where dryRun is true", Content: map[string]*huma.MediaType{
				"application/json": {Schema: problem.Schema[provision.TakeoverPlan](api)}}},
			"202": {Description: "It is being taken over", Headers: map[string]*huma.Param{
				"ETag":               text("Version of the spec, for If-Match"),
				"Operation-Location": text("Link to the operation that carries the request out")},
				Content: map[string]*huma.MediaType{
					"application/json": {Schema: problem.Schema[view.Document](api)}}},
		},
	}, []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	operationID, err := in.Operation()
	if err != nil {
		return nil, err
	}
	wanted := provision.Takeover{ID: in.ID, OperationID: operationID, IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch}
	if in.DryRun {
		plan, err := f.Plan(ctx, wanted)
		if err != nil {
			return nil, err
		}
		return &output{Status: http.StatusOK, Body: plan}, nil
	}
	accepted, err := f.Submit(ctx, wanted)
	if err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(accepted.Operation.ID)
	return &output{Status: http.StatusAccepted, ETag: problem.EntityTag(integration.SpecVersion(accepted.Document)),
		OperationLocation: f.OperationURL(accepted.Operation.ID), Body: view.DocumentOf(accepted.Document)}, nil
}
