package resource

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Prover is a kind through which access can be proved by somebody else, such as a driver that the platform tests as
// the federated identity. A verification asks it after, or instead of, an access test of our own.
type Prover interface {
	Kind
	// CanProve reports whether the integration has what the proof needs.
	CanProve(d integration.Document) bool
	// Prove asks for the proof, or how far it is. It is asked again and again while the proof is pending.
	Prove(ctx context.Context, v View) Proof
}

// Proof is what a Prover has found.
type Proof struct {
	// Proved is true where access was proved, Pending that it is not known yet and that asking again may tell.
	Proved, Pending bool
	// Passing is true where what Diagnosis tells may pass by itself: of a request that failed the policy table states
	// so.
	Passing bool
	// Diagnosis is why access was not proved; nil where it was, or where nothing is known yet.
	Diagnosis *diagnosis.Diagnosis
	// Learn writes into the status how far the proof is; nil for nothing.
	Learn func(*integration.Status)
}

// ProverOf is the kind that others prove access through; nil where there is none for the integration.
func ProverOf(kinds []Kind, d integration.Document) Prover {
	for _, k := range Of(kinds, d) {
		if p, ok := k.(Prover); ok && p.CanProve(d) {
			return p
		}
	}
	return nil
}
