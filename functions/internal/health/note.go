package health

import (
	"context"
	"errors"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// TestResult is what a test of an integration has come to, whoever made it.
type TestResult struct {
	// Report is that of the test, completed (see Completed).
	Report assessment.Report
	// Refuted is what the test states of access, where that is for the condition Verified to say: that it is refused,
	// or, while that may pass by itself, that nobody knows. Nil otherwise.
	Refuted *diagnosis.Diagnosis
	// IsOutOfPatience means that nobody waits any longer for what may pass by itself: until it has passed, access does
	// not work.
	IsOutOfPatience bool
}

// Note takes in what a verification or an access test has found: health is right at once, and not at the next slot. A
// test that tells nothing, or that a change of the integration has overtaken, changes nothing. What was asked for
// needs no second look.
func (s *Service) Note(ctx context.Context, d integration.Document, tested TestResult) error {
	isFailing := tested.IsOutOfPatience && tested.Report.Verdict == assessment.VerdictFail
	if judge(tested.Report).conclusion == nothing && !isFailing {
		return s.recordAccess(ctx, d, tested)
	}
	r := lookOf(d, s.now(), tested.Report)
	r.isDecided, r.isFailing = true, isFailing
	return s.keepLook(ctx, d, message.HealthCheck{IntegrationID: d.ID}, r, tested.Refuted)
}

// Ask has an integration looked at as soon as a message travels, where its spec wants checks. It is for who has seen
// something that only a check can weigh.
func (s *Service) Ask(ctx context.Context, d integration.Document) error {
	if _, wanted := planOf(d); !wanted {
		return nil
	}
	return s.askNow(ctx, d)
}

// askNow is Ask, also where the spec wants no checks.
func (s *Service) askNow(ctx context.Context, d integration.Document) error {
	if integration.Unwatched(d) != nil {
		return nil
	}
	now := s.now()
	return s.send(ctx, message.HealthCheck{ID: d.ID + "-asked-" + slotName(now), IntegrationID: d.ID}, now)
}

// AskIfOtherwise has an integration looked at where a look at the structure states another thing than health does: it
// may have been broken, or mended, since. It does so also where the spec wants no checks, as somebody has looked.
func (s *Service) AskIfOtherwise(ctx context.Context, d integration.Document, seen assessment.Report) error {
	found := judge(seen).conclusion
	record, err := s.recordOf(ctx, d)
	if err != nil {
		return operation.StoreError(err)
	}
	isUnhealthy, isRefused := record.State == integration.HealthUnhealthy, found == failing || found == doubtful
	isKnown := isRefused == isUnhealthy && record.State != integration.HealthUnknown && !isMended(record.Diagnosis,
		seen)
	if found == nothing || isKnown {
		return nil
	}
	return s.askNow(ctx, d)
}

// isMended reports whether a look does not find any more what an earlier one has found.
func isMended(found *diagnosis.Diagnosis, seen assessment.Report) bool {
	return found != nil && found.Layer == resource.LayerStructure &&
		!slices.ContainsFunc(assessment.Ordered(seen.Checks), func(c assessment.Check) bool {
			return c.Code == found.Code
		})
}

// recordAccess writes into the document what a test states of access: the condition Verified, and on a full proof the
// phase, with the news of it. It is the one place where a test outside of an operation moves a document. The document
// stays where nothing is new, or where another operation has taken over.
func (s *Service) recordAccess(ctx context.Context, d integration.Document, tested TestResult) error {
	proved := s.IsProof(d.Spec, tested.Report)
	if !proved && tested.Refuted == nil {
		return nil
	}
	_, err := s.Engine.Change(ctx, d.ID, func(now *integration.Document) ([]operation.News, error) {
		if now.Status.LastOperationID != d.Status.LastOperationID || integration.Unwatched(*now) != nil {
			return nil, operation.ErrDone
		}
		if !proved {
			if integration.IsRefusalKnown(*now, *tested.Refuted) {
				return nil, operation.ErrDone
			}
			now.MarkRefused(s.now(), *tested.Refuted)
			return nil, nil
		}
		known, phase := now.HasCondition(integration.ConditionVerified, "True", nil), now.Status.Phase
		now.MarkProved(s.now(), resource.ProverOf(s.Kinds, *now) != nil)
		if now.Status.Phase != phase {
			return []operation.News{{Type: message.TypeIntegrationUsable}}, nil
		}
		if known || !now.HasCondition(integration.ConditionVerified, "True", nil) {
			return nil, operation.ErrDone
		}
		return nil, nil
	})
	if errors.Is(err, operation.ErrDone) || errors.Is(err, integration.ErrNotFound) || integration.IsRefused(err) {
		return nil
	}
	return err
}
