package resourcetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// scenario is an action in a situation, of which each request is to fail.
type scenario struct {
	name string
	// begin makes the situation, in a fresh cloud with nothing of ours.
	begin func(b *bench)
	// first is the action that meets the fault, and again the one that is repeated then.
	first, again action
	// isLook is true where the first action only looks.
	isLook bool
	// leaves is true where objects of ours are wanted in the end.
	leaves bool
	// purges is true where not even restorable objects are wanted in the end.
	purges bool
}

func (s Suite) scenarios(t *testing.T) []scenario {
	b := s.begin(t)
	made := func(b *bench) { b.must(converge, "make") }
	all := []scenario{
		{name: "first run", begin: func(*bench) {}, first: begins, again: converge, leaves: true},
		{name: "run that looks", begin: func(*bench) {}, first: converge, again: converge, leaves: true},
		{name: "unchanged", begin: made, first: converge, again: converge, leaves: true},
		{name: "removed by somebody", begin: func(b *bench) {
			made(b)
			b.Delete(b)
		}, first: converge, again: converge, leaves: true},
		{name: "remove", begin: made, first: removes, again: removes},
		{name: "remove what somebody has removed", begin: func(b *bench) {
			made(b)
			b.Delete(b)
		}, first: removes, again: removes},
		{name: "look", begin: made, first: looks, isLook: true, again: converge, leaves: true},
		{name: "look before the end", begin: made, first: looksEnding, isLook: true, again: removes},
	}
	if s.hasAbility(t, CanChange, b.Change != nil) {
		all = append(all, scenario{name: "change", begin: func(b *bench) {
			made(b)
			b.Change(&b.Document.Spec)
		}, first: converge, again: converge, leaves: true})
	}
	if s.hasAbility(t, CanMove, b.Move != nil) {
		all = append(all, scenario{name: "move", begin: func(b *bench) {
			made(b)
			b.move()
		}, first: moves, again: converge, leaves: true})
	}
	if s.hasAbility(t, CanDrift, b.Drift != nil) {
		all = append(all, scenario{name: "changed by somebody", begin: func(b *bench) {
			made(b)
			b.Drift(b)
		}, first: converge, again: converge, leaves: true})
	}
	if s.hasAbility(t, CanBeside, b.Beside != nil) {
		all = append(all, scenario{name: "beside another", begin: func(b *bench) {
			made(b)
			b.Beside(b)
			b.Delete(b)
		}, first: converge, again: converge, leaves: true},
			scenario{name: "remove beside another", begin: func(b *bench) {
				made(b)
				b.Beside(b)
			}, first: removes, again: removes})
	}
	if s.hasAbility(t, CanBin, b.Binned != nil) {
		all = append(all, scenario{name: "purge", begin: made, first: purges, again: purges, purges: true})
	}
	if _, isProver := b.Kind.(resource.Prover); isProver {
		all = append(all, scenario{name: "prove", begin: made, first: proves, again: provesAnew, leaves: true},
			scenario{name: "prove what is locked", begin: func(b *bench) {
				made(b)
				b.Lock(b)
			}, first: refutes, again: converge, leaves: true})
	}
	return all
}

// move replaces the spec, as a PUT does.
func (b *bench) move() {
	next := b.Document.Clone().Spec
	b.Move(&next)
	b.Document.ReplaceSpec(next)
}

// moves makes the attempts of a move.
func moves(ctx context.Context, b *bench) error {
	err := converge(ctx, b)
	if err == nil || b.Leaves == "" || describe(split(err)[0]).Code != b.Leaves {
		return err
	}
	return converge(ctx, b)
}

// looks observes and takes it as true: a single faulty answer must teach nothing that is not so.
func looks(ctx context.Context, b *bench) error { return b.look(ctx, false) }

func looksEnding(ctx context.Context, b *bench) error { return b.look(ctx, true) }

func (b *bench) look(ctx context.Context, ending bool) error {
	l := b.loop()
	err := l.look(ctx, l.View(false, ending, false))
	b.seen = l.Seen
	if _, writes := b.wire.sent(); writes > 0 {
		b.Errorf("%d writes while looking", writes)
	}
	if err == nil {
		err = l.unread()
	}
	return err
}

// cell is one fault at one request of a scenario.
type cell struct {
	scenario
	Fault
	at    Request
	stays bool
}

func (c cell) String() string {
	how := "once"
	if c.stays {
		how = "stays"
	}
	return fmt.Sprintf("%s: %s: %s %s", c.name, c.at, c.Name, how)
}

// testFaults tries every fault at every request of a scenario.
func (s Suite) testFaults(t *testing.T, c scenario, total *totals) {
	b := s.begin(t)
	c.begin(b)
	b.wire.calm()
	require.NoError(t, c.first(t.Context(), b))
	asked, _ := b.wire.sent()
	require.NotEmpty(t, asked, "nothing is asked")
	b.must(c.again, "nothing fails")
	end := b.ours()
	_, makesNone := s.Lacks[CanMake]
	require.Equal(t, c.leaves && !makesNone, len(end) > 0)
	broken := 0
	try := func(at Request, f Fault, stays bool) (hits int) {
		hits, isGood := s.tryFault(t, cell{scenario: c, Fault: f, at: at, stays: stays}, end, total)
		if !isGood {
			broken++
		}
		if broken > maxBroken {
			t.Fatal("too much is broken")
		}
		return hits
	}
	for _, at := range asked {
		for _, f := range s.faults() {
			// A fault that stays and strikes once is the same as one that goes away.
			if f.kills || f.meanwhile != nil || try(at, f, true) > 1 {
				try(at, f, false)
			}
		}
	}
}

// maxBroken is how many broken cells of a scenario are printed.
const maxBroken = 12

// somebodyRemoves is the fault that is none: somebody removes what is ours before a request.
const somebodyRemoves = "somebody removes it"

// faults are the faults, and what somebody else does meanwhile. That is bound to a subject by tryFault.
func (s Suite) faults() []Fault {
	return append(faults(), Fault{Name: somebodyRemoves, meanwhile: func() {}})
}

// tryFault does an action of which a request fails, and then the same again.
func (s Suite) tryFault(t *testing.T, c cell, end []string, total *totals) (hits int, isGood bool) {
	isGood = t.Run(c.String(), func(t *testing.T) {
		b := s.begin(t)
		c.begin(b)
		b.noteForeign()
		b.wire.calm()
		f := c.Fault
		if f.meanwhile != nil {
			f.meanwhile = func() { b.Delete(b) }
		}
		before := b.Document.Clone()
		x := &struck{Fault: f, at: c.at, stays: c.stays}
		err := c.first(b.wire.strike(t.Context(), x), b)
		hits = x.done
		b.wire.calm()
		total.note(c, hits, err)
		s.survives(t, c, hits, err, total)
		msg := fmt.Sprintf("after the fault, which hit %d times and ended as: %v", hits, err)
		b.isNamed(err, msg)
		b.isUntouched(msg)
		if c.isLook && hits <= 1 && f.meanwhile == nil {
			require.Equal(t, before.Status, b.Document.Status, "one answer that lies teaches nothing")
			b.isInPlaceOrUnknown(c, msg)
		}
		if err != nil {
			b.isKnown(msg)
		} else if f.meanwhile == nil && !c.isLook {
			assert.Equal(t, end, b.ours(), "what was said to be done is done")
		}
		b.must(c.again, "the same again, "+msg)
		if len(s.Keyless) > 0 && len(end) != len(b.ours()) {
			b.must(c.again, "once more, "+msg) // of two objects of ours the next run removes the younger
		}
		assert.Equal(t, end, b.ours(), "in the end, "+msg)
		b.isUntouched("in the end, " + msg)
		if !c.leaves {
			if c.purges {
				assert.Zero(t, b.Binned(), "what could be restored")
			}
			return
		}
		b.isUnchanged("in the end, " + msg)
		b.must(removes, "remove, "+msg)
		assert.Empty(t, b.ours(), "after the removal")
		b.isUntouched("after the removal, " + msg)
	})
	return hits, isGood
}

// survives checks that one stale token, or one writer at the same time, ends no action: an idempotent request is sent
// again. Where the fault stays, it was refused more than once.
func (s Suite) survives(t *testing.T, c cell, hits int, err error, total *totals) {
	t.Helper()
	if !c.isSingle || hits != 1 {
		return
	}
	for shape := range s.Keyless {
		if strings.HasPrefix(c.at.Shape, shape) {
			total.keyless[shape]++
			return
		}
	}
	total.repeated++
	require.NoError(t, err, "one %s of an idempotent request", c.Name)
}

// isInPlaceOrUnknown checks what one faulty answer has made of a look at what is in place: it is in place, or not
// known.
func (b *bench) isInPlaceOrUnknown(c cell, msg string) {
	b.Helper()
	want := resource.Unchanged
	if !c.leaves {
		want = resource.Unwanted
	}
	for _, item := range b.seen {
		if item.Err == nil && !c.kills && item.State != resource.Manual { // which is no claim about what is there
			require.Equal(b, want, item.State, "%s: %s", msg, words([]resource.Item{item}))
		}
	}
}

// totals are what the matrix comes to.
type totals struct {
	cells, refused, missed, lags int
	actions, kinds               map[string]bool
	// keyless counts the faults of requests that have no key, by the beginning of their shape.
	keyless map[string]int
	// repeated counts the single refusals that the same action has survived.
	repeated int
}

func (t *totals) note(c cell, hits int, err error) {
	t.cells++
	t.actions[c.name], t.kinds[c.Name] = true, true
	if err != nil {
		t.refused++
	}
	if hits == 0 {
		t.missed++
	}
}

func (t *totals) String() string {
	return fmt.Sprintf("%d faults tried (%d sorts, each at each request of %d actions): %d ended as said at once, "+
		"%d in a named error that the same action mended, %d met no request; %d single refusals were sent again; "+
		"%d runs with lagging lists", t.cells, len(t.kinds), len(t.actions), t.cells-t.refused, t.refused,
		t.missed, t.repeated, t.lags)
}
