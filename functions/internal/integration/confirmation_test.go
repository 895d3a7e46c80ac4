package integration_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestAConfirmationEndsWithWhatItIsAbout: whatever a person types in or uploads takes it away, for good; all else does
// not.
func TestAConfirmationEndsWithWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*integration.Spec)
		stays  bool
	}{
		"the same spec":       {func(*integration.Spec) {}, true},
		"checks are off":      {func(s *integration.Spec) { s.HealthCheck = &integration.HealthCheck{} }, true},
		"another subject too": {func(s *integration.Spec) { s.Subjects = append(s.Subjects, "t") }, true},
		"the name":            {func(s *integration.Spec) { s.DisplayName = "other" }, false},
		"the tenant":          {func(s *integration.Spec) { s.TenantID = "other" }, false},
		"the issuer":          {func(s *integration.Spec) { s.Issuer = "other" }, false},
		"the audience":        {func(s *integration.Spec) { s.Audience = "other" }, false},
		"the first subject":   {func(s *integration.Spec) { s.Subjects = []string{"t"} }, false},
		"the account": {func(s *integration.Spec) {
			s.Storage = []integration.StorageAccess{{ResourceID: "other"}}
		}, false},
		"the container": {func(s *integration.Spec) {
			s.Storage = []integration.StorageAccess{{Container: "other"}}
		}, false},
		"the organisation": {func(s *integration.Spec) { s.DDOE = &integration.DDOE{OrganizationID: "other"} }, false},
		"the driver": {func(s *integration.Spec) {
			s.DDOE = &integration.DDOE{OrganizationID: "org", Driver: &integration.Driver{Name: "n"}}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := proved()
			confirmed(&d)
			held := d.Status.DDOE
			require.NotNil(t, d.Confirmation())
			before, next := d.Spec, d.Spec
			c.change(&next)
			d.ReplaceSpec(next)
			assert.Equal(t, c.stays, d.Confirmation() != nil)
			d.ReplaceSpec(before)
			assert.Equal(t, c.stays, d.Confirmation() != nil, "nobody has confirmed it anew")
			assert.NotNil(t, held.Confirmed, "what others hold stays as it was")
		})
	}
}

// TestAConfirmationIsOfTheIdentityThatThereIs, and of a form.
func TestAConfirmationIsOfTheIdentityThatThereIs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*integration.Document){
		"another client id": func(d *integration.Document) {
			d.Status.ClientID, d.Status.DDOE.Form.ClientID = "o", "o"
		},
		"the form is an old one": func(d *integration.Document) { d.Status.DDOE.Form.ClientID = "o" },
		"it is being replaced": func(d *integration.Document) {
			d.Spec.Identity = &integration.Identity{Kind: integration.IdentityManaged}
		},
		"the API has done it since": func(d *integration.Document) { d.Status.DDOE.Form = nil },
		"nothing is left":           func(d *integration.Document) { d.Status.DDOE = nil },
		"nobody has said so":        func(d *integration.Document) { d.Status.DDOE.Confirmed = nil },
	} {
		d := proved()
		confirmed(&d)
		require.NotNil(t, d.Confirmation(), name)
		assert.Equal(t, "somebody", d.Confirmation().By, name)
		change(&d)
		assert.Nil(t, d.Confirmation(), name)
	}
}

func TestFaultsOfAConfirmation(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a/b", "a b", "ä", "\x00", strings.Repeat("x", 257)} {
		got := integration.DDOEConfirmation{IntegrationID: id, DriverID: id}.Faults()
		require.Len(t, got, 2, "%q", id)
		assert.Equal(t, []string{"/integrationId", "/driverId"}, []string{got[0].Pointer, got[1].Pointer})
		assert.NotEmpty(t, got[0].Code)
	}
	assert.Empty(t, integration.DDOEConfirmation{}.Faults())
	assert.Empty(t, integration.DDOEConfirmation{IntegrationID: "A-b_1", DriverID: strings.Repeat("x", 256)}.Faults())
}
