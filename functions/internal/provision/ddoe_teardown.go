package provision

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// removal is one attempt at removing what is ours on the platform.
type removal struct {
	*run
	organizationID string
	// ours are the drivers of ours: the one that the document knows, and those that a crash kept it from knowing.
	ours []ddoe.Driver
	// gone names what was ours and is not there any more, by this attempt or before it.
	gone []string
	// missing is the id of the driver that the document knows, if it is not there any more. Who has deleted it is not known:
	// a process that was killed tells nobody.
	missing string
	// left says that the driver that the document knows is on another integration, and stays.
	left bool
}

// removePlatform removes what is ours on the platform: the drivers, then the integration. While drivers of others use the
// integration it stops before it has touched anything. It costs nothing where nothing was begun.
func (r *run) removePlatform(ctx context.Context) error {
	d := r.current()
	if !platformBegun(d) {
		return nil
	}
	if r.Platform == nil {
		return refuse(diagnosis.CodeDDOEAPIOff)
	}
	x := &removal{run: r, organizationID: d.Status.DDOE.OrganizationID}
	if err := x.knownDriver(ctx); err != nil {
		return err
	}
	left, err := r.leftDrivers(ctx)
	if err != nil {
		return err
	}
	x.ours = remember(x.ours, left, driverID)
	integrations, err := x.integrations(ctx)
	if err != nil {
		return err
	}
	if err := x.settled(integrations); err != nil {
		return err
	}
	for _, one := range integrations {
		if err := x.unused(ctx, one); err != nil {
			return err
		}
	}
	for _, one := range x.ours {
		if err := r.deleteDriver(ctx, one.ID); err != nil {
			return err
		}
		x.gone = append(x.gone, "the driver "+named(one.Name, one.ID))
	}
	x.ours = nil
	for _, one := range integrations {
		if err := x.removeUnused(ctx, one); err != nil {
			return err
		}
		x.gone = append(x.gone, "the integration "+named(one.Name, one.ID))
	}
	return r.learn(ctx, func(d *integration.Document) { d.Status.DDOE = x.kept(d.Status.DDOE) })
}

// kept is what the document still has to know when all is removed: a form, as a person may be at work with it; and where the
// whole integration is torn down the driver that stays, until its end, as another attempt or another DELETE may come to it
// that has to say so too.
func (x *removal) kept(old *integration.DDOEStatus) *integration.DDOEStatus {
	if old == nil {
		return nil
	}
	var kept integration.DDOEStatus
	if old.Form != nil {
		kept.Mode, kept.Form, kept.Since = modeManual, old.Form, old.Since
	}
	if x.left && x.cmd.Type == message.TypeDeprovision {
		kept.OrganizationID, kept.DriverID = old.OrganizationID, old.DriverID
	}
	if kept == (integration.DDOEStatus{}) {
		return nil
	}
	return &kept
}

// knownDriver reads the driver that the document knows. One that a person has put on another integration is theirs by now:
// it stays, and is no obstacle.
func (x *removal) knownDriver(ctx context.Context) error {
	st := platformOf(x.current())
	if st.DriverID == "" {
		return nil
	}
	driver, err := x.getDriver(ctx, st.DriverID)
	switch {
	case ddoe.IsNotFound(err):
		x.missing = st.DriverID
		x.isGone(st.DriverID)
		return nil
	case err != nil:
		return err
	case movedAway(driver, st):
		x.left = true
		x.leave(driver)
	default:
		x.ours = append(x.ours, overlaid(driver, sentDriver(st)))
	}
	return nil
}

// settled returns an error while a create whose answer was lost may still come to light: that nothing is left is not
// believed before.
func (x *removal) settled(integrations []ddoe.Integration) error {
	made := len(integrations) > 0
	if platformOf(x.current()).IntegrationID != "" { // then the create was a driver's
		made = len(x.ours) > 0
	}
	if made {
		return nil
	}
	return x.createSettled()
}

// integrations are ours, by the organisation's list, and by its id where the list does not show the one that the document
// knows: an organisation that the key's user has left answers 404 as one that is gone does.
func (x *removal) integrations(ctx context.Context) ([]ddoe.Integration, error) {
	found, err := x.lookAtPlatform(ctx, x.organizationID, "")
	hidden := ddoe.IsNotFound(err)
	if err != nil && !hidden {
		return nil, err
	}
	id := platformOf(x.current()).IntegrationID
	if id == "" || slices.ContainsFunc(found.ours, func(one ddoe.Integration) bool { return one.ID == id }) {
		return found.ours, nil
	}
	known, err := x.knownIntegration(ctx)
	switch {
	case err != nil:
		return nil, err
	case known == nil:
		return found.ours, nil
	case hidden:
		return nil, refuse(diagnosis.CodeDDOEOrganizationHidden, diagnosis.WithDetail(
			"The platform knows no organisation %s, or does not show it to the API key's user, but the integration %s is still there. %s",
			diagnosis.Printable(x.organizationID), named(known.Name, known.ID), x.done()))
	}
	return append(found.ours, *known), nil
}

// removeUnused deletes an integration that no driver uses. Somebody may make a driver at any moment, also between the
// last count and the deletion, which the platform then refuses in words alone: the drivers are counted again.
func (x *removal) removeUnused(ctx context.Context, one ddoe.Integration) error {
	if err := x.unused(ctx, one); err != nil {
		return err
	}
	err := x.deleteIntegration(ctx, x.organizationID, one.ID)
	if !answeredWith(err, http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusFailedDependency) {
		return err
	}
	if used := x.unused(ctx, one); used != nil {
		return used
	}
	if !answeredWith(err, http.StatusConflict) {
		return err
	}
	return x.deleteIntegration(ctx, x.organizationID, one.ID) // a conflict that has no driver for its reason: once more
}

// unused returns an error where drivers of others use an integration. What the platform counts and shows may still hold
// drivers that have just been deleted: where that explains it all, the command is parked.
func (x *removal) unused(ctx context.Context, one ddoe.Integration) error {
	count, err := x.countDrivers(ctx, one.ID)
	if err != nil || count == 0 {
		return err
	}
	listed, err := x.listDrivers(ctx, "", one.ID)
	if err != nil {
		return err
	}
	deleted := x.lately()
	others := slices.DeleteFunc(listed, func(d ddoe.Driver) bool {
		return slices.Contains(deleted, d.ID) || slices.ContainsFunc(x.ours, func(own ddoe.Driver) bool { return own.ID == d.ID })
	})
	for _, own := range x.ours {
		if own.IntegrationID == one.ID {
			count--
		}
	}
	switch {
	case count <= 0 && len(others) == 0:
		return nil
	case count <= len(deleted) && len(others) == 0:
		return &policy.Failure{Operation: policy.DriverCount, Decision: policy.Decision{Action: policy.RetryLater}, Context: x.words(),
			Err: x.inUse(one, count, nil)}
	}
	return x.inUse(one, max(count, len(others)), others)
}

// lately are the ids of drivers that this operation has deleted, or has found deleted, so lately that the platform may still
// count them.
func (x *removal) lately() []string {
	var ids []string
	for _, step := range x.deletions() {
		if slices.Contains([]string{"deleted", "absent"}, step.Outcome) && x.now().Sub(step.At) < createLag {
			ids = append(ids, step.Target)
		}
	}
	return ids
}

// deletions are the steps of this operation that removed a driver, found it gone or left it. One that failed may have
// removed its driver, too: it tells nothing.
func (x *removal) deletions() []integration.Step {
	return slices.DeleteFunc(x.attempt.Operation().Steps, func(step integration.Step) bool { return step.Name != stepDriverDelete || step.Status != "done" })
}

// isGone notes that a driver is gone, and once when that was found out: a crash may have kept its deletion from being noted.
func (x *removal) isGone(id string) {
	x.gone = append(x.gone, "the driver "+diagnosis.Printable(id))
	if !slices.ContainsFunc(x.deletions(), func(step integration.Step) bool { return step.Target == id }) {
		x.did(stepDriverDelete, id, "absent", "", x.now(), nil)
	}
}

func driverID(d ddoe.Driver) string { return d.ID }

// inUse names the drivers that use an integration, as far as the key's user may see them, and says what is gone.
func (x *removal) inUse(one ddoe.Integration, count int, drivers []ddoe.Driver) error {
	var names []string
	for _, driver := range drivers {
		names = append(names, fmt.Sprintf("%s (id %s, project %s)", diagnosis.Printable(driver.Name), diagnosis.Printable(driver.ID), diagnosis.Printable(driver.ProjectID)))
	}
	list := "the API key's user cannot see which"
	if len(names) > 0 {
		list = strings.Join(names, ", ")
	}
	return refuse(diagnosis.CodeDDOEIntegrationInUse, diagnosis.WithDetail("The integration %s is used by %d driver(s) that this service did not make: %s. %s",
		named(one.Name, one.ID), count, list, x.done()))
}

// done says what of ours is gone.
func (x *removal) done() string {
	if len(x.gone) == 0 {
		return "Nothing was removed."
	}
	return "Gone by now: " + strings.Join(x.gone, ", ") + "; nothing else was removed."
}

// stepIntegrationLeave is the step that leaves an integration to the person who has made it.
const stepIntegrationLeave = "ddoeIntegration-leave"

// leaveForm notes that what a person may have made by the form stays: it is theirs to remove.
func (r *run) leaveForm(context.Context) error {
	form := platformOf(r.current()).Form
	if form == nil {
		return nil
	}
	target := form.IntegrationName
	if form.OrganizationID != "" {
		target += " in the organisation " + form.OrganizationID
	}
	r.did(stepIntegrationLeave, target, "left", "", r.now(), nil)
	return nil
}

// leftOver says for people what a teardown has left.
func leftOver(steps []integration.Step) []string {
	var left []string
	for _, step := range steps {
		switch {
		case step.Outcome != "left":
		case step.Name == stepIntegrationLeave:
			left = append(left, "If a person has made the integration "+step.Target+" by the form, a person has to remove it on the platform, its drivers first.")
		default:
			left = append(left, "The driver "+step.Target+" is on another integration by now, and stays.")
		}
	}
	return left
}

// named is an object of the platform for people.
func named(name, id string) string {
	return diagnosis.Printable(name) + " (id " + diagnosis.Printable(id) + ")"
}
