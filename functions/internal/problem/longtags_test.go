package problem_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

type Base struct {
	Size int `json:"size" minimum:"1"`
}

func (Base) LongTags() map[string]string { return map[string]string{"Size": `doc:"Its size"`} }

type made struct {
	Base
	Name  string `json:"name" doc:"Its name"`
	Code  string `json:"code,omitempty" pattern:"^[a-z]+$"`
	Inner *inner `json:"inner,omitempty"`
}

func (made) LongTags() map[string]string {
	return map[string]string{"Code": `patternDescription:"letters" doc:"Its code" example:"abc"`,
		"Inner": `doc:"More"`}
}

type inner struct {
	Own string `json:"own"`
}

func (inner) LongTags() map[string]string { return map[string]string{"Own": `doc:"Its own"`} }

type asked struct {
	Depth string `query:"depth" enum:"a,b"`
}

func (asked) LongTags() map[string]string { return map[string]string{"Depth": `doc:"How deep"`} }

type answered struct {
	After string `header:"Retry-After"`
	Body  made
}

func (answered) LongTags() map[string]string { return map[string]string{"After": `doc:"When"`} }

// TestLongTagsAreTold: the API document has the whole of a tag, whatever of it stands elsewhere.
func TestLongTagsAreTold(t *testing.T) {
	t.Parallel()
	api := humago.New(http.NewServeMux(), huma.DefaultConfig("test", "1"))
	problem.Register(api, huma.Operation{OperationID: "look", Method: http.MethodGet, Path: "/things"}, nil,
		func(context.Context, *asked) (*answered, error) { return &answered{}, nil })
	problem.CompleteTags(api.OpenAPI())
	schemas, op := api.OpenAPI().Components.Schemas.Map(), api.OpenAPI().Paths["/things"].Get
	properties := schemas["Made"].Properties
	assert.Equal(t, "Its size", properties["size"].Description)
	require.NotNil(t, properties["size"].Minimum, "what the tag itself holds stays")
	assert.Equal(t, "Its name", properties["name"].Description)
	assert.Equal(t, "Its code", properties["code"].Description)
	assert.Equal(t, []any{"abc"}, properties["code"].Examples)
	assert.Equal(t, "letters", properties["code"].PatternDescription)
	assert.Equal(t, "^[a-z]+$", properties["code"].Pattern)
	assert.Equal(t, "More", properties["inner"].Description)
	assert.Equal(t, "#/components/schemas/Inner", properties["inner"].Ref)
	assert.Equal(t, "Its own", schemas["Inner"].Properties["own"].Description)

	require.Len(t, op.Parameters, 1)
	assert.Equal(t, "How deep", op.Parameters[0].Description)
	assert.Equal(t, []any{"a", "b"}, op.Parameters[0].Schema.Enum)
	assert.Equal(t, "When", op.Responses["200"].Headers["Retry-After"].Schema.Description)
}

type mistaken struct {
	Name string `query:"name"`
}

func (mistaken) LongTags() map[string]string { return map[string]string{"Nam": `doc:"Its name"`} }

func TestALongTagOfNoFieldPanics(t *testing.T) {
	t.Parallel()
	api := humago.New(http.NewServeMux(), huma.DefaultConfig("test", "1"))
	assert.PanicsWithValue(t, "problem_test.mistaken has no field Nam", func() {
		problem.Register(api, huma.Operation{OperationID: "look", Method: http.MethodGet, Path: "/things"}, nil,
			func(context.Context, *mistaken) (*struct{}, error) { return nil, nil })
	})
}
