package problem

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

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
