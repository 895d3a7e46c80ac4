// Package stack runs the whole app on this machine: the sandbox, the Functions host stand-in over it, and the handler
// in the host. It is what `make run` starts, and what the end-to-end tests drive.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/host"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// Options say what to run and where.
type Options struct {
	// Dist is the packaged app: host.json, the handler's executable, one folder per function.
	Dist string
	// Port and SandboxPort are where the API and the control API are served on 127.0.0.1; 0 picks a free one.
	Port, SandboxPort int
	// Env is added to the handler's environment, NAME=value each, over what the sandbox gives it.
	Env []string
	// Arrange, if set, changes the seeded world before the app starts; see cloud.Options.
	Arrange func(*world.World)
	// Premises is the base URL of a customer's own installation of the platform's API; see cloud.Options.
	Premises string
	// Refuses, if set, tells which hosts the network refuses to lead to; see cloud.Options.
	IsRefused func(host string) bool
	// Log takes the lines of handler, host and sandbox; nil drops them. It must be safe for concurrent use.
	Log io.Writer
}

// Stack is a running app with its sandbox. Close it.
type Stack struct {
	cloud   *cloud.Cloud
	host    *host.Host
	address string // of the API, host:port
	options Options
}

// PortTakenError is true where a port that was asked for is in use.
type PortTakenError struct {
	Port int
	Err  error
}

// Error names the port.
func (e *PortTakenError) Error() string { return fmt.Sprintf("port %d is taken", e.Port) }

// Unwrap returns the listener's error.
func (e *PortTakenError) Unwrap() error { return e.Err }

// Start returns when the handler is ready, or with everything closed again and the reason. ctx bounds the start only.
// A port in use is a *PortTakenError.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	listener, err := listen(ctx, o.Port)
	if err != nil {
		return nil, err
	}
	s := &Stack{options: o}
	if s.cloud, err = startCloud(ctx, o); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	for _, name := range overridden(os.Environ(), s.environment(listener)) {
		// a log that fails has nowhere to be reported
		_, _ = fmt.Fprintf(o.Log, "sandbox: %s is ignored: the sandbox sets its own\n", name)
	}
	if err := s.startHost(ctx, listener); err != nil {
		return nil, errors.Join(err, s.cloud.Close())
	}
	return s, nil
}

// environment is what host and handler get over the environment of this process.
func (s *Stack) environment(api net.Listener) []string {
	return slices.Concat(s.cloud.Environment(), []string{"PUBLIC_BASE_URL=http://" + api.Addr().String()},
		s.options.Env)
}

// overridden are the names of the variables that have another value in own, whose last entry of a name counts.
func overridden(environ, own []string) []string {
	values := map[string]string{}
	for _, pair := range own {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	var names []string
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if other, set := values[name]; set && other != value {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// startHost starts the host over the sandbox that runs.
func (s *Stack) startHost(ctx context.Context, listener net.Listener) error {
	s.address = listener.Addr().String()
	next, err := host.New(host.Options{
		Root: s.options.Dist, Listener: listener, Env: s.environment(listener), Broker: s.cloud.Broker(),
		MayListen: s.cloud.MayListen, Log: s.options.Log,
	})
	if err == nil {
		s.host = next
		err = next.Start(ctx)
	}
	if err != nil {
		_ = listener.Close() // the host may have closed it
	}
	return err
}

// Restart ends host and handler and starts them anew on the same port with these settings, NAME=value each, in place
// of Options.Env, as a changed setting restarts a deployed app. World and messages stay. After an error nothing runs
// but the sandbox. It must not run beside the other methods.
func (s *Stack) Restart(ctx context.Context, env ...string) error {
	s.host.Close()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	s.options.Env = env
	return s.startHost(ctx, listener)
}

func startCloud(ctx context.Context, o Options) (*cloud.Cloud, error) {
	c, err := cloud.New(cloud.Options{ControlAddr: address(o.SandboxPort), Arrange: o.Arrange, Premises: o.Premises,
		IsRefused: o.IsRefused, Log: o.Log})
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(taken(o.SandboxPort, err), c.Close())
	}
	return c, nil
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address(port))
	if err != nil {
		return nil, taken(port, err)
	}
	return listener, nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func taken(port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &PortTakenError{Port: port, Err: err}
	}
	return err
}

// APIURL is the base of the API, prefix included.
func (s *Stack) APIURL() string { return s.host.URL() + "/api" }

// HostURL is the base of the host: /api and /admin are below it.
func (s *Stack) HostURL() string { return s.host.URL() }

// ControlURL is the base of the sandbox's control API.
func (s *Stack) ControlURL() string { return s.cloud.ControlURL() }

// HandlerPID is the process id of the handler that runs now; 0 if there is none.
func (s *Stack) HandlerPID() int { return s.host.PID() }

// Cloud is the sandbox.
func (s *Stack) Cloud() *cloud.Cloud { return s.cloud }

// Wait returns the reason when the host gives up on the handler, and nil when ctx ends before that.
func (s *Stack) Wait(ctx context.Context) error { return s.host.Wait(ctx) }

// Close ends everything: the host drains shortly and kills the handler, then the sandbox ends.
func (s *Stack) Close() error {
	s.host.Close()
	return s.cloud.Close()
}
