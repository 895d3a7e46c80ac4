package problem

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// RespondAsync is the preference (RFC 7240) for an answer before the work is done. It is also the value of
// Preference-Applied.
const RespondAsync = "respond-async"

// FirstLook is when an operation that was just accepted is worth a look, in seconds.
const FirstLook = "2"

// IsAsync reads the Prefer header (RFC 7240): preferences with commas between them, each perhaps with parameters.
func IsAsync(prefer string) bool {
	for preference := range strings.SplitSeq(prefer, ",") {
		name, _, _ := strings.Cut(preference, ";")
		if strings.EqualFold(strings.TrimSpace(name), RespondAsync) {
			return true
		}
	}
	return false
}

// AsyncOutput is a huma output of work that is done at once or later: its result, or the operation that does it.
type AsyncOutput struct {
	Status            int
	OperationLocation string `header:"Operation-Location"`
	Applied           string `header:"Preference-Applied"`
	RetryAfter        string `header:"Retry-After"`
	Body              any
}

// Done answers with the result of the work.
func Done(body any) *AsyncOutput { return &AsyncOutput{Status: http.StatusOK, Body: body} }

// Later answers with the operation that does the work, and the link to it.
func Later(operation any, link string) *AsyncOutput {
	return &AsyncOutput{Status: http.StatusAccepted, OperationLocation: link, Applied: RespondAsync,
		RetryAfter: FirstLook, Body: operation}
}

// NotRepeatable refuses an operation id for what runs at once: it makes no operation that a repeated request could be
// answered with. what is "a test", for example.
func NotRepeatable(what string) error {
	detail := "Operation-Id needs Prefer: respond-async; " + what + " that runs at once makes no operation."
	p := New(http.StatusBadRequest, CodeInvalidParameter, detail,
		diagnosis.Finding{Pointer: "/header/Operation-Id", Code: CodeInvalidParameter, Detail: detail})
	p.Remedy.Steps = []string{"Send Prefer: respond-async as well, or leave Operation-Id out."}
	return p
}

// AsyncResponses are the answers of work that may be done at once or later: now is what the first one is and later
// what the operation does.
func AsyncResponses(now string, nowSchema *huma.Schema, later string, laterSchema *huma.Schema,
) map[string]*huma.Response {
	text := &huma.Schema{Type: huma.TypeString}
	content := func(schema *huma.Schema) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: schema}}
	}
	return map[string]*huma.Response{
		"200": {Description: now, Content: content(nowSchema)},
		"202": {Description: later, Content: content(laterSchema),
			Headers: map[string]*huma.Param{
				"Operation-Location": {Description: "Link to the operation", Schema: text},
				"Retry-After":        {Description: "Seconds to wait before the first look at it", Schema: text},
				"Preference-Applied": {Description: RespondAsync, Schema: text},
			}},
	}
}
