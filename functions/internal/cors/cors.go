// Package cors lets pages of other origins call the API from a browser, those that the settings name and no others
// (the CORS protocol of https://fetch.spec.whatwg.org).
package cors

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// What a page may send, and what it may read beside the body.
var (
	methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	sent    = []string{"Authorization", "Content-Type", "If-Match", "If-None-Match", "Operation-Id", "Prefer",
		"x-functions-key"}
	exposed = []string{"Allow", "Content-Disposition", "ETag", "Location", "Operation-Location",
		"Preference-Applied", "Retry-After", "WWW-Authenticate", "x-ms-error-code", "x-ms-request-id"}
)

// maxAge is how long a browser need not ask again, in seconds: what a setting takes away is refused soon after.
const maxAge = "600"

// Handler answers the preflights of pages of these origins, before next and whatever that asks of a caller, and lets
// those pages read its answers. All else is next's. It allows no credentials, by which a browser means cookies: a page
// sends its token itself. function is the name by which a preflight is logged.
func Handler(next http.Handler, origins []string, function string) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !slices.Contains(origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			invocation.From(r.Context()).SetFunction(function)
			h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
			h.Set("Access-Control-Allow-Headers", strings.Join(sent, ", "))
			h.Set("Access-Control-Max-Age", maxAge)
			h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", strings.Join(exposed, ", "))
		next.ServeHTTP(w, r)
	})
}
