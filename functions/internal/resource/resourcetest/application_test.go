package resourcetest_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/application"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const uniqueName = "ddoe-wif-" + instance + "-" + id

func TestApplication(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "application", New: newApplication, Lacks: map[resourcetest.Ability]string{
		resourcetest.CanMove: "a deployment writes to one directory",
		resourcetest.CanBeside: "the unique name is the only place of an application, and an application's " +
			"principal is its only one",
	}}.Run(t)
}

func newApplication(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	s := &resourcetest.Subject{Kind: application.New(a.graph, a.requests, instance, nil), Document: document(subject)}
	s.Objects = func() []resourcetest.Object {
		var all []resourcetest.Object
		for _, o := range a.Applications() {
			all = append(all, object(o.UniqueName, !a.theirs[o.ID], o, func(o *world.Application) {
				o.ID, o.AppID, o.CreatedDateTime = "", "", time.Time{}
			}))
		}
		for _, o := range a.ServicePrincipals() {
			if o.ID != world.AppPrincipalID {
				all = append(all, object(o.AppID, !a.theirs[o.ID], o, func(o *world.ServicePrincipal) {
					o.ID, o.AppID,
						o.CreatedDateTime = "", "", time.Time{}
				}))
			}
		}
		return all
	}
	s.Binned = func() int { return len(a.DeletedItems()) }
	s.Change = func(spec *integration.Spec) { spec.DisplayName = "Renamed" }
	s.Drift = func(t testing.TB) {
		app, ok := a.ApplicationByUniqueName(uniqueName)
		require.True(t, ok)
		_, err := a.UpdateApplication(app.ID, func(o *world.Application) error {
			o.DisplayName = "renamed by hand"
			o.Tags = slices.DeleteFunc(o.Tags, func(tag string) bool { return tag != theirTag }) // ours
			return nil
		})
		require.NoError(t, err)
	}
	s.Delete = func(t testing.TB) {
		if app, ok := a.ApplicationByUniqueName(uniqueName); ok && !a.theirs[app.ID] {
			require.NoError(t, a.DeleteApplication(app.ID))
		}
	}
	s.Foreign = []resourcetest.Foreign{{Name: "an application under our unique name",
		Refusal: diagnosis.CodeApplicationForeign,
		Put: func(t testing.TB) {
			app, err := a.CreateApplication(world.Application{UniqueName: uniqueName, DisplayName: "theirs"}, "")
			if errors.Is(err, world.ErrUniqueNameTaken) {
				return // ours was there first
			}
			require.NoError(t, err)
			a.theirs[app.ID] = true
		}}}
	s.Members = applicationMembers(a)
	return s
}

const theirTag = "cost-center:4711"

// applicationMembers are what somebody may change by hand.
func applicationMembers(a *azure) []resourcetest.Member {
	onApplication := func(change func(o *world.Application)) func(testing.TB) {
		return func(t testing.TB) {
			app, _ := a.ApplicationByUniqueName(uniqueName)
			_, err := a.UpdateApplication(app.ID, func(o *world.Application) error {
				change(o)
				return nil
			})
			require.NoError(t, err)
		}
	}
	added := []world.LoginCredential{{KeyID: "22222222-0000-4000-8000-000000000001", DisplayName: "by hand"}}
	return []resourcetest.Member{
		{Name: "isDisabled", Set: onApplication(func(o *world.Application) { o.IsDisabled = true })},
		{Name: "disabledByMicrosoftStatus", Set: onApplication(func(o *world.Application) {
			o.DisabledByMicrosoftStatus = "DisabledDueToViolationOfServicesAgreement"
		})},
		{Name: "passwordCredentials", Set: onApplication(func(o *world.Application) {
			o.PasswordCredentials = added
		})},
		{Name: "keyCredentials", Set: onApplication(func(o *world.Application) { o.KeyCredentials = added })},
		{Name: "accountEnabled", Set: func(t testing.TB) {
			app, _ := a.ApplicationByUniqueName(uniqueName)
			sp, ok := a.ServicePrincipalByAppID(app.AppID)
			require.True(t, ok)
			_, err := a.UpdateServicePrincipal(sp.ID, func(o *world.ServicePrincipal) error {
				o.AccountEnabled = false
				return nil
			})
			require.NoError(t, err)
		}},
		{Name: "tags", IsSilent: "they say nothing about access", Set: onApplication(func(o *world.Application) {
			o.Tags = append(o.Tags, theirTag)
		})},
		{Name: "notes", IsSilent: "it says nothing about access",
			Set: onApplication(func(o *world.Application) { o.Notes = "ask Ada first" })},
	}
}

// TestAStrangersPrincipal is neither learnt nor removed, where a stranger's application has taken the unique name of
// ours: whether ours was never made, is gone, or its principal is still seen.
func TestAStrangersPrincipal(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*azure, *integration.Document){
		"ours was never made": func(*azure, *integration.Document) {},
		"ours is gone": func(_ *azure, d *integration.Document) {
			d.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
			d.Status.ClientID, d.Status.ServicePrincipalID = clientID, principalID
		},
		"our principal is still seen": func(a *azure, d *integration.Document) {
			d.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
			d.Status.ClientID, d.Status.ServicePrincipalID = clientID, principalID
			_, err := a.CreateApplication(world.Application{ID: objectID, AppID: clientID, UniqueName: "renamed",
				DisplayName: "ours"}, world.AppPrincipalID)
			require.NoError(t, err)
			_, err = a.CreateServicePrincipal(world.ServicePrincipal{ID: principalID, AppID: clientID,
				AccountEnabled: true}, world.AppPrincipalID)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, d := newAzure(t, resourcetest.NewWire()), document(subject)
			prepare(a, &d)
			theirs, err := a.CreateApplication(world.Application{UniqueName: uniqueName, DisplayName: "theirs"},
				world.AppPrincipalID)
			require.NoError(t, err)
			principal, err := a.CreateServicePrincipal(world.ServicePrincipal{AppID: theirs.AppID,
				AccountEnabled: true}, world.AppPrincipalID)
			require.NoError(t, err)
			kind := application.New(a.graph, a.requests, instance, nil)
			for _, ending := range []bool{false, true} {
				before := d.Clone()
				v := resource.View{Document: d.Clone(), Ending: ending}
				items := kind.Observe(t.Context(), v)
				resource.LearnAll(&d.Status, items)
				assert.Equal(t, before.Status.ClientID, items[1].Key)
				assert.Equal(t, before.Status.ServicePrincipalID, d.Status.ServicePrincipalID)
				if ending {
					v.Document = d.Clone()
					for _, r := range kind.Remove(t.Context(), v, resource.InState(items, resource.Unwanted)) {
						require.NoError(t, r.Err)
					}
				}
			}
			left, ok := a.ServicePrincipal(principal.ID)
			require.True(t, ok, "it is theirs")
			assert.Equal(t, theirs.AppID, left.AppID)
		})
	}
}

// TestWhatIsToldOfOthersMembers: a status that disables nothing is no difference, certificates are read only for
// people, and of two things the one that ends access is named.
func TestWhatIsToldOfOthersMembers(t *testing.T) {
	t.Parallel()
	added := []world.LoginCredential{{KeyID: "2"}, {KeyID: "1", DisplayName: "one"}}
	for name, c := range map[string]struct {
		set     func(o *world.Application)
		told    bool
		state   resource.State
		code    diagnosis.Code
		members []string
	}{
		"not disabled": {func(o *world.Application) { o.DisabledByMicrosoftStatus = "NotDisabled" }, true,
			resource.Unchanged, "", nil},
		"certificates, a look of ours": {func(o *world.Application) { o.KeyCredentials = added }, false,
			resource.Unchanged, "", nil},
		"certificates, told": {func(o *world.Application) { o.KeyCredentials = added }, true,
			resource.Unchanged, diagnosis.CodeLoginCredentialExtra, []string{"keyCredentials: 2 one (1)"}},
		"renamed, with a secret": {func(o *world.Application) {
			o.DisplayName, o.PasswordCredentials = "renamed", added
		}, false, resource.Different, diagnosis.CodeLoginCredentialExtra,
			[]string{"displayName: renamed", "passwordCredentials: 2 one (1)"}},
		"for other tenants": {func(o *world.Application) { o.SignInAudience = "AzureADMultipleOrgs" }, false,
			resource.Different, diagnosis.CodeApplicationChanged, []string{"signInAudience: AzureADMultipleOrgs"}},
		"every member of ours": {func(o *world.Application) {
			o.DisplayName, o.SignInAudience, o.Tags = "renamed", "AzureADMultipleOrgs", []string{"b", "a"}
		}, false, resource.Different, diagnosis.CodeApplicationChanged, []string{"displayName: renamed",
			"signInAudience: AzureADMultipleOrgs", "tags: b a"}},
		"disabled, with a secret": {func(o *world.Application) {
			o.IsDisabled, o.PasswordCredentials = true, added
		}, false, resource.Unchanged, diagnosis.CodeClientDisabled,
			[]string{"passwordCredentials: 2 one (1)", "isDisabled: true"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAzure(t, resourcetest.NewWire())
			d := a.identified(t, document(subject))
			_, err := a.UpdateApplication(objectID, func(o *world.Application) error {
				o.Tags = []string{"managed-by:ddoe-wif", "integration:" + id}
				c.set(o)
				return nil
			})
			require.NoError(t, err)
			kind := application.New(a.graph, a.requests, instance, nil)
			item := kind.Observe(t.Context(), resource.View{Document: d, Told: c.told})[0]
			assert.Equal(t, c.state, item.State)
			assert.Equal(t, c.code, item.Code)
			var members []string
			for _, m := range item.Differences {
				members = append(members, m.Member+": "+m.Have)
			}
			assert.Equal(t, c.members, members)
		})
	}
}

// TestWhatIsAbsentAtTheEnd: a principal is absent with its application where its client id was never recorded, and by
// its own look where it was.
func TestWhatIsAbsentAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		isRecorded, isThere bool
		want                []bool
	}{
		"never made":                   {false, false, []bool{true, true}},
		"recorded, gone":               {true, false, []bool{true, true}},
		"the principal is still there": {true, true, []bool{true, false}},
	} {
		a, d := newAzure(t, resourcetest.NewWire()), document(subject)
		if c.isRecorded {
			d.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
			d.Status.ClientID, d.Status.ServicePrincipalID = clientID, principalID
		}
		if c.isThere {
			_, err := a.CreateApplication(world.Application{ID: objectID, AppID: clientID, UniqueName: "renamed",
				DisplayName: "ours"}, world.AppPrincipalID)
			require.NoError(t, err)
			_, err = a.CreateServicePrincipal(world.ServicePrincipal{ID: principalID, AppID: clientID,
				AccountEnabled: true}, world.AppPrincipalID)
			require.NoError(t, err)
		}
		items := application.New(a.graph, a.requests, instance, nil).Observe(t.Context(),
			resource.View{Document: d, Ending: true})
		require.Len(t, items, 2)
		assert.Equal(t, c.want, []bool{items[0].IsAbsent, items[1].IsAbsent}, name)
	}
}
