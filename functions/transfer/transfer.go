// Package transfer is the edge of PATCH /integrations/{id}/owner: it gives an integration to another owner.
package transfer

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
	// Transfer gives the integration to the owner where the If-Match header holds; empty for none.
	Transfer func(ctx context.Context, id, owner, ifMatch string) (integration.Document, error)
}

// Ownership is the request body.
type Ownership struct {
	Owner string `json:"owner" example:"55555555-5555-4555-8555-555555555555"`
}

// LongTags are the ends of tags that are too long for a line.
func (Ownership) LongTags() map[string]string {
	return map[string]string{
		"Owner": `doc:"Whose it is to be: the id in Entra, in lower case, of a user, a group or a service ` +
			`principal; function-key or queue for such callers"`,
	}
}

func (o Ownership) check() []diagnosis.Finding {
	if caller.IsValidOwner(o.Owner) {
		return nil
	}
	return []diagnosis.Finding{{Pointer: "/owner", Code: diagnosis.CodeInvalidValue,
		Detail:   "It is not the id of anybody in Entra.",
		Expected: "a GUID in lower case, function-key or queue",
		Remedy:   "Copy the id of the user, the group or the service principal from Entra."}}
}

type input struct {
	ID      string `path:"id" doc:"Integration id" example:"my-service"`
	IfMatch string `header:"If-Match" doc:"Only where the spec is the version with this ETag"`
	problem.JSONBody[Ownership]
}

type output struct {
	ETag string `header:"ETag" doc:"Version of the spec, for If-Match"`
	Body view.Document
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "transferIntegration", Method: http.MethodPatch, Path: "/integrations/{id}/owner",
		Tags:    []string{"integrations"},
		Summary: "Give an integration to another owner",
		Description: "The owner may, and an administrator. From then on the new owner sees and changes it, and the " +
			"old one does not. Nothing else changes. An integration that was torn down can be given away, too, and " +
			"its id with it.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
			Examples: map[string]*huma.Example{"group": {Summary: "To a group",
				Value: Ownership{Owner: "55555555-5555-4555-8555-555555555555"}}}}}},
	}, []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	wanted, err := in.Decode(Ownership.check)
	if err != nil {
		return nil, err
	}
	if findings := wanted.check(); len(findings) > 0 {
		return nil, problem.New(http.StatusUnprocessableEntity, findings[0].Code, findings[0].Detail, findings...)
	}
	d, err := f.Transfer(ctx, in.ID, wanted.Owner, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return &output{ETag: problem.EntityTag(integration.SpecVersion(d)), Body: view.DocumentOf(d)}, nil
}
