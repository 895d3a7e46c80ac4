package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Run proves that a store keeps the contract of integration.Store. open is called once for each case and returns a
// store that holds nothing under the prefix of that case's name; stores of different cases may share their records.
func Run(t *testing.T, open func(t *testing.T) integration.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s integration.Store, prefix string)
	}{
		{"get-missing", getMissing},
		{"create-and-get", createAndGet},
		{"create-twice", createTwice},
		{"update-with-right-etag", updateRight},
		{"update-with-wrong-etag", updateWrong},
		{"update-absent", updateAbsent},
		{"update-after-delete", updateAfterDelete},
		{"delete", deleteRight},
		{"delete-with-wrong-etag", deleteWrong},
		{"delete-missing", deleteMissing},
		{"create-after-delete", createAfterDelete},
		{"odd-keys", oddKeys},
		{"invalid-keys", invalidKeys},
		{"bodies", bodies},
		{"body-is-copied", bodyIsCopied},
		{"list-order-and-content", listOrder},
		{"list-prefix", listPrefix},
		{"list-pages", listPages},
		{"list-while-deleting", listWhileDeleting},
		{"concurrent-creates", concurrentCreates},
		{"concurrent-updates", concurrentUpdates},
		{"concurrent-increments", concurrentIncrements},
		{"cancelled", cancelled},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t), c.name+"/") })
	}
}

// writers is the number of concurrent writers in a race.
const writers = 32

// wrongETags are versions that no record of the suite has. "*" is a wildcard in HTTP, never in the contract.
func wrongETags() []string {
	return []string{`"0x8DEADBEEF000000"`, `*`, `unquoted`, `W/"weak"`, `"`, `""`, `"a","b"`}
}

func put(t *testing.T, s integration.Store, key, body, ifMatch string) string {
	t.Helper()
	etag, err := s.Put(t.Context(), key, []byte(body), ifMatch)
	require.NoError(t, err)
	require.NotEmpty(t, etag)
	return etag
}

func requireRecord(t *testing.T, s integration.Store, key, body, etag string) {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, integration.Record{Key: key, Body: []byte(body), ETag: etag}, r)
}

func getMissing(t *testing.T, s integration.Store, prefix string) {
	_, err := s.Get(t.Context(), prefix+"nothing.json")
	require.ErrorIs(t, err, integration.ErrNotFound)
}

func createAndGet(t *testing.T, s integration.Store, prefix string) {
	etag := put(t, s, prefix+"a.json", `{"v":1}`, "")
	requireRecord(t, s, prefix+"a.json", `{"v":1}`, etag)
}

func createTwice(t *testing.T, s integration.Store, prefix string) {
	etag := put(t, s, prefix+"a.json", `1`, "")
	_, err := s.Put(t.Context(), prefix+"a.json", []byte(`2`), "")
	require.ErrorIs(t, err, integration.ErrConflict)
	requireRecord(t, s, prefix+"a.json", `1`, etag)
}

func updateRight(t *testing.T, s integration.Store, prefix string) {
	first := put(t, s, prefix+"a.json", `1`, "")
	second := put(t, s, prefix+"a.json", `2`, first)
	require.NotEqual(t, first, second)
	requireRecord(t, s, prefix+"a.json", `2`, second)

	third := put(t, s, prefix+"a.json", `2`, second)
	require.NotEqual(t, second, third, "a write of the same body is a new version")
}

func updateWrong(t *testing.T, s integration.Store, prefix string) {
	stale := put(t, s, prefix+"a.json", `1`, "")
	current := put(t, s, prefix+"a.json", `2`, stale)
	for _, etag := range append(wrongETags(), stale) {
		_, err := s.Put(t.Context(), prefix+"a.json", []byte(`3`), etag)
		require.ErrorIs(t, err, integration.ErrConflict, "If-Match %s", etag)
	}
	requireRecord(t, s, prefix+"a.json", `2`, current)
}

func updateAbsent(t *testing.T, s integration.Store, prefix string) {
	for _, etag := range wrongETags() {
		_, err := s.Put(t.Context(), prefix+"never.json", []byte(`1`), etag)
		require.ErrorIs(t, err, integration.ErrConflict, "If-Match %s", etag)
	}
	getMissing(t, s, prefix)
}

func updateAfterDelete(t *testing.T, s integration.Store, prefix string) {
	etag := put(t, s, prefix+"a.json", `1`, "")
	require.NoError(t, s.Delete(t.Context(), prefix+"a.json", etag))
	_, err := s.Put(t.Context(), prefix+"a.json", []byte(`2`), etag)
	require.ErrorIs(t, err, integration.ErrConflict)
	_, err = s.Get(t.Context(), prefix+"a.json")
	require.ErrorIs(t, err, integration.ErrNotFound)
}

func deleteRight(t *testing.T, s integration.Store, prefix string) {
	etag := put(t, s, prefix+"a.json", `1`, "")
	require.NoError(t, s.Delete(t.Context(), prefix+"a.json", etag))
	_, err := s.Get(t.Context(), prefix+"a.json")
	require.ErrorIs(t, err, integration.ErrNotFound)
	require.ErrorIs(t, s.Delete(t.Context(), prefix+"a.json", etag), integration.ErrNotFound)
}

func deleteWrong(t *testing.T, s integration.Store, prefix string) {
	stale := put(t, s, prefix+"a.json", `1`, "")
	current := put(t, s, prefix+"a.json", `2`, stale)
	for _, etag := range append(wrongETags(), stale, "") {
		require.ErrorIs(t, s.Delete(t.Context(), prefix+"a.json", etag), integration.ErrConflict, "If-Match %s", etag)
	}
	requireRecord(t, s, prefix+"a.json", `2`, current)
}

func deleteMissing(t *testing.T, s integration.Store, prefix string) {
	for _, etag := range append(wrongETags(), "") {
		require.ErrorIs(t, s.Delete(t.Context(), prefix+"never.json", etag), integration.ErrNotFound,
			"If-Match %s", etag)
	}
}

func createAfterDelete(t *testing.T, s integration.Store, prefix string) {
	first := put(t, s, prefix+"a.json", `1`, "")
	require.NoError(t, s.Delete(t.Context(), prefix+"a.json", first))
	second := put(t, s, prefix+"a.json", `1`, "")
	require.NotEqual(t, first, second, "a new record is a new version")
	require.ErrorIs(t, s.Delete(t.Context(), prefix+"a.json", first), integration.ErrConflict)
}

func oddKeys(t *testing.T, s integration.Store, prefix string) {
	keys := []string{
		"a", "A", "0", "-", "_", "a.b", "a..b", ".hidden", "a-", "-a", "a/b", "a/b/c.json", "A/b/c.json", "a/-/b",
		"x.json/y.json",
		"e3b0c442-98fc-4c14-9afb-f4c8996fb924.json", "Op_1.2-3.json", strings.Repeat("k", 200) + ".json",
	}
	etags := map[string]string{}
	for _, k := range keys {
		etags[k] = put(t, s, prefix+k, `"`+k+`"`, "")
	}
	for _, k := range keys {
		requireRecord(t, s, prefix+k, `"`+k+`"`, etags[k])
	}
	slices.Sort(keys)
	records, _ := listAll(t, s, prefix, 1000)
	require.Equal(t, keys, trimmed(records, prefix))
}

func invalidKeys(t *testing.T, s integration.Store, prefix string) {
	for _, k := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a b", "a?b", "a#b", "a%2Fb",
		"a\\b", "ä", "é", "~", "a~b", "a\n"} {
		for _, key := range []string{prefix + k, k + "/" + prefix + "x"} { // at the end, and at the start
			_, err := s.Get(t.Context(), key)
			require.Error(t, err, "%q", key)
			require.NotErrorIs(t, err, integration.ErrNotFound, "%q", key)
			_, err = s.Put(t.Context(), key, []byte(`1`), "")
			require.Error(t, err, "%q", key)
			require.NotErrorIs(t, err, integration.ErrConflict, "%q", key)
			err = s.Delete(t.Context(), key, `"x"`)
			require.Error(t, err, "%q", key)
			require.NotErrorIs(t, err, integration.ErrNotFound, "%q", key)
			require.NotErrorIs(t, err, integration.ErrConflict, "%q", key)
		}
	}
	records, _ := listAll(t, s, prefix, 10)
	require.Empty(t, records)
}

func bodies(t *testing.T, s integration.Store, prefix string) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, body := range map[string][]byte{
		"empty": {}, "unicode": []byte(`{"s":"äß漢字🙂\u0000"}`), "every-byte": every,
		"large": bytes.Repeat([]byte("0123456789abcdef"), 3<<16), // 3 MiB
	} {
		etag, err := s.Put(t.Context(), prefix+name, body, "")
		require.NoError(t, err, name)
		r, err := s.Get(t.Context(), prefix+name)
		require.NoError(t, err, name)
		require.Equal(t, etag, r.ETag, name)
		require.True(t, bytes.Equal(body, r.Body), "%s: %d bytes written, %d read", name, len(body), len(r.Body))
	}
}

func bodyIsCopied(t *testing.T, s integration.Store, prefix string) {
	body := []byte(`1`)
	etag, err := s.Put(t.Context(), prefix+"a", body, "")
	require.NoError(t, err)
	body[0] = '9'
	r, err := s.Get(t.Context(), prefix+"a")
	require.NoError(t, err)
	r.Body[0] = '8'
	requireRecord(t, s, prefix+"a", `1`, etag)
}

func concurrentCreates(t *testing.T, s integration.Store, prefix string) {
	race(t, s, prefix+"raced.json", "")
}

func concurrentUpdates(t *testing.T, s integration.Store, prefix string) {
	etag := put(t, s, prefix+"raced.json", `"before"`, "")
	race(t, s, prefix+"raced.json", etag)
}

// race lets many writers write under one precondition; exactly one may win, and its body must be what is stored.
func race(t *testing.T, s integration.Store, key, ifMatch string) {
	t.Helper()
	var wins atomic.Int32
	var winner, winnerETag atomic.Value
	each(t, func(ctx context.Context, i int) error {
		body := fmt.Sprintf("%d", i)
		etag, err := s.Put(ctx, key, []byte(body), ifMatch)
		switch {
		case err == nil:
			wins.Add(1)
			winner.Store(body)
			winnerETag.Store(etag)
		case !errors.Is(err, integration.ErrConflict):
			return err
		}
		return nil
	})
	require.EqualValues(t, 1, wins.Load())
	requireRecord(t, s, key, winner.Load().(string), winnerETag.Load().(string))
}

// concurrentIncrements is how the repository uses a store: read, change, write, again on a conflict. No update gets
// lost.
func concurrentIncrements(t *testing.T, s integration.Store, prefix string) {
	key := prefix + "counter"
	put(t, s, key, ``, "")
	each(t, func(ctx context.Context, _ int) error {
		for {
			r, err := s.Get(ctx, key)
			if err != nil {
				return err
			}
			_, err = s.Put(ctx, key, append(r.Body, '+'), r.ETag)
			if !errors.Is(err, integration.ErrConflict) {
				return err
			}
		}
	})
	r, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("+", writers), string(r.Body))
}

// each runs f in as many goroutines as there are writers, all released at once.
func each(t *testing.T, f func(ctx context.Context, i int) error) {
	t.Helper()
	start := make(chan struct{})
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			<-start
			failures[i] = f(t.Context(), i)
		})
	}
	close(start)
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
}

func cancelled(t *testing.T, s integration.Store, prefix string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, prefix+"a")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Put(ctx, prefix+"a", []byte(`1`), "")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Delete(ctx, prefix+"a", `"x"`), context.Canceled)
	_, _, err = s.List(ctx, prefix, "", 10)
	require.ErrorIs(t, err, context.Canceled)
}
