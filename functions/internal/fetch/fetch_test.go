package fetch_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	host   = "example.com" // httptest's certificate is for it
	suffix = "blob.core.windows.net"
)

// transport is a function as http.RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func fetcher(t http.RoundTripper) *fetch.Fetcher {
	return fetch.New(fetch.Options{Hosts: []string{host}, Suffixes: []string{suffix}, Transport: t})
}

// get fetches a document. An address that is no URL at all is not asked for either.
func get(ctx context.Context, f *fetch.Fetcher, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return f.Do(r)
}

func refusal(t *testing.T, err error) fetch.Refusal {
	t.Helper()
	var refused *fetch.Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "not fetched: "+refused.Host+" ("+string(refused.Reason)+")", refused.Error())
	return *refused
}

// unlisted are addresses, in every notation, and names that are none of the list.
var unlisted = map[string]fetch.Reason{
	"http://example.com/": fetch.ReasonURL, "ftp://example.com/": fetch.ReasonURL, "//example.com/": fetch.ReasonURL,
	"file:///etc/passwd": fetch.ReasonURL, "": fetch.ReasonURL, "example.com": fetch.ReasonURL,
	"https://me@example.com/": fetch.ReasonURL, "https://me:secret@example.com/": fetch.ReasonURL,
	"https://example.com@127.0.0.1/": fetch.ReasonURL, "https://example.com:443@127.0.0.1/": fetch.ReasonURL,
	"https://example.com:8443/": fetch.ReasonURL, "https://example.com:80/": fetch.ReasonURL,
	"https://example.com:0443/": fetch.ReasonURL,
	"https:///x":                fetch.ReasonHost, "https:example.com": fetch.ReasonHost,
	"https://127.0.0.1/": fetch.ReasonHost, "https://2130706433/": fetch.ReasonHost, "https://0/": fetch.ReasonHost,
	"https://0x7f000001/": fetch.ReasonHost, "https://0x7f.0.0.1/": fetch.ReasonHost,
	"https://0177.0.0.1/": fetch.ReasonHost, "https://017700000001/": fetch.ReasonHost,
	"https://127.1/": fetch.ReasonHost, "https://127.0.0.1./": fetch.ReasonHost,
	"https://①②⑦.⓪.⓪.①/": fetch.ReasonHost, "https://example。com/": fetch.ReasonHost,
	"https://[::1]/": fetch.ReasonHost, "https://[::]/": fetch.ReasonHost,
	"https://[::ffff:127.0.0.1]/": fetch.ReasonHost, "https://[::ffff:7f00:1]/": fetch.ReasonHost,
	"https://[::127.0.0.1]/": fetch.ReasonHost, "https://[64:ff9b::7f00:1]/": fetch.ReasonHost,
	"https://[2002:7f00:1::]/": fetch.ReasonHost, "https://[fe80::1%25eth0]/": fetch.ReasonHost,
	"https://169.254.169.254/metadata": fetch.ReasonHost, "https://168.63.129.16/": fetch.ReasonHost,
	"https://localhost/": fetch.ReasonHost, "https://example.com./": fetch.ReasonHost,
	"https://example.com.evil.example/": fetch.ReasonHost, "https://evilexample.com/": fetch.ReasonHost,
	"https://a.example.com/": fetch.ReasonHost, "https://blob.core.windows.net/": fetch.ReasonHost,
	"https://.evil.example/": fetch.ReasonHost, "https://evilblob.core.windows.net/": fetch.ReasonHost,
	"https://a.blob.core.windows.net.evil.example/": fetch.ReasonHost,
}

func TestOnlyListedHostsAreAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	f := fetcher(transport(func(*http.Request) (*http.Response, error) {
		asked.Add(1)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	for address, reason := range unlisted {
		_, err := get(t.Context(), f, address)
		assert.Equal(t, reason, refusal(t, err).Reason, address)
	}
	for _, address := range []string{"https://example.com\\@127.0.0.1/", "https://example.com%2f@127.0.0.1/",
		"https://exa%6dple.com/", "https://example.com\x00.evil.example/", "https://[::1", "https://example.com:x/",
		"https://127.0.0.1\t/", "https://example.com /"} {
		_, err := get(t.Context(), f, address)
		assert.Error(t, err, address)
	}
	assert.Zero(t, asked.Load(), "nothing was sent")
	for _, address := range []string{"https://example.com/x?y", "https://EXAMPLE.com", "https://example.com:443/",
		"https://acct.blob.core.windows.net/", "https://acct.z01.blob.core.windows.net/"} {
		_, err := get(t.Context(), f, address)
		assert.NoError(t, err, address)
	}
	assert.EqualValues(t, 5, asked.Load())
}

func TestOnlyReadingMethodsAreSent(t *testing.T) {
	t.Parallel()
	f := fetcher(transport(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	for method, isSent := range map[string]bool{"GET": true, "HEAD": true, "POST": false, "PUT": false, "get": false} {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://example.com/", nil)
		require.NoError(t, err)
		_, err = f.Do(r)
		require.Equal(t, isSent, err == nil, method)
		if !isSent {
			assert.Equal(t, fetch.Refusal{Reason: fetch.ReasonMethod, Host: host}, refusal(t, err))
		}
	}
}

// serve is a TLS server that all hosts lead to, and a transport to it.
func serve(t *testing.T, handler http.HandlerFunc) *http.Transport {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	to := server.Client().Transport.(*http.Transport)
	to.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return to
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to     string
		reason fetch.Reason
	}{
		"below":                   {"/end", ""},
		"to itself in full":       {"https://example.com/end", ""},
		"in another case":         {"https://EXAMPLE.COM/end", ""},
		"to another listed host":  {"https://acct.blob.core.windows.net/end", fetch.ReasonRedirect},
		"to an address":           {"https://127.0.0.1/end", fetch.ReasonRedirect},
		"to the metadata service": {"http://169.254.169.254/metadata/identity", fetch.ReasonRedirect},
		"without TLS":             {"http://example.com/end", fetch.ReasonURL},
		"to another port":         {"https://example.com:8443/end", fetch.ReasonURL},
		"with user info":          {"https://me@example.com/end", fetch.ReasonURL},
		"without end":             {"/", fetch.ReasonRedirect},
		"to another scheme":       {"file:///etc/passwd", fetch.ReasonRedirect},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			f := fetcher(serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.URL.Path != "/end" {
					http.Redirect(w, r, c.to, http.StatusFound)
				}
			}))
			response, err := get(t.Context(), f, "https://example.com/")
			if c.reason == "" {
				require.NoError(t, err)
				assert.Equal(t, 200, response.StatusCode)
				assert.EqualValues(t, 2, asked.Load())
				return
			}
			assert.Equal(t, c.reason, refusal(t, err).Reason)
			to, parseErr := url.Parse(c.to)
			require.NoError(t, parseErr)
			if to.Scheme != "file" {
				assert.Equal(t, cmp.Or(to.Host, "example.com"), refusal(t, err).Host, "it is named")
			}
			want := int64(1)
			if c.to == "/" {
				want += 3 // redirects
			}
			assert.Equal(t, want, asked.Load())
		})
	}
}

func TestNoCredentialIsSent(t *testing.T) {
	t.Parallel()
	var seen []http.Header
	f := fetcher(serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		assert.Equal(t, host, r.Host)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
	}))
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
		require.NoError(t, err)
		r.Host = "internal.example"
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Ms-Version"} {
			r.Header.Set(name, "pl4nted")
		}
		_, err = f.Do(r)
		require.NoError(t, err)
		assert.Equal(t, "pl4nted", r.Header.Get("Authorization"), "the caller's request stays as it is")
	}
	require.Len(t, seen, 2)
	for _, h := range seen {
		assert.Equal(t, "pl4nted", h.Get("X-Ms-Version"))
		for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
			assert.Empty(t, h.Get(name), name)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(make([]byte, 10<<20))
	require.NoError(t, errors.Join(err, z.Close()))
	require.Less(t, packed.Len(), fetch.MaxBody)
	require.Equal(t, 65536, fetch.MaxBody, "as docs/security.md has it")
	f := fetcher(serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := strings.Repeat("x", fetch.MaxBody)
		switch r.URL.Path {
		case "/more":
			body += "x"
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			body = packed.String()
		}
		_, _ = io.WriteString(w, body) // who reads less hangs up
	}))
	response, err := get(t.Context(), f, "https://example.com/")
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Len(t, body, fetch.MaxBody)
	for _, path := range []string{"/more", "/packed"} {
		_, err = get(t.Context(), f, "https://example.com"+path)
		assert.Equal(t, fetch.Refusal{Reason: fetch.ReasonSize, Host: host}, refusal(t, err), path)
	}
}

// slow is a body of which no byte comes.
type slow struct{ ctx context.Context }

func (s slow) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s slow) Close() error             { return nil }

func TestTime(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]transport{
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"no body": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: slow{r.Context()}}, nil
		},
		"each redirect late": func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(2 * time.Second):
				return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"/"}}, Body: http.NoBody}, nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := get(t.Context(), fetcher(answer), "https://example.com/")
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, 5*time.Second, time.Since(begun))
			})
		})
	}
}

func TestTheCertificateIsVerified(t *testing.T) {
	t.Parallel()
	to := serve(t, func(http.ResponseWriter, *http.Request) {})
	to.TLSClientConfig = nil // the system's authorities
	_, err := get(t.Context(), fetcher(to), "https://example.com/")
	var failed *url.Error
	require.ErrorAs(t, err, &failed)
	assert.ErrorContains(t, err, "certificate")
}

// TestReasons holds the words that the log tells refusals by.
func TestReasons(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []fetch.Reason{"url", "host", "address", "redirect", "size", "method"},
		[]fetch.Reason{fetch.ReasonURL, fetch.ReasonHost, fetch.ReasonAddress, fetch.ReasonRedirect, fetch.ReasonSize,
			fetch.ReasonMethod})
}

// TestOnlyListedHostsAreResolved, by the resolver that was given.
func TestOnlyListedHostsAreResolved(t *testing.T) {
	t.Parallel()
	var asked []string
	f := fetch.New(fetch.Options{Hosts: []string{"one.example"}, Suffixes: []string{"below.example"},
		LookupHost: func(_ context.Context, host string) ([]string, error) {
			asked = append(asked, host)
			return []string{"203.0.113.7"}, nil
		}})
	for _, host := range []string{"one.example", "a.below.example"} {
		addresses, err := f.LookupHost(t.Context(), host)
		require.NoError(t, err)
		assert.Equal(t, []string{"203.0.113.7"}, addresses)
	}
	for _, host := range []string{"two.example", "below.example", "one.example.evil.example", "127.0.0.1"} {
		_, err := f.LookupHost(t.Context(), host)
		var refused *fetch.Refusal
		require.ErrorAs(t, err, &refused, host)
		assert.Equal(t, fetch.ReasonHost, refused.Reason)
	}
	assert.Equal(t, []string{"one.example", "a.below.example"}, asked)
}
