package problem

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
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

// Register adds an operation whose errors become problems. Each of the statuses, and those that the edge itself
// answers with, are declared in the API document as application/problem+json. op.RequestBody, if given, may say
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
	declare(api, &op, statuses)
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

// declare adds the error responses to the operation.
func declare(api huma.API, op *huma.Operation, statuses []int) {
	schema := Schema[Problem](api)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	// Any operation may be asked with a parameter that it does not have, and may fail.
	for _, status := range append(statuses, http.StatusBadRequest, http.StatusInternalServerError) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: meaning(status),
			Headers: map[string]*huma.Param{
				"x-ms-error-code": {Description: "The problem's code", Schema: &huma.Schema{Type: huma.TypeString}},
				"x-ms-request-id": {Description: "Names this request", Schema: &huma.Schema{Type: huma.TypeString}},
			},
			Content: map[string]*huma.MediaType{MediaType: {Schema: schema}},
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			op.Responses[strconv.Itoa(status)].Headers["Retry-After"] = &huma.Param{
				Description: "Seconds to wait before the request is sent again, where that may help",
				Schema:      &huma.Schema{Type: huma.TypeString}}
		}
	}
}

// meaning is the status in words, with the codes of requests that come with it.
func meaning(status int) string {
	codes := slices.DeleteFunc(diagnosis.RequestCodes(), func(code diagnosis.Code) bool {
		return StatusOf(code) != status
	})
	if len(codes) == 0 {
		return http.StatusText(status)
	}
	return http.StatusText(status) + ", with a code such as " + joined(codes)
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

// guard refuses parameters before huma sees them, whose own refusal has the status of a faulty body: in the query
// those that are unknown, repeated or, for a switch, not spelled out, as a mistyped dryRun must never become a real
// run; and everywhere those that break their schema. The host's function key (code) is let through.
func guard(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		location := ctx.URL()
		query, err := url.ParseQuery(location.RawQuery)
		if err != nil {
			respond(api, ctx, New(statusOutside, CodeInvalidParameter, "The query string is malformed."))
			return
		}
		findings := judgeQuery(ctx.Operation(), query)
		for _, p := range ctx.Operation().Parameters {
			if f := judgeValue(api, p, given(ctx, p, query)); f != nil && !isReported(findings, f.Pointer) {
				findings = append(findings, *f)
			}
		}
		if len(findings) > 0 {
			respond(api, ctx, New(statusOutside, findings[0].Code, findings[0].Detail, findings...))
			return
		}
		next(ctx)
	}
}

// judgeQuery finds what no schema tells of a query.
func judgeQuery(op *huma.Operation, query url.Values) []diagnosis.Finding {
	var findings []diagnosis.Finding
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if name == "code" {
			continue
		}
		known := slices.IndexFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		finding := diagnosis.Finding{Pointer: pointer("query", name), Code: CodeInvalidParameter}
		switch values := query[name]; {
		case known < 0:
			finding.Detail, finding.Expected = "There is no such query parameter here.", expectedQuery(op, name)
		case len(values) > 1 && op.Parameters[known].Schema.Type != huma.TypeArray:
			finding.Detail = "The query parameter is given more than once."
		case op.Parameters[known].Schema.Type == huma.TypeBoolean && values[0] != "true" && values[0] != "false":
			finding.Detail, finding.Expected = "The query parameter is a switch.", "true or false"
		default:
			continue
		}
		findings = append(findings, finding)
	}
	return findings
}

// expectedQuery is the parameter that an unknown name differs from by case only, else all that the operation has.
func expectedQuery(op *huma.Operation, name string) string {
	var known []string
	for _, p := range op.Parameters {
		switch {
		case p.In != "query":
		case strings.EqualFold(p.Name, name):
			return p.Name
		default:
			known = append(known, p.Name)
		}
	}
	if len(known) == 0 {
		return "no query parameter"
	}
	return "one of " + strings.Join(known, ", ")
}

func isReported(findings []diagnosis.Finding, pointer string) bool {
	return slices.ContainsFunc(findings, func(f diagnosis.Finding) bool { return f.Pointer == pointer })
}

// given is the value of a parameter as it was sent; empty where it was not.
func given(ctx huma.Context, p *huma.Param, query url.Values) string {
	switch p.In {
	case "query":
		return query.Get(p.Name)
	case "header":
		return ctx.Header(p.Name)
	default:
		return ctx.Param(p.Name)
	}
}

// judgeValue holds a value against the parameter's schema.
func judgeValue(api huma.API, p *huma.Param, text string) *diagnosis.Finding {
	if text == "" {
		return nil
	}
	fault := InvalidParameter(p.In, p.Name, "").Errors[0]
	var value any = text
	if p.Schema.Type == huma.TypeInteger {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			fault.Expected = "a whole number"
			return &fault
		}
		value = n
	}
	if p.Schema.Type == huma.TypeBoolean || p.Schema.Type == huma.TypeArray {
		return nil // judgeQuery has looked at the one, and the other takes any text
	}
	var result huma.ValidateResult
	huma.Validate(api.OpenAPI().Components.Schemas, p.Schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer,
		value, &result)
	if len(result.Errors) == 0 {
		return nil
	}
	var detail *huma.ErrorDetail
	if errors.As(result.Errors[0], &detail) {
		fault.Expected = expectation(detail.Message)
	}
	return &fault
}

// Transform makes a problem of huma's own errors, completes every problem that is answered, and has every diagnosis
// link to the page of its code. It is to be the API's last transformer.
func Transform(ctx huma.Context, _ string, body any) (any, error) {
	var p *Problem
	switch b := body.(type) {
	case *Problem:
		p = b
	case *huma.ErrorModel:
		p = fromHuma(b, ctx.Operation())
	default:
		return linked(body, baseOf(ctx.Context())), nil
	}
	location := ctx.URL()
	p = finish(ctx.Context(), p, location.Path)
	for name, values := range p.header() {
		ctx.SetHeader(name, values[0])
	}
	return p, nil
}

// CallerScheme is the name in the API document of how a caller is known.
const CallerScheme = "callerToken"

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
	statuses := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
		http.StatusServiceUnavailable}
	declare(api, op, slices.DeleteFunc(statuses, func(status int) bool {
		return op.Responses[strconv.Itoa(status)] != nil
	}))
}

// Respond answers with an error from within a middleware. A refusal of a caller names the scheme (RFC 6750, section
// 3).
func Respond(api huma.API, ctx huma.Context, err error) {
	p := From(err)
	switch p.Status {
	case http.StatusUnauthorized:
		ctx.SetHeader("WWW-Authenticate", challenge(p.Code))
	case http.StatusForbidden:
		ctx.SetHeader("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	}
	respond(api, ctx, p)
}

func challenge(code diagnosis.Code) string {
	if code == diagnosis.CodeUnauthorized { // without a token there is no error to name
		return "Bearer"
	}
	return `Bearer error="invalid_token"`
}

// respond answers with a problem from within a middleware.
func respond(api huma.API, ctx huma.Context, p *Problem) {
	body, err := api.Transform(ctx, strconv.Itoa(p.Status), p)
	if err != nil {
		body = p
	}
	ctx.SetHeader("Content-Type", MediaType)
	ctx.SetStatus(p.Status)
	_ = api.Marshal(ctx.BodyWriter(), "application/json", body) // the client is gone if this fails
}

// fromHuma keeps status and location of huma's error and gives it our words. Its values and messages may repeat the
// request, so none is kept.
func fromHuma(e *huma.ErrorModel, op *huma.Operation) *Problem {
	switch e.Status {
	case http.StatusBadRequest:
		return New(e.Status, CodeMalformedBody, "A JSON body is required.")
	case http.StatusRequestEntityTooLarge:
		return New(e.Status, CodeBodyTooLarge, fmt.Sprintf("The body may have at most %d bytes.",
			op.MaxBodyBytes-1))
	case http.StatusRequestTimeout:
		return New(e.Status, CodeTimeout, "The body did not arrive whole and in time.")
	}
	p := internal()
	p.Status = e.Status
	p.cause = e
	return p
}

// expectation returns what huma expected. These messages are made of the schema; the ones that embed an error of a
// parser would repeat the value.
func expectation(message string) string {
	if rest, ok := strings.CutPrefix(message, "expected "); ok && !strings.Contains(rest, ": ") {
		return strings.TrimPrefix(rest, "value to be ")
	}
	if rest, ok := strings.CutPrefix(message, "invalid "); ok && !strings.Contains(rest, ": ") {
		return rest
	}
	return ""
}

// finish fills in what only the request knows, and notes code and cause for the log line.
func finish(ctx context.Context, p *Problem, path string) *Problem {
	done := *p
	done.RequestID, done.Instance = requestIDOf(ctx), redact.Text(path)
	done.Type = diagnosis.TypeOf(baseOf(ctx), p.Code)
	note := invocation.From(ctx)
	note.SetCode(p.Code)
	if p.Status >= http.StatusInternalServerError {
		note.SetError(p.cause)
	}
	return &done
}

func joined(codes []diagnosis.Code) string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = string(code)
	}
	return strings.Join(texts, ", ")
}
