package provision

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Platform is the DDOE platform's API, as a deployment knows it.
type Platform struct {
	Client *ddoe.Client
	// IntegrationType is the platform's name of the integration type; empty discovers it in what the organisation offers.
	IntegrationType string
	// OptionMap has the last word on where an option's value comes from.
	OptionMap OptionMap
}

// The ways in which the platform's side is set up.
const (
	modeAPI    = "api"
	modeManual = "manual"
)

// The words of the platform's form, as its documentation gives them.
const (
	formProvider        = "Azure"
	formIntegrationType = "Workload Identity Federation"
)

// platformSide is what one attempt learns about the platform's side.
type platformSide struct {
	// offer is how the integration can be made by the API; nil where it is made by hand.
	offer *offer
	// refusal is why the API cannot be used although it is wanted; nil otherwise.
	refusal *diagnosis.Diagnosis
	// sent says that this attempt has sent the options.
	sent bool
}

// wantsPlatform reports whether the spec asks for the platform's side.
func wantsPlatform(s integration.Spec) bool { return s.DDOE != nil && s.DDOE.Integration }

// platformBegun reports whether something of ours may exist on the platform.
func platformBegun(d integration.Document) bool {
	return d.Status.DDOE != nil && d.Status.DDOE.OrganizationID != ""
}

// onPlatform reports whether the document knows an integration of ours on the platform, whatever status.ddoe.mode says now:
// what was made by the API stays watched, validated and torn down where a later attempt falls back to the manual way.
func onPlatform(d integration.Document) bool {
	return d.Status.DDOE != nil && d.Status.DDOE.IntegrationID != ""
}

// preflight finds out, before anything is written, how the platform's side can be made.
func (r *run) preflight(ctx context.Context) error {
	d := r.current()
	if r.Platform == nil {
		if platformBegun(d) && !wantsPlatform(d.Spec) {
			return refuse("ddoe-api-off")
		}
		return nil
	}
	if !wantsPlatform(d.Spec) {
		return nil
	}
	var offered []ddoe.IntegrationType
	err := r.askPlatform(ctx, opTypes, func(ctx context.Context) error {
		var err error
		offered, err = r.Platform.Client.AvailableIntegrations(ctx, d.Spec.DDOE.OrganizationID)
		return err
	})
	if err != nil {
		return err
	}
	r.platform.offer, r.platform.refusal = r.Platform.choose(d, offered)
	return nil
}

// platformHop makes the platform's side, or removes what is not wanted any more.
func (r *run) platformHop(ctx context.Context) error {
	d := r.current()
	if platformBegun(d) && (!wantsPlatform(d.Spec) || r.platform.offer != nil && d.Status.DDOE.OrganizationID != d.Spec.DDOE.OrganizationID) {
		if err := r.removePlatform(ctx); err != nil {
			return err
		}
	}
	if r.platform.offer == nil {
		return nil
	}
	// The intent is written down first: whatever a crash leaves behind is looked for in this organisation.
	err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		st.Mode, st.OrganizationID = modeAPI, d.Spec.DDOE.OrganizationID
		st.Validated, st.ValidationID = false, ""
		st.Form, st.Why, st.Next, st.Diagnosis = nil, "", "", nil
	})
	if err != nil {
		return err
	}
	found, err := r.platformIntegration(ctx)
	if err != nil {
		return err
	}
	return r.platformDriver(ctx, found)
}

// learnPlatform saves what has been learnt about the platform's side.
func (r *run) learnPlatform(ctx context.Context, change func(*integration.DDOEStatus)) error {
	return r.learn(ctx, func(d *integration.Document) {
		st := integration.DDOEStatus{}
		if d.Status.DDOE != nil {
			st = *d.Status.DDOE
		}
		change(&st)
		d.Status.DDOE = &st
	})
}

// platformStatus is the platform's side as the document ends with it.
func (r *run) platformStatus(d integration.Document) *integration.DDOEStatus {
	if r.platform.offer != nil {
		return d.Status.DDOE
	}
	why := "The spec does not ask for the platform's side (ddoe.integration is not true)."
	switch {
	case r.platform.refusal != nil:
		why = r.platform.refusal.Detail
	case wantsPlatform(d.Spec):
		why = "This deployment has no access to the platform's API (DDOE_API_URL and DDOE_API_KEY)."
	}
	manual := manualSetup(d, why)
	manual.Diagnosis = r.platform.refusal
	if platformBegun(d) {
		// What was made by the API stays ours, to be taken over again or removed.
		old := d.Status.DDOE
		manual.OrganizationID, manual.IntegrationID, manual.DriverID, manual.OptionsHash = old.OrganizationID, old.IntegrationID, old.DriverID, old.OptionsHash
	}
	return manual
}

// manualSetup is what a person has to do on the platform's side, with the values to type in.
func manualSetup(d integration.Document, why string) *integration.DDOEStatus {
	return &integration.DDOEStatus{
		Mode:            modeManual,
		IntegrationType: formIntegrationType,
		Form: &integration.DDOEForm{IntegrationName: platformName(d), Provider: formProvider, IntegrationType: formIntegrationType,
			ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, ImportFile: credential.FileName},
		Why: why,
		Next: "Download " + credential.FileName + " from GET /api/integrations/" + d.ID + "/credentials. In DDOE: Integrations, Create Integration, " +
			"Create Storage Integration; fill in the form's values, upload the file, and create an Azure Blob driver with the integration.",
	}
}

// platformName is the integration's name on the platform, whose own SDK replaces colons.
func platformName(d integration.Document) string {
	return strings.ReplaceAll(d.Spec.DisplayName, ":", "_")
}

// metaOwner is the metadata entry that marks an integration as ours.
const metaOwner = "managed-by"

// platformOwner is the mark of the integration on the platform.
func (s *Service) platformOwner(id string) string { return "ddoe-wif/" + s.Instance + "/" + id }

// planPlatform is the platform's part of a plan. Whether the organisation offers the type is known when it is asked.
func (s *Service) planPlatform(d integration.Document) []PlannedStep {
	st := integration.DDOEStatus{}
	if d.Status.DDOE != nil {
		st = *d.Status.DDOE
	}
	action := func(id string) Action {
		if id == "" {
			return ActionCreate
		}
		return ActionUpsert
	}
	var steps []PlannedStep
	if st.DriverID != "" && (!wantsPlatform(d.Spec) || d.Spec.DDOE.Driver == nil) {
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: st.DriverID, Action: ActionDelete, Key: st.DriverID})
	}
	if s.Platform == nil || !wantsPlatform(d.Spec) {
		if st.IntegrationID != "" {
			steps = append(steps, PlannedStep{Name: "ddoeIntegration", Target: st.IntegrationID, Action: ActionDelete, Key: st.IntegrationID})
		}
		return append(steps, PlannedStep{Name: "ddoe", Target: "Create Storage Integration", Action: ActionManual})
	}
	steps = append(steps, PlannedStep{Name: "ddoeIntegration", Target: platformName(d), Action: action(st.IntegrationID), Key: st.IntegrationID})
	if driver := d.Spec.DDOE.Driver; driver != nil {
		steps = append(steps, PlannedStep{Name: "ddoeDriver", Target: driver.Name, Action: action(st.DriverID), Key: st.DriverID})
	}
	return steps
}
