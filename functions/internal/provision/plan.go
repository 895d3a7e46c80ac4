package provision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Action is what a planned step would do.
type Action string

// The actions. Upsert creates or updates, as only Entra knows which; Restore takes out of the recycle bin; Keep leaves
// as it is; Schedule and Manual are later work, by the service and by a person.
const (
	ActionCreate   Action = "create"
	ActionUpsert   Action = "upsert"
	ActionRestore  Action = "restore"
	ActionDelete   Action = "delete"
	ActionKeep     Action = "keep"
	ActionSchedule Action = "schedule"
	ActionManual   Action = "manual"
)

// Plan is what a submission of the spec would do, in order. It is made from the spec and the stored status alone; what
// Entra and Azure really hold is the business of a drift report.
type Plan struct {
	ID string `json:"id" doc:"Integration id"`
	// Exists says that the integration has a document; a tombstone does not count.
	Exists bool             `json:"exists"`
	Spec   integration.Spec `json:"spec" doc:"The spec with every default filled in"`
	Steps  []PlannedStep    `json:"steps"`
}

// PlannedStep is one keyed write that would be made.
type PlannedStep struct {
	Name   string `json:"name" example:"application"`
	Target string `json:"target" doc:"What it is about, such as a subject or a scope"`
	Action Action `json:"action" enum:"create,upsert,restore,delete,keep,schedule,manual"`
	Key    string `json:"key,omitempty" doc:"The key it is written by; empty where that is known only once the service principal exists"`
}

// Plan validates the spec and says what Submit would lead to. It reads the store and touches nothing.
func (s *Service) Plan(ctx context.Context, id string, spec integration.Spec) (Plan, error) {
	resolved, err := s.resolve(ctx, id, spec)
	if err != nil {
		return Plan{}, err
	}
	d, err := s.Repository.Get(ctx, id)
	if err != nil && !errors.Is(err, integration.ErrNotFound) {
		return Plan{}, stored(err)
	}
	if err == nil {
		if err := admitProvision(&d); err != nil {
			return Plan{}, err
		}
	}
	d.ID, d.Spec = id, resolved
	if s.Platform == nil {
		if err := apiOff(d); err != nil {
			return Plan{}, err
		}
	}
	p := Plan{ID: id, Exists: d.Status.Phase != "" && d.Status.Phase != integration.PhaseDeleted, Spec: resolved}
	p.Steps = slices.Concat(s.planIdentity(d), planCredentials(d), planAssignments(d), s.planRest(d))
	return p, nil
}

func (s *Service) planIdentity(d integration.Document) []PlannedStep {
	action := ActionCreate
	switch {
	case d.Status.Phase == integration.PhaseDeleted && d.Status.ObjectID != "":
		action = ActionRestore
	case d.Status.ObjectID != "":
		action = ActionUpsert
	}
	principal := action
	if action == ActionUpsert && d.Status.ServicePrincipalID == "" {
		principal = ActionCreate
	}
	return []PlannedStep{
		{Name: "application", Target: d.Spec.DisplayName, Action: action, Key: s.uniqueName(d.ID)},
		{Name: "servicePrincipal", Target: d.Spec.DisplayName, Action: principal, Key: d.Status.ClientID},
	}
}

func planCredentials(d integration.Document) []PlannedStep {
	var steps []PlannedStep
	wanted := integration.WantedCredentials(d)
	named := func(list []integration.FederatedCredential, name string) bool {
		return slices.ContainsFunc(list, func(f integration.FederatedCredential) bool { return f.Name == name })
	}
	for _, old := range d.Status.FederatedCredentials {
		if !named(wanted, old.Name) {
			steps = append(steps, PlannedStep{Name: "federatedCredential", Target: old.Subject, Action: ActionDelete, Key: old.Name})
		}
	}
	for _, w := range wanted {
		action := ActionCreate
		if named(d.Status.FederatedCredentials, w.Name) {
			action = ActionUpsert
		}
		steps = append(steps, PlannedStep{Name: "federatedCredential", Target: w.Subject, Action: action, Key: w.Name})
	}
	return steps
}

func planAssignments(d integration.Document) []PlannedStep {
	var steps []PlannedStep
	wanted := wantedAssignments(d)
	has := func(list []integration.RoleAssignment, id string) bool {
		return slices.ContainsFunc(list, func(a integration.RoleAssignment) bool { return strings.EqualFold(a.ID, id) })
	}
	for i, w := range wanted {
		_, role := grant.RoleOf(d.Spec.Storage[i].Access)
		step := PlannedStep{Name: "roleAssignment", Target: role + " at " + w.Scope, Action: ActionCreate}
		switch {
		case w.Adopted:
			step.Action = ActionKeep
		case has(d.Status.RoleAssignments, w.ID):
			step.Action = ActionUpsert
		}
		if d.Status.ServicePrincipalID != "" {
			step.Key = w.ID
		}
		steps = append(steps, step)
	}
	for _, old := range d.Status.RoleAssignments {
		if !has(wanted, old.ID) && !old.Adopted {
			steps = append(steps, PlannedStep{Name: "roleAssignment", Target: old.Scope, Action: ActionDelete, Key: old.ID})
		}
	}
	return steps
}

func (s *Service) planRest(d integration.Document) []PlannedStep {
	steps := s.planPlatform(d)
	if s.verifies() || s.Platform != nil && wantsPlatform(d.Spec) && d.Spec.DDOE.Driver != nil {
		steps = append(steps, PlannedStep{Name: "verify", Target: d.Spec.Subjects[0], Action: ActionSchedule})
	}
	return steps
}
