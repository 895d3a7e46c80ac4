package platform_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// unchangedTheirs checks that what a person has made is as it was.
func (f *fixture) unchangedTheirs(theirs dataloop.Object) {
	f.t.Helper()
	now, ok := f.world.DDOEObject(dataloop.Integrations, "theirs")
	require.True(f.t, ok, "it stays")
	assert.Equal(f.t, theirs, now)
}

// manual hands out the form, because the organisation does not offer the type, and offers the type again.
func manual(t *testing.T) *fixture {
	f := newFixture(t)
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(dataloop.AvailableIntegrations, offered["type"].(string)))
	require.Empty(t, f.run(resource.View{}).errs)
	f.put(dataloop.AvailableIntegrations, offered)
	return f
}

func TestHandsOutTheForm(t *testing.T) {
	t.Parallel()
	f := manual(t)
	st := f.document.Status.DDOE
	assert.Equal(t, "manual", st.Mode)
	assert.Equal(t, &integration.DDOEForm{OrganizationID: dataloop.OrganizationID, IntegrationName: "My service",
		Provider:        "Azure",
		IntegrationType: "Workload Identity Federation", ClientID: "client-id", TenantID: world.TenantID,
		ImportFile: "azure_credentials.json"}, st.Form)
	assert.Contains(t, st.Why, "azureblob (Azure Blob)")
	assert.Contains(t, st.Why, "DDOE_INTEGRATION_TYPE")
	assert.Contains(t, st.Next, "GET /api/integrations/my-service/credentials")
	assert.Equal(t, "ddoe-type-unknown", string(st.Diagnosis.Code))
	assert.Empty(t, f.integrations())

	require.Empty(t, f.run(resource.View{}).errs, "nobody has made anything: the API can do it now")
	f.requireOne("by the API")
	assert.Nil(t, f.document.Status.DDOE.Form)
	assert.Empty(t, f.document.Status.DDOE.Why)
}

// The spec or the deployment may leave the platform's side to a person as well.
func TestLeftToAPerson(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(f *fixture)
		why   string
	}{
		"no ddoe": {func(f *fixture) { f.document.Spec.DDOE = nil }, "does not ask"},
		"no integration": {func(f *fixture) { f.document.Spec.DDOE = &integration.DDOE{OrganizationID: "org"} },
			"does not ask"},
		"no API": {func(f *fixture) { f.platform.Client = nil }, "DDOE_API_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.given(f)
			require.Empty(t, f.run(resource.View{}).errs)
			st := f.document.Status.DDOE
			assert.Equal(t, "manual", st.Mode)
			assert.Contains(t, st.Why, c.why)
			assert.Equal(t, "client-id", st.Form.ClientID)
			assert.Nil(t, st.Diagnosis)
			assert.Empty(t, f.requests, "nothing is asked")
			o := f.run(resource.View{Ending: true})
			require.Empty(t, o.errs)
			assert.Contains(t, item(t, f.observe(resource.View{Document: f.document, Ending: true}), "ddoeIntegration",
				resource.Manual).Detail, "a person has to remove it")
		})
	}
}

// What a person makes under the name, after the form was handed out or before, is never changed and never removed.
func TestAPersonsIntegrationStaysTheirs(t *testing.T) {
	t.Parallel()
	t.Run("made by the form", func(t *testing.T) {
		t.Parallel()
		f := manual(t)
		theirs := f.theirs()
		for range 2 {
			require.Empty(t, f.run(resource.View{}).errs)
			f.unchangedTheirs(theirs)
			assert.Equal(t, "manual", f.document.Status.DDOE.Mode)
			assert.Equal(t, "ddoe-api-usable", string(f.document.Status.DDOE.Diagnosis.Code))
			assert.Contains(t, f.document.Status.DDOE.Why, "theirs")
		}
		require.Empty(t, f.run(resource.View{Ending: true}).errs)
		f.unchangedTheirs(theirs)
	})
	t.Run("there before", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		theirs := f.theirs()
		o := f.run(resource.View{})
		assert.Equal(t, []string{"ddoe-integration-foreign"}, o.codes())
		assert.Contains(t, item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration",
			resource.Foreign).Detail, "My service (id theirs)")
		assert.Empty(t, f.writes())
		require.Empty(t, f.run(resource.View{Ending: true}).errs)
		f.unchangedTheirs(theirs)
	})
	t.Run("made while our create was lost", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.strike("POST /orgs/", 1, fault{answer: func(*http.Request, *http.Response) (*http.Response, error) {
			f.theirs()
			return nil, errCut
		}})
		o := f.run(resource.View{})
		assert.Equal(t, []string{"ddoe-integration-foreign"}, o.codes())
		assert.Len(t, f.integrations(), 1)
	})
}

// tellsAnotherType gives their integration another type, as its owner may, and back: it is told, and stays what was
// used.
func (f *fixture) tellsAnotherType(theirs dataloop.Object) {
	f.t.Helper()
	used := theirs["type"]
	theirs["type"] = "another-type"
	f.put(dataloop.Integrations, theirs)
	item := f.observe(resource.View{Document: f.document})[0]
	assert.Equal(f.t, []any{resource.Unchanged, "ddoe-integration-changed", []diagnosis.MemberDifference{
		{Member: "type", Want: fmt.Sprint(used), Have: "another-type", Owner: diagnosis.OwnerOther}}},
		[]any{item.State, string(item.Code), item.Differences})
	assert.Empty(f.t, f.run(resource.View{}).steps)
	assert.Equal(f.t, used, f.document.Status.DDOE.IntegrationType)
	f.unchangedTheirs(theirs)
	theirs["type"] = used
	f.put(dataloop.Integrations, theirs)
}

// The integration that the spec names is used, and a driver of ours is made on it; it is never changed or deleted.
func TestUsesTheIntegrationThatTheSpecNames(t *testing.T) {
	t.Parallel()
	f := manual(t)
	theirs := f.theirs()
	named := func() integration.Spec {
		s := wired()
		s.DisplayName = "Another name"
		s.DDOE.IntegrationID = "theirs"
		return s
	}
	f.document.ReplaceSpec(named())
	o := f.run(resource.View{})
	require.Empty(t, o.errs)
	assert.Equal(t, []string{"ddoeIntegration adopted", "ddoeDriver created"}, o.steps)
	st := f.document.Status.DDOE
	assert.Equal(t, []any{"api", "theirs", true, theirs["type"]}, []any{st.Mode, st.IntegrationID, st.Adopted,
		st.IntegrationType})
	assert.Equal(t, "theirs", f.drivers()[0]["integrationId"])
	f.unchangedTheirs(theirs)
	f.calm()
	assert.Empty(t, f.run(resource.View{}).steps, "again nothing")

	t.Run("a renamed one is no difference", func(t *testing.T) {
		theirs["name"] = "renamed by them"
		f.put(dataloop.Integrations, theirs)
		assert.Empty(t, f.run(resource.View{}).steps)
		f.unchangedTheirs(theirs)
	})
	t.Run("one of another type is told, and nothing is learnt", func(*testing.T) { f.tellsAnotherType(theirs) })
	t.Run("one that is gone is named, and none is made", func(t *testing.T) {
		require.NoError(t, f.world.DeleteDDOEObject(dataloop.Integrations, "theirs"))
		assert.Equal(t, []string{"ddoe-integration-unknown"}, f.run(resource.View{}).codes())
		assert.Empty(t, f.integrations())
		f.put(dataloop.Integrations, theirs)
	})
	t.Run("teardown removes our driver alone", func(t *testing.T) {
		o := f.run(resource.View{Ending: true})
		require.Empty(t, o.errs)
		assert.Equal(t, []string{"ddoeDriver-delete deleted"}, o.steps)
		f.unchangedTheirs(theirs)
		assert.Empty(t, f.drivers())
	})
	t.Run("without ddoe it is used no more", func(t *testing.T) {
		next := wired()
		next.DDOE = nil
		f.document.ReplaceSpec(next)
		require.Empty(t, f.run(resource.View{}).errs)
		f.unchangedTheirs(theirs)
		assert.Empty(t, f.document.Status.DDOE.IntegrationID)
		assert.NotNil(t, f.document.Status.DDOE.Form)
	})
}

// The end of the API key is warned of from 30 days before.
func TestKeyThatEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	for days, warns := range map[int]bool{31: false, 29: true, -1: true} {
		f.platform.KeyExpires = f.now().AddDate(0, 0, days)
		isWarned := slices.ContainsFunc(f.observe(resource.View{Document: f.document}),
			func(i resource.Item) bool { return i.Code == "ddoe-api-key-expiring" })
		assert.Equal(t, warns, isWarned, days)
	}
}

// From one of ours to theirs: the driver moves first, and ours goes with the next run. And back.
func TestFromOursToTheirsAndBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	theirs := f.theirs()
	next := wired()
	next.DDOE.IntegrationID = "theirs"
	f.document.ReplaceSpec(next)
	driver := f.document.Status.DDOE.DriverID
	for range 2 {
		require.Empty(t, f.run(resource.View{}).errs)
	}
	assert.Len(t, f.integrations(), 1, "ours is gone")
	assert.Equal(t, driver, f.document.Status.DDOE.DriverID, "the driver is the same one")
	assert.Equal(t, "theirs", f.drivers()[0]["integrationId"])
	f.unchangedTheirs(theirs)

	back := wired()
	back.DisplayName = "Ours again"
	f.document.ReplaceSpec(back)
	require.Empty(t, f.run(resource.View{}).errs)
	assert.Len(t, f.integrations(), 2)
	assert.Equal(t, f.document.Status.DDOE.IntegrationID, f.drivers()[0]["integrationId"])
	assert.NotEqual(t, "theirs", f.document.Status.DDOE.IntegrationID)
	assert.False(t, f.document.Status.DDOE.Adopted)
	f.unchangedTheirs(theirs)
	require.Empty(t, f.run(resource.View{Ending: true}).errs)
	f.unchangedTheirs(theirs)
	assert.Len(t, f.integrations(), 1)
}

func TestADriverOfOurNameStaysTheirs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	next := wired()
	next.DDOE.Driver = nil
	f.document.Spec = next
	require.Empty(t, f.run(resource.View{}).errs)
	theirs := f.put(dataloop.Drivers, dataloop.Object{"id": "their-driver", "name": "images", "type": "azureblob",
		"creator": dataloop.UserEmail, "projectId": dataloop.ProjectID,
		"integrationId": f.document.Status.DDOE.IntegrationID, "containerName": "images", "path": "",
		"createdAt": f.now().UnixMilli()})
	f.document.ReplaceSpec(wired())
	assert.Equal(t, []string{"ddoe-driver-foreign"}, f.run(resource.View{}).codes())
	assert.Equal(t, []string{"ddoe-integration-in-use"}, f.run(resource.View{Ending: true}).codes())
	assert.Equal(t, []dataloop.Object{theirs}, f.drivers())
}

// Where the API was taken away, what it has made stays known, and what only it can do is refused.
func TestAPITakenAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	before := *f.document.Status.DDOE
	client := f.platform.Client
	f.platform.Client = nil
	require.Empty(t, f.run(resource.View{}).errs)
	st := f.document.Status.DDOE
	assert.Equal(t, []string{"manual", before.IntegrationID, before.DriverID},
		[]string{st.Mode, st.IntegrationID, st.DriverID})
	assert.Nil(t, st.Form, "nobody is told to make another")
	assert.Contains(t, f.run(resource.View{Ending: true}).codes(), "ddoe-api-off")
	f.platform.Client = client
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("back")
}

func TestTypeThatVanishes(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	offered := f.offered()
	require.NoError(t, f.world.DeleteDDOEObject(dataloop.AvailableIntegrations, offered["type"].(string)))
	require.Empty(t, f.run(resource.View{}).errs)
	assert.Equal(t, "manual", f.document.Status.DDOE.Mode)
	assert.Nil(t, f.document.Status.DDOE.Form)
	assert.Len(t, f.integrations(), 1)
	f.put(dataloop.AvailableIntegrations, offered)
	assert.Equal(t, "ddoe-api-usable",
		string(item(t, f.observe(resource.View{Document: f.document}), "ddoeIntegration", resource.Different).Code))
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("again")
}

// What a platform cannot do without is asked for at the start; without its API it reads no account.
func TestKindsAreWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*platform.Platform)
		isWhole bool
	}{
		"whole":                           {func(*platform.Platform) {}, true},
		"without an instance":             {func(p *platform.Platform) { p.Instance = "" }, false},
		"without a clock":                 {func(p *platform.Platform) { p.Requests.Now = nil }, false},
		"without a pause":                 {func(p *platform.Platform) { p.Requests.Sleep = nil }, false},
		"without accounts":                {func(p *platform.Platform) { p.Accounts = nil }, false},
		"without API and accounts: whole": {func(p *platform.Platform) { p.Client, p.Accounts = nil, nil }, true},
	} {
		p := *newFixture(t).platform
		c.change(&p)
		kinds, err := platform.New(p)
		assert.Equal(t, c.isWhole, err == nil, name)
		assert.Equal(t, c.isWhole, len(kinds) == 2, name)
	}
}

func TestHierarchicalAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.platform.Accounts = accounts(func(_ context.Context, accountID string) (bool, error) {
		return accountID == world.DataAccountID, nil
	})
	require.Empty(t, f.run(resource.View{}).errs)
	assert.Equal(t, "azureDatalakeGen2", f.drivers()[0]["type"])
	assert.Equal(t, "azureDatalakeGen2", f.document.Status.DDOE.Driver.Type)
}

// A platform that keeps a member ends with its name, and nothing counts to be changed.
func TestWhatThePlatformKeepsIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	next := wired()
	next.DDOE.Driver.Path = "a/b"
	f.document.ReplaceSpec(next)
	kept := func(r *http.Request, done *http.Response) (*http.Response, error) {
		driver := f.drivers()[0]
		driver["path"] = ""
		f.put(dataloop.Drivers, driver)
		return respond(r, 200, done.Header, `{"id": "`+f.document.Status.DDOE.DriverID+`", "name": "images", `+
			`"type": "azureblob", "path": ""}`), nil
	}
	f.strike("PATCH /drivers/", 0, fault{after: true, answer: kept})
	assert.Equal(t, []string{"ddoe-driver-unchanged"}, f.run(resource.View{}).codes())
	assert.Equal(t, "azureblob", f.document.Status.DDOE.Driver.Type, "what it was made as is still known")
	f.calm()
	require.Empty(t, f.run(resource.View{}).errs)
	f.requireOne("later")
}

// TestWhoUsesItIsAskedAgainWhenOurDriverHasGone: the integration is looked at while our driver goes, and the two
// answers about its users may not be of the same moment.
func TestWhoUsesItIsAskedAgainWhenOurDriverHasGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t).provisioned()
	next := wired()
	next.DDOE = nil
	f.document.ReplaceSpec(next)
	noDrivers := func(r *http.Request, _ *http.Response) (*http.Response, error) {
		return respond(r, 200, http.Header{"Content-Type": {"application/json"}}, `[]`), nil
	}
	f.strike(`GET /drivers\?`, 1, fault{answer: noDrivers})
	items := f.kinds()[0].Observe(t.Context(), resource.View{Document: f.document})
	assert.True(t, item(t, items, "ddoeIntegration", resource.Unwanted).Blocks, "the two answers differ")
	f.strike(`GET /drivers\?`, 1, fault{answer: noDrivers})
	require.Empty(t, f.run(resource.View{}).errs)
	assert.Empty(t, f.integrations())
	assert.Empty(t, f.drivers())
}
