// Package ddoe is a client of the DDOE platform (formerly Dataloop): its integrations and storage drivers (Client),
// and the subject tokens that the access test presents to Entra (TokenSource). A success counts only in the form that
// was asked for: on unknown paths the platform answers 200 with a web page. Failures are *Error and hold no secrets.
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

// Options are the options of NewClient. URL, Key and Client are required.
type Options struct {
	// URL is the base of the API, such as https://gate.dataloop.ai/api/v1; other installations have other hosts.
	URL string
	// Key is the API key, which is sent as bearer token. It lasts a year and has the rights of its user.
	Key secret.Value
	// Client is the HTTP client. Redirects are not followed, because they would carry the key elsewhere.
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
	hidden *strings.Replacer
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
		hidden: concealer(append(slices.Clone(o.Hidden), o.Key)...)}, nil
}

// pinned is the client without its habit to follow redirects.
func pinned(client *http.Client) *http.Client {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// call is one request: what it is for errors, such as "create driver", its path below the base, escaped and with
// query, and its body; nil for none.
type call struct {
	op, method, path string
	body             any
}

// get reads what is there.
func get[T any](ctx context.Context, c *Client, op, path string, isComplete func(T) bool) (T, error) {
	return ask(ctx, c, call{op: op, method: http.MethodGet, path: path}, isComplete)
}

// ask sends a request, and decodes its answer. isComplete reports whether that tells what was asked for: on a path
// that it does not know, the platform answers 200 with its web page.
func ask[T any](ctx context.Context, c *Client, r call, isComplete func(T) bool) (answer T, err error) {
	resp, body, err := c.send(ctx, r)
	if err != nil {
		return answer, err
	}
	isSound := isJSON(resp.Header) && len(body) <= maxBody && json.Unmarshal(body, &answer) == nil
	if !isSound || resp.StatusCode == http.StatusNoContent || !isComplete(answer) {
		return answer, c.invalid(r, resp)
	}
	if one, ok := any(&answer).(interface{ answeredBy(requestID string) }); ok {
		one.answeredBy(c.requestID(resp))
	}
	return answer, nil
}

// order sends a request whose success has no content: 204, or for a deletion any JSON.
func (c *Client) order(ctx context.Context, r call) (string, error) {
	resp, body, err := c.send(ctx, r)
	if err != nil {
		return "", err
	}
	hasList := r.method == http.MethodDelete && isJSON(resp.Header) && json.Valid(body)
	if resp.StatusCode != http.StatusNoContent && !hasList {
		return "", c.invalid(r, resp)
	}
	return c.requestID(resp), nil
}

// send sends a request once; whether it is worth sending again is the caller's to decide. Errors are *Error where the
// platform answered with no success, else the transport's.
func (c *Client) send(ctx context.Context, r call) (*http.Response, []byte, error) {
	resp, body, err := c.exchange(ctx, r)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("ddoe: %s: %w", r.op, err)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, nil, c.refusal(r, resp, body)
	}
	return resp, body, nil
}

func (c *Client) exchange(ctx context.Context, r call) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	content, err := encode(r.body)
	if err != nil {
		return nil, nil, fmt.Errorf("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(content))
	if err != nil {
		return nil, nil, errors.New("the path is not valid")
	}
	if r.body != nil {
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
	return resp, body, err
}

// encode is a body as JSON, the characters < > & as they are; nothing for nil.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(body)
	return bytes.TrimSpace(b.Bytes()), err
}

// isThere and isEachThere report whether answers are objects of the platform.
func isThere[T interface{ About() Object }](one T) bool { return one.About().ID != "" }

func isEachThere[T interface{ About() Object }](all []T) bool {
	return !slices.ContainsFunc(all, func(one T) bool { return !isThere(one) })
}

// segment escapes one segment of a path; what would leave the path becomes one that the platform does not know.
func segment(id string) string {
	if id == "" || id == "." || id == ".." {
		return "-"
	}
	return url.PathEscape(id)
}
