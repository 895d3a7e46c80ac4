package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
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

// UpsertFederatedCredentials does for several credentials of one application what UpsertFederatedCredential does for one,
// in as few round trips as Graph allows, and returns a result for each, in their order. They are written one after the
// other: one that fails leaves those behind it unwritten (424), to be sent again. No source says whether Graph takes these
// writes in a batch, so a caller sends those that failed again one by one.
func (c *Client) UpsertFederatedCredentials(ctx context.Context, applicationObjectID string, credentials []NamedCredential) []CredentialResult {
	if len(credentials) == 1 {
		var r CredentialResult
		r.Credential, r.Write, r.Err = c.UpsertFederatedCredential(ctx, applicationObjectID, credentials[0].Name, credentials[0].FederatedCredentialPatch)
		return []CredentialResult{r}
	}
	requests := make([]batchRequest, len(credentials))
	for i, f := range credentials {
		requests[i] = batchRequest{Method: http.MethodPatch, URL: "/" + key(credentialsPath(applicationObjectID), "name", f.Name), Body: f.FederatedCredentialPatch,
			Headers: map[string]string{"Content-Type": "application/json", "Prefer": "create-if-missing"}}
	}
	const op = "upsert federated credential"
	return c.batch(ctx, op, requests, func(r batchResponse) CredentialResult {
		result := CredentialResult{Write: Write{Outcome: OutcomeUpdated, RequestID: r.header(headerRequestID)}}
		switch r.Status {
		case http.StatusNoContent:
		case http.StatusCreated:
			result.Write.Outcome = OutcomeCreated
			if err := json.Unmarshal(r.Body, &result.Credential); err != nil {
				result.Err = &undecodableError{answer{Op: op, StatusCode: r.Status, RequestID: result.Write.RequestID}, err}
			}
		default:
			result = CredentialResult{Err: r.error(op)}
		}
		return result
	})
}

// DeleteFederatedCredentials deletes several credentials of one application, by name, as UpsertFederatedCredentials writes
// them.
func (c *Client) DeleteFederatedCredentials(ctx context.Context, applicationObjectID string, names []string) []CredentialResult {
	if len(names) == 1 {
		var r CredentialResult
		r.Write, r.Err = c.DeleteFederatedCredential(ctx, applicationObjectID, names[0])
		return []CredentialResult{r}
	}
	requests := make([]batchRequest, len(names))
	for i, name := range names {
		requests[i] = batchRequest{Method: http.MethodDelete, URL: "/" + credentialsPath(applicationObjectID) + "/" + url.PathEscape(name)}
	}
	const op = "delete federated credential"
	return c.batch(ctx, op, requests, func(r batchResponse) CredentialResult {
		switch r.Status {
		case http.StatusNoContent:
			return CredentialResult{Write: Write{Outcome: OutcomeDeleted, RequestID: r.header(headerRequestID)}}
		case http.StatusNotFound:
			return CredentialResult{Write: Write{Outcome: OutcomeAbsent, RequestID: r.header(headerRequestID)}}
		default:
			return CredentialResult{Err: r.error(op)}
		}
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
		Wait: retryAfter(http.Header{"Retry-After": {r.header("Retry-After")}}, time.Now())}
	e.read(r.Body)
	return e
}

// batch sends requests one after the other, maxBatch at a time, and reads the answer of each. Where a batch as a whole
// fails, each of its requests has failed with that; an answer that is missing is an error of its own.
func (c *Client) batch(ctx context.Context, op string, requests []batchRequest, read func(batchResponse) CredentialResult) []CredentialResult {
	results := make([]CredentialResult, 0, len(requests))
	for begin := 0; begin < len(requests); begin += maxBatch {
		part := requests[begin:min(begin+maxBatch, len(requests))]
		for i := range part {
			part[i].ID = strconv.Itoa(i)
			if i > 0 {
				part[i].DependsOn = []string{strconv.Itoa(i - 1)}
			}
			if part[i].Headers == nil {
				part[i].Headers = map[string]string{}
			}
			part[i].Headers[headerClientRequestID] = uuid.NewString()
		}
		responses, err := c.sendBatch(ctx, op, part)
		for i := range part {
			r, answered := responses[strconv.Itoa(i)]
			switch {
			case err != nil:
				results = append(results, CredentialResult{Err: err})
			case !answered:
				results = append(results, CredentialResult{Err: fmt.Errorf("graph: %s: the batch holds no answer to the request", op)})
			default:
				results = append(results, read(r))
			}
		}
	}
	return results
}

func (c *Client) sendBatch(ctx context.Context, op string, requests []batchRequest) (map[string]batchResponse, error) {
	resp, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "$batch", body: map[string]any{"requests": requests}}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	var body struct {
		Responses []batchResponse `json:"responses"`
	}
	if err := decode(op, resp, &body); err != nil {
		return nil, err
	}
	byID := make(map[string]batchResponse, len(body.Responses))
	for _, r := range body.Responses {
		byID[r.ID] = r
	}
	return byID, nil
}
