package strictjson_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
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

	Pair   [2]inner         `json:"pair,omitzero"`
	Table  map[string]inner `json:"table,omitempty"`
	Counts map[string]int8  `json:"counts,omitempty"`
	Real   float32          `json:"real,omitempty"`
	Size   uint8            `json:"size,omitempty"`
	When   time.Time        `json:"when,omitzero"`
	Key    word             `json:"key,omitzero"`
	Raw    json.RawMessage  `json:"raw,omitempty"`
	Plain  string
}

// word takes lower-case letters.
type word struct{ text string }

var errWord = errors.New("planted-secret")

func (w *word) UnmarshalText(text []byte) error {
	if string(text) != strings.ToLower(string(text)) {
		return errWord
	}
	w.text = string(text)
	return nil
}

type inner struct {
	A string `json:"a/b~c"`
}

// names are those that others may send, in the order of the type.
const names = "name, count, flag, tags, inner, items, any, pair, table, counts, real, size, when, key, raw"

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
		findings: []finding{{"/nme", "unknown-member", "one of " + names, ""}}},
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
	"two members repeated": {body: `{"name":"x","flag":true,"flag":true,"name":"y","name":"z"}`,
		code: "duplicate-member",
		findings: []finding{{"/flag", "duplicate-member", "", ""}, {"/name", "duplicate-member", "", ""},
			{"/name", "duplicate-member", "", ""}}},
	"repeated in a list": {body: `{"any":[{"x":1},{"x":1,"x":2}]}`, code: "duplicate-member",
		findings: []finding{{"/any/1/x", "duplicate-member", "", ""}}},
	"repeated below an entry of the wrong type": {body: `{"tags":["x",{"a":[{"x":1,"x":2}]}]}`, code: "wrong-type",
		findings: []finding{{"/tags/1", "wrong-type", "string", "object"},
			{"/tags/1/a/0/x", "duplicate-member", "", ""}}},
	"a hidden name in another case": {body: `{"Ours":1}`, code: "unknown-member",
		findings: []finding{{"/Ours", "unknown-member", "one of " + names, ""}}},
	"a name that is empty": {body: `{"":1}`, code: "unknown-member",
		findings: []finding{{"/", "unknown-member", "one of " + names, ""}}},
	"a list in a pair": {body: `{"pair":[{},[]]}`, code: "wrong-type",
		findings: []finding{{"/pair/1", "wrong-type", "object", "array"}}},
	"null in a list of words": {body: `{"tags":["x",null,null]}`, code: "wrong-type",
		findings: []finding{{"/tags/1", "wrong-type", "string", "null"}, {"/tags/2", "wrong-type", "string", "null"}}},
	"unknown in a table": {body: `{"table":{"a":{},"0":{"b":1},"c":7}}`, code: "unknown-member",
		findings: []finding{{"/table/0/b", "unknown-member", "one of a/b~c", ""},
			{"/table/c", "wrong-type", "object", "number"}}},
	"list for an object": {body: `{"inner":[],"table":[1]}`, code: "wrong-type",
		findings: []finding{{"/inner", "wrong-type", "object", "array"},
			{"/table", "wrong-type", "object", "array"}}},
	"switch for a number": {body: `{"count":true,"real":false,"size":true}`, code: "wrong-type",
		findings: []finding{{"/count", "wrong-type", "number", "boolean"},
			{"/real", "wrong-type", "number", "boolean"},
			{"/size", "wrong-type", "number", "boolean"}}},
	"number for a text of its own": {body: `{"key":7,"name":"x"}`, code: "wrong-type",
		findings: []finding{{"/key", "wrong-type", "string", "number"}}},
	"a text that its type refuses":  {body: `{"name":"x","key":"ABC"}`, code: "malformed-body"},
	"a value that its type refuses": {body: `{"name":"x","when":"yesterday"}`, code: "malformed-body"},
	"numbers out of range": {body: `{"name":"x","counts":{"a":127,"b.c/d":128},"size":-1,"real":1e39,"count":1.5}`,
		code: "wrong-type", findings: []finding{{"/counts/b.c~1d", "wrong-type", "int8", ""},
			{"/size", "wrong-type", "uint8", ""}, {"/real", "wrong-type", "float32", ""},
			{"/count", "wrong-type", "int8", ""}}},
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

var update = flag.Bool("update", false, "rewrite testdata/errors.txt")

func TestDecodeReportsEveryFault(t *testing.T) {
	t.Parallel()
	for name, c := range faultyBodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p *strictjson.Error
			var d document
			require.ErrorAs(t, strictjson.Decode([]byte(c.body), &d), &p)
			assert.Equal(t, c.code, string(p.Code))
			var got []finding
			for i, f := range p.Findings {
				one := finding{f.Pointer, string(f.Code), f.Expected, f.Actual}
				if i < len(c.findings) && c.findings[i].expected == "" && f.Code == "unknown-member" {
					one.expected = ""
				}
				got = append(got, one)
			}
			assert.Equal(t, c.findings, got)
			assert.Zero(t, d, "nothing is decoded of a faulty body")
		})
	}
}

// TestErrorsAreToldWhole holds every error against testdata/errors.txt, all its words included.
func TestErrorsAreToldWhole(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(faultyBodies)) {
		var p *strictjson.Error
		require.ErrorAs(t, strictjson.Decode([]byte(faultyBodies[name].body), new(document)), &p)
		assert.Equal(t, string(p.Code)+": "+p.Detail, p.Error())
		_, _ = fmt.Fprintf(&out, "%s\n\t%s\n", name, p.Error())
		for _, f := range p.Findings {
			_, _ = fmt.Fprintf(&out, "\t%s %s %s expected %q, actual %q\n", f.Pointer, f.Code, f.Detail, f.Expected,
				f.Actual)
		}
	}
	golden := filepath.Join("testdata", "errors.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644)) //nolint:gosec // nothing to hide
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "go test -update accepts the change")
}

// TestTheCauseIsKept where a type of its own refuses a value, beside words that repeat nothing of the body.
func TestTheCauseIsKept(t *testing.T) {
	t.Parallel()
	err := strictjson.Decode([]byte(`{"key":"ABC"}`), new(document))
	require.ErrorIs(t, err, errWord)
	assert.NotContains(t, err.Error(), errWord.Error())
}

func TestDecodeTakesWhatFits(t *testing.T) {
	t.Parallel()
	var d document
	require.NoError(t, strictjson.Decode([]byte(` {"name":"x","count":-128,"flag":null,"tags":null,
		"inner":{"a/b~c":"y"},"items":[{}],"any":[1,"x",null],"ours":7,"pair":[{"a/b~c":"z"}],
		"table":{"0":null,"b":{"a/b~c":"v"}},"counts":{"a":127},"real":1.5,"size":255,
		"when":"2026-01-02T03:04:05Z","key":"abc","raw":{"x":[]}} `), &d))
	assert.Equal(t, document{Name: "x", Count: -128, Inner: &inner{A: "y"}, Items: []inner{{}}, Any: []any{1.0, "x",
		nil}, Ours: 7, Pair: [2]inner{{A: "z"}}, Table: map[string]inner{"0": {}, "b": {A: "v"}},
		Counts: map[string]int8{"a": 127}, Real: 1.5, Size: 255, When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Key: word{"abc"}, Raw: json.RawMessage(`{"x":[]}`)}, d)
}

// TestWhatWasThereStays where the body does not name it, and all of it where the body is faulty.
func TestWhatWasThereStays(t *testing.T) {
	t.Parallel()
	d := document{Name: "before", Count: 1}
	require.NoError(t, strictjson.Decode([]byte(`{"count":2}`), &d))
	assert.Equal(t, document{Name: "before", Count: 2}, d)
	for _, c := range faultyBodies {
		require.Error(t, strictjson.Decode([]byte(c.body), &d))
		assert.Equal(t, document{Name: "before", Count: 2}, d)
	}
}

// TestDecodeTakesAnyRoot: a list or a plain value is read as strictly as an object.
func TestDecodeTakesAnyRoot(t *testing.T) {
	t.Parallel()
	var list []inner
	require.NoError(t, strictjson.Decode([]byte(`[{},{"a/b~c":"x"}]`), &list))
	assert.Equal(t, []inner{{}, {A: "x"}}, list)
	var raw json.RawMessage
	require.NoError(t, strictjson.Decode([]byte(`[1]`), &raw))
	assert.Equal(t, `[1]`, string(raw))
	var p *strictjson.Error
	require.ErrorAs(t, strictjson.Decode([]byte(`[{},{"b":"x"}]`), &list), &p)
	assert.Equal(t, "/1/b", p.Findings[0].Pointer)
	assert.Len(t, list, 2)
}

// TestDepth has the exact limit: brackets of both kinds count, open ones alone, and none in a string.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(open, shut string, n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(shut, n) }
	for name, c := range map[string]struct {
		body string
		deep bool
	}{
		"32 lists":                   {nested("[", "]", 32), false},
		"33 lists":                   {nested("[", "]", 33), true},
		"32 objects":                 {nested(`{"a":`, "}", 32), false},
		"33 objects":                 {nested(`{"a":`, "}", 33), true},
		"16 of each":                 {nested(`{"a":[`, "]}", 16), false},
		"17 of each":                 {nested(`{"a":[`, "]}", 17), true},
		"a pair too many of each":    {"[" + nested(`{"a":[`, "]}", 16) + "]", true},
		"side by side":               {"[" + strings.TrimSuffix(strings.Repeat("[{}],", 99), ",") + "]", false},
		"in a string":                {`["` + strings.Repeat("[{", 99) + `"]`, false},
		"in a name":                  {`{"` + strings.Repeat("[{", 99) + `":1}`, false},
		"shut in a string":           {strings.Repeat(`["]}",`, 33) + "1" + strings.Repeat("]", 33), true},
		"behind an escaped quote":    {`["\"` + strings.Repeat("[{", 99) + `"]`, false},
		"behind an escaped escape":   {`["\\",` + nested("[", "]", 32) + `]`, true},
		"behind a string":            {`["a",` + nested("[", "]", 31) + `]`, false},
		"an escape outside a string": {`\` + nested("[", "]", 33), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v any
			err := strictjson.Decode([]byte(c.body), &v)
			if !c.deep {
				assert.NoError(t, err)
				return
			}
			var p *strictjson.Error
			require.ErrorAs(t, err, &p)
			assert.Equal(t, strictjson.CodeTooDeep, p.Code)
			assert.Empty(t, p.Findings)
			assert.Contains(t, p.Detail, "32")
			assert.Nil(t, v)
		})
	}
}

// TestABodyThatIsCutIsNoBody, wherever it is cut.
func TestABodyThatIsCutIsNoBody(t *testing.T) {
	t.Parallel()
	const body = `{"name":"é\"\u00e9","count":-1,"flag":true,"tags":["a",null],"inner":{"a/b~c":"["},"any":[1.5,{}]}`
	cuttest.EachByte(body, func(cut string) {
		var d document
		var p *strictjson.Error
		if assert.ErrorAs(t, strictjson.Decode([]byte(cut), &d), &p, cut) {
			assert.Equal(t, strictjson.CodeMalformed, p.Code, cut)
		}
		assert.Zero(t, d, cut)
	})
}

// TestDecodeBoundsItsAnswer: of more faults than 50 the first 50 are told, and that there may be more.
func TestDecodeBoundsItsAnswer(t *testing.T) {
	t.Parallel()
	for n, detail := range map[int]string{2: "2 members of the body are faulty.",
		49: "49 members of the body are faulty.", 50: "At least 50 members of the body are faulty.",
		51: "At least 50 members of the body are faulty.", 1000: "At least 50 members of the body are faulty."} {
		body := `{"tags":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + `]}`
		var p *strictjson.Error
		require.ErrorAs(t, strictjson.Decode([]byte(body), new(document)), &p)
		require.Len(t, p.Findings, min(n, 50))
		assert.Equal(t, fmt.Sprintf("/tags/%d", min(n, 50)-1), p.Findings[len(p.Findings)-1].Pointer)
		assert.Equal(t, detail, p.Detail)
	}
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
		`[[[`, `{"a":1e999}`, "\"\\ud800\"", strings.Repeat("[", 33), `{"count":300,"name":"x"}`, `{"when":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d document
		err := strictjson.Decode(body, &d)
		if err == nil {
			var plain document
			require.NoError(t, json.Unmarshal(body, &plain))
			require.Equal(t, plain, d)
			return
		}
		var p *strictjson.Error
		require.ErrorAs(t, err, &p)
		unread := p.Code == strictjson.CodeMalformed || p.Code == strictjson.CodeTooDeep
		assert.Equal(t, unread, len(p.Findings) == 0)
		assert.NotEmpty(t, p.Detail)
		assert.LessOrEqual(t, len(p.Findings), 50)
		assert.Zero(t, d)
	})
}
