// Package policy is the edge of GET /policy: what callers may ask for.
package policy

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Function is what the edge needs.
type Function struct {
	Policy entitlement.Policy
}

type output struct{ Body entitlement.Policy }

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "getPolicy", Method: http.MethodGet, Path: "/policy", Tags: []string{"service"},
		Summary: "What callers may ask for",
		Description: "The setting POLICY with its defaults filled in, for administrators. An issuer, a subject and " +
			"a storage entry have to be allowed by one grant together; what none allows is refused as not-allowed.",
	}, nil, func(context.Context, *struct{}) (*output, error) { return &output{Body: f.Policy}, nil })
}
