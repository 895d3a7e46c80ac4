package provision

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// isAnother reports whether the spec asks for a driver that this one cannot become: type and project cannot be changed.
func isAnother(is ddoe.Driver, wanted ddoe.NewDriver) bool {
	return anyOf(driverDifferences(is, wanted), memberType, memberProject)
}

// needsChange reports whether a driver is not known to be as wanted, in what can be changed.
func needsChange(is ddoe.Driver, wanted ddoe.NewDriver) bool { return len(openMembers(is, wanted)) > 0 }

// openMembers are the members that can be changed and are not known to be as wanted.
func openMembers(is ddoe.Driver, wanted ddoe.NewDriver) []comparison {
	return slices.DeleteFunc(compareDriver(is, wanted), func(c comparison) bool {
		return c.member == memberType || c.member == memberProject || !c.open()
	})
}

// changeDriver brings a driver to what it is to be: in place, or as a new one where the platform keeps it on an
// integration that is gone. What the platform keeps otherwise is for a person.
func (r *run) changeDriver(ctx context.Context, is ddoe.Driver, wanted ddoe.NewDriver) (string, error) {
	var err error
	if anyOf(openMembers(is, wanted), memberIntegration, memberIntegrationType) {
		if is, err = r.moveDriver(ctx, is, wanted); err != nil {
			return "", err
		}
	}
	open := openMembers(is, wanted)
	if patch, any := patchOf(open, wanted); any {
		if is, err = r.patchInDoubt(ctx, is.ID, wanted, patch, open); err != nil {
			return "", err
		}
	}
	if left := driverDifferences(is, wanted); len(left) > 0 {
		return "", unchangedDriver(is, left)
	}
	return r.claimDriver(ctx, is.ID, wanted, false)
}

// patchOf is the patch that settles the open members, the integration aside: what need not change is not sent, as a
// platform that refuses one member refuses them all. False where there is nothing to send.
func patchOf(open []comparison, wanted ddoe.NewDriver) (ddoe.DriverPatch, bool) {
	var patch ddoe.DriverPatch
	for _, c := range open {
		switch c.member {
		case memberName:
			patch.Name = wanted.Name
		case memberContainer:
			patch.ContainerName = &wanted.ContainerName
		case memberPath:
			patch.Path = &wanted.Path
		case memberExternalDelete:
			patch.AllowExternalDelete = &wanted.AllowExternalDelete
		}
	}
	return patch, patch != ddoe.DriverPatch{}
}

// patchInDoubt changes a driver. What the document remembers of the members that are sent is taken back before, as a crash
// may keep it from learning which of the two values they have then.
func (r *run) patchInDoubt(ctx context.Context, id string, wanted ddoe.NewDriver, patch ddoe.DriverPatch, sent []comparison) (ddoe.Driver, error) {
	before := platformOf(r.current()).Driver
	known := before != nil && platformOf(r.current()).DriverID == id
	if known {
		if err := r.learnPlatform(ctx, func(st *integration.DDOEStatus) { st.Driver = inDoubt(*before, sent) }); err != nil {
			return ddoe.Driver{}, err
		}
	}
	shown, err := r.patchDriver(ctx, id, wanted, patch)
	if known && refusedOutright(err) {
		return shown, worst(err, r.notSent(ctx, id, before))
	}
	return shown, err
}

// refusedOutright reports whether a change was not made, for certain.
func refusedOutright(err error) bool { return policy.IsRefusal(err) && policy.IsFinal(err) }

// patchDriver changes a driver and returns what the platform then shows of it: in its answer, or where that leaves
// something open, when it is asked.
func (r *run) patchDriver(ctx context.Context, id string, wanted ddoe.NewDriver, patch ddoe.DriverPatch) (ddoe.Driver, error) {
	var request string
	began := r.now()
	shown, err := ask(ctx, r, policy.DriverUpdate, func(ctx context.Context) (ddoe.Driver, error) {
		var shown ddoe.Driver
		var err error
		shown, request, err = r.client().UpdateDriver(ctx, id, patch)
		return shown, err
	})
	r.did("ddoeDriver", wanted.Name, "updated", request, began, err)
	if err != nil || !needsChange(shown, wanted) {
		return shown, err
	}
	fresh, err := r.getDriver(ctx, id)
	return overlaid(fresh, shown), err
}

// moveDriver puts a driver on our integration. Alone, because the platform may reserve this to its own staff: by a
// refusal, or by keeping the integration that the driver has. If that is one where we had put it, which has been
// replaced since, the driver is of no use any more and is made anew; a person who has moved it had a reason.
func (r *run) moveDriver(ctx context.Context, is ddoe.Driver, wanted ddoe.NewDriver) (ddoe.Driver, error) {
	shown, refusal := r.patchDriver(ctx, is.ID, wanted, ddoe.DriverPatch{IntegrationID: wanted.IntegrationID, IntegrationType: wanted.IntegrationType})
	if refusal != nil && !keepsIntegration(refusal) {
		return is, refusal
	}
	kept := is.IntegrationID
	if refusal == nil {
		there, err := r.isOnIntegration(ctx, is.ID, shown, wanted)
		if err != nil {
			return is, err
		}
		is.IntegrationID, is.IntegrationType = "", ""
		if there {
			is.IntegrationID, is.IntegrationType = wanted.IntegrationID, wanted.IntegrationType
			return overlaid(shown, is), nil
		}
		kept = shown.IntegrationID
	}
	if sent := sentDriver(platformOf(r.current())).IntegrationID; sent != "" && sent != wanted.IntegrationID && (kept == "" || kept == sent) {
		return r.remakeDriver(ctx, is, wanted)
	}
	unchanged := unchangedDriver(is, []comparison{{memberIntegration, wanted.IntegrationID, said(kept)}})
	var refused *ddoe.Error
	if errors.As(refusal, &refused) {
		unchanged.Diagnosis, unchanged.Err = quoting(unchanged.Diagnosis, refused), refused
	}
	return is, unchanged
}

// isOnIntegration reports whether a driver is on the integration. Where the driver does not say, the list of the
// integration's drivers does.
func (r *run) isOnIntegration(ctx context.Context, id string, shown ddoe.Driver, wanted ddoe.NewDriver) (bool, error) {
	if shown.IntegrationID != "" {
		return shown.IntegrationID == wanted.IntegrationID, nil
	}
	all, err := r.listDrivers(ctx, wanted.ProjectID, wanted.IntegrationID)
	return slices.ContainsFunc(all, func(one ddoe.Driver) bool { return one.ID == id }), err
}

// keepsIntegration reports whether a refused change of the integration may mean that nobody may change it.
func keepsIntegration(err error) bool {
	return answeredWith(err, http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity)
}

// remakeDriver gives a driver up and makes another. The old one goes first, so that a crash leaves no second one behind;
// what is to come has been tested.
func (r *run) remakeDriver(ctx context.Context, is ddoe.Driver, wanted ddoe.NewDriver) (ddoe.Driver, error) {
	if err := r.giveUpDriver(ctx, is); err != nil {
		return ddoe.Driver{}, err
	}
	if err := r.forgetDriver(ctx, is.ID); err != nil {
		return ddoe.Driver{}, err
	}
	return r.makeDriver(ctx, wanted)
}

// unchangedDriver says what the platform keeps as it is.
func unchangedDriver(is ddoe.Driver, left []comparison) *diagnosis.Error {
	return refuse(diagnosis.CodeDDOEDriverUnchanged, diagnosis.WithDetail("The platform was asked to change the driver %s (id %s) and did not: %s.",
		diagnosis.Printable(is.Name), diagnosis.Printable(is.ID), inWords(left)))
}
