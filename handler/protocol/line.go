package protocol

import (
	"context"
	"log/slog"
	"net/http"
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

// writeLine writes the one log line of an invocation. Empty attributes are left out.
func writeLine(ctx context.Context, log *slog.Logger, attributes []slog.Attr, err error) {
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	kept := attributes[:0]
	for _, a := range attributes {
		if a.Value.Kind() != slog.KindString || a.Value.String() != "" {
			kept = append(kept, a)
		}
	}
	log.LogAttrs(ctx, level, "invocation", kept...)
}
