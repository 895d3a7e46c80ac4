package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// removal is one attempt at removing what is ours on the platform.
type removal struct {
	*run
	organizationID string
	// driver is the one that the document knows; nil where there is none any more.
	driver *ddoe.Driver
	// left are the ids of drivers that a crash kept the document from knowing.
	left []ddoe.Driver
	// gone names what was ours and is not there any more, by this attempt or before it.
	gone []string
}

// removePlatform removes what is ours on the platform: the drivers, then the integration. While drivers of others use the
// integration it stops before it has touched anything. It costs nothing where nothing was begun.
func (r *run) removePlatform(ctx context.Context) error {
	d := r.current()
	if !platformBegun(d) {
		return nil
	}
	if r.Platform == nil {
		return refuse("ddoe-api-off")
	}
	x := &removal{run: r, organizationID: d.Status.DDOE.OrganizationID}
	var err error
	if x.driver, err = x.knownDriver(ctx); err != nil {
		return err
	}
	if x.driver == nil {
		if x.left, err = r.leftDrivers(ctx); err != nil {
			return err
		}
	}
	integrations, err := x.integrations(ctx)
	if err != nil {
		return err
	}
	drivers, err := x.drivers(ctx, integrations)
	if err != nil {
		return err
	}
	for _, one := range drivers {
		if err := r.deleteDriver(ctx, one.ID); err != nil {
			return err
		}
		x.gone = append(x.gone, "the driver "+named(one.Name, one.ID))
	}
	for _, one := range integrations {
		if err := x.removeUnused(ctx, one); err != nil {
			return err
		}
		x.gone = append(x.gone, "the integration "+named(one.Name, one.ID))
	}
	return r.learn(ctx, func(d *integration.Document) {
		old := d.Status.DDOE
		d.Status.DDOE = nil
		if old != nil && old.Form != nil { // a person may be at work with it
			d.Status.DDOE = &integration.DDOEStatus{Mode: modeManual, Form: old.Form, Since: old.Since}
		}
	})
}

// knownDriver reads the driver that the document knows; nil where it is gone or was never made.
func (x *removal) knownDriver(ctx context.Context) (*ddoe.Driver, error) {
	id := x.current().Status.DDOE.DriverID
	if id == "" {
		return nil, nil
	}
	driver, err := x.getDriver(ctx, id)
	switch {
	case ddoe.IsNotFound(err):
		x.gone = append(x.gone, "the driver "+diagnosis.Printable(id))
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &driver, nil
}

// integrations are ours, by the organisation's list, and by its id where the list does not show the one that the document
// knows: an organisation that the key's user has left answers 404 as one that is gone does.
func (x *removal) integrations(ctx context.Context) ([]ddoe.Integration, error) {
	found, err := x.lookAtPlatform(ctx, x.organizationID, "")
	hidden := ddoe.IsNotFound(err)
	if err != nil && !hidden {
		return nil, err
	}
	id := x.current().Status.DDOE.IntegrationID
	if id == "" || slices.ContainsFunc(found.ours, func(one ddoe.Integration) bool { return one.ID == id }) {
		return found.ours, nil
	}
	var known ddoe.Integration
	err = x.askPlatform(ctx, opPlatformIntegrationGet, func(ctx context.Context) error {
		var err error
		known, err = x.Platform.Client.GetIntegration(ctx, "", id)
		return err
	})
	switch {
	case ddoe.IsNotFound(err):
		return found.ours, nil
	case err != nil:
		return nil, err
	case hidden:
		return nil, refuse("ddoe-organization-hidden", diagnosis.WithDetail(
			"The platform knows no organisation %s, or does not show it to the API key's user, but the integration %s is still there. %s",
			diagnosis.Printable(x.organizationID), named(known.Name, known.ID), x.done()))
	}
	return append(found.ours, known), nil
}

// drivers are those of ours; an error where others use an integration too.
func (x *removal) drivers(ctx context.Context, integrations []ddoe.Integration) ([]ddoe.Driver, error) {
	var all []ddoe.Driver
	if x.driver != nil {
		all = append(all, *x.driver)
	}
	for _, one := range integrations {
		count, err := x.countDrivers(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		if count == 0 {
			continue
		}
		ours, others, err := x.users(ctx, one)
		switch {
		case err != nil:
			return nil, err
		case count > len(ours):
			return nil, x.inUse(one, count-len(ours), others)
		}
		all = remember(all, ours, driverID)
	}
	return all, nil
}

// users are the drivers that use an integration, as far as the key's user may see them: ours and those of others.
func (x *removal) users(ctx context.Context, one ddoe.Integration) ([]ddoe.Driver, []ddoe.Driver, error) {
	listed, err := x.listDrivers(ctx, "", one.ID)
	if err != nil {
		return nil, nil, err
	}
	var ours, others []ddoe.Driver
	for _, driver := range listed {
		if x.own(driver) {
			ours = append(ours, driver)
		} else {
			others = append(others, driver)
		}
	}
	if known := x.driver; known != nil && known.IntegrationID == one.ID {
		ours = remember(ours, []ddoe.Driver{*known}, driverID)
	}
	return ours, others, nil
}

func driverID(d ddoe.Driver) string { return d.ID }

// own reports whether a driver is ours.
func (x *removal) own(driver ddoe.Driver) bool {
	return x.driver != nil && driver.ID == x.driver.ID || slices.ContainsFunc(x.left, func(one ddoe.Driver) bool { return one.ID == driver.ID })
}

// removeUnused deletes an integration that no driver uses. Somebody may make a driver at any moment, also between the
// last count and the deletion, which the platform then refuses in words alone: the drivers are counted again.
func (x *removal) removeUnused(ctx context.Context, one ddoe.Integration) error {
	if err := x.unused(ctx, one); err != nil {
		return err
	}
	err := x.deleteIntegration(ctx, x.organizationID, one.ID)
	if !refusesUse(err) {
		return err
	}
	if used := x.unused(ctx, one); used != nil {
		return used
	}
	return err
}

// unused returns an error where drivers use the integration. Ours are deleted by now.
func (x *removal) unused(ctx context.Context, one ddoe.Integration) error {
	count, err := x.countDrivers(ctx, one.ID)
	if err != nil || count == 0 {
		return err
	}
	_, others, err := x.users(ctx, one)
	if err != nil {
		return err
	}
	return x.inUse(one, count, others)
}

// refusesUse reports whether a refusal to delete may mean that the integration is in use.
func refusesUse(err error) bool {
	var refused *ddoe.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.HTTPStatus() {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusFailedDependency:
		return true
	}
	return false
}

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
	return refuse("ddoe-integration-in-use", diagnosis.WithDetail("The integration %s is used by %d driver(s) that this service did not make: %s. %s",
		named(one.Name, one.ID), count, list, x.done()))
}

// done says what of ours is gone.
func (x *removal) done() string {
	if len(x.gone) == 0 {
		return "Nothing was removed."
	}
	return "Gone by now: " + strings.Join(x.gone, ", ") + "; nothing else was removed."
}

// named is an object of the platform for people.
func named(name, id string) string {
	return diagnosis.Printable(name) + " (id " + diagnosis.Printable(id) + ")"
}
