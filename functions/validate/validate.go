// Package validate is the edge of POST /credentials/validate: it takes an uploaded credential file out of the request,
// has it judged, and answers with the report, whatever the verdict.
package validate

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/structure"
)

// Function is what the edge needs.
type Function struct {
	// Lint judges a file by itself. It repeats no secret.
	Lint func(file []byte, form credential.Form) assessment.Report
	// Discover judges a file by itself and by what the internet says. The account is a resource id or a URL, the
	// container a name; both may be empty. The error is a *diagnosis.Error about what names the storage.
	Discover func(ctx context.Context, file []byte, form credential.Form, account,
		container string) (assessment.Report, error)
	// Structure is Discover, and judges by what the service may see in Entra and Azure.
	Structure func(ctx context.Context, r structure.Request) (assessment.Report, error)
}

const (
	depthFile      = "file"
	depthStructure = "structure"
)

// input is decoded by hand: huma would have one body type, and would read a form into files on disk.
type input struct {
	Depth           string `query:"depth" enum:"file,discovery,structure" default:"file"`
	Storage         string `query:"storage" maxLength:"600"`
	Container       string `query:"container" maxLength:"63"`
	Access          string `query:"access" enum:"read,readWrite"`
	ContentType     string `header:"Content-Type" hidden:"true"`
	ContentEncoding string `header:"Content-Encoding" hidden:"true"`
	RawBody         []byte
}

// LongTags are the ends of tags that are too long for a line.
func (input) LongTags() map[string]string {
	return map[string]string{
		"Depth": `doc:"How deep to look. file: the file by itself, without the network. discovery: and what the ` +
			`internet says of its tenant, its issuer and the storage, without a credential; up to 8 seconds. ` +
			`structure: and what the service may see of its client, federated credentials, roles and storage in ` +
			`Entra and Azure"`,
		"Access": `doc:"With depth structure: what the identity is to do in the container; default readWrite, as ` +
			`the platform's driver writes a file"`,
		"Storage": `doc:"With depth discovery or structure: the storage account to look at, by resource id or ` +
			`the URL of its ` +
			`blob endpoint; a form may have it as a part"`,
		"Container": `doc:"With storage: the container"`,
	}
}

type output struct {
	Body assessment.Report
}

const path = "/credentials/validate"

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	problem.Register(api, huma.Operation{
		OperationID: "validateCredentials", Method: http.MethodPost, Path: path, Tags: []string{"credentials"},
		Summary: "Judge a credential file",
		Description: "Says all that is wrong with an azure_credentials.json at once, each with its place, a stable " +
			"code and a remedy. " +
			"The answer is 200 whatever the verdict. The file is not stored, and no secret in it is repeated.",
		// What is above the file's own limit is left for the parts of a form. huma counts a body that reaches the
		// limit as too large.
		MaxBodyBytes: problem.MaxBody + 1, SkipValidateBody: true,
		Responses: map[string]*huma.Response{"200": {Description: "The report"}},
	}, []int{http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity}, f.serve)
	document(api.OpenAPI().Paths[path])
}

// document describes the body in the API document. huma is left to think that there need not be one: its own refusal
// would speak of JSON.
func document(item *huma.PathItem) {
	item.Post.RequestBody.Required = false
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
				partFile: binary, partClientID: text("What the form says, compared with the file"),
				partTenantID: text("What the form says, compared with the file"),
				partStorage:  text("As the query's storage"), partTarget: text("As the query's container"),
			}}},
	}}
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	up, err := in.upload()
	if err != nil {
		return nil, err
	}
	named := up.storage != "" || up.container != ""
	switch {
	case in.Depth == depthFile && named:
		return nil, combination(partStorage, "The storage is looked at with depth=discovery or structure alone.")
	case in.Depth != depthStructure && in.Access != "":
		return nil, combination("access", "Rights are looked at with depth=structure alone.")
	case in.Depth == depthFile:
		return &output{Body: f.Lint(up.file, up.form)}, nil
	case in.Depth == depthStructure:
		report, err := f.Structure(ctx, structure.Request{File: up.file, Form: up.form, Account: up.storage,
			Container: up.container, Access: integration.Access(in.Access)})
		return &output{Body: report}, err
	}
	report, err := f.Discover(ctx, up.file, up.form, up.storage, up.container)
	return &output{Body: report}, err
}
