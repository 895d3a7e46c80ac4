package platform

import (
	"context"
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// CanProve reports whether the platform can validate an integration: it has no way to do so without a driver.
func (k drivers) CanProve(d integration.Document) bool {
	st := statusOf(d)
	return k.Client != nil && st.IntegrationID != "" && st.DriverID != ""
}

// Prove has the platform test our driver and then, as a command, all drivers of the integration. It takes minutes
// until that can succeed: callers call again. It goes on with a command that has not ended.
func (k drivers) Prove(ctx context.Context, v resource.View) resource.Proof {
	st := statusOf(v.Document)
	if st.Validated {
		return resource.Proof{Proved: true}
	}
	if _, err := ask(ctx, k.Platform, policy.DriverTest, k.Client.TestDriver, st.DriverID); err != nil {
		return unproved(err)
	}
	command, err := k.command(ctx, st)
	now := k.Requests.Now()
	switch {
	case err != nil:
		return unproved(err)
	case !command.HasEnded():
		found := diagnosis.New(diagnosis.CodeDDOEValidationSlow)
		return resource.Proof{Pending: true, Diagnosis: &found,
			Learn: learn(func(st *integration.DDOEStatus) { st.ValidationID = command.ID })}
	}
	proof := resource.Proof{Proved: command.HasSucceeded()}
	if !proof.Proved { // others on the integration are validated along with ours, which has just passed its own test
		count, err := ask(ctx, k.Platform, policy.DriverCount, k.Client.CountDrivers, st.IntegrationID)
		if err != nil {
			return unproved(err)
		}
		proof.Proved = count > 1
	}
	proof.Learn = learn(func(st *integration.DDOEStatus) {
		st.Validated, st.CheckedAt, st.ValidationID = proof.Proved, &now, ""
	})
	if !proof.Proved {
		found := diagnosis.New(diagnosis.CodeDDOEValidationFailed)
		found.Detail += " It ended as " + redact.Printable(command.Status) + "."
		if command.Error != "" {
			found.Detail += " The platform says: " + redact.Printable(command.Error)
		}
		proof.Diagnosis, proof.Passing = &found, true // directory, token service and RBAC may not agree yet
	}
	return proof
}

// command begins a validation, or goes on with the one that runs, and looks at it for a while. One that the platform
// does not know any more is begun anew.
func (k drivers) command(ctx context.Context, st integration.DDOEStatus) (command ddoe.Command, err error) {
	if st.ValidationID != "" {
		command, err = ask(ctx, k.Platform, policy.DriverValidate, k.Client.GetCommand, st.ValidationID)
	}
	if st.ValidationID == "" || isNotThere(err) {
		command, err = ask(ctx, k.Platform, policy.DriverValidate, k.Client.ValidateDrivers, st.IntegrationID)
	}
	if err != nil || command.HasEnded() {
		return command, err
	}
	_, err = k.Requests.Await(ctx, policy.WaitForValidation, func(ctx context.Context) (bool, error) {
		var err error
		command, err = ask(ctx, k.Platform, policy.DriverValidate, k.Client.GetCommand, command.ID)
		return command.HasEnded(), err
	})
	if errors.Is(err, policy.ErrNoTime) { // it runs on
		err = nil
	}
	return command, err
}

// unproved is what a request comes to that has failed: a *policy.Failure, or the context's error.
func unproved(err error) resource.Proof {
	found := classify.Error(err, diagnosis.Context{})
	var f *policy.Failure
	if errors.As(err, &f) {
		found = f.Diagnosis(false)
	}
	return resource.Proof{Diagnosis: &found, Passing: !policy.IsFinal(err), Learn: learn(unvalidated)}
}
