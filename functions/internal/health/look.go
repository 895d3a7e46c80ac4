package health

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// ObserverOptions are what looking at an integration needs.
type ObserverOptions struct {
	Tester *access.Tester
	// TokenSource asks the platform for a subject token. Optional: without it only the structure is looked at.
	TokenSource func(ctx context.Context, subject, audience string) (secret.Value, error)
	// Kinds are what an integration consists of, to look at its structure.
	Kinds []resource.Kind
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// Observer looks at an integration and changes nothing. Where a subject token can be had it tests access as the
// federated identity, by requests that cannot write; else it reads, with the app's own identity, what Entra and Azure
// hold, and claims no more than that structure.
type Observer struct{ ObserverOptions }

// NewObserver returns an observer. The error names what is missing.
func NewObserver(o ObserverOptions) (*Observer, error) {
	for name, isMissing := range map[string]bool{"Tester": o.Tester == nil, "Kinds": len(o.Kinds) == 0} {
		if isMissing {
			return nil, fmt.Errorf("health: %s is required", name)
		}
	}
	return &Observer{ObserverOptions: o}, nil
}

// Look makes one report of the document. It tests the first subject and reads the federated credentials of the others,
// as the verification after provisioning does.
func (o *Observer) Look(ctx context.Context, d integration.Document) assessment.Report {
	const id, layer, title = "token.source", "token", "The platform issues a subject token"
	if o.TokenSource == nil {
		check := assessment.Skip(id, layer, title, "")
		check.Code = diagnosis.CodeSubjectTokenUnavailable
		return o.structure(ctx, d, check)
	}
	token, err := o.TokenSource(ctx, d.Spec.Subjects[0], d.Spec.Audience)
	if err == nil {
		var report assessment.Report
		propagated := d.HasPropagated(o.now())
		report, err = o.Tester.Run(ctx, access.Request{Document: d, Token: token, Mode: access.ModeOracle,
			Propagated: &propagated})
		if err == nil {
			return Completed(ctx, o.Kinds, d, propagated, report)
		}
	}
	// The platform's fault, or ours: it proves nothing about the integration, but the structure may.
	check := classify.Check(id, layer, title, err, diagnosis.Context{Operation: policy.SubjectTokenGet,
		Subject: d.Spec.Subjects[0], Audience: d.Spec.Audience})
	check.Status = diagnosis.OutcomeUnknown
	return o.structure(ctx, d, check)
}

// structure reports what Entra and Azure hold, behind the check that tells why access itself was not tested.
func (o *Observer) structure(ctx context.Context, d integration.Document,
	why assessment.Check) assessment.Report {
	started := o.now()
	items := resource.Items(resource.Observe(ctx, o.Kinds, resource.View{Document: d, Told: true}))
	checks := append([]assessment.Check{why}, resource.Checks(items, d.HasPropagated(started))...)
	return assessment.Report{
		ID: uuid.NewString(), Kind: "access", ClaimLevel: assessment.ClaimStructure,
		TestedFrom: &o.Tester.Origin, StartedAt: started.UTC(), DurationMS: o.now().Sub(started).Milliseconds(),
		Checks: resource.Blamed(d, checks), Leftovers: []assessment.Leftover{},
	}.Concluded()
}

func (o *Observer) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}
