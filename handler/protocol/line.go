package protocol

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// invocationID returns the host's id of this invocation, or a new one where the host gave none or something else than
// an id: it goes into a header and a log line.
func invocationID(r *http.Request) string {
	if id, err := uuid.Parse(r.Header.Get(HeaderInvocationID)); err == nil {
		return id.String()
	}
	return uuid.NewString()
}

// setIDs repeats the invocation id on the answer, under the host's name and under the one Azure services use.
func setIDs(w http.ResponseWriter, id string) {
	w.Header().Set(HeaderInvocationID, id)
	w.Header().Set(HeaderRequestID, id)
}

// traceID returns the trace id of a W3C traceparent header (https://www.w3.org/TR/trace-context/), or "".
func traceID(r *http.Request) string {
	parts := strings.Split(r.Header.Get("traceparent"), "-")
	if len(parts) < 4 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	return parts[1]
}

// The outcomes of an invocation. Failed is what the app or a service behind it did not manage; its line is an error.
const (
	outcomeSucceeded = "succeeded"
	outcomeFailed    = "failed"
)

// writeLine writes the one log line of an invocation: the attributes without the empty ones, and err as the cause
// where the attributes name none.
func writeLine(ctx context.Context, log *slog.Logger, outcome string, attributes []slog.Attr, err error) {
	level := slog.LevelInfo
	switch {
	case outcome == outcomeFailed:
		level = slog.LevelError
	case outcome == outcomeSucceeded && slices.ContainsFunc(attributes, func(a slog.Attr) bool {
		return a.Key == "code" && a.Value.String() != ""
	}):
		level = slog.LevelWarn // the invocation did its work, and what it found or refused has a diagnosis
	}
	kept := []slog.Attr{slog.String("outcome", outcome)}
	for _, a := range attributes {
		if a.Value.Kind() != slog.KindString || a.Value.String() != "" {
			kept = append(kept, a)
		}
	}
	named := slices.ContainsFunc(kept, func(a slog.Attr) bool { return a.Key == "error" })
	if err != nil && !named {
		kept = append(kept, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, "invocation", kept...)
}
