package ddoe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
)

// TestDates: a date comes as a number or as text; anything else says nothing, and spoils no answer.
func TestDates(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	for name, c := range map[string]struct {
		shown string
		want  time.Time
	}{
		"milliseconds":       {`1767323045006`, at},
		"text":               {`"2026-01-02T03:04:05.006Z"`, at},
		"text with a zone":   {`"2026-01-02T05:04:05.006+02:00"`, at},
		"null":               {`null`, time.Time{}},
		"text that is none":  {`"yesterday"`, time.Time{}},
		"zero":               {`0`, time.Time{}},
		"an absurd number":   {`1e300`, time.Time{}},
		"a negative number":  {`-1`, time.Time{}},
		"an object":          {`{"at":1}`, time.Time{}},
		"a number's fringes": {`1767323045006.9`, at},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, scripted{status: 200, contentType: asJSON, body: `[{"id":"i","name":"n","type":"t","createdAt":` + c.shown + `}]`})
			all, err := a.ListIntegrations(t.Context(), "o")
			require.NoError(t, err)
			assert.Equal(t, []ddoe.Integration{{ID: "i", Name: "n", Type: "t", CreatedAt: ddoe.Date{Time: c.want}}}, all)
		})
	}
}

func TestMemberships(t *testing.T) {
	for name, c := range map[string]struct {
		shown string
		want  []ddoe.Membership
		fails bool
	}{
		"ids":               {`[{"org":"o","member":"a@b","role":"member"}]`, []ddoe.Membership{{OrganizationID: "o", User: "a@b", Role: "member"}}, false},
		"objects":           {`[{"org":{"id":"o","name":"x"},"member":{"id":"a@b"},"role":"owner","status":"active"}]`, []ddoe.Membership{{OrganizationID: "o", User: "a@b", Role: "owner"}}, false},
		"little said":       {`[{"org":"o"},{"role":"owner"},{"org":null,"role":"owner"}]`, []ddoe.Membership{{OrganizationID: "o"}}, false},
		"odd entries":       {`[7,null,{"org":7,"role":"owner"},{"org":"o","role":{"name":"owner"}},"x"]`, nil, false},
		"none":              {`[]`, nil, false},
		"not a list":        {`{"items":[]}`, nil, true},
		"an organisation's": {`"o"`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, scripted{status: 200, contentType: asJSON, body: c.shown})
			all, err := a.Memberships(t.Context())
			assert.Equal(t, c.fails, err != nil)
			assert.Equal(t, c.want, all)
			assert.Equal(t, "/our/api/v1/users/orgs", a.last.URL.Path)
		})
	}
}

func TestProjectAndIntegrationAlone(t *testing.T) {
	for shown, want := range map[string]string{`{"id":"p","org":{"id":"o"}}`: "o", `{"id":"p","org":"o"}`: "o", `{"id":"p"}`: "", `{"id":"p","org":7}`: ""} {
		a := serve(t, scripted{status: 200, contentType: asJSON, body: shown})
		project, err := a.GetProject(t.Context(), "p/../q")
		require.NoError(t, err)
		assert.Equal(t, ddoe.Project{ID: "p", OrganizationID: want}, project)
		assert.Equal(t, "/our/api/v1/projects/p%2F..%2Fq", a.last.URL.EscapedPath())
	}
	_, err := serve(t, scripted{status: 200, contentType: asJSON, body: `{}`}).GetProject(t.Context(), "p")
	assert.Error(t, err, "a project without id is none")

	a := serve(t, scripted{status: 200, contentType: asJSON, body: `{"id":"i","name":"n"}`})
	one, err := a.GetIntegration(t.Context(), "i")
	require.NoError(t, err)
	assert.Equal(t, "n", one.Name)
	assert.Nil(t, one.Metadata, "the answer does not say")
	_, err = a.GetIntegration(t.Context(), "i/../j")
	require.NoError(t, err)
	assert.Equal(t, "/our/api/v1/integrations/i%2F..%2Fj", a.last.URL.EscapedPath(), "in whichever organisation it is")
	_, err = serve(t, scripted{status: 404, contentType: asJSON, body: `{"message":"Integration not found"}`}).GetIntegration(t.Context(), "i")
	assert.True(t, ddoe.IsNotFound(err))
}

// TestOddEntries: what is no entry is left out of a list, and a member of another form than the known one has not been said: an
// entry that nobody asked for spoils no other. Options are not left out: one that cannot be read may be required.
func TestOddEntries(t *testing.T) {
	const odd = `7, "x", null, [], {"id": 7, "name": "unnamed"}, {}, `
	t.Run("types", func(t *testing.T) {
		a := serve(t, scripted{status: 200, contentType: asJSON, body: `[7, "x", null, [],
			{"type": {"a": 1}, "displayName": 7, "options": {"a": 1}},
			{"type": "odd", "displayName": "Odd", "options": [7, null, {"name": "a", "type": {"name": "string"}, "required": true}, {"name": 7, "displayName": "B", "required": {}}]},
			{"type": "listless", "options": {"a": 1}}, {"type": "without"}, {"type": "null", "options": null},
			{"type": "t", "displayName": "T", "options": [{"name": "a", "type": "string", "required": true}, {"name": "b", "required": false}, {"name": "c", "required": null}, {"name": "d"}, {"name": "e", "required": "yes"}]}]`})
		all, err := a.AvailableIntegrations(t.Context(), "o")
		require.NoError(t, err)
		assert.Equal(t, []ddoe.IntegrationType{
			{Type: "odd", DisplayName: "Odd", Options: []ddoe.Option{{Required: true}, {Name: "a", Required: true}, {DisplayName: "B", Required: true}}},
			{Type: "listless", Options: []ddoe.Option{{Required: true}}}, {Type: "without"}, {Type: "null"},
			{Type: "t", DisplayName: "T", Options: []ddoe.Option{{Name: "a", Required: true}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e", Required: true}}},
		}, all)
	})
	t.Run("integrations", func(t *testing.T) {
		a := serve(t, scripted{status: 200, contentType: asJSON, body: `[` + odd + `{"id": "i", "name": {"en": "n"}, "type": 7, "metadata": [7, {"name": "m", "value": "v"}]}, {"id": "j", "name": "n", "type": "t"}]`})
		all, err := a.ListIntegrations(t.Context(), "o")
		require.NoError(t, err)
		assert.Equal(t, []ddoe.Integration{{ID: "i", Metadata: ddoe.Metadata{"m": {Name: "m", Value: "v"}}}, {ID: "j", Name: "n", Type: "t"}}, all)
	})
	t.Run("drivers", func(t *testing.T) {
		a := serve(t, scripted{status: 200, contentType: asJSON, body: `[` + odd + `{"id": "d", "name": {}, "type": 1, "projectId": 7, "integrationId": {"id": "i"}, "integrationType": 1, "containerName": 1, "path": null,
			"allowExternalDelete": "no", "metadata": []}, {"id": "e", "name": "n", "metadata": {"system": {"projectId": "p"}}}]`})
		all, err := a.ListDrivers(t.Context(), "p", "i")
		require.NoError(t, err)
		assert.Equal(t, []ddoe.Driver{{ID: "d"}, {ID: "e", Name: "n", ProjectID: "p"}}, all)
	})
	t.Run("not a list", func(t *testing.T) {
		a := serve(t, scripted{status: 200, contentType: asJSON, body: `{"items": []}`})
		_, err := a.ListIntegrations(t.Context(), "o")
		assert.Error(t, err)
		_, err = a.AvailableIntegrations(t.Context(), "o")
		assert.Error(t, err)
	})
	for name, read := range map[string]func(*api) error{
		"an integration alone": func(a *api) error { _, err := a.GetIntegration(t.Context(), "i"); return err },
		"a driver alone":       func(a *api) error { _, err := a.GetDriver(t.Context(), "d"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			for body, sound := range map[string]bool{`{"id": 7}`: false, `[]`: false, `{"id": "x", "name": 7}`: true} {
				assert.Equal(t, sound, read(serve(t, scripted{status: 200, contentType: asJSON, body: body})) == nil, body)
			}
		})
	}
}
