// Package confirm is the edge of POST /integrations/{id}/confirm: a person states that they have filled in the
// platform's form, and it answers with the document, confirmed.
package confirm

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Confirm func(ctx context.Context, id string, c integration.DDOEConfirmation) (integration.Document, error)
}

// Made is the request body: what the person has made on the platform.
type Made struct {
	IntegrationID string `json:"integrationId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
	DriverID      string `json:"driverId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
}

// LongTags are the ends of tags that are too long for a line.
func (Made) LongTags() map[string]string {
	return map[string]string{
		"IntegrationID": `patternDescription:"letters, digits, - and _" doc:"The integration's id on the platform"`,
		"DriverID":      `patternDescription:"letters, digits, - and _" doc:"The driver's id on the platform"`,
	}
}

func (m Made) confirmation() integration.DDOEConfirmation {
	return integration.DDOEConfirmation{IntegrationID: m.IntegrationID, DriverID: m.DriverID}
}

func (m Made) check() []diagnosis.Finding { return m.confirmation().Faults() }

type input struct {
	ID string `path:"id" doc:"Integration id" example:"my-service"`
	problem.JSONBody[Made]
}

type output struct {
	ETag string `header:"ETag" doc:"Version of the spec, for If-Match"`
	Body view.Document
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "confirm", Method: http.MethodPost, Path: "/integrations/{id}/confirm",
		Tags:    []string{"integrations"},
		Summary: "Say that a person has filled in the platform's form",
		Description: "For a spec with ddoe whose platform's side is made by hand (status.ddoe.form has what to type " +
			"in). The confirmation is in status.ddoe.confirmed, and the condition Ready can then be True. It goes " +
			"when something else has to be typed in or uploaded. Confirming again changes nothing, other ids aside.",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
			Examples: map[string]*huma.Example{
				"default": {Summary: "It is done", Value: struct{}{}},
				"ids": {Summary: "With what was made", Value: Made{IntegrationID: "0123abcd",
					DriverID: "4567cdef"}},
			}}}},
	}, []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	var made Made
	if !in.IsEmpty() {
		var err error
		if made, err = in.Decode(Made.check); err != nil {
			return nil, err
		}
	}
	if findings := made.check(); len(findings) > 0 {
		return nil, problem.New(http.StatusUnprocessableEntity, findings[0].Code, findings[0].Detail, findings...)
	}
	confirmation := made.confirmation()
	who, _ := caller.From(ctx)
	confirmation.By = who.ID
	d, err := f.Confirm(ctx, in.ID, confirmation)
	if err != nil {
		return nil, err
	}
	return &output{ETag: problem.EntityTag(integration.SpecVersion(d)), Body: view.DocumentOf(d)}, nil
}
