// Package ddoe talks to the DDOE platform (formerly Dataloop): its integrations and storage drivers (Client), and the
// subject tokens that the access test presents to Entra (TokenSource). It believes a success only in the form that was
// asked for, as the platform shows a web page with status 200 on what it does not know. It keeps no token, and shows
// neither tokens and keys nor the options of an integration. Failures are *Error.
package ddoe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

const (
	// AnswerLimit is how long one attempt may take, to the last byte of its answer. The platform's own SDK waits four
	// times as long, but has no caller that ends after some minutes.
	AnswerLimit = 30 * time.Second
	// maxRetries is how often a request is sent again.
	maxRetries = 3
	// maxWait is the longest pause within a request: who is asked to wait longer gets the error and decides.
	maxWait = 10 * time.Second
	// maxBody is the largest answer that is read, in bytes: lists have no pages.
	maxBody = 8 << 20
)

// Options are the options of NewClient. URL and Key are required.
type Options struct {
	// URL is the base of the API, such as https://gate.dataloop.ai/api/v1; an installation of one's own has its own host.
	URL string
	// Key is the API key, which is sent as bearer token. It lasts a year and has the rights of its user.
	Key secret.Value
	// Client is the HTTP client; http.DefaultClient where nil. Redirects are not followed, because they would carry the
	// key elsewhere.
	Client *http.Client
	// Sleep waits between attempts; it returns early with the context's error. A timer where nil.
	Sleep func(ctx context.Context, d time.Duration) error
	// Limit is how long one attempt may take; AnswerLimit where zero.
	Limit time.Duration
	// Hidden are the secrets besides the key that the platform is sent: no message shows them.
	Hidden []secret.Value
}

// Client calls the platform's API as the user of one API key. It is safe for concurrent use.
type Client struct {
	base   string
	key    secret.Value
	client *http.Client
	sleep  func(ctx context.Context, d time.Duration) error
	limit  time.Duration
	hidden []secret.Value
}

// NewClient returns a client. It sends nothing.
func NewClient(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("ddoe: the API's URL is not an https URL without user info, query and fragment")
	}
	if o.Key.IsZero() {
		return nil, errors.New("ddoe: the API key is missing")
	}
	c := &Client{base: strings.TrimRight(o.URL, "/"), key: o.Key, client: pinned(o.Client), sleep: o.Sleep, limit: cmp.Or(o.Limit, AnswerLimit),
		hidden: append(slices.Clone(o.Hidden), o.Key)}
	if c.sleep == nil {
		c.sleep = pause
	}
	return c, nil
}

// pinned is the client without its habit to follow redirects.
func pinned(client *http.Client) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// call is one request.
type call struct {
	op     string // for errors, such as "create driver"
	method string
	path   string // below the base, escaped, with query
	body   any    // nil for none
	// once says that the request has no key: sending it twice could make two objects.
	once bool
	// answer is what a success is decoded into; nil where the answer's content does not matter.
	answer any
	// isComplete reports whether the decoded answer says what was asked for; nil where any of its form does.
	isComplete func() bool
}

// do sends the request until it is answered for good, and decodes the answer. It returns the platform's id of the
// request. Errors are *Error where the platform answered, else the transport's.
func (c *Client) do(ctx context.Context, r call) (string, error) {
	var content []byte
	if r.body != nil {
		var err error
		if content, err = json.Marshal(r.body); err != nil {
			return "", fmt.Errorf("ddoe: %s: encode: %w", r.op, err)
		}
	}
	for n := 0; ; n++ {
		resp, body, err := c.send(ctx, r, content)
		wait, again := c.isWorthRepeating(r, n, resp, err)
		if again && ctx.Err() == nil {
			if err := c.sleep(ctx, wait); err != nil {
				return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
			}
			continue
		}
		if err != nil {
			return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
		}
		return c.requestID(resp), c.read(r, resp, body)
	}
}

// send makes one attempt and reads its answer.
func (c *Client) send(ctx context.Context, r call, content []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(content))
	if err != nil {
		return nil, nil, errors.New("the path is not valid")
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	req.Header.Set("User-Agent", "ddoe-wif")
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, nil, err
	}
	return resp, body, nil
}

// isWorthRepeating reports whether and when to send a request again: after faults of the connection and of a gateway, with
// pauses of 1, 2 and 4 seconds (the platform's own SDK repeats 501 to 508, 510 and 511), but not after a hung answer, and
// never what makes an object. 429 refuses any request, so that nothing was made.
func (c *Client) isWorthRepeating(r call, n int, resp *http.Response, err error) (time.Duration, bool) {
	wait := time.Second << n
	switch {
	case n >= maxRetries:
		return 0, false
	case err != nil:
		return wait, !r.once && !errors.Is(err, context.DeadlineExceeded)
	case resp.StatusCode == http.StatusTooManyRequests:
		wait = max(wait, retryAfter(resp.Header))
		return wait, wait <= maxWait
	}
	status := resp.StatusCode
	return wait, !r.once && (status >= 501 && status <= 508 || status == 510 || status == 511)
}

// read believes a success only as JSON of the form that was asked for: on a path that it does not know, the platform
// answers 200 with its web page. A deletion may be answered with 204, and so may what has no content to give.
func (c *Client) read(r call, resp *http.Response, body []byte) error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(r, resp, body)
	}
	hasNone := resp.StatusCode == http.StatusNoContent
	isSound := isJSON(resp.Header) && len(body) <= maxBody && json.Valid(body)
	switch {
	case r.answer == nil && (hasNone || r.method == http.MethodDelete && isSound):
		return nil
	case r.answer == nil, hasNone, !isSound, json.Unmarshal(body, r.answer) != nil, r.isComplete != nil && !r.isComplete():
		return c.invalid(r, resp)
	}
	return nil
}

// segment escapes one segment of a path; what would leave the path becomes one that the platform does not know.
func segment(id string) string {
	if id == "" || id == "." || id == ".." {
		return "-"
	}
	return url.PathEscape(id)
}
