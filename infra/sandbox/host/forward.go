package host

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// contentHeaders are .NET's content headers: forwarding loses all of them except Content-Type and Content-Length.
var contentHeaders = []string{
	"Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Location", "Content-Md5",
	"Content-Range", "Expires", "Last-Modified",
}

// hopByHop headers belong to one connection.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade"}

// forward is the old way (enableForwardingHttpRequest alone): the request is rebuilt rather than passed on, the answer
// is buffered, and the client's disconnection is not noticed.
func (h *Host) forward(ctx context.Context, p *process, id string, w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := h.limit(context.WithoutCancel(ctx))
	defer cancel()
	var body io.Reader
	if r.ContentLength > 0 { // a chunked body is silently dropped
		body = r.Body
	}
	target := "http://" + p.address + r.URL.EscapedPath() + forwardedQuery(r.URL.Query())
	request, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return err
	}
	request.Header = forwardedHeader(r.Header, r.UserAgent())
	request.Host = r.Host
	if body != nil {
		request.ContentLength = r.ContentLength
	}
	request.Header.Set(headerInvocationID, id)
	request.Header.Set(headerHostVersion, Version)
	request.Header.Set("Traceparent", newTraceparent(r.Header.Get("Traceparent")))
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	for name, values := range response.Header {
		if !slices.Contains(hopByHop, name) {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, bytes.NewReader(content)) // the client may have gone: nothing is left to tell it
	return nil
}

// forwardedQuery is rebuilt from a map: values of one name joined by commas, everything encoded anew.
func forwardedQuery(query url.Values) string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []string
	for _, name := range names {
		value := strings.ReplaceAll(url.QueryEscape(strings.Join(query[name], ",")), "+", "%20")
		parts = append(parts, url.QueryEscape(name)+"="+value)
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// forwardedHeader copies what survives: several values of a name become one, and the host adds itself to User-Agent.
func forwardedHeader(in http.Header, agent string) http.Header {
	out := http.Header{}
	for name, values := range in {
		if !slices.Contains(contentHeaders, name) && !slices.Contains(hopByHop, name) {
			out.Set(name, strings.Join(values, ","))
		}
	}
	out.Set("User-Agent", strings.TrimSpace(agent+" "+userAgent))
	return out
}
