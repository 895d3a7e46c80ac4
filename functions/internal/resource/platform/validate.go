package platform

import (
	"context"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

const (
	// firstPoll is the pause before the first look at a command; it doubles up to maxPoll, as in the platform's SDK.
	firstPoll = 2 * time.Second
	maxPoll   = 30 * time.Second
	// pollBudget is how long one call waits for a command.
	pollBudget = time.Minute
)

// Validation is what the platform says when it tests the storage as the federated identity.
type Validation struct {
	// Diagnosis is why it has not passed: it failed, it has not ended, or nothing is known. Nil is a pass.
	Diagnosis *diagnosis.Diagnosis
	// Learn writes down how far it is, or what it came to.
	Learn func(*integration.Status)
}

// CanValidate reports whether the platform can validate an integration: it has no way to do so without a driver.
func (p *Platform) CanValidate(d integration.Document) bool {
	st := statusOf(d)
	return p.Client != nil && st.IntegrationID != "" && st.DriverID != ""
}

// Validate has the platform test our driver and then, as a command, all drivers of the integration. Directory, token service and
// RBAC take minutes to agree: whoever calls it calls again. It goes on with a command that has not ended.
func (p *Platform) Validate(ctx context.Context, d integration.Document) Validation {
	st := statusOf(d)
	if err := p.Client.TestDriver(ctx, st.DriverID); err != nil {
		return p.failed(policy.DriverTest, err, learn(unvalidated))
	}
	var command ddoe.Command
	var err error
	if st.ValidationID != "" {
		command, err = p.Client.GetCommand(ctx, st.ValidationID)
	}
	if st.ValidationID == "" || ddoe.IsNotFound(err) {
		command, err = p.Client.ValidateDrivers(ctx, st.IntegrationID)
	}
	for pause, waited := firstPoll, time.Duration(0); err == nil && !command.HasEnded() && waited+pause <= pollBudget && !policy.Outlasts(ctx, pause); pause = min(2*pause, maxPoll) {
		if err = p.Requests.Sleep(ctx, pause); err == nil {
			waited += pause
			command, err = p.Client.GetCommand(ctx, command.ID)
		}
	}
	switch {
	case err != nil:
		return p.failed(policy.DriverValidate, err, learn(unvalidated))
	case !command.HasEnded():
		found := diagnosis.New(diagnosis.CodeDDOEValidationSlow)
		return Validation{&found, learn(func(st *integration.DDOEStatus) { st.ValidationID = command.ID })}
	}
	now := p.Requests.Now()
	isPassed := command.HasSucceeded()
	if !isPassed { // others on the integration are validated along with ours, which has just passed its own test
		count, err := p.Client.CountDrivers(ctx, st.IntegrationID)
		isPassed = err == nil && count > 1
	}
	ended := learn(func(st *integration.DDOEStatus) { st.Validated, st.CheckedAt, st.ValidationID = isPassed, &now, "" })
	if isPassed {
		return Validation{nil, ended}
	}
	found := diagnosis.New(diagnosis.CodeDDOEValidationFailed)
	found.Detail += " It ended as " + diagnosis.Printable(command.Status) + "."
	if command.Error != nil {
		found.Detail += " The platform says: " + diagnosis.Printable(*command.Error)
	}
	return Validation{&found, ended}
}

func (p *Platform) failed(op policy.Operation, err error, learnt func(*integration.Status)) Validation {
	found := policy.Fail(op, diagnosis.Context{}, err).Diagnosis(false)
	return Validation{&found, learnt}
}

// TestCheck is the check that the platform itself reaches the storage, for an access test.
func (p *Platform) TestCheck(ctx context.Context, d integration.Document) diagnosis.Check {
	return diagnosis.CheckFrom("ddoe.driver.test", "structure", "The platform itself reaches the storage", p.Client.TestDriver(ctx, statusOf(d).DriverID),
		diagnosis.Context{Operation: string(policy.DriverTest)})
}
