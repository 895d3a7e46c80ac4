// Command sandbox runs the app on this machine, with nothing but Go: a local stand-in for Azure, Entra, Service Bus
// and the DDOE platform, a stand-in for the Functions host, and in it the handler.
//
//	sandbox run  -dist DIR   serve until Ctrl-C; PORT (7071) and SANDBOX_PORT (7072) choose the ports, 0 a free one;
//	                         DDOE_API_URL and DDOE_SUBJECT_TOKEN_URL, if set to nothing, switch off what they are
//	                         for; settings of identities, callers and limits go to the app as they are
//	sandbox demo -dist DIR   tell the whole story on free ports; fails if it goes otherwise
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/host"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
)

// Ports of `run` where the environment names none.
const (
	defaultPort        = 7071
	defaultSandboxPort = 7072
)

// startLimit bounds the start of everything.
const startLimit = 2 * time.Minute

// Pauses before a host that gave up on its handler is started anew; each is twice the one before.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// realMain runs a subcommand. Its result goes to stdout; logs go to stderr.
func realMain(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: sandbox run|demo [-dist DIR]")
	}
	flags := flag.NewFlagSet("sandbox "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	dist := flags.String("dist", "dist", "the packaged app: host.json, handler, function folders")
	verbose := flags.Bool("v", false, "demo: show the log of handler and host")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "run":
		return run(ctx, *dist, stdout, stderr)
	case "demo":
		log := io.Discard
		if *verbose {
			log = stderr
		}
		return demo(ctx, *dist, stdout, log)
	default:
		return fmt.Errorf("unknown subcommand %q: run or demo", args[0])
	}
}

// run serves until ctx ends. Stdout gets one line, when all is ready.
func run(ctx context.Context, dist string, stdout, stderr io.Writer) error {
	port, err := portFrom("PORT", defaultPort)
	if err != nil {
		return err
	}
	sandboxPort, err := portFrom("SANDBOX_PORT", defaultSandboxPort)
	if err != nil {
		return err
	}
	env := settings()
	s, err := start(ctx, stack.Options{Dist: dist, Port: port, SandboxPort: sandboxPort, Env: env, Log: stderr})
	if taken, ok := errors.AsType[*stack.PortTakenError](err); ok {
		return fmt.Errorf("%w: choose others with PORT and SANDBOX_PORT (0 = any free one)", taken)
	}
	if exit, ok := errors.AsType[*host.ExitError](err); ok {
		return fmt.Errorf("the handler does not start (%s): %s", exit.State, lastWord(exit))
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "ready: api=%s sandbox=%s\n", s.APIURL(), s.ControlURL()); err != nil {
		return errors.Join(err, s.Close())
	}
	keepUp(ctx, s, env, stderr)
	return s.Close()
}

// lastWord is the last line of a handler that has ended, which tells why.
func lastWord(exit *host.ExitError) string {
	if len(exit.Stderr) == 0 {
		return "it said nothing"
	}
	return exit.Stderr[len(exit.Stderr)-1]
}

// keepUp starts a host anew that has given up on its handler, until ctx ends, as Azure does. World and messages stay.
func keepUp(ctx context.Context, s *stack.Stack, env []string, stderr io.Writer) {
	for s.Wait(ctx) != nil {
		for pause := firstPause; ; pause = min(2*pause, maxPause) {
			_, _ = fmt.Fprintf(stderr,
				"sandbox: the host is started anew in %s, as Azure does; the world stays. Ctrl-C ends "+
					"all of it.\n", pause)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			err := s.Restart(ctx, env...)
			if err == nil {
				break
			}
			_, _ = fmt.Fprintf(stderr, "sandbox: the host does not start: %v\n", err)
		}
	}
}

// settings are what the environment says in place of the sandbox's own settings. It may switch off what the platform
// is used for, by an empty value, and choose what identities are made of, and where.
func settings() []string {
	var env []string
	for _, name := range []string{"DDOE_API_URL", "DDOE_SUBJECT_TOKEN_URL"} {
		if value, set := os.LookupEnv(name); set && value == "" {
			env = append(env, name+"=")
		}
	}
	for _, name := range []string{"DEFAULT_IDENTITY", "IDENTITY_RESOURCE_GROUP", "AUTH_AUDIENCE", "AUTH_TENANT_ID",
		"CORS_ORIGINS", "RATE_LIMIT", "OPERATION_RETENTION", "QUEUE_OWNER",
		"POLICY", "DATA_SCOPES"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func start(ctx context.Context, o stack.Options) (*stack.Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return stack.Start(ctx, o)
}

func portFrom(name string, fallback int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return fallback, nil
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return 0, fmt.Errorf("%s must be a port from 0 to 65535", name)
	}
	return port, nil
}
