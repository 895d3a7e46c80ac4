//go:build unix

package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readmeLines are how the lines of the README's blocks are run, by how they begin. A line that is in none fails the
// test.
var readmeLines = []struct{ begin, how string }{
	{"git clone", inClone}, {"make run", inClone}, {"ready: ", inClone},
	{"$ make demo", "TestDemoTellsTheStory holds the excerpt against what the demo prints"},
	{"api=", byCurl}, {"account=", byCurl}, {"operation=", byCurl}, {`  "`, byCurl}, {"while curl", byCurl},
	{"curl ", byCurl},
	{"make test ", "it is what runs this test"},
	{"make check ", "CI runs it, and it runs make test"},
	{"make bench", "benchmarks take minutes; its target is there"},
	{"make package", "TestPackage of package story makes it; what follows needs a subscription"},
	{"az deployment ", "it needs a subscription: the CLI takes the command as printed (package diagnosis), and " +
		"the Bicep compiler the files"},
}

const (
	inClone = "TestTheReadmeRunsInAClone"
	byCurl  = "TestTheDocsCommandsRun"
)

// readmeBlocks are the lines of the README's blocks, without the demo's excerpt.
func readmeBlocks(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(raw), -1) {
		all := strings.Split(strings.TrimSuffix(block[1], "\n"), "\n")
		if strings.HasPrefix(all[0], "$ make demo") {
			all = all[:1]
		}
		for _, line := range all {
			if line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// TestEveryLineOfTheReadmeIsAccountedFor: each is run, or named with the reason why it is not.
func TestEveryLineOfTheReadmeIsAccountedFor(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, line := range readmeBlocks(t) {
		found := false
		for _, known := range readmeLines {
			if strings.HasPrefix(line, known.begin) {
				found, used[known.begin] = true, true
				break
			}
		}
		assert.True(t, found, "how is this line run? %s", line)
	}
	for _, known := range readmeLines {
		assert.True(t, used[known.begin], "no line begins so any more: %s", known.begin)
	}
}

// TestTheReadmeRunsInAClone clones the repository as the README says, finds each target of make that it names, and
// starts the app as it says, until it is ready and is told to stop. What is not committed is not in it.
func TestTheReadmeRunsInAClone(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	where := t.TempDir()
	shell := func(command string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "bash", "-c", command)
		c.Dir = where
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		return string(out)
	}
	help := ""
	for _, line := range readmeBlocks(t) {
		if strings.HasPrefix(line, "git clone …") {
			help = shell(strings.Replace(line, "…", "--quiet '"+root+"' azure-wif", 1) + " && make help")
		}
	}
	require.NotEmpty(t, help, "README.md says how to clone it")
	for _, line := range readmeBlocks(t) {
		if target := regexp.MustCompile(`\bmake (\w+)`).FindStringSubmatch(line); target != nil {
			assert.Contains(t, help, "make "+target[1]+" ", line)
		}
	}
	requireRuns(t, filepath.Join(where, "azure-wif"))
}

// requireRuns holds that `make run` prints the line of the README, and ends when it is told to.
func requireRuns(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "make", "run")
	run.Dir, run.Env = dir, append(os.Environ(), "PORT=0", "SANDBOX_PORT=0")
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C goes to the whole group
	stop := func(s syscall.Signal) error { return syscall.Kill(-run.Process.Pid, s) }
	run.Cancel = func() error { return stop(syscall.SIGKILL) }
	var log lockedBuffer
	run.Stderr = &log
	printed, err := run.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	out := bufio.NewReader(printed)
	line := ""
	for !strings.HasPrefix(line, "ready: ") {
		line, err = out.ReadString('\n')
		require.NoError(t, err, "%s%s", line, &log)
	}
	assert.Regexp(t, `^ready: api=http://127\.0\.0\.1:\d+/api sandbox=http://127\.0\.0\.1:\d+\n$`, line)
	require.NoError(t, stop(syscall.SIGINT))
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	_ = run.Wait() // make tells of the interrupt by its status
	assert.ErrorIs(t, stop(0), syscall.ESRCH, "something was left running")
}
