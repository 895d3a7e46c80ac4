// Package operations is the edge of GET /operations/{id}: how far a long-running operation is.
package operations

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// retryAfterSeconds is what a poller is told to wait.
const retryAfterSeconds = "2"

// Function is what the edge needs.
type Function struct {
	Operation func(ctx context.Context, id string) (integration.Operation, error)
}

type input struct {
	ID string `path:"id" doc:"Operation id" example:"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"`
}

type output struct {
	RetryAfter string `header:"Retry-After" doc:"Seconds to wait before asking again; absent when the operation has ended"`
	Body       integration.Operation
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "getOperation", Method: http.MethodGet, Path: "/operations/{id}", Tags: []string{"operations"},
		Summary:     "How far an operation is",
		Description: "Poll the link of Operation-Location until the status is Succeeded, Failed or Canceled. A failed operation says why in error.",
	}, []int{http.StatusNotFound, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.OperationPath(in.ID); err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(in.ID)
	op, err := f.Operation(ctx, in.ID)
	if errors.Is(err, integration.ErrNotFound) {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New("operation-not-found"), Err: err}
	}
	if err != nil {
		return nil, problem.Unavailable(err)
	}
	invocation.From(ctx).SetIntegration(op.IntegrationID)
	out := &output{Body: op.Served()}
	if !op.Status.Final() {
		out.RetryAfter = retryAfterSeconds
	}
	return out, nil
}
