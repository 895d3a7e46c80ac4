package ddoe_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestEveryFormReadsTheSame: however the platform shows dates and references, what the client reads is the same.
func TestEveryFormReadsTheSame(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	w := world.New(func() time.Time { return at })
	world.Seed(w)
	handler := platform.New(w, platform.Options{APIKey: apiKey})
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.Host = platform.GateHost
		handler.ServeHTTP(rw, r)
	}))
	defer server.Close()
	client, err := ddoe.NewClient(ddoe.Options{URL: server.URL + "/api/v1", Key: secret.New(apiKey), Client: server.Client()})
	require.NoError(t, err)
	require.NoError(t, w.PutDDOEObject(world.DDOEIntegrations, world.Object{"id": "i", "name": "n", "type": "t", "org": world.OrganizationID, "creator": world.UserEmail,
		"createdAt": at.UnixMilli(), "options": world.Object{}, "metadata": []any{world.Object{"id": "m", "name": "managed-by", "value": "us", "createdAt": at.UnixMilli()}}}))
	require.NoError(t, w.PutDDOEObject(world.DDOEDrivers, world.Object{"id": "d", "name": "n", "type": "azureblob", "integrationId": "i", "containerName": "c", "createdAt": at.UnixMilli()}))

	type answers struct {
		Alone       ddoe.Integration
		Listed      []ddoe.Integration
		Driver      ddoe.Driver
		Memberships []ddoe.Membership
	}
	read := func(t *testing.T) answers {
		t.Helper()
		var a answers
		var err error
		a.Alone, err = client.GetIntegration(t.Context(), "i")
		require.NoError(t, err)
		a.Listed, err = client.ListIntegrations(t.Context(), world.OrganizationID)
		require.NoError(t, err)
		a.Driver, err = client.GetDriver(t.Context(), "d")
		require.NoError(t, err)
		a.Memberships, err = client.Memberships(t.Context())
		require.NoError(t, err)
		return a
	}
	want := read(t)
	assert.Equal(t, at, want.Alone.CreatedAt.Time)
	assert.Equal(t, "us", want.Alone.Metadata["managed-by"].Value)
	assert.Equal(t, []ddoe.Integration{want.Alone}, want.Listed)
	assert.Equal(t, "i", want.Driver.IntegrationID)
	assert.Equal(t, []ddoe.Membership{{OrganizationID: world.OrganizationID, User: world.UserEmail, Role: "owner"}}, want.Memberships)
	for _, c := range []struct{ quirk, value string }{
		{platform.QuirkReferences, "string"}, {platform.QuirkReferences, "object"}, {platform.QuirkDates, "string"}, {platform.QuirkDates, "number"},
	} {
		t.Run(c.quirk+" "+c.value, func(t *testing.T) {
			require.NoError(t, w.PutDDOEObject(world.DDOEQuirks, world.Object{"name": c.quirk, "value": c.value}))
			assert.Equal(t, want, read(t))
			require.NoError(t, w.DeleteDDOEObject(world.DDOEQuirks, c.quirk))
		})
	}
}

// TestWhatIsGoneNeedsNoWords: a deletion is believed with whatever JSON it is answered, and with nothing, but not with a page.
func TestWhatIsGoneNeedsNoWords(t *testing.T) {
	for name, c := range map[string]struct {
		answer  scripted
		removed bool
		fails   bool
	}{
		"nothing":          {scripted{status: 204}, true, false},
		"what is left":     {scripted{status: 200, contentType: asJSON, body: `[{"id":"another"}]`}, true, false},
		"what is gone":     {scripted{status: 200, contentType: asJSON, body: `{"id":"i"}`}, true, false},
		"it was not there": {scripted{status: 404, contentType: asJSON, body: `{"message":"not found"}`}, false, false},
		"a page":           {scripted{status: 200, contentType: "text/html", body: `<html></html>`}, false, true},
		"half an answer":   {scripted{status: 200, contentType: asJSON, body: `[{"id":`}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			for object, remove := range map[string]func(*api) (bool, string, error){
				"integration": func(a *api) (bool, string, error) { return a.DeleteIntegration(t.Context(), "o", "i") },
				"driver":      func(a *api) (bool, string, error) { return a.DeleteDriver(t.Context(), "d") },
			} {
				removed, _, err := remove(serve(t, c.answer))
				assert.Equal(t, []any{c.removed, c.fails}, []any{removed, err != nil}, "%s: %v", object, err)
			}
		})
	}
}
