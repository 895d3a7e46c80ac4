package entra_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tenantID = "11111111-1111-4111-8111-111111111111"
	clientID = "77777777-7777-4777-8777-777777777777"
	login    = "login.microsoftonline.com"
)

// authority is the token service: it answers the metadata request by itself, and the token request as told.
type authority struct {
	endpoint string // host of the token endpoint
	host     string // of the authority; empty is the public cloud's
	token    func(n int, form string) (*http.Response, error)

	mu       sync.Mutex
	requests []string
	posts    int
}

func (a *authority) Do(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, r.Method+" "+r.URL.Host+r.URL.Path)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
		base := "https://" + a.endpoint + "/" + tenantID
		login := cmp.Or(a.host, login)
		return answer(http.StatusOK, "application/json",
			fmt.Sprintf(`{"issuer":"https://%s/%s/v2.0","authorization_endpoint":"%s/oauth2/v2.0/authorize",`+
				`"token_endpoint":"%s/oauth2/v2.0/token"}`, login, tenantID, base, base)), nil
	}
	form, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.posts++
	resp, err := a.token(a.posts, string(form))
	if resp != nil {
		resp.Request = r // as a real transport does; MSAL's error holds it, assertion and all
	}
	return resp, err
}

func answer(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}, "X-Ms-Request-Id": {"r"}},
		Body:   io.NopCloser(strings.NewReader(body))}
}

func granted() *http.Response {
	return answer(http.StatusOK, "application/json",
		`{"token_type":"Bearer","expires_in":3600,"access_token":"granted"}`)
}

func exchanger(a *authority) *entra.Exchanger {
	if a.endpoint == "" {
		a.endpoint = login
	}
	return entra.NewExchanger(azcore.ClientOptions{Transport: a, Retry: policy.RetryOptions{MaxRetries: 1,
		RetryDelay: time.Millisecond, MaxRetryDelay: time.Millisecond}})
}

func subjectToken() entra.SubjectToken {
	return jwt(`{"alg":"RS256","kid":"k"}`,
		`{"iss":"https://dataloop.ai/oauth2","sub":"planted-subject","aud":"api://AzureADTokenExchange"}`)
}

func get(ctx context.Context, t *testing.T, a *authority) (azcore.AccessToken, error) {
	t.Helper()
	cred, err := exchanger(a).Credential(tenantID, clientID, subjectToken())
	require.NoError(t, err)
	return cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"},
		EnableCAE: true})
}

// assertSilent fails if any way of printing the error shows the assertion.
func assertSilent(t *testing.T, err error) {
	t.Helper()
	token := subjectToken().Reveal()
	body, jsonErr := json.Marshal(err)
	require.NoError(t, jsonErr)
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			visible := fmt.Sprintf(verb, e)
			assert.NotContains(t, visible, token)
			assert.NotContains(t, visible, "client_assertion=")
		}
	}
	assert.NotContains(t, string(body), token)
}

func TestExchange(t *testing.T) {
	a := &authority{token: func(_ int, form string) (*http.Response, error) {
		if !strings.Contains(form, "client_assertion="+subjectToken().Reveal()) ||
			!strings.Contains(form, "grant_type=client_credentials") {
			return answer(http.StatusBadRequest, "application/json", `{}`), nil
		}
		return granted(), nil
	}}
	token, err := get(t.Context(), t, a)
	require.NoError(t, err)
	assert.Equal(t, "granted", token.Token)
	assert.Equal(t, []string{
		"GET login.microsoftonline.com/" + tenantID + "/v2.0/.well-known/openid-configuration",
		"POST login.microsoftonline.com/" + tenantID + "/oauth2/v2.0/token",
	}, a.requests, "no instance discovery, nothing leaves for another host")
}

func TestCredentialsShareNoToken(t *testing.T) {
	a := &authority{token: func(int, string) (*http.Response, error) { return granted(), nil }}
	for range 2 {
		_, err := get(t.Context(), t, a)
		require.NoError(t, err)
	}
	assert.Equal(t, 2, a.posts)
}

func TestRefusal(t *testing.T) {
	a := &authority{token: func(int, string) (*http.Response, error) {
		resp := answer(http.StatusUnauthorized, "application/json; charset=utf-8", `{"error":"invalid_client",`+
			`"error_description":"AADSTS700213: No matching federated identity record found for presented assertion `+
			`subject `+
			`'planted-subject'. Check your federated identity credential Subject, Audience and Issuer against the `+
			`presented assertion.\r\nTrace ID: t-1\r\nCorrelation ID: c-1\r\nTimestamp: 2026-03-01 12:00:00Z",`+
			`"error_codes":[700213],"timestamp":"2026-03-01 12:00:00Z","trace_id":"t-1","correlation_id":"c-1"}`)
		resp.Header.Set("x-ms-request-id", "r-1")
		return resp, nil
	}}
	_, err := get(t.Context(), t, a)
	var refused *entra.ExchangeError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 700213, refused.AADSTS())
	assert.Equal(t, "invalid_client", refused.OAuthError())
	assert.Equal(t, http.StatusUnauthorized, refused.HTTPStatus())
	assert.Equal(t, "r-1", refused.ServiceRequestID())
	assert.Equal(t, "c-1", refused.CorrelationID())
	issuer, subject, audience := refused.Presented()
	assert.Equal(t, []string{"", "planted-subject", ""}, []string{issuer, subject, audience})
	assert.Equal(t, "token exchange: status 401, invalid_client, AADSTS700213", err.Error())
	assert.Equal(t, 1, a.posts, "a refusal is not repeated")
	assertSilent(t, err)
	assert.Equal(t, err, entra.Classify(err), "classified once")
}

func TestRefusalsThatAreNoJSON(t *testing.T) {
	foreign := func(status string) string {
		return "token exchange: no answer: entra: status " + status +
			", and not of the service's own: another one has answered"
	}
	tests := map[string]struct {
		status     int
		body, want string
		posts      int
	}{
		"throttled in plain text": {http.StatusTooManyRequests, "Too Many Requests",
			"token exchange: status 429, -", 2},
		"web page of a proxy": {http.StatusForbidden, "<html>client_assertion=" + "</html>",
			foreign("403"), 1},
		"service down":           {http.StatusServiceUnavailable, "", "token exchange: status 503, -", 2},
		"list instead of object": {http.StatusBadRequest, "[]", foreign("400"), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := &authority{token: func(int, string) (*http.Response, error) {
				return answer(tt.status, "text/plain", tt.body), nil
			}}
			_, err := get(t.Context(), t, a)
			require.Error(t, err)
			assert.Equal(t, tt.want, err.Error())
			assert.Equal(t, tt.posts, a.posts)
			assertSilent(t, err)
		})
	}
}

func TestRetryRecovers(t *testing.T) {
	a := &authority{token: func(n int, _ string) (*http.Response, error) {
		if n == 1 {
			return answer(http.StatusServiceUnavailable, "text/plain", ""), nil
		}
		return granted(), nil
	}}
	token, err := get(t.Context(), t, a)
	require.NoError(t, err)
	assert.Equal(t, "granted", token.Token)
	assert.Equal(t, 2, a.posts)
}

func TestNetworkFailure(t *testing.T) {
	t.Run("the transport's error is kept", func(t *testing.T) {
		cause := &net.DNSError{Err: "no such host", Name: login, IsNotFound: true}
		a := &authority{token: func(int, string) (*http.Response, error) { return nil, cause }}
		_, err := get(t.Context(), t, a)
		var network *entra.NetworkError
		require.ErrorAs(t, err, &network)
		require.ErrorIs(t, err, cause)
		assertSilent(t, err)
	})
	t.Run("the caller's end is kept", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := &authority{token: func(int, string) (*http.Response, error) { cancel(); return nil, ctx.Err() }}
		_, err := get(ctx, t, a)
		require.ErrorIs(t, err, context.Canceled)
		assertSilent(t, err)
	})
	t.Run("an earlier failure is forgotten", func(t *testing.T) {
		a := &authority{token: func(n int, _ string) (*http.Response, error) {
			if n == 1 {
				return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}
			return answer(http.StatusBadRequest, "application/json",
				`{"error":"invalid_request","error_codes":[900023]}`), nil
		}}
		_, err := get(t.Context(), t, a)
		var refused *entra.ExchangeError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 900023, refused.AADSTS())
	})
}

// TestAssertionGoesToTheAuthorityOnly: a metadata document that names another host does not get the assertion.
func TestAssertionGoesToTheAuthorityOnly(t *testing.T) {
	a := &authority{endpoint: "evil.example", token: func(int, string) (*http.Response, error) {
		return granted(), nil
	}}
	_, err := get(t.Context(), t, a)
	require.Error(t, err)
	assert.Zero(t, a.posts)
	assertSilent(t, err)
}

func TestCredentialRefusesNonsense(t *testing.T) {
	e := exchanger(&authority{})
	for name, ids := range map[string][2]string{"no tenant": {"", clientID}, "no client": {tenantID, ""},
		"tenant with a path": {"a/../b", clientID}} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Credential(ids[0], ids[1], subjectToken())
			require.Error(t, err)
			assertSilent(t, err)
		})
	}
	_, err := e.Credential(tenantID, clientID, secret.New("not.a token"))
	require.ErrorIs(t, err, entra.ErrMalformedToken)
}

// TestWhatIsClassifiedStaysSo, also within another error.
func TestWhatIsClassifiedStaysSo(t *testing.T) {
	for _, one := range []error{&entra.ExchangeError{}, &entra.NetworkError{}} {
		wrapped := fmt.Errorf("x: %w", one)
		assert.Equal(t, wrapped, entra.Classify(wrapped))
		both := fmt.Errorf("x: %w, %w", &azidentity.AuthenticationFailedError{}, one)
		assert.Equal(t, both, entra.Classify(both))
	}
	assert.Equal(t, "token exchange: no answer", (&entra.NetworkError{}).Error())
	assert.Equal(t, "token exchange: no answer: x", (&entra.NetworkError{Err: errors.New("x")}).Error())
}

func TestClassifyLeavesOthersAlone(t *testing.T) {
	other := errors.New("other")
	assert.Equal(t, other, entra.Classify(other))
	assert.NoError(t, entra.Classify(nil))
	var network *entra.NetworkError
	require.ErrorAs(t, entra.Classify(fmt.Errorf("x: %w", &azidentity.AuthenticationFailedError{})), &network)
}

// asked notes the scopes that it is asked for.
type asked struct{ scopes *[]string }

func (a asked) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	*a.scopes = append(*a.scopes, o.Scopes...)
	return azcore.AccessToken{Token: "e30.eyJ0aWQiOiJ0In0.x"}, nil
}

type fixed string

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if f == "" {
		return azcore.AccessToken{}, errors.New("no identity")
	}
	return azcore.AccessToken{Token: string(f)}, nil
}

func TestTenantID(t *testing.T) {
	got, err := entra.TenantID(t.Context(), fixed(jwt(`{}`, `{"tid":"`+tenantID+`"}`).Reveal()), "scope")
	require.NoError(t, err)
	assert.Equal(t, tenantID, got)
	for name, token := range map[string]string{"opaque": "opaque", "no tid": jwt(`{}`, `{}`).Reveal(),
		"no JSON": "a.bbbb.c", "no base64": "a.!.c"} {
		t.Run(name, func(t *testing.T) {
			_, err := entra.TenantID(t.Context(), fixed(token), "scope")
			require.ErrorIs(t, err, entra.ErrNoTenant)
		})
	}
	_, err = entra.TenantID(t.Context(), fixed(""), "scope")
	require.ErrorContains(t, err, "no identity")
	for _, token := range []string{"e30.eyJ0aWQiOiJ0In0", "e30.eyJ0aWQiOiJ0In0.x.y", "e30.eyJ0aWQiOiIifQ.x"} {
		got, err := entra.TenantID(t.Context(), fixed(token), "scope")
		require.ErrorIs(t, err, entra.ErrNoTenant, token)
		assert.Empty(t, got)
	}
	var scopes []string
	_, err = entra.TenantID(t.Context(), asked{&scopes}, "the-scope")
	require.NoError(t, err)
	assert.Equal(t, []string{"the-scope"}, scopes)
}
