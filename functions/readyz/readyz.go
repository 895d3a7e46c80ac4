// Package readyz is the edge of GET /readyz: which of the services that the app stands on cannot be reached, and which
// of its own rights is missing.
package readyz

import (
	"context"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
)

// Function is what the edge needs.
type Function struct {
	Check func(ctx context.Context) readiness.Readiness
}

type output struct {
	Status       int
	CacheControl string `header:"Cache-Control"`
	Body         readiness.Readiness
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	content := map[string]*huma.MediaType{"application/json": {Schema: problem.Schema[readiness.Readiness](api)}}
	failed := maps.Clone(content)
	failed["application/problem+json"] = &huma.MediaType{Schema: problem.Schema[problem.Problem](api)}
	problem.Register(api, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"service"},
		Summary: "Whether the app can do its work",
		Description: "Asks every service that the app stands on, all at once and for at most four " +
			"seconds, and looks for rights of its own, as far as that can be seen without writing. A failed check " +
			"names what is wrong, and where a right may be missing the command that lists the app's own. A report " +
			"is kept for ten seconds.",
		Responses: map[string]*huma.Response{
			"200": {Description: "All checks passed", Content: content},
			"503": {Description: "A check has failed; a problem where the host itself is", Content: failed},
		},
	}, nil, func(ctx context.Context, _ *struct{}) (*output, error) {
		report := f.Check(ctx)
		status := http.StatusOK
		if !report.Ready {
			status = http.StatusServiceUnavailable
		}
		return &output{Status: status, CacheControl: "no-store", Body: report}, nil
	})
}
