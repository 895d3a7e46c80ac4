package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingIsLeftRunning ends the program in both ways and looks for its handler.
func TestNothingIsLeftRunning(t *testing.T) {
	dist := assemble(t)
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			var out, log lockedBuffer
			program := exec.CommandContext(t.Context(), os.Args[0], "run", "-dist", dist)
			program.Env = append(os.Environ(), programVariable+"=1", "PORT=0", "SANDBOX_PORT=0", "TMPDIR="+t.TempDir())
			program.Stdout, program.Stderr = &out, &log
			require.NoError(t, program.Start())
			require.Eventually(t, func() bool { return strings.HasPrefix(out.String(), "ready: ") }, 30*time.Second,
				10*time.Millisecond)
			var found []string // the two streams come separately
			require.Eventually(t, func() bool {
				found = regexp.MustCompile(`handler is ready \(pid (\d+)`).FindStringSubmatch(log.String())
				return found != nil
			}, 10*time.Second, 10*time.Millisecond)
			pid, err := strconv.Atoi(found[1])
			require.NoError(t, err)
			require.True(t, alive(pid))

			require.NoError(t, program.Process.Signal(signal))
			err = program.Wait()
			if signal == syscall.SIGTERM {
				require.NoError(t, err, "a wish to stop is no failure")
			}
			assert.Eventually(t, func() bool { return !alive(pid) }, 10*time.Second, 10*time.Millisecond)
		})
	}
}

// TestTheWorldOutlivesTheHandler kills the handler as often as a host bears, which ends the host.
func TestTheWorldOutlivesTheHandler(t *testing.T) {
	t.Setenv("PORT", "0")
	t.Setenv("SANDBOX_PORT", "0")
	t.Setenv("DDOE_SUBJECT_TOKEN_URL", "")
	ctx, cancel := context.WithCancel(t.Context())
	var out, log lockedBuffer
	ended := make(chan error, 1)
	dist := assemble(t)
	go func() { ended <- realMain(ctx, []string{"run", "-dist", dist}, &out, &log) }()
	ready := regexp.MustCompile(`handler is ready \(pid (\d+)`)
	for n := range 4 {
		var found [][]string
		require.Eventually(t, func() bool {
			found = ready.FindAllStringSubmatch(log.String(), -1)
			return len(found) == n+1
		}, 30*time.Second, 10*time.Millisecond, "log:\n%s", &log)
		if n == 3 {
			break
		}
		if n == 0 {
			require.Eventually(t, func() bool { return out.String() != "" }, 30*time.Second, 10*time.Millisecond)
			call(t, http.MethodPut, apiURL(out.String())+"/integrations/my-images",
				`{"serviceName": "my-service", "storage": [{"resourceId": "`+imagesAccount+
					`", "container": "images"}]}`)
		}
		pid, err := strconv.Atoi(found[n][1])
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	assert.Contains(t, log.String(), "the host gives up")
	assert.Contains(t, log.String(), "started anew in 1s")
	require.Eventually(t, func() bool {
		return strings.Contains(call(t, http.MethodGet, apiURL(out.String())+"/integrations/my-images", ""),
			`"phase":"provisioned"`)
	}, 30*time.Second, 100*time.Millisecond, "the world is as it was, and the command in work is done with; log:\n%s",
		&log)
	assert.NotContains(t, log.String(), "Functions.deadletter")
	cancel()
	require.NoError(t, <-ended, "a wish to stop is no failure")
}

// alive tells whether the process runs; one that has ended and whose parent has not asked yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}
