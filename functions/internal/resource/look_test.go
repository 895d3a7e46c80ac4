package resource_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// looker finds one item, and remembers what it was told.
type looker struct {
	name  string
	needs []string
	item  resource.Item
	told  *integration.Document
}

func (l looker) Name() string       { return l.name }
func (l looker) Needs() []string    { return l.needs }
func (l looker) Outlives() []string { return nil }
func (l looker) Observe(_ context.Context, v resource.View) []resource.Item {
	if l.told != nil {
		*l.told = v.Document
	}
	return []resource.Item{l.item}
}

// TestWhatOnlyLooksWritesNothing, whatever it is asked.
func TestWhatOnlyLooksWritesNothing(t *testing.T) {
	t.Parallel()
	kind := resource.Looking(looker{name: "one"})
	items := []resource.Item{{Name: "a", Key: "k"}, {Name: "b"}}
	for _, results := range [][]resource.Result{kind.Apply(t.Context(), resource.View{}, items),
		kind.Remove(t.Context(), resource.View{}, items)} {
		require.Len(t, results, 2)
		for i, r := range results {
			var refused *diagnosis.Error
			require.ErrorAs(t, r.Err, &refused)
			assert.Equal(t, diagnosis.CodeIntegrationUnmanaged, refused.Diagnosis.Code)
			assert.Equal(t, items[i], r.Item)
			assert.Equal(t, []string{items[i].Name, items[i].Key}, []string{r.Step, r.StepTarget})
			assert.Nil(t, r.Learn)
		}
	}
}

// TestEachIntegrationHasItsKinds: what somebody else has made is never given to a kind that writes.
func TestEachIntegrationHasItsKinds(t *testing.T) {
	t.Parallel()
	writes := &seenKind{name: "writes"}
	looks := resource.Looking(looker{name: "looks"})
	all := []resource.Kind{writes, looks}
	assert.Equal(t, []resource.Kind{writes}, resource.Of(all, integration.Document{}))
	assert.Equal(t, []resource.Kind{looks}, resource.Of(all, integration.Document{IsUnmanaged: true}))
	for isUnmanaged, want := range map[bool]string{false: "writes", true: "looks"} {
		observed := resource.Observe(t.Context(), all,
			resource.View{Document: integration.Document{IsUnmanaged: isUnmanaged}})
		require.Len(t, observed, 1)
		assert.Equal(t, want, observed[0].Kind.Name())
	}
}

// TestWhatIsNeededIsFoundFirst: the others are told of it, and the record stays as it is.
func TestWhatIsNeededIsFoundFirst(t *testing.T) {
	t.Parallel()
	missing := resource.Item{Name: "b", State: resource.Missing, Code: diagnosis.CodeRoleMissing}
	learns := func(st *integration.Status) { st.ServicePrincipalID = "found" }
	for name, c := range map[string]struct {
		first resource.Item
		id    string
		root  string
	}{
		"found":       {resource.Item{Name: "a", State: resource.Unchanged, Learn: learns}, "found", ""},
		"missing":     {resource.Item{Name: "a", State: resource.Missing}, "recorded", "structure.a"},
		"not to read": {resource.Item{Name: "a", Err: errors.New("no"), Learn: learns}, "recorded", "structure.a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told integration.Document
			d := integration.Document{IsUnmanaged: true}
			d.Status.ServicePrincipalID = "recorded"
			kinds := []resource.Kind{resource.Looking(looker{name: "rights", needs: []string{"one"}, item: missing,
				told: &told}), resource.Looking(looker{name: "one", item: c.first})}
			items := resource.Items(resource.Observe(t.Context(), kinds, resource.View{Document: d}))
			require.Len(t, items, 2)
			assert.Equal(t, c.id, told.Status.ServicePrincipalID)
			assert.Equal(t, "recorded", d.Status.ServicePrincipalID)
			assert.Equal(t, c.root, items[1].Root)
			assert.Equal(t, c.root == "", items[1].Code != "", "what was not looked at has no code")
		})
	}
}

// TestALookKeepsTheDocument: what kinds teach each other on the way is not written into what was given.
func TestALookKeepsTheDocument(t *testing.T) {
	t.Parallel()
	first := looker{name: "first", item: resource.Item{Name: "one", Learn: func(s *integration.Status) {
		s.DDOE.IntegrationID, s.ClientID = "learnt", "learnt"
	}}}
	var told integration.Document
	given := integration.Document{IsUnmanaged: true, Status: integration.Status{DDOE: &integration.DDOEStatus{
		IntegrationID: "given"}}}
	resource.Observe(t.Context(), []resource.Kind{resource.Looking(first), resource.Looking(looker{name: "second",
		needs: []string{"first"}, told: &told})}, resource.View{Document: given})
	assert.Equal(t, "learnt", told.Status.DDOE.IntegrationID)
	assert.Equal(t, "learnt", told.Status.ClientID)
	assert.Equal(t, "given", given.Status.DDOE.IntegrationID)
}

// slow is a looker that takes its time.
type slow struct {
	looker
	takes time.Duration
	ended *time.Time
}

func (s slow) Observe(ctx context.Context, v resource.View) []resource.Item {
	time.Sleep(s.takes)
	*s.ended = time.Now()
	return s.looker.Observe(ctx, v)
}

// TestASlowKindDelaysWhatNeedsItAlone: nothing else waits for it.
func TestASlowKindDelaysWhatNeedsItAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accounts, identity, trust time.Time
		one := func(name string, takes time.Duration, ended *time.Time, needs ...string) resource.Kind {
			return resource.Looking(slow{looker: looker{name: name, needs: needs, item: resource.Item{Name: name}},
				takes: takes, ended: ended})
		}
		began := time.Now()
		observed := resource.Observe(t.Context(), []resource.Kind{
			one("trust", 2*time.Second, &trust, "identity"), one("identity", time.Second, &identity),
			one("accounts", time.Minute, &accounts)},
			resource.View{Document: integration.Document{IsUnmanaged: true}})
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, time.Second, identity.Sub(began))
		assert.Equal(t, 3*time.Second, trust.Sub(began))
		assert.Equal(t, time.Minute, accounts.Sub(began))
		require.Len(t, observed, 3)
		assert.Equal(t, "trust", observed[2].Kind.Name(), "what needs others is told last")
	})
}
