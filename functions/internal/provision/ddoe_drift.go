package provision

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The check that a drift report alone has.
const (
	checkOptions = "ddoe.options"
	titleOptions = "The integration was sent the options that the spec comes to"
)

// metaStatus is the metadata entry in which the platform keeps what its validation came to. Of its values only this one is
// believed to say something, and no more than a warning: they are published nowhere, the word is that of the documentation.
const (
	metaStatus      = "status"
	statusUntrusted = "untrusted"
)

// platformDrift compares what the platform holds with what the spec comes to, and with what it does not ask for any more.
func (s *Service) platformDrift(ctx context.Context, d integration.Document, last *integration.Operation) []diagnosis.Check {
	var wanted, unwanted []diagnosis.Check
	_ = together( // the parts return nil; what they met is in the checks
		func() error { wanted = s.platformWanted(ctx, d); return nil },
		func() error { unwanted = s.platformUnwanted(ctx, d, last); return nil },
	)
	return append(wanted, unwanted...)
}

// platformWanted compares what the platform holds with what the spec asks for there.
func (s *Service) platformWanted(ctx context.Context, d integration.Document) []diagnosis.Check {
	if !wantsPlatform(d.Spec) {
		return nil
	}
	var found platformReport
	switch check, unwatched := s.unwatched(d); {
	case unwatched:
		found.integration = s.manualDrift(ctx, d, check)
	case !onPlatform(d):
		found = s.platformObjects(ctx, d)
	default:
		found = s.platformDifferences(ctx, d)
	}
	return found.checks()
}

// platformDifferences are what a drift report says where there is an integration of ours.
func (s *Service) platformDifferences(ctx context.Context, d integration.Document) platformReport {
	var found platformReport
	var options diagnosis.Check
	var extras []diagnosis.Check
	_ = together( // the parts return nil; what they met is in the checks
		func() error { found = s.platformObjects(ctx, d); return nil },
		func() error { options = s.optionsDrift(ctx, d); return nil },
		func() error { extras = s.platformExtras(ctx, d); return nil },
	)
	switch {
	case notInPlace(found.integration):
		options = diagnosis.Skip(checkOptions, layerStructure, titleOptions, checkIntegration)
	case driverUnasked(found.integration):
	default: // else a PUT takes over what carries our mark, and then there is nothing to remove
		found.extras = extras
	}
	found.options = []diagnosis.Check{options}
	return found
}

// integrationCheck compares the integration with what was made. Its options are never shown.
func (s *Service) integrationCheck(ctx context.Context, d integration.Document) diagnosis.Check {
	if !onPlatform(d) {
		return platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationMissing, platformName(d), "")
	}
	id := d.Status.DDOE.IntegrationID
	is, err := s.platformClient(d).GetIntegration(ctx, id)
	check := diagnosis.CheckFrom(checkIntegration, layerStructure, titleIntegration, nil, diagnosis.Context{})
	switch kind := madeType(d); {
	case ddoe.IsNotFound(err):
		check = platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationMissing, platformName(d), "")
	case err != nil:
		check = s.unread(ctx, checkIntegration, policy.PlatformIntegrationGet, err)
	case !madeHere(d):
		check = platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationElsewhere, d.Spec.DDOE.OrganizationID, d.Status.DDOE.OrganizationID)
	case kind != "" && is.Type != "" && is.Type != kind:
		check = platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationChanged, kind, is.Type)
	case is.Name != "" && is.Name != platformName(d):
		check = platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationRenamed, platformName(d), is.Name)
	case strings.EqualFold(is.Metadata[metaStatus].Value, statusUntrusted):
		check = platformCheck(checkIntegration, diagnosis.CodeDDOEIntegrationUntrusted, "", "")
	}
	check.Target = id
	return check
}

// madeType is the platform's name of the type that the integration was made with; empty where the status has the form's
// words in its place.
func madeType(d integration.Document) string {
	if kind := d.Status.DDOE.IntegrationType; kind != formIntegrationType {
		return kind
	}
	return ""
}

// driverCheck compares the driver with what the spec comes to, as far as the platform shows it.
func (s *Service) driverCheck(ctx context.Context, d integration.Document) diagnosis.Check {
	switch st := platformOf(d); {
	case st.DriverID == "" && st.Mode == modeManual:
		check := diagnosis.Skip(checkDriver, layerStructure, titleDriver, "")
		check.Detail = leftToAPerson + st.Why
		return check
	case st.DriverID == "":
		return platformCheck(checkDriver, diagnosis.CodeDDOEDriverMissing, d.Spec.DDOE.Driver.Name, "")
	}
	id := d.Status.DDOE.DriverID
	is, err := s.platformClient(d).GetDriver(ctx, id)
	check := diagnosis.CheckFrom(checkDriver, layerStructure, titleDriver, nil, diagnosis.Context{})
	switch {
	case ddoe.IsNotFound(err):
		check = platformCheck(checkDriver, diagnosis.CodeDDOEDriverMissing, d.Spec.DDOE.Driver.Name, "")
	case err != nil:
		check = s.unread(ctx, checkDriver, policy.DriverGet, err)
	default:
		if differences := driverDifferences(is, madeDriver(d, is)); len(differences) > 0 {
			check = changedDriver(differences)
		}
	}
	check.Target = id
	return check
}

// madeDriver is the driver that the spec comes to. Its type follows the account's kind, which does not change: it is the
// one that was sent.
func madeDriver(d integration.Document, is ddoe.Driver) ddoe.NewDriver {
	st := d.Status.DDOE
	kind := is.Type
	if st.Driver != nil {
		kind = st.Driver.Type
	}
	wanted := driverOf(d, arm.StorageAccount{HierarchicalNamespace: kind == ddoe.DriverDatalake}, st.IntegrationID, madeType(d))
	if wanted.IntegrationType == "" {
		wanted.IntegrationType = is.IntegrationType
	}
	return wanted
}

// changedDriver is the check of a driver that is not as it was made. Datasets on it are at home all the same where only
// its name or its right to delete has changed.
func changedDriver(differences []comparison) diagnosis.Check {
	var expected, actual []string
	harmless := true
	for _, c := range differences {
		expected, actual = append(expected, c.member+" "+orNone(c.expected)), append(actual, c.member+" "+orNone(*c.actual))
		harmless = harmless && (c.member == memberName || c.member == memberExternalDelete)
	}
	check := platformCheck(checkDriver, diagnosis.CodeDDOEDriverChanged, strings.Join(expected, ", "), strings.Join(actual, ", "))
	check.DiffAt = nil // these are lists
	if harmless {
		check.Status = diagnosis.OutcomeWarn
	}
	if anyOf(differences, memberType, memberProject) {
		check.Remedy.Steps = []string{
			"PUT the spec again to set it right. Type and project of a driver cannot be changed: that makes the driver anew, and the datasets on it lose their storage.",
		}
		if !anyOf(differences, memberType) { // which follows the storage account: no spec can say another
			check.Remedy.Steps = append(check.Remedy.Steps, "To keep the driver as it is, PUT a spec that says what the platform shows.")
		}
	}
	return check
}

// orNone is a value for people.
func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}

// optionsDrift compares the hash of what was sent with that of what would be sent now. The platform shows no options, so
// a change made there is not seen.
func (s *Service) optionsDrift(ctx context.Context, d integration.Document) diagnosis.Check {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	offered, err := s.platformClient(d).AvailableIntegrations(ctx, d.Status.DDOE.OrganizationID)
	if err != nil {
		return s.unread(ctx, checkOptions, policy.PlatformTypesList, err)
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
		return platformCheck(checkOptions, diagnosis.CodeDDOEOptionsChanged, "", "")
	}
	if d.Status.DDOE.Mode == modeManual && s.putRefused(ctx, d) == nil {
		return platformCheck(checkOptions, diagnosis.CodeDDOEAPIUsable, "", "")
	}
	return diagnosis.CheckFrom(checkOptions, layerStructure, titleOptions, nil, diagnosis.Context{})
}

func platformCheck(id string, code diagnosis.Code, expected, actual string) diagnosis.Check {
	check := diagnosis.CheckOf(id, layerStructure, diagnosis.New(code))
	check.Expected, check.Actual = diagnosis.Printable(expected), diagnosis.Printable(actual)
	if check.Actual != "" {
		check.DiffAt = diagnosis.Diff(check.Expected, check.Actual).At
	}
	return check
}

// unread is the check of what could not be read: it says nothing about the integration.
func (s *Service) unread(ctx context.Context, id string, operation policy.Operation, err error) diagnosis.Check {
	check := diagnosis.CheckOf(id, layerStructure, s.describePlatform(ctx, operation, err))
	check.Status = diagnosis.OutcomeUnknown
	return check
}
