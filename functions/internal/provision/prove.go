package provision

import (
	"context"
	"slices"
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
)

// proofPause is the pause before the n-th question, from 0: the verification's while its window lasts, then doubling up to
// maxProofPause.
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
func (s *Service) prover(d integration.Document) resource.Prover {
	i := slices.IndexFunc(s.Kinds, func(k resource.Kind) bool {
		p, ok := k.(resource.Prover)
		return ok && p.CanProve(d)
	})
	if i < 0 {
		return nil
	}
	return s.Kinds[i].(resource.Prover)
}

// canVerify reports whether access can be proved: by a test of our own, or by others.
func (s *Service) canVerify(d integration.Document) bool { return s.verifies() || s.prover(d) != nil }

// askProver has others prove access where they can, and moves the phase to usable when that is done. tested says that a
// test of our own has proved access already.
func (s *Service) askProver(ctx context.Context, a *operation.Attempt, d integration.Document, tested bool) error {
	p := s.prover(d)
	if p == nil {
		if tested {
			return s.verified(ctx, a)
		}
		return nil
	}
	proof := p.Prove(ctx, resource.View{Document: d})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if proof.Learn != nil {
		if err := s.moveVerified(ctx, a, func(d *integration.Document) { proof.Learn(&d.Status) }); err != nil {
			return err
		}
	}
	if proof.Proved {
		return s.verified(ctx, a)
	}
	found := diagnosis.New(diagnosis.CodeSubjectTokenUnavailable)
	if proof.Diagnosis != nil {
		found = *proof.Diagnosis
	}
	invocation.From(ctx).SetCode(found.Code)
	switch {
	case proof.Pending && a.Number() == lastVerification(): // what is waited for shows from now on
		if err := s.undecided(ctx, a, found); err != nil {
			return err
		}
		return s.scheduleVerify(ctx, a, a.Number()+1)
	case proof.Pending && a.Number() < lastProof(), proof.Passing && a.Number() < lastVerification():
		return s.scheduleVerify(ctx, a, a.Number()+1)
	case proof.Pending || proof.Passing:
		return s.undecided(ctx, a, found)
	default:
		return s.refuted(ctx, a, found)
	}
}

// settledFor reports whether so much time has passed since an operation's newest write that access depends on, the
// beginning of the operation being the latest that an earlier one can have written. Attempts say nothing of that: they may
// have been spent before the write. What is not known counts as fresh.
func (s *Service) settledFor(a *operation.Attempt) bool {
	op := a.Operation()
	if op.ETag == "" {
		return false
	}
	newest := op.CreatedAt
	for _, step := range op.Steps {
		ended := step.At.Add(time.Duration(step.DurationMS) * time.Millisecond)
		if resource.Outcome(step.Outcome).HasChanged() && ended.After(newest) {
			newest = ended
		}
	}
	return integration.HasPropagated(newest, s.now())
}
