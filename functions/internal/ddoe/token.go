package ddoe

import (
	"context"
	"net/http"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// TokenSource asks the platform for subject tokens.
type TokenSource struct{ client Client }

// NewTokenSource takes the URL of the setting DDOE_SUBJECT_TOKEN_URL, the API key that is sent as bearer token, and the
// HTTP client; nil is http.DefaultClient.
func NewTokenSource(address string, apiKey secret.Value, client *http.Client) *TokenSource {
	return &TokenSource{Client{base: address, key: apiKey, client: pinned(client), sleep: pause, hidden: []secret.Value{apiKey}}}
}

// SubjectToken returns a fresh token of the subject for the audience. Errors are *Error where the platform answered,
// else the transport's.
func (s *TokenSource) SubjectToken(ctx context.Context, subject, audience string) (secret.Value, error) {
	body := struct {
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}{subject, audience}
	var answer struct {
		Token secret.Value `json:"token"`
	}
	_, err := s.client.do(ctx, call{op: "subject token", method: http.MethodPost, body: body, once: true, answer: &answer,
		isComplete: func() bool { return !answer.Token.IsZero() }})
	if err != nil {
		return secret.Value{}, err // not what a body may hold that is not believed
	}
	return answer.Token, nil
}
