package door_test

import (
	"context"
	"testing"

	sdk "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// benchBed is a broker with one queue, and an SDK client over plain AMQP.
func benchBed(b *testing.B) (*bed, *sdk.Client) {
	b.Helper()
	bed := newBed(b, servicebus.Options{})
	require.NoError(b, bed.PutQueue("q", servicebus.QueueProperties{}))
	return bed, overConnectionString(b, bed)
}

// BenchmarkSend sends messages of 256 bytes, one after the other.
func BenchmarkSend(b *testing.B) {
	_, client := benchBed(b)
	s, err := client.NewSender("q", nil)
	require.NoError(b, err)
	m := &sdk.Message{Body: make([]byte, 256)}
	require.NoError(b, s.SendMessage(context.Background(), m, nil)) // opens the links
	for b.Loop() {
		if err := s.SendMessage(context.Background(), m, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendParallel sends on one link from many goroutines.
func BenchmarkSendParallel(b *testing.B) {
	_, client := benchBed(b)
	s, err := client.NewSender("q", nil)
	require.NoError(b, err)
	m := &sdk.Message{Body: make([]byte, 256)}
	require.NoError(b, s.SendMessage(context.Background(), m, nil))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.SendMessage(context.Background(), m, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkReceive receives in hundreds and completes one by one.
func BenchmarkReceive(b *testing.B) {
	bed, client := benchBed(b)
	r, err := client.NewReceiverForQueue("q", nil)
	require.NoError(b, err)
	body := make([]byte, 256)
	var got []*sdk.ReceivedMessage
	for b.Loop() {
		if len(got) == 0 {
			b.StopTimer()
			for range 100 {
				require.NoError(b, bed.Send("q", servicebus.Message{Body: body}))
			}
			b.StartTimer()
			if got, err = r.ReceiveMessages(context.Background(), 100, nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.CompleteMessage(context.Background(), got[0], nil); err != nil {
			b.Fatal(err)
		}
		got = got[1:]
	}
}
