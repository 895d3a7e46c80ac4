package provision

import (
	"context"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// maxParallel bounds the requests of one hop, so that one integration does not use up the write quota of all.
const maxParallel = 4

// wantedAssignments are the assignments that the spec asks for.
func wantedAssignments(d integration.Document) []integration.RoleAssignment {
	wanted := make([]integration.RoleAssignment, 0, len(d.Spec.Storage))
	for _, s := range d.Spec.Storage {
		wanted = append(wanted, grant.Wanted(d, s))
	}
	return wanted
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// roleAssignments is the third hop: wanted assignments are written and stale ones deleted, side by side.
func (r *run) roleAssignments(ctx context.Context) error {
	d := r.current()
	wanted := wantedAssignments(d)
	var parts []func() error
	for i := range wanted {
		parts = append(parts, func() error { return r.assign(ctx, d, d.Spec.Storage[i], &wanted[i]) })
	}
	for _, old := range d.Status.RoleAssignments {
		stale := !slices.ContainsFunc(wanted, func(w integration.RoleAssignment) bool { return strings.EqualFold(w.ID, old.ID) })
		if stale && !old.Adopted {
			parts = append(parts, func() error { return r.unassign(ctx, old) })
		}
	}
	if err := together(parts...); err != nil {
		return err
	}
	return r.learn(ctx, func(d *integration.Document) { d.Status.RoleAssignments = wanted })
}

// assign writes one assignment. a ends as the one that exists.
func (r *run) assign(ctx context.Context, d integration.Document, s integration.StorageAccess, a *integration.RoleAssignment) error {
	began := r.now()
	words := r.roleWords(d, *a)
	if a.Adopted {
		present, err := r.stillThere(ctx, words, *a)
		if err != nil || present {
			r.did("roleAssignment", a.Scope, "adopted", "", began, err)
			return err
		}
		*a = grant.Derived(d, s, "")
	}
	w, err := r.put(ctx, words, d.ID, *a)
	if reactionOf(err) == salt {
		salted := grant.Derived(d, s, grant.Salts()[1])
		if salted.ID != a.ID {
			*a = salted
			w, err = r.put(ctx, words, d.ID, *a)
		}
	}
	outcome := string(w.Outcome)
	if reactionOf(err) == readBack {
		outcome, err = "adopted", r.adopt(ctx, d, s, words, a, err)
	}
	r.did("roleAssignment", a.Scope, outcome, w.RequestID, began, err)
	return err
}

func (r *run) put(ctx context.Context, words diagnosis.Context, id string, a integration.RoleAssignment) (arm.Write, error) {
	var w arm.Write
	err := r.try(ctx, opRolePut, words, func(ctx context.Context) error {
		var err error
		w, err = r.ARM.PutRoleAssignment(ctx, arm.RoleAssignment{ID: a.ID, Scope: a.Scope, Name: lastSegment(a.ID), RoleDefinitionID: a.RoleDefinitionID,
			PrincipalID: a.PrincipalID, Description: "ddoe-wif integration " + id})
		return err
	})
	return w, err
}

// adopt finds the assignment that is in the way. One under a name that we would derive is ours, written by a request
// whose answer was lost; any other was there before us and outlives us.
func (r *run) adopt(ctx context.Context, d integration.Document, s integration.StorageAccess, words diagnosis.Context, a *integration.RoleAssignment, cause error) error {
	found, err := r.list(ctx, words, a.Scope, a.PrincipalID)
	if err != nil {
		return err
	}
	for _, f := range found {
		existing := integration.RoleAssignment{ID: f.ID, Scope: f.Scope, RoleDefinitionID: f.RoleDefinitionID, PrincipalID: f.PrincipalID}
		if !grant.Same(existing, *a) {
			continue
		}
		existing.Scope, existing.RoleDefinitionID = a.Scope, a.RoleDefinitionID
		existing.Adopted = !slices.ContainsFunc(grant.Salts(), func(salt string) bool { return strings.EqualFold(grant.Derived(d, s, salt).ID, f.ID) })
		*a = existing
		return nil
	}
	return &failure{operation: opRolePut, reaction: later, context: words, err: cause} // it exists, but is not listed yet
}

func (r *run) list(ctx context.Context, words diagnosis.Context, scope, principalID string) ([]arm.RoleAssignment, error) {
	var found []arm.RoleAssignment
	err := r.try(ctx, opRoleList, words, func(ctx context.Context) error {
		var err error
		found, err = r.ARM.ListRoleAssignments(ctx, scope, principalID)
		return err
	})
	return found, err
}

func (r *run) stillThere(ctx context.Context, words diagnosis.Context, a integration.RoleAssignment) (bool, error) {
	err := r.try(ctx, opRoleGet, words, func(ctx context.Context) error {
		_, err := r.ARM.GetRoleAssignment(ctx, a.ID)
		return err
	})
	if arm.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// unassign deletes an assignment of ours.
func (r *run) unassign(ctx context.Context, a integration.RoleAssignment) error {
	var w arm.Write
	began := r.now()
	err := r.try(ctx, opRoleDelete, r.roleWords(r.current(), a), func(ctx context.Context) error {
		var err error
		w, err = r.ARM.DeleteRoleAssignment(ctx, a.ID)
		return err
	})
	r.did("roleAssignment-delete", a.ID, string(w.Outcome), w.RequestID, began, err)
	return err
}

func (r *run) roleWords(d integration.Document, a integration.RoleAssignment) diagnosis.Context {
	c := wordsOf(d)
	c.Scope, c.PrincipalID, c.Assignment = a.Scope, a.PrincipalID, lastSegment(a.ID)
	c.AccountID, _, _ = strings.Cut(a.Scope, "/blobServices/")
	c.Account = lastSegment(c.AccountID)
	for _, s := range d.Spec.Storage {
		if strings.EqualFold(arm.Scope(s.ResourceID, s.Container), a.Scope) {
			_, c.Role = grant.RoleOf(s.Access)
			c.Container = s.Container
		}
	}
	return c
}
