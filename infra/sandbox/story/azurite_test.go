package story

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The emulator's account and key are Microsoft's, published and the same for everyone.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// hostStorage runs an Azurite for what the real Functions host keeps of its timers, until the test ends, and returns
// the host's setting for it. Where Azurite is not installed the test is skipped, and fails in CI.
func hostStorage(t *testing.T) string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "..", "..", ".ci", "node", "node_modules", "azurite", "dist",
		"src", "azurite.js"))
	require.NoError(t, err)
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(script)
	}
	if err != nil {
		const how = "the real Functions host needs Azurite for its timers: install Node.js 20 or later, then run: " +
			"npm ci --prefix .ci/node"
		lack(t, how)
	}
	// The test's own context ends before its clean-up, which is where the process is ended.
	azurite := exec.CommandContext(context.WithoutCancel(t.Context()), node, script, "--silent", "--disableTelemetry",
		"--skipApiVersionCheck", "--inMemoryPersistence",
		"--blobHost", "127.0.0.1", "--blobPort", "0", "--queueHost", "127.0.0.1", "--queuePort", "0", "--tableHost",
		"127.0.0.1", "--tablePort", "0")
	azurite.Dir = t.TempDir()
	output, err := azurite.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, azurite.Start())
	listening, done := make(chan string, 3), make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "successfully listening at "); ok {
				listening <- strings.TrimSpace(url)
			}
		}
	}()
	t.Cleanup(func() {
		_ = azurite.Process.Kill()
		<-done
		_ = azurite.Wait() // it ends by our signal: its status states nothing
	})
	var urls [3]string
	for i := range urls {
		select {
		case urls[i] = <-listening:
		case <-done:
			t.Fatal("Azurite ended at its start")
		case <-time.After(time.Minute): // a cold Node on a busy machine
			t.Fatal("Azurite does not listen")
		}
	}
	return fmt.Sprintf(
		"AzureWebJobsStorage=DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s/%[1]s;QueueEndpoint=%[4]s/%[1]s;TableEndpoint=%[5]s/%[1]s;",
		emulatorAccount, emulatorKey, urls[0], urls[1], urls[2])
}
