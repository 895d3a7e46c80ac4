package provision

import (
	"context"
	"errors"
	"net/http"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// platformDriver makes the driver that the spec asks for and has the platform test it, before and after.
func (r *run) platformDriver(ctx context.Context, integrationID string) error {
	if r.current().Spec.DDOE.Driver == nil {
		return r.dropDriver(ctx)
	}
	wanted, err := r.wantedDriver(ctx, integrationID)
	if err != nil {
		return err
	}
	is, err := r.findDriver(ctx, wanted)
	if err != nil {
		return err
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

// bringDriver makes or changes the driver where it is not as wanted, and returns its id. Whatever is to be sent is tested
// first, so that nothing is given up for what would not work.
func (r *run) bringDriver(ctx context.Context, is *ddoe.Driver, wanted ddoe.NewDriver) (string, error) {
	remake := is != nil && isAnother(*is, wanted)
	if is != nil && !remake && !needsChange(*is, wanted) {
		r.did("ddoeDriver", wanted.Name, "unchanged", "", r.now(), nil)
		return r.claimDriver(ctx, is.ID, wanted, false)
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
	var has ddoe.Driver
	switch {
	case remake:
		has, err = r.remakeDriver(ctx, is.ID, wanted)
	case is == nil:
		has, err = r.makeDriver(ctx, wanted)
	default:
		has = *is
	}
	if err != nil {
		return "", err
	}
	return r.changeDriver(ctx, has, wanted)
}

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
	return ask(ctx, r, opPlatformUser, r.Platform.Client.Me)
}

// testDriver has the platform test the storage. Where the federation is fresh, a failure is a matter of time; where it is
// not, somebody may have changed the options: they are sent again, once.
func (r *run) testDriver(ctx context.Context, integrationID string, request func(ctx context.Context) error) error {
	if !r.platform.sent {
		err := request(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if r.mayBeOptions(err) {
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

// mayBeOptions reports whether a failed test may be due to the options. A fault of the platform may be its way to say so,
// once it has outlasted a pause.
func (r *run) mayBeOptions(err error) bool {
	var refused *ddoe.Error
	if !errors.As(err, &refused) {
		return false
	}
	return storageRefused(refused) || roleRefused(refused) || refused.HTTPStatus() >= http.StatusInternalServerError && r.cmd.Attempt > 0
}

// makeDriver creates the driver, and says so in the document before: what a crash leaves behind is known for ours. After
// an answer that cannot be believed the list is asked whether there is one.
func (r *run) makeDriver(ctx context.Context, wanted ddoe.NewDriver) (ddoe.Driver, error) {
	if err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.Driver = sending(wanted) }); err != nil {
		return ddoe.Driver{}, err
	}
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
		found, lookErr := r.unclaimedDriver(ctx, wanted)
		switch {
		case lookErr != nil:
			err = lookErr
		case found != nil:
			made, err, outcome = *found, nil, "adopted"
		}
	}
	r.did("ddoeDriver", wanted.Name, outcome, request, began, err)
	if err != nil {
		return ddoe.Driver{}, err
	}
	id, err := r.claimDriver(ctx, made.ID, wanted, outcome == "created")
	if id != made.ID { // another attempt's, which was sent the same
		made = ddoe.Driver{ID: id}
	}
	return overlaid(made, sentDriver(*r.current().Status.DDOE)), err
}

// claimDriver makes the driver the document's, with what it was sent; see claimIntegration.
func (r *run) claimDriver(ctx context.Context, id string, wanted ddoe.NewDriver, own bool) (string, error) {
	sent := sending(wanted)
	if st := r.current().Status.DDOE; st.DriverID == id && st.Driver != nil && *st.Driver == *sent {
		return id, nil
	}
	err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.DriverID == "" || st.DriverID == id {
			st.DriverID, st.Driver = id, sent
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

// dropDriver removes the driver that the spec does not ask for any more.
func (r *run) dropDriver(ctx context.Context) error {
	st := r.current().Status.DDOE
	ids := []string{st.DriverID}
	if st.DriverID == "" {
		left, err := r.leftDrivers(ctx)
		if err != nil {
			return err
		}
		ids = nil
		for _, one := range left {
			ids = append(ids, one.ID)
		}
	}
	for _, id := range ids {
		if err := r.deleteDriver(ctx, id); err != nil {
			return err
		}
	}
	if st.DriverID == "" && st.Driver == nil {
		return nil
	}
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.DriverID, st.Driver = "", nil })
}

// forgetDriver takes back the id of a driver that is gone.
func (r *run) forgetDriver(ctx context.Context, id string) error {
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.DriverID == id {
			st.DriverID = ""
		}
	})
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
