package door_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// disturbOnce disturbs the first such operation on queue q.
func disturbOnce(operation string, d servicebus.Disturbance) servicebus.Options {
	var met atomic.Bool
	return servicebus.Options{Disturb: func(o, path string) (servicebus.Disturbance, bool) {
		return d, o == operation && path == "q" && met.CompareAndSwap(false, true)
	}}
}

// TestDisturbedSend: the SDK recovers from each, and sends again. What was done before is there twice without
// duplicate detection: that is what producers have it for.
func TestDisturbedSend(t *testing.T) {
	for name, tc := range map[string]struct {
		disturbance servicebus.Disturbance
		want        int
	}{
		"link detached":               {servicebus.Disturbance{}, 1},
		"link detached, another code": {servicebus.Disturbance{Code: "amqp:internal-error", Message: "why"}, 1},
		"done, link detached":         {servicebus.Disturbance{Done: true}, 2},
		"connection cut":              {servicebus.Disturbance{Cut: true}, 1},
		"done, connection cut":        {servicebus.Disturbance{Done: true, Cut: true}, 2},
		"done, then refused":          {servicebus.Disturbance{Done: true, Code: "amqp:not-allowed"}, 1},
	} {
		for _, deduplicated := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newBed(t, disturbOnce(servicebus.OperationSend, tc.disturbance))
				require.NoError(t, b.PutQueue("q",
					servicebus.QueueProperties{RequiresDuplicateDetection: deduplicated}))
				sender, err := overConnectionString(t, b).NewSender("q", nil)
				require.NoError(t, err)
				id := "same"
				err = sender.SendMessage(t.Context(), &sdk.Message{MessageID: &id}, nil)
				if tc.disturbance.Code == "amqp:not-allowed" {
					require.ErrorContains(t, err, "amqp:not-allowed", "the SDK gives up: nothing heals that")
				} else {
					require.NoError(t, err)
				}
				want := tc.want
				if deduplicated {
					want = 1
				}
				assert.Len(t, b.Peek("q"), want)
			})
		}
	}
}

// TestDisturbedSettlement: the lock is lost, and the message comes again, unless it was settled all the same.
func TestDisturbedSettlement(t *testing.T) {
	for name, tc := range map[string]struct {
		disturbance servicebus.Disturbance
		left        int
	}{
		"lock lost":            {servicebus.Disturbance{}, 1},
		"done, lock lost":      {servicebus.Disturbance{Done: true}, 0},
		"done, connection cut": {servicebus.Disturbance{Done: true, Cut: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, disturbOnce(servicebus.OperationSettle, tc.disturbance))
			require.NoError(t, b.PutQueue("q", servicebus.QueueProperties{}))
			require.NoError(t, b.Send("q", servicebus.Message{MessageID: "m"}))
			receiver, err := overConnectionString(t, b).NewReceiverForQueue("q", nil)
			require.NoError(t, err)
			got, err := receiver.ReceiveMessages(t.Context(), 1, nil)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // after a cut the SDK tries for long
			defer cancel()
			err = receiver.CompleteMessage(ctx, got[0], nil)
			require.Error(t, err)
			if !tc.disturbance.Cut {
				var refused *sdk.Error
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, sdk.CodeLockLost, refused.Code)
			}
			require.Len(t, b.Peek("q"), tc.left)
			if tc.left > 0 {
				again, err := receiver.ReceiveMessages(t.Context(), 1, nil)
				require.NoError(t, err)
				assert.Equal(t, uint32(2), again[0].DeliveryCount, "the first delivery counts")
			}
		})
	}
}
