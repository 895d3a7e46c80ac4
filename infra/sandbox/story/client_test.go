package story

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAGeneratedClient: types that are made from the API document hold for a portal's whole flow, which is checked by
// the TypeScript compiler and run against the app. From PUT to the credential file it takes three requests where the
// provisioning ends within one long poll.
func TestAGeneratedClient(t *testing.T) {
	t.Parallel()
	bin, err := filepath.Abs(filepath.Join("..", "..", "..", ".ci", "node", "node_modules", ".bin"))
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(bin, "openapi-typescript")); err != nil {
		lack(t, "no openapi-typescript: npm ci --prefix .ci/node --ignore-scripts --omit=optional, to run it")
	}
	folder := t.TempDir()
	source, err := os.ReadFile(filepath.Join("testdata", "portal", "client.ts"))
	require.NoError(t, err)
	for name, content := range map[string]string{"client.ts": string(source), "package.json": `{"type": "module"}`} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	document, err := filepath.Abs(filepath.Join("..", "..", "..", "docs", "openapi.json"))
	require.NoError(t, err)
	run := func(name string, args ...string) string {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = folder
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	run(filepath.Join(bin, "openapi-typescript"), document, "-o", "api.d.ts")
	run(filepath.Join(bin, "tsc"), "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom",
		"client.ts")
	a := start(t)
	var count struct{ Flow, Requests int }
	require.NoError(t, json.Unmarshal([]byte(run("node", "client.js", a.APIURL(), a.account("acmedata"))), &count))
	assert.LessOrEqual(t, count.Flow, 4)
	t.Logf("%+v", count)
}
