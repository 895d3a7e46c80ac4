// Package openapi is the edge of GET /openapi.json and GET /docs: the API document, and the same as a plain page that
// needs no script and nothing from another host.
package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

type input struct {
	IfNoneMatch string `header:"If-None-Match" doc:"ETag of what the sender has already"`
}

type output struct {
	Status      int
	ETag        string `header:"ETag" doc:"Version of the body"`
	ContentType string `header:"Content-Type" hidden:"true"`
	Policy      string `header:"Content-Security-Policy" hidden:"true"`
	Body        []byte
}

// Register adds both operations to the API. What they serve is made at the first request, when all operations are
// registered, and never changes.
func Register(api huma.API) {
	document := sync.OnceValues(func() ([]byte, error) { return Document(api) })
	page := sync.OnceValues(func() ([]byte, error) { return render(api.OpenAPI()) })
	register(api, huma.Operation{
		OperationID: "getApiDocument", Path: "/openapi.json", Summary: "This document",
		Description: "OpenAPI 3.1, for clients that are made from it.",
		Responses:   content("OpenAPI 3.1", "application/json", huma.TypeObject),
	}, func() (*output, error) {
		body, err := document()
		return &output{ContentType: "application/json", Body: body}, err
	})
	register(api, huma.Operation{
		OperationID: "getApiPage", Path: "/docs", Summary: "This document as a page",
		Description: "HTML without a script, for people.",
		Responses:   content("The page", "text/html", huma.TypeString),
	}, func() (*output, error) {
		body, err := page()
		return &output{
			ContentType: "text/html; charset=utf-8", Body: body,
			Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
				"frame-ancestors 'none'",
		}, err
	})
}

func register(api huma.API, op huma.Operation, serve func() (*output, error)) {
	op.Method, op.Tags = http.MethodGet, []string{"service"}
	problem.Register(api, op, nil, func(_ context.Context, in *input) (*output, error) {
		out, err := serve()
		if err == nil {
			out.Status, out.ETag, out.Body = problem.Unchanged(in.IfNoneMatch, out.Body)
		}
		return out, err
	})
}

func content(description, mediaType, schemaType string) map[string]*huma.Response {
	return map[string]*huma.Response{"304": problem.NotModified(), "200": {Description: description,
		Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: schemaType}}}}}
}

// Document returns the API document as indented JSON.
func Document(api huma.API) ([]byte, error) {
	body, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the API document: %w", err)
	}
	// huma's own word for a pattern is none of OpenAPI's.
	body = bytes.ReplaceAll(body, []byte(`"patternDescription":`), []byte(`"x-patternDescription":`))
	return append(body, '\n'), nil
}
