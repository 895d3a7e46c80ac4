package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// maxBatch is the most requests of one batch. Source: https://learn.microsoft.com/graph/json-batching.
const maxBatch = 20

// NamedCredential is a credential to be written by its name.
type NamedCredential struct {
	Name string
	FederatedCredentialPatch
}

// CredentialResult is what became of one credential of a batch. Credential is filled where Graph has created it.
type CredentialResult struct {
	Credential FederatedCredential
	Write      Write
	Err        error
}

// UpsertFederatedCredentials does for several credentials of one application what UpsertFederatedCredential does for
// one, in as few round trips as Graph allows, and returns a result for each, in their order. They are written one
// after the other: one that fails leaves those behind it unwritten, each with an *Error of status 424, to be sent
// again.
func (c *Client) UpsertFederatedCredentials(ctx context.Context, applicationObjectID string,
	credentials []NamedCredential) []CredentialResult {
	if len(credentials) == 1 {
		var r CredentialResult
		r.Credential, r.Write, r.Err = c.UpsertFederatedCredential(ctx, applicationObjectID, credentials[0].Name,
			credentials[0].FederatedCredentialPatch)
		return []CredentialResult{r}
	}
	requests := make([]batchRequest, len(credentials))
	for i, f := range credentials {
		requests[i] = batchRequest{Method: http.MethodPatch, URL: "/" + key(credentialsPath(applicationObjectID),
			"name", f.Name), Body: f.FederatedCredentialPatch,
			Headers: map[string]string{"Content-Type": "application/json", "Prefer": "create-if-missing"}}
	}
	const op = "upsert federated credential"
	return c.batch(ctx, op, requests, func(r batchResponse) CredentialResult {
		result := CredentialResult{Write: Write{Outcome: OutcomeUpdated, RequestID: r.requestID()}}
		switch r.Status {
		case http.StatusNoContent:
		case http.StatusCreated:
			result.Write.Outcome = OutcomeCreated
			if json.Unmarshal(r.Body, &result.Credential) != nil || !result.Credential.isComplete() {
				result.Err = r.undecodable(op, errIncomplete)
			}
		default:
			result = CredentialResult{Err: r.error(op)}
		}
		return result
	})
}

// DeleteFederatedCredentials deletes several credentials of one application, by name, as UpsertFederatedCredentials
// writes them.
func (c *Client) DeleteFederatedCredentials(ctx context.Context, applicationObjectID string,
	names []string) []CredentialResult {
	if len(names) == 1 {
		var r CredentialResult
		r.Write, r.Err = c.DeleteFederatedCredential(ctx, applicationObjectID, names[0])
		return []CredentialResult{r}
	}
	requests := make([]batchRequest, len(names))
	for i, name := range names {
		requests[i] = batchRequest{Method: http.MethodDelete, URL: "/" + credentialsPath(applicationObjectID) + "/" +
			url.PathEscape(name)}
	}
	const op = "delete federated credential"
	return c.batch(ctx, op, requests, func(r batchResponse) CredentialResult {
		if r.Status != http.StatusNoContent {
			return CredentialResult{Err: r.error(op)}
		}
		return CredentialResult{Write: Write{Outcome: OutcomeDeleted, RequestID: r.requestID()}}
	})
}

// batchRequest is one request of a batch; its URL is below the version.
type batchRequest struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	DependsOn []string          `json:"dependsOn,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      any               `json:"body,omitempty"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	batchID string
}

type batchBody struct {
	Responses []batchResponse `json:"responses"`
}

func (b *batchBody) isComplete() bool { return b.Responses != nil }

// requestID is Graph's id of the request: its own, or else that of the batch, as in the example of
// https://learn.microsoft.com/graph/json-batching, where answers have no header for it.
func (r batchResponse) requestID() string {
	if id := r.header(headerRequestID); id != "" {
		return id
	}
	return r.batchID
}

// header reads a header without regard to case.
func (r batchResponse) header(name string) string {
	for key, value := range r.Headers {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// error is the answer as *Error, like that of a request of its own.
func (r batchResponse) error(op string) *Error {
	e := &Error{Op: op, StatusCode: r.Status, RequestID: r.header(headerRequestID),
		Wait: azure.RetryAfter(http.Header{"Retry-After": {r.header("Retry-After")}}, time.Now()), InBatch: true}
	e.read(r.Body)
	if e.RequestID == "" {
		e.RequestID = r.batchID
	}
	return e
}

// undecodable is an answer that is not what Graph documents.
func (r batchResponse) undecodable(op string, err error) error {
	return &undecodableError{answer{Op: op, StatusCode: r.Status, RequestID: r.requestID(), InBatch: true}, err}
}

// batch sends requests one after the other, maxBatch at a time, and reads the answer of each. Where a batch as a whole
// fails, each of its requests has failed with that. What would come in a batch behind one that failed is not sent.
func (c *Client) batch(ctx context.Context, op string, requests []batchRequest,
	read func(batchResponse) CredentialResult) []CredentialResult {
	results := make([]CredentialResult, 0, len(requests))
	for some := range slices.Chunk(requests, maxBatch) {
		if slices.ContainsFunc(results, func(r CredentialResult) bool { return r.Err != nil }) {
			results = append(results, slices.Repeat([]CredentialResult{{Err: notSent(op)}}, len(some))...)
			continue
		}
		responses, err := c.sendBatch(ctx, op, some)
		for i := range some {
			switch {
			case err != nil:
				results = append(results, CredentialResult{Err: err})
			case responses[i].ID == "":
				results = append(results, CredentialResult{Err: responses[i].undecodable(op, errNoAnswer)})
			default:
				results = append(results, read(responses[i]))
			}
		}
	}
	return results
}

// notSent is the answer to a request whose batch was not sent, as one of an earlier batch has failed. It is the one
// that Graph gives within a batch for the same reason.
func notSent(op string) *Error {
	return &Error{Op: op, StatusCode: http.StatusFailedDependency, InBatch: true}
}

var errNoAnswer = errors.New("the batch holds no answer to the request")

// sendBatch sends a batch, each request of which depends on the one before it, and returns the answers in their order:
// Graph gives them in any. One that is missing has no id.
func (c *Client) sendBatch(ctx context.Context, op string, requests []batchRequest) ([]batchResponse, error) {
	for i := range requests {
		requests[i].ID = strconv.Itoa(i)
		if i > 0 {
			requests[i].DependsOn = []string{requests[i-1].ID}
		}
	}
	resp, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "$batch",
		body: map[string]any{"requests": requests}}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	var body batchBody
	if err := decode(op, resp, &body); err != nil {
		return nil, err
	}
	inOrder := make([]batchResponse, len(requests))
	for i := range inOrder {
		if at := slices.IndexFunc(body.Responses, func(r batchResponse) bool {
			return r.ID == requests[i].ID
		}); at >= 0 {
			inOrder[i] = body.Responses[at]
		}
		inOrder[i].batchID = resp.Header.Get(headerRequestID)
	}
	return inOrder, nil
}
