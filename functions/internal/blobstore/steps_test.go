package blobstore_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// refuse answers in the service's stead.
func refuse(r *http.Request, status int, code string) *http.Response {
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r,
		Header: http.Header{"X-Ms-Error-Code": {code}, "X-Ms-Request-Id": {"request-1"}}}
}

// requireOutage is what anything but an answer of the Store contract has to be: a caller that takes it for "gone" or
// for "somebody else was faster" does the wrong thing.
func requireOutage(t *testing.T, err error, op, key, code string) {
	t.Helper()
	require.NotErrorIs(t, err, integration.ErrNotFound)
	require.NotErrorIs(t, err, integration.ErrConflict)
	require.NotErrorIs(t, err, integration.ErrUnreadable)
	var failure *blobstore.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, []string{op, key, code, "request-1"},
		[]string{failure.Op, failure.Key, failure.Code, failure.ServiceRequestID()})
	assert.Contains(t, err.Error(), "blobstore: "+op+" "+key+": 403 "+code+" (request-id request-1)")
}

// storeCalls are the calls of the store, with the requests that each takes.
var storeCalls = map[string]struct {
	requests int
	op, key  string
	call     func(t *testing.T, s *blobstore.Store, etag string) error
	lost     bool // the answer to the first write is lost, so that a second look follows
}{
	"get": {1, "read", "p/a", func(t *testing.T, s *blobstore.Store, _ string) error {
		r, err := s.Get(t.Context(), "p/a")
		assert.Zero(t, r)
		return err
	}, false},
	"create": {1, "write", "p/c", func(t *testing.T, s *blobstore.Store, _ string) error {
		etag, err := s.Put(t.Context(), "p/c", []byte("1"), "")
		assert.Empty(t, etag)
		return err
	}, false},
	"create, answer lost": {3, "write", "p/c", func(t *testing.T, s *blobstore.Store, _ string) error {
		etag, err := s.Put(t.Context(), "p/c", []byte("1"), "")
		assert.Empty(t, etag)
		return err
	}, true},
	"update, answer lost": {3, "write", "p/a", func(t *testing.T, s *blobstore.Store, etag string) error {
		_, err := s.Put(t.Context(), "p/a", []byte("2"), etag)
		return err
	}, true},
	"delete": {1, "delete", "p/a", func(t *testing.T, s *blobstore.Store, etag string) error {
		return s.Delete(t.Context(), "p/a", etag)
	}, false},
	"delete of another version": {2, "delete", "p/a", func(t *testing.T, s *blobstore.Store, _ string) error {
		return s.Delete(t.Context(), "p/a", `"0x1"`)
	}, false},
	"delete without a version": {1, "delete", "p/a", func(t *testing.T, s *blobstore.Store, _ string) error {
		return s.Delete(t.Context(), "p/a", "")
	}, false},
	"list": {3, "", "", func(t *testing.T, s *blobstore.Store, _ string) error {
		records, next, err := s.List(t.Context(), "p/", "", 10)
		assert.Empty(t, records)
		assert.Empty(t, next)
		return err
	}, false},
	"ensure": {1, "create container", blobstore.Container, func(t *testing.T, s *blobstore.Store, _ string) error {
		return s.EnsureContainer(t.Context())
	}, false},
}

// TestEveryRequestMayFail refuses each of the requests of each call in turn, the second and third ones too.
func TestEveryRequestMayFail(t *testing.T) {
	for name, c := range storeCalls {
		t.Run(name, func(t *testing.T) {
			for at := range c.requests {
				s := newSandbox(t)
				plain := s.store(t, nil)
				etag, err := plain.Put(t.Context(), "p/a", []byte("1"), "")
				require.NoError(t, err)
				_, err = plain.Put(t.Context(), "p/b", []byte("1"), "")
				require.NoError(t, err)
				counter := make(chan int, 1)
				counter <- 0
				fail := &faulty{next: s.transport, before: func(r *http.Request) (*http.Response, error) {
					n := <-counter
					counter <- n + 1
					if n == at {
						return refuse(r, http.StatusForbidden, "AuthorizationFailure"), nil
					}
					return nil, nil
				}}
				if c.lost && at > 0 {
					fail.after = loseFirst(http.MethodPut, nil)
				}
				err = c.call(t, s.store(t, fail), etag)
				require.Error(t, err, "request %d", at)
				require.Greater(t, <-counter, at, "the request was sent")
				if c.op != "" {
					requireOutage(t, err, c.op, c.key, "AuthorizationFailure")
				} else {
					require.NotErrorIs(t, err, integration.ErrNotFound)
				}
			}
		})
	}
}

// TestADownloadCutShort: what broke off is read on where it broke, at any byte; where it breaks each time, nothing is
// taken for the whole.
func TestADownloadCutShort(t *testing.T) {
	s := newSandbox(t)
	const body = `{"id":"a","x":1}`
	_, err := s.store(t, nil).Put(t.Context(), "a.json", []byte(body), "")
	require.NoError(t, err)
	cuttest.EachByte(body, func(cut string) {
		broken := false
		once := s.store(t, &faulty{next: s.transport, after: func(_ *http.Request, resp *http.Response) error {
			if !broken {
				broken = true
				_ = resp.Body.Close()
				resp.Body = io.NopCloser(cuttest.Broken(cut))
			}
			return nil
		}})
		r, err := once.Get(t.Context(), "a.json")
		require.NoError(t, err, cut)
		require.Equal(t, body, string(r.Body), cut)
	})
	always := s.store(t, &faulty{next: s.transport, after: func(_ *http.Request, resp *http.Response) error {
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(cuttest.Broken("{"))
		return nil
	}})
	r, err := always.Get(t.Context(), "a.json")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, integration.ErrUnreadable, "it may be read another time")
	assert.ErrorContains(t, err, "blobstore: read a.json: ")
	assert.Zero(t, r)
}

// TestADownloadOfAnotherVersion is never joined with what was read of the first one.
func TestADownloadOfAnotherVersion(t *testing.T) {
	s := newSandbox(t)
	plain := s.store(t, nil)
	etag, err := plain.Put(t.Context(), "a.json", []byte("11111111"), "")
	require.NoError(t, err)
	written := false
	store := s.store(t, &faulty{next: s.transport, after: func(_ *http.Request, resp *http.Response) error {
		if !written {
			written = true
			_, err := plain.Put(t.Context(), "a.json", []byte("22222222"), etag)
			require.NoError(t, err)
			_ = resp.Body.Close()
			resp.Body = io.NopCloser(cuttest.Broken("1111"))
		}
		return nil
	}})
	_, err = store.Get(t.Context(), "a.json")
	require.Error(t, err)
	require.NotErrorIs(t, err, integration.ErrNotFound)
}

// TestAnEarlierConflictIsOne: without a lost answer, whoever is in the way is somebody else, and nobody asks.
func TestAnEarlierConflictIsOne(t *testing.T) {
	s := newSandbox(t)
	_, err := s.store(t, nil).Put(t.Context(), "a.json", []byte("1"), "")
	require.NoError(t, err)
	var sent []string
	store := s.store(t, &faulty{next: s.transport, before: func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Method)
		return nil, nil
	}})
	_, err = store.Put(t.Context(), "a.json", []byte("2"), "")
	require.ErrorIs(t, err, integration.ErrConflict)
	assert.Equal(t, []string{http.MethodPut}, sent)
}

func TestKeysAndVersions(t *testing.T) {
	var sent int
	store := newSandbox(t).store(t, &faulty{before: func(*http.Request) (*http.Response, error) {
		sent++
		return nil, &nonRetriable{errors.New("sent")}
	}})
	for key, isValid := range map[string]bool{
		strings.Repeat("k", 1024): true, strings.Repeat("k", 1025): false, "a/../b": false, "../a": false,
		"a/..": false, "./a": false, "a/.": false, "a..b": true, ".../a": true, "": false, "a//b": false,
	} {
		for name, err := range map[string]error{
			"get": second(store.Get(t.Context(), key)), "put": second(store.Put(t.Context(), key, nil, "")),
			"delete": store.Delete(t.Context(), key, `"0x1"`),
		} {
			assert.Equal(t, !isValid, errors.Is(err, blobstore.ErrInvalidKey), "%s %q: %v", name, key, err)
		}
	}
	sent = 0
	for version, isSent := range map[string]bool{`"a"`: true, `""`: false, `"`: false, `a`: false, `"a`: false,
		`a"`: false, `W/"a"`: false, `"a","b"`: false, "\"a\r\"": false, "\"a\n\"": false, `*`: false} {
		sent = 0
		_, err := store.Put(t.Context(), "a", nil, version)
		assert.Equal(t, isSent, sent > 0, "%q", version)
		assert.Equal(t, !isSent, errors.Is(err, integration.ErrConflict), "%q", version)
	}
}

func second[T any](_ T, err error) error { return err }

// nonRetriable is an error that the pipeline does not meet again.
type nonRetriable struct{ error }

func (*nonRetriable) NonRetriable() {}

// TestPages: the service is asked for no more than it gives, and a token that it does not know is the caller's.
func TestPages(t *testing.T) {
	var asked []string
	store := newSandbox(t).store(t, &faulty{before: func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		asked = append(asked, strings.Join([]string{q.Get("maxresults"), q.Get("prefix"), q.Get("marker")}, " "))
		code := "OutOfRangeInput"
		if len(asked)%2 == 1 {
			code = "InvalidQueryParameterValue"
		}
		return refuse(r, http.StatusBadRequest, code), nil
	}})
	for _, c := range []struct {
		prefix, token string
		limit         int
		asked         string
	}{
		{"p/", "", 0, "1 p/ "}, {"", "", -5, "1  "}, {"p/", "t", 1, "1 p/ t"}, {"p/", "t", 1000, "1000 p/ t"},
		{"", "t", 1001, "1000  t"},
	} {
		_, _, err := store.List(t.Context(), c.prefix, c.token, c.limit)
		require.Error(t, err)
		assert.Equal(t, c.asked, asked[len(asked)-1])
		assert.Equal(t, c.token != "", errors.Is(err, integration.ErrInvalidToken), "%+v", c)
		var failure *blobstore.Error
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, []string{"list", c.prefix}, []string{failure.Op, failure.Key})
	}
}

// TestRecordsAreJSON, for who looks at them in the portal.
func TestRecordsAreJSON(t *testing.T) {
	s := newSandbox(t)
	var types []string
	store := s.store(t, &faulty{next: s.transport, before: func(r *http.Request) (*http.Response, error) {
		for name, values := range r.Header { // azblob writes past the canonical form
			if http.CanonicalHeaderKey(name) == "X-Ms-Blob-Content-Type" {
				types = append(types, values...)
			}
		}
		return nil, nil
	}})
	_, err := store.Put(t.Context(), "a.json", []byte("1"), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"application/json"}, types)
}
