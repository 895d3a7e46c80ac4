package graph_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
)

type everyCall struct {
	sound  answer
	isRead bool // the answer's body is read
	do     func(*testing.T, *graph.Client) (any, error)
}

// everyOperation holds each request of the client, by the operation that its errors name.
var everyOperation = map[string]everyCall{
	"create application": {answer{status: 201, body: `{"id":"i"}`}, true, returning(createApplication)},
	"read application": {answer{status: 200, body: `{"id":"i"}`}, true,
		func(t *testing.T, c *graph.Client) (any, error) {
			return c.GetApplicationByUniqueName(t.Context(), "u")
		}},
	"update application": {answer{status: 204}, false, func(t *testing.T, c *graph.Client) (any, error) {
		return c.UpdateApplication(t.Context(), objectID, graph.ApplicationPatch{DisplayName: "d"})
	}},
	"delete application":          {answer{status: 204}, false, returning(deleteApplication)},
	"restore deleted item":        {answer{status: 200, body: `{"id":"i"}`}, false, returning(restore)},
	"purge deleted item":          {answer{status: 204}, false, returning(purge)},
	"upsert service principal":    {answer{status: 201, body: `{"id":"i"}`}, true, returning(upsertPrincipal)},
	"delete service principal":    {answer{status: 204}, false, returning(deletePrincipal)},
	"upsert federated credential": {answer{status: 201, body: `{"id":"i"}`}, true, returning(upsertCredential)},
	"delete federated credential": {answer{status: 204}, false, returning(deleteCredential)},
	"read service principal": {answer{status: 200, body: `{"id":"i"}`}, true,
		func(t *testing.T, c *graph.Client) (any, error) {
			return c.GetServicePrincipalByAppID(t.Context(), appID)
		}},
	"list federated credentials": {answer{status: 200, body: `{"value":[]}`}, true,
		func(t *testing.T, c *graph.Client) (any, error) {
			return c.ListFederatedCredentials(t.Context(), objectID)
		}},
}

func returning(f func(*testing.T, *graph.Client) (outcome, error)) func(*testing.T, *graph.Client) (any, error) {
	return func(t *testing.T, c *graph.Client) (any, error) {
		got, err := f(t, c)
		if err != nil && got.write == (graph.Write{}) && assert.ObjectsAreEqual(got.value, emptied(got.value)) {
			return nil, err
		}
		return got, err
	}
}

// emptied is a value of the same type that holds nothing.
func emptied(value any) any {
	switch value.(type) {
	case graph.Application:
		return graph.Application{}
	case graph.ServicePrincipal:
		return graph.ServicePrincipal{}
	case graph.FederatedCredential:
		return graph.FederatedCredential{}
	default:
		return nil
	}
}

// TestEveryRefusal names its operation, gives nothing, and prints no body.
func TestEveryRefusal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status     int
		body, text string
	}{{403, errorJSON("C", "planted"), "403 C"}, {202, `{"planted":1}`, "202 no error code"}} {
		for op, one := range everyOperation {
			c, s := newClient(t, answer{status: tc.status, body: tc.body})
			got, err := one.do(t, c)
			var e *graph.Error
			require.ErrorAs(t, err, &e, op)
			assert.Equal(t, fmt.Sprintf("graph: %s: %s (request-id request-1)", op, tc.text), e.Error())
			assert.Empty(t, got, op)
			assert.Len(t, s.got, 1, op)
		}
	}
}

// assertForeign: another one than Graph has answered, and the text shows nothing of it.
func assertForeign(t *testing.T, op string, err error) {
	t.Helper()
	var foreign *azure.ForeignError
	require.ErrorAs(t, err, &foreign, op)
	assert.True(t, strings.HasPrefix(err.Error(), "graph: "+op+": graph: status "), err)
	assert.NotContains(t, err.Error(), "planted")
}

// TestAForeignAnswer is no refusal, whatever its status, and is not repeated.
func TestAForeignAnswer(t *testing.T) {
	t.Parallel()
	for _, a := range []answer{{status: 403, body: "<html>planted"}, {status: 403},
		{status: 403, body: `{"error":"p"}`},
		{status: 404, body: `{"error":{"code":"C","message":"planted"}}`,
			header: map[string]string{"request-id": ""}}} {
		for op, one := range everyOperation {
			c, s := newClient(t, a)
			got, err := one.do(t, c)
			assertForeign(t, op, err)
			assert.Empty(t, got, op)
			assert.Len(t, s.got, 1, op)
		}
	}
}

// TestEveryAnswerIsWhole: one that breaks off after any byte is none, and one that is no JSON is no success.
func TestEveryAnswerIsWhole(t *testing.T) {
	t.Parallel()
	for op, one := range everyOperation {
		for n := range len(one.sound.body) + 1 {
			synctest.Test(t, func(t *testing.T) { // whatever the pipeline repeats
				broken := one.sound
				broken.body, broken.cut = broken.body[:n], true
				c, _ := newClient(t, broken)
				_, err := one.do(t, c)
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s: %d bytes", op, n)
				assert.True(t, strings.HasPrefix(err.Error(), "graph: "+op+": "), err)
				var refused *graph.Error
				assert.False(t, errors.As(err, &refused), "%s: no answer is no refusal", op)
			})
			short := one.sound
			short.body = short.body[:n]
			c, s := newClient(t, short)
			_, err := one.do(t, c)
			if n == 0 && len(one.sound.body) > 0 {
				assertForeign(t, op, err)
				continue
			}
			if !one.isRead || n == len(one.sound.body) {
				assert.NoError(t, err, op)
				continue
			}
			require.Error(t, err, "%s: %d bytes", op, n)
			assert.Equal(t, fmt.Sprintf("graph: %s: answer is not the expected JSON (request-id request-%d)", op,
				len(s.got)), err.Error())
		}
	}
}

// TestEveryAnswerHoldsWhatWasAskedFor: a success without it proves nothing, in a batch either.
func TestEveryAnswerHoldsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "{}", `{"id":"","appId":"a"}`} {
		for op, one := range everyOperation {
			if one.isRead {
				c, _ := newClient(t, answer{status: one.sound.status, body: body})
				_, err := one.do(t, c)
				if body == "" || body == "null" {
					assertForeign(t, op, err)
					continue
				}
				assert.ErrorContains(t, err, "graph: "+op+": answer is not the expected JSON", "%q", body)
			}
		}
		c, _ := newClient(t, answer{status: 200, body: body})
		for _, result := range c.DeleteFederatedCredentials(t.Context(), objectID, names(2)) {
			if body == "" || body == "null" {
				assertForeign(t, "delete federated credential", result.Err)
				continue
			}
			assert.ErrorContains(t, result.Err, "answer is not the expected JSON", "%q", body)
		}
		if body != "" {
			c, _ = newClient(t, batchAnswer(part{201, "", body}, part{201, "", `{"id":"f"}`}))
			results := c.UpsertFederatedCredentials(t.Context(), objectID, named(2))
			assert.Error(t, results[0].Err, body)
			assert.NoError(t, results[1].Err, body)
		}
	}
}

// TestOutcomes are words that records and traces hold.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []graph.Outcome{"created", "updated", "deleted", "restored"}, []graph.Outcome{
		graph.OutcomeCreated, graph.OutcomeUpdated, graph.OutcomeDeleted, graph.OutcomeRestored})
}

// TestTheSecondCounts: the second page of a list counts, the second code of an error too.
func TestTheSecondCounts(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, answer{status: 400, body: errorJSON("C", "m", "one", "", "two")})
	_, err := c.DeleteApplication(t.Context(), objectID)
	var e *graph.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, []string{"one", "two"}, e.ErrorDetailCodes())

	pages := []answer{}
	for n := range 50 {
		next := root + credentialsPath
		if n == 49 {
			next = ""
		}
		pages = append(pages, pageOfOne(fmt.Sprint(n), next))
	}
	all, s, err := listCredentials(t, pages...)
	require.NoError(t, err, "as many pages as a list may have")
	assert.Len(t, all, 50)
	assert.Len(t, s.got, 50)
	_, s, err = listCredentials(t, append(pages[:49:49], pageOfOne("49", root+credentialsPath), pages[49])...)
	require.Error(t, err, "one page more")
	assert.Len(t, s.got, 50)
}
