package connect

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// patchInput is a PUT's, but that there is something to change.
type patchInput struct {
	ID      string `path:"id" doc:"Integration id" example:"my-service"`
	DryRun  bool   `query:"dryRun" doc:"Answer with the plan and touch nothing"`
	Replace bool   `query:"replace" doc:"Let the spec ask for another identity than there is, as with PUT"`
	IfMatch string `header:"If-Match" doc:"Only change the version with this ETag"`
	problem.OperationHeader
	problem.JSONBody[integration.Spec]
}

// registerPatch adds the operation to the API.
func (f Function) registerPatch(api huma.API, responses map[string]*huma.Response) {
	problem.Register(api, huma.Operation{
		OperationID: "patchIntegration", Method: http.MethodPatch, Path: "/integrations/{id}",
		Tags:    []string{"integrations"},
		Summary: "Change members of an integration's spec",
		Description: "A JSON merge patch (RFC 7396) of the spec as GET shows it: what the body names is changed, " +
			"null takes a member away, a list is replaced as a whole. serviceName is never shown, as it stands " +
			"for a subject: in a patch it adds its subject to those that there are, unless subjects is named, too. " +
			"What comes of it is treated as the body of a PUT for the version that was read. Where somebody else " +
			"changes the spec meanwhile, the answer is 412, also without If-Match, and a repeated Operation-Id is " +
			"answered with operation-id-reused.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			mergePatch: patchBody(), "application/json": patchBody()}},
		Responses: map[string]*huma.Response{"200": responses["200"]},
	}, append([]int{http.StatusNotFound}, failures...), f.patch)
}

// mergePatch is the media type of RFC 7396.
const mergePatch = "application/merge-patch+json"

// patchBody is a body of the schema SpecPatch, which the composition adds to the API document.
func patchBody() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Ref: "#/components/schemas/SpecPatch"},
		Examples: map[string]*huma.Example{"interval": {Summary: "Check every twelve hours",
			Value: map[string]any{"healthCheck": map[string]any{"interval": "12h"}}}}}
}

// patch goes on as a PUT of the changed spec that holds only for the version that was read.
func (f Function) patch(ctx context.Context, in *patchInput) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	d, err := f.Get(ctx, in.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return nil, integration.Absent(nil)
	case err != nil:
		return nil, operation.StoreError(err)
	case d.Status.Phase == integration.PhaseDeleted:
		return nil, integration.Absent(&d)
	}
	changed, err := merge(d.Spec, in.RawBody)
	if err != nil {
		return nil, err
	}
	put := &input{ID: in.ID, DryRun: in.DryRun, Replace: in.Replace, OperationHeader: in.OperationHeader,
		IfMatch: in.IfMatch, JSONBody: problem.JSONBody[integration.Spec]{RawBody: changed}}
	if in.IfMatch == "" || (operation.Intent{IfMatch: in.IfMatch}).Preconditions(d) == nil {
		put.IfMatch = problem.EntityTag(integration.SpecVersion(d))
	}
	return f.serve(ctx, put)
}

// check refuses a body that is no object, names a member twice, or is too deep.
func (in *patchInput) check() error {
	_, err := problem.JSONBody[map[string]any]{ContentType: in.ContentType, ContentEncoding: in.ContentEncoding,
		RawBody: in.RawBody, MediaTypes: mergePatch + " or application/json"}.Decode(nil)
	return err
}

// merge is the spec as it would be after a patch, as JSON.
func merge(spec integration.Spec, patch []byte) ([]byte, error) {
	before, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	return jsonpatch.MergePatch(before, patch)
}
