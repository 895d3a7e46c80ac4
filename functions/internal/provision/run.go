package provision

import (
	"context"
	"reflect"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// run is one attempt at an operation that makes or removes objects.
type run struct {
	*Service
	attempt *operation.Attempt
	// fresh is true where nothing was made yet, so that there is nothing to look at; ending that the integration is
	// torn down.
	fresh, ending bool
	// purge is true where nothing is to be kept from which a removed item could be restored.
	purge bool
	// kept is true where the document stays as it is, phase and conditions: nothing is to be done.
	kept bool

	// changing writes into the document that things are about to change.
	changing func(*integration.Document)
	// veto hears what kinds say against a teardown; nil where nobody is asked.
	veto *veto

	writing sync.Mutex // held while what looking has taught is written; guards failed
	// failed is why that could not be written: nothing begins after it.
	failed error

	saving sync.Mutex // held while the document is saved, so that each thing that was learnt is written once

	mu sync.Mutex // guards what follows: tasks run side by side
	// learnt is what tasks have taught that is not in the document yet, in that order.
	learnt []func(*integration.Document)
	// looked are the items of the kinds that were looked at, in that order, and recorded is how many of them the
	// document has been taught.
	looked   []resource.Item
	recorded int
	// taught are the kinds whose objects turned out to be other ones than they were told.
	taught map[string]bool
	// removals are what the kinds came to in a teardown.
	removals map[string]removal
}

func (s *Service) newRun(a *operation.Attempt) *run {
	return &run{Service: s, attempt: a, changing: provisioning, taught: map[string]bool{},
		removals: map[string]removal{}}
}

// provision makes everything that the spec asks for, and removes what it does not ask for any more. Beside it the
// health checks are planned: what has an identity is looked at, whatever becomes of the operation.
func (s *Service) provision(ctx context.Context, a *operation.Attempt) (any, error) {
	planned := make(chan error, 1)
	go func() { planned <- s.Watch.Plan(ctx, a.Document()) }()
	r := s.newRun(a)
	err := r.make(ctx)
	if failed := <-planned; err == nil && failed != nil {
		err = operation.Worst(failed, r.flush(ctx))
	}
	if err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// make brings everything to what the spec asks for.
func (r *run) make(ctx context.Context) error {
	if err := r.replace(ctx); err != nil {
		return err
	}
	r.fresh = r.attempt.IsFirst() && r.attempt.Number() == 0 && r.current().Status.ClientID == ""
	return r.converge(ctx, r.unseen(r.Kinds))
}

// start writes down what looking has taught, and that something is about to be changed. A document of what is made
// already stays as it is where nothing is to be done.
func (r *run) start(ctx context.Context, seen []resource.Observed) error {
	r.kept = r.current().IsMade() && len(resource.InState(resource.Items(seen), resource.Missing, resource.Restorable,
		resource.Different, resource.Unwanted)) == 0
	return r.recordLooks(ctx, !r.kept)
}

// provisioning writes into a document that its objects are being changed. The conditions of an earlier attempt stay.
func provisioning(d *integration.Document) {
	if d.Status.Phase != integration.PhaseProvisioning {
		d.Status.Phase, d.Status.Conditions = integration.PhaseProvisioning, nil
	}
}

// finish is true where everything is made: in the document, with the news of it; then it schedules the verification,
// or asks health to look, where nothing can verify.
func (r *run) finish(ctx context.Context) (any, error) {
	err := r.concludeWith(ctx, r.conclude, operation.News{Type: message.TypeIntegrationProvisioned})
	if err != nil {
		return nil, err
	}
	d := r.current()
	if r.verifier().canVerify(d) {
		err = r.verifier().scheduleVerify(ctx, r.attempt, 0)
	} else {
		err = r.Watch.Ask(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	return d.ProvisionResult(), nil
}

// conclude writes into the document that everything is made.
func (r *run) conclude(d *integration.Document) error {
	if r.kept {
		return nil // the scheduled access test looks at it again
	}
	d.Status.Phase = integration.PhaseProvisioned
	d.Status.ForgetFormerClientID()
	d.SetCondition(r.now(), integration.ConditionProvisioned, "True", nil, "")
	if r.verifier().canVerify(*d) {
		d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", nil, "The first access test is scheduled.")
		return nil
	}
	unknown := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable)
	d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", &unknown, "")
	return nil
}

// learn remembers what is to be written into the document with what is written next.
func (r *run) learn(change func(*integration.Document)) {
	if change == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnt = append(r.learnt, change)
}

// unwritten returns how much was learnt that is not in the document yet, and what writes it there.
func (r *run) unwritten() (int, func(*integration.Document)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := r.learnt
	return len(changes), func(d *integration.Document) {
		for _, change := range changes {
			change(d)
		}
	}
}

// written forgets the first n things that were learnt.
func (r *run) written(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learnt = r.learnt[n:]
}

// save writes down what has been learnt, with the steps that were noted, where there is news, and change, which is nil
// for none.
func (r *run) save(ctx context.Context, change func(*integration.Document)) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	r.learn(change)
	n, learnt := r.unwritten()
	defer r.written(n) // where it cannot be written the run ends, and the next attempt looks
	if draft := r.attempt.Document().Clone(); isChangedBy(&draft, learnt) {
		return r.attempt.Save(ctx, learnt)
	}
	if r.attempt.HasNews() {
		return r.attempt.Save(ctx, nil)
	}
	return nil
}

// flush writes down what has been learnt where a run ends without a conclusion.
func (r *run) flush(ctx context.Context) error {
	if n, _ := r.unwritten(); n == 0 {
		return nil
	}
	return r.save(ctx, nil)
}

// concludeWith writes down how the run has ended, and with it what has been learnt.
func (r *run) concludeWith(ctx context.Context, change func(*integration.Document) error,
	news operation.News) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	n, learnt := r.unwritten()
	defer r.written(n)
	if n == 0 {
		learnt = nil
	}
	return r.attempt.Conclude(ctx, learnt, change, news)
}

// isChangedBy reports whether a change makes a difference.
func isChangedBy(d *integration.Document, change func(*integration.Document)) bool {
	before := d.Clone()
	change(d)
	return !reflect.DeepEqual(before, *d)
}

// current returns the document as this attempt knows it, with what is not written yet.
func (r *run) current() integration.Document {
	d := r.attempt.Document()
	if n, learnt := r.unwritten(); n > 0 {
		d = d.Clone()
		learnt(&d)
	}
	return d
}

// view is what the kinds are told of the integration.
func (r *run) view() resource.View {
	return resource.View{Document: r.current(), Fresh: r.fresh, Ending: r.ending, Purge: r.purge ||
		r.attempt.Command().Purge}
}

// wordsOf are the values that a diagnosis of an integration names.
func wordsOf(d integration.Document) diagnosis.Context {
	c := d.Words()
	if len(d.Spec.Subjects) > 0 {
		c.Subject, c.Credential = d.Spec.Subjects[0], integration.WantedCredentials(d)[0].Name
	}
	return c
}
