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
	maxRetries = 5
	// maxWait is the longest pause within a request: who is asked to wait longer gets the error and decides.
	maxWait = 30 * time.Second
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
	// Now is the clock; time.Now where nil.
	Now func() time.Time
	// Limit is how long one attempt may take; AnswerLimit where zero.
	Limit time.Duration
	// Hidden are texts that may be part of options and are never shown.
	Hidden []secret.Value
}

// Client calls the platform's API as the user of one API key. It is safe for concurrent use.
type Client struct {
	base   string
	key    secret.Value
	client *http.Client
	sleep  func(ctx context.Context, d time.Duration) error
	now    func() time.Time
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
	c := &Client{base: strings.TrimRight(o.URL, "/"), key: o.Key, client: pinned(o.Client), sleep: o.Sleep, now: o.Now, limit: cmp.Or(o.Limit, AnswerLimit),
		hidden: append(slices.Clone(o.Hidden), o.Key)}
	if c.sleep == nil {
		c.sleep = pause
	}
	if c.now == nil {
		c.now = time.Now
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
	// once says that the request must not be sent again by itself, as its fate may be unknown: it could make a second object.
	// That goes for 429 too, which a proxy may answer that has handed the request on.
	once bool
	// empty says that success is 204 without a body.
	empty bool
	// hidden are texts of the body that must not be shown.
	hidden []string
	// id is where the id of the object that was asked for is decoded to: an answer without one is not believed. Nil where the
	// answer is no such object.
	id *string
	// complete reports whether any other decoded answer says what was asked for; nil where all of the form do.
	complete func() bool
}

// do sends the request until it is answered for good, and decodes the answer into v. It returns the platform's id of the
// request. Errors are *Error where the platform answered, else the transport's.
func (c *Client) do(ctx context.Context, r call, v any) (string, error) {
	var content []byte
	if r.body != nil {
		var err error
		if content, err = json.Marshal(r.body); err != nil {
			return "", fmt.Errorf("ddoe: %s: encode: %w", r.op, err)
		}
	}
	for n := 0; ; n++ {
		resp, body, err := c.send(ctx, r, content)
		wait, again := c.again(r, n, resp, err)
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("ddoe: %s: %w", r.op, ctx.Err())
		case again && !outlasts(ctx, wait):
			if err := c.sleep(ctx, wait); err != nil {
				return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
			}
		case err != nil:
			return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
		default:
			return requestID(resp.Header, c.secrets(r.hidden)), c.read(r, resp, body, v)
		}
	}
}

// outlasts reports whether a pause would end after the context's deadline.
func outlasts(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < wait
}

// send makes one attempt and reads its answer.
func (c *Client) send(ctx context.Context, r call, content []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	var reader io.Reader = http.NoBody
	if content != nil {
		reader = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, reader)
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

// again says whether and when to send a request again, as the platform's own SDK does: after connection faults and
// gateway errors, with pauses of 1, 2, 4, 8 and 16 seconds. Unlike the SDK it never repeats what makes an object, since the
// API has no idempotency key, honours 429, and leaves it to the caller to repeat what was not answered in time: five more
// of those would take an invocation.
func (c *Client) again(r call, n int, resp *http.Response, err error) (time.Duration, bool) {
	if n >= maxRetries {
		return 0, false
	}
	wait := time.Second << n
	if err != nil {
		return wait, !r.once && !errors.Is(err, context.DeadlineExceeded)
	}
	asked := retryAfter(resp.Header, c.now())
	wait = max(wait, asked)
	switch status := resp.StatusCode; {
	case wait > maxWait:
		return 0, false
	case status == http.StatusTooManyRequests, status >= 501 && status <= 508, status == 510, status == 511:
		return wait, !r.once
	}
	return 0, false
}

// read believes a success only where it has the form that was asked for.
func (c *Client) read(r call, resp *http.Response, body []byte, v any) error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(r.op, c.base+r.path, resp, body, c.now(), c.secrets(r.hidden))
	}
	if !sound(r, resp, body, v) {
		return invalid(r.op, c.base+r.path, resp, c.secrets(r.hidden))
	}
	return nil
}

// sound reports whether a success is what was asked for, and decodes it into v.
func sound(r call, resp *http.Response, body []byte, v any) bool {
	noContent := resp.StatusCode == http.StatusNoContent
	if r.empty || noContent && r.method == http.MethodDelete {
		return noContent
	}
	return isJSON(resp.Header) && len(body) <= maxBody && json.Unmarshal(body, v) == nil &&
		(r.id == nil || *r.id != "") && (r.complete == nil || r.complete())
}

// remove deletes an object; false where it was absent. A success is 204, or JSON that says anything, such as what is left.
func (c *Client) remove(ctx context.Context, op, path string) (bool, string, error) {
	var said json.RawMessage
	id, err := c.do(ctx, call{op: op, method: http.MethodDelete, path: path}, &said)
	if IsNotFound(err) {
		return false, id, nil
	}
	return err == nil, id, err
}

func (c *Client) secrets(more []string) []string {
	all := slices.Clone(more)
	for _, s := range c.hidden {
		all = append(all, s.Reveal())
	}
	return all
}

// segment escapes one segment of a path; what would leave the path becomes one that the platform does not know.
func segment(id string) string {
	if id == "" || id == "." || id == ".." {
		return "-"
	}
	return url.PathEscape(id)
}
