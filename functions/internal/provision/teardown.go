package provision

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/graph"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// purgePatience is how long an object may take to arrive in the recycle bin.
const purgePatience = 30 * time.Second

// teardown removes what we made: the platform's side first, so that no driver is left without its storage; then in three
// hops credentials (so that no new token is issued) beside role assignments
// (while their principal can still be named); the application, which takes its service principal along; the recycle
// bin, where asked for. It can be resumed at any point. Tokens that were issued before live on for about an hour.
func (s *Service) teardown(ctx context.Context, cmd message.Command) error {
	a, err := s.begin(ctx, cmd)
	if err != nil {
		return err
	}
	r := &run{Service: s, cmd: cmd, document: a.Document}
	hops := []func(context.Context) error{r.locate, r.removePlatform, r.leaveForm, r.revoke, r.removeApplication}
	if cmd.Purge {
		hops = append(hops, r.purge)
	}
	for _, hop := range hops {
		err := hop(ctx)
		if err := errors.Join(err, r.flush(ctx)); err != nil {
			return err
		}
	}
	return r.bury(ctx)
}

// locate learns the ids that a crash kept from being saved. It costs nothing where they are known.
func (r *run) locate(ctx context.Context) error {
	d := r.current()
	if d.Status.ObjectID == "" {
		if d.Status.UniqueName == "" {
			return nil // nothing was ever begun
		}
		app, err := r.Graph.GetApplicationByUniqueName(ctx, d.Status.UniqueName)
		switch {
		case graph.IsNotFound(err), err == nil && !owned(app, d.ID):
			return nil
		case err != nil:
			return r.mustTry(ctx, opApplicationGet, err)
		}
		d.Status.ObjectID, d.Status.ClientID = app.ID, app.AppID
	}
	if d.Status.ServicePrincipalID == "" && d.Status.ClientID != "" {
		principal, err := r.Graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
		if err != nil && !graph.IsNotFound(err) {
			return r.mustTry(ctx, opPrincipalGet, err)
		}
		d.Status.ServicePrincipalID = principal.ID
	}
	if known := r.current().Status; known.ObjectID == d.Status.ObjectID && known.ServicePrincipalID == d.Status.ServicePrincipalID {
		return nil
	}
	return r.learn(ctx, func(stored *integration.Document) {
		stored.Status.ObjectID, stored.Status.ClientID, stored.Status.ServicePrincipalID = d.Status.ObjectID, d.Status.ClientID, d.Status.ServicePrincipalID
	})
}

// revoke is the first hop.
func (r *run) revoke(ctx context.Context) error {
	return together(
		func() error { return r.revokeCredentials(ctx) },
		func() error { return r.revokeAssignments(ctx) },
	)
}

func (r *run) revokeCredentials(ctx context.Context) error {
	d := r.current()
	if d.Status.ObjectID == "" {
		return nil
	}
	known := remember(d.Status.FederatedCredentials, integration.WantedCredentials(d), func(f integration.FederatedCredential) string { return f.Name })
	var errs []error
	for _, f := range known {
		errs = append(errs, r.deleteCredential(ctx, d.Status.ObjectID, f.Name))
	}
	return worst(errs...)
}

// revokeAssignments deletes the assignments that the status knows, and those that are found under names of ours: a
// crash may have come between an assignment and its record.
func (r *run) revokeAssignments(ctx context.Context) error {
	d := r.current()
	doomed := slices.DeleteFunc(slices.Clone(d.Status.RoleAssignments), func(a integration.RoleAssignment) bool { return a.Adopted })
	if d.Status.ServicePrincipalID != "" {
		found, err := r.strays(ctx, d)
		if err != nil {
			return err
		}
		doomed = remember(doomed, found, func(a integration.RoleAssignment) string { return strings.ToLower(a.ID) })
	}
	parts := make([]func() error, len(doomed))
	for i, a := range doomed {
		parts[i] = func() error { return r.unassign(ctx, a) }
	}
	return together(parts...)
}

// strays lists the assignments of our principal, at the scopes that the spec or the status names, whose names are ours.
func (r *run) strays(ctx context.Context, d integration.Document) ([]integration.RoleAssignment, error) {
	names := map[string]bool{}
	scopes := map[string]string{}
	for _, s := range d.Spec.Storage {
		for _, access := range []integration.Access{integration.AccessRead, integration.AccessReadWrite} {
			for _, salt := range grant.Salts() {
				s.Access = access
				a := grant.Derived(d, s, salt)
				names[lastSegment(a.ID)] = true
				scopes[strings.ToLower(a.Scope)] = a.Scope
			}
		}
	}
	var parts []func() error
	lists := make([][]arm.RoleAssignment, 0, len(scopes))
	for _, scope := range scopes {
		i := len(lists)
		lists = append(lists, nil)
		parts = append(parts, func() error {
			found, err := r.list(ctx, r.words(), scope, d.Status.ServicePrincipalID)
			if arm.IsNotFound(err) {
				return nil // the scope is gone, and its assignments with it
			}
			lists[i] = found
			return err
		})
	}
	if err := together(parts...); err != nil {
		return nil, err
	}
	var found []integration.RoleAssignment
	for _, a := range slices.Concat(lists...) {
		if names[strings.ToLower(a.Name)] {
			found = append(found, integration.RoleAssignment{ID: a.ID, Scope: a.Scope, RoleDefinitionID: a.RoleDefinitionID, PrincipalID: a.PrincipalID})
		}
	}
	return found, nil
}

// removeApplication is the second hop. The service principal goes with its application; one that is left is deleted.
func (r *run) removeApplication(ctx context.Context) error {
	d := r.current()
	if d.Status.ObjectID == "" {
		return nil
	}
	if _, err := r.remove(ctx, "application-delete", opApplicationDelete, d.Status.ObjectID, r.Graph.DeleteApplication); err != nil {
		return err
	}
	principal, err := r.Graph.GetServicePrincipalByAppID(ctx, d.Status.ClientID)
	switch {
	case graph.IsNotFound(err):
		return nil
	case err != nil:
		return r.mustTry(ctx, opPrincipalGet, err)
	}
	_, err = r.remove(ctx, "servicePrincipal-delete", opPrincipalDelete, principal.ID, r.Graph.DeleteServicePrincipal)
	return err
}

// remove sends one delete and notes it as a step.
func (r *run) remove(ctx context.Context, step, operation, objectID string, request func(context.Context, string) (graph.Write, error)) (graph.Outcome, error) {
	var w graph.Write
	began := r.now()
	err := r.try(ctx, operation, r.words(), func(ctx context.Context) error {
		var err error
		w, err = request(ctx, objectID)
		return err
	})
	r.did(step, objectID, string(w.Outcome), w.RequestID, began, err)
	return w.Outcome, err
}

// purge is the third hop: the recycle bin.
func (r *run) purge(ctx context.Context) error {
	d := r.current()
	return together(
		func() error { return r.purgeItem(ctx, "application-purge", d.Status.ObjectID) },
		func() error { return r.purgeItem(ctx, "servicePrincipal-purge", d.Status.ServicePrincipalID) },
	)
}

// purgeItem purges one object. Absent may mean that it has not arrived in the bin yet, so that is believed only after
// some patience.
func (r *run) purgeItem(ctx context.Context, step, objectID string) error {
	if objectID == "" {
		return nil
	}
	var waited time.Duration
	for n := 0; ; n++ {
		outcome, err := r.remove(ctx, step, opPurge, objectID, r.Graph.PurgeDeletedItem)
		if err != nil || outcome != graph.OutcomeAbsent {
			return err
		}
		pause := pauseBefore(n, objectID, nil)
		if waited+pause > purgePatience {
			return nil
		}
		if err := r.sleep(ctx, pause); err != nil {
			return err
		}
		waited += pause
	}
}

// bury turns the document into a tombstone. It keeps the ids by which a later PUT can take the application out of the
// recycle bin, unless they were purged.
func (r *run) bury(ctx context.Context) error {
	doc, err := r.conclude(ctx, func(d *integration.Document) {
		grave := integration.Status{Phase: integration.PhaseDeleted, UniqueName: d.Status.UniqueName, LastOperationID: d.Status.LastOperationID}
		if !r.cmd.Purge {
			grave.ClientID, grave.ObjectID, grave.ServicePrincipalID = d.Status.ClientID, d.Status.ObjectID, d.Status.ServicePrincipalID
		}
		d.Status = grave
	})
	if err != nil {
		return err
	}
	if err := r.publish(ctx, message.TypeIntegrationDeleted, r.cmd.OperationID, doc, nil); err != nil {
		return err
	}
	op, err := r.Repository.GetOperation(ctx, r.cmd.OperationID)
	if err != nil {
		return stored(err)
	}
	return r.succeed(ctx, struct {
		Purged bool     `json:"purged"`
		Left   []string `json:"left,omitempty"`
	}{r.cmd.Purge, leftOver(op.Steps)})
}
