package ddoe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
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
