package provision

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// verifier proves access to an integration: by a test as the federated identity, or by what others can do as it.
type verifier struct {
	kinds []resource.Kind
	// tester and tokenSource are nil where this deployment makes no test of its own.
	tester      *access.Tester
	tokenSource func(ctx context.Context, subject, audience string) (secret.Value, error)
	now         func() time.Time
	watch       Watch
}

// canTest reports whether access can be proved by a test of our own.
func (v *verifier) canTest() bool { return v.tester != nil && v.tokenSource != nil }

// verifyPause is the pause before the n-th access test, from 0. The first one waits too: a token that is refused
// before the credential has arrived makes the token service remember the refusal.
func verifyPause(n int) time.Duration {
	early := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second}
	if n < len(early) {
		return early[n]
	}
	return time.Minute
}

// lastVerification is the number of the last access test while what was written may still propagate.
func lastVerification() int { return lastWithin(integration.Propagation, verifyPause) }

// lastWithin is the number, from 0, of the last attempt that is made within a window, with the pause before each.
func lastWithin(window time.Duration, pause func(n int) time.Duration) int {
	n, total := 0, pause(0)
	for total+pause(n+1) <= window {
		n++
		total += pause(n)
	}
	return n
}

// scheduleVerify sends the n-th verification into the future; beyond the window there are only looks at a validation.
// It is named by the message that it follows, where that came before it was due: the queue drops what has the name of
// another.
func (v *verifier) scheduleVerify(ctx context.Context, a *operation.Attempt, n int) error {
	c, count := a.Command(), n
	if c.Type == message.TypeVerify {
		count = min(max(n, c.Attempt+1), message.MaxAttempt)
	}
	next := message.Command{Type: message.TypeVerify, IntegrationID: c.IntegrationID, OperationID: c.OperationID,
		Attempt: count}
	return a.Send(ctx, next, a.CopyID("verify", count), proofPause(n))
}

// verify proves access as the federated identity, with patience while propagation explains a refusal. It moves the
// phase to usable or failed and never touches the operation, which has succeeded. Where no access test could be made
// in the whole window, the platform's validation decides, if it has a way.
func (v *verifier) verify(ctx context.Context, a *operation.Attempt) (any, error) {
	d := a.Document()
	switch {
	case !d.IsMade() || !v.canVerify(d):
		return nil, nil
	case a.Number() > lastVerification(), !v.canTest(): // what others can do as the federated identity is proof enough
		return nil, v.askProver(ctx, a, d)
	}
	return nil, v.proveAccess(ctx, a, d)
}

// proveAccess makes one access test, and tells what it has come to.
func (v *verifier) proveAccess(ctx context.Context, a *operation.Attempt, d integration.Document) error {
	// A document that is kept does not show that something was put right for which no step can say that it was wrong.
	propagated := v.hasPropagated(a)
	report, err := v.test(ctx, d, access.Request{Mode: access.ModeRoundtrip, Propagated: &propagated})
	switch {
	// as where there is no token source
	case err != nil && ctx.Err() == nil && a.Number() >= lastVerification() && v.prover(d) != nil:
		return v.askProver(ctx, a, d)
	case err != nil:
		return v.verifyLater(ctx, a, err)
	}
	report = health.Completed(ctx, v.kinds, d, propagated, report)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if v.tester.IsProof(d.Spec, report) {
		if err := v.askProver(ctx, a, d); err != nil {
			return err
		}
		return v.watch.Note(ctx, d, health.TestResult{Report: report})
	}
	if report.IsSound() { // nothing is wrong, and testing again will prove no more
		gap, _ := v.tester.Unproved(d.Spec, report)
		invocation.From(ctx).SetCode(gap.Code)
		return v.undecided(ctx, a, gap)
	}
	worst, patient := report.Decisive()
	invocation.From(ctx).SetCode(worst.Code)
	goesOn := patient && a.Number() < lastVerification()
	if report.Verdict == assessment.VerdictFail {
		// first, as a message that is delivered again finds a document that has failed
		tested := health.TestResult{Report: report, IsOutOfPatience: !goesOn}
		if goesOn {
			tested.Refuted = &worst
		}
		if err := v.watch.Note(ctx, d, tested); err != nil {
			return err
		}
	}
	switch {
	case goesOn:
		return v.scheduleVerify(ctx, a, a.Number()+1)
	case report.Verdict == assessment.VerdictFail:
		return v.refuted(ctx, a, worst)
	default:
		return v.undecided(ctx, a, worst)
	}
}

// verifyLater tries again on the verification's own schedule; at its end nothing is known.
func (v *verifier) verifyLater(ctx context.Context, a *operation.Attempt, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d := operation.Describe(cause, false)
	invocation.From(ctx).SetCode(d.Code)
	if a.Number() < lastVerification() {
		return v.scheduleVerify(ctx, a, a.Number()+1)
	}
	unavailable := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable,
		diagnosis.WithDetail("No access test could be made: %s", d.Detail))
	unavailable.Evidence, unavailable.Remedy = d.Evidence, d.Remedy
	return v.undecided(ctx, a, unavailable)
}

func (v *verifier) verified(ctx context.Context, a *operation.Attempt) error {
	return v.moveVerified(ctx, a, func(d *integration.Document) {
		d.MarkProved(v.now(), false)
	}, operation.News{Type: message.TypeIntegrationUsable})
}

func (v *verifier) refuted(ctx context.Context, a *operation.Attempt, found diagnosis.Diagnosis) error {
	return v.moveVerified(ctx, a, func(d *integration.Document) {
		d.Status.Phase = integration.PhaseFailed
		d.SetCondition(v.now(), integration.ConditionVerified, "False", &found, "")
	}, operation.News{Type: message.TypeIntegrationFailed, Diagnosis: &found})
}

// undecided tells why nothing was proved, and has health look at what can be seen. What was proved before the
// operation still stands.
func (v *verifier) undecided(ctx context.Context, a *operation.Attempt, found diagnosis.Diagnosis) error {
	return v.moveVerified(ctx, a, func(d *integration.Document) {
		if d.Status.Phase != integration.PhaseUsable {
			d.SetCondition(v.now(), integration.ConditionVerified, "Unknown", &found, "")
		}
	}, operation.Look)
}

// moveVerified changes the document while it still waits for this verification.
func (v *verifier) moveVerified(ctx context.Context, a *operation.Attempt, change func(*integration.Document),
	news ...operation.News) error {
	return a.Conclude(ctx, nil, func(d *integration.Document) error {
		if !d.IsMade() {
			return operation.ErrDone
		}
		change(d)
		return nil
	}, news...)
}
