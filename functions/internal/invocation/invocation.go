// Package invocation carries what is known of the running invocation through a context, so that the door can write one
// log line for it. It writes nothing itself.
package invocation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Longest is longer than the host lets an invocation take (functionTimeout in host.json). What an invocation had not
// done by then, it will never do.
const Longest = 10 * time.Minute

// Record is filled on the way and logged once at the end. It never holds a token, key or assertion.
type Record struct {
	mu            sync.Mutex
	function      string
	caller        string
	integrationID string
	operationID   string
	code          string
	cause         error
}

type contextKey struct{}

// With returns a context that carries a new record.
func With(ctx context.Context) (context.Context, *Record) {
	r := &Record{}
	return context.WithValue(ctx, contextKey{}, r), r
}

// From returns the context's record, or a throw-away one, never nil.
func From(ctx context.Context) *Record {
	if r, ok := ctx.Value(contextKey{}).(*Record); ok {
		return r
	}
	return &Record{}
}

// SetFunction notes the function that serves the invocation.
func (r *Record) SetFunction(name string) { r.set(&r.function, name) }

// SetCaller notes who sent the request, by id.
func (r *Record) SetCaller(id string) { r.set(&r.caller, id) }

// SetIntegration notes the integration that the invocation is about.
func (r *Record) SetIntegration(id string) { r.set(&r.integrationID, id) }

// SetOperation notes the operation that the invocation works on.
func (r *Record) SetOperation(id string) { r.set(&r.operationID, id) }

// SetCode notes the diagnosis code that the invocation ended with.
func (r *Record) SetCode(code diagnosis.Code) { r.set(&r.code, string(code)) }

// SetError notes what the invocation failed with, for the log alone; nil changes nothing.
func (r *Record) SetError(cause error) {
	if cause == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cause = cause
}

func (r *Record) set(field *string, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*field = value
}

// Values returns integration id, operation id and diagnosis code; empty where not known.
func (r *Record) Values() (integrationID, operationID, code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.integrationID, r.operationID, r.code
}

// Attributes are the record as attributes of a log line; empty where not known.
func (r *Record) Attributes() []slog.Attr {
	r.mu.Lock()
	defer r.mu.Unlock()
	cause := ""
	if r.cause != nil {
		cause = r.cause.Error()
	}
	return []slog.Attr{
		slog.String("function", r.function), slog.String("caller", r.caller),
		slog.String("integrationId", r.integrationID),
		slog.String("operationId", r.operationID),
		slog.String("code", r.code), slog.String("error", cause),
	}
}
