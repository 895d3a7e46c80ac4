// Package healthz is the edge of GET /healthz: the process answers. It is anonymous, so it calls no service and states
// nothing about tenants.
package healthz

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Function is what the edge needs.
type Function struct {
	// Version names the build.
	Version string
}

// Liveness is the answer.
type Liveness struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version" example:"1.0.0"`
}

type output struct {
	CacheControl string `header:"Cache-Control"`
	Body         Liveness
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: []string{"service"},
		Description: "It answers as long as the process runs, and looks at nothing.",
		Summary:     "Liveness",
		Security:    []map[string][]string{},
	}, nil, func(context.Context, *struct{}) (*output, error) {
		return &output{CacheControl: "no-store", Body: Liveness{Status: "ok", Version: f.Version}}, nil
	})
}
