// Package fetch gets small public documents from hosts that a caller's values name, such as an issuer's. It keeps
// such a value from making the app contact anything else: https alone, hosts of a list, addresses of the internet, no
// redirect to another host, no credential, little to read, little time.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// Limit is how long one document may take, its redirects included.
	Limit = 5 * time.Second
	// MaxBody is how much of a document is read, in bytes, as it is when it is unpacked.
	MaxBody = 64 << 10

	maxRedirects = 3
)

// Options are what a Fetcher may contact. Names are in lower case, without a port.
type Options struct {
	// Hosts are names of hosts.
	Hosts []string
	// Suffixes are the domains below which every host may be contacted; the domain itself is none of them.
	Suffixes []string
	// Transport carries the requests; in production it is a Guard.
	Transport http.RoundTripper
	// LookupHost resolves a name; in production it is the Guard's.
	LookupHost func(ctx context.Context, host string) ([]string, error)
}

// Fetcher gets documents. It is safe for concurrent use.
type Fetcher struct {
	hosts, suffixes []string
	client          *http.Client
	lookupHost      func(ctx context.Context, host string) ([]string, error)
}

// New returns a Fetcher. It holds no cookie, and knows no credential.
func New(o Options) *Fetcher {
	f := &Fetcher{hosts: slices.Clone(o.Hosts), suffixes: slices.Clone(o.Suffixes),
		lookupHost: o.LookupHost}
	f.client = &http.Client{Transport: o.Transport, CheckRedirect: f.follow}
	return f
}

// Reason tells what was refused.
type Reason string

// The reasons.
const (
	ReasonURL      Reason = "url"      // not https, with user info, or with another port than 443
	ReasonHost     Reason = "host"     // none of the list
	ReasonAddress  Reason = "address"  // the name leads to none of the internet
	ReasonRedirect Reason = "redirect" // to another host, or too often
	ReasonSize     Reason = "size"     // more than MaxBody
	ReasonMethod   Reason = "method"   // neither GET nor HEAD
)

// Refusal is what the Fetcher would not do. Nothing was sent for it but what led to a redirect, or to a document that
// is too large.
type Refusal struct {
	Reason Reason
	// Host is the host that it is about; an address where the reason is one.
	Host string
}

// Error names reason and host.
func (e *Refusal) Error() string { return fmt.Sprintf("not fetched: %s (%s)", e.Host, e.Reason) }

// NonRetriable keeps azcore from asking again.
func (*Refusal) NonRetriable() {}

// IsOfAddress reports whether the host is one that may be contacted, but for where its name leads. Package diagnosis
// knows the error by it.
func (e *Refusal) IsOfAddress() bool { return e.Reason == ReasonAddress }

// Do sends a GET or HEAD without credentials and returns the whole answer, which need not be closed. With it a Fetcher
// is a transport of Azure's SDKs. What it refuses is a *Refusal; other errors are those of net/http.
func (f *Fetcher) Do(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, &Refusal{Reason: ReasonMethod, Host: r.URL.Host}
	}
	if err := f.check(r.URL); err != nil {
		return nil, err
	}
	a := once(r.Context(), r.Method+" "+r.URL.String(), func(a *answer) { f.ask(r, a) })
	if a.err != nil {
		return nil, a.err
	}
	response := *a.response
	response.Header, response.Body = a.response.Header.Clone(), io.NopCloser(bytes.NewReader(a.body))
	return &response, nil
}

// ask sends a request and reads the whole answer.
func (f *Fetcher) ask(r *http.Request, a *answer) {
	ctx, cancel := context.WithTimeout(r.Context(), Limit)
	defer cancel()
	request := r.Clone(ctx)
	request.Host = "" // the URL's is the one that was checked
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		request.Header.Del(name)
	}
	if a.response, a.err = f.client.Do(request); a.err != nil {
		return
	}
	a.body, a.err = io.ReadAll(io.LimitReader(a.response.Body, MaxBody+1))
	if err := errors.Join(a.err, a.response.Body.Close()); err != nil {
		a.err = fmt.Errorf("document of %s: %w", r.URL.Host, err)
	} else if len(a.body) > MaxBody {
		a.err = &Refusal{Reason: ReasonSize, Host: r.URL.Host}
	}
}

// LookupHost returns the addresses of a host that may be contacted; others are not resolved, and are a *Refusal.
func (f *Fetcher) LookupHost(ctx context.Context, host string) ([]string, error) {
	if err := f.check(&url.URL{Scheme: "https", Host: host}); err != nil {
		return nil, err
	}
	a := once(ctx, "LOOKUP "+host, func(a *answer) {
		ctx, cancel := context.WithTimeout(ctx, Limit)
		defer cancel()
		a.addresses, a.err = f.lookupHost(ctx, host)
	})
	return a.addresses, a.err
}

// check refuses what may not be contacted. Names are compared as they stand, so that another way to write an address
// is another name.
func (f *Fetcher) check(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	if u.Scheme != "https" || u.User != nil || u.Port() != "" && u.Port() != "443" {
		return &Refusal{Reason: ReasonURL, Host: u.Host}
	}
	isBelow := func(suffix string) bool { return strings.HasSuffix(host, "."+suffix) }
	if !slices.Contains(f.hosts, host) && !slices.ContainsFunc(f.suffixes, isBelow) {
		return &Refusal{Reason: ReasonHost, Host: u.Host}
	}
	return nil
}

// follow decides on a redirect.
func (f *Fetcher) follow(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || !strings.EqualFold(next.URL.Hostname(), via[0].URL.Hostname()) {
		return &Refusal{Reason: ReasonRedirect, Host: next.URL.Host}
	}
	return f.check(next.URL)
}
