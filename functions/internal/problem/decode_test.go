package problem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

type document struct {
	Name  string `json:"name"`
	Count int8   `json:"count,omitempty"`
}

// TestDecodeTellsWhoseFaultItIs: what is not JSON is a bad request; what breaks the contract cannot be processed.
func TestDecodeTellsWhoseFaultItIs(t *testing.T) {
	for name, c := range map[string]struct {
		body     string
		status   int
		code     diagnosis.Code
		findings int
	}{
		"nothing":  {body: "", status: 400, code: "malformed-body"},
		"not JSON": {body: `{"name"`, status: 400, code: "malformed-body"},
		"too deep": {body: strings.Repeat("[", 40) + strings.Repeat("]", 40), status: 400,
			code: "nested-too-deep"},
		"an array":            {body: `[]`, status: 422, code: "wrong-type", findings: 1},
		"unknown member":      {body: `{"nme":"x"}`, status: 422, code: "unknown-member", findings: 1},
		"number out of range": {body: `{"count":300}`, status: 422, code: "wrong-type", findings: 1},
		"several faults":      {body: `{"name":1,"x":1}`, status: 422, code: "wrong-type", findings: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var p *problem.Problem
			_, err := problem.JSONBody[document]{RawBody: []byte(c.body)}.Decode(nil)
			require.ErrorAs(t, err, &p)
			assert.Equal(t, c.status, p.Status)
			assert.Equal(t, c.code, p.Code)
			assert.Len(t, p.Errors, c.findings)
			assert.NotEmpty(t, p.Detail)
			assert.NotNil(t, p.Remedy)
		})
	}
	d, err := problem.JSONBody[document]{RawBody: []byte(`{"name":"x"}`)}.Decode(nil)
	require.NoError(t, err)
	assert.Equal(t, document{Name: "x"}, d)
}

// TestDecodeTellsWhatElseIsWrong with a body that is faulty already, but not what follows from a fault of it.
func TestDecodeTellsWhatElseIsWrong(t *testing.T) {
	t.Parallel()
	judge := func(d document) []diagnosis.Finding {
		if d.Name == "fine" {
			return nil
		}
		return []diagnosis.Finding{{Pointer: "/name", Code: "invalid-value", Detail: "Not fine: " + d.Name},
			{Pointer: "/name/0", Code: "invalid-value"}, {Pointer: "/names", Code: "invalid-value"}}
	}
	for body, want := range map[string][]string{
		`{"name":"x","y":1}`: {"/y unknown-member", "/name invalid-value", "/name/0 invalid-value",
			"/names invalid-value"},
		`{"name":7}`:            {"/name wrong-type", "/names invalid-value"},
		`{"name":"fine","y":1}`: {"/y unknown-member"},
		`{"name":"x"}`:          nil,
		`[]`:                    {" wrong-type"},
		`{"name"`:               nil,
	} {
		_, err := problem.JSONBody[document]{RawBody: []byte(body)}.Decode(judge)
		var got []string
		var p *problem.Problem
		if errors.As(err, &p) {
			for _, f := range p.Errors {
				got = append(got, f.Pointer+" "+string(f.Code))
			}
			if len(got) > 1 {
				assert.Equal(t, fmt.Sprintf("%d members of the body are faulty.", len(got)), p.Detail, body)
			}
		}
		assert.Equal(t, want, got, body)
	}
}
