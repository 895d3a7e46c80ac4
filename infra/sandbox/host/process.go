package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// process is one run of the handler.
type process struct {
	cmd      *exec.Cmd
	address  string // 127.0.0.1:port
	ready    chan struct{}
	done     chan struct{} // closed when the process has ended
	recycled atomic.Bool   // killed by the host on purpose: not an error
	stderr   *lineWriter
}

// command describes how the handler is started.
type command struct {
	root, executable, directory string
	arguments                   []string
	environ                     []string
	port                        int
}

// newCommand applies the path rules: a relative executable is taken from the root if it is there, else from PATH; the
// working directory is the root unless host.json states otherwise.
func newCommand(root string, c config, s settings) command {
	executable := c.executable
	if !filepath.IsAbs(executable) {
		if inRoot := filepath.Join(root, executable); isFile(inRoot) {
			executable = inRoot
		}
	}
	directory := root
	if c.workingDirectory != "" {
		directory = c.workingDirectory
		if !filepath.IsAbs(directory) {
			directory = filepath.Join(root, directory)
		}
	}
	return command{root: root, executable: executable, directory: directory, arguments: c.arguments,
		environ: s.environ(), port: c.port}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// start runs the command with the five variables that a custom handler gets, its output going to log.
// Lines on stderr that are in said are left out of the log. The end of ctx kills it.
func (c command) start(ctx context.Context, port int, said []string, log *logger) (*process, error) {
	p := &process{
		address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		ready:   make(chan struct{}), done: make(chan struct{}),
		stderr: &lineWriter{log: log, prefix: "[stderr] ", keep: 3, known: said},
	}
	worker := uuid.NewString()
	p.cmd = exec.CommandContext(ctx, c.executable, c.arguments...)
	p.cmd.Cancel = func() error { p.kill(); return nil }
	p.cmd.Dir = c.directory
	p.cmd.Env = append(append([]string(nil), c.environ...),
		"FUNCTIONS_CUSTOMHANDLER_PORT="+strconv.Itoa(port), "FUNCTIONS_CUSTOMHANDLER_WORKER_ID="+worker,
		"FUNCTIONS_HTTPWORKER_PORT="+strconv.Itoa(port), "FUNCTIONS_HTTPWORKER_ID="+worker,
		"FUNCTIONS_APP_ROOT_PATH="+c.root)
	stdout := &lineWriter{log: log}
	p.cmd.Stdout, p.cmd.Stderr = stdout, p.stderr
	p.cmd.WaitDelay = time.Second // a grandchild that keeps the pipes open does not hold us up
	p.cmd.SysProcAttr = processAttributes()

	started := make(chan error)
	go func() {
		// The parent-death signal follows the thread that started the child, so that thread must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait() // the exit code is read from ProcessState
		stdout.flush()
		p.stderr.flush()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("cannot start the handler: %w", err)
	}
	return p, nil
}

// kill ends the process and its children at once, as the real host does: there is no gentler signal.
func (p *process) kill() {
	if !isClosed(p.done) { // the id may be someone else's by then
		killGroup(p.cmd.Process)
	}
}

// awaitEnd waits until the process has ended, but not for long.
func (p *process) awaitEnd(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
}

// recycle kills the process without counting it as an error of the handler.
func (p *process) recycle() {
	p.recycled.Store(true)
	p.kill()
}

// exitCode is valid when done is closed; -1 means ended by a signal.
func (p *process) exitCode() int { return p.cmd.ProcessState.ExitCode() }

func (p *process) pid() int { return p.cmd.Process.Pid }

// lineWriter passes complete lines on to the log and remembers the last few.
type lineWriter struct {
	log    *logger
	prefix string
	keep   int
	known  []string // lines that are remembered, but not passed on again

	mu   sync.Mutex
	rest []byte
	last []string
}

// maxLine bounds what one unfinished line may hold in memory.
const maxLine = 1 << 20

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range b {
		if c == '\n' || len(w.rest) == maxLine {
			w.emit()
		}
		if c != '\n' {
			w.rest = append(w.rest, c)
		}
	}
	return len(b), nil
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit()
	}
}

func (w *lineWriter) emit() {
	line := string(w.rest)
	w.rest = w.rest[:0]
	if !slices.Contains(w.known, line) {
		w.log.line(w.prefix + line)
	}
	if w.last = append(w.last, line); len(w.last) > w.keep {
		w.last = w.last[1:]
	}
}

func (w *lineWriter) tail() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.last...)
}
