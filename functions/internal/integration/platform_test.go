package integration_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func platformSpec() integration.Spec {
	return integration.Spec{TenantID: "tenant", Subjects: []string{"s"},
		Storage: []integration.StorageAccess{{ResourceID: "account", Container: "images"}},
		DDOE: &integration.DDOE{OrganizationID: "org", Integration: true,
			Driver: &integration.Driver{ProjectID: "project", Name: "images"}}}
}

// A run of the old spec may have sent what nobody has written down.
func TestReplaceSpecKeepsWhatIsCertain(t *testing.T) {
	t.Parallel()
	path, container, deletes := "p", "images", true
	known := integration.DDOEStatus{OrganizationID: "known", OptionsHash: "hash",
		Driver: &integration.DDOEDriver{ProjectID: "project", Name: "images", Path: &path, Container: &container,
			AllowExternalDelete: &deletes}}
	for name, c := range map[string]struct {
		status *integration.DDOEStatus
		change func(s *integration.Spec)
		want   *integration.DDOEStatus
	}{
		"nothing known": {nil, func(s *integration.Spec) { s.DDOE = nil },
			&integration.DDOEStatus{OrganizationID: "org", Driver: &integration.DDOEDriver{ProjectID: "project"}}},
		"the same": {&known, func(*integration.Spec) {}, &known},
		"other options": {&known, func(s *integration.Spec) { s.Subjects = []string{"other"} },
			&integration.DDOEStatus{OrganizationID: "known", Driver: known.Driver}},
		"other driver": {&known, func(s *integration.Spec) { s.DDOE.Driver.Path = "q" },
			&integration.DDOEStatus{OrganizationID: "known", OptionsHash: "hash",
				Driver: &integration.DDOEDriver{ProjectID: "project", Container: &container}}},
		"other container": {&known, func(s *integration.Spec) { s.Storage[0].Container = "archive" },
			&integration.DDOEStatus{OrganizationID: "known", Driver: &integration.DDOEDriver{ProjectID: "project",
				Name: "images", Path: &path, AllowExternalDelete: &deletes}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := integration.Document{Spec: platformSpec(), Status: integration.Status{DDOE: c.status}}
			next := platformSpec()
			c.change(&next)
			d.ReplaceSpec(next)
			assert.Equal(t, next, d.Spec)
			assert.Equal(t, c.want, d.Status.DDOE)
		})
	}
	d := integration.Document{Spec: integration.Spec{TenantID: "tenant"}}
	d.ReplaceSpec(platformSpec())
	assert.Nil(t, d.Status.DDOE, "nothing was asked of the platform before")
}
