package door_test

import (
	"context"
	"io"
	"net/http"
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
