package arm_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

var identityID = arm.IdentityID(identityGroup, "id-1")

// everyOperation holds each request of the client, by the operation that its errors name.
var everyOperation = map[string]struct {
	sound string // the shortest answer that holds what was asked for; empty where none is read
	do    func(*testing.T, *arm.Client) (any, error)
}{
	"put role assignment": {`{"id":"i"}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.PutRoleAssignment(t.Context(), assignment())
	}},
	"read role assignment": {`{"id":"i"}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.GetRoleAssignment(t.Context(), assignmentID)
	}},
	"list role assignments": {`{"value":[]}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.ListRoleAssignments(t.Context(), account, "p")
	}},
	"delete role assignment": {"", func(t *testing.T, c *arm.Client) (any, error) {
		return c.DeleteRoleAssignment(t.Context(), assignmentID)
	}},
	"read storage account": {`{"id":"i"}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.GetStorageAccount(t.Context(), account)
	}},
	"list subscriptions": {`{"value":[]}`, func(t *testing.T, c *arm.Client) (any, error) {
		return nil, c.Reach(t.Context())
	}},
	"read container": {`{"id":"i"}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.GetContainer(t.Context(), account, "images")
	}},
	"put managed identity": {`{"properties":{"clientId":"c","principalId":"p"}}`,
		func(t *testing.T, c *arm.Client) (any, error) {
			u, w, err := c.PutIdentity(t.Context(), arm.Identity{ID: identityID})
			if err != nil {
				return w, errors.Join(err, isEmpty(u))
			}
			return w, nil
		}},
	"read managed identity": {`{"properties":{"clientId":"c","principalId":"p"}}`,
		func(t *testing.T, c *arm.Client) (any, error) { return c.GetIdentity(t.Context(), identityID) }},
	"list managed identities": {`{"value":[]}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.ListIdentities(t.Context(), identityGroup)
	}},
	"delete managed identity": {"", func(t *testing.T, c *arm.Client) (any, error) {
		return c.DeleteIdentity(t.Context(), identityID)
	}},
	"put federated credential": {`{"id":"i"}`, func(t *testing.T, c *arm.Client) (any, error) {
		id, _, err := c.PutIdentityCredential(t.Context(), identityID, arm.IdentityCredential{Name: "n"})
		return id, err
	}},
	"list federated credentials": {`{"value":[]}`, func(t *testing.T, c *arm.Client) (any, error) {
		return c.ListIdentityCredentials(t.Context(), identityID)
	}},
	"delete federated credential": {"", func(t *testing.T, c *arm.Client) (any, error) {
		return c.DeleteIdentityCredential(t.Context(), identityID, "n")
	}},
}

func isEmpty(u arm.Identity) error {
	if u.ID != "" || u.Properties.ClientID != "" || u.Properties.PrincipalID != "" {
		return fmt.Errorf("a failure gives %+v", u)
	}
	return nil
}

// TestEveryRefusal names its operation, gives nothing, and prints no body.
func TestEveryRefusal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body, code, message, text string
	}{{errorJSON("C", "planted"), "C", "planted", "403 C"}} {
		for op, one := range everyOperation {
			c, s := newClient(t, answer{status: 403, body: tc.body})
			got, err := one.do(t, c)
			var e *arm.Error
			require.ErrorAs(t, err, &e, op)
			assert.Equal(t, fmt.Sprintf("arm: %s: %s (request-id request-1)", op, tc.text), err.Error())
			assert.Equal(t, []string{op, tc.code, tc.message, "request-1"}, []string{e.Op, e.ErrorCode(),
				e.ServiceMessage(), e.ServiceRequestID()})
			assert.Empty(t, got, op)
			assert.Len(t, s.got, 1, op)
			var sdk *azcore.ResponseError
			assert.ErrorAs(t, err, &sdk, op)
		}
	}
}

// TestEveryAnswerIsWhole: one that breaks off after any byte is none, and one that is no JSON is no success.
func TestEveryAnswerIsWhole(t *testing.T) {
	t.Parallel()
	for op, one := range everyOperation {
		for n := range len(one.sound) + 1 {
			synctest.Test(t, func(t *testing.T) { // whatever the pipeline repeats
				c, _ := newClient(t, answer{status: 200, body: one.sound[:n], cut: true})
				_, err := one.do(t, c)
				assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s: %d bytes", op, n)
				assert.True(t, strings.HasPrefix(err.Error(), "arm: "+op+": "), err)
				var refused *arm.Error
				assert.False(t, errors.As(err, &refused), "%s: no answer is no refusal", op)
			})
			c, s := newClient(t, answer{status: 200, body: one.sound[:n]})
			_, err := one.do(t, c)
			assert.Equal(t, []string{"application/json"}, s.accepts, op)
			if n == len(one.sound) {
				assert.NoError(t, err, op)
				continue
			}
			assertProvesNothing(t, op, err, one.sound[:n])
		}
	}
}

// assertProvesNothing: there was an answer, and it is not what was asked for.
func assertProvesNothing(t *testing.T, op string, err error, body string) {
	t.Helper()
	if body == "" || body == "null" {
		assertForeign(t, op, err)
		return
	}
	var e *arm.Error
	require.ErrorAs(t, err, &e, "%s: %q", op, body)
	assert.Equal(t, []any{op, 200, "", "request-1"}, []any{e.Op, e.StatusCode, e.Code, e.RequestID})
	assert.ErrorContains(t, errors.Unwrap(e), "answer is not the expected JSON", "%s: %q", op, body)
}

// assertForeign: another one than ARM has answered, and the text shows nothing of it.
func assertForeign(t *testing.T, op string, err error) {
	t.Helper()
	var foreign *azure.ForeignError
	require.ErrorAs(t, err, &foreign, op)
	assert.True(t, strings.HasPrefix(err.Error(), "arm: "+op+": arm: status "), err)
	assert.NotContains(t, err.Error(), "planted")
}

// TestAForeignAnswer is no refusal, whatever its status, and is not repeated.
func TestAForeignAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<html>planted", "", `{"planted":"x"}`} {
		for op, one := range everyOperation {
			c, s := newClient(t, answer{status: 403, body: body})
			got, err := one.do(t, c)
			assertForeign(t, op, err)
			assert.Empty(t, got, op)
			assert.Len(t, s.got, 1, op)
		}
	}
}

// TestEveryAnswerHoldsWhatWasAskedFor: a success without it proves nothing.
func TestEveryAnswerHoldsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	const odd = `{"id":7,"value":7,"properties":7}` // JSON of another shape
	for _, body := range []string{"", "null", "{}", `{"value":null}`, `{"id":""}`,
		`{"properties":{"clientId":"c"}}`, `{"properties":{"principalId":"p"}}`, odd} {
		for op, one := range everyOperation {
			if one.sound == "" || op == "put role assignment" && body != odd && body != "" { // it is not looked into
				continue
			}
			c, _ := newClient(t, answer{status: 200, body: body})
			_, err := one.do(t, c)
			assertProvesNothing(t, op, err, body)
		}
	}
}

// TestFaultyIDs of every operation are refused before anything is sent.
func TestFaultyIDs(t *testing.T) {
	t.Parallel()
	const bad = "/subscriptions/.."
	c, s := newClient(t, answer{status: 200, body: "{}"})
	for op, do := range map[string]func() error{
		"read role assignment":   func() error { _, err := c.GetRoleAssignment(t.Context(), bad); return err },
		"delete role assignment": func() error { _, err := c.DeleteRoleAssignment(t.Context(), bad); return err },
		"put role assignment": func() error {
			_, err := c.PutRoleAssignment(t.Context(), arm.RoleAssignment{Scope: bad, Name: "n"})
			return err
		},
		"list role assignments": func() error { _, err := c.ListRoleAssignments(t.Context(), bad, "p"); return err },
		"read storage account":  func() error { _, err := c.GetStorageAccount(t.Context(), bad); return err },
		"read container":        func() error { _, err := c.GetContainer(t.Context(), bad, "images"); return err },
		"put managed identity": func() error {
			_, _, err := c.PutIdentity(t.Context(), arm.Identity{ID: bad})
			return err
		},
		"list federated credentials": func() error {
			_, err := c.ListIdentityCredentials(t.Context(), bad)
			return err
		},
		"delete managed identity": func() error { _, err := c.DeleteIdentity(t.Context(), bad); return err },
	} {
		assert.ErrorContains(t, do(), "arm: "+op+": ", op)
	}
	assert.Empty(t, s.got)
}

// TestOutcomes are words that records and traces hold.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []arm.Outcome{"created", "unchanged", "deleted", "absent"}, []arm.Outcome{arm.OutcomeCreated,
		arm.OutcomeUnchanged, arm.OutcomeDeleted, arm.OutcomeAbsent})
}

// TestListsEnd: as many pages as a list may have are read, the last one too; one more is a loop.
func TestListsEnd(t *testing.T) {
	t.Parallel()
	const most = 100
	for op, value := range map[string]string{"list role assignments": `{"id":"i"}`,
		"list federated credentials": `{"name":"n"}`} {
		for _, n := range []int{1, 2, most, most + 1, most + 2} {
			var pages []answer
			for i := range n {
				next := ""
				if i+1 < n {
					next = identityURL + "?page=x"
				}
				pages = append(pages,
					answer{status: 200, body: fmt.Sprintf(`{"value":[%s],"nextLink":%q}`, value, next)})
			}
			c, s := newClient(t, pages...)
			got, err := everyOperation[op].do(t, c)
			if n > most {
				require.ErrorContains(t, err, "arm: "+op, "%d pages", n)
				continue
			}
			require.NoError(t, err, "%s: %d pages", op, n)
			assert.Len(t, got, n)
			assert.Len(t, s.got, n)
		}
	}
}
