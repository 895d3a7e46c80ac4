package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/health"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// TestAccess tests now what SubmitAccessTest has the queue test later, and refuses the same: what is not provisioned,
// and a test for which no subject token can be had. The document is found by its id, and without a token the platform
// is asked for one. Errors are *diagnosis.Error.
func (s *Service) TestAccess(ctx context.Context, id string, wanted access.Request) (assessment.Report, error) {
	invocation.From(ctx).SetIntegration(id)
	if err := access.Check(wanted.Mode, wanted.Access, wanted.Prefix); err != nil {
		return assessment.Report{}, err
	}
	d, err := s.Repository.Get(ctx, id)
	switch {
	case errors.Is(err, integration.ErrNotFound):
		return assessment.Report{}, integration.Absent(nil)
	case err != nil:
		return assessment.Report{}, operation.StoreError(err)
	}
	if err := s.admitAccessTest(!wanted.Token.IsZero())(&d); err != nil {
		return assessment.Report{}, err
	}
	report, err := s.verifier().test(ctx, d, wanted)
	if err != nil {
		return assessment.Report{}, err
	}
	if err := s.note(ctx, d, wanted, report); err != nil {
		s.Log.WarnContext(ctx, "the document does not show an access test", "integrationId", id,
			"error", operation.Words(err))
	}
	return health.WithOthers(ctx, s.Kinds, d, d.HasPropagated(s.now()), report), ctx.Err()
}

// note tells health what a test of all that the spec asks for has found, where it is conclusive: a refusal, also one
// that may pass, a proof, or what the structure shows to be wrong where the test could tell nothing. What it states of
// access is for the condition Verified: by the report of the test alone, as what the platform's side is like proves
// nothing of access, and disproves nothing.
func (s *Service) note(ctx context.Context, d integration.Document, wanted access.Request,
	report assessment.Report) error {
	isRefused := hasRefusedAccess(wanted, report)
	if !isRefused && !s.Tester.IsProof(d.Spec, report) && report.Verdict != assessment.VerdictUnknown {
		return nil
	}
	tested := health.TestResult{Report: health.Completed(ctx, s.Kinds, d, d.HasPropagated(s.now()),
		ofIntegration(wanted, report))}
	if isRefused {
		worst, _ := health.OfTest(tested.Report, report).Decisive()
		tested.Refuted = &worst
	}
	return s.Watch.Note(ctx, d, tested)
}

// ofIntegration leaves out what is remarkable about a token that the caller sent: the service has tokens of its own.
func ofIntegration(wanted access.Request, r assessment.Report) assessment.Report {
	if wanted.Token.IsZero() {
		return r
	}
	r.Checks = slices.DeleteFunc(slices.Clone(r.Checks), func(c assessment.Check) bool {
		return c.Layer == "token" && c.Status == diagnosis.OutcomeWarn
	})
	return r.Concluded()
}

// hasRefusedAccess reports whether a test states that the integration has no access. A failure of the token states
// nothing: its sender may have spoilt it. Neither does one of a right that the spec does not ask for.
func hasRefusedAccess(wanted access.Request, report assessment.Report) bool {
	worst, _ := report.Decisive()
	if report.Verdict != assessment.VerdictFail || wanted.Access != "" {
		return false
	}
	ofToken := slices.ContainsFunc(report.Checks, func(c assessment.Check) bool {
		return c.Status == diagnosis.OutcomeFail && policy.IsOfToken(c.Code)
	})
	isOfSender := policy.IsOfSender(worst.Code) || policy.IsOfToken(worst.Code)
	return !ofToken && (wanted.Token.IsZero() || !isOfSender)
}

// admitAccessTest refuses to test what does not exist yet or any more, and then a test for which there is no token:
// given means that one came with the request.
func (s *Service) admitAccessTest(given bool) func(*integration.Document) error {
	return func(d *integration.Document) error {
		switch {
		case d == nil:
			return integration.Absent(nil)
		case d.Status.Phase == integration.PhaseDeleted:
			return integration.Absent(d)
		case d.IsEnding():
			return refuse(diagnosis.CodeDeprovisioning)
		case !d.Status.IsBegun():
			return integration.Unprovisioned(*d)
		case s.Tester == nil, !given && s.TokenSource == nil:
			return refuse(diagnosis.CodeSubjectTokenUnavailable)
		default:
			return nil
		}
	}
}

// accessTest runs an access test and keeps its report as the operation's result. The operation succeeds whatever the
// report's verdict is: the test was made.
func (s *Service) accessTest(ctx context.Context, a *operation.Attempt) (any, error) {
	d, c := a.Document(), a.Command()
	if err := s.admitAccessTest(false)(&d); err != nil {
		return nil, err
	}
	if err := a.Save(ctx, nil); err != nil { // it shows that it runs: a test takes its time
		return nil, err
	}
	wanted := access.Request{Mode: access.Mode(c.Mode), Access: integration.Access(c.Access)}
	report, err := s.verifier().test(ctx, d, wanted)
	if err != nil {
		return nil, err
	}
	if err := s.note(ctx, d, wanted, report); err != nil {
		return nil, err
	}
	return health.WithOthers(ctx, s.Kinds, d, d.HasPropagated(s.now()), report), ctx.Err()
}

// test runs an access test, with a token for the first subject where none is given. Its error is about the token, or
// about a request that cannot be tested.
func (v *verifier) test(ctx context.Context, d integration.Document,
	wanted access.Request) (assessment.Report, error) {
	if wanted.Token.IsZero() {
		token, err := v.tokenSource(ctx, d.Spec.Subjects[0], d.Spec.Audience)
		if err != nil {
			words := wordsOf(d)
			words.Operation = policy.SubjectTokenGet
			return assessment.Report{}, &diagnosis.Error{Diagnosis: classify.Error(err, words), Err: err}
		}
		wanted.Token = token
	}
	wanted.Document = d
	return v.tester.Run(ctx, wanted)
}
