package ddoe_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// answer is the server's answer to one request.
type answer struct {
	status int
	media  string
	body   string
	header http.Header
	reader func() io.Reader // instead of the body
}

func asJSON(status int, body string) answer {
	return answer{status: status, media: "application/json; charset=utf-8", body: body}
}

// server answers one request after the other, the last answer again and again.
type server struct {
	answers []answer
	asked   []string
	bodies  []string
	headers []http.Header
	closed  int
}

// counted counts how often a body is closed.
type counted struct {
	io.Reader
	closed *int
}

func (c counted) Close() error { *c.closed++; return nil }

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.headers = append(s.headers, r.Header.Clone())
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		s.bodies = append(s.bodies, string(body))
	}
	a := s.answers[min(len(s.asked), len(s.answers))-1]
	h := http.Header{"X-Request-Id": {"request-1"}}
	if a.media != "" {
		h.Set("Content-Type", a.media)
	}
	for name, values := range a.header {
		h[name] = values
	}
	var body io.Reader = strings.NewReader(a.body)
	if a.reader != nil {
		body = a.reader()
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: counted{body, &s.closed}, Request: r,
		ProtoMajor: 1}, nil
}

func client(t *testing.T, s *server, hidden ...string) *ddoe.Client {
	t.Helper()
	o := ddoe.Options{URL: "https://gate.example/api/v1/", Key: secret.New("planted-key"),
		Client: &http.Client{Transport: s}}
	for _, text := range hidden {
		o.Hidden = append(o.Hidden, secret.New(text))
	}
	c, err := ddoe.NewClient(o)
	require.NoError(t, err)
	return c
}

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []ddoe.Options{{}, {URL: "http://gate.example", Key: secret.New("k")},
		{URL: "https://u:p@gate.example", Key: secret.New("k")},
		{URL: "https://gate.example?key=1", Key: secret.New("k")}, {URL: "https://gate.example"},
		{URL: "https://gate.example#key", Key: secret.New("k")}, {URL: "https:///api", Key: secret.New("k")},
		{URL: "https://gate.example:port", Key: secret.New("k")}} {
		_, err := ddoe.NewClient(o)
		assert.Error(t, err, o.URL)
	}
}

// requestCases are the client's requests, by method and path.
var requestCases = map[string]struct {
	text string
	do   func(ctx context.Context, c *ddoe.Client) (any, error)
	body string
	is   any
}{
	"GET /orgs/o%2Fo/availableIntegrations": {`[{"type": "t", "displayName": "T", "options": [{"name": "n", ` +
		`"displayName": "N", "type": "string", "required": true}]}]`,
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.AvailableIntegrations(ctx, "o/o") }, "",
		[]ddoe.IntegrationType{{Type: "t", DisplayName: "T",
			Options: []ddoe.Option{{Name: "n", DisplayName: "N", Required: true}}}}},
	"GET /orgs/o/integrations": {`[{"id": "i", "name": "n", "type": "t", "org": {"id": "o"}, "createdAt": 1000, ` +
		`"metadata": [{"id": "m", "name": "managed-by", "value": "us"}]}]`,
		func(ctx context.Context, c *ddoe.Client) (any, error) { return c.ListIntegrations(ctx, "o") }, "",
		[]ddoe.Integration{{Object: ddoe.Object{ID: "i", Name: "n", Type: "t", CreatedAt: json.RawMessage("1000")},
			OrganizationID: "o", Metadata: []ddoe.MetadataEntry{{Name: "managed-by", Value: "us"}}}}},
	"POST /orgs/o/integrations": {`{"id": "i", "org": "o"}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.CreateIntegration(ctx, "o", ddoe.NewIntegration{Name: "n", Type: "t",
			Options: map[string]string{"a": "b"}, Metadata: map[string]string{"managed-by": "us"}})
	}, `{"name":"n","type":"t","options":{"a":"b"},"metadata":{"managed-by":"us"}}`,
		ddoe.Integration{Object: ddoe.Object{ID: "i", RequestID: "request-1"}}},
	"PATCH /orgs/o/integrations": {`{"id": "i"}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.UpdateIntegration(ctx, "o", ddoe.IntegrationPatch{IntegrationID: "i",
			Credentials: &ddoe.Credentials{Type: "t", Options: map[string]string{"a": "b"}}})
	}, `{"integrationId":"i","credentials":{"type":"t","options":{"a":"b"}}}`,
		ddoe.Integration{Object: ddoe.Object{ID: "i", RequestID: "request-1"}}},
	"DELETE /orgs/o/integrations/-": {`[]`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.DeleteIntegration(ctx, "o", "..")
	}, "", "request-1"},
	"GET /drivers?integrationId=i": {`[]`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.DriversOn(ctx, "i")
	}, "", []ddoe.Driver{}},
	"POST /drivers": {`{"id": "d", "createdAt": "2026-01-01T00:00:00.000Z", "metadata": {"system": {"projectId": ` +
		`"p"}, "managed-by": "us"}}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		n := ddoe.NewDriver{Name: "n", Type: ddoe.DriverBlob, IntegrationID: "i", IntegrationType: "t",
			Creator: "me@x", Payload: ddoe.Payload{ContainerName: "c", Path: "p"}}
		n.Metadata.System.ProjectID, n.Metadata.ManagedBy = "p", "us"
		d, err := c.CreateDriver(ctx, n)
		return []string{d.ID, d.Metadata.System.ProjectID, d.Metadata.ManagedBy, string(d.CreatedAt[1:5])}, err
	}, `{"name":"n","type":"azureblob","integrationId":"i","integrationType":"t","creator":"me@x",` +
		`"metadata":{"system":{"projectId":"p"},"managed-by":"us"},` +
		`"payload":{"containerName":"c","path":"p","storageClass":"","region":null},"allowExternalDelete":false}`,
		[]string{"d", "p", "us", "2026"}},
	"PATCH /drivers/d": {`{"id": "d"}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		d, err := c.UpdateDriver(ctx, "d", ddoe.DriverPatch{Payload: map[string]any{"path": "a/b"}})
		return d.ID, err
	}, `{"payload":{"path":"a/b"}}`, "d"},
	"GET /drivers/byIntegration/i": {`3`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.CountDrivers(ctx, "i")
	}, "", 3},
	"POST /drivers/validateDrivers": {`{"id": "c", "status": "created", "error": null}`,
		func(ctx context.Context, c *ddoe.Client) (any, error) {
			return c.ValidateDrivers(ctx, "i")
		}, `{"integrationId":"i"}`, ddoe.Command{ID: "c", Status: "created"}},
	"GET /users/me": {`{"id": "x", "email": "me@x"}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.User(ctx, "me")
	}, "", "me@x"},
	"GET /projects/p": {`{"id": "p", "org": {"id": "o"}}`, func(ctx context.Context, c *ddoe.Client) (any, error) {
		return c.ProjectOrganization(ctx, "p")
	}, "", "o"},
}

// Each request as the published description has it.
func TestRequests(t *testing.T) {
	t.Parallel()
	for want, c := range requestCases {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := &server{answers: []answer{asJSON(200, c.text)}}
			is, err := c.do(t.Context(), client(t, s))
			require.NoError(t, err)
			assert.Equal(t, c.is, is)
			method, rest, _ := strings.Cut(want, " ")
			assert.Equal(t, []string{method + " /api/v1" + rest + " Bearer planted-key"}, s.asked)
			assert.Equal(t, c.body, strings.Join(s.bodies, ""))
		})
	}
}

// A success counts in its form alone.
func TestAnswersThatAreNotValid(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"web page": {status: 200, media: "text/html", body: "<html>"}, "not JSON": asJSON(200, "{"),
		"no id":        asJSON(200, `{"name": "n"}`),
		"another form": asJSON(200, `[]`), "no content": {status: 204},
		"no media type":                   {status: 200, body: `{"id": "i"}`},
		"a 404 that is none of the API's": {status: 404, media: "text/html", body: "<html>"},
		"odd member":                      asJSON(200, `{"id": "i", "name": 1}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, &server{answers: []answer{a}}).GetIntegration(t.Context(), "i")
			var e *ddoe.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, ddoe.CodeAnswerInvalid, e.ErrorCode())
			assert.Equal(t, "https://gate.example/api/v1/integrations/i", e.Endpoint())
		})
	}
	_, err := client(t, &server{answers: []answer{{status: 204}}}).DeleteDriver(t.Context(), "d")
	assert.NoError(t, err)
	_, err = client(t, &server{answers: []answer{{status: 204}}}).TestDriver(t.Context(), "d")
	assert.NoError(t, err)
	_, err = client(t, &server{answers: []answer{asJSON(200, `{}`)}}).TestDriver(t.Context(), "d")
	assert.Error(t, err, "a test passes with 204 alone")
}

func TestRefusalsRevealNoSecret(t *testing.T) {
	t.Parallel()
	const literal = `pass "phrase" <1>`
	said := `key planted-key, literal ` + literal +
		`, sent "pass \"phrase\" <1>", escaped "pass \"phrase\" \u003c1\u003e"`
	echo, err := json.Marshal(map[string]any{"status": 400, "message": said})
	require.NoError(t, err)
	s := &server{answers: []answer{{status: 400, media: "application/json", body: string(echo),
		header: http.Header{"X-Request-Id": {"planted-key"}}}}}
	_, err = client(t, s, literal).CreateIntegration(t.Context(), "o",
		ddoe.NewIntegration{Options: map[string]string{"a": literal}})
	assert.Contains(t, s.bodies[0], `"pass \"phrase\" <1>"`)
	var e *ddoe.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, `key [redacted], literal [redacted], sent "[redacted]", escaped "[redacted]"`, e.ServiceMessage())
	assert.Equal(t, "[redacted]", e.ServiceRequestID())
	assert.Equal(t, "ddoe: create integration: status 400", e.Error())
	assert.Equal(t, "ddoe", e.Service())

	s = &server{answers: []answer{asJSON(200, `{"id": "c", "status": "failed", "error": "planted-key is odd"}`)}}
	command, err := client(t, s).GetCommand(t.Context(), "c")
	require.NoError(t, err)
	assert.Equal(t, "[redacted] is odd", command.Error)
	assert.True(t, command.HasEnded())
	assert.False(t, command.HasSucceeded())

	s = &server{answers: []answer{{status: 429, media: "application/json", body: `{"message": "too often"}`,
		header: http.Header{"Retry-After": {"90"}}}}}
	_, err = client(t, s).User(t.Context(), "me")
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "too often", e.ServiceMessage())
	assert.Equal(t, 90*time.Second, e.RetryAfter())
}

func TestSubjectToken(t *testing.T) {
	t.Parallel()
	s := &server{answers: []answer{asJSON(200, `{"token": "token-1"}`)}}
	source := ddoe.NewTokenSource("https://tokens.example/t?k=v", secret.New("planted-key"),
		&http.Client{Transport: s})
	token, err := source.SubjectToken(t.Context(), "sub", "aud")
	require.NoError(t, err)
	assert.Equal(t, "token-1", token.Reveal())
	assert.Equal(t, []string{"POST /t?k=v Bearer planted-key"}, s.asked)
	assert.Equal(t, []string{`{"subject":"sub","audience":"aud"}`}, s.bodies)

	for name, a := range map[string]answer{"page": {status: 200, media: "text/html", body: "token"},
		"no token": asJSON(200, `{}`), "refused": asJSON(401, `{}`), "redirect": {status: 302, header: elsewhere}} {
		s := &server{answers: []answer{a}}
		_, err := ddoe.NewTokenSource("https://tokens.example/t?k=v", secret.New("planted-key"),
			&http.Client{Transport: s}).SubjectToken(t.Context(), "sub", "aud")
		var e *ddoe.Error
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, "https://tokens.example/t", e.Endpoint(), name)
		assert.Len(t, s.asked, 1, name)
	}
}
