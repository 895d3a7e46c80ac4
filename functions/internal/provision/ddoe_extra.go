package provision

import (
	"context"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The checks of what is ours on the platform beside what the document knows, in drift reports alone.
const (
	checkExtraIntegration = "ddoe.integration.extra"
	checkExtraDriver      = "ddoe.driver.extra"
)

// platformExtras report what lost answers may have left: other integrations with our mark in the organisation, and on our
// integration other drivers that are like ours.
func (s *Service) platformExtras(ctx context.Context, d integration.Document) []diagnosis.Check {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	return append(s.extraIntegrations(ctx, d), s.extraDrivers(ctx, d)...)
}

func (s *Service) extraIntegrations(ctx context.Context, d integration.Document) []diagnosis.Check {
	all, err := s.platformClient(d).ListIntegrations(ctx, d.Status.DDOE.OrganizationID)
	if err != nil {
		return []diagnosis.Check{s.unread(ctx, checkExtraIntegration, policy.PlatformIntegrationList, err)}
	}
	var checks []diagnosis.Check
	for _, one := range all {
		if one.ID != "" && one.ID != d.Status.DDOE.IntegrationID && one.Metadata[metaOwner].Value == s.platformOwner(d.ID) {
			checks = append(checks, extra(checkExtraIntegration, diagnosis.CodeDDOEIntegrationExtra, one.ID, one.Name))
		}
	}
	return checks
}

// extraDrivers knows ours by what was sent last: a driver has no marks.
func (s *Service) extraDrivers(ctx context.Context, d integration.Document) []diagnosis.Check {
	st := *d.Status.DDOE
	sent := sentDriver(st)
	if st.DriverID == "" || sent.Name == "" {
		return nil
	}
	all, err := s.platformClient(d).ListDrivers(ctx, sent.ProjectID, sent.IntegrationID)
	if err != nil {
		return []diagnosis.Check{s.unread(ctx, checkExtraDriver, policy.DriverList, err)}
	}
	var checks []diagnosis.Check
	for _, one := range namesakes(all, sent) {
		if one.ID != "" && one.ID != st.DriverID && samePlace(one, sent) {
			checks = append(checks, extra(checkExtraDriver, diagnosis.CodeDDOEDriverExtra, one.ID, one.Name))
		}
	}
	return checks
}

func extra(id string, code diagnosis.Code, target, name string) diagnosis.Check {
	check := diagnosis.CheckOf(id, layerStructure, diagnosis.New(code))
	check.Target, check.Actual = diagnosis.Printable(target), diagnosis.Printable(name)
	return check
}

// manualDrift says of what is left to a person whether the API could do it by now, as far as the platform says.
func (s *Service) manualDrift(ctx context.Context, d integration.Document, check diagnosis.Check) diagnosis.Check {
	if s.Platform == nil {
		return check
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	offered, err := s.platformClient(d).AvailableIntegrations(ctx, d.Spec.DDOE.OrganizationID)
	if err != nil {
		return check
	}
	offer, refusal := s.Platform.choose(d, offered)
	if refusal != nil {
		check.Detail = leftToAPerson + refusal.Detail
		return check
	}
	if _, _, err := offer.values(d); err != nil {
		return check
	}
	if err := s.putRefused(ctx, d); err != nil {
		check.Detail = leftToAPerson + operation.Describe(err, true).Detail
		return check
	}
	return platformCheck(checkIntegration, diagnosis.CodeDDOEAPIUsable, "", "")
}

// putRefused is the refusal with which a PUT that has the API do it would end before anything is written; nil where the
// platform does not say that it would. See preflight: a PUT that fails takes a working integration's phase along.
func (s *Service) putRefused(ctx context.Context, d integration.Document) error {
	return together(
		func() error { return s.organizationRole(ctx, d) },
		func() error {
			if d.Spec.DDOE.Driver == nil {
				return nil
			}
			project, err := s.platformClient(d).GetProject(ctx, d.Spec.DDOE.Driver.ProjectID)
			if err != nil {
				err = &diagnosis.Error{Diagnosis: s.describePlatform(ctx, policy.PlatformProjectGet, err), Err: err}
			}
			return projectRefused(d, project, err)
		},
	)
}
