package platform_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// TestWhyADriverGoes: the record's own is no longer wanted where it is, and a second one with our mark, which a create
// has made whose answer was lost, is one too many.
func TestWhyADriverGoes(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	own := f.document.Status.DDOE.DriverID
	f.put(dataloop.Drivers, dataloop.Object{"id": "second", "name": "images", "projectId": dataloop.ProjectID,
		"createdAt": f.now().UnixMilli(), "metadata": dataloop.Object{"managed-by": mark}})
	codes := func() map[string]string {
		got := map[string]string{}
		for _, item := range resource.InState(f.observe(resource.View{Document: f.document}), resource.Unwanted) {
			got[item.Key] = string(item.Code)
		}
		return got
	}
	assert.Equal(t, map[string]string{"second": "ddoe-driver-extra"}, codes())

	f.put(dataloop.Projects, dataloop.Object{"id": "moved", "name": "Moved",
		"org": dataloop.Object{"id": dataloop.OrganizationID}})
	next := wired()
	next.DDOE.Driver.ProjectID = "moved"
	f.document.ReplaceSpec(next)
	assert.Equal(t, map[string]string{"second": "ddoe-driver-extra", own: "ddoe-driver-unwanted"}, codes())

	next = wired()
	next.DDOE.Driver = nil
	f.document.ReplaceSpec(next)
	assert.Equal(t, map[string]string{"second": "ddoe-driver-unwanted", own: "ddoe-driver-unwanted"}, codes())
}

// TestADriverThatIsFoundAgainIsNotWritten: it is as the spec states, so the record alone learns of it.
func TestADriverThatIsFoundAgainIsNotWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	own := f.document.Status.DDOE.DriverID
	f.document.Status.DDOE.DriverID, f.document.Status.DDOE.Driver = "", nil
	o := f.run(resource.View{})
	require.Empty(t, o.errs)
	assert.Empty(t, f.writes())
	assert.Contains(t, o.steps, "ddoeDriver unchanged")
	assert.Equal(t, own, f.document.Status.DDOE.DriverID)
	f.requireOne("found again")
}

// TestWhatIsLeftToAPersonNeedsNoProject that the API's user sees: a person makes the driver, and may see another.
func TestWhatIsLeftToAPersonNeedsNoProject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(dataloop.AvailableIntegrations, offered["type"].(string)))
	require.Empty(t, f.run(resource.View{}).errs)
	next := wired()
	next.DDOE.Driver.ProjectID = "theirs"
	f.document.ReplaceSpec(next)
	require.Empty(t, f.run(resource.View{}).errs)
	assert.NotNil(t, f.document.Status.DDOE.Form)
	f.put(dataloop.AvailableIntegrations, offered)
	f.document.Status.DDOE.Mode = "api"
	assert.Contains(t, f.run(resource.View{}).codes(), "ddoe-project-unknown", "the API's user needs to see it")
}
