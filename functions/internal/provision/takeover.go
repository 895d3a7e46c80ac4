package provision

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Takeover is an intent to manage an integration that was imported.
type Takeover struct {
	ID string
	// OperationID makes the submission repeatable; a new one is made where it is empty.
	OperationID string
	// IfMatch and IfNoneMatch are the HTTP preconditions on the spec's version, as sent; empty for none.
	IfMatch, IfNoneMatch string
}

// TakeoverPlan is what a takeover would change, and what it would lead to.
type TakeoverPlan struct {
	Plan
	// Removes are what a DELETE would remove from then on.
	Removes []PlannedStep `json:"removes" doc:"What a DELETE would remove from then on, and touches now by no means"`
	// Forgets are the ids on the platform that the import named; they stay a person's.
	Forgets *integration.PlatformIDs `json:"forgets,omitempty"`
}

// LongTags are the ends of tags that are too long for a line.
func (TakeoverPlan) LongTags() map[string]string {
	return map[string]string{"Forgets": `doc:"Ids on the platform that the import named and that are not watched ` +
		`any more: they stay a person's, and a PUT that names the integration takes it in"`}
}

// PlanTakeover tells what SubmitTakeover would lead to, or refuses what that would refuse. It touches nothing.
func (s *Service) PlanTakeover(ctx context.Context, t Takeover) (TakeoverPlan, error) {
	before, d, err := s.takenOver(ctx, t)
	if err != nil {
		return TakeoverPlan{}, err
	}
	asked := operation.Intent{IfMatch: t.IfMatch, IfNoneMatch: t.IfNoneMatch}
	if err := asked.Preconditions(before); err != nil {
		return TakeoverPlan{}, err
	}
	p, err := s.plan(ctx, d)
	if err != nil {
		return TakeoverPlan{}, err
	}
	told := TakeoverPlan{Plan: p, Removes: []PlannedStep{}}
	if before.IsUnmanaged {
		told.Forgets = integration.PlatformIDsOf(before)
	}
	trusted, err := listTrust(ctx, s.Kinds, d)
	if err != nil {
		return TakeoverPlan{}, err
	}
	seen := resource.Observe(ctx, s.Kinds, resource.View{Document: d, Ending: true})
	for _, item := range resource.InState(resource.Items(seen), resource.Unwanted) {
		if step, _ := planned(item); !item.IsAbsent {
			told.Removes = append(told.Removes, step)
		}
	}
	told.Removes = append(told.Removes, goAlong(trusted, told.Removes)...)
	return told, ctx.Err()
}

// goAlong are the credentials that somebody else has made: they go with the identity, beside what is removed one by
// one.
func goAlong(trusted []resource.Trust, removed []PlannedStep) []PlannedStep {
	var steps []PlannedStep
	for _, one := range trusted {
		isRemoved := func(step PlannedStep) bool {
			return step.Name == one.Kind && strings.EqualFold(step.Key, one.Name)
		}
		if !slices.ContainsFunc(removed, isRemoved) {
			steps = append(steps, PlannedStep{Name: one.Kind, Key: one.Name,
				Target: cmp.Or(one.Subject, one.Expression), Action: ActionDelete})
		}
	}
	return steps
}

// listTrust reads the credentials of an integration's identity, whoever has made them.
func listTrust(ctx context.Context, kinds []resource.Kind, d integration.Document) ([]resource.Trust, error) {
	trusted, err := resource.ListTrust(ctx, kinds, d)
	if err != nil && ctx.Err() == nil {
		return nil, &diagnosis.Error{Diagnosis: operation.Describe(err, true), Err: err}
	}
	return trusted, err
}

// admitTrusted leaves it to administrators to take over an identity that others use too: a teardown would take what
// lets them in along.
func admitTrusted(ctx context.Context, s *Service, d integration.Document) error {
	found, err := listTrust(ctx, s.Kinds, d)
	if err != nil {
		return err
	}
	trusted := make([]entitlement.Trust, len(found))
	for i, one := range found {
		trusted[i] = entitlement.Trust{Issuer: one.Issuer, Subject: one.Subject}
	}
	if err := s.Policy.AdmitTakeover(ctx, trusted); err != nil {
		return err
	}
	return operation.StoreError(s.Claims.AdmitTakeover(ctx, d.ID, trusted))
}

// SubmitTakeover makes an imported integration one of ours: it writes that down and sends the command that brings it
// to its spec. One that is ours already is brought to its spec again. Nothing is written where the service may not
// change the identity, where it lets others in that are not the caller's, or where something of somebody else's is in
// the way.
func (s *Service) SubmitTakeover(ctx context.Context, t Takeover) (operation.Accepted, error) {
	before, after, err := s.takenOver(ctx, t)
	if err != nil {
		return operation.Accepted{}, err
	}
	return s.Engine.Submit(ctx, operation.Intent{
		Kind: integration.KindProvision, IntegrationID: t.ID, OperationID: t.OperationID,
		Content: struct{ Manage bool }{true}, IfMatch: t.IfMatch, IfNoneMatch: t.IfNoneMatch, Joins: true,
		Admit: func(d *integration.Document) error { return admitTakeover(d, before) },
		Apply: func(d *integration.Document) {
			if !d.IsUnmanaged {
				s.applySpec(d, d.Spec)
				return
			}
			integration.TakeOver(d, after.Status)
		},
		Command: message.Command{Type: message.TypeProvision, IntegrationID: t.ID},
	})
}

// admitTakeover refuses what is not there, what is being torn down, and what is not what was looked at.
func admitTakeover(d *integration.Document, looked integration.Document) error {
	switch {
	case d == nil:
		return integration.Absent(nil)
	case d.Status.Phase == integration.PhaseDeleted:
		return integration.Absent(d)
	case d.IsEnding():
		return refuse(diagnosis.CodeDeprovisioning)
	case d.FirstOperationID != looked.FirstOperationID:
		return refuse(diagnosis.CodePreconditionFailed,
			diagnosis.WithDetail("The integration was imported anew meanwhile."))
	default:
		return nil
	}
}

// takenOver is an integration as it is, and as it will be when it is ours: what is equal to what its spec asks for is
// ours then, whoever has made it.
func (s *Service) takenOver(ctx context.Context, t Takeover) (before, after integration.Document, err error) {
	before, err = s.Repository.Get(ctx, t.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return before, after, integration.Absent(nil)
	case err != nil:
		return before, after, operation.StoreError(err)
	}
	if err := admitTakeover(&before, before); err != nil {
		return before, after, err
	}
	after = before.Clone()
	if !before.IsUnmanaged {
		return before, after, nil
	}
	if err := s.Policy.Admit(ctx, before.Spec); err != nil {
		return before, after, err
	}
	integration.TakeOver(&after, integration.Status{})
	if err := resource.AdmitTakeover(ctx, s.Kinds, after); err != nil {
		return before, after, &diagnosis.Error{Diagnosis: operation.Describe(err, true), Err: err}
	}
	if err := admitTrusted(ctx, s, after); err != nil {
		return before, after, err
	}
	items := resource.Items(resource.Observe(ctx, s.Kinds, resource.View{Document: after}))
	if ctx.Err() != nil {
		return before, after, ctx.Err()
	}
	for _, item := range items {
		switch {
		case item.Err != nil:
			found := resource.Checks([]resource.Item{item}, true)[0].Diagnosis()
			return before, after, &diagnosis.Error{Diagnosis: found, Err: item.Err}
		case item.State == resource.Foreign:
			return before, after, refusal(item)
		}
	}
	resource.LearnAll(&after.Status, items)
	found := after.Status
	after = before.Clone()
	integration.TakeOver(&after, found)
	return before, after, nil
}
