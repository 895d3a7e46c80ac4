package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// tagOwner marks every object that this product made.
const tagOwner = "managed-by:ddoe-wif"

// tags mark an application and its service principal as ours and as this integration's.
func tags(id string) []string { return []string{tagOwner, "integration:" + id} }

// owned reports whether an application carries the marks.
func owned(app graph.Application, id string) bool {
	for _, tag := range tags(id) {
		if !slices.Contains(app.Tags, tag) {
			return false
		}
	}
	return true
}

// application is the first hop: the application, by its unique name.
func (r *run) application(ctx context.Context) error {
	d := r.current()
	app, outcome, err := r.upsertApplication(ctx, d)
	reclaimed := policy.ActionOf(err) == policy.Exists
	if reclaimed {
		restored, refusal := r.reclaim(ctx, d)
		if refusal != nil {
			return refusal
		}
		app, outcome, err = r.upsertApplication(ctx, d)
		if restored || r.cmd.Attempt == 0 { // else a later attempt is refused although nothing is in the way
			err = policy.Absent(err) // there, but not everywhere yet
		}
	}
	if err != nil {
		return err
	}
	if outcome == graph.OutcomeUpdated {
		// A crash may have come between the two restores, so a beginning integration looks for its service principal.
		if reclaimed || r.attempt.Begins() {
			if err := r.restorePrincipal(ctx, d, reclaimed); err != nil {
				return err
			}
		}
		if app, err = r.knownApplication(ctx, d); err != nil {
			return err
		}
	}
	return r.learn(ctx, func(d *integration.Document) {
		if d.Status.ObjectID != app.ID {
			// Another application has another service principal, with assignments of its own.
			d.Status.ServicePrincipalID = ""
		}
		d.Status.ObjectID, d.Status.ClientID = app.ID, app.AppID
	})
}

func (r *run) upsertApplication(ctx context.Context, d integration.Document) (graph.Application, graph.Outcome, error) {
	var app graph.Application
	var w graph.Write
	began := r.now()
	err := r.try(ctx, policy.ApplicationUpsert, r.words(), func(ctx context.Context) error {
		var err error
		app, w, err = r.Graph.UpsertApplication(ctx, d.Status.UniqueName, graph.ApplicationPatch{DisplayName: d.Spec.DisplayName, Tags: tags(d.ID)})
		return err
	})
	r.did("application", d.Status.UniqueName, string(upserted(w.Outcome)), w.RequestID, began, err)
	return app, w.Outcome, err
}

// outcomeEnsured is what an upsert came to that Graph has answered with 204: the object was there, and is now as it was sent.
// Whether that changed anything is not told.
const outcomeEnsured graph.Outcome = "ensured"

// upserted names the outcome of an upsert before which nobody has looked at the object.
func upserted(o graph.Outcome) graph.Outcome {
	if o == graph.OutcomeUpdated {
		return outcomeEnsured
	}
	return o
}

// knownApplication finds the ids of an application that was there already. Saved ids are good enough, until a first
// attempt with them has failed.
func (r *run) knownApplication(ctx context.Context, d integration.Document) (graph.Application, error) {
	if d.Status.ObjectID != "" && d.Status.ClientID != "" && r.cmd.Attempt == 0 {
		return graph.Application{ID: d.Status.ObjectID, AppID: d.Status.ClientID}, nil
	}
	return r.readApplication(ctx, d)
}

func (r *run) readApplication(ctx context.Context, d integration.Document) (graph.Application, error) {
	var app graph.Application
	err := r.try(ctx, policy.ApplicationGet, r.words(), func(ctx context.Context) error {
		var err error
		app, err = r.Graph.GetApplicationByUniqueName(ctx, d.Status.UniqueName)
		return err
	})
	return app, err
}

// reclaim finds out who holds the unique name: an application of ours that a stale replica did not show, the one that
// we deleted, or a stranger. It reports whether it has taken ours out of the recycle bin.
func (r *run) reclaim(ctx context.Context, d integration.Document) (bool, error) {
	app, err := r.Graph.GetApplicationByUniqueName(ctx, d.Status.UniqueName)
	switch {
	case err == nil && owned(app, d.ID):
		return false, nil
	case err == nil:
		return false, refuse(diagnosis.CodeApplicationForeign, diagnosis.WithContext(r.words()))
	case !graph.IsNotFound(err):
		return false, r.mustTry(ctx, policy.ApplicationGet, err)
	case d.Status.ObjectID != "":
		const step = "restore-application"
		began := r.now()
		if restored, err := r.restoreItem(ctx, step, d.Status.ObjectID); err != nil || restored {
			return restored, err
		}
		r.did(step, d.Status.ObjectID, "absent", "", began, nil)
	}
	// Nothing of ours is in the recycle bin. It may be a raced write that this replica does not show yet.
	app, err = r.readApplication(ctx, d)
	switch {
	case err == nil && owned(app, d.ID):
		return false, nil
	case err == nil:
		return false, refuse(diagnosis.CodeApplicationForeign, diagnosis.WithContext(r.words()))
	case graph.IsNotFound(err):
		return false, refuse(diagnosis.CodeUniqueNameTaken, diagnosis.WithContext(r.words()))
	default:
		return false, err
	}
}

// restorePrincipal brings the service principal back: restoring the application does not. One that is gone is made
// anew by the second hop. It is a step where the application was restored just now: else there may never have been
// anything to restore.
func (r *run) restorePrincipal(ctx context.Context, d integration.Document, reclaimed bool) error {
	if d.Status.ServicePrincipalID == "" {
		return nil
	}
	const step = "restore-service-principal"
	began := r.now()
	restored, err := r.restoreItem(ctx, step, d.Status.ServicePrincipalID)
	if err == nil && !restored && reclaimed {
		r.did(step, d.Status.ServicePrincipalID, "absent", "", began, nil)
	}
	return err
}

// restoreItem takes an object out of the recycle bin; false, and no step, where it is not there.
func (r *run) restoreItem(ctx context.Context, step, objectID string) (bool, error) {
	var w graph.Write
	began := r.now()
	err := r.try(ctx, policy.DeletedItemRestore, r.words(), func(ctx context.Context) error {
		var err error
		w, err = r.Graph.RestoreDeletedItem(ctx, objectID)
		return err
	})
	if graph.IsNotFound(err) {
		return false, nil
	}
	r.did(step, objectID, string(w.Outcome), w.RequestID, began, err)
	return err == nil, err
}

// mustTry wraps an error of a request that was sent once.
func (r *run) mustTry(ctx context.Context, operation policy.Operation, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return policy.Fail(operation, r.words(), err)
}
