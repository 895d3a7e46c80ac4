package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheDocsCommandsRun runs the commands of README.md and docs/api.md in a shell, as printed, one page after the
// other: the second goes on where the first has ended, but for the first one's last command, which takes it all down.
func TestTheDocsCommandsRun(t *testing.T) {
	readme := commands(t, "README.md", "## Run it here", `curl -X DELETE $api/integrations/my-images `)
	beginning, _, found := strings.Cut(readme, "curl -X DELETE ")
	require.True(t, found)
	api := commands(t, "docs/api.md", "## Try it", `curl -X DELETE $api/integrations/my-dataset `)
	dist := assemble(t)
	for name, script := range map[string]string{"README.md": readme, "docs/api.md": beginning + api} {
		t.Run(name, func(t *testing.T) {
			api, sandbox, _ := startRun(t, dist)
			script := strings.NewReplacer("http://127.0.0.1:7071", strings.TrimSuffix(api, "/api"),
				"http://127.0.0.1:7072", sandbox).Replace(script)
			// A shell's curl tells of an error in its answer alone; here it ends the script.
			script = "set -euo pipefail\ncurl() { command curl -sS --fail-with-body \"$@\"; }\n" + script
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			shell := exec.CommandContext(ctx, "bash", "-c", script)
			shell.Dir = t.TempDir()
			out, err := shell.CombinedOutput()
			require.NoError(t, err, "%s\n%s", script, out)
			assert.Contains(t, string(out), `"status":"Succeeded"`)
			assert.FileExists(t, filepath.Join(shell.Dir, "azure_credentials.json"))
		})
	}
}

// commands joins the code blocks with curl below a page's heading. last is one that must be among them.
func commands(t *testing.T, page, heading, last string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", page))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(raw), heading+"\n")
	require.True(t, found, "%s has no section %q", page, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(section, -1) {
		if strings.Contains(block[1], "curl ") {
			script.WriteString(block[1])
		}
	}
	require.Contains(t, script.String(), last, page)
	return script.String()
}

// startRun starts `make run` on free ports. It returns the two URLs that run prints, and what it logs.
func startRun(t *testing.T, dist string) (api, sandbox string, log *lockedBuffer) {
	t.Helper()
	t.Setenv("PORT", "0")
	t.Setenv("SANDBOX_PORT", "0")
	ctx, cancel := context.WithCancel(t.Context())
	var out lockedBuffer
	log = &lockedBuffer{}
	ended := make(chan error, 1)
	go func() { ended <- realMain(ctx, []string{"run", "-dist", dist}, &out, log) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool { return out.String() != "" }, 30*time.Second, 10*time.Millisecond,
		"log:\n%s", log)
	ready := regexp.MustCompile(`^ready: api=(\S+) sandbox=(\S+)\n$`).FindStringSubmatch(out.String())
	require.NotNil(t, ready, out.String())
	return ready[1], ready[2], log
}
