package resourcetest

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// proves has others prove access. As a verification does, it asks again while that is pending, or what was found may
// pass.
func proves(ctx context.Context, b *bench) error {
	prover := b.Kind.(resource.Prover)
	if !prover.CanProve(b.Document) {
		b.Errorf("there is nothing to prove access through: %+v", b.Document.Status)
	}
	var proof resource.Proof
	for range maxRuns {
		proof = prover.Prove(ctx, b.view(false, false, false))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if proof.Learn != nil {
			proof.Learn(&b.Document.Status)
		}
		if !proof.Pending && !proof.Passing {
			break
		}
		_ = b.wire.Sleep(ctx, time.Minute)
	}
	if proof.Proved {
		return nil
	}
	return &diagnosis.Error{Diagnosis: *proof.Diagnosis}
}

// provesAnew proves access once what somebody has removed is made again.
func provesAnew(ctx context.Context, b *bench) error {
	if err := converge(ctx, b); err != nil {
		return err
	}
	return proves(ctx, b)
}

// refutes asks for a proof of what does not work: no answer may pass for one.
func refutes(ctx context.Context, b *bench) error {
	if err := proves(ctx, b); err == nil {
		b.Errorf("access that does not work was proved")
	} else {
		b.isNamed(err, "locked")
	}
	return ctx.Err()
}
