package functions

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

const (
	// prefix is the route prefix of the Functions host.
	prefix = "/api"
	// apiVersion is the version of the HTTP contract, not of the build.
	apiVersion = "1.0.0"
)

// baseURL is what links are built from: absolute where the public base URL is known, else a path.
func baseURL(public string) string { return public + prefix }

// newAPI returns the API of the HTTP functions on its mux.
func newAPI(public string, entrance door.Door, limit *door.Limiter, entries []entry) (*http.ServeMux, huma.API) {
	mux := http.NewServeMux()
	api := humago.NewWithPrefix(mux, prefix, configuration(public))
	for _, e := range entries {
		if e.register != nil {
			e.register(guarded(api, entrance, limit, e))
		}
	}
	problem.CompleteTags(api.OpenAPI())
	letAnswersGrow(api.OpenAPI())
	limitTags(api.OpenAPI())
	addSpecPatch(api.OpenAPI())
	return mux, api
}

// guarded is the API of one function: each of its routes notes the function's name for the log line, and lets in who
// has the function's role and has not sent too many requests. A function without a role is open to all.
func guarded(api huma.API, entrance door.Door, limit *door.Limiter, e entry) huma.API {
	group := huma.NewGroup(api)
	group.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) {
		invocation.From(ctx.Context()).SetFunction(e.Name)
		if e.role == "" {
			next(ctx)
			return
		}
		who, err := entrance.Admit(ctx.Context(), ctx.Header("Authorization"), e.role)
		invocation.From(ctx.Context()).SetCaller(who.ID)
		if err != nil {
			problem.Respond(api, ctx, err)
			return
		}
		if wait := limit.Wait(who.ID); wait > 0 {
			problem.Respond(api, ctx, problem.RateLimited(wait))
			return
		}
		next(huma.WithContext(ctx, caller.With(ctx.Context(), who)))
	})
	if e.role != "" {
		group.UseSimpleModifier(func(op *huma.Operation) { problem.DeclareCallers(api, op, string(e.role)) })
	}
	return group
}

// configuration is the API document's frame, and how bodies are read and written.
func configuration(public string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				License: &huma.License{Name: "MIT", Identifier: "MIT"},
				Title:   "DDOE Azure WIF", Version: apiVersion,
				Description: "Gives DDOE services keyless access to Azure Blob Storage by Workload Identity " +
					"Federation. " +
					"Changes are long-running: they answer with an Operation-Location to poll. " +
					"Errors are application/problem+json (RFC 9457) with a stable code, which the header " +
					"x-ms-error-code repeats. " +
					"Every answer carries x-ms-request-id.",
			},
			Servers: []*huma.Server{{URL: baseURL(public)}},
			Tags: []*huma.Tag{
				{Name: "integrations", Description: "One DDOE workload identity's access to Azure storage"},
				{Name: "operations", Description: "Long-running work"},
				{Name: "credentials", Description: "The file azure_credentials.json"},
				{Name: "service", Description: "The service itself"},
			},
			Security: problem.Security(""),
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"functionKey": {Type: "apiKey", In: "header", Name: "x-functions-key",
						Description: "A function or host key of the Functions app"},
					problem.CallerScheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT",
						Description: "An Entra access token of version 1 or 2 for the audience of the setting " +
							"AUTH_AUDIENCE, with one of the app roles Wif.Read, Wif.Operate (which includes " +
							"Wif.Read) and Wif.Admin (which includes both). Asked for, beside the function key, " +
							"where the setting is set"},
					"functionKeyInQuery": {Type: "apiKey", In: "query", Name: "code",
						Description: "The same in the query; prefer the header, which is not logged on the way"},
				},
			},
		},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat,
			"json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{problem.Transform},
	}
}

// letAnswersGrow takes "no other members" out of every schema that no request body has: the contract may gain members,
// and a client made from the document must take them. Requests stay strict.
func letAnswersGrow(document *huma.OpenAPI) {
	strict := map[string]bool{}
	for _, path := range document.Paths {
		for _, op := range []*huma.Operation{path.Put, path.Post, path.Patch} {
			if op != nil && op.RequestBody != nil {
				reach(document.Components.Schemas, op.RequestBody.Content["application/json"].Schema, strict)
			}
		}
	}
	for name, schema := range document.Components.Schemas.Map() {
		if !strict[name] {
			schema.AdditionalProperties = nil
		}
	}
}

// limitTags adds to the document what struct tags cannot say of a map: the limits of its names and values.
func limitTags(document *huma.OpenAPI) {
	tags := document.Components.Schemas.Map()["Spec"].Properties["tags"]
	longest := 256
	tags.AdditionalProperties = &huma.Schema{Type: huma.TypeString, MaxLength: &longest}
	tags.Extensions = map[string]any{"propertyNames": map[string]any{"pattern": "^[A-Za-z0-9._-]{1,64}$"}}
}

// addSpecPatch adds the schema of a patch: that of a spec, with each member optional, and null in its place allowed.
func addSpecPatch(document *huma.OpenAPI) {
	schemas := document.Components.Schemas.Map()
	patch := *schemas["Spec"]
	patch.Required, patch.Properties = nil, map[string]*huma.Schema{}
	for member, schema := range schemas["Spec"].Properties {
		patch.Properties[member] = &huma.Schema{AnyOf: []*huma.Schema{schema, {Type: "null"}},
			Description: schema.Description}
	}
	schemas["SpecPatch"] = &patch
}

// reach notes the names of all schemas that s refers to.
func reach(schemas huma.Registry, s *huma.Schema, names map[string]bool) {
	if s == nil {
		return
	}
	if name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]; name != "" && !names[name] {
		names[name] = true
		reach(schemas, schemas.SchemaFromRef(s.Ref), names)
	}
	reach(schemas, s.Items, names)
	for _, property := range s.Properties {
		reach(schemas, property, names)
	}
}
