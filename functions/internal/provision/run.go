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
	*recorder
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

	writing sync.Mutex // held while what was learnt is written; guards failed
	// failed is why that could not be written: nothing is sent to a cloud after it.
	failed error

	mu sync.Mutex // guards what follows: tasks run side by side
	// looked are the items of the kinds that were looked at, in that order, and recorded is how many of them the
	// document has been taught.
	looked   []resource.Item
	recorded int
	// taught are the kinds whose objects turned out to be other ones than they were told.
	taught map[string]bool
	// takenDown is what the kinds came to in a teardown.
	takenDown map[string]takenDown
}

// newRun has the kinds of the integration alone: what somebody else has made is written by none of them.
func (s *Service) newRun(a *operation.Attempt) *run {
	own := *s
	own.Kinds = resource.Of(s.Kinds, a.Document())
	return &run{Service: &own, recorder: &recorder{attempt: a}, changing: provisioning, taught: map[string]bool{},
		takenDown: map[string]takenDown{}}
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
	return r.record(ctx, !r.kept)
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
	news := []operation.News{{Type: message.TypeIntegrationProvisioned}}
	canVerify := r.verifier().canVerify(r.current())
	if !canVerify {
		news = append(news, operation.Look)
	}
	err := r.concludeWith(ctx, r.conclude, news...)
	if err == nil && canVerify {
		err = r.verifier().scheduleVerify(ctx, r.attempt, 0)
	}
	if err != nil {
		return nil, err
	}
	return r.current().ProvisionResult(), nil
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
		d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", nil,
			"An access test of what was made is scheduled.")
		return nil
	}
	unknown := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable, diagnosis.WithContext(d.Words()))
	d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", &unknown, "")
	return nil
}

// isChangedBy reports whether a change makes a difference.
func isChangedBy(d *integration.Document, change func(*integration.Document)) bool {
	before := d.Clone()
	change(d)
	return !reflect.DeepEqual(before, *d)
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
