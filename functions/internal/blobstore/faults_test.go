package blobstore_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// faulty lets a test act around each request: before may answer or fail in the service's stead, after may lose the
// answer although the service has done its work.
type faulty struct {
	next   http.RoundTripper
	before func(*http.Request) (*http.Response, error)
	after  func(*http.Request, *http.Response) error
}

func (f *faulty) Do(r *http.Request) (*http.Response, error) {
	if f.before != nil {
		if resp, err := f.before(r); resp != nil || err != nil {
			return resp, err
		}
	}
	resp, err := f.next.RoundTrip(r)
	if err != nil || f.after == nil {
		return resp, err
	}
	if err := f.after(r, resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// loseFirst loses the first answer to a request with that method.
func loseFirst(method string, meanwhile func()) func(*http.Request, *http.Response) error {
	lost := false
	return func(r *http.Request, _ *http.Response) error {
		if lost || r.Method != method {
			return nil
		}
		lost = true
		if meanwhile != nil {
			meanwhile()
		}
		return errors.New("connection reset by peer")
	}
}

// TestLostAnswer: a conditional write whose answer gets lost is repeated by the pipeline, and then meets its own
// version.
func TestLostAnswer(t *testing.T) {
	t.Run("create", func(t *testing.T) {
		s := newSandbox(t)
		store := s.store(t, &faulty{next: s.transport, after: loseFirst(http.MethodPut, nil)})
		etag, err := store.Put(t.Context(), "a.json", []byte("1"), "")
		require.NoError(t, err)
		r, err := store.Get(t.Context(), "a.json")
		require.NoError(t, err)
		assert.Equal(t, integration.Record{Key: "a.json", Body: []byte("1"), ETag: etag}, r)
	})
	t.Run("update", func(t *testing.T) {
		s := newSandbox(t)
		first, err := s.store(t, nil).Put(t.Context(), "a.json", []byte("1"), "")
		require.NoError(t, err)
		store := s.store(t, &faulty{next: s.transport, after: loseFirst(http.MethodPut, nil)})
		second, err := store.Put(t.Context(), "a.json", []byte("2"), first)
		require.NoError(t, err)
		r, err := store.Get(t.Context(), "a.json")
		require.NoError(t, err)
		assert.Equal(t, integration.Record{Key: "a.json", Body: []byte("2"), ETag: second}, r)
	})
	t.Run("another writer came between", func(t *testing.T) {
		s := newSandbox(t)
		plain := s.store(t, nil)
		store := s.store(t, &faulty{next: s.transport, after: loseFirst(http.MethodPut, func() {
			r, err := plain.Get(t.Context(), "a.json")
			require.NoError(t, err)
			_, err = plain.Put(t.Context(), "a.json", []byte("theirs"), r.ETag)
			require.NoError(t, err)
		})})
		_, err := store.Put(t.Context(), "a.json", []byte("ours"), "")
		require.ErrorIs(t, err, integration.ErrConflict)
	})
	t.Run("deleted since", func(t *testing.T) {
		s := newSandbox(t)
		plain := s.store(t, nil)
		first, err := plain.Put(t.Context(), "a.json", []byte("1"), "")
		require.NoError(t, err)
		store := s.store(t, &faulty{next: s.transport, after: loseFirst(http.MethodPut, func() {
			r, err := plain.Get(t.Context(), "a.json")
			require.NoError(t, err)
			require.NoError(t, plain.Delete(t.Context(), "a.json", r.ETag))
		})})
		_, err = store.Put(t.Context(), "a.json", []byte("2"), first)
		require.ErrorIs(t, err, integration.ErrConflict)
	})
	t.Run("delete", func(t *testing.T) {
		s := newSandbox(t)
		etag, err := s.store(t, nil).Put(t.Context(), "a.json", []byte("1"), "")
		require.NoError(t, err)
		store := s.store(t, &faulty{next: s.transport, after: loseFirst(http.MethodDelete, nil)})
		require.ErrorIs(t, store.Delete(t.Context(), "a.json", etag), integration.ErrNotFound, "gone, as was asked")
	})
}

// TestThrottledWrite: the repeated request carries the whole body and its precondition.
func TestThrottledWrite(t *testing.T) {
	s := newSandbox(t)
	var bodies, conditions []string
	store := s.store(t, &faulty{next: s.transport, before: func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPut {
			return nil, nil
		}
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		bodies = append(bodies, string(body))
		conditions = append(conditions, strings.Join(r.Header["If-None-Match"], ","))
		if len(bodies) > 1 {
			return nil, nil
		}
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: r,
			Header: http.Header{"X-Ms-Error-Code": {"ServerBusy"}},
		}, nil
	}})
	_, err := store.Put(t.Context(), "a.json", []byte(`{"v":1}`), "")
	require.NoError(t, err)
	assert.Equal(t, []string{`{"v":1}`, `{"v":1}`}, bodies)
	assert.Equal(t, []string{"*", "*"}, conditions)
}

// TestDeletedWhileListing: a record that goes away between the listing and its download is left out.
func TestDeletedWhileListing(t *testing.T) {
	s := newSandbox(t)
	plain := s.store(t, nil)
	for _, key := range []string{"p/a", "p/b", "p/c"} {
		_, err := plain.Put(t.Context(), key, []byte("1"), "")
		require.NoError(t, err)
	}
	store := s.store(t, &faulty{next: s.transport, after: func(r *http.Request, _ *http.Response) error {
		if r.URL.Query().Get("comp") == "list" {
			b, err := plain.Get(t.Context(), "p/b")
			require.NoError(t, err)
			require.NoError(t, plain.Delete(t.Context(), "p/b", b.ETag))
		}
		return nil
	}})
	records, next, err := store.List(t.Context(), "p/", "", 10)
	require.NoError(t, err)
	assert.Empty(t, next)
	require.Len(t, records, 2)
	assert.Equal(t, []string{"p/a", "p/c"}, []string{records[0].Key, records[1].Key})
}

func TestListFailsWhole(t *testing.T) {
	s := newSandbox(t)
	plain := s.store(t, nil)
	for _, key := range []string{"p/a", "p/b"} {
		_, err := plain.Put(t.Context(), key, []byte("1"), "")
		require.NoError(t, err)
	}
	store := s.store(t, &faulty{next: s.transport, before: func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "p/b") {
			return &http.Response{
				StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r,
				Header: http.Header{"X-Ms-Error-Code": {"AuthorizationFailure"}, "X-Ms-Request-Id": {"r"}},
			}, nil
		}
		return nil, nil
	}})
	records, _, err := store.List(t.Context(), "p/", "", 10)
	var failure *blobstore.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "AuthorizationFailure", failure.Code)
	assert.Empty(t, records, "half a page would look like deletions")
}

func TestTooLarge(t *testing.T) {
	s := newSandbox(t)
	store := s.store(t, nil)
	const most = 4 << 20
	_, err := store.Put(t.Context(), "a", make([]byte, most), "")
	require.NoError(t, err)
	kept, err := store.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.Len(t, kept.Body, most)
	_, err = store.Put(t.Context(), "b", make([]byte, most+1), "")
	require.ErrorIs(t, err, blobstore.ErrTooLarge)

	grown := s.store(t, &faulty{next: s.transport, after: func(_ *http.Request, resp *http.Response) error {
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(make([]byte, most+1)))
		resp.ContentLength = -1
		return nil
	}})
	_, err = grown.Get(t.Context(), "a")
	require.ErrorIs(t, err, blobstore.ErrTooLarge)
	require.ErrorIs(t, err, integration.ErrUnreadable, "it is there, and no outage")
}

func TestNew(t *testing.T) {
	for _, u := range []string{"", "acct", "http://acct.blob.core.windows.net", "https://", "https://a/?sig=x",
		"https://u:p@a/", "://"} {
		_, err := blobstore.New(u, principal{}, azcore.ClientOptions{})
		assert.Error(t, err, u)
		if err != nil {
			assert.NotContains(t, err.Error(), "sig=", "a URL may hold a signature")
		}
	}
	_, err := blobstore.New(stateURL(), nil, azcore.ClientOptions{})
	assert.Error(t, err)
	_, err = blobstore.New(stateURL()+"/", principal{}, azcore.ClientOptions{})
	assert.NoError(t, err)
}

// TestOneBlobFailsNoList: one that is too large is named, and one that no record is called like is none.
func TestOneBlobFailsNoList(t *testing.T) {
	s := newSandbox(t)
	plain := s.store(t, nil)
	for _, key := range []string{"p/a", "p/b", "p/c"} {
		_, err := plain.Put(t.Context(), key, []byte("1"), "")
		require.NoError(t, err)
	}
	_, err := s.world.WriteBlob(deployment.Example().State.Name, deployment.StateContainer,
		world.Blob{Name: "p/a note of mine.txt", Content: []byte("hello")})
	require.NoError(t, err)
	grown := s.store(t, &faulty{next: s.transport, after: func(r *http.Request, resp *http.Response) error {
		if strings.HasSuffix(r.URL.Path, "/p/b") {
			_ = resp.Body.Close()
			resp.Body = io.NopCloser(bytes.NewReader(make([]byte, blobstore.MaxBody+1)))
			resp.ContentLength = -1
		}
		return nil
	}})
	records, next, err := grown.List(t.Context(), "p/", "", 10)
	require.NoError(t, err)
	assert.Empty(t, next)
	require.Len(t, records, 3)
	assert.Equal(t, "p/b", records[1].Key)
	require.ErrorIs(t, records[1].Err, integration.ErrUnreadable)
	assert.Empty(t, records[1].Body)
	for _, i := range []int{0, 2} {
		assert.NoError(t, records[i].Err)
		assert.Equal(t, "1", string(records[i].Body))
	}
}
