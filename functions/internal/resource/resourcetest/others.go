package resourcetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// testRepeat applies twice and removes twice.
func (s Suite) testRepeat(t *testing.T) {
	b := s.begin(t)
	require.Empty(t, b.ours())
	b.must(begins, "make")
	made := b.ours()
	s.hasAbility(t, CanMake, len(made) > 0)
	b.isUnchanged("made")
	b.wire.calm()
	require.NoError(t, converge(t.Context(), b))
	_, writes := b.wire.sent()
	assert.Zero(t, writes, "a run with nothing to do writes nothing")
	// Apply may run twice: with what was seen before anything was there.
	twice := s.begin(t)
	items := twice.Kind.Observe(t.Context(), twice.view(false, false, false))
	for range 2 {
		differ := resource.InState(items, resource.Missing, resource.Restorable, resource.Different)
		resource.LearnAll(&twice.Document.Status, items)
		require.NoError(t, twice.loop().Record(t.Context(),
			twice.Kind.Apply(t.Context(), twice.view(false, false, false), differ)))
		twice.must(converge, "the second of two")
		assert.Equal(t, made, twice.ours())
	}
	// So may Remove.
	items = resource.InState(b.Kind.Observe(t.Context(), b.view(false, true, false)), resource.Unwanted)
	for range 2 {
		v := b.view(false, true, false)
		require.NoError(t, b.loop().Record(t.Context(), b.Kind.Remove(t.Context(), v, items)))
		assert.Empty(t, b.ours())
	}
	b.must(removes, "remove what is removed")
}

// testForeign puts somebody else's objects in the way.
func (s Suite) testForeign(t *testing.T) {
	if !s.hasAbility(t, CanForeign, len(s.begin(t).Foreign) > 0) {
		return
	}
	for i, f := range s.begin(t).Foreign {
		t.Run(f.Name, func(t *testing.T) {
			b := s.begin(t)
			b.Foreign[i].Put(t)
			b.noteForeign()
			require.NotEmpty(t, b.foreign)
			err := b.calmly(begins, f.Name) // it holds without looking first
			b.isUntouched(f.Name)
			if f.Refusal != "" {
				require.Error(t, err)
				assert.Equal(t, f.Refusal, describe(split(err)[0]).Code)
				assert.Empty(t, b.ours(), "nothing is made")
			} else {
				require.NoError(t, err)
				b.must(converge, "look again")
				b.isUnchanged(f.Name)
				b.isKnown(f.Name)
			}
			b.isUntouched(f.Name)
			b.must(removes, "remove")
			assert.Empty(t, b.ours())
			b.isUntouched("removed")
		})
		for j, turn := range f.Turns {
			t.Run(f.Name+" "+turn.Name, func(t *testing.T) { s.testTurn(t, i, j) })
		}
		if f.Races == "" {
			t.Run(f.Name+" comes meanwhile", func(t *testing.T) { s.testForeignMeanwhile(t, i) })
		}
	}
}

// testTurn has somebody change their object while it serves: ours is made beside it, or nothing is.
func (s Suite) testTurn(t *testing.T, i, j int) {
	b := s.begin(t)
	b.Foreign[i].Put(t)
	b.must(begins, "it serves")
	turn := b.Foreign[i].Turns[j]
	turn.Put(t)
	b.noteForeign()
	before, err := b.ours(), b.calmly(converge, turn.Name)
	b.isUntouched(turn.Name)
	b.isKnown(turn.Name)
	if turn.Refusal != "" {
		require.Error(t, err)
		assert.Equal(t, turn.Refusal, describe(split(err)[0]).Code)
		assert.Equal(t, before, b.ours(), "nothing is made")
	} else {
		require.NoError(t, err)
		assert.Len(t, b.ours(), len(before)+1, "ours is made beside it")
		b.isUnchanged(turn.Name)
	}
	b.must(removes, "remove")
	assert.Empty(t, b.ours())
	b.isUntouched("removed")
}

// testForeignMeanwhile puts somebody else's object in the way before each request of a run.
func (s Suite) testForeignMeanwhile(t *testing.T, i int) {
	b := s.begin(t)
	require.NoError(t, converge(t.Context(), b))
	asked, _ := b.wire.sent()
	for _, at := range asked {
		b := s.begin(t)
		x := &struck{at: at}
		x.meanwhile = func() {
			b.Foreign[i].Put(b)
			b.noteForeign()
		}
		err := converge(b.wire.strike(t.Context(), x), b)
		b.wire.calm()
		require.NotZero(t, x.done)
		msg := fmt.Sprintf("it came before %s, and the run ended as: %v", at, err)
		b.isNamed(err, msg)
		b.isUntouched(msg)
		b.isKnown(msg)
		_ = b.calmly(converge, msg) // a refusal is fine
		b.isUntouched(msg)
		b.isKnown(msg)
		b.must(removes, msg)
		assert.Empty(t, b.ours(), msg)
	}
}

// testMembers sets members that are not ours.
func (s Suite) testMembers(t *testing.T) {
	if !s.hasAbility(t, CanMembers, len(s.begin(t).Members) > 0) {
		return
	}
	for i, m := range s.begin(t).Members {
		t.Run(m.Name, func(t *testing.T) {
			b := s.begin(t)
			b.must(begins, "make")
			plain := b.ours()
			b.Members[i].Set(t)
			set := b.ours()
			member := without(leaves(t, set), leaves(t, plain))
			require.NotEmpty(t, member, "the state has the member")
			b.showsMember(m)
			b.must(converge, "it is kept")
			assert.Equal(t, set, b.ours(), "it is kept")
			if b.Drift != nil {
				b.Drift(t)
				require.NotEqual(t, set, b.ours())
				b.must(converge, "another member is mended")
				assert.Equal(t, set, b.ours(), "it is kept when another member is mended")
				b.showsMember(m)
			}
			if b.Change != nil {
				b.Change(&b.Document.Spec)
				b.must(converge, "the spec has changed")
				assert.Subset(t, leaves(t, b.ours()), member, "it is kept when the spec changes")
				assert.NotEqual(t, set, b.ours(), "what the spec changes is changed")
			}
			b.must(removes, "remove")
			assert.Empty(t, b.ours())
		})
	}
}

// leaves are the values in the states of objects, each with the way to it.
func leaves(t testing.TB, states []string) []string {
	t.Helper()
	var all []string
	var walk func(way string, value any)
	walk = func(way string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				walk(way+"/"+name, inner)
			}
		case []any:
			for _, inner := range value {
				walk(way+"/-", inner)
			}
		default:
			all = append(all, fmt.Sprintf("%s: %v", way, value))
		}
	}
	for _, state := range states {
		var object any
		require.NoError(t, json.Unmarshal([]byte(state), &object))
		walk("", object)
	}
	return all
}

func without(all, some []string) []string {
	return slices.DeleteFunc(all, func(one string) bool { return slices.Contains(some, one) })
}

func (b *bench) showsMember(m Member) {
	b.Helper()
	v := b.view(false, false, false)
	v.Told = true
	items := b.Kind.Observe(b.Context(), v)
	isReported := slices.ContainsFunc(items, func(i resource.Item) bool {
		return i.State == resource.Unchanged && slices.ContainsFunc(i.Differences,
			func(d diagnosis.MemberDifference) bool {
				return d.Member == m.Name && d.Owner == diagnosis.OwnerOther
			})
	})
	assert.Equal(b, m.IsSilent == "", isReported, "reported as a difference of another owner: %s", words(items))
}

// lags is how many answers of a list lack a new object, at most.
const lags = 5

// testLag has lists show new objects late, with each request of a run lost, and the process killed after it: of the
// first run, and of the second ones, which may have to go on without being told what the first has made.
func (s Suite) testLag(t *testing.T, total *totals) {
	b := s.begin(t)
	makes := func(b *bench) { b.must(begins, "make") }
	s.testLagOf(t, scenario{name: "first run", begin: func(*bench) {}, first: begins, again: converge, leaves: true},
		total)
	s.testLagOf(t, scenario{name: "remove", begin: makes, first: removes, again: removes}, total)
	if b.Change != nil {
		s.testLagOf(t, scenario{name: "change", begin: func(b *bench) {
			makes(b)
			b.Change(&b.Document.Spec)
		}, first: converge, again: converge, leaves: true}, total)
	}
}

func (s Suite) testLagOf(t *testing.T, c scenario, total *totals) {
	b := s.begin(t)
	c.begin(b)
	b.wire.calm()
	require.NoError(t, c.first(t.Context(), b))
	asked, _ := b.wire.sent()
	b.must(c.again, c.name)
	end := b.ours()
	for _, at := range asked {
		for _, f := range faults() {
			if !f.isDone {
				continue
			}
			for n := 1; n <= lags; n++ {
				total.lags++
				msg := fmt.Sprintf("%s: %s: %s, lists lag %d times", c.name, at, f.Name, n)
				t.Run(msg, func(t *testing.T) {
					b := s.begin(t)
					b.wire.lags(n)
					c.begin(b)
					err := c.first(b.wire.strike(t.Context(), &struck{Fault: f, at: at}), b)
					b.wire.calm()
					b.isNamed(err, msg)
					b.must(c.again, msg)
					// a create without a key may be sent twice: a later run mends it
					if !c.leaves || len(s.Keyless) == 0 {
						assert.Equal(t, end, b.ours(), "what was said to be done is done, whatever lists show: "+msg)
					}
					b.wire.lags(0)
					b.must(c.again, msg)
					assert.Equal(t, end, b.ours(), msg)
					if c.leaves {
						b.isUnchanged(msg)
					}
					b.must(removes, msg)
					assert.Empty(t, b.ours(), msg)
				})
			}
		}
	}
}
