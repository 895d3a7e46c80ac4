package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is a time that only the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time          { return c.at }
func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }
func newSeeded(t *testing.T) (*World, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w := New(c.now)
	Seed(w)
	return w, c
}

func TestApplicationLifeKeepsUniqueNameUntilPurge(t *testing.T) {
	w, _ := newSeeded(t)
	app, err := w.CreateApplication(Application{UniqueName: "u", DisplayName: "U"}, AppPrincipalID)
	require.NoError(t, err)
	assert.NotEqual(t, app.ID, app.AppID)
	assert.Equal(t, []string{AppPrincipalID}, w.Owners(app.ID))
	sp, err := w.CreateServicePrincipal(ServicePrincipal{AppID: app.AppID, AccountEnabled: true}, "")
	require.NoError(t, err)
	_, err = w.CreateFederatedCredential(FederatedIdentityCredential{ApplicationID: app.ID, Name: "c", Issuer: "i", Subject: "s", Audiences: []string{"a"}})
	require.NoError(t, err)

	require.NoError(t, w.DeleteApplication(app.ID))
	assert.Len(t, w.DeletedItems(), 2, "application and service principal are two items")
	_, err = w.CreateApplication(Application{UniqueName: "u"}, "")
	require.ErrorIs(t, err, ErrUniqueNameTaken)

	_, err = w.RestoreDeletedItem(app.ID)
	require.NoError(t, err)
	assert.Len(t, w.FederatedCredentials(app.ID), 1, "credentials come back with the application")
	_, ok := w.ServicePrincipalByAppID(app.AppID)
	assert.False(t, ok, "the service principal does not come back by itself")
	_, err = w.RestoreDeletedItem(sp.ID)
	require.NoError(t, err)

	require.NoError(t, w.DeleteApplication(app.ID))
	require.NoError(t, w.PurgeDeletedItem(app.ID))
	again, err := w.CreateApplication(Application{UniqueName: "u"}, "")
	require.NoError(t, err)
	assert.NotEqual(t, app.ID, again.ID)
}
