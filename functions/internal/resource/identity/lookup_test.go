package identity_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
)

// finder is a place, and counts how often it is asked.
type finder struct {
	name           string
	isFound, isIts bool
	err            error
	asked          int
}

func (f *finder) Find(context.Context, integration.Document) ([]resource.Item, bool) {
	f.asked++
	return []resource.Item{{Key: f.name}}, f.isFound
}

func (f *finder) List(context.Context, integration.Document) ([]resource.Credential, bool, error) {
	return []resource.Credential{{Name: f.name}}, f.isIts, f.err
}

// TestPlacesAreAskedInTurn until one has found the identity; where none has, the first one's word counts.
func TestPlacesAreAskedInTurn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second bool
		want          string
		asked         [2]int
	}{
		"the first has it":  {first: true, second: true, want: "first", asked: [2]int{1, 0}},
		"the second has it": {second: true, want: "second", asked: [2]int{1, 1}},
		"none has it":       {want: "first", asked: [2]int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := &finder{name: "first", isFound: c.first}, &finder{name: "second", isFound: c.second}
			l := identity.NewLookup(first, second)
			assert.Equal(t, []resource.Item{{Key: c.want}}, l.Observe(t.Context(), resource.View{}))
			assert.Equal(t, c.asked, [2]int{first.asked, second.asked})
			assert.Empty(t, l.Observe(t.Context(), resource.View{Apart: true}))
			assert.Empty(t, l.Observe(t.Context(), resource.View{Ending: true}))
			assert.Equal(t, c.asked, [2]int{first.asked, second.asked}, "nothing is asked where nothing is wanted")
		})
	}
}

// TestCredentialsAreListedWhereTheyAreKept, with that place's error. Of an identity that nobody keeps nothing is
// known; without one there are no credentials.
func TestCredentialsAreListedWhereTheyAreKept(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	l := identity.NewLookup(&finder{name: "first"}, &finder{name: "second", isIts: true, err: failed})
	all, err := l.List(t.Context(), integration.Document{})
	assert.Equal(t, []resource.Credential{{Name: "second"}}, all)
	assert.Equal(t, failed, err)

	nobody := identity.NewLookup(&finder{name: "first"})
	all, err = nobody.List(t.Context(), integration.Document{})
	assert.NoError(t, err)
	assert.Empty(t, all)
	var d integration.Document
	d.Status.Identity.Kind = integration.IdentityApplication
	_, err = nobody.List(t.Context(), d)
	var told *diagnosis.Error
	assert.ErrorAs(t, err, &told)
	assert.Equal(t, diagnosis.CodeIdentityNotSeen, told.Diagnosis.Code)
}
