// Command handler is the Azure Functions custom handler: it gives DDOE services keyless access to Azure Blob Storage
// by Workload Identity Federation. The Functions host starts it, tells it its port and sends it every invocation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/ddoe-ai/azure-wif/functions"
	"github.com/ddoe-ai/azure-wif/handler/protocol"
)

const (
	// invocationTimeout stays below host.json's functionTimeout; when that passes, the host kills the process.
	invocationTimeout = 4*time.Minute + 30*time.Second
	// httpTimeout stays below the 230 s after which Azure's front end drops an HTTP request.
	httpTimeout = 220 * time.Second
	// maxBody is well above the largest Service Bus message of the standard tier (256 KiB), base64 and metadata
	// included.
	maxBody = 2 << 20
	// drainTimeout is how long a stop waits for running invocations. The host itself sends SIGKILL, which waits for
	// none.
	drainTimeout = 10 * time.Second
)

// errStopped makes a stop by signal exit with a code: the host does not restart a handler that exits with 0.
var errStopped = errors.New("stopped by a signal")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.LookupEnv, os.Stdout)
	stop()
	fmt.Fprintln(os.Stderr, "handler:", err)
	os.Exit(1)
}

// realMain checks everything that can fail at start, then listens, then serves until ctx ends. It never returns nil.
func realMain(ctx context.Context, lookup func(string) (string, bool), stdout io.Writer) error {
	log := slog.New(slog.NewJSONHandler(stdout, nil))
	cfg, err := functions.ConfigFromEnvironment(lookup)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	app, err := functions.New(ctx, cfg, log)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	listener, err := listen(ctx, cfg.Port)
	if err != nil {
		return err
	}
	return serve(ctx, app, listener, log)
}

// listen opens the host's port on IPv4 loopback: the host dials 127.0.0.1, and nobody else may.
func listen(ctx context.Context, port int) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("the port that the host gave (FUNCTIONS_CUSTOMHANDLER_PORT) cannot be used: %w", err)
	}
	return listener, nil
}

func serve(ctx context.Context, app *functions.App, listener net.Listener, log *slog.Logger) error {
	server := &http.Server{
		Handler:           newHandler(app, log),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	warm, cancel := context.WithCancel(ctx)
	warmed := make(chan struct{})
	go func() {
		defer close(warmed)
		app.Warm(warm)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	err := errStopped
	select {
	case <-ctx.Done():
		drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer stop()
		if failed := server.Shutdown(drain); failed != nil {
			err = fmt.Errorf("%w: %w", errStopped, failed)
		}
	case err = <-served:
	}
	cancel()
	<-warmed
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	return errors.Join(err, app.Close(closing))
}

// newHandler joins the host's protocol with the app's functions.
func newHandler(app *functions.App, log *slog.Logger) http.Handler {
	triggers := make(map[string]protocol.Func)
	for _, f := range app.Functions {
		switch {
		case f.Message != nil:
			triggers[f.Name] = onMessage(f)
		case f.Tick != nil:
			triggers[f.Name] = onTick(f)
		}
	}
	return protocol.New(protocol.Options{
		HTTP: app.HTTP, Functions: triggers, Log: log,
		Timeout: invocationTimeout, HTTPTimeout: httpTimeout, MaxBody: maxBody,
		Annotate: functions.Annotate, Redact: functions.Redact,
	})
}

// onMessage runs a queue function for every message of an invocation; the host settles them together.
func onMessage(f functions.Function) protocol.Func {
	return func(ctx context.Context, inv *protocol.Invocation) error {
		messages, err := inv.Messages()
		if err != nil {
			return err
		}
		var failed error
		for _, m := range messages {
			failed = errors.Join(failed, f.Message(ctx, functions.Delivery{
				Body: m.Body, MessageID: m.MessageID, SessionID: m.SessionID,
				ApplicationProperties: m.ApplicationProperties,
			}))
		}
		return failed
	}
}

func onTick(f functions.Function) protocol.Func {
	return func(ctx context.Context, inv *protocol.Invocation) error {
		timer, err := inv.Timer()
		if err != nil {
			return err
		}
		return f.Tick(ctx, timer.PastDue)
	}
}
