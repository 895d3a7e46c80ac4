package provision

import (
	"context"
	"errors"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

const (
	// firstPoll is the pause before the first look at a validation; it doubles up to maxPoll, as in the platform's SDK.
	firstPoll = 2 * time.Second
	maxPoll   = 30 * time.Second
	// pollBudget is how long one invocation waits for a validation; after that a scheduled message goes on.
	pollBudget = time.Minute
)

// validates reports whether the platform can validate the integration: it has no way to do so without a driver.
func (s *Service) validates(d integration.Document) bool {
	return s.Platform != nil && onPlatform(d) && d.Status.DDOE.DriverID != ""
}

// validate has the platform test its drivers as the federated identity, and moves the phase to usable when that has
// passed. Where the platform takes longer than an invocation, a scheduled verification goes on with the same command.
func (s *Service) validate(ctx context.Context, cmd message.Command, d integration.Document) error {
	if !s.validates(d) || d.Status.DDOE.Validated {
		return s.verified(ctx, cmd)
	}
	command, err := s.validation(ctx, cmd, d)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errDone):
		return err
	case err != nil:
		return s.validateLater(ctx, cmd, s.validationRefused(ctx, err), false)
	case !command.Ended():
		return s.validateLater(ctx, cmd, diagnosis.New("ddoe-validation-slow"), false)
	case !command.Succeeded() && !s.othersFailed(ctx, d):
		if _, err := s.noteValidation(ctx, cmd, ""); err != nil {
			return err
		}
		found := diagnosis.New("ddoe-validation-failed")
		found.Detail += " It ended as " + diagnosis.Printable(command.Status) + "."
		if command.Failure != "" {
			found.Detail += " The platform says: " + diagnosis.Printable(command.Failure)
		}
		return s.validateLater(ctx, cmd, found, true)
	}
	now := s.now()
	_, err = s.moveVerified(ctx, cmd, func(d *integration.Document) {
		if d.Status.DDOE != nil {
			st := *d.Status.DDOE
			st.Validated, st.CheckedAt, st.ValidationID = true, &now, ""
			d.Status.DDOE = &st
		}
	})
	if err != nil {
		return err
	}
	return s.verified(ctx, cmd)
}

// othersFailed reports whether a failed validation is not about our driver: those of others on the integration are
// validated along with it, and it passes the platform's test alone.
func (s *Service) othersFailed(ctx context.Context, d integration.Document) bool {
	count, err := s.Platform.Client.CountDrivers(ctx, d.Status.DDOE.IntegrationID)
	if err != nil || count < 2 {
		return false
	}
	_, err = s.platformClient(d).TestDriver(ctx, d.Status.DDOE.DriverID)
	return err == nil
}

// validation begins a validation, or goes on with the one that runs, and polls it to its end or to the end of the budget.
func (s *Service) validation(ctx context.Context, cmd message.Command, d integration.Document) (ddoe.Command, error) {
	var command ddoe.Command
	var err error
	if id := d.Status.DDOE.ValidationID; id != "" {
		if command, err = s.platformClient(d).GetCommand(ctx, id); err != nil && !ddoe.IsNotFound(err) {
			return command, err
		}
	}
	if command.ID == "" { // none has begun, or the platform has forgotten it
		if command, err = s.platformClient(d).ValidateDrivers(ctx, d.Status.DDOE.IntegrationID); err != nil {
			return command, err
		}
		if _, err := s.noteValidation(ctx, cmd, command.ID); err != nil {
			return command, err
		}
	}
	var waited time.Duration
	for pause := firstPoll; !command.Ended() && waited+pause <= pollBudget && !outlasts(ctx, pause); pause = min(2*pause, maxPoll) {
		if err := s.sleep(ctx, pause); err != nil {
			return command, err
		}
		waited += pause
		if command, err = s.platformClient(d).GetCommand(ctx, command.ID); err != nil {
			return command, err
		}
	}
	return command, nil
}

// noteValidation saves which command of the platform is running, so that the next message goes on with it.
func (s *Service) noteValidation(ctx context.Context, cmd message.Command, id string) (integration.Document, error) {
	return s.moveVerified(ctx, cmd, func(d *integration.Document) {
		if d.Status.DDOE != nil {
			st := *d.Status.DDOE
			st.ValidationID = id
			d.Status.DDOE = &st
		}
	})
}

// validationRefused gives a refusal of the platform its words.
func (s *Service) validationRefused(ctx context.Context, err error) diagnosis.Diagnosis {
	var refused *ddoe.Error
	if errors.As(err, &refused) {
		return s.platformDiagnosis(ctx, opDriverValidate, refused)
	}
	return diagnosis.Classify(err, diagnosis.Context{Operation: opDriverValidate})
}

// validateLater schedules the next look. At the end of the window a failure stands, and anything else leaves open whether
// the platform can work.
func (s *Service) validateLater(ctx context.Context, cmd message.Command, found diagnosis.Diagnosis, failed bool) error {
	invocation.From(ctx).SetCode(found.Code)
	switch {
	case (found.Transient || failed) && cmd.Attempt < lastVerification():
		return s.scheduleVerify(ctx, cmd, cmd.Attempt+1)
	case failed:
		return s.refuted(ctx, cmd, found)
	default:
		return s.undecided(ctx, cmd, found)
	}
}
