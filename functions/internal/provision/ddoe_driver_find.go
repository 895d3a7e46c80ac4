package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// findDriver finds our driver: by id, else by name, project and integration. Nil where there is none. What the platform
// leaves out is taken from what it was sent last.
func (r *run) findDriver(ctx context.Context, wanted ddoe.NewDriver) (*ddoe.Driver, error) {
	st := platformOf(r.current())
	if st.DriverID == "" {
		return r.unclaimedDriver(ctx, wanted)
	}
	is, err := r.getDriver(ctx, st.DriverID)
	switch {
	case ddoe.IsNotFound(err):
		if err := r.forgetDriver(ctx, st.DriverID); err != nil {
			return nil, err
		}
		return r.unclaimedDriver(ctx, wanted)
	case err != nil:
		return nil, err
	}
	is = overlaid(is, sentDriver(st))
	return &is, nil
}

func (r *run) getDriver(ctx context.Context, id string) (ddoe.Driver, error) {
	return ask(ctx, r, policy.DriverGet, func(ctx context.Context) (ddoe.Driver, error) { return r.client().GetDriver(ctx, id) })
}

// unclaimedDriver finds a driver that the document does not know by id: ours, where the document says that one of this name
// was sent and the key's user made it, as a crash may have kept its id from being saved. Another's is taken where it
// is about the same place already, as is one that was made by hand before the API could be used; otherwise it stays.
func (r *run) unclaimedDriver(ctx context.Context, wanted ddoe.NewDriver) (*ddoe.Driver, error) {
	ours, err := r.leftDrivers(ctx)
	if err != nil {
		return nil, err
	}
	if len(ours) > 0 { // known from now on, as it may be given another name
		return &ours[0], r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
			if st.DriverID == "" && st.OrganizationID != "" {
				st.DriverID, st.CreateSentAt = ours[0].ID, nil
			}
		})
	}
	all, err := r.namedDrivers(ctx, ddoe.Driver{Name: wanted.Name, ProjectID: wanted.ProjectID, IntegrationID: wanted.IntegrationID})
	if len(all) == 0 || err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(one ddoe.Driver) bool { return len(elsewhere(one, wanted)) == 0 }); i >= 0 {
		return &all[i], nil
	}
	return nil, refuse(diagnosis.CodeDDOEDriverForeign, diagnosis.WithDetail("The integration has a driver named %s (id %s) that this service did not make: %s.",
		diagnosis.Printable(all[0].Name), diagnosis.Printable(all[0].ID), inWords(elsewhere(all[0], wanted))))
}

// elsewhere are the members by which a driver is about another place than wanted, or may be.
func elsewhere(one ddoe.Driver, wanted ddoe.NewDriver) []comparison {
	return slices.DeleteFunc(compareDriver(one, wanted), func(c comparison) bool {
		return !c.open() || !slices.Contains([]string{memberType, memberContainer, memberPath}, c.member)
	})
}

// namedDrivers are the drivers of a name on an integration in a project: names are not unique.
func (r *run) namedDrivers(ctx context.Context, like ddoe.Driver) ([]ddoe.Driver, error) {
	listed, err := r.listDrivers(ctx, like.ProjectID, like.IntegrationID)
	return namesakes(listed, like), err
}

// namesakes are the drivers of a list that have the name, the integration and the project of another. The list's filters
// are trusted where an entry does not say its project or its integration.
func namesakes(listed []ddoe.Driver, like ddoe.Driver) []ddoe.Driver {
	var named []ddoe.Driver
	for _, one := range listed {
		one = overlaid(one, ddoe.Driver{ProjectID: like.ProjectID, IntegrationID: like.IntegrationID})
		if one.Name == like.Name && sameID(one.ProjectID, like.ProjectID) && one.IntegrationID == like.IntegrationID {
			named = append(named, one)
		}
	}
	return named
}

// createdBy reports whether the platform says that a user made a driver.
func createdBy(one ddoe.Driver, user ddoe.User) bool {
	return one.Creator != "" && (one.Creator == user.Email || one.Creator == user.ID)
}

func (r *run) listDrivers(ctx context.Context, projectID, integrationID string) ([]ddoe.Driver, error) {
	return ask(ctx, r, policy.DriverList, func(ctx context.Context) ([]ddoe.Driver, error) {
		return r.client().ListDrivers(ctx, projectID, integrationID)
	})
}

// leftDrivers are what creates have made whose answers were lost, as far as the list shows them by now: of the name that was
// sent last, about the place that was sent, by the key's user. One whose creator the platform does not show is taken for ours only
// while the document knows none by id, as a create is then in doubt; otherwise it may be anybody's.
func (r *run) leftDrivers(ctx context.Context) ([]ddoe.Driver, error) {
	st := platformOf(r.current())
	sent := sentDriver(st)
	if sent.Name == "" {
		return nil, nil
	}
	all, err := r.namedDrivers(ctx, sent)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	user, err := r.platformUser(ctx)
	var ours []ddoe.Driver
	for _, one := range all {
		unsaid := one.Creator == "" && st.DriverID == ""
		if (unsaid || createdBy(one, user)) && samePlace(one, sent) {
			ours = append(ours, overlaid(one, sent))
		}
	}
	return ours, err
}

func (r *run) countDrivers(ctx context.Context, integrationID string) (int, error) {
	return ask(ctx, r, policy.DriverCount, func(ctx context.Context) (int, error) { return r.client().CountDrivers(ctx, integrationID) })
}
