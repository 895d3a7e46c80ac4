package problem_test

import (
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
			require.ErrorAs(t, problem.Decode([]byte(c.body), new(document)), &p)
			assert.Equal(t, c.status, p.Status)
			assert.Equal(t, c.code, p.Code)
			assert.Len(t, p.Errors, c.findings)
			assert.NotEmpty(t, p.Detail)
			assert.NotNil(t, p.Remedy)
		})
	}
	var d document
	require.NoError(t, problem.Decode([]byte(`{"name":"x"}`), &d))
	assert.Equal(t, document{Name: "x"}, d)
}
