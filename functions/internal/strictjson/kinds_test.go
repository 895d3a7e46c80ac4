package strictjson_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// samples are the types of JSON, each with a value.
var samples = map[string]string{"object": `{}`, "array": `[]`, "string": `"x"`, "boolean": `true`, "number": `1`,
	"null": `null`}

// takers are lists of each Go type that a document may have, by the JSON type that they take.
var takers = map[string][]any{
	"number": {new([]int), new([]int8), new([]int16), new([]int32), new([]int64), new([]uint), new([]uint16),
		new([]uint32), new([]uint64), new([]float32), new([]float64), new([]*int)},
	"boolean": {new([]bool), new([]*bool)},
	"string":  {new([]string), new([]word), new([]*word)},
	"array":   {new([][]int), new([][2]int)},
	"object":  {new([]inner), new([]*inner), new([]map[string]int), new([]**inner)},
}

// TestEveryTypeTakesItsOwn, and of every other one it is told which was wanted and which was there.
func TestEveryTypeTakesItsOwn(t *testing.T) {
	t.Parallel()
	for want, lists := range takers {
		for _, list := range lists {
			for got, value := range samples {
				err := strictjson.Decode([]byte("["+samples[want]+","+value+"]"), list)
				if got == want {
					assert.NoError(t, err, "%T", list)
					continue
				}
				var p *strictjson.Error
				require.ErrorAs(t, err, &p, "%T of %s", list, got)
				assert.Equal(t, []diagnosis.Finding{{Pointer: "/1", Code: strictjson.CodeWrongType,
					Detail: "The value has the wrong type.", Expected: want, Actual: got}}, p.Findings, "%T", list)
			}
		}
	}
}

// TestATypeThatTakesAnything takes every type, and has it as it was sent.
func TestATypeThatTakesAnything(t *testing.T) {
	t.Parallel()
	require.Len(t, samples, 6)
	for got, value := range samples {
		for _, list := range []any{new([]any), new([]json.RawMessage), new([]*json.RawMessage)} {
			require.NoError(t, strictjson.Decode([]byte("["+value+"]"), list), "%T of %s", list, got)
			there, err := json.Marshal(list)
			require.NoError(t, err)
			assert.Equal(t, "["+value+"]", string(there), "%T of %s", list, got)
		}
	}
}
