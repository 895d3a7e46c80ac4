package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// decoded is what the golden files hold: all that a function can learn from an envelope.
type decoded struct {
	Messages []goldenMessage `json:"messages,omitempty"`
	Timer    *Timer          `json:"timer,omitempty"`
	Error    string          `json:"error,omitempty"`
}

type goldenMessage struct {
	Message
	Body string
}

func TestWorkedExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	var examples int
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		examples++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			got, err := json.MarshalIndent(learn(t, raw, strings.Contains(file, "timer")), "", "  ")
			require.NoError(t, err)
			golden := strings.TrimSuffix(file, ".json") + ".golden.json"
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(got))
		})
	}
	assert.Equal(t, 10, examples, "worked examples")
}

func learn(t *testing.T, raw []byte, timer bool) decoded {
	t.Helper()
	e, err := decode(bytes.NewReader(raw))
	require.NoError(t, err)
	inv := &Invocation{Data: e.Data, Metadata: e.Metadata}
	if timer {
		info, err := inv.Timer()
		require.NoError(t, err)
		return decoded{Timer: &info}
	}
	messages, err := inv.Messages()
	require.NoError(t, err)
	var d decoded
	for _, m := range messages {
		d.Messages = append(d.Messages, goldenMessage{Message: m, Body: string(m.Body)})
	}
	return d
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"empty":         "",
		"no JSON":       "hello",
		"null":          "null",
		"array":         "[]",
		"no Data":       `{"Metadata":{}}`,
		"trailing data": `{"Data":{},"Metadata":{}} {}`,
		"Data a string": `{"Data":"x"}`,
		"cut off":       `{"Data":{"m":"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(strings.NewReader(body))
			assert.ErrorIs(t, err, ErrEnvelope)
		})
	}
}

func TestMetadataThatCannotBeRead(t *testing.T) {
	for name, metadata := range map[string]string{
		"delivery count": `{"DeliveryCount":"many"}`,
		"enqueued time":  `{"EnqueuedTimeUtc":"yesterday"}`,
	} {
		t.Run(name, func(t *testing.T) {
			e, err := decode(strings.NewReader(`{"Data":{"m":"eA=="},"Metadata":` + metadata + `}`))
			require.NoError(t, err)
			_, err = (&Invocation{Data: e.Data, Metadata: e.Metadata}).Messages()
			assert.ErrorIs(t, err, ErrEnvelope)
		})
	}
}

func TestTwoDataBindings(t *testing.T) {
	e, err := decode(strings.NewReader(`{"Data":{"a":"eA==","b":"eA=="}}`))
	require.NoError(t, err)
	inv := &Invocation{Data: e.Data}
	_, err = inv.Messages()
	require.ErrorIs(t, err, ErrEnvelope)
	_, err = inv.Timer()
	assert.ErrorIs(t, err, ErrEnvelope)
}

// FuzzMessages proves that no envelope panics the decoder, and that binary bodies come back byte for byte however the
// host encodes the envelope.
func FuzzMessages(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := decode(bytes.NewReader(raw)); err == nil {
			inv := &Invocation{Data: e.Data, Metadata: e.Metadata}
			_, _ = inv.Messages() // any error will do: it is the panic that is looked for
			_, _ = inv.Timer()    // as above
		}
		value, err := json.Marshal(base64.StdEncoding.EncodeToString(raw))
		require.NoError(t, err)
		inv := &Invocation{Data: map[string]Value{"message": value}}
		messages, err := inv.Messages()
		require.NoError(t, err)
		require.Len(t, messages, 1)
		assert.Equal(t, string(raw), string(messages[0].Body))
	})
}

func TestTimesWithAndWithoutZone(t *testing.T) {
	want := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	for _, s := range []string{"2026-01-01T10:00:00", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00+01:00",
		"2026-01-01T10:00:00.0000000"} {
		got, err := parseTime(s)
		require.NoError(t, err, s)
		assert.True(t, want.Equal(got), s)
	}
}
