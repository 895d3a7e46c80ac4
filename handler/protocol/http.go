package protocol

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// hostMaxBody is the largest request body that the host passes on, in bytes (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT).
const hostMaxBody = 104_857_600

// httpFunctions serves HTTP functions. Proxied and forwarded requests look alike here: original method and path, body
// as sent, X-Azure-Functions-InvocationId added.
type httpFunctions struct{ Options }

func (h *httpFunctions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	id := invocationID(r)
	setIDs(w, id)
	ctx, attributes := h.Annotate(r.Context())
	ctx, cancel := context.WithTimeout(ctx, h.HTTPTimeout)
	defer cancel()
	answered := &statusWriter{ResponseWriter: w}

	// A caller may learn of the limit before anything reads the body; without a length the reader enforces it.
	r = r.WithContext(ctx)
	sent := r.Body
	// Closing stays with the door: the server would cut the connection of a body that is closed unread.
	r.Body = http.MaxBytesReader(answered, io.NopCloser(sent), h.MaxBody)
	err := protect(func() error {
		h.HTTP.ServeHTTP(answered, r)
		return nil
	})
	if answered.status == 0 { // a panic before the answer, or a handler that answers nothing
		answer(answered, http.StatusInternalServerError)
	}
	// The host sends the whole body, whatever is answered meanwhile; a connection that closes in the middle of it
	// would reach the caller as the host's own empty 500.
	_, _ = io.Copy(io.Discard, io.LimitReader(sent, hostMaxBody))
	line := []slog.Attr{
		slog.String("invocationId", id), slog.String("traceId", traceID(r)),
		// The path alone: a query may hold a function key.
		slog.String("method", r.Method), slog.String("path", h.Redact(r.URL.Path)),
		slog.Int("status", answered.status),
		slog.Int64("durationMs", time.Since(started).Milliseconds()),
	}
	writeLine(ctx, h.Log, httpOutcome(answered.status, err), append(line, attributes()...), err)
	if errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // half an answer must not look whole: the server cuts the connection
	}
}

func httpOutcome(status int, err error) string {
	switch {
	case err != nil, status >= http.StatusInternalServerError:
		return outcomeFailed
	case status >= http.StatusBadRequest:
		return "refused"
	}
	return outcomeSucceeded
}

// statusWriter remembers the status for the log line.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the implied 200.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
