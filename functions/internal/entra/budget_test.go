package entra_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
)

// TestRetryBudget: what the app's other clients may take, an exchange takes at most one retry after a second. What is
// less stays.
func TestRetryBudget(t *testing.T) {
	busy := func(retryAfter string) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) {
			resp := answer(http.StatusServiceUnavailable, "text/plain", "")
			if retryAfter != "" {
				resp.Header.Set("Retry-After", retryAfter)
			}
			return resp, nil
		}
	}
	hangs := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		retry    policy.RetryOptions
		answer   func(*http.Request) (*http.Response, error)
		posts    int
		min, max time.Duration
	}{
		"by default":           {policy.RetryOptions{}, busy(""), 2, 160 * ms, 260 * ms},
		"no retry":             {policy.RetryOptions{MaxRetries: -1}, busy(""), 1, 0, 0},
		"one retry":            {policy.RetryOptions{MaxRetries: 1}, busy(""), 2, 160 * ms, 260 * ms},
		"two retries":          {policy.RetryOptions{MaxRetries: 2}, busy(""), 2, 160 * ms, 260 * ms},
		"a longer pause":       {policy.RetryOptions{RetryDelay: 201 * ms}, busy(""), 2, 160 * ms, 260 * ms},
		"a much longer pause":  {policy.RetryOptions{RetryDelay: time.Hour}, busy(""), 2, 160 * ms, 260 * ms},
		"a shorter pause":      {policy.RetryOptions{RetryDelay: 10 * ms}, busy(""), 2, 8 * ms, 13 * ms},
		"a second to wait":     {policy.RetryOptions{}, busy("1"), 2, time.Second, time.Second},
		"two seconds to wait":  {policy.RetryOptions{MaxRetryDelay: time.Hour}, busy("2"), 1, 0, 0},
		"less patience":        {policy.RetryOptions{MaxRetryDelay: 500 * ms}, busy("1"), 1, 0, 0},
		"hangs":                {policy.RetryOptions{}, hangs, 2, 5160 * ms, 5260 * ms},
		"hangs, more patience": {policy.RetryOptions{TryTimeout: time.Hour}, hangs, 2, 5160 * ms, 5260 * ms},
		"hangs, less patience": {policy.RetryOptions{TryTimeout: time.Second}, hangs, 2, 2160 * ms, 2260 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &authority{endpoint: login}
				posts := 0
				transport := transporter(func(r *http.Request) (*http.Response, error) {
					if r.Method != http.MethodPost {
						return a.Do(r)
					}
					posts++
					return tc.answer(r)
				})
				cred, err := entra.NewExchanger(azcore.ClientOptions{Transport: transport, Retry: tc.retry}).
					Credential(tenantID, clientID, subjectToken())
				require.NoError(t, err)
				began := time.Now()
				_, err = cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"s/.default"}})
				require.Error(t, err)
				took := time.Since(began)
				assert.Equal(t, tc.posts, posts)
				assert.GreaterOrEqual(t, took, tc.min)
				assert.LessOrEqual(t, took, tc.max)
			})
		})
	}
}

type transporter func(*http.Request) (*http.Response, error)

func (f transporter) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestEachCloudHasItsAuthority, to which alone the assertion goes, however its name is spelt.
func TestEachCloudHasItsAuthority(t *testing.T) {
	for name, tc := range map[string]struct {
		cloud          cloud.Configuration
		host, endpoint string
		isGranted      bool
	}{
		"none":            {cloud.Configuration{}, "login.microsoftonline.com", "login.microsoftonline.com", true},
		"public":          {cloud.AzurePublic, "login.microsoftonline.com", "login.microsoftonline.com", true},
		"government":      {cloud.AzureGovernment, "login.microsoftonline.us", "login.microsoftonline.us", true},
		"china":           {cloud.AzureChina, "login.chinacloudapi.cn", "login.chinacloudapi.cn", true},
		"another's":       {cloud.AzureChina, "login.chinacloudapi.cn", "login.microsoftonline.com", false},
		"in capitals":     {cloud.AzurePublic, "login.microsoftonline.com", "LOGIN.microsoftonline.com", true},
		"of another port": {cloud.AzurePublic, "login.microsoftonline.com", "login.microsoftonline.com:444", false},
		"with a longer": {cloud.AzurePublic, "login.microsoftonline.com",
			"login.microsoftonline.com.evil.example", false},
		"with user before": {cloud.AzurePublic, "login.microsoftonline.com",
			"login.microsoftonline.com@evil.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &authority{endpoint: tc.endpoint, host: tc.host,
				token: func(int, string) (*http.Response, error) { return granted(), nil }}
			cred, err := entra.NewExchanger(azcore.ClientOptions{Transport: a, Cloud: tc.cloud}).
				Credential(tenantID, clientID, subjectToken())
			require.NoError(t, err)
			_, err = cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"s/.default"}})
			assert.Equal(t, tc.isGranted, err == nil, err)
			assert.Equal(t, tc.isGranted, a.posts == 1)
			for _, request := range a.requests {
				_, address, _ := strings.Cut(request, " ")
				assert.True(t, strings.HasPrefix(strings.ToLower(address), tc.host+"/"), address)
			}
		})
	}
	_, err := entra.NewExchanger(azcore.ClientOptions{Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: "https://login.example\x7f"}}).Credential(tenantID, clientID, subjectToken())
	require.Error(t, err)
	assertSilent(t, err)
}

// TestMembersOfARefusal holds each as the answer has it: ids by header before body, values as presented.
func TestMembersOfARefusal(t *testing.T) {
	const text = `{"error":" invalid_client ","error_description":"AADSTS70021: x. Assertion Issuer: 'i'. Assertion ` +
		`Subject: 's'. Assertion Audience: 'a'. The credential Subject is 'e'. The tenant identifier 'd' is ` +
		`neither x","trace_id":"trace","correlation_id":"corr"}`
	for header, id := range map[string]string{"": "trace", "own\x01": "own\ufffd"} {
		a := &authority{token: func(int, string) (*http.Response, error) {
			resp := answer(http.StatusBadRequest, "application/json", text)
			resp.Header.Set("x-ms-request-id", header)
			return resp, nil
		}}
		_, err := get(t.Context(), t, a)
		var e *entra.ExchangeError
		require.ErrorAs(t, err, &e)
		issuer, subject, audience := e.Presented()
		assert.Equal(t, []string{"i", "s", "a", "e", id, "corr"}, []string{issuer, subject, audience,
			e.ExpectedSubject(), e.ServiceRequestID(), e.CorrelationID()})
		assert.Contains(t, e.Explanation(), `"d"`)
		assert.Equal(t, 70021, e.AADSTS())
		assert.Equal(t, "token exchange: status 400, invalid_client, AADSTS70021", e.Error())
	}
	a := &authority{token: func(int, string) (*http.Response, error) {
		return answer(http.StatusBadRequest, "application/json", `{"error":"x"}`), nil
	}}
	_, err := get(t.Context(), t, a)
	assert.EqualError(t, err, "token exchange: status 400, x")
}
