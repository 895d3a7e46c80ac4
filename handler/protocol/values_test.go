package protocol

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// invocationOf decodes an envelope.
func invocationOf(t *testing.T, body string) *Invocation {
	t.Helper()
	e, err := decode(strings.NewReader(body))
	require.NoError(t, err)
	return &Invocation{Data: e.Data, Metadata: e.Metadata}
}

// TestEnvelopesCutShort: what ends early is never taken for a whole invocation.
func TestEnvelopesCutShort(t *testing.T) {
	const whole = `{"Data":{"m":"\"eA==\""},"Metadata":{"MessageId":"\"m1\"","DeliveryCount":"1"}}`
	for at := range len(whole) {
		_, err := decode(strings.NewReader(whole[:at]))
		require.ErrorIs(t, err, ErrEnvelope, whole[:at])
	}
	messages, err := invocationOf(t, whole).Messages()
	require.NoError(t, err)
	assert.Equal(t, []Message{{Body: []byte("x"), MessageID: "m1", DeliveryCount: 1}}, messages)
}

// batch is an invocation of three messages, with metadata.
func batch(metadata string) string {
	return `{"Data":{"m":"[\"YQ==\",\"Yg==\",\"Yw==\"]"},"Metadata":{` + metadata + `}}`
}

// TestMetadataOfABatch: each message gets what is its own, and nothing where the array is shorter than the batch.
func TestMetadataOfABatch(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	bodies := func(m ...Message) []Message {
		for i, body := range []string{"a", "b", "c"} {
			m[i].Body = []byte(body)
		}
		return m
	}
	for name, c := range map[string]struct {
		metadata string
		want     []Message
	}{
		"none":  {``, bodies(Message{}, Message{}, Message{})},
		"empty": {`"MessageIdArray":[]`, bodies(Message{}, Message{}, Message{})},
		"shorter than the batch": {`"MessageIdArray":"[\"1\",\"2\"]"`,
			bodies(Message{MessageID: "1"}, Message{MessageID: "2"}, Message{})},
		"longer than the batch": {`"MessageIdArray":["1","2","3","4"]`,
			bodies(Message{MessageID: "1"}, Message{MessageID: "2"}, Message{MessageID: "3"})},
		"null in between": {`"SessionIdArray":["1",null,"3"]`,
			bodies(Message{SessionID: "1"}, Message{}, Message{SessionID: "3"})},
		"no array": {`"MessageIdArray":"1","Array":["x","y","z"],"MessageId":"\"other\""`,
			bodies(Message{}, Message{}, Message{})},
		"numbers, times and properties": {`"DeliveryCountArray":"[1,2,3]",` +
			`"EnqueuedTimeUtcArray":["2026-01-02T03:04:05"],"ApplicationPropertiesArray":[{},{"a":"b"}]`,
			bodies(Message{DeliveryCount: 1, EnqueuedAt: at, ApplicationProperties: map[string]any{}},
				Message{DeliveryCount: 2, ApplicationProperties: map[string]any{"a": "b"}},
				Message{DeliveryCount: 3})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := invocationOf(t, batch(c.metadata)).Messages()
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for name, metadata := range map[string]string{
		"the second message's count": `"DeliveryCountArray":[1,"many"]`,
		"the last message's time":    `"EnqueuedTimeUtcArray":[null,null,"soon"]`,
	} {
		_, err := invocationOf(t, batch(metadata)).Messages()
		assert.ErrorIs(t, err, ErrEnvelope, name)
	}
}

// TestMetadataOfOneMessage: older hosts have other names for the same.
func TestMetadataOfOneMessage(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		metadata string
		want     Message
	}{
		"nothing":       {``, Message{}},
		"empty values":  {`"MessageId":"","DeliveryCount":"","EnqueuedTimeUtc":""`, Message{}},
		"a bare number": {`"DeliveryCount":7`, Message{DeliveryCount: 7}},
		"a session":     {`"SessionId":"\"s\""`, Message{SessionID: "s"}},
		"an older time": {`"EnqueuedTime":"2026-01-02T03:04:05Z"`, Message{EnqueuedAt: at}},
		"a newer time":  {`"EnqueuedTimeUtc":"\"2026-01-02T03:04:05\""`, Message{EnqueuedAt: at}},
		"the newer wins": {`"EnqueuedTime":"2020-01-01T00:00:00Z","EnqueuedTimeUtc":"2026-01-02T03:04:05"`,
			Message{EnqueuedAt: at}},
		"properties": {`"ApplicationProperties":{"a":1}`, Message{ApplicationProperties: map[string]any{"a": 1.0}}},
		"properties as a text": {`"ApplicationProperties":"{\"a\":\"b\"}"`,
			Message{ApplicationProperties: map[string]any{"a": "b"}}},
		"properties by their older name": {`"UserProperties":{"a":"b"}`,
			Message{ApplicationProperties: map[string]any{"a": "b"}}},
		"the newer properties win": {`"UserProperties":{"a":"b"},"ApplicationProperties":{"c":"d"}`,
			Message{ApplicationProperties: map[string]any{"c": "d"}}},
		"no properties": {`"ApplicationProperties":null,"UserProperties":"[]"`, Message{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := invocationOf(t, `{"Data":{"m":"eA=="},"Metadata":{`+c.metadata+`}}`).Messages()
			require.NoError(t, err)
			c.want.Body = []byte("x")
			assert.Equal(t, []Message{c.want}, got)
		})
	}
	_, err := invocationOf(t, `{"Data":{"m":"eA=="},"Metadata":{"EnqueuedTimeUtc":"soon",`+
		`"EnqueuedTime":"2026-01-02T03:04:05Z"}}`).Messages()
	assert.ErrorIs(t, err, ErrEnvelope, "what cannot be read is not replaced by something else")
}

func TestBodiesOfMessages(t *testing.T) {
	for value, want := range map[string]string{
		`"eyJhIjoxfQ=="`:         `{"a":1}`, // binary
		`"\"eyJhIjoxfQ==\""`:     `{"a":1}`,
		`"eyJhIjoxfQ"`:           `eyJhIjoxfQ`, // no base64: its padding is missing
		`"{\"a\":\"eyJhIn0=\"}"`: `{"a":"eyJhIn0="}`,
		`{"a":1}`:                `{"a":1}`,
		`1234`:                   `1234`, // the digits would be base64, too
		`"\"half"`:               `"half`,
		`"  \"eA==\" "`:          `x`,
		`""`:                     ``,
		`"[1"`:                   `[1`, // no list
		`true`:                   `true`,
	} {
		got, err := invocationOf(t, `{"Data":{"m":`+value+`}}`).Messages()
		require.NoError(t, err, value)
		require.Len(t, got, 1, value)
		assert.Equal(t, want, string(got[0].Body), value)
	}
	for value, want := range map[string][]string{
		`[]`: nil, `"[]"`: nil, `" [\"YQ==\"]"`: {"a"}, `["YQ==","Yg=="]`: {"a", "b"}, `[{"a":1}]`: {`{"a":1}`},
	} {
		got, err := invocationOf(t, `{"Data":{"m":`+value+`}}`).Messages()
		require.NoError(t, err, value)
		require.Len(t, got, len(want), value)
		for i := range want {
			assert.Equal(t, want[i], string(got[i].Body), value)
		}
	}
}

func TestTimers(t *testing.T) {
	last, next := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	const times = `"ScheduleStatus":{"Last":"2026-01-02T03:00:00","Next":"2026-01-02T05:00:00+01:00"}`
	for name, c := range map[string]struct {
		value string
		want  Timer
	}{
		"late, no status":     {`{"IsPastDue":true}`, Timer{PastDue: true}},
		"status":              {`{` + times + `,"IsPastDue":false}`, Timer{Last: last, Next: next}},
		"late, with a status": {`{` + times + `,"IsPastDue":true}`, Timer{PastDue: true, Last: last, Next: next}},
		"never run": {`{"ScheduleStatus":{"Last":"0001-01-01T00:00:00","Next":"2026-01-02T04:00:00Z"}}`,
			Timer{Next: next}},
		"the second year": {`{"ScheduleStatus":{"Last":"0002-01-01T00:00:00Z","Next":""}}`,
			Timer{Last: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(c.value)
			require.NoError(t, err)
			for _, value := range []string{c.value, string(text)} { // as an object, and encoded twice
				got, err := invocationOf(t, `{"Data":{"timer":`+value+`}}`).Timer()
				require.NoError(t, err)
				assert.Equal(t, c.want, got)
			}
		})
	}
	for name, value := range map[string]string{
		"last": `{"ScheduleStatus":{"Last":"soon","Next":"2026-01-02T04:00:00Z"}}`,
		"next": `{"ScheduleStatus":{"Last":"2026-01-02T04:00:00Z","Next":"soon"}}`,
		"text": `"soon"`, "list": `[]`,
	} {
		_, err := invocationOf(t, `{"Data":{"timer":`+value+`}}`).Timer()
		assert.ErrorIs(t, err, ErrEnvelope, name)
	}
}
