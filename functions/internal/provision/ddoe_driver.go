package provision

import (
	"context"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// platformDriver makes the driver that the spec asks for and has the platform test it, before and after.
func (r *run) platformDriver(ctx context.Context, integrationID string) error {
	d := r.current()
	if d.Spec.DDOE.Driver == nil {
		return r.dropDriver(ctx)
	}
	is, err := r.findDriver(ctx, integrationID)
	if err != nil {
		return err
	}
	wanted, err := r.wantedDriver(ctx, integrationID)
	if err != nil {
		return err
	}
	if is != nil && (is.Type != wanted.Type || is.ProjectID != "" && is.ProjectID != wanted.ProjectID) {
		// Neither can be changed. The old one goes first, so that a crash leaves no second one behind.
		if err := r.deleteDriver(ctx, is.ID); err != nil {
			return err
		}
		is = nil
	}
	id, err := r.bringDriver(ctx, is, wanted)
	if err != nil {
		return err
	}
	return r.testDriver(ctx, integrationID, func(ctx context.Context) error {
		_, err := r.Platform.Client.TestDriver(ctx, id)
		return err
	})
}

// bringDriver makes or changes the driver where it is not as wanted, and returns its id.
func (r *run) bringDriver(ctx context.Context, is *ddoe.Driver, wanted ddoe.NewDriver) (string, error) {
	if is != nil && sameDriver(*is, wanted) {
		r.did("ddoeDriver", wanted.Name, "unchanged", "", r.now(), nil)
		return r.claimDriver(ctx, is.ID, false)
	}
	user, err := r.platformUser(ctx)
	if err != nil {
		return "", err
	}
	wanted.Creator = user.Email
	err = r.testDriver(ctx, wanted.IntegrationID, func(ctx context.Context) error {
		_, err := r.Platform.Client.TestPayload(ctx, wanted)
		return err
	})
	if err != nil {
		return "", err
	}
	if is == nil {
		return r.makeDriver(ctx, wanted)
	}
	return r.changeDriver(ctx, *is, wanted)
}

// sameDriver reports whether a driver is as wanted, as far as the platform shows it.
func sameDriver(is ddoe.Driver, wanted ddoe.NewDriver) bool {
	return is.Name == wanted.Name && is.IntegrationID == wanted.IntegrationID && is.IntegrationType == wanted.IntegrationType &&
		same(is.ContainerName, wanted.ContainerName) && same(is.Path, wanted.Path) && same(is.AllowExternalDelete, wanted.AllowExternalDelete)
}

func same[T comparable](is *T, wanted T) bool { return is == nil || *is == wanted }

// wantedDriver is the driver that the spec asks for, its creator aside.
func (r *run) wantedDriver(ctx context.Context, integrationID string) (ddoe.NewDriver, error) {
	d := r.current()
	account, err := r.account(ctx, d)
	if err != nil {
		return ddoe.NewDriver{}, err
	}
	return driverOf(d, account, integrationID, r.platform.offer.kind), nil
}

func driverOf(d integration.Document, account arm.StorageAccount, integrationID, kind string) ddoe.NewDriver {
	driver := d.Spec.DDOE.Driver
	wanted := ddoe.NewDriver{Name: driver.Name, Type: ddoe.DriverBlob, ProjectID: driver.ProjectID, OrganizationID: d.Spec.DDOE.OrganizationID,
		IntegrationID: integrationID, IntegrationType: kind, ContainerName: d.Spec.Storage[0].Container, Path: driver.Path,
		AllowExternalDelete: driver.AllowExternalDelete}
	if account.HierarchicalNamespace {
		wanted.Type = ddoe.DriverDatalake
	}
	return wanted
}

// account reads the storage account, whose kind decides the driver's type.
func (r *run) account(ctx context.Context, d integration.Document) (arm.StorageAccount, error) {
	var account arm.StorageAccount
	words := wordsOf(d)
	words.AccountID = d.Spec.Storage[0].ResourceID
	words.Account = lastSegment(words.AccountID)
	err := r.try(ctx, opAccountGet, words, func(ctx context.Context) error {
		var err error
		account, err = r.ARM.GetStorageAccount(ctx, d.Spec.Storage[0].ResourceID)
		return err
	})
	return account, err
}

// opAccountGet reads a storage account.
const opAccountGet = "account.get"

func (r *run) platformUser(ctx context.Context) (ddoe.User, error) {
	var user ddoe.User
	err := r.askPlatform(ctx, opPlatformUser, func(ctx context.Context) error {
		var err error
		user, err = r.Platform.Client.Me(ctx)
		return err
	})
	return user, err
}

// findDriver finds our driver: by id, else by name and integration, as names are not unique. Nil where there is none.
func (r *run) findDriver(ctx context.Context, integrationID string) (*ddoe.Driver, error) {
	d := r.current()
	if id := d.Status.DDOE.DriverID; id != "" {
		var driver ddoe.Driver
		err := r.askPlatform(ctx, opDriverGet, func(ctx context.Context) error {
			var err error
			driver, err = r.Platform.Client.GetDriver(ctx, id)
			return err
		})
		if err == nil {
			return &driver, nil
		}
		if !ddoe.IsNotFound(err) {
			return nil, err
		}
	}
	all, err := r.listDrivers(ctx, d.Spec.DDOE.Driver.ProjectID, integrationID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(one ddoe.Driver) bool {
		return one.Name == d.Spec.DDOE.Driver.Name && one.IntegrationID == integrationID
	})
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

func (r *run) listDrivers(ctx context.Context, projectID, integrationID string) ([]ddoe.Driver, error) {
	var all []ddoe.Driver
	err := r.askPlatform(ctx, opDriverList, func(ctx context.Context) error {
		var err error
		all, err = r.Platform.Client.ListDrivers(ctx, projectID, integrationID)
		return err
	})
	return all, err
}

func (r *run) countDrivers(ctx context.Context, integrationID string) (int, error) {
	var n int
	err := r.askPlatform(ctx, opDriverCount, func(ctx context.Context) error {
		var err error
		n, err = r.Platform.Client.CountDrivers(ctx, integrationID)
		return err
	})
	return n, err
}

// testDriver has the platform test the storage. Where the federation is fresh, a failure is a matter of time; where it is
// not, somebody may have changed the options: they are sent again, once.
func (r *run) testDriver(ctx context.Context, integrationID string, request func(ctx context.Context) error) error {
	if !r.platform.sent {
		err := request(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if storageRefused(err) {
			if err := r.resend(ctx, integrationID); err != nil {
				return err
			}
		}
	}
	began := r.now()
	err := r.askPlatform(ctx, opDriverTest, request)
	if err != nil {
		r.did("ddoeDriver-test", r.current().Spec.DDOE.Driver.Name, "", "", began, err)
	}
	return err
}

// makeDriver creates the driver. After an answer that cannot be believed the list is asked whether there is one.
func (r *run) makeDriver(ctx context.Context, wanted ddoe.NewDriver) (string, error) {
	var made ddoe.Driver
	var request string
	began := r.now()
	outcome := "created"
	err := r.askPlatform(ctx, opDriverCreate, func(ctx context.Context) error {
		var err error
		made, request, err = r.Platform.Client.CreateDriver(ctx, wanted)
		return err
	})
	if uncertain(err) && ctx.Err() == nil {
		found, lookErr := r.findDriver(ctx, wanted.IntegrationID)
		switch {
		case lookErr != nil:
			err = lookErr
		case found != nil:
			made, err, outcome = *found, nil, "adopted"
		}
	}
	r.did("ddoeDriver", wanted.Name, outcome, request, began, err)
	if err != nil {
		return "", err
	}
	return r.claimDriver(ctx, made.ID, outcome == "created")
}

// claimDriver makes the driver the document's; see claimIntegration.
func (r *run) claimDriver(ctx context.Context, id string, own bool) (string, error) {
	before := r.current().Status.DDOE.DriverID
	if before == id {
		return id, nil
	}
	err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.DriverID == "" || st.DriverID == before {
			st.DriverID = id
		}
	})
	winner := r.current().Status.DDOE.DriverID
	if winner != id && winner != "" && own {
		if err := r.deleteDriver(ctx, id); err != nil {
			return "", err
		}
	}
	return winner, err
}

// changeDriver changes the driver in place. Where the platform keeps the old integration, which it may reserve to its own
// staff, the driver is made anew.
func (r *run) changeDriver(ctx context.Context, is ddoe.Driver, wanted ddoe.NewDriver) (string, error) {
	var changed ddoe.Driver
	var request string
	began := r.now()
	err := r.askPlatform(ctx, opDriverUpdate, func(ctx context.Context) error {
		var err error
		changed, request, err = r.Platform.Client.UpdateDriver(ctx, is.ID, wanted)
		return err
	})
	if err == nil && changed.IntegrationID != wanted.IntegrationID {
		if err := r.deleteDriver(ctx, is.ID); err != nil {
			return "", err
		}
		return r.makeDriver(ctx, wanted)
	}
	r.did("ddoeDriver", wanted.Name, "updated", request, began, err)
	if err != nil {
		return "", err
	}
	return r.claimDriver(ctx, is.ID, false)
}

// dropDriver removes the driver that the spec does not ask for any more.
func (r *run) dropDriver(ctx context.Context) error {
	id := r.current().Status.DDOE.DriverID
	if id == "" {
		return nil
	}
	if err := r.deleteDriver(ctx, id); err != nil {
		return err
	}
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.DriverID = "" })
}

func (r *run) deleteDriver(ctx context.Context, id string) error {
	var removed bool
	var request string
	began := r.now()
	err := r.askPlatform(ctx, opDriverDelete, func(ctx context.Context) error {
		var err error
		removed, request, err = r.Platform.Client.DeleteDriver(ctx, id)
		return err
	})
	r.did("ddoeDriver-delete", id, deletion(removed), request, began, err)
	return err
}
