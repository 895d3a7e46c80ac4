package problem

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// longTags is a struct that has more to tell of its fields than their tags have room for: a tag is one literal, and
// cannot be broken.
type longTags interface {
	// LongTags are the ends of tags, by the field's name, such as `doc:"…"`.
	LongTags() map[string]string
}

// longFields are the fields of a struct, and of those that it embeds, whose tags have an end elsewhere, with the whole
// of their tags. It panics where such a field does not exist, as huma does with a tag that it cannot read.
func longFields(t reflect.Type) []reflect.StructField {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var fields []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			fields = append(fields, longFields(f.Type)...)
		}
	}
	long, isLong := reflect.New(t).Interface().(longTags)
	if !isLong {
		return fields
	}
	ends := long.LongTags()
	for _, name := range slices.Sorted(maps.Keys(ends)) {
		f, isThere := t.FieldByName(name)
		if !isThere {
			panic(fmt.Sprintf("%s has no field %s", t, name))
		}
		f.Tag = reflect.StructTag(string(f.Tag) + " " + ends[name])
		fields = append(fields, f)
	}
	return fields
}

// CompleteTags puts into the schemas of the API document what LongTags of their types have to tell. It is called once,
// when all operations are registered.
func CompleteTags(document *huma.OpenAPI) {
	schemas := document.Components.Schemas
	for _, name := range slices.Sorted(maps.Keys(schemas.Map())) {
		for _, f := range longFields(schemas.TypeFromRef("#/components/schemas/" + name)) {
			member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			properties := schemas.Map()[name].Properties
			known := properties[member]
			if known == nil {
				panic(fmt.Sprintf("schema %s has no property %s", name, member))
			}
			properties[member] = huma.SchemaFromField(schemas, f, "")
			properties[member].Nullable = known.Nullable // huma decides that by more than the field
		}
	}
}

// completeParameters does the same for the parameters of an operation, and for the headers of its answers.
func completeParameters(schemas huma.Registry, op *huma.Operation, input, output reflect.Type) {
	for _, f := range longFields(input) {
		for _, p := range op.Parameters {
			if f.Tag.Get(p.In) == p.Name {
				*p.Schema = *huma.SchemaFromField(schemas, f, "") // huma judges values by this very schema
				p.Description = p.Schema.Description
			}
		}
	}
	for _, f := range longFields(output) {
		for _, response := range op.Responses {
			if header := response.Headers[f.Tag.Get("header")]; header != nil {
				header.Schema = huma.SchemaFromField(schemas, f, "")
			}
		}
	}
}
