package stack_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartFailsWithNothingLeftOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	busy := taken.Addr().(*net.TCPAddr).Port
	dist := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dist, "f"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dist, "host.json"),
		[]byte(`{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"no-such-handler"}}}`),
		0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dist, "f", "function.json"),
		[]byte(`{"bindings":[{"type":"timerTrigger","direction":"in","name":"t","schedule":"0 0 0 1 1 *"}]}`), 0o644))
	for name, tt := range map[string]struct {
		options stack.Options
		want    string
		port    int
	}{
		"API port taken":     {options: stack.Options{Dist: dist, Port: busy}, port: busy, want: "is taken"},
		"control port taken": {options: stack.Options{Dist: dist, SandboxPort: busy}, port: busy, want: "is taken"},
		"nothing packaged":   {options: stack.Options{Dist: t.TempDir()}, want: "host.json"},
		"no handler":         {options: stack.Options{Dist: dist}, want: "cannot start the handler"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			_, err := stack.Start(t.Context(), tt.options)
			require.ErrorContains(t, err, tt.want)
			var portTaken *stack.PortTakenError
			if tt.port != 0 {
				require.ErrorAs(t, err, &portTaken)
				assert.Equal(t, tt.port, portTaken.Port)
			}
			left, err := os.ReadDir(os.Getenv("TMPDIR"))
			require.NoError(t, err)
			assert.Empty(t, left, "no certificate stays behind")
		})
	}
}
