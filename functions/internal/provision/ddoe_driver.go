package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
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
	return r.testDriver(ctx, policy.DriverTest, integrationID, func(ctx context.Context) error {
		_, err := r.client().TestDriver(ctx, id)
		return err
	})
}

// bringDriver makes or changes the driver where it is not as wanted, and returns its id. Whatever is to be sent is tested
// first, so that nothing is given up for what would not work.
func (r *run) bringDriver(ctx context.Context, is *ddoe.Driver, wanted ddoe.NewDriver) (string, error) {
	remake := is != nil && isAnother(*is, wanted)
	if is == nil {
		if err := r.createSettled(); err != nil {
			return "", err
		}
	}
	if is != nil && !remake && !needsChange(*is, wanted) {
		r.did("ddoeDriver", wanted.Name, "unchanged", "", r.now(), nil)
		return r.claimDriver(ctx, is.ID, wanted, false)
	}
	user, err := r.platformUser(ctx)
	if err != nil {
		return "", err
	}
	wanted.Creator = user.Email
	err = r.testDriver(ctx, policy.PayloadTest, wanted.IntegrationID, func(ctx context.Context) error {
		_, err := r.client().TestPayload(ctx, wanted)
		return err
	})
	if err != nil {
		return "", err
	}
	var has ddoe.Driver
	switch {
	case remake:
		has, err = r.remakeDriver(ctx, *is, wanted)
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
	err := r.try(ctx, policy.AccountGet, words, func(ctx context.Context) error {
		var err error
		account, err = r.ARM.GetStorageAccount(ctx, d.Spec.Storage[0].ResourceID)
		return err
	})
	return account, err
}

func (r *run) platformUser(ctx context.Context) (ddoe.User, error) {
	return ask(ctx, r, policy.PlatformUserGet, r.client().Me)
}

// testDriver has the platform test the storage. Where the federation is fresh, a failure is a matter of time; where it is
// not, somebody may have changed the options: they are sent again, once. A test may take its time: what was made shows before.
func (r *run) testDriver(ctx context.Context, operation policy.Operation, integrationID string, request func(ctx context.Context) error) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	if !r.platform.sent {
		err := request(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if r.mayBeOptions(ctx, operation, err) {
			if err := r.resend(ctx, integrationID); err != nil {
				return err
			}
		}
	}
	began := r.now()
	err := r.askPlatform(ctx, operation, request)
	if err != nil {
		r.did("ddoeDriver-test", r.current().Spec.DDOE.Driver.Name, "", "", began, err)
	}
	return err
}

// testBeforeMove has the platform test the driver that a move to another organisation gives up: where the storage cannot be
// reached, nothing is given up. It says nothing where the options or the place are others from now on, as what the
// platform has is then not what is going to be made.
func (r *run) testBeforeMove(ctx context.Context) error {
	d := r.current()
	st := platformOf(d)
	if st.DriverID == "" || d.Spec.DDOE.Driver == nil {
		return nil
	}
	_, hash, err := r.platform.offer.values(d)
	if err != nil {
		return err
	}
	wanted, err := r.wantedDriver(ctx, st.IntegrationID)
	if err != nil || hash != st.OptionsHash || len(elsewhere(sentDriver(st), wanted)) > 0 {
		return err
	}
	began := r.now()
	err = r.askPlatform(ctx, policy.DriverTest, func(ctx context.Context) error {
		_, err := r.client().TestDriver(ctx, st.DriverID)
		return err
	})
	if err == nil || ddoe.IsNotFound(err) {
		return nil
	}
	r.did("ddoeDriver-test", d.Spec.DDOE.Driver.Name, "", "", began, err)
	var known *diagnosis.Error
	if policy.IsFinal(err) && errors.As(err, &known) {
		known.Diagnosis.Detail += " This is the driver in the organisation that the spec does not name any more; nothing of it was removed. " +
			"To give it up all the same, PUT the spec without ddoe first."
	}
	return err
}

// mayBeOptions reports whether a failed test may be due to the options. A fault of the platform may be its way to say so,
// once nothing that it depends on is new.
func (r *run) mayBeOptions(ctx context.Context, op policy.Operation, err error) bool {
	var refused *ddoe.Error
	if !errors.As(err, &refused) {
		return false
	}
	return meaningOf(op, refused) == diagnosis.CodeDDOEDriverTestFailed || roleRefused(refused) || refused.HTTPStatus() >= http.StatusInternalServerError && r.settledFor(r.attempt, operation.FirstParking)
}

// makeDriver creates the driver, and says so in the document before: what a crash leaves behind is known for ours. After
// an answer that cannot be believed the list is asked whether there is one, now and in later attempts.
func (r *run) makeDriver(ctx context.Context, wanted ddoe.NewDriver) (ddoe.Driver, error) {
	before := platformOf(r.current()).Driver
	if err := r.noteCreate(ctx, func(st *integration.DDOEStatus) { st.Driver = sending(wanted) }); err != nil {
		return ddoe.Driver{}, err
	}
	var request string
	began := r.now()
	outcome := "created"
	made, answer := ask(ctx, r, policy.DriverCreate, func(ctx context.Context) (ddoe.Driver, error) {
		var made ddoe.Driver
		var err error
		made, request, err = r.client().CreateDriver(ctx, wanted)
		return made, err
	})
	err := answer
	if isToFind(answer) && ctx.Err() == nil {
		found, lookErr := r.unclaimedDriver(ctx, wanted)
		switch {
		case lookErr != nil:
			err = lookErr
		case found != nil:
			made, err, outcome = *found, nil, "adopted"
		}
	}
	r.did("ddoeDriver", wanted.Name, outcome, request, began, err)
	if createRefused(answer, err) {
		return ddoe.Driver{}, worst(err, r.notSent(ctx, "", before))
	}
	if err != nil {
		return ddoe.Driver{}, err
	}
	id, err := r.claimDriver(ctx, made.ID, wanted, outcome == "created")
	if id != made.ID { // another attempt's, which was sent the same
		made = ddoe.Driver{ID: id}
	}
	return overlaid(made, sentDriver(platformOf(r.current()))), err
}

// claimDriver makes the driver the document's, with what it was sent; see claimIntegration. A driver on an integration that
// is not the document's any more is not claimed: it was torn down meanwhile. Nor does an operation that has been superseded
// claim one that the document does not remember having been sent: it was dropped meanwhile.
func (r *run) claimDriver(ctx context.Context, id string, wanted ddoe.NewDriver, own bool) (string, error) {
	st := platformOf(r.current())
	if st.DriverID == id && !slices.ContainsFunc(compareDriver(sentDriver(st), wanted), comparison.open) {
		return id, nil
	}
	err := r.learn(ctx, func(d *integration.Document) {
		last := d.Status.LastOperationID == r.cmd.OperationID
		changeDDOE(d, func(st *integration.DDOEStatus) {
			if st.IntegrationID == wanted.IntegrationID && (st.DriverID == id || st.DriverID == "" && (last || st.Driver != nil)) {
				st.DriverID, st.Driver, st.CreateSentAt = id, sending(wanted), nil
			}
		})
	})
	winner := platformOf(r.current()).DriverID
	if winner != id && own {
		if err := r.deleteDriver(ctx, id); err != nil {
			return "", err
		}
	}
	return winner, err
}

// notSent takes back what the document remembers of the driver of an id, or of one that was to be made, which the platform
// has refused to change or to make.
func (r *run) notSent(ctx context.Context, id string, before *integration.DDOEDriver) error {
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.DriverID == id {
			st.Driver, st.CreateSentAt = before, nil
		}
	})
}
