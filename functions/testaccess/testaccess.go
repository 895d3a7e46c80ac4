// Package testaccess is the edge of POST /integrations/{id}/access-tests: it runs the blob access test as the
// federated identity and answers with the report, or hands it to the queue and answers with the operation.
package testaccess

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	// Run tests now.
	Run func(ctx context.Context, id string, wanted access.Request) (assessment.Report, error)
	// Submit has the queue test later.
	Submit func(ctx context.Context, id, operationID string, wanted access.Request) (operation.Accepted, error)
	// OperationURL makes the link to an operation.
	OperationURL func(id string) string
}

// Options is the request body.
type Options struct {
	Mode         string             `json:"mode,omitempty" enum:"oracle,roundtrip"`
	Access       integration.Access `json:"access,omitempty" enum:"read,readWrite"`
	Prefix       string             `json:"prefix,omitempty" doc:"Folder for the test's blob" example:"wif-tests"`
	SubjectToken *secret.Value      `json:"subjectToken,omitempty" writeOnly:"true"`
}

// LongTags are the ends of tags that are too long for a line.
func (Options) LongTags() map[string]string {
	return map[string]string{
		"Mode": `doc:"roundtrip writes, reads, lists and deletes one small blob; oracle leaves no trace. Default: ` +
			`roundtrip"`,
		"Access": `doc:"Test no more than this; default: what the spec grants"`,
		"SubjectToken": `doc:"A token of the platform to test with; never stored, logged or repeated. Default: one ` +
			`is asked for where DDOE_SUBJECT_TOKEN_URL is set"`,
	}
}

// wanted is the test that the body asks for, without its token.
func (o Options) wanted() access.Request {
	return access.Request{Mode: access.Mode(o.Mode), Access: o.Access, Prefix: o.Prefix}
}

type input struct {
	ID     string `path:"id" doc:"Integration id" example:"my-service"`
	Prefer string `header:"Prefer" doc:"respond-async answers 202 with an operation whose result is the report"`
	problem.OperationHeader
	problem.JSONBody[Options]
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "testAccess", Method: http.MethodPost, Path: "/integrations/{id}/access-tests",
		Tags:    []string{"integrations"},
		Summary: "Test blob access as the federated identity",
		Description: "Exchanges a subject token for an access token and tries what the spec grants. The answer is " +
			"200 whatever the verdict; " +
			"the report says what was proved, as whom, and what to do about each failure. Operation-Id needs " +
			"Prefer: respond-async. " +
			"A result that is conclusive shows as the integration's condition Verified; on a full proof the " +
			"phase moves to usable, from provisioned, and from failed where only access was missing; a failed test " +
			"leaves it. " +
			"Where the platform's side was made by its API, the checks ddoe.integration and ddoe.driver say what " +
			"that is like; they move neither.",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
			Examples: map[string]*huma.Example{
				"default": {Summary: "Everything by default", Value: struct{}{}},
				"oracle":  {Summary: "Without side effects", Value: Options{Mode: "oracle"}},
			}}}},
		Responses: problem.AsyncResponses("The report", problem.Schema[assessment.Report](api),
			"The operation that tests", problem.Schema[view.Operation](api)),
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
	var options Options
	if !in.IsEmpty() {
		if options, err = in.Decode(Options.check); err != nil {
			return nil, err
		}
	}
	if findings := options.check(); len(findings) > 0 {
		return nil, problem.New(http.StatusUnprocessableEntity, findings[0].Code, findings[0].Detail, findings...)
	}
	if problem.IsAsync(in.Prefer) {
		return f.later(ctx, in.ID, operationID, options)
	}
	if operationID != "" {
		return nil, problem.NotRepeatable("a test")
	}
	wanted := options.wanted()
	if options.SubjectToken != nil {
		wanted.Token = *options.SubjectToken
	}
	report, err := f.Run(ctx, in.ID, wanted)
	if err != nil {
		return nil, err
	}
	return problem.Done(report), nil
}

// later hands the test to the queue. A token must not travel there.
func (f Function) later(ctx context.Context, id, operationID string,
	options Options) (*problem.AsyncOutput, error) {
	var findings []diagnosis.Finding
	exclude := func(given bool, member, why string) {
		if given {
			findings = append(findings, diagnosis.Finding{Pointer: "/" + member,
				Code:   diagnosis.CodeInvalidCombination,
				Detail: member + " and Prefer: respond-async exclude each other: " + why + "."})
		}
	}
	exclude(options.SubjectToken != nil, "subjectToken", "a token does not travel through the queue")
	exclude(options.Prefix != "", "prefix", "a test from the queue writes to the container's root")
	if len(findings) > 0 {
		return nil, problem.New(http.StatusUnprocessableEntity, diagnosis.CodeInvalidCombination, findings[0].Detail,
			findings...)
	}
	accepted, err := f.Submit(ctx, id, operationID, options.wanted())
	if err != nil {
		return nil, err
	}
	op := view.OperationOf(accepted.Operation)
	invocation.From(ctx).SetOperation(op.ID)
	return problem.Later(op, f.OperationURL(op.ID)), nil
}

// check finds every fault of the body.
func (o Options) check() []diagnosis.Finding {
	findings := access.Faults(access.Mode(o.Mode), o.Access, o.Prefix)
	if o.SubjectToken != nil && o.SubjectToken.IsZero() {
		findings = append(findings, diagnosis.Finding{Pointer: "/subjectToken", Code: diagnosis.CodeInvalidValue,
			Detail:   "The subject token is empty.",
			Expected: "a token, or no such member to have the platform asked for one"})
	}
	return findings
}
