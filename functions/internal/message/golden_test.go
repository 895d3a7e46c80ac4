package message_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing with it")

// rejectedChecks are messages that are no checks of health.
var rejectedChecks = map[string]string{
	"bad id":        check("my-service", "../x"),
	"slot too long": check("2026-01-02T03:04:05Z", strings.Repeat("x", 129)),
	"confirms what": check(`"slot":"2026-01-02T03:04:05Z"`, `"confirm":true`),
	"a command":     check("healthcheck", "provision"),
}

// TestTheWordsOfARejection, whole: who sent the message reads these words in the operation that it ends as.
func TestTheWordsOfARejection(t *testing.T) {
	t.Parallel()
	told := map[string]error{}
	for name, c := range rejectedBodies {
		d := delivery(c.body)
		if c.session != "" {
			d.SessionID = c.session
		}
		_, told["command: "+name] = message.ParseCommand(d)
	}
	_, told["command: every fault"] = message.ParseCommand(delivery(everyFault()))
	for name, body := range rejectedChecks {
		_, told["check: "+name] = message.ParseHealthCheck(delivery(body))
	}
	var is strings.Builder
	for _, name := range slices.Sorted(maps.Keys(told)) {
		var r *message.Rejection
		require.ErrorAs(t, told[name], &r, name)
		is.WriteString(name + ": " + string(r.Code) + ": " + r.Detail + "\n")
		for _, f := range r.Findings {
			line, err := json.Marshal(f)
			require.NoError(t, err)
			is.WriteString("  " + string(line) + "\n")
		}
	}
	golden := filepath.Join("testdata", "rejections.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(is.String()), 0o600))
	}
	was, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(was), is.String())
}
