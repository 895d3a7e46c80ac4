// Package validate is the edge of POST /credentials/validate: it takes an uploaded credential file out of the request,
// has it judged, and answers with the report, whatever the verdict.
package validate

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Function is what the edge needs.
type Function struct {
	// Judge judges a file. The error is a *diagnosis.Error about what names the storage, with a finding for each of
	// /storage and /container that is faulty.
	Judge func(ctx context.Context, r judgement.Request) (assessment.Report, error)
}

// maxAtOnce is how many files of a form are judged side by side: each may take several look-ups.
const maxAtOnce = 4

// input has a body that is decoded by hand, as it arrives: huma would have one body type, and would read a form into
// files on disk.
type input struct {
	problem.Stream
	Depth           judgement.Depth    `query:"depth" enum:"file,discovery,structure,access" default:"file"`
	Storage         string             `query:"storage" maxLength:"600"`
	Container       string             `query:"container" maxLength:"63"`
	Access          integration.Access `query:"access" enum:"read,readWrite"`
	ContentType     string             `header:"Content-Type" hidden:"true"`
	ContentEncoding string             `header:"Content-Encoding" hidden:"true"`
}

// LongTags are the ends of tags that are too long for a line.
func (input) LongTags() map[string]string {
	return map[string]string{
		"Depth": `doc:"How deep to look. file: the file by itself, without the network. discovery: and what the ` +
			`internet says of its tenant, its issuer and the storage, without a credential; up to 8 seconds. ` +
			`structure: and what the service may see of its client, federated credentials, roles and storage in ` +
			`Entra and Azure. access: and what the file's identity reaches, by the form's subjectToken; up to 25 ` +
			`seconds. Several files share these seconds, and what is fetched is fetched once"`,
		"Access": `doc:"With depth structure and access: what the identity is to do in the container; default ` +
			`readWrite, as the platform's driver writes a file"`,
		"Storage": `doc:"With depth discovery and deeper: the storage account to look at, by resource id or the ` +
			`URL of its ` +
			`blob endpoint; a form may have it as a part"`,
		"Container": `doc:"With storage: the container"`,
	}
}

type output struct {
	Body any
}

// Reports is the answer where a form has several files.
type Reports struct {
	Reports []Named `json:"reports" doc:"One for each file, in the order of the form"`
}

// Named is the report of one of several files.
type Named struct {
	Name string `json:"name,omitempty" doc:"What the form calls the file"`
	assessment.Report
}

const path = "/credentials/validate"

// maxBody is the largest body in bytes: of files, each with the head of its part, and what stands beside them.
const maxBody = maxFiles*(credential.MaxSize+1<<10) + maxToken + 16<<10

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "validateCredentials", Method: http.MethodPost, Path: path, Tags: []string{"credentials"},
		Summary: "Judge a credential file",
		Description: "Says all that is wrong with an azure_credentials.json at once, each with its place, a stable " +
			"code and a remedy. " +
			"The answer is 200 whatever the verdict. The file is not stored, and no secret in it is repeated. " +
			"A form may have up to 20 files, which are judged one by one: the answer is then reports, one for each.",
		Responses: map[string]*huma.Response{"200": {Description: "The report, or one for each of several files",
			Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{
				problem.Schema[assessment.Report](api), problem.Schema[Reports](api)}}}}}},
	}, []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity}, f.serve)
	document(api.OpenAPI().Paths[path])
}

// document describes the body in the API document. huma knows of none.
func document(item *huma.PathItem) {
	described := *item.Post
	described.RequestBody = requestBody()
	item.Post = &described
}

// requestBody describes the three ways to send a file. Its members are described, not demanded: a file without them is
// judged, not refused.
func requestBody() *huma.RequestBody {
	text := func(description string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: description}
	}
	file := &huma.Schema{Type: huma.TypeObject, Description: "azure_credentials.json, at most 8 KiB",
		Properties: map[string]*huma.Schema{
			"clientId":             text("Client id of the application or managed identity"),
			"tenantId":             text("Id of its tenant"),
			"federatedTokenIssuer": text("Claim iss of the platform's tokens"),
			"subject":              text("Claim sub of the platform's tokens"),
			"audience":             text("The cloud's token-exchange audience"),
		}}
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary",
		Description: "azure_credentials.json, at most 8 KiB"}
	several := *binary
	several.Description += "; the part may be repeated, up to 20 times"
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: file,
			Examples: map[string]*huma.Example{"template": {Summary: "A file that was never filled in",
				Value: credential.File{
					ClientID: "<APPLICATION_CLIENT_ID>", TenantID: "<TENANT_ID>",
					FederatedTokenIssuer: "https://dataloop.ai/oauth2",
					Subject:              "system:serviceaccount:dataloop:<service-name>",
					Audience:             "api://AzureADTokenExchange"}}}},
		"application/octet-stream": {Schema: binary},
		"multipart/form-data": {Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{partFile},
			Properties: map[string]*huma.Schema{
				partFile: &several, partClientID: text("What the form says, compared with the file"),
				partTenantID: text("What the form says, compared with the file"),
				partStorage:  text("As the query's storage"), partTarget: text("As the query's container"),
				partToken: {Type: huma.TypeString, WriteOnly: true, Description: "With depth access: a token of the " +
					"platform for the file's subject; sent to Entra alone, never stored, logged or repeated"},
			}}},
	}}
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	up, err := in.upload()
	if err != nil {
		return nil, err
	}
	ctx = judgement.Begin(ctx)
	reports := make([]Named, len(up.files))
	var judging errgroup.Group
	judging.SetLimit(maxAtOnce)
	for i, one := range up.files {
		judging.Go(func() error {
			r := up.request
			r.File = one.content
			report, err := f.Judge(ctx, r)
			reports[i] = Named{one.name, report}
			return err
		})
	}
	if err := judging.Wait(); err != nil {
		return nil, up.refusalOf(err)
	}
	if len(reports) == 1 {
		return &output{Body: reports[0].Report}, nil
	}
	return &output{Body: Reports{reports}}, nil
}
