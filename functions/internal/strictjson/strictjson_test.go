package strictjson_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

type document struct {
	Name  string   `json:"name"`
	Count int8     `json:"count,omitempty"`
	Flag  *bool    `json:"flag,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	Inner *inner   `json:"inner,omitempty"`
	Items []inner  `json:"items,omitempty"`
	Any   any      `json:"any,omitempty"`
	None  string   `json:"-"`
	Ours  int      `json:"ours,omitempty" hidden:"true"`
}

type inner struct {
	A string `json:"a/b~c"`
}

// finding is what a case expects of one finding.
type finding struct{ pointer, code, expected, actual string }

// faultyBodies are bodies with the faults that are reported.
var faultyBodies = map[string]struct {
	body     string
	code     string
	findings []finding
}{
	"nothing":         {body: "", code: "malformed-body"},
	"blanks":          {body: " \n\t", code: "malformed-body"},
	"not JSON":        {body: `{"name"`, code: "malformed-body"},
	"two values":      {body: `{} {}`, code: "malformed-body"},
	"trailing comma":  {body: `{"name":"x",}`, code: "malformed-body"},
	"comment":         {body: "{} // x", code: "malformed-body"},
	"byte order mark": {body: "\xef\xbb\xbf{}", code: "malformed-body"},
	"not UTF-8":       {body: "{\"name\":\"\xff\"}", code: "malformed-body"},
	"too deep": {body: `{"any":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		code: "nested-too-deep"},
	"an array": {body: `[]`, code: "wrong-type",
		findings: []finding{{"", "wrong-type", "object", "array"}}},
	"null": {body: `null`, code: "wrong-type",
		findings: []finding{{"", "wrong-type", "object", "null"}}},
	"unknown member": {body: `{"nme":"x"}`, code: "unknown-member",
		findings: []finding{{"/nme", "unknown-member", "one of name, count, flag, tags, inner, items, any", ""}}},
	"another case": {body: `{"NAME":"x"}`, code: "unknown-member",
		findings: []finding{{"/NAME", "unknown-member", "name", ""}}},
	"a Go field's name": {body: `{"own":"x","None":"x","-":"x"}`, code: "unknown-member",
		findings: []finding{{"/own", "unknown-member", "", ""}, {"/None", "unknown-member", "", ""},
			{"/-", "unknown-member", "", ""}}},
	"repeated member": {body: `{"name":"x","name":"y"}`, code: "duplicate-member",
		findings: []finding{{"/name", "duplicate-member", "", ""}}},
	"repeated in free form": {body: `{"any":{"x":1,"x":2}}`, code: "duplicate-member",
		findings: []finding{{"/any/x", "duplicate-member", "", ""}}},
	"repeated in unknown": {body: `{"new":{"x":1,"x":2}}`, code: "unknown-member",
		findings: []finding{{"/new", "unknown-member", "", ""}, {"/new/x", "duplicate-member", "", ""}}},
	"string for a list": {body: `{"tags":"x"}`, code: "wrong-type",
		findings: []finding{{"/tags", "wrong-type", "array", "string"}}},
	"number in a list": {body: `{"tags":["x",1]}`, code: "wrong-type",
		findings: []finding{{"/tags/1", "wrong-type", "string", "number"}}},
	"null in a list": {body: `{"items":[null]}`, code: "wrong-type",
		findings: []finding{{"/items/0", "wrong-type", "object", "null"}}},
	"object for a string": {body: `{"name":{"x":1}}`, code: "wrong-type",
		findings: []finding{{"/name", "wrong-type", "string", "object"}}},
	"string for a switch": {body: `{"flag":"true"}`, code: "wrong-type",
		findings: []finding{{"/flag", "wrong-type", "boolean", "string"}}},
	"number out of range": {body: `{"count":300}`, code: "wrong-type",
		findings: []finding{{"/count", "wrong-type", "int8", ""}}},
	"escaped pointer": {body: `{"inner":{"a/b~c":1}}`, code: "wrong-type",
		findings: []finding{{"/inner/a~1b~0c", "wrong-type", "string", "number"}}},
	"nested unknown member": {body: `{"items":[{},{"b":1}]}`, code: "unknown-member",
		findings: []finding{{"/items/1/b", "unknown-member", "", ""}}},
	"several faults in document": {body: `{"tags":1,"x":1,"name":2}`, code: "wrong-type",
		findings: []finding{{"/tags", "wrong-type", "array", "number"}, {"/x", "unknown-member", "", ""},
			{"/name", "wrong-type", "string", "number"}}},
}

func TestDecodeReportsEveryFault(t *testing.T) {
	for name, c := range faultyBodies {
		t.Run(name, func(t *testing.T) {
			var d document
			var p *strictjson.Error
			require.ErrorAs(t, strictjson.Decode([]byte(c.body), &d), &p)
			assert.NotEmpty(t, p.Detail)
			assert.Equal(t, c.code, string(p.Code))
			require.Len(t, p.Findings, len(c.findings))
			for i, want := range c.findings {
				got := p.Findings[i]
				assert.Equal(t, want.pointer, got.Pointer)
				assert.Equal(t, want.code, string(got.Code))
				assert.Equal(t, want.actual, got.Actual)
				if want.expected != "" {
					assert.Equal(t, want.expected, got.Expected)
				}
			}
			assert.Zero(t, d, "nothing is decoded of a faulty body")
		})
	}
}

func TestDecodeTakesWhatFits(t *testing.T) {
	var d document
	require.NoError(t, strictjson.Decode([]byte(` {"name":"x","flag":null,"tags":null,"inner":{"a/b~c":"y"},`+
		`"items":[{}],"any":[1,"x",null]} `), &d))
	assert.Equal(t, document{Name: "x", Inner: &inner{A: "y"}, Items: []inner{{}}, Any: []any{1.0, "x", nil}}, d)
}

func TestDecodeBoundsItsAnswer(t *testing.T) {
	body := `{"tags":[` + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + `]}`
	var p *strictjson.Error
	require.ErrorAs(t, strictjson.Decode([]byte(body), new(document)), &p)
	assert.Len(t, p.Findings, 50)
}

func TestDecodeRepeatsNoValue(t *testing.T) {
	const planted = "planted-secret"
	for _, body := range []string{
		`{"flag":"` + planted + `"}`, `{"new":"` + planted + `"}`, `{"name":"` + planted + `","name":"` +
			planted + `"}`,
		`{"count":"` + planted + `"}`, planted, `{"name":"` + planted,
	} {
		err := strictjson.Decode([]byte(body), new(document))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), planted)
		var p *strictjson.Error
		require.ErrorAs(t, err, &p)
		for _, f := range p.Findings {
			assert.NotContains(t, f.Actual+f.Detail+f.Expected+f.Pointer, planted)
		}
	}
}

// TestDecodeRepeatsNoSecretName: a name that holds a secret is left out of the pointer, and nothing else of it.
func TestDecodeRepeatsNoSecretName(t *testing.T) {
	t.Parallel()
	const token, key = "eyAiYWxnIjoibm9uZSJ9.eyJzdWIiOiJ4In0.planted", "AccountName=a;AccountKey=planted/~="
	for name, c := range map[string]struct {
		body     string
		code     diagnosis.Code
		pointers []string
	}{
		"unknown": {`{"` + token + `":1}`, strictjson.CodeUnknownMember, []string{"/[redacted]"}},
		"by numbers": {`{"\u0065\u0079\u0041` + token[3:] + `":1}`, strictjson.CodeUnknownMember,
			[]string{"/[redacted]"}},
		"within": {`{"items":[{},{"` + key + `":1}]}`, strictjson.CodeUnknownMember, []string{"/items/1/[redacted]"}},
		"below": {`{"any":{"` + key + `":{"x":1,"x":2}}}`, strictjson.CodeDuplicateMember,
			[]string{"/any/[redacted]/x"}},
		"both": {`{"any":{"` + token + `":{"` + key + `":1,"` + key + `":2}}}`, strictjson.CodeDuplicateMember,
			[]string{"/any/[redacted]/[redacted]"}},
		"long": {`{"` + strings.Repeat("x", 100) + `":1}`, strictjson.CodeUnknownMember,
			[]string{"/" + strings.Repeat("x", 64) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *strictjson.Error
			require.ErrorAs(t, strictjson.Decode([]byte(c.body), new(document)), &p)
			assert.Equal(t, c.code, p.Code)
			var pointers []string
			for _, f := range p.Findings {
				pointers = append(pointers, f.Pointer)
			}
			assert.Equal(t, c.pointers, pointers)
		})
	}
}

// FuzzDecode holds that any input is either refused with a pointer or message, or decodes as encoding/json does.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"x"}`, `{"tags":["a"],"any":{"b":[1]}}`, `{"name":"x","name":1}`,
		`[[[`, `{"a":1e999}`, "\"\\ud800\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d document
		err := strictjson.Decode(body, &d)
		if err == nil {
			return
		}
		var p *strictjson.Error
		require.ErrorAs(t, err, &p)
		assert.Equal(t, p.Code == strictjson.CodeMalformed, len(p.Findings) == 0)
		assert.NotEmpty(t, p.Detail)
		assert.LessOrEqual(t, len(p.Findings), 50)
	})
}
