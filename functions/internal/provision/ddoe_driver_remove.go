package provision

import (
	"context"
	"slices"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// dropDriver removes the driver that the spec does not ask for any more.
func (r *run) dropDriver(ctx context.Context) error {
	st := platformOf(r.current())
	ours, err := r.leftDrivers(ctx)
	if err != nil {
		return err
	}
	if st.DriverID != "" {
		known, err := r.getDriver(ctx, st.DriverID)
		if err != nil && !ddoe.IsNotFound(err) {
			return err
		}
		known.ID = st.DriverID
		ours = remember([]ddoe.Driver{known}, ours, driverID)
	}
	if len(ours) == 0 {
		if err := r.createSettled(); err != nil {
			return err
		}
	}
	for _, one := range ours {
		if err := r.giveUpDriver(ctx, one); err != nil {
			return err
		}
	}
	if st.DriverID == "" && st.Driver == nil {
		return nil
	}
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.DriverID, st.Driver, st.CreateSentAt = "", nil, nil })
}

// stepDriverDelete is the step that removes a driver.
const stepDriverDelete = "ddoeDriver-delete"

// giveUpDriver deletes a driver of ours. One that a person has put on another integration is theirs: it stays.
func (r *run) giveUpDriver(ctx context.Context, is ddoe.Driver) error {
	if movedAway(is, platformOf(r.current())) {
		r.leave(is)
		return nil
	}
	return r.deleteDriver(ctx, is.ID)
}

// leave notes that a driver stays.
func (r *run) leave(is ddoe.Driver) { r.did(stepDriverDelete, is.ID, "left", "", r.now(), nil) }

// forgetDriver takes back what the document knows of a driver that is gone.
func (r *run) forgetDriver(ctx context.Context, id string) error {
	return r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
		if st.DriverID == id {
			st.DriverID, st.Driver = "", nil
		}
	})
}

func (r *run) deleteDriver(ctx context.Context, id string) error {
	var request string
	began := r.now()
	removed, err := ask(ctx, r, policy.DriverDelete, func(ctx context.Context) (bool, error) {
		var removed bool
		var err error
		removed, request, err = r.client().DeleteDriver(ctx, id)
		return removed, err
	})
	r.did(stepDriverDelete, id, deletion(removed), request, began, err)
	return err
}

// movedAway reports whether a person has put a driver of ours on another integration than ours, or than the one where we
// had put it.
func movedAway(is ddoe.Driver, st integration.DDOEStatus) bool {
	return !slices.Contains([]string{"", st.IntegrationID, sentDriver(st).IntegrationID}, is.IntegrationID)
}
