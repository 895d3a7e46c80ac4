package ddoe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// object is an answer that every request for one object takes.
const object = `{"id":"i","email":"e"}`

type request func(ctx context.Context, c *ddoe.Client) (any, error)

// everyRequest holds each request of the client, by the operation that its errors name.
var everyRequest = map[string]struct {
	asked string // method and path
	sound answer
	do    request
}{
	"list integration types": {"GET /orgs/o/availableIntegrations", asJSON(200, `[]`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.AvailableIntegrations(ctx, "o") }},
	"list integrations": {"GET /orgs/o/integrations", asJSON(200, `[{"id":"i"}]`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.ListIntegrations(ctx, "o") }},
	"read integration": {"GET /integrations/i", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.GetIntegration(ctx, "i") }},
	"create integration": {"POST /orgs/o/integrations", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) {
			return c.CreateIntegration(ctx, "o", ddoe.NewIntegration{})
		}},
	"update integration": {"PATCH /orgs/o/integrations", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) {
			return c.UpdateIntegration(ctx, "o", ddoe.IntegrationPatch{})
		}},
	"delete integration": {"DELETE /orgs/o/integrations/i", asJSON(200, `[]`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.DeleteIntegration(ctx, "o", "i") }},
	"list drivers": {"GET /drivers?projectId=p", asJSON(200, `[{"id":"i"}]`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.DriversIn(ctx, "p") }},
	"read driver": {"GET /drivers/d", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.GetDriver(ctx, "d") }},
	"create driver": {"POST /drivers", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.CreateDriver(ctx, ddoe.NewDriver{}) }},
	"update driver": {"PATCH /drivers/d", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) {
			return c.UpdateDriver(ctx, "d", ddoe.DriverPatch{})
		}},
	"delete driver": {"DELETE /drivers/d", asJSON(200, `{}`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.DeleteDriver(ctx, "d") }},
	"test driver": {"GET /drivers/d/test", answer{status: 204},
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.TestDriver(ctx, "d") }},
	"count drivers": {"GET /drivers/byIntegration/i", asJSON(200, `1`),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.CountDrivers(ctx, "i") }},
	"validate drivers": {"POST /drivers/validateDrivers", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.ValidateDrivers(ctx, "i") }},
	"read command": {"GET /commands/c", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.GetCommand(ctx, "c") }},
	"read own user": {"GET /users/me", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.User(ctx, "me") }},
	"read project": {"GET /projects/p", asJSON(200, object),
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.ProjectOrganization(ctx, "p") }},
}

// TestEveryRequest is sent once, to its path, with the headers of the API, and its sound answer is taken.
func TestEveryRequest(t *testing.T) {
	t.Parallel()
	for op, tc := range everyRequest {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			s := &server{answers: []answer{tc.sound}}
			_, err := tc.do(t.Context(), client(t, s))
			require.NoError(t, err)
			method, path, _ := strings.Cut(tc.asked, " ")
			assert.Equal(t, []string{method + " /api/v1" + path + " Bearer planted-key"}, s.asked)
			want := http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer planted-key"},
				"User-Agent": {"ddoe-wif"}}
			if method == http.MethodPost || method == http.MethodPatch {
				want.Set("Content-Type", "application/json")
			}
			assert.Equal(t, []http.Header{want}, s.headers)
			assert.Equal(t, 1, s.closed, "the body is closed")
		})
	}
}

// TestEveryRefusal: an answer of the platform that is no success, or not the JSON that was asked for, is an Error that
// names operation, status and code, and gives nothing.
func TestEveryRefusal(t *testing.T) {
	t.Parallel()
	const page = "text/html"
	for name, tc := range map[string]struct {
		answer answer
		text   string
		code   string
	}{
		"refused":             {asJSON(500, `{"message":"m"}`), "status 500", ""},
		"refused with a page": {answer{status: 502, media: page, body: `{}`}, "status 502", ""},
		"not there":           {asJSON(404, `{}`), "status 404", ""},
		"a path that is not there": {answer{status: 404, media: page}, "status 404, answer-invalid",
			"answer-invalid"},
		"a proxy forbids":       {answer{status: 403, media: page}, "status 403, answer-invalid", "answer-invalid"},
		"a proxy wants a name":  {answer{status: 407}, "status 407, answer-invalid", "answer-invalid"},
		"the platform forbids":  {asJSON(403, `{}`), "status 403", ""},
		"no key, in plain text": {answer{status: 401, media: "text/plain"}, "status 401", ""},
		"the web page": {answer{status: 200, media: page, body: "[]"}, "status 200, answer-invalid",
			"answer-invalid"},
		"no JSON":                     {asJSON(200, `{"id":"i"`), "status 200, answer-invalid", "answer-invalid"},
		"elsewhere":                   {answer{status: 302, header: elsewhere}, "status 302", ""},
		"the last that is no success": {asJSON(199, object), "status 199", ""},
		"the first that is none":      {asJSON(300, object), "status 300", ""},
	} {
		for op, one := range everyRequest {
			s := &server{answers: []answer{tc.answer}}
			got, err := one.do(t.Context(), client(t, s))
			var e *ddoe.Error
			require.ErrorAs(t, err, &e, "%s: %s", name, op)
			assert.Equal(t, "ddoe: "+op+": "+tc.text, e.Error(), name)
			assert.Equal(t, tc.code, e.ErrorCode(), name)
			assert.Equal(t, tc.answer.status, e.HTTPStatus(), name)
			assert.Empty(t, got, "%s: %s", name, op)
			path, _, _ := strings.Cut(strings.Fields(one.asked)[1], "?")
			assert.Equal(t, "https://gate.example/api/v1"+path, e.Endpoint(), name)
			assert.Len(t, s.asked, 1, "%s: %s", name, op)
			assert.Equal(t, 1, s.closed, "%s: %s", name, op)
		}
	}
}

// elsewhere sends the caller, and with it the key, to another host.
var elsewhere = http.Header{"Location": {"https://elsewhere.example/"}}

// TestEveryAnswerIsWhole: an answer that breaks off after any byte, the last one included, is none.
func TestEveryAnswerIsWhole(t *testing.T) {
	t.Parallel()
	for op, tc := range everyRequest {
		whole := tc.sound.body
		for n := range len(whole) + 1 {
			broken := tc.sound
			broken.reader = func() io.Reader {
				return io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
			}
			_, err := tc.do(t.Context(), client(t, &server{answers: []answer{broken}}))
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%s: %d bytes", op, n)
			var e *ddoe.Error
			assert.False(t, errors.As(err, &e), "%s: no answer is no refusal", op)
		}
	}
}

// TestAnswersUpToTheLimit are read: 8 MiB, and not one byte more.
func TestAnswersUpToTheLimit(t *testing.T) {
	t.Parallel()
	for size, isRead := range map[int]bool{8<<20 - 1: true, 8 << 20: true, 8<<20 + 1: false} {
		body := object + strings.Repeat(" ", size-len(object))
		_, err := client(t, &server{answers: []answer{asJSON(200, body)}}).GetDriver(t.Context(), "d")
		assert.Equal(t, isRead, err == nil, "%d: %v", size, err)
	}
}

// TestAnswersThatLackWhatTheyAreFor: an object without an id, a user without an address, a number below zero.
func TestAnswersThatLackWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		op, body string
		isSound  bool
	}{
		"no object":               {"read integration", `{"name":"n"}`, false},
		"the second is no object": {"list integrations", `[{"id":"i"},{"name":"n"}]`, false},
		"the second driver too":   {"list drivers", `[{"id":"i"},{"name":"n"}]`, false},
		"no command":              {"read command", `{"status":"created"}`, false},
		"no address":              {"read own user", `{"id":"u"}`, false},
		"no project":              {"read project", `{"org":{"id":"o"}}`, false},
		"below zero":              {"count drivers", `-1`, false},
		"zero":                    {"count drivers", `0`, true},
		"one":                     {"count drivers", `1`, true},
		"no organisation":         {"read project", `{"id":"p"}`, true},
	} {
		_, err := everyRequest[tc.op].do(t.Context(), client(t, &server{answers: []answer{asJSON(200, tc.body)}}))
		assert.Equal(t, tc.isSound, err == nil, "%s: %v", name, err)
	}
	for status := range 100 {
		_, err := client(t, &server{answers: []answer{asJSON(200+status, object)}}).GetDriver(t.Context(), "d")
		assert.Equal(t, 200+status != http.StatusNoContent, err == nil, 200+status)
	}
	for op, body := range map[string]string{"read integration": object, "list drivers": `[]`} {
		empty := asJSON(204, body)
		_, err := everyRequest[op].do(t.Context(), client(t, &server{answers: []answer{empty}}))
		assert.Error(t, err, "%s: no content is no answer", op)
	}
}

// TestListsTellWhereEachIs: an entry is of the organisation or the project whose list shows it, unless it states
// another.
func TestListsTellWhereEachIs(t *testing.T) {
	t.Parallel()
	c := client(t, &server{answers: []answer{asJSON(200, `[{"id":"a"},{"id":"b"},{"id":"c","projectId":"other"}]`)}})
	integrations, err := c.ListIntegrations(t.Context(), "o")
	require.NoError(t, err)
	for _, one := range integrations {
		assert.Equal(t, "o", one.OrganizationID, one.ID)
	}
	drivers, err := c.DriversIn(t.Context(), "p")
	require.NoError(t, err)
	var projects []string
	for _, one := range drivers {
		projects = append(projects, one.ProjectID)
	}
	assert.Equal(t, []string{"p", "p", "other"}, projects)
	drivers, err = c.DriversOn(t.Context(), "i")
	require.NoError(t, err)
	assert.Len(t, drivers, 3)
	assert.Empty(t, drivers[0].ProjectID, "an integration's list does not tell the project")
}

// TestCommandStatuses are those at which the platform's own SDK stops; one of them is a success.
func TestCommandStatuses(t *testing.T) {
	t.Parallel()
	for status, is := range map[string][2]bool{"success": {true, true}, "failed": {true, false},
		"timeout": {true, false}, "canceled": {true, false}, "aborted": {true, false}, "created": {false, false},
		"in-progress": {false, false}, "": {false, false}, "Success": {false, false}} {
		c := ddoe.Command{ID: "c", Status: status}
		assert.Equal(t, is, [2]bool{c.HasEnded(), c.HasSucceeded()}, status)
	}
}

// TestRetryAfter is a number of seconds between none and a day.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{"": 0, "-1": 0, "0": 0, "1": time.Second, "60": time.Minute,
		"86399": 24*time.Hour - time.Second, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "soon": 0,
		"Mon, 02 Jan 2126 15:04:05 GMT": 0} {
		refusal := asJSON(429, `{}`)
		refusal.header = http.Header{"Retry-After": {header}}
		_, err := client(t, &server{answers: []answer{refusal}}).User(t.Context(), "me")
		var e *ddoe.Error
		require.ErrorAs(t, err, &e, header)
		assert.Equal(t, want, e.RetryAfter(), header)
	}
}

// TestMessagesHoldNoSecret, be it the first or the second that is hidden, or the key. A secret of less than four
// characters stays; a page has no message.
func TestMessagesHoldNoSecret(t *testing.T) {
	t.Parallel()
	body := `{"message":"one1 two2 abc planted-key"}`
	refusal := asJSON(400, body)
	for want, a := range map[string]answer{"[redacted] [redacted] abc [redacted]": refusal,
		"": {status: 400, media: "text/html", body: body}} {
		_, err := client(t, &server{answers: []answer{a}}, "one1", "two2", "abc").User(t.Context(), "me")
		var e *ddoe.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.ServiceMessage())
	}
}

// TestSegments: an id never leaves its place in a path.
func TestSegments(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"": "-", ".": "-", "..": "-", "...": "...", "a/b": "a%2Fb", "a?b": "a%3Fb",
		"a#b": "a%23b", "%2e": "%252e", "é": "%C3%A9"} {
		s := &server{answers: []answer{asJSON(200, object)}}
		_, err := client(t, s).GetDriver(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "GET /api/v1/drivers/"+want+" Bearer planted-key", s.asked[0])
	}
}

// TestRequestsThatCannotBeMade are not sent: a body that is no JSON, an address that is no URL.
func TestRequestsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{asJSON(200, object)}}
	_, err := client(t, s).UpdateDriver(t.Context(), "d", ddoe.DriverPatch{Payload: map[string]any{"path": func() {}}})
	assert.ErrorContains(t, err, "ddoe: update driver: encode: ")
	source := ddoe.NewTokenSource("https://tokens.example/planted\x7f", secret.New("planted-key"),
		&http.Client{Transport: s})
	_, err = source.SubjectToken(t.Context(), "s", "a")
	require.ErrorContains(t, err, "ddoe: subject token: ")
	assert.NotContains(t, err.Error(), "planted")
	assert.Empty(t, s.asked)
}

// TestTypesOfDrivers are words of the platform.
func TestTypesOfDrivers(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"azureblob", "azureDatalakeGen2"}, []string{ddoe.DriverBlob, ddoe.DriverDatalake})
}
