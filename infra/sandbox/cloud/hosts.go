package cloud

import (
	"net"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/inprocess"
)

// hosts finds the service that answers for a host name.
type hosts struct {
	services map[string]http.Handler // by host name
	blobs    *blob.Service           // for the storage accounts that there are
}

// ServeHTTP hands a request to the service of its host.
func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := h.service(r.Host)
	if service == nil {
		http.Error(w, "the sandbox does not know the host "+r.Host, http.StatusMisdirectedRequest)
		return
	}
	service.ServeHTTP(w, r)
}

// service returns nil for a host that nobody answers for.
func (h *hosts) service(host string) http.Handler {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if service, ok := h.services[host]; ok {
		return service
	}
	if h.blobs.HasAccount(host) {
		return h.blobs
	}
	return nil
}

// through is the way to all hosts that are known, through a handler.
func (h *hosts) through(handler http.Handler) inprocess.Hosts {
	return func(host string) (http.Handler, bool) { return handler, h.isKnown(host) }
}

func (h *hosts) isKnown(host string) bool { return h.service(host) != nil }
