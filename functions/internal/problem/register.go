package problem

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// MaxBody is the largest request body of a JSON endpoint in bytes.
const MaxBody = 64 << 10

// JSONBody is embedded in a huma input struct for a JSON request body that is decoded strictly. huma's own decoder
// matches member names in any case, keeps the last of repeated members and repeats values in its errors; it would take
// any field named Body, hence the type's name.
type JSONBody[T any] struct {
	ContentType     string `header:"Content-Type" hidden:"true"`
	ContentEncoding string `header:"Content-Encoding" hidden:"true"`
	RawBody         []byte `contentType:"application/json"`
	// MediaTypes are those that a refusal of another one names; empty for application/json.
	MediaTypes string `json:"-"`
}

// Decode returns the body, or a *Problem that lists all its faults: those of its shape, and those that judge finds in
// what of it has the right one; nil finds nothing. A body without faults of its shape is not judged here.
func (b JSONBody[T]) Decode(judge func(T) []diagnosis.Finding) (T, error) {
	var v, fitting T
	if p := mediaType(b.ContentType, b.ContentEncoding, cmp.Or(b.MediaTypes, "application/json")); p != nil {
		return v, p
	}
	err := strictjson.Decode(b.RawBody, &v)
	var fault *strictjson.Error
	if judge != nil && errors.As(err, &fault) && len(fault.Findings) > 0 {
		_ = json.Unmarshal(b.RawBody, &fitting) // what does not fit is told already
		err = fault.With(judge(fitting))
	}
	return v, refusalOf(err)
}

// IsEmpty reports whether there is no body.
func (b JSONBody[T]) IsEmpty() bool { return len(b.RawBody) == 0 }

func (b JSONBody[T]) bodyType() reflect.Type { return reflect.TypeFor[T]() }

// bodied is what an input with a JSONBody is known by at registration.
type bodied interface{ bodyType() reflect.Type }

// Register adds an operation whose errors become problems. Each of the statuses, those of the codes that the operation
// is known for, and those that the edge itself answers with, are declared in the API document as
// application/problem+json, with the codes. op.RequestBody, if given, may say
// whether the body is required and show examples; its schema is that of the input's Body.
func Register[I, O any](api huma.API, op huma.Operation, statuses []int,
	handler func(context.Context, *I) (*O, error)) {
	var input I
	withBody, hasBody := any(input).(bodied)
	required := op.RequestBody == nil || op.RequestBody.Required
	content := contentOf(op.RequestBody)
	if hasBody {
		// huma counts a body that reaches the limit as too large.
		op.MaxBodyBytes, op.SkipValidateBody = MaxBody+1, true
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	declare(api, &op, statuses, codesOf(&op, hasBody))
	op.Middlewares = append(huma.Middlewares{guard(api)}, op.Middlewares...)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, From(err)
		}
		return out, nil
	})
	// huma adds the schema of its own error shape, which no answer here has.
	delete(api.OpenAPI().Components.Schemas.Map(), "ErrorModel")
	delete(api.OpenAPI().Components.Schemas.Map(), "ErrorDetail")
	registered := operation(api, op.Method, op.Path)
	completeParameters(api.OpenAPI().Components.Schemas, registered, reflect.TypeFor[I](), reflect.TypeFor[O]())
	if hasBody {
		registered.RequestBody.Required = required
		schema := api.OpenAPI().Components.Schemas.Schema(withBody.bodyType(), true, "")
		for _, media := range content {
			media.Schema = cmp.Or(media.Schema, schema)
		}
		registered.RequestBody.Content = content
	}
}

// contentOf are the media types of a body: JSON, and those that are given. huma changes what it is given.
func contentOf(given *huma.RequestBody) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{"application/json": {}}
	if given != nil {
		for name, media := range given.Content {
			content[name] = &huma.MediaType{Schema: media.Schema, Examples: media.Examples}
		}
	}
	return content
}

// Schema returns the API document's schema of a type.
func Schema[T any](api huma.API) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// declare adds error responses to the operation: those of the statuses, and those that the codes have.
func declare(api huma.API, op *huma.Operation, statuses []int, all []diagnosis.Code) {
	schema := Schema[Problem](api)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for text, listed := range byStatus(all, statuses) {
		status, _ := strconv.Atoi(text)
		if op.Responses[text] == nil {
			op.Responses[text] = refusal(schema, status)
		}
		list(op.Responses[text], status, listed)
	}
}

// answersThatPass are the statuses of refusals that may pass by themselves, so that waiting may help.
var answersThatPass = []int{http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable}

// refusal is the response of a status with a problem.
func refusal(schema *huma.Schema, status int) *huma.Response {
	response := &huma.Response{
		Headers: map[string]*huma.Param{
			"x-ms-error-code": {Description: "The problem's code", Schema: &huma.Schema{Type: huma.TypeString}},
			"x-ms-request-id": {Description: "Names this request", Schema: &huma.Schema{Type: huma.TypeString}},
		},
		Content: map[string]*huma.MediaType{MediaType: {Schema: schema}},
	}
	if slices.Contains(answersThatPass, status) {
		response.Headers["Retry-After"] = &huma.Param{
			Description: "Seconds to wait before the request is sent again, where that may help",
			Schema:      &huma.Schema{Type: huma.TypeString}}
	}
	return response
}

// operation finds a registered operation.
func operation(api huma.API, method, path string) *huma.Operation {
	item := api.OpenAPI().Paths[path]
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPut:
		return item.Put
	case http.MethodPost:
		return item.Post
	case http.MethodPatch:
		return item.Patch
	default:
		return item.Delete
	}
}

// Security is what an operation asks for: the function key, and where the deployment asks for it a token with the
// role.
func Security(role string) []map[string][]string {
	var ways []map[string][]string
	for _, key := range []string{"functionKey", "functionKeyInQuery"} {
		ways = append(ways, map[string][]string{key: {}})
		if role != "" {
			ways = append(ways, map[string][]string{key: {}, CallerScheme: {role}})
		}
	}
	return ways
}

// DeclareCallers adds to the API document what an operation that takes a role asks for, and how it refuses.
func DeclareCallers(api huma.API, op *huma.Operation, role string) {
	op.Security = Security(role)
	declare(api, op, nil, ofCallers)
}
