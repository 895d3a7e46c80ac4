package host

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// maxAdminBody bounds the body of an admin request, in bytes.
const maxAdminBody = 1 << 20

// adminHandler serves what the host keeps for itself: /admin/* and /runtime/*.
func (h *Host) adminHandler() http.Handler {
	mux := http.NewServeMux()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		mux.HandleFunc(method+" /admin/host/ping", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
		})
	}
	mux.HandleFunc("GET /admin/host/status", h.status)
	mux.HandleFunc("GET /admin/functions", h.list)
	mux.HandleFunc("GET /admin/functions/{name}", h.describeOne)
	mux.HandleFunc("POST /admin/functions/{name}", h.start)
	return mux
}

func (h *Host) status(w http.ResponseWriter, _ *http.Request) {
	state, failures := "Running", []string{}
	if err := h.Err(); err != nil {
		state, failures = "Error", append(failures, err.Error())
	}
	for _, e := range h.faulty {
		failures = append(failures, e.Error())
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "sandbox", "state": state, "version": Version, "versionDetails": Version + " (stand-in)",
		"processUptime": h.now().Sub(h.started).Milliseconds(), "errors": failures,
		"functionAppContentEditingState": "NotAllowed",
	})
}

// functionInfo is one entry of /admin/functions, by the real host's member names.
type functionInfo struct {
	Name              string         `json:"name"`
	Href              string         `json:"href"`
	Config            map[string]any `json:"config"`
	InvokeURLTemplate string         `json:"invoke_url_template,omitempty"`
	Language          string         `json:"language"`
	IsDisabled        bool           `json:"isDisabled"`
}

func (h *Host) info(f *function) functionInfo {
	return functionInfo{
		Name: f.name, Href: h.URL() + "/admin/functions/" + f.name, Config: map[string]any{"bindings": f.bindings},
		InvokeURLTemplate: h.invokeURL(f), Language: "custom", IsDisabled: f.disabled,
	}
}

// invokeURL is the template of an HTTP function's address, lower case as the real host writes it; empty for others.
func (h *Host) invokeURL(f *function) string {
	if f.route == nil {
		return ""
	}
	return h.URL() + strings.ToLower(strings.TrimSuffix("/"+strings.Trim(h.config.routePrefix, "/"), "/")+"/"+
		f.route.Template)
}

func (h *Host) list(w http.ResponseWriter, _ *http.Request) {
	all := make([]functionInfo, 0, len(h.functions))
	for _, f := range h.functions {
		all = append(all, h.info(f))
	}
	writeJSON(w, http.StatusOK, all)
}

func (h *Host) describeOne(w http.ResponseWriter, r *http.Request) {
	f := h.named(r.PathValue("name"))
	if f == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	writeJSON(w, http.StatusOK, h.info(f))
}

func (h *Host) named(name string) *function {
	for _, f := range h.functions {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// start runs a queue or timer function once, in the background: {"input": "…"} becomes the trigger's value.
func (h *Host) start(w http.ResponseWriter, r *http.Request) {
	f := h.named(r.PathValue("name"))
	if f == nil || f.disabled {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var request struct{ Input string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody)).Decode(&request)
	if err != nil || f.route != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"message": `expected {"input": "…"} for a function ` +
			`that HTTP does not trigger`})
		return
	}
	e := timerEnvelope(f, nil, false, h.now())
	if f.trigger.Type == triggerServiceBus {
		e = messageEnvelope(f, servicebus.Message{Body: []byte(request.Input), DeliveryCount: 1, EnqueuedAt: h.now()},
			h.namespace(f), h.now())
	}
	h.background(func(ctx context.Context) {
		_ = h.runPayload(ctx, f, e) // logged there; the caller has had its 202
	})
	w.WriteHeader(http.StatusAccepted)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a failed write means that the client has gone
}
