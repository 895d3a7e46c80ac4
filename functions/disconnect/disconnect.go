// Package disconnect is the edge of DELETE /integrations/{id}: it asks for the teardown of what the service made, and
// answers with the operation that carries it out.
package disconnect

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Submit func(ctx context.Context, id string, opts provision.TeardownOptions) (operation.Accepted, error)
	// OperationURL makes the link to an operation.
	OperationURL func(id string) string
}

type input struct {
	ID          string `path:"id" doc:"Integration id" example:"my-service"`
	Purge       bool   `query:"purge" doc:"Purge a deleted application too; a managed identity never comes back"`
	IfMatch     string `header:"If-Match" doc:"Only tear down the version with this ETag"`
	IfNoneMatch string `header:"If-None-Match" doc:"Do not tear down the version with this ETag; * never tears down"`
	problem.OperationHeader
}

type output struct {
	RetryAfter        string `header:"Retry-After" doc:"Seconds to wait before the first look at it"`
	OperationLocation string `header:"Operation-Location" doc:"Link to the operation that carries the request out"`
	Body              view.Operation
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "disconnect", Method: http.MethodDelete, Path: "/integrations/{id}",
		Tags:    []string{"integrations"},
		Summary: "Tear an integration down",
		Description: "Starts an operation that removes what the service made for the integration: role assignments, " +
			"federated identity credentials and identity (an application with its service principal, or a " +
			"user-assigned managed identity), driver and integration on the DDOE platform. Trust and rights go " +
			"first, whatever the platform does. What a person made stays, also where the service uses it; " +
			"credentials on an identity that is removed go with it.",
		DefaultStatus: http.StatusAccepted,
	}, []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	operationID, err := in.Operation()
	if err != nil {
		return nil, err
	}
	accepted, err := f.Submit(ctx, in.ID, provision.TeardownOptions{OperationID: operationID, IfMatch: in.IfMatch,
		IfNoneMatch: in.IfNoneMatch, Purge: in.Purge})
	if err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(accepted.Operation.ID)
	op := view.OperationOf(accepted.Operation)
	return &output{RetryAfter: problem.FirstLook, OperationLocation: f.OperationURL(op.ID), Body: op}, nil
}
