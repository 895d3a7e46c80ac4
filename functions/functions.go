// Package functions is the composition of the app: the one list of its Azure Functions, and the one place where
// credential, clients, use cases and edges are wired. It holds no rule of the domain and knows nothing of the protocol
// by which the Functions host calls; package handler does.
package functions

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ddoe-ai/azure-wif/functions/adopt"
	"github.com/ddoe-ai/azure-wif/functions/cancel"
	"github.com/ddoe-ai/azure-wif/functions/checkhealth"
	"github.com/ddoe-ai/azure-wif/functions/checknow"
	"github.com/ddoe-ai/azure-wif/functions/confirm"
	"github.com/ddoe-ai/azure-wif/functions/connect"
	"github.com/ddoe-ai/azure-wif/functions/deadletter"
	"github.com/ddoe-ai/azure-wif/functions/disconnect"
	"github.com/ddoe-ai/azure-wif/functions/errorpage"
	"github.com/ddoe-ai/azure-wif/functions/healthz"
	"github.com/ddoe-ai/azure-wif/functions/inspect"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/cors"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/manage"
	"github.com/ddoe-ai/azure-wif/functions/openapi"
	"github.com/ddoe-ai/azure-wif/functions/operations"
	"github.com/ddoe-ai/azure-wif/functions/policy"
	"github.com/ddoe-ai/azure-wif/functions/readyz"
	"github.com/ddoe-ai/azure-wif/functions/reconcile"
	"github.com/ddoe-ai/azure-wif/functions/sweep"
	"github.com/ddoe-ai/azure-wif/functions/testaccess"
	"github.com/ddoe-ai/azure-wif/functions/transfer"
	"github.com/ddoe-ai/azure-wif/functions/validate"
)

// Version names the build; the linker sets it (see Makefile).
var Version = "development"

// Delivery is one message of a queue trigger.
type Delivery = message.Delivery

// Annotate returns a context that collects what is learnt about an invocation, and a function that gives it as
// attributes of the invocation's log line.
func Annotate(ctx context.Context) (context.Context, func() []slog.Attr) {
	ctx, record := invocation.With(ctx)
	return ctx, record.Attributes
}

// Redact replaces what looks like a token in a text that is about to be logged.
func Redact(text string) string { return redact.Text(text) }

// Trigger is what starts a function.
type Trigger string

// The triggers.
const (
	TriggerHTTP  Trigger = "httpTrigger"
	TriggerQueue Trigger = "serviceBusTrigger"
	TriggerTimer Trigger = "timerTrigger"
)

// Function is one Azure Function.
type Function struct {
	// Name is the name of its folder.
	Name    string
	Trigger Trigger
	// Message handles one message of a queue function; nil otherwise. Nil completes the message, an error abandons it.
	Message func(ctx context.Context, d Delivery) error
	// Tick handles a timer function; nil otherwise.
	Tick func(ctx context.Context, pastDue bool) error
}

// App is the wired app.
type App struct {
	// Functions is the list of all functions, HTTP functions included.
	Functions []Function
	// HTTP serves all HTTP functions at their public path, /api/….
	HTTP http.Handler
	// Warm does in the background what would make the first requests slow. It returns when it is done or ctx ends;
	// what fails in it is logged and tried again when it is needed.
	Warm func(ctx context.Context)
	// Close ends what is open.
	Close func(ctx context.Context) error
}

// New wires the app. It sends nothing; everything that can fail without the network fails here.
func New(_ context.Context, cfg Config, log *slog.Logger) (*App, error) {
	p, err := production(cfg)
	if err != nil {
		return nil, err
	}
	return wire(cfg, log, p)
}

// wire puts the app on top of a platform: production's, or a test's.
func wire(cfg Config, log *slog.Logger, p foundation) (*App, error) {
	uses, err := newUseCases(cfg, log, p)
	if err != nil {
		return nil, errors.Join(err, p.close(context.Background()))
	}
	entries := list(cfg, uses)
	mux, _ := newAPI(cfg.PublicBaseURL, newDoor(cfg, p, uses.service.Defaults.TenantID),
		door.NewLimiter(cfg.RateLimit, time.Now), entries)
	app := &App{
		HTTP:  cors.Handler(problem.Handler(mux, cfg.PublicBaseURL), cfg.Origins, preflight),
		Warm:  func(ctx context.Context) { p.warmUp(ctx, log, uses.service.Defaults.TenantID) },
		Close: p.close,
	}
	for _, e := range entries {
		app.Functions = append(app.Functions, e.Function)
	}
	return app, nil
}

// entry is one function with its code; register adds an HTTP function's operations to the API.
type entry struct {
	Function
	register func(huma.API)
	// role is what a caller needs; empty where everybody may call.
	role caller.Role
}

// preflight is the function that takes browsers' preflights, of all paths.
const preflight = "preflight"

// everybody is the role of a function that is open to all.
const everybody caller.Role = ""

// list is the list of functions. Each has a folder of its name with a function.json.
func list(cfg Config, u *useCases) []entry {
	operationURL := func(id string) string { return baseURL(cfg.PublicBaseURL) + "/operations/" + id }
	service, repository := u.service, u.service.Repository
	web := func(name string, role caller.Role, register func(huma.API)) entry {
		return entry{Function{Name: name, Trigger: TriggerHTTP}, register, role}
	}
	queue := func(name string, handle func(context.Context, Delivery) error) entry {
		return entry{Function: Function{Name: name, Trigger: TriggerQueue, Message: handle}}
	}
	trail := operations.Function{Operation: repository.FindOperation, Get: repository.Get, List: u.engine.History.List,
		BaseURL: baseURL(cfg.PublicBaseURL)}
	look := inspect.Function{Get: repository.Get, List: repository.List, Health: u.health.Status, Drift: service.Drift,
		BaseURL: baseURL(cfg.PublicBaseURL)}
	return []entry{
		web("validate", caller.RoleRead, validate.Function{Judge: u.judge.Judge}.Register),
		web("connect", caller.RoleOperate, connect.Function{Get: repository.Get,
			Submit: service.Submit, Plan: service.Plan, Faults: service.Faults,
			OperationURL: operationURL}.Register),
		web("inspect", caller.RoleRead, func(api huma.API) {
			look.Register(api)
			trail.RegisterOfIntegration(api) // one path below an integration's is one function's
		}),
		web("testaccess", caller.RoleOperate, testaccess.Function{Run: service.TestAccess,
			Submit:       service.SubmitAccessTest,
			OperationURL: operationURL}.Register),
		web("checknow", caller.RoleOperate, checknow.Function{Check: u.health.CheckNow, Submit: u.health.Submit,
			OperationURL: operationURL}.Register),
		web("adopt", caller.RoleOperate, adopt.Function{Import: u.adoption.Import, Judge: u.judge.Judge}.Register),
		web("manage", caller.RoleOperate, manage.Function{Plan: service.PlanTakeover, Submit: service.SubmitTakeover,
			OperationURL: operationURL}.Register),
		web("confirm", caller.RoleOperate, confirm.Function{Confirm: service.Confirm}.Register),
		web("transfer", caller.RoleOperate, transfer.Function{Transfer: service.Transfer}.Register),
		web("disconnect", caller.RoleOperate, disconnect.Function{Submit: service.SubmitTeardown,
			OperationURL: operationURL}.Register),
		web("operations", caller.RoleRead, trail.Register),
		web("cancel", caller.RoleOperate, cancel.Function{Cancel: u.engine.Cancel}.Register),
		web("policy", caller.RoleAdmin, policy.Function{Policy: cfg.Policy}.Register),
		web("healthz", everybody, healthz.Function{Version: Version}.Register),
		web("readyz", caller.RoleRead, readyz.Function{Check: u.ready.Check}.Register),
		web("openapi", caller.RoleRead, openapi.Register),
		web("errorpage", caller.RoleRead, errorpage.Register),
		{Function: Function{Name: preflight, Trigger: TriggerHTTP}}, // answered before any function: package cors
		queue("reconcile", reconcile.Function{Handle: u.worker.Handle, Reject: u.worker.Reject}.Message),
		queue("deadletter", deadletter.Function{DeadLettered: u.worker.DeadLettered}.Message),
		{Function: Function{Name: "sweep", Trigger: TriggerTimer, Tick: sweep.Function{Sweep: u.sweep}.Tick}},
		queue("checkhealth", checkhealth.Function{Check: u.health.Check, Reject: u.worker.Reject}.Message),
	}
}
