package platform_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func TestMakesIntegrationAndDriver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	o := f.run(resource.View{Fresh: true})
	require.Empty(t, o.errs)
	assert.Equal(t, []string{"ddoeIntegration created", "ddoeDriver created"}, o.steps)
	assert.Zero(t, o.unnamed)
	f.requireOne("made")
	assert.Equal(t, f.offered()["type"], f.document.Status.DDOE.IntegrationType)
	assert.Equal(t, mark, f.drivers()[0]["metadata"].(dataloop.Object)["managed-by"])
}

// Before there is an identity, a run asks the platform nothing; a dry run does.
func TestAFreshRunAsksNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.document.Status = integration.Status{}
	for _, one := range f.observe(resource.View{Document: f.document, Fresh: true}) {
		assert.Equal(t, resource.Missing, one.State, one.Name)
	}
	assert.Empty(t, f.requests)
	f.observe(resource.View{Document: f.document})
	assert.NotEmpty(t, f.requests)
}

func TestAgainNothingIsWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	before := f.document
	o := f.run(resource.View{})
	assert.Empty(t, o.errs)
	assert.Empty(t, o.steps)
	assert.Empty(t, f.writes())
	assert.Equal(t, before, f.document)
	for _, one := range f.observe(resource.View{Document: f.document}) {
		assert.Equal(t, resource.Unchanged, one.State, one.Name)
		assert.Empty(t, one.Code)
	}
}

// Each change is sent alone, and every loop that looks finds the same of it.
func TestChangesAreSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(s *integration.Spec)
		code   string
		member string
		writes []string
	}{
		"name": {func(s *integration.Spec) { s.DisplayName = "Other" }, "ddoe-integration-renamed", "name",
			[]string{"PATCH /orgs/" + dataloop.OrganizationID + "/integrations"}},
		"options": {func(s *integration.Spec) { s.Subjects = []string{"system:serviceaccount:dataloop:other"} },
			"ddoe-options-changed", "options",
			[]string{"PATCH /orgs/" + dataloop.OrganizationID + "/integrations"}},
		"path": {func(s *integration.Spec) { s.DDOE.Driver.Path = "a/b" }, "ddoe-driver-changed", "path",
			[]string{"PATCH /drivers/"}},
		"driver": {func(s *integration.Spec) { s.DDOE.Driver.Name = "other" }, "ddoe-driver-renamed", "name",
			[]string{"PATCH /drivers/"}},
		"delete": {func(s *integration.Spec) { s.DDOE.Driver.AllowExternalDelete = true }, "ddoe-driver-renamed",
			"allowExternalDelete", []string{"PATCH /drivers/"}},
		"container": {func(s *integration.Spec) { s.Storage[0].Container = "archive" }, "ddoe-driver-changed",
			"container",
			[]string{"PATCH /drivers/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			validated := f.now()
			f.document.Status.DDOE.Validated, f.document.Status.DDOE.CheckedAt = true, &validated
			next := wired()
			c.change(&next)
			f.document.ReplaceSpec(next)
			var seen []string
			for _, one := range f.observe(resource.View{Document: f.document}) {
				if one.State == resource.Different {
					for _, d := range one.Differences {
						seen = append(seen, string(one.Code)+" "+d.Member)
					}
				}
			}
			assert.Contains(t, seen, c.code+" "+c.member)
			require.Empty(t, f.run(resource.View{}).errs)
			f.requireOne(name)
			for i, write := range f.writes() {
				assert.Contains(t, write, c.writes[min(i, len(c.writes)-1)][:6])
			}
			assert.False(t, f.document.Status.DDOE.Validated && name != "name",
				"what the platform has tested is another")
		})
	}
}

// What somebody changed on the platform is seen and set right.
func TestDriftIsSetRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		drift func(f *fixture)
		code  string
	}{
		"renamed": {func(f *fixture) {
			o := f.integrations()[0]
			o["name"] = "x"
			f.put(dataloop.Integrations, o)
		}, "ddoe-integration-renamed"},
		"path": {func(f *fixture) {
			o := f.drivers()[0]
			o["path"] = "x"
			f.put(dataloop.Drivers, o)
		}, "ddoe-driver-changed"},
		"deletes": {func(f *fixture) {
			o := f.drivers()[0]
			o["allowExternalDelete"] = true
			f.put(dataloop.Drivers, o)
		}, "ddoe-driver-renamed"},
		"driver gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(dataloop.Drivers, f.document.Status.DDOE.DriverID))
		},
			"ddoe-driver-missing"},
		"integration gone": {func(f *fixture) {
			require.NoError(f.t, f.world.DeleteDDOEObject(dataloop.Integrations,
				f.document.Status.DDOE.IntegrationID))
		}, "ddoe-integration-missing"},
		"settings": {func(f *fixture) { f.document.Status.DDOE.OptionsHash = "other" }, "ddoe-options-changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			c.drift(f)
			var codes []string
			for _, one := range f.observe(resource.View{Document: f.document}) {
				codes = append(codes, string(one.Code))
			}
			assert.Contains(t, codes, c.code)
			require.Empty(t, f.run(resource.View{}).errs)
			f.requireOne(name)
		})
	}
}

func TestRemovesAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		view   resource.View
		change func(s *integration.Spec)
	}{
		"teardown":          {resource.View{Ending: true}, func(*integration.Spec) {}},
		"spec without ddoe": {resource.View{}, func(s *integration.Spec) { s.DDOE = nil }},
		"integration not wanted": {resource.View{}, func(s *integration.Spec) {
			s.DDOE = &integration.DDOE{OrganizationID: dataloop.OrganizationID}
		}},
		"another mark stays away": {resource.View{Ending: true}, func(*integration.Spec) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			next := wired()
			c.change(&next)
			f.document.ReplaceSpec(next)
			o := f.run(c.view)
			require.Empty(t, o.errs)
			assert.Subset(t, o.steps, []string{"ddoeDriver-delete deleted", "ddoeIntegration-delete deleted"})
			assert.Empty(t, f.integrations())
			assert.Empty(t, f.drivers())
			assert.Empty(t, f.document.Status.DDOE.IntegrationID)
			assert.Empty(t, f.document.Status.DDOE.DriverID)
		})
	}
}

func TestDropsTheDriverAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	next := wired()
	next.DDOE.Driver = nil
	f.document.ReplaceSpec(next)
	require.Empty(t, f.run(resource.View{}).errs)
	assert.Len(t, f.integrations(), 1)
	assert.Empty(t, f.drivers())
}

// Another project: the driver is made anew there. Another organisation: all is.
func TestMoves(t *testing.T) {
	t.Parallel()
	for name, isOrganization := range map[string]bool{"project": false, "organisation": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t).provisioned()
			organization := dataloop.OrganizationID
			if isOrganization {
				organization = "other-org"
				f.put(dataloop.Organizations, dataloop.Object{"id": organization, "name": "Other"})
			}
			f.put(dataloop.Projects, dataloop.Object{"id": "other-project", "name": "Other",
				"org": dataloop.Object{"id": organization}})
			next := wired()
			next.DDOE.OrganizationID, next.DDOE.Driver = organization, &integration.Driver{ProjectID: "other-project",
				Name: "images"}
			f.document.ReplaceSpec(next)
			if isOrganization {
				planned := f.observe(resource.View{Document: f.document})
				item(t, planned, "ddoeIntegration", resource.Missing)
				item(t, planned, "ddoeIntegration", resource.Unwanted)
				o := f.run(resource.View{})
				require.Equal(t, []string{"ddoe-integration-unwanted"}, o.codes(),
					"it waits for the old one to be gone")
				assert.Contains(t, describe(o.errs[0]).Detail, dataloop.OrganizationID)
				assert.Equal(t, policy.RetryLater, policy.ActionOf(o.errs[0]))
				assert.Empty(t, f.integrations())
				assert.Empty(t, f.drivers())
			}
			require.Empty(t, f.run(resource.View{}).errs)
			f.requireOne(name)
			assert.Equal(t, organization, f.integrations()[0]["org"])
			assert.Equal(t, "other-project", f.drivers()[0]["projectId"])
		})
	}
}

// A spec that names another organisation and keeps the project cannot be: nothing is touched.
func TestStrandedSpecTouchesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	f.put(dataloop.Organizations, dataloop.Object{"id": "other-org", "name": "Other"})
	next := wired()
	next.DDOE.OrganizationID = "other-org"
	f.document.ReplaceSpec(next)
	o := f.run(resource.View{})
	assert.Contains(t, o.codes(), "ddoe-project-elsewhere")
	assert.Empty(t, f.writes())
	assert.Len(t, f.integrations(), 1)
	assert.Len(t, f.drivers(), 1)
	f.document.ReplaceSpec(wired())
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("back")
}

// TestOthersDriversKeepTheIntegration, whether all of ours ends or the spec has it no more, until they have gone.
func TestOthersDriversKeepTheIntegration(t *testing.T) {
	t.Parallel()
	for _, isEnding := range []bool{true, false} {
		f := newFixture(t).provisioned()
		theirs := f.put(dataloop.Drivers, dataloop.Object{"id": "other-driver", "name": "other",
			"integrationId": f.document.Status.DDOE.IntegrationID, "projectId": dataloop.ProjectID,
			"createdAt": f.now().UnixMilli()})
		if !isEnding {
			next := wired()
			next.DDOE = nil
			f.document.ReplaceSpec(next)
		}
		for range 2 {
			o := f.run(resource.View{Ending: isEnding})
			require.Equal(t, []string{"ddoe-integration-in-use"}, o.codes())
			assert.Equal(t, "The integration My service (id "+f.document.Status.DDOE.IntegrationID+") is used by 1 "+
				"driver(s) that this service did not make: other (id other-driver) in the project "+
				dataloop.ProjectID+".", describe(o.errs[0]).Detail)
			assert.Len(t, f.integrations(), 1)
			assert.Contains(t, f.drivers(), theirs)
			assert.Equal(t, isEnding, len(f.writes()) == 0, "a teardown touches nothing, a run takes our driver away")
		}
		require.NoError(t, f.world.DeleteDDOEObject(dataloop.Drivers, "other-driver"))
		require.Empty(t, f.run(resource.View{Ending: isEnding}).errs)
		assert.Empty(t, f.integrations())
	}
}

// Of two that bear our mark the record's stays, and without a record the older; the other goes, unless it is used.
func TestOfTwoOfOursOneStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ isKnown, isUsed bool }{"known": {true, false}, "unknown": {false, false},
		"used": {true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			if c.isKnown {
				f.provisioned()
			}
			for i, one := range []string{"older", "younger"} {
				f.put(dataloop.Integrations, dataloop.Object{"id": one, "name": "My service",
					"type": f.offered()["type"], "org": dataloop.OrganizationID,
					"createdAt": f.now().UnixMilli() - 5000 + int64(i), "options": dataloop.Object{},
					"metadata": []any{dataloop.Object{"name": "managed-by", "value": mark}}})
			}
			if c.isUsed {
				f.put(dataloop.Drivers, dataloop.Object{"id": "other", "name": "other", "integrationId": "older",
					"projectId": dataloop.ProjectID, "createdAt": f.now().UnixMilli()})
			}
			before := f.document.Status.DDOE
			o := f.run(resource.View{})
			require.Empty(t, o.errs)
			switch {
			case c.isUsed:
				assert.Len(t, f.integrations(), 2)
				assert.Equal(t, before.IntegrationID, f.document.Status.DDOE.IntegrationID)
				assert.Equal(t, "ddoe-integration-extra",
					string(item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration",
						resource.Extra).Code))
				return
			case c.isKnown:
				assert.Equal(t, before.IntegrationID, f.document.Status.DDOE.IntegrationID)
			default:
				assert.Equal(t, "older", f.document.Status.DDOE.IntegrationID)
			}
			f.requireOne(name)
		})
	}
}

// What the platform does not know is said before anything is written for it, by runs and reports alike, and nothing of
// ours goes for it.
func TestPreflight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(f *fixture, wanted *integration.DDOE)
		code  string
		at    string
	}{
		"organisation": {func(_ *fixture, wanted *integration.DDOE) {
			wanted.OrganizationID, wanted.Driver = "nobody", nil
		}, "ddoe-organization-unknown", "/ddoe/organizationId"},
		"project": {func(_ *fixture, wanted *integration.DDOE) {
			wanted.Driver.ProjectID = "nobody"
		}, "ddoe-project-unknown", "/ddoe/driver/projectId"},
		"project elsewhere": {func(f *fixture, wanted *integration.DDOE) {
			f.put(dataloop.Projects, dataloop.Object{"id": "far", "name": "Far",
				"org": dataloop.Object{"id": "far-org"}})
			wanted.Driver.ProjectID = "far"
		}, "ddoe-project-elsewhere", "/ddoe/driver/projectId"},
	} {
		for state, begin := range map[string]func(*testing.T) *fixture{"new": newFixture,
			"made": func(t *testing.T) *fixture { return newFixture(t).provisioned() }} {
			t.Run(name+", "+state, func(t *testing.T) {
				t.Parallel()
				f := begin(t)
				next := wired()
				c.given(f, next.DDOE)
				f.document.ReplaceSpec(next)
				var codes []string
				for _, check := range resource.Checks(f.observe(resource.View{Document: f.document}), true) {
					codes = append(codes, string(check.Code))
				}
				assert.Contains(t, codes, c.code)
				drivers := len(f.drivers())
				o := f.run(resource.View{})
				i := slices.Index(o.codes(), c.code)
				require.GreaterOrEqual(t, i, 0, o.codes())
				require.Len(t, describe(o.errs[i]).Findings, 1)
				assert.Equal(t, c.at, describe(o.errs[i]).Findings[0].Pointer)
				if next.DDOE.Driver != nil {
					assert.Len(t, f.drivers(), drivers)
				} else {
					assert.NotContains(t, strings.Join(f.writes(), " "), "/orgs/")
				}
			})
		}
	}
}

// Who may not make integrations is told so by the answer to the write.
func TestRoleThatIsMissing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	user := dataloop.Object{"id": dataloop.UserEmail, "email": dataloop.UserEmail, "role": "member",
		"projectRole": "owner"}
	f.put(dataloop.Users, user)
	o := f.run(resource.View{Fresh: true})
	require.Equal(t, []string{"ddoe-organization-role-missing"}, o.codes())
	assert.Contains(t, describe(o.errs[0]).Remedy.Steps[0], "admin or owner")
	assert.Len(t, f.writes(), 1)
	assert.Empty(t, f.integrations())
	user["role"] = "admin"
	f.put(dataloop.Users, user)
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("with the role")
}
