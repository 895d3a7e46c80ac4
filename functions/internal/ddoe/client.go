// Package ddoe talks to the DDOE platform (formerly Dataloop): its integrations and storage drivers (Client), and the
// subject tokens that the access test presents to Entra (TokenSource). It believes a success only in the form that was
// asked for, as the platform shows a web page with status 200 on what it does not know. It keeps no token, and shows
// neither tokens and keys nor the options of an integration. Failures are *Error.
package ddoe

import (
	"bytes"
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
	// AnswerLimit is how long a request may take, to the last byte of its answer.
	AnswerLimit = 30 * time.Second
	// tokenLimit is how long a request for a subject token may take.
	tokenLimit = 10 * time.Second
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
	// Hidden are the secrets besides the key that the platform is sent: no message shows them.
	Hidden []secret.Value
}

// Client calls the platform's API as the user of one API key. It is safe for concurrent use.
type Client struct {
	base   string
	key    secret.Value
	client *http.Client
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
	return &Client{base: strings.TrimRight(o.URL, "/"), key: o.Key, client: pinned(o.Client), limit: AnswerLimit,
		hidden: append(slices.Clone(o.Hidden), o.Key)}, nil
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

// call is one request.
type call struct {
	op     string // for errors, such as "create driver"
	method string
	path   string // below the base, escaped, with query
	body   any    // nil for none
	// answer is what a success is decoded into; nil where the answer's content does not matter.
	answer any
	// isComplete reports whether the decoded answer says what was asked for; nil where any of its form does.
	isComplete func() bool
}

// do sends the request once, and decodes the answer; whether it is worth sending again is the caller's to decide. It returns the
// platform's id of the request. Errors are *Error where the platform answered, else the transport's.
func (c *Client) do(ctx context.Context, r call) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	content, err := json.Marshal(r.body)
	if err != nil {
		return "", fmt.Errorf("ddoe: %s: encode: %w", r.op, err)
	}
	if r.body == nil {
		content = nil
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(content))
	if err != nil {
		return "", fmt.Errorf("ddoe: %s: the path is not valid", r.op)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	req.Header.Set("User-Agent", "ddoe-wif")
	resp, err := c.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return "", fmt.Errorf("ddoe: %s: %w", r.op, err)
	}
	return c.requestID(resp), c.read(r, resp, body)
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
