package provision_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// journal is what fake kinds were asked to do, in that order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// writes are the lines since the last call, without the looks.
func (j *journal) writes() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := slices.DeleteFunc(j.lines, func(line string) bool { return line[:5] == "look " })
	j.lines = nil
	return lines
}

// fakeKind keeps items in a map and knows no cloud.
type fakeKind struct {
	name            string
	needs, outlives []string
	log             *journal

	mu     sync.Mutex
	wanted map[string]string // key → value
	there  map[string]string
	theirs string                    // a key that somebody else holds
	hears  bool                      // there is somebody to ask whether a teardown breaks what others have built
	blocks bool                      // removing would break what others have built
	fails  error                     // of the next write
	before func(verb string)         // runs before each look and write
	learn  func(*integration.Status) // what a look teaches
	makes  func(*integration.Status) // what a write teaches
}

func (k *fakeKind) Name() string       { return k.name }
func (k *fakeKind) Needs() []string    { return k.needs }
func (k *fakeKind) Outlives() []string { return k.outlives }
func (k *fakeKind) CanObject() bool    { return k.hears }

func (k *fakeKind) begin(verb string) {
	if k.before != nil {
		k.before(verb)
	}
	k.log.note(verb + " " + k.name)
	k.mu.Lock()
}

func (k *fakeKind) Observe(_ context.Context, v resource.View) []resource.Item {
	if v.Apart {
		k.log.note("look " + k.name)
		k.mu.Lock()
	} else {
		k.begin("look")
	}
	defer k.mu.Unlock()
	var items []resource.Item
	add := func(key string, state resource.State, code diagnosis.Code) *resource.Item {
		items = append(items, resource.Item{Name: k.name, Key: key, Target: key, State: state, Code: code,
			Title: "It is there", Apart: v.Apart, Learn: k.learn})
		return &items[len(items)-1]
	}
	for _, key := range slices.Sorted(maps.Keys(k.wanted)) {
		value, isThere := k.there[key]
		switch {
		case v.Ending:
		case key == k.theirs:
			add(key, resource.Foreign, diagnosis.CodeApplicationForeign)
		case !isThere:
			add(key, resource.Missing, diagnosis.CodeIdentityMissing)
		case value != k.wanted[key]:
			add(key, resource.Different, diagnosis.CodeApplicationChanged).Differences = []diagnosis.MemberDifference{
				{Member: "value", Want: k.wanted[key], Have: value, Owner: diagnosis.OwnerOurs}}
		default:
			add(key, resource.Unchanged, "")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(k.there)) {
		if _, isWanted := k.wanted[key]; v.Ending || !isWanted {
			add(key, resource.Unwanted, diagnosis.CodeFederatedCredentialExtra).Blocks = k.blocks
		}
	}
	return items
}

func (k *fakeKind) Apply(_ context.Context, _ resource.View, items []resource.Item) []resource.Result {
	return k.write("apply", items, func(key string) resource.Outcome {
		k.there[key] = k.wanted[key]
		return resource.OutcomeCreated
	})
}

func (k *fakeKind) Remove(_ context.Context, _ resource.View, items []resource.Item) []resource.Result {
	return k.write("remove", items, func(key string) resource.Outcome {
		delete(k.there, key)
		return resource.OutcomeDeleted
	})
}

func (k *fakeKind) write(verb string, items []resource.Item, do func(key string) resource.Outcome) []resource.Result {
	k.begin(verb)
	defer k.mu.Unlock()
	var results []resource.Result
	for _, item := range items {
		result := resource.Result{Item: item, Step: item.Name, StepTarget: item.Key, Err: k.fails, Learn: k.makes}
		if k.fails == nil {
			result.Outcome = do(item.Key)
		}
		results = append(results, result)
	}
	k.fails = nil
	return results
}

// house is a deployment whose integrations consist of fake kinds: walls need the ground, the roof needs walls, and the
// door needs the ground and waits for nothing when it goes.
type house struct {
	*fixture
	journal                   *journal
	ground, walls, roof, door *fakeKind
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{fixture: newFixture(t), journal: &journal{}}
	kind := func(name string, needs, outlives []string) *fakeKind {
		return &fakeKind{name: name, needs: needs, outlives: outlives, log: h.journal, there: map[string]string{},
			wanted: map[string]string{name + "-1": "as asked"}}
	}
	h.ground = kind("ground", nil, []string{"walls", "door"})
	h.ground.learn = func(st *integration.Status) { st.ClientID, st.ServicePrincipalID = "client", "principal" }
	h.walls = kind("walls", []string{"ground"}, []string{"roof"})
	h.roof = kind("roof", []string{"walls"}, nil)
	h.door = kind("door", []string{"ground"}, nil)
	h.service.Kinds = []resource.Kind{h.ground, h.walls, h.roof, h.door}
	h.takeTokensFrom(nil)
	return h
}

// built is a house that stands.
func built(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.provisioned(spec("images"))
	h.journal.writes()
	return h
}

// requireBefore holds that one line came before another.
func requireBefore(t *testing.T, lines []string, first, then string) {
	t.Helper()
	require.Contains(t, lines, first)
	require.Contains(t, lines, then)
	assert.Less(t, slices.Index(lines, first), slices.Index(lines, then), "%s, then %s: %v", first, then, lines)
}

func actions(p provision.Plan) map[string]provision.Action {
	all := map[string]provision.Action{}
	for _, step := range p.Steps {
		all[step.Key] = step.Action
	}
	return all
}

func TestAPlanTouchesNothingOfAnyKind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.door.there["door-0"] = "ours, wanted no more"
	h.roof.there["roof-1"] = "changed"
	h.walls.there["walls-1"] = "as asked"
	h.ground.theirs = "ground-1"
	p, err := h.service.Plan(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	require.NoError(t, err)
	assert.Equal(t, map[string]provision.Action{"ground-1": provision.ActionBlocked,
		"walls-1": provision.ActionUnchanged,
		"roof-1":  provision.ActionUpdate, "door-1": provision.ActionBlocked, "door-0": provision.ActionDelete},
		actions(p))
	assert.Empty(t, h.journal.writes())
}

// TestTheWordsOfActions are the API's.
func TestTheWordsOfActions(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[provision.PlannedStep]().FieldByName("Action")
	assert.Equal(t, []provision.Action{"create", "update", "restore", "delete", "unchanged", "blocked", "unknown",
		"schedule", "manual"}, []provision.Action{provision.ActionCreate, provision.ActionUpdate,
		provision.ActionRestore, provision.ActionDelete, provision.ActionUnchanged, provision.ActionBlocked,
		provision.ActionUnknown, provision.ActionSchedule, provision.ActionManual})
	assert.Equal(t, "create,update,restore,delete,unchanged,blocked,unknown,schedule,manual", field.Tag.Get("enum"))
}

func TestARunFollowsTheNeedsOfKinds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.provisioned(spec("images"))
	lines := h.journal.writes()
	assert.Len(t, lines, 4)
	requireBefore(t, lines, "apply ground", "apply walls")
	requireBefore(t, lines, "apply walls", "apply roof")
	requireBefore(t, lines, "apply ground", "apply door")

	d := h.provisioned(spec("images"))
	assert.Empty(t, h.journal.writes(), "a run with nothing to do writes nothing")
	steps := h.Operation(d.Status.LastOperationID).Steps
	require.Len(t, steps, 4)
	for _, step := range steps {
		assert.Equal(t, []any{"done", "unchanged", h.Now(), int64(0)},
			[]any{step.Status, step.Outcome, step.At, step.DurationMS}, step.Name)
	}

	h.roof.there["roof-1"] = "changed"
	h.door.there["door-0"] = "wanted no more"
	h.provisioned(spec("images"))
	assert.ElementsMatch(t, []string{"apply roof", "remove door"}, h.journal.writes(), "only what differs")
	assert.Equal(t, map[string]string{"roof-1": "as asked"}, h.roof.there)
	assert.Equal(t, map[string]string{"door-1": "as asked"}, h.door.there)
}

// TestAFailureDelaysOnlyWhatNeedsIt, and the same request mends it.
func TestAFailureDelaysOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.walls.fails = &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeARMPermissionMissing)}
	a, c := h.submit(spec("images"))
	h.handle(c)
	h.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.ElementsMatch(t, []string{"apply ground", "apply walls", "apply door"}, h.journal.writes())
	h.provisioned(spec("images"))
	assert.Equal(t, []string{"apply walls", "apply roof"}, h.journal.writes())
}

// TestNothingIsMadeAfterARunThatAnotherHasTakenOver: the first of two kinds that could begin finds out, for both.
func TestNothingIsMadeAfterARunThatAnotherHasTakenOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.ground.makes = func(st *integration.Status) { st.Identity.Key = "made" }
	a, c := h.submit(spec("images"))
	h.ground.before = func(verb string) {
		if verb == "apply" {
			h.submit(spec("archive"))
		}
	}
	h.handle(c)
	h.RequireStatus(a.Operation.ID, integration.OperationCanceled)
	assert.Equal(t, []string{"apply ground"}, h.journal.writes())
}

// TestWhatIsInTheWayStopsMakingAndNotRevoking: nothing is made while somebody else's object is in its place.
func TestWhatIsInTheWayStopsMakingAndNotRevoking(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.roof.theirs = "roof-1"
	h.door.there["door-0"] = "wanted no more"
	a, c := h.submit(spec("images"))
	h.handle(c)
	op := h.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeApplicationForeign, op.Error.Code)
	assert.Equal(t, []string{"remove door"}, h.journal.writes())
}

// TestRevokingWaitsForNoOtherKind: a kind that does not answer until the door is gone holds it up neither in a change
// nor in a teardown.
func TestRevokingWaitsForNoOtherKind(t *testing.T) {
	t.Parallel()
	for name, carryOut := range map[string]func(h *house){
		"change": func(h *house) {
			h.door.there["door-0"] = "wanted no more"
			h.provisioned(spec("images"))
		},
		"teardown": func(h *house) {
			_, c := h.remove(provision.TeardownOptions{})
			h.handle(c)
			h.RequireStatus(c.OperationID, integration.OperationSucceeded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { revokesFirst(t, carryOut) })
		})
	}
}

// revokesFirst carries something out while the roof does not answer before the door is gone.
func revokesFirst(t *testing.T, carryOut func(h *house)) {
	h := built(t)
	gone, missed := make(chan struct{}), make(chan struct{})
	h.door.before = func(verb string) {
		if verb == "remove" {
			close(gone)
		}
	}
	h.roof.before = func(verb string) {
		select {
		case <-gone:
		case <-time.After(30 * time.Second):
			close(missed)
		}
	}
	carryOut(h)
	select {
	case <-missed:
		t.Error("the door waited for the roof")
	default:
	}
}

func TestDriftAndHealthSeeTheSame(t *testing.T) {
	t.Parallel()
	h := built(t)
	h.roof.there["roof-1"] = "changed"
	delete(h.door.there, "door-1")
	report, err := h.service.Drift(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictFail, report.Verdict)
	want := map[string]diagnosis.Code{"structure.ground": "", "structure.walls": "",
		"structure.roof": diagnosis.CodeApplicationChanged, "structure.door": diagnosis.CodeIdentityMissing}
	codes := func(checks []assessment.Check) map[string]diagnosis.Code {
		all := map[string]diagnosis.Code{}
		for _, check := range checks {
			all[check.ID] = check.Code
		}
		return all
	}
	assert.Equal(t, want, codes(report.Checks))
	looked := health.Completed(t.Context(), h.service.Kinds, h.Document(), true, assessment.Report{})
	assert.Equal(t, want, codes(looked.Checks))
	assert.Empty(t, h.journal.writes())
}

func TestATeardownFollowsWhatOutlivesWhat(t *testing.T) {
	t.Parallel()
	h := built(t)
	_, c := h.remove(provision.TeardownOptions{})
	h.handle(c)
	h.RequireStatus(c.OperationID, integration.OperationSucceeded)
	lines := h.journal.writes()
	assert.Len(t, lines, 4)
	requireBefore(t, lines, "remove roof", "remove walls")
	requireBefore(t, lines, "remove walls", "remove ground")
	requireBefore(t, lines, "remove door", "remove ground")
}

// TestATeardownLooksAgainUnderWhatIsAnotherObject than was recorded: what is seen then goes as well.
func TestATeardownLooksAgainUnderWhatIsAnotherObject(t *testing.T) {
	t.Parallel()
	h := built(t)
	h.ground.learn = func(st *integration.Status) { st.ClientID = "another" }
	looks := 0
	h.door.before = func(verb string) {
		if verb != "look" {
			return
		}
		if looks++; looks == 2 {
			h.door.there["door-2"] = "under the other ground"
		}
	}
	_, c := h.remove(provision.TeardownOptions{})
	h.handle(c)
	h.RequireStatus(c.OperationID, integration.OperationSucceeded)
	assert.Equal(t, []any{2, 0}, []any{looks, len(h.door.there)})
	lines := h.journal.writes()
	requireBefore(t, lines, "remove door", "remove ground")
	assert.Equal(t, []string{"remove ground"}, lines[len(lines)-1:], "it outlives all of them")
}

// TestAVetoStopsATeardownBeforeAnythingIsTouched, also where the kind that states it is slow, and another one is at
// once.
func TestAVetoStopsATeardownBeforeAnythingIsTouched(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"at once": 0, "in time": 4 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := built(t)
				h.door.hears, h.roof.hears, h.roof.blocks = true, true, true
				h.roof.before = func(string) { time.Sleep(wait) }
				_, c := h.remove(provision.TeardownOptions{})
				h.handle(c)
				h.RequireStatus(c.OperationID, integration.OperationFailed)
				assert.Empty(t, h.journal.writes())
			})
		})
	}
}

// TestATeardownHearsOnlyKindsThatCanObject: one that has nobody to ask delays nothing, however slow it is; one that
// has is waited for, but not for ever.
func TestATeardownHearsOnlyKindsThatCanObject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hears bool
		takes time.Duration // of the slow kind's look
		waits time.Duration // of the door's removal
	}{
		"cannot object":        {takes: time.Minute},
		"objects, in time":     {hears: true, takes: 3 * time.Second, waits: 3 * time.Second},
		"objects, and is hung": {hears: true, takes: time.Minute, waits: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := built(t)
				h.roof.hears = c.hears
				h.roof.before = func(verb string) {
					if verb == "look" {
						time.Sleep(c.takes)
					}
				}
				began, waited := time.Now(), time.Duration(-1)
				h.door.before = func(verb string) {
					if verb == "remove" {
						waited = time.Since(began)
					}
				}
				_, command := h.remove(provision.TeardownOptions{})
				h.handle(command)
				h.RequireStatus(command.OperationID, integration.OperationSucceeded)
				assert.Equal(t, c.waits, waited)
			})
		})
	}
}

// replacedKind is one whose object is to be replaced while the record has its old key.
type replacedKind struct{ *fakeKind }

func (k replacedKind) IsReplaced(d integration.Document) bool { return d.Status.Identity.Key == "old" }
func (k replacedKind) Carries() []string                      { return []string{"walls"} }
func (k replacedKind) Forget(st *integration.Status)          { st.Identity.Key = "" }
func (k replacedKind) Notice(integration.Document) diagnosis.Diagnosis {
	return diagnosis.New(diagnosis.CodeIdentityReplaced)
}

// TestAReplacementTakesDownWhatIsRecordedFirst, with what it outlives, and nothing else. A dry run tells so once.
func TestAReplacementTakesDownWhatIsRecordedFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.service.Kinds[0] = replacedKind{h.ground}
	h.ground.learn = func(st *integration.Status) {
		st.ClientID, st.ServicePrincipalID, st.Identity.Key = "client", "principal", "old"
	}
	h.provisioned(spec("images"))
	h.journal.writes()
	h.ground.learn = nil

	p, err := h.service.Plan(t.Context(), provision.Submission{ID: id, Spec: spec("images")})
	require.NoError(t, err)
	assert.Empty(t, h.journal.writes())
	var deleted, told []string
	for _, step := range p.Steps {
		if step.Action == provision.ActionDelete {
			deleted = append(deleted, step.Key)
		}
		if step.Diagnosis != nil {
			told = append(told, step.Key+" "+string(step.Diagnosis.Code))
		}
	}
	assert.ElementsMatch(t, []string{"ground-1", "walls-1", "door-1"}, deleted)
	assert.Equal(t, []string{"ground-1 identity-replaced"}, told)

	h.provisioned(spec("images"))
	lines := h.journal.writes()
	assert.NotContains(t, lines, "remove roof")
	requireBefore(t, lines, "remove walls", "remove ground")
	requireBefore(t, lines, "remove door", "remove ground")
	requireBefore(t, lines, "remove ground", "apply ground")
	assert.Empty(t, h.Document().Status.Identity.Key)
}
