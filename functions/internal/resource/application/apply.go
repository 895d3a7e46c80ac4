package application

import (
	"context"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Apply implements resource.Kind: the application first, as the service principal is written by its client id.
func (k *Kind) Apply(ctx context.Context, v resource.View, items []resource.Item) []resource.Result {
	var results []resource.Result
	for _, item := range items {
		w := writer{Kind: k, view: v, began: k.requests.Now()}
		if item.Name == itemApplication {
			w.applyApplication(ctx, item)
		} else {
			w.applyPrincipal(ctx, item)
		}
		results = append(results, w.results...)
		for _, r := range w.results {
			if r.Learn != nil {
				r.Learn(&v.Document.Status)
			}
		}
		if last := w.results[len(w.results)-1]; last.Err != nil {
			break
		}
	}
	return results
}

// writer writes one item; a restored one takes several steps.
type writer struct {
	*Kind
	view    resource.View
	began   time.Time
	results []resource.Result
}

func (w *writer) add(r resource.Result) {
	r.Began, r.Ended = w.began, w.requests.Now()
	w.began = r.Ended
	w.results = append(w.results, r)
}

func (w *writer) applyApplication(ctx context.Context, item resource.Item) {
	restored := false
	if item.State == resource.Restorable {
		var err error
		if restored, err = w.restore(ctx, item, "restore-application",
			w.view.Document.Status.Identity.ID); err != nil {
			return
		}
	}
	app, write, err := w.writeApplication(ctx, item, restored)
	result := resource.Result{Item: item, Step: itemApplication, StepTarget: w.key(w.view.Document),
		RequestID: write.RequestID, Err: err}
	if err == nil {
		result.Outcome, result.Learn = outcomeOf(write.Outcome), w.learn(app)
	}
	w.add(result)
}

// writeApplication creates an application that is missing, or else updates the one that is there by its id, where it
// differs. A create that is sent twice is refused the second time, since the unique name is taken: so nothing of
// others is ever merged into, and a lost answer makes no second application.
func (w *writer) writeApplication(
	ctx context.Context, item resource.Item, restored bool,
) (graph.Application, graph.Write, error) {
	if app, isThere := item.Data.(graph.Application); item.State == resource.Different && isThere {
		write, err := w.updateApplication(ctx, app)
		return app, write, err
	}
	var app graph.Application
	var err error
	if !restored {
		var write graph.Write
		if app, write, err = w.createApplication(ctx); policy.ActionOf(err) != policy.Exists {
			return app, write, err
		}
		app, restored, err = w.reclaim(ctx, item)
	}
	if err == nil && restored {
		app, err = w.readApplication(ctx, policy.ApplicationGet, w.get)
	}
	return w.correctApplication(ctx, app, err)
}

// correctApplication updates an application of ours that was restored, or found in the place of a create, where it
// differs: it was made, or went, with what an earlier spec has asked for.
func (w *writer) correctApplication(
	ctx context.Context, app graph.Application, err error,
) (graph.Application, graph.Write, error) {
	if err != nil {
		return app, graph.Write{}, err
	}
	var found resource.Item
	if compareApplication(&found, w.view.Document, app); found.State != resource.Different {
		return app, graph.Write{}, nil
	}
	write, err := w.updateApplication(ctx, app)
	return app, write, err
}

// learn saves the ids, and the unique name by which the application is found.
func (w *writer) learn(app graph.Application) func(*integration.Status) {
	name, learnIDs := w.UniqueName(w.view.Document), learnApplication(app)
	return func(st *integration.Status) {
		if learnIDs(st); !st.Identity.IsTaken {
			st.Identity.Key = name
		}
	}
}

// outcomeOf is the outcome of a write. Nothing is written that a look has not found different or missing: where
// Graph answers 204, the object was there by then, and is now as it was sent.
func outcomeOf(w graph.Outcome) resource.Outcome {
	if w == "" {
		return resource.OutcomeUnchanged
	}
	return resource.Outcome(w)
}

func wantedApplication(d integration.Document) graph.ApplicationPatch {
	return graph.ApplicationPatch{DisplayName: d.Spec.DisplayName, SignInAudience: audience, Tags: tags(d.ID)}
}

func (w *writer) createApplication(ctx context.Context) (graph.Application, graph.Write, error) {
	var app graph.Application
	var write graph.Write
	d := w.view.Document
	err := w.requests.Do(ctx, policy.ApplicationCreate, words(d), func(ctx context.Context) error {
		var err error
		app, write, err = w.graph.CreateApplication(ctx, w.UniqueName(d), wantedApplication(d))
		return err
	})
	return app, write, err
}

// updateApplication sends what we own. Graph replaces an array whole, so the tags of others are sent again.
func (w *writer) updateApplication(ctx context.Context, app graph.Application) (graph.Write, error) {
	var write graph.Write
	d := w.view.Document
	wanted := wantedApplication(d)
	for _, tag := range app.Tags {
		if !slices.Contains(wanted.Tags, tag) {
			wanted.Tags = append(wanted.Tags, tag)
		}
	}
	err := w.requests.Do(ctx, policy.ApplicationUpdate, words(d), func(ctx context.Context) error {
		var err error
		write, err = w.graph.UpdateApplication(ctx, app.ID, wanted)
		return err
	})
	return write, err
}

// readApplication reads an application that is there, though maybe not on every replica yet.
func (w *writer) readApplication(ctx context.Context, op policy.Operation,
	read func(context.Context, integration.Document, ...string) (graph.Application, error)) (graph.Application,
	error) {
	var app graph.Application
	err := w.requests.Do(ctx, op, words(w.view.Document), func(ctx context.Context) error {
		var err error
		app, err = read(ctx, w.view.Document)
		return err
	})
	return app, err
}

// getHolder reads the application that has our unique name.
func (w *writer) getHolder(ctx context.Context, d integration.Document, more ...string) (graph.Application, error) {
	return w.graph.GetApplicationByUniqueName(ctx, w.UniqueName(d), more...)
}

// reclaim finds out who holds the unique name: an application of ours that a replica did not show yet, the one that
// was deleted, or a stranger's. It reports whether the deleted one was restored.
func (w *writer) reclaim(ctx context.Context, item resource.Item) (graph.Application, bool, error) {
	app, found, err := w.find(ctx, w.view.Document, w.view.Document.Status.Identity.ID != "")
	if err == nil && !found && w.view.Document.Status.Identity.ID != "" {
		restored, err := w.restore(ctx, item, "restore-application", w.view.Document.Status.Identity.ID)
		if err != nil || restored {
			return graph.Application{}, restored, err
		}
	}
	if err == nil && !found { // it may be a write that this replica does not show yet
		app, err = w.readApplication(ctx, policy.HolderGet, w.getHolder)
		if policy.IsNotThere(policy.HolderGet, err) {
			return app, false, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeUniqueNameTaken,
				diagnosis.WithContext(words(w.view.Document)))}
		}
	}
	if err == nil && !isOurs(app, w.view.Document) {
		return app, false, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeApplicationForeign,
			diagnosis.WithContext(words(w.view.Document)))}
	}
	return app, false, err
}

// restore takes an object out of the recycle bin; false where it is not there.
func (w *writer) restore(ctx context.Context, item resource.Item, step, objectID string) (bool, error) {
	var write graph.Write
	found, err := resource.Find(ctx, w.requests, policy.DeletedItemRestore, words(w.view.Document), false,
		func(ctx context.Context) error {
			var err error
			write, err = w.graph.RestoreDeletedItem(ctx, objectID)
			return err
		})
	result := resource.Result{Item: item, Step: step, StepTarget: objectID, Outcome: resource.OutcomeRestored,
		RequestID: write.RequestID, Err: err}
	if err == nil && !found {
		result.Outcome = resource.OutcomeAbsent
	}
	w.add(result)
	return found, err
}

// applyPrincipal writes the service principal. Restoring an application does not restore it; one that is gone is made
// anew, and one that was restored stays as it went.
func (w *writer) applyPrincipal(ctx context.Context, item resource.Item) {
	d := w.view.Document
	isRestored := false
	if item.State == resource.Restorable && d.Status.ServicePrincipalID != "" {
		var err error
		isRestored, err = w.restore(ctx, item, "restore-service-principal", d.Status.ServicePrincipalID)
		if err != nil {
			return
		}
	}
	var principal graph.ServicePrincipal
	var write graph.Write
	var err error
	if !isRestored {
		principal, write, err = w.upsertPrincipal(ctx)
	}
	if err == nil && principal.ID == "" {
		// The saved id is not used here: a service principal that was made anew has another one, and Azure would
		// accept role assignments to the old one without an error.
		err = w.requests.Do(ctx, policy.PrincipalGet, words(d), func(ctx context.Context) error {
			var err error
			principal, err = w.graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
			return err
		})
	}
	result := resource.Result{Item: item, Step: itemPrincipal, StepTarget: d.Status.ClientID,
		RequestID: write.RequestID, Err: err}
	if err == nil {
		result.Outcome, result.Learn = outcomeOf(write.Outcome), learnPrincipal(principal)
	}
	w.add(result)
}

// upsertPrincipal makes the service principal. One that is there by then is fine: it is the application's only one.
func (w *writer) upsertPrincipal(ctx context.Context) (principal graph.ServicePrincipal, write graph.Write,
	err error) {
	d := w.view.Document
	err = w.requests.Do(ctx, policy.PrincipalUpsert, words(d), func(ctx context.Context) error {
		var err error
		principal, write, err = w.graph.UpsertServicePrincipal(ctx, d.Status.ClientID,
			graph.ServicePrincipalPatch{Tags: tags(d.ID)})
		return err
	})
	if policy.ActionOf(err) == policy.Exists {
		err = nil
	}
	return principal, write, err
}
