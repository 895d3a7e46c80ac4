package grant

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Apply implements resource.Kind: assignments are written side by side.
func (k *Kind) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	results := make([]resource.Result, len(items))
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		results[i] = k.assign(ctx, v.Document, items[i])
	})
	return results
}

// assign writes one assignment under the first of its names that Azure takes.
func (k *Kind) assign(ctx context.Context, d integration.Document, item resource.Item) resource.Result {
	w := item.Data.(grant)
	result := resource.Result{Item: item, Step: resource.RoleAssignment, StepTarget: w.assignment.Scope,
		Began: k.requests.Now()}
	if w.assignment.Adopted {
		w.assignment = assignment.Derived(d, w.entry, "") // the one that was adopted is gone: now one of ours
	}
	receipt, err := k.put(ctx, d, w.assignment)
	if policy.ActionOf(err) == policy.Exists {
		receipt, err = k.resolve(ctx, d, &w, err)
	}
	result.Ended, result.Err, result.RequestID = k.requests.Now(), err, receipt.RequestID
	if err == nil {
		result.Outcome, result.Learn = resource.Outcome(receipt.Outcome), learn(w.assignment)
		if w.assignment.Adopted {
			result.Outcome = resource.OutcomeAdopted
		}
	}
	return result
}

// resolve finds the assignment that is in the way. An equal one serves: under a name of ours a request whose answer
// was lost has written it, any other was there before us. Where there is none the name is used otherwise, and the next
// one is taken.
func (k *Kind) resolve(ctx context.Context, d integration.Document, w *grant, cause error) (arm.Write, error) {
	var found []arm.RoleAssignment
	err := k.requests.Do(ctx, policy.RoleList, words(d, w.assignment.Scope), func(ctx context.Context) error {
		var err error
		found, err = k.arm.ListRoleAssignments(ctx, w.assignment.Scope, w.assignment.PrincipalID)
		return err
	})
	if err != nil {
		return arm.Write{}, err
	}
	if i := bestOf(found, *w); i >= 0 {
		w.assignment = w.adopt(found[i])
		return arm.Write{Outcome: arm.OutcomeUnchanged}, nil
	}
	salted := assignment.Derived(d, w.entry, assignment.Salts()[1])
	if salted.ID == w.assignment.ID {
		return arm.Write{}, policy.Absent(cause)
	}
	receipt, err := k.put(ctx, d, salted)
	if policy.ActionOf(err) == policy.Exists {
		return receipt, policy.Absent(cause)
	}
	w.assignment = salted
	return receipt, err
}

// description is what an administrator reads beside each assignment. It is written once: whoever changes it owns it.
func description(d integration.Document) string { return "ddoe-wif integration " + d.ID }

func (k *Kind) put(ctx context.Context, d integration.Document, a integration.RoleAssignment) (arm.Write, error) {
	var receipt arm.Write
	err := k.requests.Do(ctx, policy.RolePut, wordsOf(d, a), func(ctx context.Context) error {
		var err error
		receipt, err = k.arm.PutRoleAssignment(ctx, arm.RoleAssignment{ID: a.ID, Scope: a.Scope,
			Name: integration.LastSegment(a.ID), RoleDefinitionID: a.RoleDefinitionID,
			PrincipalID: a.PrincipalID, Description: description(d)})
		return err
	})
	return receipt, err
}

// Remove implements resource.Kind: each assignment is deleted until a read shows that it is gone.
func (k *Kind) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	results := make([]resource.Result, len(items))
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		results[i] = k.unassign(ctx, v.Document, items[i])
	})
	return results
}

func (k *Kind) unassign(ctx context.Context, d integration.Document, item resource.Item) resource.Result {
	a := item.Data.(integration.RoleAssignment)
	result := resource.Result{Item: item, Step: resource.RoleAssignment + "-delete", StepTarget: a.ID,
		Outcome: resource.OutcomeAbsent, Began: k.requests.Now()}
	result.Err = resource.UntilGone(ctx, k.requests, words(d, a.Scope), func(ctx context.Context) error {
		var receipt arm.Write
		err := k.requests.Do(ctx, policy.RoleDelete, wordsOf(d, a), func(ctx context.Context) error {
			var err error
			receipt, err = k.arm.DeleteRoleAssignment(ctx, a.ID)
			return err
		})
		if receipt.Outcome == arm.OutcomeDeleted {
			result.Outcome, result.RequestID = resource.OutcomeDeleted, receipt.RequestID
		}
		return err
	}, func(ctx context.Context) (bool, error) {
		_, there, err := k.get(ctx, d, a)
		return there, err
	})
	result.Ended = k.requests.Now()
	if result.Err == nil {
		result.Learn = forget(a.ID)
	}
	return result
}
