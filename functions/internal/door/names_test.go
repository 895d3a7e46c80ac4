package door_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/jose"
)

// counting counts the bodies that are open.
type counting struct{ open atomic.Int32 }

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		c.open.Add(1)
		response.Body = &counted{response.Body, &c.open}
	}
	return response, err
}

type counted struct {
	io.ReadCloser
	open *atomic.Int32
}

func (c *counted) Close() error {
	c.open.Add(-1)
	return c.ReadCloser.Close()
}

// TestReadingsAreClosed, those that fail too: each would hold a connection.
func TestReadingsAreClosed(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	for _, down := range []bool{true, false} {
		a, transport := newAuthority(t, key), &counting{}
		a.set(down, key)
		v := door.NewVerifier(door.Options{Audience: audience, Authority: a.URL, Now: atEpoch,
			Client:   &http.Client{Transport: transport},
			TenantID: func(context.Context) (string, error) { return tenant, nil }})
		_, err := v.Verify(t.Context(), a.token(t, key, jose.Header{}, nil))
		require.Equal(t, down, err != nil)
		assert.NotZero(t, a.asked.Load())
		assert.Zero(t, transport.open.Load())
	}
}

// TestAClaimsGroups are the caller's: what a group owns is its members'.
func TestAClaimsGroups(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	got, err := a.verifier(atEpoch).Verify(t.Context(), a.token(t, key, jose.Header{},
		map[string]any{"groups": []string{"first", "second"}}))
	require.NoError(t, err)
	assert.Equal(t, []string{"first", "second"}, got.Groups)
}

// TestARefusalNamesTheAPI: for whom a token has to be asked.
func TestARefusalNamesTheAPI(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	_, err := a.verifier(atEpoch).Verify(t.Context(), a.token(t, key, jose.Header{}, map[string]any{"aud": "other"}))
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Diagnosis.Detail+refused.Diagnosis.Remedy.String(), audience)
}

// TestTheCallersTenantIsNamed to who comes from another.
func TestTheCallersTenantIsNamed(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	a := newAuthority(t, key)
	_, err := a.verifier(atEpoch).Verify(t.Context(), a.token(t, key, jose.Header{}, map[string]any{"tid": "other"}))
	var refused *diagnosis.Error
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Diagnosis.Detail, tenant)
}

// padded has the answers to a path begin with blanks, or fail.
type padded struct {
	path   string
	length int // of the whole; 0 for a failure
}

func (p padded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, p.path) {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if p.length == 0 {
		response.StatusCode, body = http.StatusServiceUnavailable, nil
	}
	whole := strings.TrimSpace(string(body))
	whole = strings.Repeat(" ", max(0, p.length-len(whole))) + whole
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(whole)), int64(len(whole))
	return response, nil
}

// TestWhatCannotBeReadOfAnIssuer refuses nobody's token: metadata of 64 KiB are read, larger ones are not, and keys
// that are not there beside good metadata are an outage.
func TestWhatCannotBeReadOfAnIssuer(t *testing.T) {
	t.Parallel()
	key := keyOf(t, "one")
	for transport, isRead := range map[padded]bool{{"/openid-configuration", 64 << 10}: true,
		{"/openid-configuration", 64<<10 + 1}: false, {"/keys", 64 << 10}: true, {"/keys", 0}: false} {
		a := newAuthority(t, key)
		v := door.NewVerifier(door.Options{Audience: audience, Authority: a.URL, Now: atEpoch,
			Client:   &http.Client{Transport: transport},
			TenantID: func(context.Context) (string, error) { return tenant, nil }})
		_, err := v.Verify(t.Context(), a.token(t, key, jose.Header{}, nil))
		if isRead {
			require.NoError(t, err, "%v", transport)
			continue
		}
		assert.Equal(t, diagnosis.CodeEntraUnavailable, codeOf(t, err), "%v", transport)
	}
}
