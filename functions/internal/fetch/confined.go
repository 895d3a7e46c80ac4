package fetch

import "net/http"

// Confined is a transport of Azure's SDKs for what has to carry a token, such as a test as somebody's identity, to a
// host that a caller's value names: requests of any method, with their credentials, to the Fetcher's hosts alone. It
// follows no redirect. Its time and its answers are bounded by who uses it.
type Confined struct {
	fetcher *Fetcher
	client  *http.Client
}

// Confined returns the transport.
func (f *Fetcher) Confined() *Confined {
	return &Confined{fetcher: f, client: &http.Client{Transport: f.client.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Do sends a request. What it refuses is a *Refusal, and is not sent; other errors are those of net/http.
func (c *Confined) Do(r *http.Request) (*http.Response, error) {
	if err := c.fetcher.check(r.URL); err != nil {
		return nil, err
	}
	request := r.Clone(r.Context())
	request.Host = "" // the URL's is the one that was checked
	return c.client.Do(request)
}
