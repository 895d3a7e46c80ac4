package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// Options say what to host and where.
type Options struct {
	// Root is the folder with host.json, the handler's executable and one folder per function.
	Root string
	// Addr is where the functions' HTTP is served; empty means a free port on 127.0.0.1.
	Addr string
	// Listener is served instead of Addr if it is set; the host closes it.
	Listener net.Listener
	// Env is added to the environment of the handler, NAME=value each, over what the process and local.settings.json
	// have. App settings that the host itself reads come from the same places.
	Env []string
	// Broker holds the entities that Service Bus triggers listen to; nil puts such functions in error.
	Broker *servicebus.Broker
	// MayListen tells whether the host's identity may receive from an entity: nil, or the namespace's refusal. It is
	// asked before every receive; nil means that it always may.
	MayListen func(entity string) error
	// Log takes the lines of the host and of the handler; nil drops them.
	Log io.Writer
	// Now is the clock of schedules and locks; nil means time.Now.
	Now func() time.Time
	// Drain is how long Close waits for invocations that run, before it kills the handler; 0 means five seconds.
	Drain time.Duration
}

const defaultDrain = 5 * time.Second

// Host is a running stand-in for the Functions host.
type Host struct {
	options   Options
	config    config
	settings  settings
	functions []*function
	faulty    []*FunctionError
	log       *logger
	now       func() time.Time
	started   time.Time

	handler   *supervisor
	client    *http.Client
	transport *http.Transport
	admin     http.Handler
	server    *http.Server
	listener  net.Listener

	stopListening context.CancelFunc // no new messages and ticks
	stopRunning   context.CancelFunc // ends the handler and what runs in it
	background    func(run func(ctx context.Context))
	work          sync.WaitGroup // listeners, timers, admin-started invocations, the HTTP server
	closing       sync.Once
}

// New reads host.json, the settings and the functions. A faulty host.json is an error; a faulty function is logged,
// and listed by FunctionErrors.
func New(o Options) (*Host, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Drain == 0 {
		o.Drain = defaultDrain
	}
	h := &Host{options: o, log: &logger{out: o.Log}, now: o.Now}
	if h.settings, err = loadSettings(root, os.Environ(), o.Env); err != nil {
		return nil, err
	}
	if h.config, err = loadConfig(root, h.settings); err != nil {
		return nil, err
	}
	if h.functions, h.faulty, err = discover(root, h.config, h.settings); err != nil {
		return nil, err
	}
	h.refuseWithoutBroker()
	h.handler = newSupervisor(newCommand(root, h.config, h.settings), h.config.initializationTimeout, h.now, h.log)
	h.client, h.transport = newClient()
	h.admin = h.adminHandler()
	return h, nil
}

// refuseWithoutBroker puts Service Bus functions in error where there is no broker.
func (h *Host) refuseWithoutBroker() {
	if h.options.Broker != nil {
		return
	}
	var kept []*function
	for _, f := range h.functions {
		if f.trigger.Type == triggerServiceBus {
			h.faulty = append(h.faulty, &FunctionError{Function: f.name, Err: errors.New("there is no Service Bus")})
			continue
		}
		kept = append(kept, f)
	}
	h.functions = kept
}

// FunctionErrors lists the functions that do not run, and why.
func (h *Host) FunctionErrors() []*FunctionError { return h.faulty }

// Start listens, starts the handler, and returns when the handler is ready. It fails if the address is taken, if there
// is no function to run, if the handler fails three times, or if ctx ends; then everything is closed again. ctx bounds
// the start only.
func (h *Host) Start(ctx context.Context) error {
	for _, e := range h.faulty {
		h.log.hostf("ERROR: %v", e)
	}
	if len(h.functions) == 0 {
		return errors.New("no job functions found: a host does not start a handler without any")
	}
	listener, err := h.listen(ctx)
	if err != nil {
		return err
	}
	h.listener, h.started = listener, h.now()
	running, stopRunning := context.WithCancel(context.Background())
	listening, stopListening := context.WithCancel(running)
	h.stopRunning, h.stopListening = stopRunning, stopListening
	h.handler.stopTriggers = stopListening
	h.background = func(run func(context.Context)) { h.work.Go(func() { run(running) }) }
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	h.work.Go(func() { _ = h.server.Serve(listener) }) // always ErrServerClosed or the end of the listener
	go h.handler.run(running)
	h.startTriggers(listening)
	if _, err := h.handler.await(ctx); err != nil {
		h.Close()
		return fmt.Errorf("the handler did not become ready: %w", err)
	}
	h.describe()
	return nil
}

func (h *Host) listen(ctx context.Context) (net.Listener, error) {
	if h.options.Listener != nil {
		return h.options.Listener, nil
	}
	address := h.options.Addr
	if address == "" {
		address = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

// startTriggers starts the listeners and timers of the functions that are enabled.
func (h *Host) startTriggers(ctx context.Context) {
	for _, f := range h.functions {
		if f.disabled {
			continue
		}
		switch f.trigger.Type {
		case triggerServiceBus:
			q := &queueListener{broker: h.options.Broker, function: f, config: h.config,
				mayListen: h.options.MayListen, now: h.now, log: h.log,
				invoke: func(ctx context.Context, m servicebus.Message) error {
					return h.runPayload(ctx, f, messageEnvelope(f, m, h.namespace(f), h.now()))
				}}
			h.background(func(running context.Context) { q.run(ctx, running) })
		case triggerTimer:
			t := newTimer(f, h.now, func(ctx context.Context, status *timerStatus, pastDue bool) {
				// A failed run is logged; it neither stops nor delays the schedule.
				_ = h.runPayload(ctx, f, timerEnvelope(f, status, pastDue, h.now()))
			})
			h.background(func(running context.Context) { t.run(ctx, running) })
		}
	}
}

// namespace is what the envelope's Client names.
func (h *Host) namespace(f *function) string {
	if name := h.settings[f.trigger.Connection+"__fullyQualifiedNamespace"]; name != "" {
		return name
	}
	return "localhost"
}

// describe lists what is served, as `func start` does.
func (h *Host) describe() {
	for _, f := range h.functions {
		switch {
		case f.disabled:
			h.log.hostf("%s: disabled", f.name)
		case f.route != nil:
			h.log.hostf("%s: %v %s", f.name, f.trigger.Methods, h.invokeURL(f))
		case f.schedule != nil:
			h.log.hostf("%s: %s, next %s", f.name, f.trigger.Schedule, f.schedule.next(h.now()).Format(time.RFC3339))
		default:
			h.log.hostf("%s: %s %s", f.name, f.trigger.Type, f.trigger.entity())
		}
	}
}

// URL is the base of the functions' HTTP, without the route prefix.
func (h *Host) URL() string { return "http://" + h.listener.Addr().String() }

// PID is the process id of the handler that runs now; 0 if there is none.
func (h *Host) PID() int {
	p, _, _ := h.handler.state()
	if p == nil || isClosed(p.done) {
		return 0
	}
	return p.pid()
}

// Wait returns the reason when the host has given up on the handler, and nil when ctx ends before that. A real host's
// process ends then; this one has stopped its listeners and timers, and refuses HTTP requests until it is closed.
func (h *Host) Wait(ctx context.Context) error { return h.handler.failed(ctx) }

// Err is what Wait would return, without waiting.
func (h *Host) Err() error {
	_, failure, _ := h.handler.state()
	return failure
}

// Close stops listening, waits for invocations that run (no longer than Options.Drain), and kills the handler, as a
// real host does. Messages that were in work then are abandoned.
func (h *Host) Close() {
	if h.stopRunning == nil {
		return // never started
	}
	h.closing.Do(func() {
		h.stopListening()
		ctx, cancel := context.WithTimeout(context.Background(), h.options.Drain)
		defer cancel()
		idle := make(chan struct{})
		go func() {
			defer close(idle)
			_ = h.server.Shutdown(ctx) // on a time-out, Close below cuts what is left
			h.work.Wait()
		}()
		select {
		case <-idle:
		case <-ctx.Done():
		}
		h.stopRunning()
		_ = h.server.Close() // closing twice is harmless
		<-idle
		<-h.handler.ended
		h.transport.CloseIdleConnections()
	})
}
