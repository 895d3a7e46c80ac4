// Package cancel is the edge of POST /operations/{id}/cancel: an operation that nobody is at work on comes to nothing.
package cancel

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Cancel func(ctx context.Context, id string) (integration.Operation, error)
}

type input struct {
	ID string `path:"id" doc:"Operation id" example:"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"`
}

type output struct{ Body view.Operation }

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "cancelOperation", Method: http.MethodPost, Path: "/operations/{id}/cancel",
		Tags:    []string{"operations"},
		Summary: "Cancel an operation that has not started, or waits for its next attempt",
		Description: "For one whose status is NotStarted, or which has waiting.parked. It is then Canceled with " +
			"operation-canceled, and so is its integration's last try: what earlier attempts have made stays, to be " +
			"used by the next PUT or removed by DELETE. What runs or has ended is refused with " +
			"operation-not-cancelable. Canceling again answers the same.",
	}, []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout},
		f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.OperationPath(in.ID); err != nil {
		return nil, err
	}
	invocation.From(ctx).SetOperation(in.ID)
	op, err := f.Cancel(ctx, in.ID)
	if errors.Is(err, integration.ErrNotFound) {
		return nil, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeOperationNotFound), Err: err}
	}
	if err != nil {
		return nil, operation.StoreError(err)
	}
	invocation.From(ctx).SetIntegration(op.IntegrationID)
	return &output{Body: view.OperationOf(op)}, nil
}
