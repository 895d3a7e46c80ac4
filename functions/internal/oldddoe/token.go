// Package ddoe talks to the DDOE platform (formerly Dataloop): its integrations and storage drivers (Client), and the
// subject tokens that the access test presents to Entra (TokenSource). It believes a success only in the form that was
// asked for, as the platform shows a web page with status 200 on what it does not know. It keeps no token, and shows
// neither tokens and keys nor the options of an integration. Failures are *Error.
package ddoe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// maxAnswer is the largest answer that is read, in bytes: a subject token has at most 16 KiB.
const maxAnswer = 64 << 10

// answerTimeout bounds one request for a token where the client has no bound of its own.
const answerTimeout = 10 * time.Second

// TokenSource asks the platform for subject tokens.
type TokenSource struct {
	url    string
	key    secret.Value
	client *http.Client
}

// NewTokenSource takes the URL of the setting DDOE_SUBJECT_TOKEN_URL, the API key that is sent as bearer token, and the
// HTTP client; nil is http.DefaultClient. Redirects are not followed, because they would carry the key elsewhere.
func NewTokenSource(url string, apiKey secret.Value, client *http.Client) *TokenSource {
	return &TokenSource{url: url, key: apiKey, client: pinned(client)}
}

// SubjectToken returns a fresh token of the subject for the audience. Errors are *Error where the platform answered,
// else the transport's.
func (s *TokenSource) SubjectToken(ctx context.Context, subject, audience string) (secret.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := s.request(ctx, subject, audience)
	if err != nil {
		return secret.Value{}, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return secret.Value{}, fmt.Errorf("subject token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return secret.Value{}, fmt.Errorf("subject token: %w", err)
	}
	return s.tokenFrom(resp, body)
}

func (s *TokenSource) request(ctx context.Context, subject, audience string) (*http.Request, error) {
	body, err := json.Marshal(struct {
		Subject  string `json:"subject"`
		Audience string `json:"audience"`
	}{subject, audience})
	if err != nil {
		return nil, fmt.Errorf("subject token: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("subject token: the URL of the token source is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key.Reveal())
	return req, nil
}

// tokenFrom takes the token out of an answer. The platform answers unknown paths with a web page and status 200, so the
// media type counts as much as the status.
func (s *TokenSource) tokenFrom(resp *http.Response, body []byte) (secret.Value, error) {
	hidden := []string{s.key.Reveal()}
	fault := func(code string) (secret.Value, error) {
		return secret.Value{}, &Error{status: resp.StatusCode, code: code, requestID: requestID(resp.Header, hidden), endpoint: endpoint(s.url, hidden)}
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return fault(word(errorCode(isJSON(resp.Header), body), hidden))
	}
	if !isJSON(resp.Header) || len(body) > maxAnswer {
		return fault(CodeAnswerInvalid)
	}
	var answer struct {
		Token secret.Value `json:"token"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Token.IsZero() {
		return fault(CodeAnswerInvalid)
	}
	return answer.Token, nil
}
