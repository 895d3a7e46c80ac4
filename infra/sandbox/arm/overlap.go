package arm

import (
	"context"
	"net/http"
	"strings"
	"sync"
)

// overlapping is set in the context of a request that came while another write below the same identity was handled.
type overlapping struct{}

// TrackWrites notes which writes and deletes of federated identity credentials below one identity overlap in time: the
// service refuses the later one. It is to be put around what makes requests last, so that their time counts; the
// handler of New alone is done with each at once.
// Source: https://github.com/hashicorp/terraform-provider-azurerm/issues/19968, and issues/29242 for deletes.
func TrackWrites(next http.Handler) http.Handler {
	var mu sync.Mutex
	running := map[string]bool{} // lower ids of identities
	start := func(id string) bool {
		mu.Lock()
		defer mu.Unlock()
		if running[id] {
			return false
		}
		running[id] = true
		return true
	}
	end := func(id string) {
		mu.Lock()
		defer mu.Unlock()
		delete(running, id)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := writtenIdentity(r)
		if id == "" {
			next.ServeHTTP(w, r)
			return
		}
		if start(id) {
			defer end(id)
		} else {
			r = r.WithContext(context.WithValue(r.Context(), overlapping{}, true))
		}
		next.ServeHTTP(w, r)
	})
}

// writtenIdentity is the lower id of the identity below which the request writes or deletes a credential, or "".
func writtenIdentity(r *http.Request) string {
	if r.Method != http.MethodPut && r.Method != http.MethodDelete {
		return ""
	}
	path := strings.ToLower("/" + strings.Trim(r.URL.Path, "/"))
	identity, _, isCredential := strings.Cut(path, "/federatedidentitycredentials/")
	if !isCredential || !strings.Contains(identity, "/providers/"+strings.ToLower(identityType)+"/") {
		return ""
	}
	return identity
}

// overlaps holds that the request is not one of two that write below the same identity at a time. As seen in Azure,
// the text has the identity's id.
// Source: https://github.com/Azure/bicep-registry-modules/issues/1447.
func (c federation) overlaps(identityID string) error {
	if c.request.Context().Value(overlapping{}) == nil {
		return nil
	}
	return &fault{status: http.StatusConflict,
		code: "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
		message: "Too many Federated Identity Credentials are written concurrently for the managed identity '" +
			identityID + "'. Concurrent Federated Identity Credentials writes under the same managed identity " +
			"are not supported."}
}
