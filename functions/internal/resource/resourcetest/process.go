package resourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// maxRuns is how often the same action is repeated at most until it ends well.
const maxRuns = 4

// bench is a subject with its wire, and the record of what was learnt.
type bench struct {
	testing.TB
	*Subject
	wire *Wire
	// foreign are the objects of others, as they are to stay.
	foreign []Object
	// seen are the items of the last look.
	seen []resource.Item
}

func (s Suite) begin(t testing.TB) *bench {
	t.Helper()
	w := NewWire()
	b := &bench{TB: t, Subject: s.New(t, w), wire: w}
	w.calm()
	return b
}

// action is what a process does with a kind. Its error is that of its first item that failed.
type action func(ctx context.Context, b *bench) error

// loop is what an attempt does; its record is the subject's document.
func (b *bench) loop() *Loop { return &Loop{Kind: b.Kind, Document: &b.Document} }

func (b *bench) view(fresh, ending, purge bool) resource.View {
	return b.loop().View(fresh, ending, purge)
}

// converge brings the kind's objects to the spec.
func converge(ctx context.Context, b *bench) error { return b.loop().Converge(ctx, false) }

// begins is the first run, which has nothing to look at.
func begins(ctx context.Context, b *bench) error { return b.loop().Converge(ctx, true) }

// removes takes all down.
func removes(ctx context.Context, b *bench) error { return b.loop().TakeDown(ctx, false) }

// purges takes all down for good.
func purges(ctx context.Context, b *bench) error { return b.loop().TakeDown(ctx, true) }

// calmly does an action with nothing failing, again while it ends with an error that may pass.
func (b *bench) calmly(do action, msg string) error {
	b.Helper()
	b.wire.calm()
	var err error
	for range maxRuns {
		if err = do(b.Context(), b); err == nil {
			return nil
		}
		b.isNamed(err, msg)
		require.NoError(b, b.wire.Sleep(b.Context(), time.Minute))
	}
	return err
}

// must does an action that has to end well.
func (b *bench) must(do action, msg string) {
	b.Helper()
	require.NoError(b, b.calmly(do, msg), msg)
}

// isNamed checks that an error has a code that tells people what it is.
func (b *bench) isNamed(err error, msg string) {
	b.Helper()
	for _, one := range split(err) {
		if one == nil || errors.Is(one, context.Canceled) || errors.Is(one, errKilled) {
			continue
		}
		require.NotContains(b, []diagnosis.Code{"", diagnosis.CodeInternal, diagnosis.CodeUnrecognised},
			describe(one).Code, "%s: %v", msg, one)
	}
}

// split takes joined errors apart.
func split(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range many.Unwrap() {
			all = append(all, split(one)...)
		}
		return all
	}
	return []error{err}
}

func describe(err error) diagnosis.Diagnosis {
	var f *policy.Failure
	if errors.As(err, &f) {
		return f.Diagnosis(false)
	}
	return classify.Error(err, diagnosis.Context{})
}

func (b *bench) ours() []string {
	all := []string{}
	for _, o := range b.Objects() {
		if o.IsOurs {
			all = append(all, o.State)
		}
	}
	slices.Sort(all)
	return all
}

func (b *bench) theirs() []Object {
	return slices.DeleteFunc(append([]Object{}, b.Objects()...), func(o Object) bool { return o.IsOurs })
}

// noteForeign remembers the objects of others as they are now.
func (b *bench) noteForeign() { b.foreign = b.theirs() }

// isUntouched checks that the objects of others are what they were.
func (b *bench) isUntouched(msg string) {
	b.Helper()
	require.Equal(b, b.foreign, b.theirs(), "%s: an object of somebody else was changed or removed", msg)
}

// isKnown checks that each object of ours is found and called ours, in both views.
func (b *bench) isKnown(msg string) {
	b.Helper()
	for _, ending := range []bool{false, true} {
		items := b.Kind.Observe(b.Context(), b.view(false, ending, false))
		for _, o := range b.Objects() {
			if !o.IsOurs {
				continue
			}
			i := slices.IndexFunc(items, func(i resource.Item) bool {
				return strings.EqualFold(i.Key, o.Key) && i.Err == nil &&
					!slices.Contains([]resource.State{resource.Missing, resource.Restorable, resource.Extra,
						resource.Foreign}, i.State)
			})
			require.GreaterOrEqual(b, i, 0, "%s (ending %t): forgotten or disowned: %+v\nitems: %s", msg, ending, o,
				words(items))
			if ending {
				require.Equal(b, resource.Unwanted, items[i].State, "%s: it is to go: %+v", msg, o)
			}
		}
	}
}

// isUnchanged checks that looking finds nothing to do.
func (b *bench) isUnchanged(msg string) {
	b.Helper()
	before := b.Document.Clone()
	for _, item := range b.Kind.Observe(b.Context(), b.view(false, false, false)) {
		require.NoError(b, item.Err, msg)
		require.Contains(b, []resource.State{resource.Unchanged, resource.Extra, resource.Manual}, item.State,
			"%s: %s", msg,
			words([]resource.Item{item}))
		resource.LearnAll(&b.Document.Status, []resource.Item{item})
	}
	require.Equal(b, before.Status, b.Document.Status, "%s: the record lacks what looking teaches", msg)
}

func words(items []resource.Item) string {
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = fmt.Sprintf("%s %s %s code=%s err=%v differences=%v", item.Name, item.Key, item.State, item.Code,
			item.Err, item.Differences)
	}
	return strings.Join(lines, "\n")
}
