package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// run is one attempt at an operation. The document is this attempt's copy of what is stored.
type run struct {
	*Service
	cmd message.Command
	// fresh says that nothing was made yet, so that there is nothing to look at; ending that the integration is torn down.
	fresh, ending bool
	// kept says that the document stays as it is, phase and conditions, unless something turns out to be missing.
	kept     bool
	mu       sync.Mutex // guards what follows: within a hop several requests are under way
	document integration.Document
	steps    []integration.Step
	taught   map[string]bool // the kinds whose items turned out to be other ones than were recorded
	waited   bool            // a wait within this attempt that the operation shows is over
}

// Result is the result of a successful provisioning.
type Result struct {
	ClientID           string `json:"clientId"`
	TenantID           string `json:"tenantId"`
	ObjectID           string `json:"objectId"`
	ServicePrincipalID string `json:"servicePrincipalId"`
}

// provision makes everything that the spec asks for, and removes what it does not ask for any more.
func (s *Service) provision(ctx context.Context, cmd message.Command) error {
	a, err := s.begin(ctx, cmd)
	if err != nil {
		return err
	}
	r := s.newRun(cmd, a.Document)
	r.kept = made(a.Document)
	r.fresh = began(a.Document, a.Operation) && cmd.Attempt == 0 && a.Document.Status.ClientID == ""
	ctx = policy.WithPauses(ctx, r.pauses)
	seen := r.observe(ctx)
	if err := r.start(ctx, seen); err != nil {
		return err
	}
	if err := r.converge(ctx, seen); err != nil {
		return err
	}
	return r.finish(ctx)
}

func (s *Service) newRun(cmd message.Command, d integration.Document) *run {
	return &run{Service: s, cmd: cmd, document: d, taught: map[string]bool{}}
}

// start writes down that something is about to be changed, and what looking has taught. A document that is kept as it is
// stays so where nothing is to be done.
func (r *run) start(ctx context.Context, seen []resource.Observed) error {
	for _, o := range seen {
		r.kept = r.kept && len(resource.InState(o.Items, resource.Missing, resource.Restorable, resource.Different, resource.Unwanted)) == 0
	}
	learn := r.learnSeen(seen)
	return r.save(ctx, func(d *integration.Document) {
		learn(d)
		if !r.kept && d.Status.Phase != integration.PhaseProvisioning { // else an earlier attempt's conditions stay
			d.Status.Phase, d.Status.Conditions = integration.PhaseProvisioning, nil
		}
	})
}

// finish says that everything is made: in the document, in the schedule of health checks, to the world, by the
// verification's schedule, and at last in the operation.
func (r *run) finish(ctx context.Context) error {
	doc, err := r.conclude(ctx, func(d *integration.Document) {
		if r.kept {
			return // the scheduled access test looks at it again
		}
		d.Status.Phase = integration.PhaseProvisioned
		r.setCondition(d, conditionProvisioned, "True", nil, "")
		if r.canVerify(*d) {
			r.setCondition(d, conditionVerified, "Unknown", nil, "The first access test is scheduled.")
			return
		}
		unknown := diagnosis.New("subject-token-unavailable")
		r.setCondition(d, conditionVerified, "Unknown", &unknown, "")
	})
	if err != nil {
		return err
	}
	if r.Schedule != nil {
		if err := r.Schedule(ctx, doc); err != nil {
			return err
		}
	}
	if err := r.publish(ctx, message.TypeIntegrationProvisioned, r.cmd.OperationID, doc, nil); err != nil {
		return err
	}
	if r.canVerify(doc) {
		if err := r.scheduleVerify(ctx, r.cmd, 0); err != nil {
			return err
		}
	}
	return r.succeed(ctx, Result{ClientID: doc.Status.ClientID, TenantID: doc.Spec.TenantID, ObjectID: doc.Status.ObjectID, ServicePrincipalID: doc.Status.ServicePrincipalID})
}

// succeed ends the operation with a result.
func (r *run) succeed(ctx context.Context, result any) error {
	body, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	_, err = r.Repository.UpdateOperation(ctx, r.cmd.OperationID, func(o *integration.Operation) error {
		if o.Status.Final() {
			return errDone
		}
		o.Status, o.Result, o.Error, o.Waiting = integration.OperationSucceeded, body, nil, nil
		o.Steps = mergeSteps(o.Steps, r.steps)
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return stored(err)
}

// save writes down what has been learnt, where it is news. It is written even for an operation that has been superseded,
// as the next one needs to know what exists; only the phase is then left alone, and errSuperseded ends the run.
func (r *run) save(ctx context.Context, change func(*integration.Document)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if draft := r.document.Clone(); !changes(&draft, change) {
		return nil
	}
	superseded := false
	d, err := r.Repository.Update(ctx, r.cmd.IntegrationID, func(d *integration.Document) error {
		phase := d.Status.Phase
		superseded = d.Status.LastOperationID != r.cmd.OperationID
		change(d)
		if superseded {
			d.Status.Phase = phase
		}
		return nil
	})
	if err != nil {
		return stored(err)
	}
	r.document = d
	if superseded {
		return errSuperseded
	}
	return nil
}

// changes reports whether a change makes a difference.
func changes(d *integration.Document, change func(*integration.Document)) bool {
	before := d.Clone()
	change(d)
	return !reflect.DeepEqual(before, *d)
}

// conclude saves what holds only if the operation is still the document's last.
func (r *run) conclude(ctx context.Context, change func(*integration.Document)) (integration.Document, error) {
	d, err := r.Repository.Update(ctx, r.cmd.IntegrationID, func(d *integration.Document) error {
		if d.Status.LastOperationID != r.cmd.OperationID {
			return errSuperseded
		}
		change(d)
		return nil
	})
	if err != nil {
		if errors.Is(err, errSuperseded) {
			return d, errSuperseded
		}
		return d, stored(err)
	}
	return d, nil
}

// current returns the document as this attempt knows it.
func (r *run) current() integration.Document {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.document
}

// view is what the kinds are told of the integration.
func (r *run) view() resource.View {
	return resource.View{Document: r.current(), Fresh: r.fresh, Ending: r.ending, Purge: r.cmd.Purge}
}

// wordsOf are the values that a diagnosis of an integration names.
func wordsOf(d integration.Document) diagnosis.Context {
	c := diagnosis.Context{Issuer: d.Spec.Issuer, Audience: d.Spec.Audience, TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, ObjectID: d.Status.ObjectID, PrincipalID: d.Status.ServicePrincipalID}
	if len(d.Spec.Subjects) > 0 {
		c.Subject, c.Credential = d.Spec.Subjects[0], integration.WantedCredentials(d)[0].Name
	}
	return c
}

// worst picks the error that decides: being superseded, then what is final, then what may pass.
func worst(errs ...error) error {
	var found error
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, errSuperseded):
			return err
		case found == nil, policy.IsFinal(err) && !policy.IsFinal(found):
			found = err
		}
	}
	return found
}
