package functions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forgeries are messages of whoever may send to the queue about an operation whose id they know: each command, with an
// attempt that is the last or beyond, as it is and as one that the queue has given up.
func forgeries(t *testing.T, operationID string) []Delivery {
	t.Helper()
	var all []Delivery
	for _, kind := range []string{"provision", "deprovision", "accesstest", "healthcheck", "verify"} {
		for _, attempt := range []int{0, 10, 1000} {
			data := map[string]any{"integrationId": "my-images", "operationId": operationID, "attempt": attempt}
			id := fmt.Sprint("forged-", kind, "-", attempt)
			body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": id, "source": "/stranger",
				"type": "ai.ddoe.wif." + kind + ".v1", "data": data})
			require.NoError(t, err)
			all = append(all, Delivery{Body: body, MessageID: id, SessionID: "my-images"})
		}
	}
	return all
}

// TestForgedMessagesEndNothing of another owner's, and leave no word in it: neither as commands nor as dead letters,
// before an operation begins, after it has ended, and when its record was forgotten.
func TestForgedMessagesEndNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ isDelivered, isForgotten bool }{
		"before it begins": {}, "after it has ended": {isDelivered: true},
		"after it was forgotten": {isDelivered: true, isForgotten: true},
	} {
		for door, isCommand := range map[string]bool{"reconcile": true, "deadletter": false} {
			t.Run(name+", "+door, func(t *testing.T) {
				t.Parallel()
				a := withCallers(t)
				made := as(a, first, "PUT", "/integrations/my-images", good)
				require.Equal(t, 201, made.StatusCode, made.raw)
				path := strings.TrimPrefix(made.Header.Get("Operation-Location"), "/api")
				operationID := path[strings.LastIndexByte(path, '/')+1:]
				if c.isDelivered {
					a.deliver()
				}
				if c.isForgotten {
					key := "operations/" + operationID + ".json"
					r, err := a.store.Get(t.Context(), key)
					require.NoError(t, err)
					require.NoError(t, a.store.Delete(t.Context(), key, r.ETag))
				}
				seen := func() []string {
					return []string{as(a, first, "GET", "/integrations/my-images", "").raw,
						as(a, first, "GET", "/integrations/my-images/operations", "").raw}
				}
				before := seen()
				for _, d := range forgeries(t, operationID) {
					if isCommand && !c.isDelivered && strings.Contains(d.MessageID, "-provision-") {
						continue // it is what the operation waits for, and begins it as itself
					}
					require.NoError(t, a.function(door).Message(t.Context(), d))
				}
				assert.Equal(t, before, seen())
				a.deliver()
				if !c.isForgotten {
					assert.Equal(t, "Succeeded", as(a, first, "GET", path, "").at("status"))
				}
				after := as(a, first, "GET", "/integrations/my-images", "")
				assert.Equal(t, "provisioned", after.at("status", "phase"))
			})
		}
	}
}
