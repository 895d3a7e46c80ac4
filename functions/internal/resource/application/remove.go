package application

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Remove implements resource.Kind. The application takes its service principal along; one that is left is deleted.
// What was removed stays in the recycle bin for 30 days, unless it is purged.
func (k *Kind) Remove(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	var results []resource.Result
	for _, item := range items {
		r := remover{Kind: k, view: v}
		if item.Name == itemApplication {
			results = append(results, r.application(ctx, item)...)
		} else {
			results = append(results, r.principal(ctx, item)...)
		}
		if results[len(results)-1].Err != nil {
			break
		}
	}
	return results
}

type remover struct {
	*Kind
	view resource.View
}

func (r remover) application(ctx context.Context, item resource.Item) []resource.Result {
	objectID := r.view.Document.Status.Identity.ID
	deletion := func(ctx context.Context, receipt *graph.Write) error {
		var err error
		*receipt, err = r.graph.DeleteApplication(ctx, objectID)
		return err
	}
	isThere := func(ctx context.Context) (bool, error) {
		app, found, err := r.find(ctx, r.view.Document, false)
		return found && app.ID == objectID, err
	}
	return r.remove(ctx, item, objectID, policy.ApplicationDelete, deletion, isThere)
}

func (r remover) principal(ctx context.Context, item resource.Item) []resource.Result {
	st := r.view.Document.Status
	deletion := func(ctx context.Context, receipt *graph.Write) error {
		var err error
		*receipt, err = r.graph.DeleteServicePrincipal(ctx, st.ServicePrincipalID)
		return err
	}
	isThere := func(ctx context.Context) (bool, error) {
		if st.ClientID == "" {
			return false, nil
		}
		return resource.Find(ctx, r.requests, policy.PrincipalGet, words(r.view.Document), false,
			func(ctx context.Context) error {
				_, err := r.graph.GetServicePrincipalByAppID(ctx, st.ClientID)
				return err
			})
	}
	return r.remove(ctx, item, st.ServicePrincipalID, policy.PrincipalDelete, deletion, isThere)
}

// remove deletes one object until it is seen to be gone, and then purges it where that is wanted. An object whose id
// was never learnt was never made.
func (r remover) remove(ctx context.Context, item resource.Item, objectID string, op policy.Operation,
	deletion func(context.Context, *graph.Write) error, isThere func(context.Context) (bool,
		error)) []resource.Result {
	if objectID == "" {
		return []resource.Result{{Item: item, Step: item.Name + "-delete", Outcome: resource.OutcomeAbsent,
			Began: r.requests.Now(), Ended: r.requests.Now()}}
	}
	result := resource.Result{Item: item, Step: item.Name + "-delete", StepTarget: objectID,
		Outcome: resource.OutcomeAbsent, Began: r.requests.Now()}
	result.Err = resource.UntilGone(ctx, r.requests, words(r.view.Document), func(ctx context.Context) error {
		if item.Name == itemPrincipal { // mostly it has gone with its application
			if there, err := isThere(ctx); err != nil || !there {
				return err
			}
		}
		var receipt graph.Write
		err := r.requests.Do(ctx, op, words(r.view.Document), func(ctx context.Context) error {
			return deletion(ctx, &receipt)
		})
		if receipt.Outcome == graph.OutcomeDeleted {
			result.Outcome, result.RequestID = resource.OutcomeDeleted, receipt.RequestID
		}
		return err
	}, isThere)
	result.Ended = r.requests.Now()
	switch {
	case result.Err != nil:
		return []resource.Result{result}
	case !r.view.Purge && item.Name == itemApplication:
		result.Kept = inBin + objectID
		fallthrough
	case !r.view.Purge:
		return []resource.Result{result}
	}
	return []resource.Result{result, r.purge(ctx, item, objectID)}
}

// inBin is what stays of an application that was deleted and not purged. Source:
// https://learn.microsoft.com/entra/identity/enterprise-apps/delete-recover-faq.
const inBin = "Entra's recycle bin keeps the application, with its service principal and credentials, for 30 days " +
	"after its deletion, unless it is purged: a DELETE with ?purge=true does that. Its object id is "

// purge removes one object from the recycle bin. That it is not there may mean that it has not arrived yet, so that is
// accepted after some repetitions, or at once after a purge of ours whose answer was lost.
func (r remover) purge(ctx context.Context, item resource.Item, objectID string) resource.Result {
	result := resource.Result{Item: item, Step: item.Name + "-purge", StepTarget: objectID,
		Outcome: resource.OutcomeAbsent, Began: r.requests.Now()}
	isPurged, err := r.requests.Await(ctx, policy.WaitForRecycling, func(ctx context.Context) (bool, error) {
		isPurged, requestID, err := r.purgeOnce(ctx, objectID)
		result.RequestID = requestID
		return isPurged, err
	})
	if isPurged {
		result.Outcome = resource.OutcomeDeleted
	}
	if errors.Is(err, policy.ErrNoTime) {
		err = &policy.Failure{Operation: policy.DeletedItemPurge, Decision: policy.Decision{Action: policy.RetryLater},
			Err: &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeDirectoryNotReplicated), Err: err}}
	}
	result.Err, result.Ended = err, r.requests.Now()
	return result
}

// purgeOnce reports whether the object was in the bin and is purged now. After a lost answer, that it is not there is
// the purge's doing.
func (r remover) purgeOnce(ctx context.Context, objectID string) (bool, string, error) {
	var receipt graph.Write
	lost := false
	err := r.requests.Do(ctx, policy.DeletedItemPurge, words(r.view.Document), func(ctx context.Context) error {
		var err error
		receipt, err = r.graph.PurgeDeletedItem(ctx, objectID)
		lost = lost || err != nil && !policy.IsRefusal(err)
		return err
	})
	return err == nil && (lost || receipt.Outcome == graph.OutcomeDeleted), receipt.RequestID, err
}
