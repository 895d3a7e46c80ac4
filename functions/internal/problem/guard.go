package problem

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

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
