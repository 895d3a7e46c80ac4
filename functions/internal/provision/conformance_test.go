package provision_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
)

// askedKind shows given items, and notes what it is asked for, and what it is told.
type askedKind struct {
	items []resource.Item
	fails map[string]error // by the verb of a write
	asked []string
}

func (*askedKind) Name() string       { return "asked" }
func (*askedKind) Needs() []string    { return nil }
func (*askedKind) Outlives() []string { return nil }
func (*askedKind) CanObject() bool    { return true }

func (k *askedKind) note(verb string, v resource.View, items []resource.Item) {
	st := v.Document.Status
	line := []string{verb, fmt.Sprintf("fresh %t ending %t purge %t", v.Fresh, v.Ending, v.Purge), st.ClientID,
		st.ServicePrincipalID}
	for _, item := range items {
		line = append(line, item.Key)
	}
	k.asked = append(k.asked, strings.Join(line, ", "))
}

func (k *askedKind) Observe(_ context.Context, v resource.View) []resource.Item {
	k.note("observe", v, nil)
	items := append([]resource.Item{}, k.items...)
	for i := range items {
		items[i].Learn = func(st *integration.Status) { st.ClientID = "seen" }
	}
	return items
}

func (k *askedKind) Apply(_ context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.write("apply", v, items)
}

func (k *askedKind) Remove(_ context.Context, v resource.View, items []resource.Item) []resource.Result {
	return k.write("remove", v, items)
}

func (k *askedKind) write(verb string, v resource.View, items []resource.Item) []resource.Result {
	k.note(verb, v, items)
	results := make([]resource.Result, len(items))
	for i, item := range items {
		results[i] = resource.Result{Item: item, Outcome: resource.OutcomeUpdated, Err: k.fails[verb],
			Learn: func(st *integration.Status) { st.ServicePrincipalID += verb }}
	}
	return results
}

var errPermission = &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeARMPermissionMissing)}

func inState(key string, s resource.State) resource.Item {
	return resource.Item{Name: "thing", Key: key, State: s, Code: diagnosis.CodeRoleAssignmentExtra}
}

// looksOfKinds are what a kind may show, with what its writes fail with.
func looksOfKinds() map[string]askedKind {
	unread, blocks := inState("unread", resource.Missing), inState("used", resource.Unwanted)
	unread.Err, blocks.Blocks = errPermission, true
	one := func(items ...resource.Item) askedKind { return askedKind{items: items} }
	missing, unwanted := inState("missing", resource.Missing), inState("unwanted", resource.Unwanted)
	foreign := inState("theirs", resource.Foreign)
	looks := map[string]askedKind{
		"nothing":         one(),
		"as it is wanted": one(inState("a", resource.Unchanged), inState("b", resource.Extra)),
		"what is written": one(missing, inState("b", resource.Restorable),
			inState("c", resource.Different)),
		"left to a person":               one(inState("a", resource.Manual), missing),
		"one goes, one comes":            one(unwanted, missing),
		"in the way":                     one(foreign, missing, unwanted),
		"one cannot be read":             one(unread, missing, unwanted),
		"others use it":                  one(blocks, unwanted),
		"a removal fails, and one comes": one(unwanted, missing),
		"a write fails":                  one(unwanted, missing),
	}
	failing := looks["a removal fails, and one comes"]
	failing.fails = map[string]error{"remove": errPermission}
	looks["a removal fails, and one comes"] = failing
	failing = looks["a write fails"]
	failing.fails = map[string]error{"apply": errPermission}
	looks["a write fails"] = failing
	return looks
}

// TestTheConformanceSuiteAsksWhatTheLoopsAsk: its loop over one kind is a copy.
func TestTheConformanceSuiteAsksWhatTheLoopsAsk(t *testing.T) {
	t.Parallel()
	for name, kind := range looksOfKinds() {
		for action, c := range map[string]struct {
			isMade bool
			submit func(f *fixture) string
			copied func(l *resourcetest.Loop) error
		}{
			"first run": {false, submitSpec, func(l *resourcetest.Loop) error {
				return l.Converge(t.Context(), true)
			}},
			"run": {true, submitSpec, func(l *resourcetest.Loop) error { return l.Converge(t.Context(), false) }},
			"teardown": {true, submitTeardown(false),
				func(l *resourcetest.Loop) error { return l.TakeDown(t.Context(), false) }},
			"purge": {true, submitTeardown(true),
				func(l *resourcetest.Loop) error { return l.TakeDown(t.Context(), true) }},
		} {
			t.Run(action+"/"+name, func(t *testing.T) {
				t.Parallel()
				f, k := newFixture(t), &askedKind{items: []resource.Item{inState("made", resource.Unchanged)}}
				f.service.Kinds = []resource.Kind{k}
				f.takeTokensFrom(nil)
				if c.isMade {
					f.provisioned(spec("images"))
				}
				*k = kind
				operationID := c.submit(f)
				before := f.Document()
				f.handle(f.Command(operationID))
				op, real := f.Operation(operationID), k.asked
				require.True(t, op.Status.IsFinal())
				*k = kind
				err := c.copied(&resourcetest.Loop{Kind: k, Document: &before})
				assert.Equal(t, real, k.asked)
				assert.Equal(t, op.Status == integration.OperationSucceeded, err == nil, "%v", err)
				if d := f.Document(); d.Status.Phase != integration.PhaseDeleted {
					assert.Equal(t, []string{d.Status.ClientID, d.Status.ServicePrincipalID},
						[]string{before.Status.ClientID, before.Status.ServicePrincipalID}, "the record")
				}
			})
		}
	}
}

func submitSpec(f *fixture) string {
	a, _ := f.submit(spec("images"))
	return a.Operation.ID
}

func submitTeardown(purge bool) func(f *fixture) string {
	return func(f *fixture) string {
		a, _ := f.remove(provision.TeardownOptions{Purge: purge})
		return a.Operation.ID
	}
}
