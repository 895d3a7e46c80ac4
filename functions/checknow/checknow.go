// Package checknow is the edge of POST /integrations/{id}/health-checks: it looks at an integration now and answers
// with its health, or hands the check to the queue and answers with the operation.
package checknow

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	// Check looks now.
	Check func(ctx context.Context, id string) (integration.HealthStatus, error)
	// Submit has the queue look later.
	Submit func(ctx context.Context, id, operationID string) (operation.Accepted, error)
	// OperationURL makes the link to an operation.
	OperationURL func(id string) string
}

type input struct {
	ID     string `path:"id" doc:"Integration id" example:"my-service"`
	Prefer string `header:"Prefer" doc:"respond-async answers 202 with an operation whose result is the health"`
	problem.OperationHeader
	problem.JSONBody[CheckOptions]
}

// CheckOptions are those of a check: there are none.
type CheckOptions struct{}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "checkHealth", Method: http.MethodPost, Path: "/integrations/{id}/health-checks",
		Tags:    []string{"integrations"},
		Summary: "Check the health of an integration now",
		Description: "Makes the look that the scheduled checks make, also where those are switched off, and answers " +
			"with the health. It tests access as the federated identity by requests that cannot write; without a " +
			"subject token it looks at the structure alone (claimLevel structure). What it finds counts at once, " +
			"without a second look. The answer is 200 whatever it finds. Operation-Id needs Prefer: respond-async.",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
			Examples: map[string]*huma.Example{"default": {Summary: "There is nothing to state",
				Value: struct{}{}}}}}},
		Responses: problem.AsyncResponses("The health", problem.Schema[integration.HealthStatus](api),
			"The operation that checks", problem.Schema[view.Operation](api)),
	}, []int{http.StatusNotFound, http.StatusConflict, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*problem.AsyncOutput, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	operationID, err := in.Operation()
	if err != nil {
		return nil, err
	}
	if !in.IsEmpty() {
		if _, err := in.Decode(nil); err != nil {
			return nil, err
		}
	}
	if problem.IsAsync(in.Prefer) {
		return f.later(ctx, in.ID, operationID)
	}
	if operationID != "" {
		return nil, problem.NotRepeatable("a check")
	}
	health, err := f.Check(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return problem.Done(health), nil
}

func (f Function) later(ctx context.Context, id, operationID string) (*problem.AsyncOutput, error) {
	accepted, err := f.Submit(ctx, id, operationID)
	if err != nil {
		return nil, err
	}
	op := view.OperationOf(accepted.Operation)
	invocation.From(ctx).SetOperation(op.ID)
	return problem.Later(op, f.OperationURL(op.ID)), nil
}
