package provision

import (
	"context"
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// platformUnwanted reports what of ours the platform still has although the spec does not ask for it any more: integration
// and driver, or the driver alone. The PUT that was to remove it has failed, or has not come to it yet.
func (s *Service) platformUnwanted(ctx context.Context, d integration.Document, last *integration.Operation) []diagnosis.Check {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	var checks []diagnosis.Check
	st := platformOf(d)
	if st.IntegrationID != "" && !wantsPlatform(d.Spec) {
		checks = append(checks, s.unwantedIntegration(ctx, d)...)
	}
	if st.DriverID != "" && (!wantsPlatform(d.Spec) || d.Spec.DDOE.Driver == nil) {
		checks = append(checks, s.unwantedDriver(ctx, d)...)
	}
	if last == nil || last.Error == nil {
		return checks
	}
	for i := range checks {
		checks[i].Detail += fmt.Sprintf(" The last operation, %s, failed: %s (%s).", last.ID, last.Error.Title, last.Error.Code)
	}
	return checks
}

// unwantedIntegration is the check of the integration; none where it is gone.
func (s *Service) unwantedIntegration(ctx context.Context, d integration.Document) []diagnosis.Check {
	id := d.Status.DDOE.IntegrationID
	if s.Platform == nil {
		return []diagnosis.Check{unasked(checkIntegration, id)}
	}
	is, err := s.platformClient(d).GetIntegration(ctx, id)
	switch {
	case ddoe.IsNotFound(err):
		return nil
	case err != nil:
		check := s.unread(ctx, checkIntegration, policy.PlatformIntegrationGet, err)
		check.Target = id
		return []diagnosis.Check{check}
	}
	return []diagnosis.Check{extra(checkIntegration, diagnosis.CodeDDOEIntegrationUnwanted, id, is.Name)}
}

// unwantedDriver is the check of the driver; none where it is gone, or is a person's by now.
func (s *Service) unwantedDriver(ctx context.Context, d integration.Document) []diagnosis.Check {
	st := *d.Status.DDOE
	if s.Platform == nil {
		return []diagnosis.Check{unasked(checkDriver, st.DriverID)}
	}
	is, err := s.platformClient(d).GetDriver(ctx, st.DriverID)
	switch {
	case ddoe.IsNotFound(err), err == nil && movedAway(is, st):
		return nil
	case err != nil:
		check := s.unread(ctx, checkDriver, policy.DriverGet, err)
		check.Target = st.DriverID
		return []diagnosis.Check{check}
	}
	return []diagnosis.Check{extra(checkDriver, diagnosis.CodeDDOEDriverUnwanted, st.DriverID, is.Name)}
}

// unasked is the check of what the platform cannot be asked about, as the API is off, and which no PUT can remove.
func unasked(id, target string) diagnosis.Check {
	check := extra(id, diagnosis.CodeDDOEAPIOff, target, "")
	check.Status = diagnosis.OutcomeUnknown
	return check
}
