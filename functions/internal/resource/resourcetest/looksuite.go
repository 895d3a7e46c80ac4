package resourcetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Sight is a kind that only looks, in a fresh cloud where everything is in place, made by somebody else.
type Sight struct {
	Looker resource.Looker
	// Document names what is looked at, and has in its status what the kind needs of others.
	Document integration.Document
	// Cloud is all that the cloud holds.
	Cloud func() string
	// Edit has somebody write an object of a sort, or remove it where there is no object.
	Edit func(t testing.TB, sort, id string, object map[string]any)
}

// LookSuite is a kind under test that only looks. After any fault of any request it observes what there is, or ends
// with a refusal that has a code; one faulty answer teaches nothing, and nothing is ever written.
type LookSuite struct {
	Name string
	// New makes a fresh cloud with the kind in it, over the wire.
	New func(t testing.TB, w *Wire) *Sight
	// Situations are what somebody has made of it, by name, with the code that is told of the first item then.
	Situations map[string]Situation
}

// Situation is a change of what is looked at.
type Situation struct {
	Put func(t testing.TB, s *Sight)
	// Code is that of the first item that tells of it.
	Code diagnosis.Code
}

// Run tries every fault at every request of every situation, and logs what that comes to.
func (s LookSuite) Run(t *testing.T) {
	total := &totals{actions: map[string]bool{}, kinds: map[string]bool{}, keyless: map[string]int{}}
	all := maps.Clone(s.Situations)
	if all == nil {
		all = map[string]Situation{}
	}
	all["all in place"] = Situation{Put: func(testing.TB, *Sight) {}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) { s.testFaults(t, name, all[name], total) })
	}
	t.Log(s.Name + ": " + total.String())
}

// gaze is one look at a sight, in its situation.
type gaze struct {
	*bench
	sight *Sight
}

func (s LookSuite) begin(t *testing.T, situation Situation) gaze {
	w := NewWire()
	sight := s.New(t, w)
	situation.Put(t, sight)
	b := &bench{TB: t, wire: w, Subject: &Subject{Kind: resource.Looking(sight.Looker), Document: sight.Document}}
	w.calm()
	return gaze{bench: b, sight: sight}
}

func (s LookSuite) testFaults(t *testing.T, name string, situation Situation, total *totals) {
	g := s.begin(t, situation)
	require.NoError(t, looks(t.Context(), g.bench))
	asked, writes := g.wire.sent()
	require.NotEmpty(t, asked, "nothing is asked")
	require.Zero(t, writes, "a look writes nothing")
	want, learnt := told(g.seen), g.Document.Status
	require.NotEmpty(t, want)
	require.Equal(t, situation.Code, firstCode(g.seen), words(g.seen))
	for _, at := range asked {
		for _, f := range faults() {
			for _, stays := range []bool{true, false} {
				c := cell{scenario: scenario{name: name, isLook: true}, Fault: f, at: at, stays: stays}
				t.Run(c.String(), func(t *testing.T) {
					g := s.begin(t, situation)
					g.meets(c, want, total)
					g.ends(c, want, learnt)
				})
			}
		}
	}
}

// meets looks while a request fails, and checks what is told then: what there is, or a refusal that has a code.
func (g gaze) meets(c cell, want []string, total *totals) {
	g.Helper()
	before := g.sight.Cloud()
	x := &struck{Fault: c.Fault, at: c.at, stays: c.stays}
	err := looks(g.wire.strike(g.Context(), x), g.bench)
	total.note(c, x.done, err)
	_, writes := g.wire.sent()
	require.Zero(g, writes, "a look writes nothing")
	require.Equal(g, before, g.sight.Cloud(), "a look changes nothing")
	g.wire.calm()
	if c.isSingle && x.done == 1 {
		total.repeated++
		require.NoError(g, err, "one %s of a read", c.Name)
	}
	if c.kills { // nobody is told what a dead process has seen
		return
	}
	for _, item := range g.seen {
		switch {
		case item.Err != nil:
			g.isNamed(item.Err, c.String())
		case c.Name == "404" && x.done > 1 && item.State == resource.Missing && item.Code != "":
			// the service has answered twice that there is no such thing
		case err != nil && item.Root != "":
			// it is not told by itself, but as a consequence of what could not be read
		default:
			require.Contains(g, want, tellOne(item), "what is told after %d faulty answers", x.done)
		}
	}
}

// ends checks that the next look observes everything, whatever the faulty one has taught.
func (g gaze) ends(c cell, want []string, learnt integration.Status) {
	g.Helper()
	g.Document = g.sight.Document
	require.NoError(g, looks(g.Context(), g.bench))
	assert.Equal(g, want, told(g.seen), "%s: in the end", c)
	assert.Equal(g, learnt, g.Document.Status, "%s: what is learnt in the end", c)
	results := append(g.Kind.Apply(g.Context(), g.view(false, false, false), g.seen),
		g.Kind.Remove(g.Context(), g.view(false, true, false), g.seen)...)
	for _, r := range results {
		assert.Equal(g, diagnosis.CodeIntegrationUnmanaged, describe(r.Err).Code)
	}
	_, writes := g.wire.sent()
	assert.Zero(g, writes, "its writes are refused")
}

// told are items as people are told of them.
func told(items []resource.Item) []string {
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = tellOne(item)
	}
	return lines
}

func tellOne(i resource.Item) string {
	return fmt.Sprintf("%s %s %s %s code=%s detail=%s differences=%v err=%v", i.Name, i.Key, i.Target, i.State, i.Code,
		i.Detail, i.Differences, i.Err)
}

func firstCode(items []resource.Item) diagnosis.Code {
	for _, item := range items {
		if item.Err != nil {
			return describe(item.Err).Code
		}
		if item.Code != "" {
			return item.Code
		}
	}
	return ""
}
