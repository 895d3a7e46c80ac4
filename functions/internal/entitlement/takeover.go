package entitlement

import (
	"context"
	"errors"
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/claim"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Trust is an issuer and a subject that an identity lets in. Subject is empty where an expression decides whom.
type Trust struct{ Issuer, Subject string }

// AdmitTakeover leaves it to administrators to have an identity managed that lets in whom the caller may not ask for:
// its credentials would go with it. It tells nothing of them.
func (p Policy) AdmitTakeover(ctx context.Context, trusted []Trust) error {
	for _, t := range trusted {
		if !p.CanLook(ctx, t.Issuer, t.Subject) {
			return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNotAllowed, diagnosis.WithFindings(
				diagnosis.Finding{Code: diagnosis.CodeNotAllowed,
					Detail:   "The identity also lets in whom you may not ask for: a DELETE would take that along.",
					Expected: "an identity that lets in what the policy allows you alone",
					Remedy:   "Use an identity of its own, or have an administrator send the request."}))}
		}
	}
	return nil
}

// AdmitTakeover leaves it to administrators to have an identity managed that lets in a subject which is new to the
// integration and which another owner's integration has. It writes nothing.
func (c *Claims) AdmitTakeover(ctx context.Context, id string, trusted []Trust) error {
	for _, t := range trusted {
		err := c.each(ctx, integration.Spec{Issuer: t.Issuer, Subjects: []string{t.Subject}},
			func(ctx context.Context, subject claim.Thing, callerID string) error {
				return subject.Admit(ctx, id, callerID, admitNew(ctx, id, subject))
			})
		var refused *diagnosis.Error
		if errors.As(err, &refused) {
			return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeSubjectBound, diagnosis.WithDetail("%s",
				fmt.Sprintf("The identity also lets in %s, a subject of another owner's integration: a DELETE would "+
					"take that along.", t.Subject)))}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
