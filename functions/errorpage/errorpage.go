// Package errorpage is the edge of GET /errors/{code}: what a code means, who mends it and how. It is anonymous, so
// that a link in a ticket opens: a page is the same for everybody, and holds nothing about tenants.
package errorpage

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/page"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

type input struct {
	Code        string `path:"code" doc:"A code, as problems have it" example:"role-missing" maxLength:"64"`
	Accept      string `header:"Accept" hidden:"true"`
	IfNoneMatch string `header:"If-None-Match" doc:"ETag of what the sender has already"`
}

type output struct {
	Status       int
	ETag         string `header:"ETag" doc:"Version of the page"`
	ContentType  string `header:"Content-Type" hidden:"true"`
	Policy       string `header:"Content-Security-Policy" hidden:"true"`
	CacheControl string `header:"Cache-Control" hidden:"true"`
	Vary         string `header:"Vary" hidden:"true"`
	Body         []byte
}

// Register adds the operation to the API.
func Register(api huma.API) {
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	problem.Register(api, huma.Operation{
		OperationID: "getErrorPage", Method: http.MethodGet, Path: "/errors/{code}", Tags: []string{"service"},
		Summary: "What a code means",
		Description: "The page of a code: what it means, who mends it, and how. " +
			"The type of problems and diagnoses links to it. " +
			"HTML where text/html is accepted, else Markdown.",
		Security: []map[string][]string{},
		Responses: map[string]*huma.Response{"304": problem.NotModified(), "200": {Description: "The page",
			Content: map[string]*huma.MediaType{"text/html": text, "text/markdown": text}}},
	}, []int{http.StatusNotFound}, func(_ context.Context, in *input) (*output, error) { return serve(in) })
}

func serve(in *input) (*output, error) {
	found, ok := page.Of(diagnosis.Code(in.Code))
	if !ok {
		return nil, problem.New(http.StatusNotFound, problem.CodeNotFound, "There is no such code.")
	}
	out := &output{
		Policy: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'",
		CacheControl: "public, max-age=3600", Vary: "Accept",
	}
	if !isHTMLAccepted(in.Accept) {
		out.ContentType, out.Body = "text/markdown; charset=utf-8", []byte(found.Markdown())
	} else {
		body, err := found.HTML()
		if err != nil {
			return nil, err
		}
		out.ContentType, out.Body = "text/html; charset=utf-8", body
	}
	out.Status, out.ETag, out.Body = problem.Unchanged(in.IfNoneMatch, out.Body)
	return out, nil
}

// isHTMLAccepted reports whether a browser asks: it names HTML, as others seldom do.
func isHTMLAccepted(accept string) bool {
	return slices.ContainsFunc(strings.Split(accept, ","), func(one string) bool {
		media, _, _ := strings.Cut(one, ";")
		return strings.EqualFold(strings.TrimSpace(media), "text/html")
	})
}
