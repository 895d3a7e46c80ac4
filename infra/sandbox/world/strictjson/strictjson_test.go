package strictjson

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type base struct {
	Name string `json:"name"`
}

type sample struct {
	base
	Count  int               `json:"count"`
	On     bool              `json:"on"`
	Tags   []string          `json:"tags"`
	When   *time.Time        `json:"when"`
	Nested []base            `json:"nested"`
	Map    map[string]base   `json:"map"`
	Raw    json.RawMessage   `json:"raw"`
	Any    map[string]any    `json:"any"`
	Secret string            `json:"-"`
	Labels map[string]string `json:"labels"`
}

func TestDecodeNamesTheFaultyMember(t *testing.T) {
	for name, tc := range map[string]struct {
		body, pointer string
		unknown       bool
	}{
		"empty":               {body: " ", pointer: ""},
		"not JSON":            {body: `{"name"`, pointer: ""},
		"something follows":   {body: `{} {}`, pointer: ""},
		"not an object":       {body: `[]`, pointer: ""},
		"unknown":             {body: `{"nmae":""}`, pointer: "/nmae", unknown: true},
		"other case":          {body: `{"Name":""}`, pointer: "/Name", unknown: true},
		"hidden":              {body: `{"Secret":""}`, pointer: "/Secret", unknown: true},
		"unknown in an array": {body: `{"nested":[{},{"x":1}]}`, pointer: "/nested/1/x", unknown: true},
		"unknown in a map":    {body: `{"map":{"a/b":{"x":1}}}`, pointer: "/map/a~1b/x", unknown: true},
		"string":              {body: `{"name":1}`, pointer: "/name"},
		"number":              {body: `{"count":"1"}`, pointer: "/count"},
		"fraction":            {body: `{"count":1.5}`, pointer: "/count"},
		"bool":                {body: `{"on":"true"}`, pointer: "/on"},
		"array":               {body: `{"tags":"a"}`, pointer: "/tags"},
		"array item":          {body: `{"tags":["a",2]}`, pointer: "/tags/1"},
		"time":                {body: `{"when":"yesterday"}`, pointer: "/when"},
		"map value":           {body: `{"labels":{"a":1}}`, pointer: "/labels/a"},
	} {
		t.Run(name, func(t *testing.T) {
			var v sample
			var fault *Error
			require.ErrorAs(t, Decode([]byte(tc.body), &v), &fault)
			assert.Equal(t, tc.pointer, fault.Pointer)
			assert.Equal(t, tc.unknown, fault.Unknown)
			assert.NotEmpty(t, fault.Detail)
		})
	}
}

func TestDecodeTakesWhatFits(t *testing.T) {
	var v sample
	require.NoError(t, Decode([]byte(`{"name":"n","count":3,"tags":null,"when":"2026-01-02T03:04:05Z",`+
		`"raw":{"x":[1]},"any":{"y":{"z":1}},"nested":[{"name":"m"}]}`), &v))
	assert.Equal(t, "n", v.Name)
	assert.Equal(t, 3, v.Count)
	assert.JSONEq(t, `{"x":[1]}`, string(v.Raw))
	assert.Equal(t, "m", v.Nested[0].Name)
}
