package control_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// TestFaultsOfLinks: which faults meet an operation on an AMQP link, and as what.
func TestFaultsOfLinks(t *testing.T) {
	type d = servicebus.Disturbance
	for name, tc := range map[string]struct {
		match, rest string
		want        *d
	}{
		"before":                   {`"method":"SEND"`, ``, &d{}},
		"before, in words":         {`"method":"SEND"`, `,"effect":"before"`, &d{}},
		"after":                    {`"method":"SEND"`, `,"effect":"after"`, &d{Done: true}},
		"drop":                     {`"method":"SEND"`, `,"effect":"drop"`, &d{Done: true, Cut: true}},
		"code and message":         {`"method":"SEND"`, `,"code":"c","message":"m"`, &d{Code: "c", Message: "m"}},
		"path":                     {`"method":"SEND","path":"^wif-commands$"`, ``, &d{}},
		"both operations":          {`"method":"SEND|SETTLE"`, ``, &d{}},
		"another path":             {`"method":"SEND","path":"events"`, ``, nil},
		"another operation":        {`"method":"SETTLE"`, ``, nil},
		"any method is of HTTP":    {`"method":".*"`, `,"status":500`, nil},
		"no method is of HTTP":     {`"host":"x"`, `,"status":500`, nil},
		"never":                    {`"method":"SEND"`, `,"times":0`, nil},
		"a method of HTTP, as was": {`"method":"PUT"`, `,"status":500`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			got := b.do("PUT", "/faults", `[{"match":{`+tc.match+`}`+tc.rest+`}]`)
			require.Equal(t, 200, got.status, got.raw)
			met, ok := b.faults.DisturbLink(servicebus.OperationSend, "wif-commands")
			require.Equal(t, tc.want != nil, ok)
			if ok {
				assert.Equal(t, *tc.want, met)
				_, again := b.faults.DisturbLink(servicebus.OperationSend, "wif-commands")
				assert.False(t, again, "once, where times is absent")
			}
		})
	}
}

// TestFaultsOfLinksRefuseMembersOfHTTP: nothing is ignored in silence.
func TestFaultsOfLinksRefuseMembersOfHTTP(t *testing.T) {
	b := newBench(t)
	for member, value := range map[string]string{"status": "500", "body": `{}`, "headers": `{}`, "echo": "true",
		"delayMs": "1"} {
		got := b.do("PUT", "/faults", `[{"match":{}},{"match":{"method":"SETTLE"},"`+member+`":`+value+`}]`)
		assert.Equal(t, 400, got.status, member)
		assert.Equal(t, "/1/"+member, got.at("errors", 0, "pointer"))
	}
}
