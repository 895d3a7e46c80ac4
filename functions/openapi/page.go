package openapi

import (
	"bytes"
	_ "embed" // for the page's template
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html
var pageTemplate string

// page is what the template shows.
type page struct {
	Info       *huma.Info
	Servers    []*huma.Server
	Operations []operation
	Schemas    []schema
}

type operation struct {
	*huma.Operation
	Body      *body
	Responses []response
}

type body struct {
	Required bool
	Type     template.HTML
	Examples []example
}

type example struct{ Summary, Text string }

type response struct {
	Status, Description string
	Types               []template.HTML
	Headers             []string
}

type schema struct {
	Name, Description string
	Members           []member
}

type member struct {
	Name, Description string
	Type              template.HTML
	Required          bool
	Rules             string
}

// render makes the page of the API document.
func render(document *huma.OpenAPI) ([]byte, error) {
	parsed, err := template.New("page").Funcs(template.FuncMap{"typeOf": typeOf, "rules": rules}).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse the page's template: %w", err)
	}
	p := page{Info: document.Info, Servers: document.Servers}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		item := document.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op != nil {
				p.Operations = append(p.Operations, describe(op))
			}
		}
	}
	// The paths are in order already; what people come for stands first, as the tags are ordered.
	rank := func(o operation) int {
		return slices.IndexFunc(document.Tags, func(t *huma.Tag) bool { return slices.Contains(o.Tags, t.Name) })
	}
	slices.SortStableFunc(p.Operations, func(a, b operation) int { return rank(a) - rank(b) })
	all := document.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		described, err := describeSchema(name, all[name])
		if err != nil {
			return nil, err
		}
		p.Schemas = append(p.Schemas, described)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return out.Bytes(), nil
}

func describe(op *huma.Operation) operation {
	o := operation{Operation: op}
	if op.RequestBody != nil {
		media := op.RequestBody.Content["application/json"]
		o.Body = &body{Required: op.RequestBody.Required, Type: typeOf(media.Schema)}
		for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
			// What the program itself made can be encoded.
			text, _ := json.MarshalIndent(media.Examples[name].Value, "", "  ")
			o.Body.Examples = append(o.Body.Examples, example{media.Examples[name].Summary, string(text)})
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		described := response{Status: status, Description: r.Description, Headers: slices.Sorted(maps.Keys(r.Headers))}
		for _, mediaType := range slices.Sorted(maps.Keys(r.Content)) {
			described.Types = append(described.Types, typeOf(r.Content[mediaType].Schema))
		}
		o.Responses = append(o.Responses, described)
	}
	return o
}

// describeSchema shows the members that the JSON document shows: huma tells by the encoding alone which are hidden.
func describeSchema(name string, s *huma.Schema) (schema, error) {
	encoded, err := json.Marshal(s)
	if err != nil {
		return schema{}, fmt.Errorf("encode schema %s: %w", name, err)
	}
	var served struct{ Properties map[string]json.RawMessage }
	if err := json.Unmarshal(encoded, &served); err != nil {
		return schema{}, fmt.Errorf("decode schema %s: %w", name, err)
	}
	described := schema{Name: name, Description: s.Description}
	for _, property := range slices.Sorted(maps.Keys(served.Properties)) {
		p := s.Properties[property]
		described.Members = append(described.Members, member{
			Name: property, Description: p.Description, Type: typeOf(p), Required: slices.Contains(s.Required,
				property), Rules: rules(p),
		})
	}
	return described, nil
}

// typeOf names a schema's type; named types link to their table.
func typeOf(s *huma.Schema) template.HTML {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		name := template.HTMLEscapeString(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
		return template.HTML(`<a href="#` + name + `">` + name + `</a>`) // escaped above
	case len(s.OneOf) > 0:
		names := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			names[i] = string(typeOf(one))
		}
		return template.HTML(strings.Join(names, " or ")) // made of escaped names
	case s.Type == huma.TypeArray:
		return "array of " + typeOf(s.Items)
	case s.Type == "":
		return "any"
	default:
		return template.HTML(template.HTMLEscapeString(s.Type))
	}
}

// rules tells a schema's limits in words.
func rules(s *huma.Schema) string {
	var words []string
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = fmt.Sprint(v)
		}
		words = append(words, "one of "+strings.Join(values, ", "))
	}
	if s.Format != "" {
		words = append(words, s.Format)
	}
	words = appendRange(words, s.MinLength, s.MaxLength, " characters")
	words = appendRange(words, s.MinItems, s.MaxItems, " entries")
	if s.PatternDescription != "" {
		words = append(words, s.PatternDescription)
	}
	words = appendRange(words, s.Minimum, s.Maximum, "")
	if s.Default != nil {
		words = append(words, fmt.Sprintf("default %v", s.Default))
	}
	return strings.Join(words, "; ")
}

// appendRange tells how many of something there may be, or how much; nothing where both bounds are open.
func appendRange[N int | float64](words []string, least, most *N, unit string) []string {
	switch {
	case least != nil && most != nil:
		return append(words, fmt.Sprintf("%v to %v%s", *least, *most, unit))
	case most != nil:
		return append(words, fmt.Sprintf("at most %v%s", *most, unit))
	case least != nil:
		return append(words, fmt.Sprintf("at least %v%s", *least, unit))
	default:
		return words
	}
}

// IsAnonymous reports whether the operation needs no key.
func (o operation) IsAnonymous() bool { return o.Security != nil && len(o.Security) == 0 }
