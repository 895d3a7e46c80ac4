package graph_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

// part is Graph's answer to one request of a batch; a status of 0 leaves it out.
type part struct {
	status        int
	headers, body string
}

// batchAnswer holds the parts by their place, the last first: Graph gives them in any order.
func batchAnswer(parts ...part) answer {
	var all []string
	for i, p := range parts {
		if p.status == 0 {
			continue
		}
		text := fmt.Sprintf(`{"id":"%d","status":%d`, i, p.status)
		if p.headers != "" {
			text += `,"headers":` + p.headers
		}
		if p.body != "" {
			text += `,"body":` + p.body
		}
		all = append(all, text+"}")
	}
	slices.Reverse(all)
	return answer{status: 200, body: `{"responses":[` + strings.Join(all, ",") + `]}`}
}

// parts are n answers of a status.
func parts(n, status int) []part { return slices.Repeat([]part{{status: status}}, n) }

func named(n int) []graph.NamedCredential {
	var all []graph.NamedCredential
	for i := range n {
		all = append(all, graph.NamedCredential{Name: "n/" + strconv.Itoa(i), FederatedCredentialPatch: graph.
			FederatedCredentialPatch{Issuer: "i", Subject: strconv.Itoa(i), Audiences: []string{"a"}}})
	}
	return all
}

func names(n int) []string {
	var all []string
	for _, one := range named(n) {
		all = append(all, one.Name)
	}
	return all
}

// TestBatchIsSent holds the body of a batch: each request waits for the one before it.
func TestBatchIsSent(t *testing.T) {
	t.Parallel()
	headers := `"headers":{"Content-Type":"application/json","Prefer":"create-if-missing"}`
	at := "/applications/" + objectID + "/federatedIdentityCredentials"
	upsert := `{"requests":[{"id":"0","method":"PATCH","url":"` + at + `(name='n%2F0')",` + headers +
		`,"body":{"issuer":"i","subject":"0","audiences":["a"]}},{"id":"1","method":"PATCH","url":"` + at +
		`(name='n%2F1')","dependsOn":["0"],` + headers + `,"body":{"issuer":"i","subject":"1","audiences":["a"]}},` +
		`{"id":"2","method":"PATCH","url":"` + at + `(name='n%2F2')","dependsOn":["1"],` + headers +
		`,"body":{"issuer":"i","subject":"2","audiences":["a"]}}]}`
	remove := `{"requests":[{"id":"0","method":"DELETE","url":"` + at + `/n%2F0"},` +
		`{"id":"1","method":"DELETE","url":"` + at + `/n%2F1","dependsOn":["0"]},` +
		`{"id":"2","method":"DELETE","url":"` + at + `/n%2F2","dependsOn":["1"]}]}`
	for want, send := range map[string]func(*graph.Client) []graph.CredentialResult{
		upsert: func(c *graph.Client) []graph.CredentialResult {
			return c.UpsertFederatedCredentials(t.Context(), objectID, named(3))
		},
		remove: func(c *graph.Client) []graph.CredentialResult {
			return c.DeleteFederatedCredentials(t.Context(), objectID, names(3))
		},
	} {
		c, s := newClient(t, batchAnswer(parts(3, 204)...))
		for i, result := range send(c) {
			assert.NoError(t, result.Err, i)
		}
		require.Len(t, s.got, 1)
		assert.JSONEq(t, want, s.got[0].body)
		s.got[0].body = ""
		assert.Equal(t, []exchange{{method: "POST", url: root + "$batch", contentType: "application/json"}},
			s.requests())
	}
}

// TestBatchesHoldTwentyAtMost: none needs no request, one is no batch, and what is too many is sent in several.
func TestBatchesHoldTwentyAtMost(t *testing.T) {
	t.Parallel()
	for n, sizes := range map[int][]int{0: {}, 1: {0}, 2: {2}, 19: {19}, 20: {20}, 21: {20, 1}, 40: {20, 20},
		41: {20, 20, 1}} {
		for _, do := range []func(*graph.Client) []graph.CredentialResult{
			func(c *graph.Client) []graph.CredentialResult {
				return c.UpsertFederatedCredentials(t.Context(), objectID, named(n))
			},
			func(c *graph.Client) []graph.CredentialResult {
				return c.DeleteFederatedCredentials(t.Context(), objectID, names(n))
			},
		} {
			one := batchAnswer(parts(20, 204)...)
			if n == 1 {
				one = answer{status: 204}
			}
			c, s := newClient(t, one)
			results := do(c)
			require.Len(t, results, n)
			for i, result := range results {
				assert.NoError(t, result.Err, "%d of %d", i, n)
				assert.Equal(t, fmt.Sprintf("request-%d", i/20+1), result.Write.RequestID)
			}
			sent := []int{}
			for _, r := range s.got {
				var body struct {
					Requests []struct{ ID string }
				}
				if strings.HasSuffix(r.url, "/$batch") {
					require.NoError(t, json.Unmarshal([]byte(r.body), &body))
				}
				sent = append(sent, len(body.Requests))
			}
			assert.Equal(t, sizes, sent)
		}
	}
}

// partCases are answers to one request of a batch, each with what it comes to.
var partCases = map[string]struct {
	part           part
	upsert, remove graph.CredentialResult
}{
	"updated, or deleted": {part{status: 204}, graph.CredentialResult{Write: batchReceipt(graph.OutcomeUpdated)},
		graph.CredentialResult{Write: batchReceipt(graph.OutcomeDeleted)}},
	"with an id of its own": {part{204, `{"X":"y","Request-ID":"own"}`, ""},
		graph.CredentialResult{Write: graph.Write{Outcome: graph.OutcomeUpdated, RequestID: "own"}},
		graph.CredentialResult{Write: graph.Write{Outcome: graph.OutcomeDeleted, RequestID: "own"}}},
	"created": {part{201, "", `{"id":"f","name":"n"}`},
		graph.CredentialResult{Write: batchReceipt(graph.OutcomeCreated),
			Credential: graph.FederatedCredential{ID: "f", Name: "n"}}, partError(201, "", "")},
	"absent": {part{404, "", notFound}, partError(404, "Request_ResourceNotFound", "Resource 'x' does not exist."),
		partError(404, "Request_ResourceNotFound", "Resource 'x' does not exist.")},
	"refused": {part{400, "", errorJSON("C", "m")}, partError(400, "C", "m"), partError(400, "C", "m")},
	"not done, as the one before it failed": {part{424, "", errorJSON("C", "m")}, partError(424, "C", "m"),
		partError(424, "C", "m")},
	"a body that is none of Graph's": {part{502, "", `"x"`}, partError(502, "", ""), partError(502, "", "")},
}

func batchReceipt(o graph.Outcome) graph.Write {
	return graph.Write{Outcome: o, RequestID: "request-1"}
}

func partError(status int, code, message string) graph.CredentialResult {
	e := &graph.Error{StatusCode: status, Code: code, Message: message, RequestID: "request-1", InBatch: true}
	if code != "" {
		e.RequestID = "inner-id" // Graph's error document names it, and is nearer than the batch
	}
	return graph.CredentialResult{Err: e}
}

// TestEachPartOfABatch is read for itself, the second as the first.
func TestEachPartOfABatch(t *testing.T) {
	t.Parallel()
	for name, tc := range partCases {
		for at := range 3 {
			all := parts(3, 204)
			all[at] = tc.part
			for op, want := range map[string]graph.CredentialResult{"upsert federated credential": tc.upsert,
				"delete federated credential": tc.remove} {
				c, _ := newClient(t, batchAnswer(all...))
				results := c.UpsertFederatedCredentials(t.Context(), objectID, named(3))
				if strings.HasPrefix(op, "delete") {
					c, _ = newClient(t, batchAnswer(all...))
					results = c.DeleteFederatedCredentials(t.Context(), objectID, names(3))
				}
				var wanted *graph.Error
				if errors.As(want.Err, &wanted) {
					e := *wanted
					e.Op = op
					want.Err = &e
				}
				assert.Equal(t, want, results[at], "%s: %s at %d", op, name, at)
				for i, result := range results {
					assert.Equal(t, i != at || want.Err == nil, result.Err == nil, "%s: %s: %d", op, name, i)
				}
			}
		}
	}
}

// TestThrottledPart: the wait and the id of a part are read in whatever case its headers are spelt.
func TestThrottledPart(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, batchAnswer(part{status: 204}, part{429, `{"retry-AFTER":"90","REQUEST-id":"own"}`,
		errorJSON("TooManyRequests", "m")}))
	results := c.DeleteFederatedCredentials(t.Context(), objectID, names(2))
	var e *graph.Error
	require.ErrorAs(t, results[1].Err, &e)
	assert.Equal(t, 90*time.Second, e.RetryAfter())
	assert.Equal(t, "own", e.ServiceRequestID())
	assert.True(t, e.IsPart(), "no pipeline has repeated it")
}

// TestPartsThatProveNothing: an answer that is missing, or is no credential, is an error of that part alone.
func TestPartsThatProveNothing(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]part{"missing": {}, "no credential": {201, "", `{"id":1}`},
		"no body": {201, "", ""}} {
		for at := range 2 {
			all := parts(2, 204)
			all[at] = one
			c, _ := newClient(t, batchAnswer(all...))
			results := c.UpsertFederatedCredentials(t.Context(), objectID, named(2))
			require.NoError(t, results[1-at].Err, name)
			require.Error(t, results[at].Err, name)
			assert.Equal(t, "graph: upsert federated credential: answer is not the expected JSON "+
				"(request-id request-1)",
				results[at].Err.Error(), name)
			var told interface{ IsPart() bool }
			require.ErrorAs(t, results[at].Err, &told)
			assert.True(t, told.IsPart(), name)
			var refused *graph.Error
			assert.NotErrorAs(t, results[at].Err, &refused, name)
		}
	}
}

// TestABatchThatFails as a whole fails each of its requests, and leaves what was done before it.
func TestABatchThatFails(t *testing.T) {
	t.Parallel()
	for name, failed := range map[string]answer{"refused": {status: 403, body: errorJSON("C", "m")},
		"no JSON": {status: 200, body: "{"}, "another shape": {status: 200, body: `[]`}} {
		c, _ := newClient(t, batchAnswer(parts(20, 204)...), failed)
		results := c.DeleteFederatedCredentials(t.Context(), objectID, names(22))
		require.Len(t, results, 22)
		for i, result := range results {
			assert.Equal(t, i < 20, result.Err == nil, "%s: %d", name, i)
		}
		var refused *graph.Error
		assert.Equal(t, failed.status == http.StatusForbidden, errors.As(results[21].Err, &refused), name)
		if refused != nil {
			assert.Equal(t, &graph.Error{Op: "delete federated credential", StatusCode: 403, Code: "C", Message: "m",
				RequestID: "request-2"}, refused)
		}
	}
}

// TestNothingIsSentBehindAFailure: one that fails leaves all behind it undone, in its batch and in those that would
// follow.
func TestNothingIsSentBehindAFailure(t *testing.T) {
	t.Parallel()
	refused := parts(20, 204)
	refused[19] = part{status: 403, body: errorJSON("C", "m")}
	unanswered := parts(20, 204)
	unanswered[0] = part{}
	for name, c := range map[string]struct {
		first  answer
		failed []int
	}{
		"the batch":        {answer{status: 403, body: errorJSON("C", "m")}, []int{0, 19}},
		"its last request": {batchAnswer(refused...), []int{19}},
		"no answer":        {batchAnswer(unanswered...), []int{0}},
	} {
		for op, do := range map[string]func(*graph.Client) []graph.CredentialResult{
			"upsert federated credential": func(c *graph.Client) []graph.CredentialResult {
				return c.UpsertFederatedCredentials(t.Context(), objectID, named(42))
			},
			"delete federated credential": func(c *graph.Client) []graph.CredentialResult {
				return c.DeleteFederatedCredentials(t.Context(), objectID, names(42))
			},
		} {
			client, s := newClient(t, c.first, batchAnswer(parts(20, 204)...))
			results := do(client)
			assert.Len(t, s.got, 1, "%s: %s: sent", name, op)
			require.Len(t, results, 42)
			for _, i := range c.failed {
				assert.Error(t, results[i].Err, "%s: %s: %d", name, op, i)
			}
			for i, result := range results[20:] {
				assert.Equal(t, graph.CredentialResult{Err: &graph.Error{Op: op, StatusCode: 424, InBatch: true}},
					result, "%s: %s: %d", name, op, i+20)
			}
		}
	}
}
