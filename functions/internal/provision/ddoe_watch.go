package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

const (
	// keyNotice is how long before its end the platform's API key is worth a warning.
	keyNotice = 30 * 24 * time.Hour
	// lookPatience is how long a look at the platform's side may take, the client's own retries included: somebody waits
	// for the report, or a schedule that looks again.
	lookPatience = 15 * time.Second
	// testPatience is how long the platform's own test of the storage may take.
	testPatience = 30 * time.Second
)

// The checks of the platform's side, in drift reports, access tests and health checks.
const (
	checkIntegration = "ddoe.integration"
	checkDriver      = "ddoe.driver"
	checkDriverTest  = "ddoe.driver.test"
	checkKey         = "ddoe.key"

	titleIntegration = "The integration on the platform is as it was made"
	titleDriver      = "The driver on the platform is as it was made"
	titleDriverTest  = "The platform itself reaches the storage"

	leftToAPerson = "A person sets up the platform's side. "
)

// Look makes one check of an integration; see health.Service.
type Look func(ctx context.Context, d integration.Document, proved bool) diagnosis.Report

// Watch adds to a look at an integration what there is to say of its platform's side: whether what was made there is as it
// was made, and whether the platform's API key ends soon. It reads each of the two objects once, the client's own retries
// aside, asks whose key it is where one is refused with 401, and writes nothing.
func (s *Service) Watch(look Look) Look {
	return func(ctx context.Context, d integration.Document, proved bool) diagnosis.Report {
		report := look(ctx, d, proved)
		return s.extended(report, append(s.platformChecks(ctx, d), s.keyCheck(s.TokenSource != nil || s.asksPlatform(d))...))
	}
}

// extended is a report with more checks.
func (s *Service) extended(r diagnosis.Report, more []diagnosis.Check) diagnosis.Report {
	if len(more) == 0 {
		return r
	}
	r.Checks = slices.Concat(r.Checks, more)
	r.Verdict = diagnosis.Summarise(r.Checks)
	r.DurationMS = s.now().Sub(r.StartedAt).Milliseconds()
	return r
}

// platformReport are the checks of the platform's side.
type platformReport struct {
	// integration is the check of the integration, or says why there is nothing to look at.
	integration diagnosis.Check
	// driver is empty where the spec asks for none; options and extras are so but in a drift report.
	options, driver, extras []diagnosis.Check
}

// checks are those of the report, in their order.
func (p platformReport) checks() []diagnosis.Check {
	return slices.Concat([]diagnosis.Check{p.integration}, p.options, p.driver, p.extras)
}

// platformChecks look at what is ours on the platform; none where the spec does not ask for its side.
func (s *Service) platformChecks(ctx context.Context, d integration.Document) []diagnosis.Check {
	if !wantsPlatform(d.Spec) {
		return nil
	}
	if check, ok := s.unwatched(d); ok {
		return []diagnosis.Check{check}
	}
	last := s.lastOperation(ctx, d)
	return afterOperation(last, s.platformObjects(ctx, d).checks())
}

// platformObjects look at integration and driver, each by its id.
func (s *Service) platformObjects(ctx context.Context, d integration.Document) platformReport {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	found := platformReport{integration: s.integrationCheck(ctx, d)}
	switch {
	case d.Spec.DDOE.Driver == nil:
	case driverUnasked(found.integration):
		found.driver = []diagnosis.Check{diagnosis.Skip(checkDriver, layerStructure, titleDriver, checkIntegration)}
	default:
		found.driver = []diagnosis.Check{s.driverCheck(ctx, d)}
	}
	return found
}

// driverUnasked reports whether the driver is not asked for, by the check of the integration: where that cannot be read, the
// cause is the same; where it is gone, so is the driver's storage; where it is in another organisation than the spec's,
// the driver cannot have the spec's project.
func driverUnasked(found diagnosis.Check) bool {
	return found.Status == diagnosis.OutcomeUnknown || notInPlace(found)
}

// notInPlace reports whether there is no integration of ours where the spec wants one.
func notInPlace(found diagnosis.Check) bool {
	return found.Code == diagnosis.CodeDDOEIntegrationMissing || found.Code == diagnosis.CodeDDOEIntegrationElsewhere
}

// asksPlatform reports whether a look at the integration uses the platform's API.
func (s *Service) asksPlatform(d integration.Document) bool {
	return s.Platform != nil && wantsPlatform(d.Spec)
}

// unwatched is the check that says why there is nothing to look at; false where there is.
func (s *Service) unwatched(d integration.Document) (diagnosis.Check, bool) {
	check := diagnosis.Skip(checkIntegration, layerStructure, titleIntegration, "")
	switch st := d.Status.DDOE; {
	case s.Platform == nil && onPlatform(d):
		check.Code = diagnosis.CodeDDOEAPIOff
		check.Detail = "It was made by the API, to which this deployment has no access now (DDOE_API_URL and DDOE_API_KEY)."
	case s.Platform == nil:
		check.Detail = "This deployment has no access to the platform's API (DDOE_API_URL and DDOE_API_KEY): a person sets up the platform's side."
	case !onPlatform(d) && st != nil && st.Mode == modeManual && (st.Diagnosis != nil || !platformBegun(d)): // else the API was tried since
		check.Detail = leftToAPerson + st.Why
	default:
		return check, false
	}
	return check, true
}

// platformAndKey are the checks that an access test adds: those of the platform's side, and of the API key that got the test
// its subject token, or is sent to the platform.
func (s *Service) platformAndKey(ctx context.Context, d integration.Document, wanted AccessTest, r diagnosis.Report) []diagnosis.Check {
	return append(s.driverTest(ctx, d, wanted, r), s.keyCheck(wanted.Token.IsZero() || s.asksPlatform(d))...)
}

// driverTest are platformChecks, and where the access test itself may write, the platform's own test of the driver, which
// writes a test file.
func (s *Service) driverTest(ctx context.Context, d integration.Document, wanted AccessTest, r diagnosis.Report) []diagnosis.Check {
	checks := s.platformChecks(ctx, d)
	i := slices.IndexFunc(checks, func(c diagnosis.Check) bool { return c.ID == checkDriver })
	if i < 0 || wanted.Mode == access.ModeOracle || wanted.Access == integration.AccessRead {
		return checks
	}
	protection := slices.IndexFunc(r.Checks, func(c diagnosis.Check) bool {
		return c.Layer == "protection" && c.Status != diagnosis.OutcomePass
	})
	switch {
	case checks[i].Status != diagnosis.OutcomePass && checks[i].Status != diagnosis.OutcomeWarn:
		return append(checks, diagnosis.Skip(checkDriverTest, layerStructure, titleDriverTest, checkDriver))
	case protection >= 0:
		return append(checks, diagnosis.Skip(checkDriverTest, layerStructure, titleDriverTest, r.Checks[protection].ID))
	}
	return append(checks, s.platformTest(ctx, d)...)
}

// platformTest is the check of the platform's own test. Where it fails, the cause may be what the integration is made with:
// a type that is not offered any more, or options that are not those of now. Then that check comes with it.
func (s *Service) platformTest(ctx context.Context, d integration.Document) []diagnosis.Check {
	patient, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	_, err := s.platformClient(d).TestDriver(patient, d.Status.DDOE.DriverID)
	test := s.testCheck(patient, d, err)
	if test.Status != diagnosis.OutcomeFail {
		return []diagnosis.Check{test}
	}
	last := s.lastOperation(ctx, d)
	options := s.optionsDrift(ctx, d)
	if options.Status != diagnosis.OutcomeFail && options.Status != diagnosis.OutcomeWarn {
		return []diagnosis.Check{test}
	}
	test.Remedy.Steps = append([]string{"Follow the check " + checkOptions + " first: it may be the cause."}, test.Remedy.Steps...)
	return append(afterOperation(last, []diagnosis.Check{options}), test)
}

// testCheck is the check of the platform's own test. Only what is about the storage says something of the integration.
func (s *Service) testCheck(ctx context.Context, d integration.Document, err error) diagnosis.Check {
	var refused *ddoe.Error
	var check diagnosis.Check
	switch {
	case err == nil:
		check = diagnosis.CheckFrom(checkDriverTest, layerStructure, titleDriverTest, nil, diagnosis.Context{})
	case errors.As(err, &refused) && storageRefused(refused):
		check = diagnosis.CheckOf(checkDriverTest, layerStructure, s.describePlatform(ctx, policy.DriverTest, refused))
		check.Transient = !access.Settled(d, s.now())
		check.Remedy.Steps = s.alsoOptions([]string{ // the catalogue's begin with this very access test
			"If one of the checks token.*, exchange.* or access.* fails too, follow that one first.",
			"If those pass, read what the platform says, and compare issuer, subject and audience of the platform's tokens with the federated credential; look for a firewall before the storage account that lets in the service, but not the platform.",
			"PUT the spec again.",
		})
	default:
		check = s.unread(ctx, checkDriverTest, policy.DriverTest, err)
	}
	check.Target = d.Status.DDOE.DriverID
	return check
}

// keyCheck is the check of the API key where it is used; none where there is nothing to say. A key that does not say when it
// ends says nothing.
func (s *Service) keyCheck(used bool) []diagnosis.Check {
	expires, known := ddoe.KeyExpires(s.PlatformKey)
	left := expires.Sub(s.now())
	if !used || !known || left > keyNotice {
		return nil
	}
	detail := "The key in DDOE_API_KEY ends at " + expires.Format(time.RFC3339) + "."
	if left <= 0 {
		detail = "The key in DDOE_API_KEY has ended at " + expires.Format(time.RFC3339) + "; the platform refuses it."
	}
	return []diagnosis.Check{diagnosis.CheckOf(checkKey, "token", diagnosis.New(diagnosis.CodeDDOEAPIKeyExpiring, diagnosis.WithDetail("%s", detail)))}
}
