package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	readinessInterval = 25 * time.Millisecond
	exitRestart       = 200 // a handler that ends with this code asks to be restarted
	errorLimit        = 3   // the error that ends the host
	errorWindow       = 30 * time.Minute
	waitFactor        = 4 // invocations wait for a handler this many initialization time-outs
)

// errHandlerEnded is what invocations get after the handler has ended with code 0.
var errHandlerEnded = errors.New("the handler has ended with exit code 0 and is not restarted: connection refused")

// supervisor keeps one handler process running.
type supervisor struct {
	command        command
	initialization time.Duration
	now            func() time.Time
	log            *logger
	stopTriggers   func() // called when the host gives up, before anybody is told

	mu      sync.Mutex
	current *process
	failure error         // the host has given up
	changed chan struct{} // closed and replaced when one of the above changes
	ended   chan struct{} // closed when run has returned
}

func newSupervisor(c command, initialization time.Duration, now func() time.Time, log *logger) *supervisor {
	return &supervisor{command: c, initialization: initialization, now: now, log: log, changed: make(chan struct{}),
		ended: make(chan struct{})}
}

// run starts and restarts the handler until ctx ends or the handler has failed too often.
func (s *supervisor) run(ctx context.Context) {
	defer close(s.ended)
	var count int
	var lastError time.Time
	var said []string // by a handler that did not come to be ready: the next one states it again
	port := s.command.port
	defer func() { s.release(port) }()
	for ctx.Err() == nil {
		p, err := s.start(ctx, &port, said)
		if err != nil {
			if ctx.Err() == nil {
				s.fail(err)
			}
			return
		}
		s.publish(p)
		problem := s.live(ctx, p)
		if ctx.Err() != nil {
			return
		}
		said = nil
		if !isClosed(p.ready) {
			said = p.stderr.tail()
		}
		if problem == nil {
			continue // asked for: a restart that does not count
		}
		if errors.Is(problem, errHandlerEnded) {
			s.log.hostf("WARNING: the handler (pid %d) ended with exit code 0. A host never restarts it after that: "+
				"every later invocation fails until the host itself is restarted.", p.pid())
			<-ctx.Done()
			return
		}
		if now := s.now(); now.Sub(lastError) > errorWindow {
			count, lastError = 1, now
		} else {
			count, lastError = count+1, now
		}
		s.log.hostf("handler error %d of %d: %s", count, errorLimit, brief(problem))
		if count >= errorLimit {
			s.fail(fmt.Errorf("the handler failed %d times within %s; last: %w", count, errorWindow, problem))
			return
		}
	}
}

// start starts a process. A restarted one listens on the port of the one before, as on a real host: a connection that
// is refused in between is tried again and finds it. Where somebody else has come to listen there, it gets another.
func (s *supervisor) start(ctx context.Context, port *int, said []string) (*process, error) {
	if s.command.port == 0 && (*port == 0 || !isFree(ctx, *port)) {
		s.release(*port)
		free, err := ports.take(ctx)
		if err != nil {
			*port = 0
			return nil, err
		}
		*port = free
	}
	return s.command.start(ctx, *port, said, s.log)
}

// release gives a port back that was taken for this handler; one that host.json fixes was not.
func (s *supervisor) release(port int) {
	if s.command.port == 0 && port != 0 {
		ports.release(port)
	}
}

// live sees one process through: readiness, then its end. nil means that it is to be restarted without counting.
func (s *supervisor) live(ctx context.Context, p *process) error {
	if err := s.awaitReady(ctx, p); err != nil {
		p.kill()
		<-p.done
		return err
	}
	select {
	case <-p.done:
	default:
		close(p.ready)
		s.publish(p)
		s.log.hostf("handler is ready (pid %d, %s)", p.pid(), p.address)
		<-p.done
	}
	switch code := p.exitCode(); {
	case p.recycled.Load():
		return nil
	case code == 0:
		s.publish(p)
		return errHandlerEnded
	case code == exitRestart:
		s.log.hostf("the handler asked for a restart (exit code %d)", code)
		return nil
	default:
		return &ExitError{Code: code, State: p.cmd.ProcessState.String(), Stderr: p.stderr.tail()}
	}
}

// ExitError is the end of a handler that counts as an error. Code is -1 if a signal ended it.
type ExitError struct {
	Code   int
	State  string
	Stderr []string // its last lines
}

// Error tells the handler's last words, too, as a real host's exception does.
func (e *ExitError) Error() string {
	if len(e.Stderr) == 0 {
		return e.brief()
	}
	return e.brief() + "; " + strings.Join(e.Stderr, " | ")
}

func (e *ExitError) brief() string { return "the handler ended: " + e.State }

// brief is the error for the log, which has the handler's last words already.
func brief(err error) string {
	if exit, ok := errors.AsType[*ExitError](err); ok {
		return exit.brief()
	}
	return err.Error()
}

// awaitReady polls GET / until anything at all answers; only a refused connection means "not yet".
func (s *supervisor) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, s.initialization)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: noRedirect}
	ticker := time.NewTicker(readinessInterval)
	defer ticker.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			return response.Body.Close()
		}
		var operation *net.OpError
		if ctx.Err() == nil && !errors.As(err, &operation) && !errors.Is(err, syscall.ECONNREFUSED) {
			return nil // something listens there, and that is all that counts
		}
		select {
		case <-p.done:
			return nil // its end states more
		case <-ctx.Done():
			return fmt.Errorf("the handler did not answer GET http://%s/ within %s", p.address, s.initialization)
		case <-ticker.C:
		}
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// noHandlerError is an invocation that no handler has seen.
type noHandlerError struct{ err error }

// Error is the reason.
func (e *noHandlerError) Error() string { return e.err.Error() }

// Unwrap returns the reason.
func (e *noHandlerError) Unwrap() error { return e.err }

// await returns a process that is ready, waiting for one if need be. That the host has given up meanwhile is a
// *noHandlerError.
func (s *supervisor) await(ctx context.Context) (*process, error) {
	limit := time.NewTimer(waitFactor * s.initialization)
	defer limit.Stop()
	for {
		p, failure, changed := s.state()
		if failure != nil {
			return nil, &noHandlerError{failure}
		}
		if p != nil && isClosed(p.done) && p.exitCode() == 0 && !p.recycled.Load() {
			return nil, errHandlerEnded
		}
		if p != nil && isClosed(p.ready) && !isClosed(p.done) {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-limit.C:
			err := fmt.Errorf("no handler was ready for %s", waitFactor*s.initialization)
			s.fail(err)
			return nil, &noHandlerError{err}
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (s *supervisor) state() (*process, error, <-chan struct{}) { // the failure is state here, not the call's error
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, s.failure, s.changed
}

func (s *supervisor) publish(p *process) { s.change(func() { s.current = p }) }

// fail gives up. The triggers stop first: what is not delivered any more waits, uncounted, for the host's next start.
func (s *supervisor) fail(err error) {
	s.log.hostf("ERROR: the host gives up: %s", brief(err))
	s.stopTriggers()
	s.change(func() {
		if s.failure == nil {
			s.failure = err
		}
	})
}

func (s *supervisor) change(apply func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	apply()
	close(s.changed)
	s.changed = make(chan struct{})
}

// failed waits for the host to give up; it returns nil when ctx ends first.
func (s *supervisor) failed(ctx context.Context) error {
	for {
		_, failure, changed := s.state()
		if failure != nil {
			return failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
