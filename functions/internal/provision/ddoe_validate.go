package provision

import (
	"context"
	"errors"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

const (
	// firstPoll is the pause before the first look at a validation; it doubles up to maxPoll, as in the platform's SDK.
	firstPoll = 2 * time.Second
	maxPoll   = 30 * time.Second
	// pollBudget is how long one invocation waits for a validation; after that a scheduled message goes on.
	pollBudget = time.Minute
	// lookWindow is how long after a provisioning a validation that runs is looked at.
	lookWindow = 24 * time.Hour
	// maxLookPause is the longest pause between two of these looks.
	maxLookPause = 15 * time.Minute
)

// lookPause is the pause before the n-th look at a validation, from 0: the verification's while its window lasts, then
// doubling up to maxLookPause.
func lookPause(n int) time.Duration {
	last := lastVerification()
	if n <= last {
		return verifyPause(n)
	}
	return min(verifyPause(last)<<min(n-last, 10), maxLookPause)
}

// lastLook is the number of the last look within its window.
func lastLook() int { return lastWithin(lookWindow, lookPause) }

// validates reports whether the platform can validate the integration: it has no way to do so without a driver.
func (s *Service) validates(d integration.Document) bool {
	return s.Platform != nil && onPlatform(d) && d.Status.DDOE.DriverID != ""
}

// validate has the platform test its drivers as the federated identity, and moves the phase to usable when that has
// passed. Where the platform takes longer than an invocation, a scheduled verification goes on with the same command.
func (s *Service) validate(ctx context.Context, a *operation.Attempt, d integration.Document) error {
	if !s.validates(d) || d.Status.DDOE.Validated {
		return s.verified(ctx, a)
	}
	command, err := s.validation(ctx, a, d)
	last := lastVerification()
	if command.ID != "" {
		last = lastLook()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, operation.ErrDone), errors.Is(err, operation.ErrSuperseded):
		return err
	case err != nil:
		found := s.describePlatform(ctx, policy.DriverValidate, err)
		return s.validateLater(ctx, a, found, found.Transient && a.Number() < last, s.givenUp)
	case !command.Ended():
		return s.validateLater(ctx, a, diagnosis.New(diagnosis.CodeDDOEValidationSlow), a.Number() < last, s.givenUp)
	}
	passed := command.Succeeded()
	if !passed {
		passed, err = s.othersFailed(ctx, d)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now := s.now()
	noted := s.noteValidation(ctx, a, func(st *integration.DDOEStatus) {
		st.Validated, st.CheckedAt, st.ValidationID = passed, &now, ""
	})
	switch {
	case noted != nil:
		return noted
	case passed:
		return s.verified(ctx, a)
	case err != nil: // it failed, and nobody knows for whom
		return s.validateLater(ctx, a, s.describePlatform(ctx, policy.DriverCount, err), a.Number() < lastVerification(), s.undecided)
	}
	found := diagnosis.New(diagnosis.CodeDDOEValidationFailed)
	found.Detail += " It ended as " + diagnosis.Printable(command.Status) + "."
	found.Detail += says(command.Failure)
	found.Remedy.Steps = s.alsoOptions(found.Remedy.Steps)
	return s.validateLater(ctx, a, found, a.Number() < lastVerification(), s.refuted)
}

// othersFailed reports whether a failed validation is not about our driver: those of others on the integration are
// validated along with it, and it passes the platform's test alone. An error says that this cannot be told.
func (s *Service) othersFailed(ctx context.Context, d integration.Document) (bool, error) {
	count, err := s.platformClient(d).CountDrivers(ctx, d.Status.DDOE.IntegrationID)
	if err != nil || count < 2 {
		return false, err
	}
	_, err = s.platformClient(d).TestDriver(ctx, d.Status.DDOE.DriverID)
	if err == nil || policy.Decide(policy.DriverTest, err).Action == policy.RetryHere { // that is what a test answers which fails
		return err == nil, nil
	}
	return false, err
}

// validation begins a validation, or goes on with the one that runs, and polls it to its end or to the end of the budget.
// One that is not shown yet has not ended. With an error, the command is the one that runs all the same, as far as it is
// known. Once the verification's window is over, one look has to do: an invocation that waits keeps other work on the
// integration waiting.
func (s *Service) validation(ctx context.Context, a *operation.Attempt, d integration.Document) (ddoe.Command, error) {
	command := ddoe.Command{ID: d.Status.DDOE.ValidationID}
	if command.ID != "" {
		shown, err := s.platformClient(d).GetCommand(ctx, command.ID)
		if err != nil && !ddoe.IsNotFound(err) {
			return command, err
		}
		command = shown
	}
	if command.ID == "" { // none has begun, or the platform has forgotten it
		begun, err := s.platformClient(d).ValidateDrivers(ctx, d.Status.DDOE.IntegrationID)
		if err != nil {
			return command, err
		}
		command = begun
		if err := s.noteValidation(ctx, a, func(st *integration.DDOEStatus) { st.ValidationID = command.ID }); err != nil {
			return command, err
		}
	}
	budget := pollBudget
	if a.Number() > lastVerification() {
		budget = 0
	}
	var waited time.Duration
	for pause := firstPoll; !command.Ended() && waited+pause <= budget && !policy.Outlasts(ctx, pause); pause = min(2*pause, maxPoll) {
		if err := s.sleep(ctx, pause); err != nil {
			return command, err
		}
		waited += pause
		shown, err := s.platformClient(d).GetCommand(ctx, command.ID)
		switch {
		case err == nil:
			command = shown
		case !ddoe.IsNotFound(err):
			return command, err
		}
	}
	return command, nil
}

// noteValidation saves how far the platform's validation is, so that the next message goes on with it.
func (s *Service) noteValidation(ctx context.Context, a *operation.Attempt, change func(*integration.DDOEStatus)) error {
	return s.moveVerified(ctx, a, func(d *integration.Document) { changeDDOE(d, change) })
}

// validateLater schedules the next look where there is to be one, else end says what is left to say. When the
// verification's window is over, the document says meanwhile what is waited for.
func (s *Service) validateLater(ctx context.Context, a *operation.Attempt, found diagnosis.Diagnosis, again bool,
	end func(context.Context, *operation.Attempt, diagnosis.Diagnosis) error) error {
	invocation.From(ctx).SetCode(found.Code)
	if !again {
		return end(ctx, a, found)
	}
	if a.Number() == lastVerification() {
		if err := s.undecided(ctx, a, found); err != nil {
			return err
		}
	}
	return s.scheduleVerify(ctx, a, a.Number()+1)
}

// givenUp says why a validation has proved nothing, and forgets the command, at which nobody looks any more.
func (s *Service) givenUp(ctx context.Context, a *operation.Attempt, found diagnosis.Diagnosis) error {
	if err := s.undecided(ctx, a, found); err != nil {
		return err
	}
	return s.noteValidation(ctx, a, func(st *integration.DDOEStatus) { st.ValidationID = "" })
}
