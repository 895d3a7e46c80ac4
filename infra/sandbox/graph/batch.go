package graph

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The rules of JSON batching, by their sources:
//
//   - [doc]: https://learn.microsoft.com/graph/json-batching
//   - [order]: https://github.com/microsoftgraph/microsoft-graph-docs/issues/16280, Graph's refusal in words
//   - [earlier]: https://github.com/microsoftgraph/msgraph-sdk-dotnet-core/issues/891, likewise
//   - [content]: pnp/pnpcore, Team.cs, UnarchiveAsync, likewise
//   - [answers]: bradleymarques/microslop_one_drive, test/fixtures/batch*, answers of Graph to malformed batches
//   - [design]: https://microsoftgraph.github.io/msgraph-sdk-design/content/BatchRequestContent.html
//
// No source tells whether Graph takes writes of federated identity credentials in a batch, nor names one that it does
// not take: here every request of this host may be in one.

// maximumBatch is the most requests of one batch [doc].
const maximumBatch = 20

// batch answers POST $batch: it runs the requests in it, each with the rights of the caller [doc: each has a status of
// its own, and one without the permission is refused for itself].
type batch struct{ *call }

type batchRequest struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	DependsOn []string          `json:"dependsOn"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

func (c batch) route() (answer, error) {
	return c.byMethod(map[string]func() (answer, error){http.MethodPost: c.post})
}

// post answers a batch that can be read with 200, whatever its requests come to, and any other with 400 [doc].
func (c batch) post() (answer, error) {
	requests, err := c.requests()
	if err != nil {
		return answer{}, err
	}
	order := slices.Clone(requests)
	if !isSequential(requests) {
		slices.Reverse(order) // none may rely on another: any order will do
	}
	status := map[string]int{}
	responses := make([]batchResponse, 0, len(order))
	for _, r := range order {
		response := c.failedDependency(r)
		if !slices.ContainsFunc(r.DependsOn, func(id string) bool {
			return status[fold(id)] >= http.StatusBadRequest
		}) {
			response = c.run(r)
		}
		status[fold(r.ID)] = response.Status
		responses = append(responses, response)
	}
	if isSequential(requests) {
		slices.Reverse(responses) // answers may come in any order [doc], so that a client has to go by their ids
	}
	return answer{status: http.StatusOK, body: map[string]any{"responses": responses}}, nil
}

// requests reads and checks the requests of the batch.
func (c batch) requests() ([]batchRequest, error) {
	members, err := c.body()
	if err != nil {
		return nil, err
	}
	var requests []batchRequest
	if json.Unmarshal(members["requests"], &requests) != nil || len(requests) == 0 {
		return nil, invalidBatch()
	}
	if len(requests) > maximumBatch {
		return nil, badSyntax("Number of requests inside batch exceed the limit.") // [answers]
	}
	seen := map[string]bool{}
	for _, r := range requests {
		if err := r.check(); err != nil {
			return nil, err
		}
		if seen[fold(r.ID)] {
			return nil, badSyntax("Request Id %s has to be unique in a batch.", r.ID) // [doc], [answers]
		}
		for _, id := range r.DependsOn {
			if !seen[fold(id)] {
				return nil, badSyntax("Invalid dependency for request Id %s.", r.ID) // [earlier]
			}
		}
		seen[fold(r.ID)] = true
	}
	return requests, checkOrder(requests)
}

// fold makes ids comparable: they are not case-sensitive [doc].
func fold(id string) string { return strings.ToLower(id) }

func invalidBatch() error { return badSyntax("Invalid batch payload format.") } // [answers]

// check holds what one request of a batch has to have [doc]: id, method and a relative URL, which is no batch
// [design]; with a body, its content type.
func (r batchRequest) check() error {
	target, err := url.Parse(r.URL)
	if r.ID == "" || r.Method == "" || r.URL == "" || err != nil || target.IsAbs() || target.Host != "" ||
		strings.HasPrefix(strings.TrimPrefix(target.Path, "/"), "$batch") {
		return invalidBatch()
	}
	writes := []string{http.MethodPost, http.MethodPatch, http.MethodPut}
	if len(r.Body) == 0 && !slices.Contains(writes, r.Method) {
		return nil
	}
	if len(r.Body) == 0 || r.header("Content-Type") == "" {
		return badSyntax("Write request id : %s does not contain Content-Type header or body.", r.ID) // [content]
	}
	if _, err := r.content(); err != nil {
		return err
	}
	return nil
}

func (r batchRequest) header(name string) string {
	for key, value := range r.Headers {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// content is the body as it would be sent alone: a JSON object, or what is base64 URL-encoded [doc].
func (r batchRequest) content() ([]byte, error) {
	var object map[string]json.RawMessage
	if len(r.Body) == 0 || json.Unmarshal(r.Body, &object) == nil && object != nil {
		return r.Body, nil
	}
	var text string
	if json.Unmarshal(r.Body, &text) != nil || text == "" {
		return nil, invalidBatch()
	}
	decoded, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return nil, invalidBatch()
	}
	return decoded, nil
}

func isSequential(requests []batchRequest) bool {
	return slices.ContainsFunc(requests, func(r batchRequest) bool { return len(r.DependsOn) > 0 })
}

// checkOrder holds that each request depends on the one before it, or none on any [order].
func checkOrder(requests []batchRequest) error {
	if !isSequential(requests) {
		return nil
	}
	for i, r := range requests[1:] {
		before := fold(requests[i].ID)
		if !slices.ContainsFunc(r.DependsOn, func(id string) bool { return fold(id) == before }) {
			return badSyntax("Batch should be either fully sequential or fully parallel.")
		}
	}
	return nil
}

// failedDependency is the answer to a request that is not run, because one that it depends on has failed [doc]. No
// source shows its body; it has the form of every error of Graph.
func (c batch) failedDependency(r batchRequest) batchResponse {
	w := &buffer{header: http.Header{}}
	writeError(w, &fault{status: http.StatusFailedDependency, code: "FailedDependency",
		message: "The request was not run, as one that it depends on has failed."}, c.world.Now(), c.id, c.id)
	return newBatchResponse(r.ID, w)
}

type batchKey struct{}

// run sends a request to this service, as one of its own with the caller's token. It has the request id of the batch:
// in the example of [doc] the errors of one batch share theirs. Where the connection is to be cut, it is the caller's.
func (c batch) run(r batchRequest) batchResponse {
	content, _ := r.content() // check has decoded it
	target := "https://" + c.request.Host + "/" + c.version + "/" + strings.TrimPrefix(r.URL, "/")
	ctx := context.WithValue(c.request.Context(), batchKey{}, c.id)
	w := &buffer{header: http.Header{}}
	request, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(content))
	if err != nil { // a method that is none
		writeError(w, methodNotAllowed(), c.world.Now(), c.id, c.id)
		return newBatchResponse(r.ID, w)
	}
	for name, value := range r.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Authorization", c.request.Header.Get("Authorization"))
	request.Header.Set("Content-Length", strconv.Itoa(len(content)))
	c.parts.ServeHTTP(w, request)
	return newBatchResponse(r.ID, w)
}

// newBatchResponse puts an answer into the form that it has in a batch: a JSON body as it is, any other
// base64-encoded. The headers that a batch has once, for all, are left out, as in the example of [doc].
func newBatchResponse(id string, w *buffer) batchResponse {
	response := batchResponse{ID: id, Status: max(w.status, http.StatusOK), Headers: map[string]string{}}
	for name, values := range w.header {
		if !slices.Contains([]string{"Request-Id", "Client-Request-Id", "Date"}, name) {
			response.Headers[name] = strings.Join(values, ",")
		}
	}
	switch body := bytes.TrimSpace(w.body.Bytes()); {
	case len(body) == 0:
	case json.Valid(body) && strings.HasPrefix(w.header.Get("Content-Type"), "application/json"):
		response.Body = body
	default:
		response.Body, _ = json.Marshal(base64.StdEncoding.EncodeToString(body)) // a string always encodes
	}
	return response
}

// buffer holds the answer to one request of a batch.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header         { return b.header }
func (b *buffer) WriteHeader(status int)      { b.status = status }
func (b *buffer) Write(p []byte) (int, error) { return b.body.Write(p) }
