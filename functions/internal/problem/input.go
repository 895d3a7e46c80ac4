package problem

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// The one rule for faulty input: what is wrong outside the body (path, query, headers), or a body that is no JSON, is
// a bad request; a body that can be read and breaks the contract cannot be processed.
const (
	statusOutside  = http.StatusBadRequest
	statusUnread   = http.StatusBadRequest
	statusContract = http.StatusUnprocessableEntity
)

// IntegrationID refuses a path id that breaks the rule, and notes any other for the log line.
func IntegrationID(ctx context.Context, id string) error {
	if integration.IsValidID(id) {
		invocation.From(ctx).SetIntegration(id)
		return nil
	}
	return invalidID("3 to 50 characters: lower-case letters, digits, and single hyphens between them")
}

// OperationPath refuses an operation id in a path that no operation can have.
func OperationPath(id string) error {
	if integration.IsValidOperationID(id) {
		return nil
	}
	const code, detail = diagnosis.CodeInvalidOperationID, "The operation id in the path is not valid."
	return New(http.StatusBadRequest, code, detail, diagnosis.Finding{Pointer: "/path/id", Code: code, Detail: detail,
		Expected: "1 to 128 characters: letters, digits, dot, underscore and hyphen, beginning with a " +
			"letter or digit"})
}

func invalidID(rule string) *Problem {
	const detail = "The id in the path is not valid."
	return New(statusOutside, CodeInvalidID, detail,
		diagnosis.Finding{Pointer: "/path/id", Code: CodeInvalidID, Detail: detail, Expected: rule})
}

// InvalidParameter is the problem of a query parameter or header that breaks its rule; in is "query" or "header".
func InvalidParameter(in, name, expected string) *Problem {
	detail := "The " + in + " parameter " + name + " is not valid."
	return New(statusOutside, CodeInvalidParameter, detail,
		diagnosis.Finding{Pointer: pointer(in, name), Code: CodeInvalidParameter, Detail: detail, Expected: expected})
}

// pointer names a parameter as a JSON pointer; in is where it stands.
func pointer(in, name string) string { return redact.PointerTo("/"+in, name) }

// OperationHeader is embedded in a huma input struct for the header by which a repeated request is known.
type OperationHeader struct {
	OperationID string `header:"Operation-Id" example:"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"`
}

// LongTags are the ends of tags that are too long for a line.
func (OperationHeader) LongTags() map[string]string {
	return map[string]string{
		"OperationID": `doc:"GUID that makes the request repeatable: the same id with the same body answers the ` +
			`same operation"`,
	}
}

// Operation returns the id in its canonical form; empty where the caller sent none.
func (h OperationHeader) Operation() (string, error) {
	if h.OperationID == "" {
		return "", nil
	}
	id, err := uuid.Parse(h.OperationID)
	if err != nil || !strings.EqualFold(id.String(), h.OperationID) {
		return "", InvalidParameter("header", "Operation-Id", "a GUID such as 0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	}
	return id.String(), nil
}

// EntityTag makes an ETag header of a record's version, which may lack the quotes.
func EntityTag(version string) string {
	if version == "" || strings.HasSuffix(version, `"`) {
		return version
	}
	return `"` + version + `"`
}
