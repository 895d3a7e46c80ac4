package protocol

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// errPanic marks an invocation that panicked; the stack is logged with it.
var errPanic = errors.New("panic")

// trigger serves the invocations of one queue or timer function.
type trigger struct {
	Options
	name string
	run  Func
}

func (t *trigger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	id := invocationID(r)
	setIDs(w, id)
	ctx, attributes := t.Annotate(r.Context())
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()

	status, err := t.invoke(ctx, id, w, r)
	line := []slog.Attr{
		slog.String("function", t.name), slog.String("invocationId", id), slog.String("traceId", traceID(r)),
		slog.Int64("durationMs", time.Since(started).Milliseconds()),
	}
	writeLine(ctx, t.Log, outcome(err), append(line, attributes()...), err)
	answer(w, status)
}

// invoke decodes and runs one invocation. Any status but 2xx makes the host fail it.
func (t *trigger) invoke(ctx context.Context, id string, w http.ResponseWriter, r *http.Request) (int, error) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, fmt.Errorf("%w: method %s", ErrEnvelope, r.Method)
	}
	e, err := decode(http.MaxBytesReader(w, r.Body, t.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, err
	case err != nil:
		return http.StatusBadRequest, err
	}
	inv := &Invocation{ID: id, Function: t.name, Data: e.Data, Metadata: e.Metadata}
	if err := protect(func() error { return t.run(ctx, inv) }); err != nil {
		return http.StatusInternalServerError, err
	}
	return http.StatusOK, nil
}

// protect turns a panic into an error, so that it fails one invocation and not the process with all others.
func protect(run func() error) error {
	var err error
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
			}
		}()
		err = run()
	}()
	return err
}

// panicked is the error of a panic. Only the one by which a handler breaks its answer off stays recognisable.
func panicked(value any) error {
	if value == any(http.ErrAbortHandler) {
		return fmt.Errorf("%w: %w", errPanic, http.ErrAbortHandler)
	}
	return fmt.Errorf("%w: %v\n%s", errPanic, value, debug.Stack())
}

func outcome(err error) string {
	if err != nil {
		return outcomeFailed
	}
	return outcomeSucceeded
}
