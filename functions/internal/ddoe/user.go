package ddoe

import (
	"context"
	"net/http"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// User reads the e-mail address of a user; "me" is the API key's.
func (c *Client) User(ctx context.Context, id string) (string, error) {
	type user struct {
		Email string `json:"email"`
	}
	u, err := get(ctx, c, "read own user", "/users/"+segment(id), func(u user) bool { return u.Email != "" })
	return u.Email, err
}

// ProjectOrganization is the id of the organisation that a project belongs to, where the SDK reads it; empty where the
// answer does not say. For a project that it does not know or does not show, the platform may answer 404, 403 or 400
// (dtlpy, Projects.__get_by_id).
func (c *Client) ProjectOrganization(ctx context.Context, projectID string) (string, error) {
	type project struct {
		Object
		Organization Object `json:"org"`
	}
	p, err := get(ctx, c, "read project", "/projects/"+segment(projectID), isThere[project])
	return p.Organization.ID, err
}

// TokenSource asks the platform for subject tokens.
type TokenSource struct{ client Client }

// NewTokenSource takes the URL of the setting DDOE_SUBJECT_TOKEN_URL, the API key that is sent as bearer token, and
// the HTTP client.
func NewTokenSource(address string, apiKey secret.Value, client *http.Client) *TokenSource {
	return &TokenSource{Client{base: address, key: apiKey, client: pinned(client), limit: tokenLimit,
		hidden: concealer(apiKey)}}
}

// SubjectToken returns a fresh token of the subject for the audience. Errors are *Error where the platform answered,
// else the transport's.
func (s *TokenSource) SubjectToken(ctx context.Context, subject, audience string) (secret.Value, error) {
	body := struct {
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}{subject, audience}
	type token struct {
		Token secret.Value `json:"token"`
	}
	isToken := func(t token) bool { return !t.Token.IsZero() }
	t, err := ask(ctx, &s.client, call{"subject token", http.MethodPost, "", body}, isToken)
	if err != nil {
		return secret.Value{}, err // not what a body may hold that is not valid
	}
	return t.Token, nil
}
