package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// run is one attempt at an operation. The document is this attempt's copy of what is stored.
type run struct {
	*Service
	cmd message.Command
	// begins says that the operation makes the integration, or makes it again after a teardown.
	begins bool
	// kept says that the document stays as it is, phase and conditions, unless something turns out to be missing.
	kept bool
	// platform is what is learnt about the platform's side.
	platform platformSide

	mu       sync.Mutex // guards what follows: within a hop several requests are under way
	document integration.Document
	steps    []integration.Step
	wrote    bool // something was made, changed or removed that access may depend on
	waited   bool // a wait within this attempt that the operation shows is over
}

// Result is the result of a successful provisioning.
type Result struct {
	ClientID           string `json:"clientId"`
	TenantID           string `json:"tenantId"`
	ObjectID           string `json:"objectId"`
	ServicePrincipalID string `json:"servicePrincipalId"`
}

// provision makes everything that the spec asks for: after a look at what the platform offers, in three hops the
// application, its service principal and credentials, and the role assignments; then the platform's side.
func (s *Service) provision(ctx context.Context, cmd message.Command) error {
	a, err := s.begin(ctx, cmd)
	if err != nil {
		return err
	}
	r := &run{Service: s, cmd: cmd, begins: began(a.Document, a.Operation), kept: made(a.Document), document: a.Document}
	for _, hop := range []func(context.Context) error{r.preflight, r.start, r.application, r.identity, r.roleAssignments, r.platformHop} {
		err := hop(ctx)
		if err := errors.Join(err, r.flush(ctx), r.noticed(ctx)); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// start writes down what is about to be made, so that whatever a crash leaves behind is known by name. It comes right before
// the first write: who was superseded during the look at the platform, which may take minutes, ends here.
func (r *run) start(ctx context.Context) error {
	return r.learn(ctx, func(d *integration.Document) {
		if !r.kept {
			d.Status.Phase = integration.PhaseProvisioning
			changeDDOE(d, unvalidated)
		}
		d.Status.UniqueName = r.uniqueName(d.ID)
		d.Status.FederatedCredentials = remember(d.Status.FederatedCredentials, integration.WantedCredentials(*d), func(f integration.FederatedCredential) string { return f.Name })
	})
}

// noticed takes back what a kept document says, as soon as something had to be written.
func (r *run) noticed(ctx context.Context) error {
	r.mu.Lock()
	changed := r.kept && r.wrote
	r.mu.Unlock()
	if !changed {
		return nil
	}
	r.kept = false
	return r.learn(ctx, func(d *integration.Document) {
		d.Status.Phase, d.Status.Conditions = integration.PhaseProvisioning, nil
		changeDDOE(d, unvalidated)
	})
}

// identity writes the service principal beside the federated credentials: neither needs the other. Credentials are
// written one after the other, as Entra refuses concurrent writes below one application.
func (r *run) identity(ctx context.Context) error {
	var principalID string
	var credentials []integration.FederatedCredential
	err := together(
		func() error {
			var err error
			principalID, err = r.servicePrincipal(ctx)
			return err
		},
		func() error {
			var err error
			credentials, err = r.credentials(ctx)
			return err
		},
	)
	// What was learnt is kept even where the other half failed.
	saved := r.learn(ctx, func(d *integration.Document) {
		if credentials != nil {
			d.Status.FederatedCredentials = credentials
		}
		if principalID == "" {
			return
		}
		d.Status.ServicePrincipalID = principalID
		d.Status.RoleAssignments = remember(d.Status.RoleAssignments, wantedAssignments(*d), func(a integration.RoleAssignment) string { return a.ID })
	})
	return worst(err, saved)
}

// finish says that everything is made: in the document, in the schedule of health checks, to the world, by the
// verification's schedule, and at last in the operation.
func (r *run) finish(ctx context.Context) error {
	doc, err := r.conclude(ctx, func(d *integration.Document) {
		d.Status.DDOE = r.platformStatus(*d)
		if r.kept {
			return // the scheduled access test looks at it again
		}
		d.Status.Phase = integration.PhaseProvisioned
		r.setCondition(d, conditionProvisioned, "True", nil, "")
		if r.verifies() || r.validates(*d) {
			r.setCondition(d, conditionVerified, "Unknown", nil, "The first access test is scheduled.")
			return
		}
		unknown := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable)
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
	if r.verifies() || r.validates(doc) {
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

// learn saves what has been learnt. It is saved even for an operation that has been superseded, as the next one needs
// to know what exists; only the phase is then left alone, and errSuperseded ends the run.
func (r *run) learn(ctx context.Context, change func(*integration.Document)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
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

// words are the values that a diagnosis of this integration names.
func (r *run) words() diagnosis.Context { return wordsOf(r.current()) }

func wordsOf(d integration.Document) diagnosis.Context {
	c := diagnosis.Context{Issuer: d.Spec.Issuer, Audience: d.Spec.Audience, TenantID: d.Spec.TenantID,
		ClientID: d.Status.ClientID, ObjectID: d.Status.ObjectID, PrincipalID: d.Status.ServicePrincipalID}
	if len(d.Spec.Subjects) > 0 {
		c.Subject, c.Credential = d.Spec.Subjects[0], integration.WantedCredentials(d)[0].Name
	}
	return c
}

// together runs parts of a hop at the same time and waits for all of them: a part that was broken off because another
// failed would have to be repeated.
func together(parts ...func() error) error {
	var group errgroup.Group
	errs := make([]error, len(parts))
	group.SetLimit(maxParallel)
	for i, part := range parts {
		group.Go(func() error {
			errs[i] = part()
			return nil
		})
	}
	_ = group.Wait() // the parts return nil; their errors are in errs
	return worst(errs...)
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

// remember adds what is not there yet, by key.
func remember[T any](known, more []T, key func(T) string) []T {
	known = slices.Clone(known)
	for _, item := range more {
		if !slices.ContainsFunc(known, func(k T) bool { return key(k) == key(item) }) {
			known = append(known, item)
		}
	}
	return known
}
