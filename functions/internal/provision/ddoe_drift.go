package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The checks of the platform's side.
const (
	checkIntegration = "ddoe.integration"
	checkOptions     = "ddoe.options"
	checkDriver      = "ddoe.driver"

	titleIntegration = "The integration on the platform is as it was made"
	titleOptions     = "The integration was sent the options that the spec comes to"
	titleDriver      = "The driver on the platform is as it was made"
)

// platformDrift compares what the platform holds with what the spec comes to.
func (s *Service) platformDrift(ctx context.Context, d integration.Document) []diagnosis.Check {
	if !wantsPlatform(d.Spec) {
		return nil
	}
	st := d.Status.DDOE
	if s.Platform == nil || st == nil || st.Mode != modeAPI {
		skipped := diagnosis.Skip(checkIntegration, layerStructure, titleIntegration, "")
		skipped.Detail = "The platform's side is set up by hand; status.ddoe says why."
		return []diagnosis.Check{skipped}
	}
	var checks, driver []diagnosis.Check
	_ = together( // the parts return nil; what they met is in the checks
		func() error { checks = s.integrationDrift(ctx, d); return nil },
		func() error { driver = s.driverDrift(ctx, d); return nil },
	)
	return append(checks, driver...)
}

func (s *Service) integrationDrift(ctx context.Context, d integration.Document) []diagnosis.Check {
	st := d.Status.DDOE
	all, err := s.Platform.Client.ListIntegrations(ctx, st.OrganizationID)
	if err != nil {
		return []diagnosis.Check{s.unread(ctx, checkIntegration, opPlatformIntegrationList, err)}
	}
	found := s.sorted(d, st.IntegrationType, all)
	if len(found.ours) == 0 || found.ours[0].ID != st.IntegrationID {
		missing := platformCheck(checkIntegration, "ddoe-integration-missing", platformName(d), "")
		missing.Target = st.IntegrationID
		return []diagnosis.Check{missing, diagnosis.Skip(checkOptions, layerStructure, titleOptions, checkIntegration)}
	}
	is := found.ours[0]
	check := diagnosis.CheckFrom(checkIntegration, layerStructure, titleIntegration, nil, diagnosis.Context{Target: is.ID})
	switch {
	case is.Type != st.IntegrationType:
		check = platformCheck(checkIntegration, "ddoe-integration-changed", st.IntegrationType, is.Type)
	case is.Name != platformName(d):
		check = platformCheck(checkIntegration, "ddoe-integration-renamed", platformName(d), is.Name)
	}
	check.Target = is.ID
	return []diagnosis.Check{check, s.optionsDrift(ctx, d)}
}

// optionsDrift compares the hash of what was sent with that of what would be sent now. The platform shows no options, so
// a change made there is not seen.
func (s *Service) optionsDrift(ctx context.Context, d integration.Document) diagnosis.Check {
	offered, err := s.Platform.Client.AvailableIntegrations(ctx, d.Status.DDOE.OrganizationID)
	if err != nil {
		return s.unread(ctx, checkOptions, opTypes, err)
	}
	offer, refusal := s.Platform.choose(d, offered)
	if refusal != nil {
		return diagnosis.CheckOf(checkOptions, layerStructure, *refusal)
	}
	_, hash, err := offer.values(d)
	if err != nil {
		return diagnosis.CheckFrom(checkOptions, layerStructure, titleOptions, err, diagnosis.Context{})
	}
	if hash != d.Status.DDOE.OptionsHash {
		return platformCheck(checkOptions, "ddoe-options-changed", hash, d.Status.DDOE.OptionsHash)
	}
	return diagnosis.CheckFrom(checkOptions, layerStructure, titleOptions, nil, diagnosis.Context{})
}

func (s *Service) driverDrift(ctx context.Context, d integration.Document) []diagnosis.Check {
	if d.Spec.DDOE.Driver == nil {
		return nil
	}
	st := d.Status.DDOE
	if st.DriverID == "" {
		return []diagnosis.Check{platformCheck(checkDriver, "ddoe-driver-missing", d.Spec.DDOE.Driver.Name, "")}
	}
	is, err := s.Platform.Client.GetDriver(ctx, st.DriverID)
	switch {
	case ddoe.IsNotFound(err):
		check := platformCheck(checkDriver, "ddoe-driver-missing", d.Spec.DDOE.Driver.Name, "")
		check.Target = st.DriverID
		return []diagnosis.Check{check}
	case err != nil:
		return []diagnosis.Check{s.unread(ctx, checkDriver, opDriverGet, err)}
	}
	// The driver's type follows the account's kind, which does not change; what it is now is taken for granted.
	wanted := driverOf(d, arm.StorageAccount{HierarchicalNamespace: is.Type == ddoe.DriverDatalake}, st.IntegrationID, st.IntegrationType)
	check := diagnosis.CheckFrom(checkDriver, layerStructure, titleDriver, nil, diagnosis.Context{})
	if is.Type != wanted.Type || is.ProjectID != "" && is.ProjectID != wanted.ProjectID || !sameDriver(is, wanted) {
		check = platformCheck(checkDriver, "ddoe-driver-changed", driverText(shownAs(wanted)), driverText(is))
	}
	check.Target = is.ID
	return []diagnosis.Check{check}
}

// shownAs is how the platform would show a driver.
func shownAs(n ddoe.NewDriver) ddoe.Driver {
	return ddoe.Driver{Name: n.Name, Type: n.Type, ProjectID: n.ProjectID, IntegrationID: n.IntegrationID, IntegrationType: n.IntegrationType,
		ContainerName: &n.ContainerName, Path: &n.Path, AllowExternalDelete: &n.AllowExternalDelete}
}

// driverText is a driver in one line, to be compared by people.
func driverText(d ddoe.Driver) string {
	parts := []string{"name " + d.Name, "type " + d.Type, "project " + d.ProjectID, "integration " + d.IntegrationID + " (" + d.IntegrationType + ")"}
	if d.ContainerName != nil {
		parts = append(parts, "container "+*d.ContainerName)
	}
	if d.Path != nil {
		parts = append(parts, "path "+*d.Path)
	}
	if d.AllowExternalDelete != nil {
		parts = append(parts, fmt.Sprintf("allowExternalDelete %v", *d.AllowExternalDelete))
	}
	return strings.Join(parts, ", ")
}

func platformCheck(id, code, expected, actual string) diagnosis.Check {
	check := diagnosis.CheckOf(id, layerStructure, diagnosis.New(code))
	check.Expected, check.Actual = diagnosis.Printable(expected), diagnosis.Printable(actual)
	if check.Actual != "" {
		check.DiffAt = diagnosis.Diff(check.Expected, check.Actual).At
	}
	return check
}

// unread is the check of what could not be read: it says nothing about the integration.
func (s *Service) unread(ctx context.Context, id, operation string, err error) diagnosis.Check {
	found := diagnosis.Classify(err, diagnosis.Context{Operation: operation})
	var refused *ddoe.Error
	if errors.As(err, &refused) {
		found = s.platformDiagnosis(ctx, operation, refused)
	}
	check := diagnosis.CheckOf(id, layerStructure, found)
	check.Status = diagnosis.OutcomeUnknown
	return check
}
