package story

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
)

// BenchmarkHandlerStart measures what a cold start costs beyond the platform's own part: process start to first answer
// of the readiness probe, and the resident memory of the idle handler. Run it with -benchtime=20x.
func BenchmarkHandlerStart(b *testing.B) {
	handler := filepath.Join(b.TempDir(), "handler")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", handler, "./handler")
	build.Dir = filepath.Join("..", "..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	info, err := os.Stat(handler)
	require.NoError(b, err)
	sandbox, err := cloud.New(cloud.Options{})
	require.NoError(b, err)
	require.NoError(b, sandbox.Start(b.Context()))
	defer func() { require.NoError(b, sandbox.Close()) }()

	var starts []time.Duration
	var resident float64
	for b.Loop() {
		took, kib := startOnce(b, handler, sandbox.Environment())
		starts, resident = append(starts, took), kib
	}
	slices.Sort(starts)
	b.ReportMetric(float64(starts[len(starts)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(resident/1024, "MiB-idle-RSS")
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB-binary")
}

func startOnce(b *testing.B, handler string, env []string) (time.Duration, float64) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	port := freePort(b)
	process := exec.CommandContext(ctx, handler)
	process.Env = append(env, "FUNCTIONS_CUSTOMHANDLER_PORT="+port)
	started := time.Now()
	require.NoError(b, process.Start())
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/", nil)
		require.NoError(b, err)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			require.NoError(b, response.Body.Close())
			break
		}
		require.NoError(b, ctx.Err())
	}
	took := time.Since(started)
	time.Sleep(time.Second) // the background warm-up ends; what is left is idle
	kib := residentKiB(b, process.Process.Pid)
	require.NoError(b, process.Process.Kill())
	_ = process.Wait() // killed, as the host does
	return took, kib
}

func residentKiB(b *testing.B, pid int) float64 {
	b.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			var kib float64
			_, err := fmt.Sscan(rest, &kib)
			require.NoError(b, err)
			return kib
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
