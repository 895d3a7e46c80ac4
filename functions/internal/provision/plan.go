package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Action is what a planned step would do.
type Action string

// The actions. Restore takes back what was removed before; Blocked is what cannot be made, as somebody else's object
// stands in the way, what it would lie in is not there, or what it needs is blocked; Unknown is what could not be
// looked at; Schedule and Manual are later work, by the service and by a person.
const (
	ActionCreate    Action = "create"
	ActionUpdate    Action = "update"
	ActionRestore   Action = "restore"
	ActionDelete    Action = "delete"
	ActionUnchanged Action = "unchanged"
	ActionBlocked   Action = "blocked"
	ActionUnknown   Action = "unknown"
	ActionSchedule  Action = "schedule"
	ActionManual    Action = "manual"
)

// Plan is what a submission of the spec would do, in order. It is made by looking at what there is.
type Plan struct {
	ID string `json:"id" doc:"Integration id"`
	// Exists is true where the integration has a document; a tombstone does not count.
	Exists bool             `json:"exists"`
	Spec   integration.Spec `json:"spec" doc:"The spec with every default filled in"`
	Steps  []PlannedStep    `json:"steps"`
	// Takes tells how long writes take that a service only takes one after the other.
	Takes string `json:"takes,omitempty" example:"20 federatedCredentials: about 80 s"`
}

// LongTags are the ends of tags that are too long for a line.
func (Plan) LongTags() map[string]string {
	return map[string]string{
		"Takes": `doc:"How long the writes take by a service's own rate; absent where no rate counts"`,
	}
}

// PlannedStep is one keyed write that would be made.
type PlannedStep struct {
	Name   string `json:"name" example:"application"`
	Target string `json:"target" doc:"What it is about, such as a subject or a scope"`
	Action Action `json:"action" enum:"create,update,restore,delete,unchanged,blocked,unknown,schedule,manual"`
	Key    string `json:"key,omitempty"`
	// Differences are the members that differ now, those that somebody else owns included.
	Differences []diagnosis.MemberDifference `json:"differences,omitempty"`
	// Diagnosis is what is wrong, where the step meets something that a person should know of.
	Diagnosis *diagnosis.Diagnosis `json:"diagnosis,omitempty" doc:"What is in the way, or could not be looked at"`
	takes     time.Duration
}

// LongTags are the ends of tags that are too long for a line.
func (PlannedStep) LongTags() map[string]string {
	return map[string]string{
		"Action": `doc:"blocked: somebody else's object is in its place, there is no such place, or what it needs ` +
			`is blocked; unknown: it could not be looked at"`,
		"Key":         `doc:"The key it is written by; empty where that is known only once another object exists"`,
		"Differences": `doc:"The members that are not as wanted; those of other owners stay as they are"`,
	}
}

// Plan validates the spec, looks at what there is, and tells what Submit would lead to, or refuses what that would
// refuse. It touches nothing.
func (s *Service) Plan(ctx context.Context, sub Submission) (Plan, error) {
	id, w := sub.ID, s.intent(sub.Spec, sub.Replace)
	if err := s.resolve(ctx, id, w); err != nil {
		return Plan{}, err
	}
	d, err := s.Repository.Get(ctx, id)
	if err != nil && !errors.Is(err, integration.ErrNotFound) {
		return Plan{}, operation.Taken(operation.StoreError(err))
	}
	if err := w.admit(&d); err != nil {
		return Plan{}, err
	}
	asked := operation.Intent{IfMatch: sub.IfMatch, IfNoneMatch: sub.IfNoneMatch}
	if err := asked.Preconditions(d); err != nil {
		return Plan{}, err
	}
	if err := s.Claims.Admit(ctx, id, w.resolved); err != nil {
		return Plan{}, operation.StoreError(err)
	}
	d.ID, d.Spec = id, w.resolved
	return s.plan(ctx, d)
}

// plan is what a run for a document would do.
func (s *Service) plan(ctx context.Context, d integration.Document) (Plan, error) {
	p := Plan{ID: d.ID, Exists: d.Status.Phase != "" && d.Status.Phase != integration.PhaseDeleted, Spec: d.Spec,
		Steps: []PlannedStep{}}
	replaced := resource.Replaced(s.Kinds, d)
	for _, kind := range replaced {
		p.Steps = append(p.Steps, s.planReplacement(ctx, d, kind)...)
		kind.Forget(&d.Status) // what comes in its place is looked for, too: its name may be taken
	}
	hasReplaced := len(p.Steps) > 0
	p.Steps = append(p.Steps, plannedAll(resource.Observe(ctx, s.Kinds, resource.View{Document: d, Told: true}),
		p.Steps)...)
	if s.verifier().canVerify(d) {
		p.Steps = append(p.Steps, PlannedStep{Name: "verify", Target: d.Spec.Subjects[0], Action: ActionSchedule})
	}
	if p.Takes = takes(p.Steps); p.Takes != "" && hasReplaced {
		p.Takes += ", and the time that what is there now takes to go"
	}
	return p, ctx.Err()
}

// madeAnew is the item as it will be when the steps before it are done: what they delete under its key is gone.
func madeAnew(item resource.Item, before []PlannedStep) resource.Item {
	isDeleted := slices.ContainsFunc(before, func(step PlannedStep) bool {
		return step.Action == ActionDelete && step.Name == item.Name && step.Key == item.Key
	})
	if isDeleted && (item.State == resource.Unchanged || item.State == resource.Different) {
		item.State, item.Code, item.Differences = resource.Missing, "", nil
	}
	return item
}

// takes sums up what is written at a service's own rate.
func takes(steps []PlannedStep) string {
	var total time.Duration
	count := map[string]int{}
	for _, step := range steps {
		if step.takes > 0 {
			total += step.takes
			count[step.Name]++
		}
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		many := ""
		if count[name] > 1 {
			many = "s"
		}
		words = append(words, fmt.Sprintf("%d %s%s", count[name], name, many))
	}
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: about %.0f s", strings.Join(words, ", "), total.Seconds())
}

// plannedAll are the steps for what was seen. What needs something that is blocked is blocked with it: a kind, or an
// item of its own kind.
func plannedAll(seen []resource.Observed, before []PlannedStep) []PlannedStep {
	var steps []PlannedStep
	blocked := map[string]bool{} // names of kinds and of items
	for _, o := range seen {
		isHindered := slices.ContainsFunc(o.Kind.Needs(), func(kind string) bool { return blocked[kind] })
		for _, item := range o.Items {
			step, ok := planned(madeAnew(item, before))
			if !ok {
				continue
			}
			isWrite := slices.Contains([]Action{ActionCreate, ActionUpdate, ActionRestore}, step.Action)
			if isWrite && (isHindered || blocked[item.Needs]) {
				step.Action, step.takes = ActionBlocked, 0
			}
			if step.Action == ActionBlocked {
				blocked[o.Kind.Name()], blocked[item.Name] = true, true
			}
			steps = append(steps, step)
		}
	}
	return steps
}

// planned is the step for an item; false where somebody else made it beside ours and nothing is to be done.
func planned(item resource.Item) (PlannedStep, bool) {
	actions := map[resource.State]Action{resource.Missing: ActionCreate, resource.Restorable: ActionRestore,
		resource.Different: ActionUpdate,
		resource.Unwanted:  ActionDelete, resource.Unchanged: ActionUnchanged, resource.Foreign: ActionBlocked,
		resource.Manual: ActionManual}
	step := PlannedStep{Name: item.Name, Target: item.Target, Key: item.Key, Action: actions[item.State],
		Differences: item.Differences, takes: item.Takes}
	switch {
	case item.Err != nil:
		if step.Action = ActionUnknown; item.IsDecided() {
			step.Action = ActionBlocked
		}
		found := classify.Error(item.Err, item.Words())
		step.Diagnosis = &found
	case item.State == resource.Foreign, item.State == resource.Unchanged && item.Code != "", item.Code != "" &&
		item.Detail != "":
		found := refusal(item).Diagnosis
		step.Diagnosis = &found
	}
	return step, item.State != resource.Extra
}
