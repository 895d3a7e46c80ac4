package provision

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// run is one attempt at an operation that makes or removes objects.
type run struct {
	*Service
	attempt *operation.Attempt
	cmd     message.Command
	// kept says that the document stays as it is, phase and conditions, unless something turns out to be missing.
	kept bool
	// platform is what is learnt about the platform's side.
	platform platformSide

	mu    sync.Mutex // guards what follows: within a hop several requests are under way
	wrote bool       // something was made, changed or removed that access may depend on
}

func (s *Service) newRun(a *operation.Attempt) *run {
	return &run{Service: s, attempt: a, cmd: a.Command()}
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
func (s *Service) provision(ctx context.Context, a *operation.Attempt) (any, error) {
	r := s.newRun(a)
	r.kept = made(a.Document())
	for _, hop := range []func(context.Context) error{r.preflight, r.start, r.application, r.identity, r.roleAssignments, r.platformHop} {
		err := hop(ctx)
		if err := errors.Join(err, r.flush(ctx), r.noticed(ctx)); err != nil {
			return nil, err
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

// finish says that everything is made: in the document, with the news of it, and in the schedule of health checks; then it
// schedules the verification.
func (r *run) finish(ctx context.Context) (any, error) {
	err := together(
		func() error { return r.Schedule(ctx, r.current()) },
		func() error {
			return r.attempt.Conclude(ctx, r.conclude, operation.News{Type: message.TypeIntegrationProvisioned})
		},
	)
	if err != nil {
		return nil, err
	}
	d := r.current()
	if r.verifies() || r.validates(d) {
		if err := r.scheduleVerify(ctx, r.attempt, 0); err != nil {
			return nil, err
		}
	}
	return Result{ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, ObjectID: d.Status.ObjectID, ServicePrincipalID: d.Status.ServicePrincipalID}, nil
}

// conclude writes into the document that everything is made.
func (r *run) conclude(d *integration.Document) error {
	d.Status.DDOE = r.platformStatus(*d)
	if r.kept {
		return nil // the scheduled access test looks at it again
	}
	d.Status.Phase = integration.PhaseProvisioned
	d.SetCondition(r.now(), integration.ConditionProvisioned, "True", nil, "")
	if r.verifies() || r.validates(*d) {
		d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", nil, "The first access test is scheduled.")
		return nil
	}
	unknown := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable)
	d.SetCondition(r.now(), integration.ConditionVerified, "Unknown", &unknown, "")
	return nil
}

// learn saves what has been learnt, and the steps that were noted.
func (r *run) learn(ctx context.Context, change func(*integration.Document)) error {
	return r.attempt.Save(ctx, change)
}

// flush saves the steps that were noted.
func (r *run) flush(ctx context.Context) error { return r.attempt.Save(ctx, nil) }

// did notes a step. The request id of a failed one is that of the answer.
func (r *run) did(name, target, outcome, requestID string, began time.Time, err error) {
	step := integration.Step{Name: name, Target: target, Status: "done", Outcome: outcome, RequestID: requestID,
		At: began, DurationMS: r.now().Sub(began).Milliseconds()}
	if err != nil {
		step.Status, step.Outcome, step.Code = "failed", "", operation.Describe(err, false).Code
		var answer interface{ ServiceRequestID() string }
		if errors.As(err, &answer) {
			step.RequestID = answer.ServiceRequestID()
		}
	}
	r.attempt.Step(step)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrote = r.wrote || telling(step)
}

// telling reports whether a step is known to have changed what access depends on.
func telling(step integration.Step) bool {
	return slices.Contains([]string{"created", "updated", "deleted", "restored"}, step.Outcome)
}

// try sends one request as the policy table says.
func (r *run) try(ctx context.Context, op policy.Operation, c diagnosis.Context, request func(ctx context.Context) error) error {
	return policy.Requests{Sleep: r.sleep, Now: r.now, Log: r.log()}.Do(ctx, op, c, request)
}

// describeRepeated is what a request has failed with that is being repeated.
func (s *Service) describeRepeated(ctx context.Context, a *operation.Attempt, f *policy.Failure) diagnosis.Diagnosis {
	var refused *ddoe.Error
	if errors.As(f.Err, &refused) {
		return s.platformDiagnosis(ctx, f.Operation, s.newRun(a).object(f.Operation, refused), refused)
	}
	return f.Diagnosis(false)
}

// current returns the document as this attempt knows it.
func (r *run) current() integration.Document { return r.attempt.Document() }

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
		case errors.Is(err, operation.ErrSuperseded):
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
