package fetch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
)

// counted answers each request after a second, the hosts below broken with a failure.
func counted(asked *atomic.Int32) transport {
	return func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		time.Sleep(time.Second)
		if strings.HasSuffix(r.URL.Path, "broken") {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"X": {"1"}},
			Body: io.NopCloser(strings.NewReader("body of " + r.URL.Path))}, nil
	}
}

// TestOnce: who asks for the same within one context shares the answer or the failure; who asks for another does not.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		f := fetcher(counted(&asked))
		for name, c := range map[string]struct {
			ctx   context.Context
			asked int32
		}{"shared": {fetch.Once(t.Context()), 2}, "not shared": {t.Context(), 20}} {
			asked.Store(0)
			began := time.Now()
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					path := []string{"/a", "/broken"}[i%2]
					r, err := get(c.ctx, f, "https://"+host+path)
					assert.Equal(t, path == "/broken", err != nil)
					if err != nil {
						return
					}
					raw, err := io.ReadAll(r.Body)
					assert.NoError(t, err)
					assert.Equal(t, "body of /a", string(raw))
					r.Header.Del("X")
				})
			}
			all.Wait()
			assert.Equal(t, c.asked, asked.Load(), name)
			assert.Equal(t, time.Second, time.Since(began), name)
		}
	})
}

// TestWhoWaitsForAnotherEndsWithItsOwnContext.
func TestWhoWaitsForAnotherEndsWithItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		f, ctx := fetcher(counted(&asked)), fetch.Once(t.Context())
		var first sync.WaitGroup
		first.Go(func() { _, _ = get(ctx, f, "https://"+host+"/a") })
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		_, err := get(short, f, "https://"+host+"/a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first.Wait()
		_, err = get(ctx, f, "https://"+host+"/a")
		require.NoError(t, err)
		assert.EqualValues(t, 1, asked.Load())
	})
}

// TestANameIsLookedUpOnce.
func TestANameIsLookedUpOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	f := fetch.New(fetch.Options{Hosts: []string{host, "other.example"}, LookupHost: func(_ context.Context,
		name string) ([]string, error) {
		asked.Add(1)
		return []string{name}, nil
	}})
	ctx := fetch.Once(t.Context())
	for _, name := range []string{host, host, "other.example"} {
		got, err := f.LookupHost(ctx, name)
		require.NoError(t, err)
		assert.Equal(t, []string{name}, got)
	}
	assert.EqualValues(t, 2, asked.Load())
}
