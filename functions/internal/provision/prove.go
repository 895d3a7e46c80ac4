package provision

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

const (
	// proofWindow is how long after a provisioning a proof that others make is asked for.
	proofWindow = 24 * time.Hour
	// maxProofPause is the longest pause between two of these questions.
	maxProofPause = 15 * time.Minute
	// clockDifference is how much earlier than planned a question may come by the clock of another instance.
	clockDifference = 5 * time.Second
)

// proofPause is the pause before the n-th question, from 0: the verification's while its window lasts, then doubling
// up to maxProofPause.
func proofPause(n int) time.Duration {
	last := lastVerification()
	if n <= last {
		return verifyPause(n)
	}
	return min(verifyPause(last)<<min(n-last, 10), maxProofPause)
}

// lastProof is the number of the last question within its window.
func lastProof() int { return lastWithin(proofWindow, proofPause) }

// prover is the kind that others prove access through; nil where there is none for the integration.
func (v *verifier) prover(d integration.Document) resource.Prover {
	return resource.ProverOf(v.kinds, d)
}

// canVerify reports whether access can be proved: by a test of our own, or by others.
func (v *verifier) canVerify(d integration.Document) bool { return v.canTest() || v.prover(d) != nil }

// askProver has others prove access where they can, and moves the phase to usable when that is done.
func (v *verifier) askProver(ctx context.Context, a *operation.Attempt, d integration.Document) error {
	p := v.prover(d)
	if p == nil {
		return nil
	}
	proof := p.Prove(ctx, resource.View{Document: d})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if proof.Learn != nil {
		if err := v.moveVerified(ctx, a, func(d *integration.Document) { proof.Learn(&d.Status) }); err != nil {
			return err
		}
	}
	if proof.Proved {
		return v.verified(ctx, a)
	}
	found := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable, diagnosis.WithContext(d.Words()))
	if proof.Diagnosis != nil {
		found = *proof.Diagnosis
	}
	invocation.From(ctx).SetCode(found.Code)
	switch {
	case proof.Pending && a.Number() == lastVerification(): // what is waited for shows from now on
		if err := v.undecided(ctx, a, found); err != nil {
			return err
		}
		return v.scheduleVerify(ctx, a, a.Number()+1)
	case proof.Pending && a.Number() < lastProof(), proof.Passing && a.Number() < lastVerification():
		return v.scheduleVerify(ctx, a, a.Number()+1)
	case proof.Pending || proof.Passing:
		return v.undecided(ctx, a, found)
	default:
		return v.refuted(ctx, a, found)
	}
}

// hasPropagated reports whether so much time has passed since an operation's newest write that access depends on. What
// is not known counts as fresh.
func (v *verifier) hasPropagated(a *operation.Attempt) bool {
	op := a.Operation()
	return op.ETag != "" && integration.HasPropagated(newestWrite(op), v.now())
}

// newestWrite is when an operation has last written what access depends on, its beginning being the latest that an
// earlier one can have. Attempts say nothing of that: they may have been spent before the write.
func newestWrite(op integration.Operation) time.Time {
	newest := op.CreatedAt
	for _, step := range op.Steps {
		ended := step.At.Add(time.Duration(step.DurationMS) * time.Millisecond)
		if resource.Outcome(step.Outcome).HasChanged() && ended.After(newest) {
			newest = ended
		}
	}
	return newest
}

// dueProof is the number of the latest question that can be due: as many as there is time for since the newest write,
// whatever a message states.
func (v *verifier) dueProof(a *operation.Attempt) int {
	return lastWithin(v.now().Sub(newestWrite(a.Operation()))+clockDifference, proofPause)
}
