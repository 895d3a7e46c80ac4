package provision

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// Platform is the DDOE platform's API, as a deployment knows it.
type Platform struct {
	// Hiding gives the API's client, which never shows the texts: see Service.platformClient.
	Hiding func(texts ...secret.Value) *ddoe.Client
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

// sameID compares two ids of the platform as the platform finds objects by them: an id that is written otherwise must not
// pass for another object, since what is not wanted any more is removed.
func sameID(a, b string) bool { return strings.EqualFold(a, b) }

// onPlatform reports whether the document knows an integration of ours on the platform, whatever status.ddoe.mode says now:
// what was made by the API stays watched, validated and torn down where a later attempt falls back to the manual way.
func onPlatform(d integration.Document) bool {
	return d.Status.DDOE != nil && d.Status.DDOE.IntegrationID != ""
}

// platformHop makes the platform's side, or removes what is not wanted any more. A move to another organisation begins with
// the removal, unless the API cannot make the integration there: then what exists stays.
func (r *run) platformHop(ctx context.Context) error {
	d := r.current()
	moved := r.platform.offer != nil && platformBegun(d) && !sameID(d.Status.DDOE.OrganizationID, d.Spec.DDOE.OrganizationID)
	if moved {
		if err := r.testBeforeMove(ctx); err != nil {
			return err
		}
	}
	if platformBegun(d) && !wantsPlatform(d.Spec) || moved {
		if err := r.removePlatform(ctx); err != nil {
			return err
		}
	}
	switch {
	case r.Platform == nil || !wantsPlatform(d.Spec):
		return nil
	case r.platform.offer == nil:
		return r.fallBack(ctx)
	}
	// The intent is written down first: whatever a crash leaves behind is looked for in this organisation. All else stays
	// until there is an integration: the form tells which one a person has made.
	err := r.intend(ctx, func(st *integration.DDOEStatus) { st.OrganizationID = d.Spec.DDOE.OrganizationID })
	if err != nil {
		return err
	}
	found, err := r.platformIntegration(ctx)
	if err != nil {
		return err
	}
	return r.platformDriver(ctx, found)
}

// intend saves what is about to be done on the platform. Whoever is superseded does nothing, and saves nothing.
func (r *run) intend(ctx context.Context, change func(*integration.DDOEStatus)) error {
	return r.learn(ctx, func(d *integration.Document) {
		if d.Status.LastOperationID != r.cmd.OperationID {
			return
		}
		if d.Status.DDOE == nil {
			d.Status.DDOE = &integration.DDOEStatus{}
		}
		changeDDOE(d, change)
	})
}

// learnPlatform saves what has been learnt about the platform's side.
func (r *run) learnPlatform(ctx context.Context, change func(*integration.DDOEStatus)) error {
	return r.learn(ctx, func(d *integration.Document) { changeDDOE(d, change) })
}

// changeDDOE changes a copy of the platform's side, as others may hold the document that it is from. Where nothing was
// begun, or all was torn down meanwhile, there is nothing to change.
func changeDDOE(d *integration.Document, change func(*integration.DDOEStatus)) {
	if d.Status.DDOE == nil {
		return
	}
	st := *d.Status.DDOE
	change(&st)
	d.Status.DDOE = &st
}

// platformOf is what the document knows of the platform's side.
func platformOf(d integration.Document) integration.DDOEStatus {
	if d.Status.DDOE == nil {
		return integration.DDOEStatus{}
	}
	return *d.Status.DDOE
}

// unvalidated takes back what the platform's validation said, as something that it depends on has changed.
func unvalidated(st *integration.DDOEStatus) {
	st.Validated, st.CheckedAt, st.ValidationID = false, nil, ""
}

// createLag is how long the platform may take to show in its lists what a create has made.
const createLag = 2 * time.Minute

// noteCreate saves that a create is about to be sent, along with what else has to be known of it.
func (r *run) noteCreate(ctx context.Context, change func(*integration.DDOEStatus)) error {
	now := r.now()
	return r.intend(ctx, func(st *integration.DDOEStatus) {
		st.CreateSentAt = &now
		change(st)
	})
}

// createSettled returns an error that parks the command while a create that was sent without a believable answer may
// still come to light: until then it is not repeated, and that nothing is there is not believed.
func (r *run) createSettled() error {
	st := platformOf(r.current())
	if st.CreateSentAt == nil || r.now().Sub(*st.CreateSentAt) >= createLag {
		return nil
	}
	return refuse(diagnosis.CodeDDOECreateUnsettled)
}

// createRefused reports whether a create made nothing, for certain, so that what noteCreate has saved can be cleared: it
// was refused, for whatever reason, and the attempt ends with that.
func createRefused(answer, end error) bool { return end != nil && policy.IsRefusal(answer) }

// isToFind reports whether the list tells what a create has made, or has met.
func isToFind(answer error) bool {
	return slices.Contains([]policy.Action{policy.InDoubt, policy.Exists}, policy.ActionOf(answer))
}

// platformName is the integration's name on the platform, whose own SDK replaces colons.
func platformName(d integration.Document) string {
	return strings.ReplaceAll(d.Spec.DisplayName, ":", "_")
}

// metaOwner is the metadata entry that marks an integration as ours, markPrefix how its value begins.
const (
	metaOwner  = "managed-by"
	markPrefix = "ddoe-wif/"
)

// platformOwner is the mark of the integration on the platform.
func (s *Service) platformOwner(id string) string { return markPrefix + s.Instance + "/" + id }
