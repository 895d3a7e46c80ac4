// Package adopt is the edge of POST /integrations/{id}/import: it takes a credential file, and what it is for, out of
// the request, and answers with the document of the integration that somebody else has made, and what there is to say
// of it.
package adopt

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/adoption"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/judgement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/functions/internal/view"
)

// Function is what the edge needs.
type Function struct {
	Import func(ctx context.Context, in adoption.Import) (integration.Document, error)
	// Judge judges the file of an import that was taken.
	Judge func(ctx context.Context, r judgement.Request) (assessment.Report, error)
}

// maxAtOnce is how many storage entries are judged side by side: each may take several look-ups.
const maxAtOnce = 4

// maxToken is the largest subject token, in bytes.
const maxToken = 16 << 10

// The parts of a form.
const (
	partFile  = "file"
	partSpec  = "spec"
	partToken = "subjectToken"
)

// ImportBody is the request body. The file is judged as it was sent, so it is not decoded here.
type ImportBody struct {
	Credentials json.RawMessage             `json:"credentials,omitempty"`
	DisplayName string                      `json:"displayName,omitempty" maxLength:"256"`
	Storage     []integration.StorageAccess `json:"storage,omitempty" minItems:"1" maxItems:"20"`
	HealthCheck *integration.HealthCheck    `json:"healthCheck,omitempty" doc:"Whether and how often it is checked"`
	DDOE        *PlatformSide               `json:"ddoe,omitempty" doc:"What was made on the DDOE platform"`
	// SubjectToken is sent to Entra and to nobody else.
	SubjectToken *secret.Value `json:"subjectToken,omitempty" writeOnly:"true"`
}

// PlatformSide is what was made on the platform.
type PlatformSide struct {
	IntegrationID string `json:"integrationId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
	DriverID      string `json:"driverId,omitempty" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$"`
}

// LongTags are the ends of tags that are too long for a line.
func (PlatformSide) LongTags() map[string]string {
	return map[string]string{
		"IntegrationID": `patternDescription:"letters, digits, - and _" doc:"The integration's id on the platform"`,
		"DriverID":      `patternDescription:"letters, digits, - and _" doc:"The driver's id on the platform"`,
	}
}

// faults are those of the ids: they become parts of URLs.
func (m *PlatformSide) faults() []diagnosis.Finding {
	if m == nil {
		return nil
	}
	findings := integration.DDOEConfirmation{IntegrationID: m.IntegrationID, DriverID: m.DriverID}.Faults()
	for i := range findings {
		findings[i].Pointer = "/ddoe" + findings[i].Pointer
	}
	return findings
}

// LongTags are the ends of tags that are too long for a line.
func (ImportBody) LongTags() map[string]string {
	return map[string]string{
		"Credentials": `doc:"The credential file, azure_credentials.json, with its five members"`,
		"DisplayName": `doc:"Name to show. Default: what the identity is called in the directory, else DDOE WIF {id}"`,
		"SubjectToken": `doc:"A token of the platform for the file's subject, to judge by what the identity ` +
			`reaches; never stored, logged or repeated"`,
		"Storage": `doc:"What the identity is to reach, and what it is to do there"`,
	}
}

type input struct {
	ID string `path:"id" example:"my-service" doc:"Integration id: 3 to 50 letters, digits and single hyphens"`
	problem.JSONBody[ImportBody]
}

type output struct {
	Status int
	ETag   string `header:"ETag" doc:"Version of the spec, for If-Match"`
	Body   Imported
}

// Imported is the document of an import, and what its file was found to be.
type Imported struct {
	view.Document
	Reports []assessment.Report `json:"reports"`
}

// LongTags are the ends of tags that are too long for a line.
func (Imported) LongTags() map[string]string {
	return map[string]string{
		"Reports": `doc:"The file, judged as validate does with depth structure, or access where there is a ` +
			`subjectToken: one for each storage entry, in their order"`,
	}
}

// Register adds the operation to the API.
func (f Function) Register(api huma.API) {
	const account = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/" +
		"providers/Microsoft.Storage/storageAccounts/acmedata"
	file, _ := json.Marshal(credential.File{ClientID: "33333333-3333-4333-8333-333333333333",
		TenantID: "11111111-1111-4111-8111-111111111111", FederatedTokenIssuer: "https://dataloop.ai/oauth2",
		Subject: "system:serviceaccount:dataloop:my-service", Audience: "api://AzureADTokenExchange"})
	problem.Register(api, huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: "/integrations/{id}/import",
		Tags: []string{"integrations"}, DefaultStatus: http.StatusCreated,
		Summary: "Have an integration watched that was made by hand",
		Description: "Takes the credential file of what somebody else has made, as JSON or as a form with the file " +
			"(part file) and the rest (part spec, JSON). The integration is then checked, tested and shown in drift " +
			"like any other. Nothing of it is written in Entra, Azure or DDOE, now or later: a PUT is " +
			"refused, and a " +
			"DELETE forgets it. A faulty file is refused with all its faults. The answer has a report of all " +
			"that can be seen, and with a subjectToken of what the identity reaches.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
			Examples: map[string]*huma.Example{"file": {Summary: "A file, and the container that it is for",
				Value: ImportBody{Credentials: file, Storage: []integration.StorageAccess{{ResourceID: account,
					Container: "images", Access: integration.AccessReadWrite}}}}}}}},
		Responses: map[string]*huma.Response{"201": {Description: "Imported"}},
	}, []int{http.StatusConflict, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout}, f.serve)
}

func (f Function) serve(ctx context.Context, in *input) (*output, error) {
	if err := problem.IntegrationID(ctx, in.ID); err != nil {
		return nil, err
	}
	given, err := in.given()
	if err != nil {
		return nil, err
	}
	if token := given.SubjectToken; token != nil && (token.IsZero() || len(token.Reveal()) > maxToken) {
		return nil, refuse(diagnosis.CodeInvalidValue, "/"+partToken, "The token is empty, or longer than 16 KiB.")
	}
	if faults := given.DDOE.faults(); len(faults) > 0 {
		return nil, problem.New(http.StatusUnprocessableEntity, faults[0].Code, faults[0].Detail, faults...)
	}
	wanted := adoption.Import{ID: in.ID, File: given.Credentials, Spec: integration.Spec{
		DisplayName: given.DisplayName, Storage: given.Storage, HealthCheck: given.HealthCheck}}
	if given.DDOE != nil {
		wanted.IntegrationID, wanted.DriverID = given.DDOE.IntegrationID, given.DDOE.DriverID
	}
	d, err := f.Import(ctx, wanted)
	if err != nil {
		return nil, err
	}
	reports, err := f.judge(ctx, given, d.Spec.Storage)
	if err != nil {
		return nil, err
	}
	return &output{Status: http.StatusCreated, ETag: problem.EntityTag(integration.SpecVersion(d)),
		Body: Imported{view.DocumentOf(d), reports}}, nil
}

// judge judges the file to the deepest depth that there is a way to, for each storage entry.
func (f Function) judge(ctx context.Context, given ImportBody,
	storage []integration.StorageAccess) ([]assessment.Report, error) {
	r := judgement.Request{Depth: judgement.DepthStructure, File: given.Credentials}
	if given.SubjectToken != nil {
		r.Depth, r.Token = judgement.DepthAccess, *given.SubjectToken
	}
	reports := make([]assessment.Report, len(storage))
	var judging errgroup.Group
	judging.SetLimit(maxAtOnce)
	for i, entry := range storage {
		judging.Go(func() (err error) {
			r := r
			r.Account, r.Container, r.Access = entry.ResourceID, entry.Container, entry.Access
			reports[i], err = f.Judge(ctx, r)
			return err
		})
	}
	return reports, judging.Wait()
}

// given takes the body apart, be it JSON or a form.
func (in *input) given() (ImportBody, error) {
	media, parameters, err := mime.ParseMediaType(in.ContentType)
	if err != nil || media != "multipart/form-data" {
		given, err := in.Decode(nil)
		if err == nil && given.Credentials == nil {
			err = refuse(diagnosis.CodeMissingMember, "/credentials", "The file is missing.")
		}
		return given, err
	}
	if p := problem.Uncompressed(in.ContentEncoding); p != nil {
		return ImportBody{}, p
	}
	parts, err := readForm(in.RawBody, parameters["boundary"])
	if err != nil {
		return ImportBody{}, err
	}
	spec := problem.JSONBody[ImportBody]{RawBody: parts[partSpec]}
	var given ImportBody
	if !spec.IsEmpty() {
		if given, err = spec.Decode(nil); err != nil {
			return given, err
		}
	}
	switch {
	case given.Credentials != nil:
		return given, refuse(diagnosis.CodeInvalidCombination, "/credentials", "The file stands in a part of its own.")
	case parts[partFile] == nil:
		return given, refuse(diagnosis.CodeMissingMember, "/"+partFile, "The part file is missing.")
	case given.SubjectToken != nil && parts[partToken] != nil:
		return given, refuse(diagnosis.CodeInvalidCombination, "/"+partToken, "The token stands in two places.")
	}
	if token := parts[partToken]; token != nil {
		value := secret.New(string(token))
		given.SubjectToken = &value
	}
	given.Credentials = parts[partFile]
	return given, nil
}

// readForm reads a form of known parts, each at most once.
func readForm(body []byte, boundary string) (map[string][]byte, error) {
	parts := map[string][]byte{}
	return parts, problem.ReadForm(body, boundary, func(part problem.Part) error {
		switch {
		case part.Name != partFile && part.Name != partSpec && part.Name != partToken:
			return refuse(diagnosis.CodeUnknownMember, redact.PointerTo("", part.Name),
				"The form has a part that is not known.")
		case parts[part.Name] != nil:
			return refuse(diagnosis.CodeDuplicateMember, "/"+part.Name, "The form has the part more than once.")
		}
		parts[part.Name] = part.Content
		return nil
	})
}

func refuse(code diagnosis.Code, pointer, why string) error {
	return problem.New(http.StatusUnprocessableEntity, code, why, diagnosis.Finding{Pointer: pointer, Code: code,
		Detail: why})
}
