package azure_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// stalled is a body that begins and never ends.
type stalled struct {
	ctx   context.Context
	begun bool
}

func (s *stalled) Read(p []byte) (int, error) {
	if !s.begun {
		s.begun = true
		return copy(p, "{"), nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

const limit = 20 * time.Second

var errReset = errors.New("connection reset by peer")

// limitCases are ways in which a request ends.
var limitCases = map[string]struct {
	transport do
	deadline  time.Duration // of the invocation; 0 for none
	late      bool
	err       error
	took      time.Duration
	attempts  int
}{
	"an answer": {func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, strings.NewReader("{}")), nil
	}, 0, false, nil, 0, 1},
	"no answer": {func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}, 0, true, nil, limit, 1},
	"no end of the answer": {func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, &stalled{ctx: r.Context()}), nil
	}, 0, true, nil, limit, 1},
	"the invocation ends first": {func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}, time.Second, false, context.DeadlineExceeded, time.Second, 1},
	"the invocation ends within the answer": {func(r *http.Request) (*http.Response, error) {
		return answer(r, 200, &stalled{ctx: r.Context()}), nil
	}, time.Second, false, context.DeadlineExceeded, time.Second, 1},
	"another failure is repeated": {func(*http.Request) (*http.Response, error) {
		return nil, errReset
	}, 0, false, errReset, 0, 4},
}

// TestLimit: an attempt ends with its limit, is not repeated, and is not mistaken for the end of the invocation.
func TestLimit(t *testing.T) {
	for name, tc := range limitCases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				counted := do(func(r *http.Request) (*http.Response, error) { attempts++; return tc.transport(r) })
				options := azure.Limit(azcore.ClientOptions{Transport: counted}, limit)
				options.Retry.RetryDelay = 1 // ns
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if tc.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, tc.deadline)
				}
				defer cancel()
				request, err := runtime.NewRequest(ctx, http.MethodGet, "https://graph.example/v1.0/applications")
				require.NoError(t, err)
				began := time.Now()
				_, err = runtime.NewPipeline("m", "v1", runtime.PipelineOptions{}, &options).Do(request)
				assert.InDelta(t, tc.took, time.Since(began), float64(time.Millisecond))
				assert.Equal(t, tc.attempts, attempts)
				var late *azure.TimeoutError
				assert.Equal(t, tc.late, errors.As(err, &late))
				switch {
				case tc.late:
					assert.Equal(t, "graph.example", late.Host())
					assert.True(t, late.Timeout())
					assert.NotErrorIs(t, err, context.DeadlineExceeded, "the invocation has time left")
				case tc.err != nil:
					assert.ErrorIs(t, err, tc.err)
				default:
					assert.NoError(t, err)
				}
			})
		})
	}
}

// whole is a body whose last byte, or whose end, comes when the limit has passed.
type whole struct {
	ctx  context.Context
	data string
}

func (w *whole) Read(p []byte) (int, error) {
	<-w.ctx.Done()
	if w.data == "" {
		return 0, io.EOF
	}
	n := copy(p, w.data)
	w.data = w.data[n:]
	return n, nil
}

// TestAnAnswerThatIsWholeIsTaken, even where the limit passes while it is read: nothing is missing.
func TestAnAnswerThatIsWholeIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := azure.Limit(azcore.ClientOptions{Transport: do(func(r *http.Request) (*http.Response, error) {
			return answer(r, 200, &whole{r.Context(), "{}"}), nil
		})}, limit)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example:444/x", http.NoBody)
		require.NoError(t, err)
		resp, err := options.Transport.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "{}", string(text))
		require.NoError(t, resp.Body.Close())
	})
}

// TestWhatALimitHoldsIsReleased with the answer, or at once where there is none.
func TestWhatALimitHoldsIsReleased(t *testing.T) {
	var held context.Context
	var failure error
	options := azure.Limit(azcore.ClientOptions{Transport: do(func(r *http.Request) (*http.Response, error) {
		held = r.Context()
		return answer(r, 200, nothing()), failure
	})}, limit)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/", http.NoBody)
	require.NoError(t, err)
	resp, err := options.Transport.Do(r)
	require.NoError(t, err)
	require.NoError(t, held.Err())
	require.NoError(t, resp.Body.Close())
	assert.ErrorIs(t, held.Err(), context.Canceled)
	failure = errReset
	_, err = options.Transport.Do(r)
	require.ErrorIs(t, err, errReset)
	assert.ErrorIs(t, held.Err(), context.Canceled)
	assert.NoError(t, t.Context().Err())
}

// TestLimitsOfAnswers: the limit is part of the words, as is the host without its port.
func TestLimitsOfAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.Equal(t, 20*time.Second, azure.AnswerLimit)
		assert.Equal(t, "2025-05-05", azure.StorageVersion)
		options := azure.Limit(azcore.ClientOptions{Transport: do(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}, 1500*time.Millisecond)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example:444/x", http.NoBody)
		require.NoError(t, err)
		_, err = options.Transport.Do(r)
		var late *azure.TimeoutError
		require.ErrorAs(t, err, &late)
		assert.Equal(t, azure.TimeoutError{Name: "a.example", Limit: 1500 * time.Millisecond}, *late)
		assert.EqualError(t, err, "no whole answer from a.example within 1.5s")
	})
}

// TestAStreamHasTheLimitToo: blobs are not read by the pipeline but by who asked for them.
func TestAStreamHasTheLimitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := do(func(r *http.Request) (*http.Response, error) {
			return answer(r, 200, &stalled{ctx: r.Context()}), nil
		})
		client, err := azure.BlobContainer("https://a.blob.core.windows.net/c", credential{},
			azure.Limit(azcore.ClientOptions{Transport: transport}, time.Second))
		require.NoError(t, err)
		began := time.Now()
		stream, err := client.NewBlobClient("b").DownloadStream(t.Context(), nil)
		require.NoError(t, err)
		body := stream.NewRetryReader(t.Context(), nil)
		_, err = io.ReadAll(body)
		var late *azure.TimeoutError
		require.ErrorAs(t, err, &late)
		assert.Equal(t, time.Second, time.Since(began), "the SDK's reader asks no second time")
		require.NoError(t, body.Close())
	})
}

// TestTheLimitEndsWithTheAnswer: a body that is closed, or was never given, holds no timer and no connection; and one
// that came to its end did so, however late somebody asks.
func TestTheLimitEndsWithTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent context.Context
		body := strings.NewReader("{}")
		for name, fails := range map[string]error{"answered": nil, "failed": errReset} {
			transport := azure.Limit(azcore.ClientOptions{Transport: do(func(r *http.Request) (*http.Response, error) {
				sent = r.Context()
				if fails != nil {
					return nil, fails
				}
				return answer(r, 200, body), nil
			})}, limit).Transport
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example:8443/x", nil)
			require.NoError(t, err)
			resp, err := transport.Do(r)
			require.ErrorIs(t, err, fails, name)
			if fails != nil {
				require.ErrorIs(t, sent.Err(), context.Canceled)
				continue
			}
			require.NoError(t, sent.Err(), "the body is still to be read")
			at, ok := sent.Deadline()
			require.True(t, ok)
			assert.Equal(t, limit, time.Until(at))
			time.Sleep(2 * limit)
			got, err := io.ReadAll(resp.Body)
			require.NoError(t, err, "it was all there")
			assert.Equal(t, "{}", string(got))
			require.NoError(t, resp.Body.Close())
		}
		late := &azure.TimeoutError{Name: "a.example", Limit: limit}
		assert.Equal(t, "no whole answer from a.example within 20s", late.Error())
	})
}

// TestAClosedBodyEndsItsRequest, read or not.
func TestAClosedBodyEndsItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent context.Context
		transport := azure.Limit(azcore.ClientOptions{Transport: do(func(r *http.Request) (*http.Response, error) {
			sent = r.Context()
			return answer(r, 200, &stalled{ctx: r.Context()}), nil
		})}, limit).Transport
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/", nil)
		require.NoError(t, err)
		resp, err := transport.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.ErrorIs(t, sent.Err(), context.Canceled)
	})
}

// TestWhatIsAskedOfEveryService: both are chosen with a source, and change on purpose alone.
func TestWhatIsAskedOfEveryService(t *testing.T) {
	assert.Equal(t, 20*time.Second, azure.AnswerLimit)
	assert.Equal(t, "2025-05-05", azure.StorageVersion)
}
