package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// removePlatform removes what is ours on the platform: the driver, then the integration. While drivers of others use the
// integration it stops before it has touched anything. It costs nothing where nothing was begun.
func (r *run) removePlatform(ctx context.Context) error {
	d := r.current()
	if !platformBegun(d) {
		return nil
	}
	if r.Platform == nil {
		return refuse("ddoe-api-off")
	}
	organizationID := d.Status.DDOE.OrganizationID
	found, err := r.lookAtPlatform(ctx, organizationID, "")
	if err != nil && !ddoe.IsNotFound(err) { // without the organisation there is nothing left to remove
		return err
	}
	var drivers []string
	if d.Status.DDOE.DriverID != "" {
		drivers = append(drivers, d.Status.DDOE.DriverID)
	}
	for _, one := range found.ours {
		ours, err := r.driversOf(ctx, d, one)
		if err != nil {
			return err
		}
		drivers = append(drivers, ours...)
	}
	slices.Sort(drivers)
	for _, id := range slices.Compact(drivers) {
		if err := r.deleteDriver(ctx, id); err != nil {
			return err
		}
	}
	for _, one := range found.ours {
		if err := r.removeUnused(ctx, organizationID, one); err != nil {
			return err
		}
	}
	return r.learn(ctx, func(d *integration.Document) { d.Status.DDOE = nil })
}

// driversOf are the ids of our drivers on an integration; an error where others use it too.
func (r *run) driversOf(ctx context.Context, d integration.Document, one ddoe.Integration) ([]string, error) {
	count, err := r.countDrivers(ctx, one.ID)
	if err != nil || count == 0 {
		return nil, err
	}
	all, err := r.listDrivers(ctx, "", one.ID)
	if err != nil {
		return nil, err
	}
	var ours []string
	var others []ddoe.Driver
	for _, driver := range all {
		named := d.Spec.DDOE != nil && d.Spec.DDOE.Driver != nil && driver.Name == d.Spec.DDOE.Driver.Name && d.Status.DDOE.DriverID == ""
		if driver.ID == d.Status.DDOE.DriverID || named {
			ours = append(ours, driver.ID)
			continue
		}
		others = append(others, driver)
	}
	if count > len(ours) {
		return nil, inUse(one, count-len(ours), others)
	}
	return ours, nil
}

// removeUnused deletes an integration that no driver uses.
func (r *run) removeUnused(ctx context.Context, organizationID string, one ddoe.Integration) error {
	count, err := r.countDrivers(ctx, one.ID)
	if err != nil {
		return err
	}
	if count > 0 {
		return inUse(one, count, nil)
	}
	return r.deleteIntegration(ctx, organizationID, one.ID)
}

// inUse names the drivers that use an integration, as far as the key's user may see them.
func inUse(one ddoe.Integration, count int, drivers []ddoe.Driver) error {
	var names []string
	for _, driver := range drivers {
		names = append(names, fmt.Sprintf("%s (id %s, project %s)", diagnosis.Printable(driver.Name), diagnosis.Printable(driver.ID), diagnosis.Printable(driver.ProjectID)))
	}
	list := "the API key's user cannot see which"
	if len(names) > 0 {
		list = strings.Join(names, ", ")
	}
	return refuse("ddoe-integration-in-use", diagnosis.WithDetail("The integration %s is used by %d driver(s) that this service did not make: %s. Nothing was removed.",
		diagnosis.Printable(one.Name), count, list))
}
