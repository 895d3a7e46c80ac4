// Package grant is what an integration may reach: one role assignment of its service principal for each storage entry
// of the spec, written by Azure Resource Manager under a name that is derived from scope, role and principal.
package grant

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// place is where role assignments stand, whoever has made them.
type place struct{}

// Name implements resource.Place.
func (place) Name() string { return resource.RoleAssignment }

// Needs implements resource.Place.
func (place) Needs() []string { return []string{resource.Identity} }

// Outlives implements resource.Place: rights are revoked first, and wait for nobody.
func (place) Outlives() []string { return nil }

// Kind is the role assignments of an integration.
type Kind struct {
	place
	arm      *arm.Client
	requests policy.Requests
}

// New returns the kind.
func New(resources *arm.Client, requests policy.Requests) *Kind {
	return &Kind{arm: resources, requests: requests}
}

// Observe implements resource.Kind: it lists the principal's assignments at each scope that the spec or the record
// names.
func (k *Kind) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart {
		return nil
	}
	d := v.Document
	wanted := wantedGrants(d)
	if v.Fresh {
		return missing(d, wanted)
	}
	looks := k.look(ctx, d, scopes(d, v.Ending))
	var items []resource.Item
	if !v.Ending {
		for _, w := range wanted {
			items = append(items, k.compare(ctx, d, w, looks[strings.ToLower(w.assignment.Scope)]))
		}
		if v.Told {
			k.tellContainers(ctx, items)
		}
	}
	kept := wanted
	if v.Ending {
		kept = nil
	}
	items = append(items, beside(d, looks, items, kept)...)
	if v.Ending {
		k.confirmAbsent(ctx, d, looks, items)
	}
	return items
}

// tellContainers tells which containers are missing. Azure takes an assignment for a container that is not there and
// keeps that of one that has gone, so it is no error. An assignment whose container Azure does not tell of is not
// read; one that is still to be made is made all the same, where the app may not look.
func (k *Kind) tellContainers(ctx context.Context, items []resource.Item) {
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		c, op := items[i].Context, policy.LookContainer
		if c.Container == "" || items[i].Err != nil {
			return
		}
		isToCome := items[i].State == resource.Missing
		if isToCome {
			op = policy.ContainerGet
		}
		there, err := resource.Find(ctx, k.requests, op, c, false, func(ctx context.Context) error {
			_, err := k.arm.GetContainer(ctx, c.AccountID, c.Container)
			return err
		})
		switch {
		case err != nil && !(isToCome && policy.IsRefusal(err)):
			items[i].Err = err
		case err == nil && !there:
			items[i].Code, items[i].Detail = diagnosis.CodeContainerNotFound,
				"There is no container "+c.Container+" in the storage account "+c.Account+"."
		}
	})
}

// confirmAbsent tells which of the assignments that go are gone already: the list does not show it, and as lists lag,
// a read has to say so too. Without a principal there was no list.
func (k *Kind) confirmAbsent(ctx context.Context, d integration.Document, looks map[string]look,
	items []resource.Item) {
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		a, _ := items[i].Data.(integration.RoleAssignment)
		at, isLooked := looks[strings.ToLower(a.Scope)]
		isFound := slices.ContainsFunc(at.found, func(f arm.RoleAssignment) bool {
			return strings.EqualFold(f.ID, a.ID)
		})
		if items[i].State != resource.Unwanted || !isLooked || at.err != nil || isFound ||
			d.Status.ServicePrincipalID == "" {
			return
		}
		_, there, err := k.get(ctx, d, a)
		items[i].IsAbsent = !there && err == nil
	})
}

func missing(d integration.Document, wanted []grant) []resource.Item {
	items := make([]resource.Item, len(wanted))
	for i, w := range wanted {
		items[i] = w.item(d)
	}
	return items
}

// scopes are where to look, each once: what the spec asks for and, at the end, what was ever granted.
func scopes(d integration.Document, ending bool) []string {
	var all []string
	add := func(scope string) {
		if !slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, scope) }) {
			all = append(all, scope)
		}
	}
	for _, s := range d.Spec.Storage {
		add(arm.Scope(s.ResourceID, s.Container))
	}
	if ending {
		for _, a := range d.Status.RoleAssignments {
			add(a.Scope)
		}
	}
	return all
}

// look is what was read at one scope.
type look struct {
	found   []arm.RoleAssignment
	missing bool // the scope itself is not there
	err     error
}

// look reads every scope, a few at a time. Without a principal there are no assignments, but the account can be looked
// at.
func (k *Kind) look(ctx context.Context, d integration.Document, scopes []string) map[string]look {
	looks := make([]look, len(scopes))
	resource.Each(ctx, len(scopes), func(ctx context.Context, i int) {
		l, c := &looks[i], words(d, scopes[i])
		read, op := func(ctx context.Context) (err error) {
			l.found, err = k.arm.ListRoleAssignments(ctx, scopes[i], d.Status.ServicePrincipalID)
			return err
		}, policy.RoleList
		if d.Status.ServicePrincipalID == "" {
			read, op = func(ctx context.Context) error {
				_, err := k.arm.GetStorageAccount(ctx, c.AccountID)
				return err
			}, policy.AccountGet
		}
		var notFound error
		there, err := resource.Find(ctx, k.requests, op, c, true, func(ctx context.Context) error {
			err := read(ctx)
			if policy.IsNotThere(op, err) {
				notFound = err
			}
			return err
		})
		l.missing, l.err = !there && err == nil, err
		if l.missing {
			l.err = policy.Fail(op, c, notFound)
		}
	})
	byScope := make(map[string]look, len(scopes))
	for i, scope := range scopes {
		byScope[strings.ToLower(scope)] = looks[i]
	}
	return byScope
}

// compare finds the wanted grant among the assignments at its scope. An equal one under another
// name serves as well, whoever made it, and stays when ours go.
func (k *Kind) compare(ctx context.Context, d integration.Document, w grant, at look) resource.Item {
	item := w.item(d)
	if at.err != nil {
		item.Err = at.err
		return item
	}
	found := slices.Clone(at.found)
	if !slices.ContainsFunc(found, w.isGivenBy) && w.isRecorded {
		// Lists lag: a read of the assignment itself decides.
		one, there, err := k.get(ctx, d, w.assignment)
		if err != nil {
			item.Err = err
			return item
		}
		if there {
			found = append(found, one)
		}
	}
	i := bestOf(found, w)
	if i < 0 {
		if j := slices.IndexFunc(found, func(a arm.RoleAssignment) bool {
			return strings.EqualFold(a.ID, w.assignment.ID)
		}); j >= 0 {
			item.Code = diagnosis.CodeRoleAssignmentChanged
			item.Differences = []diagnosis.MemberDifference{{Member: "roleDefinitionId",
				Want: integration.LastSegment(w.assignment.RoleDefinitionID),
				Have: integration.LastSegment(found[j].RoleDefinitionID), Owner: diagnosis.OwnerOther}}
		}
		return item
	}
	item.State, item.Code = resource.Unchanged, ""
	a := w.adopt(found[i])
	item.Key, item.Data, item.Learn = a.ID, w, learn(a)
	if found[i].Condition != "" { // an administrator's: it narrows the grant, and it is kept
		item.Code = diagnosis.CodeRoleAssignmentConditioned
		item.Differences = []diagnosis.MemberDifference{{Member: "condition", Have: found[i].Condition,
			Owner: diagnosis.OwnerOther}}
	}
	if a.Adopted { // somebody else's, which serves
		want := integration.LastSegment(assignment.Derived(d, w.entry, "").ID)
		item.Differences = append(item.Differences, diagnosis.MemberDifference{Member: "name", Want: want,
			Have: integration.LastSegment(a.ID), Owner: diagnosis.OwnerOther})
	} else if want := description(d); found[i].Description != want && w.isOurs(a.ID) {
		item.Differences = append(item.Differences, diagnosis.MemberDifference{Member: "description", Want: want,
			Have: found[i].Description, Owner: diagnosis.OwnerOther})
	}
	return item
}

// bestOf prefers the assignment that is recorded or bears a name of ours to an equal one of somebody else.
func bestOf(found []arm.RoleAssignment, w grant) int {
	best := -1
	for i, a := range found {
		if w.isGivenBy(a) && (best < 0 || w.isOurs(a.ID)) {
			best = i
		}
	}
	return best
}

func (k *Kind) get(ctx context.Context, d integration.Document, a integration.RoleAssignment) (arm.RoleAssignment,
	bool, error) {
	var found arm.RoleAssignment
	there, err := resource.Find(ctx, k.requests, policy.RoleGet, wordsOf(d, a), false,
		func(ctx context.Context) error {
			var err error
			found, err = k.arm.GetRoleAssignment(ctx, a.ID)
			return err
		})
	return found, there, err
}

// beside are the assignments that the spec does not ask for: those of ours are to go, those of others are reported.
// What was adopted is somebody else's, and is only forgotten.
func beside(d integration.Document, looks map[string]look, items []resource.Item, wanted []grant) []resource.Item {
	isTaken := func(id string) bool {
		return slices.ContainsFunc(items, func(i resource.Item) bool { return strings.EqualFold(i.Key, id) })
	}
	var more []resource.Item
	add := func(a integration.RoleAssignment, state resource.State) {
		isListed := func(i resource.Item) bool { return strings.EqualFold(i.Key, a.ID) }
		if isTaken(a.ID) || slices.ContainsFunc(more, isListed) {
			return
		}
		c := words(d, a.Scope)
		c.Role = integration.RoleName(a.RoleDefinitionID)
		more = append(more, resource.Item{Name: resource.RoleAssignment, Key: a.ID, Target: a.Scope, State: state,
			Code:    diagnosis.CodeRoleAssignmentExtra,
			Context: c, Data: a, Differences: []diagnosis.MemberDifference{{Member: "roleDefinitionId", Have: c.Role,
				Owner: ownerOf(state)}}})
	}
	for _, a := range d.Status.RoleAssignments {
		switch {
		case slices.ContainsFunc(wanted, func(w grant) bool { return assignment.IsSame(w.assignment, a) }):
		case a.Adopted:
			more = append(more, forgotten(a))
		default:
			add(a, resource.Unwanted)
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(looks)) { // reports name them in the same order each time
		for _, f := range looks[scope].found {
			if !strings.EqualFold(f.Scope, scope) ||
				slices.ContainsFunc(wanted, func(w grant) bool { return w.isGivenBy(f) }) {
				continue
			}
			if isDerived(d, f) {
				add(fromARM(f), resource.Unwanted)
				continue
			}
			add(fromARM(f), resource.Extra)
		}
	}
	return more
}

// forgotten is an adopted assignment that is wanted no more: it is somebody else's, and stays.
func forgotten(a integration.RoleAssignment) resource.Item {
	return resource.Item{Name: resource.RoleAssignment, Title: "The role is assigned", Key: a.ID, Target: a.Scope,
		State: resource.Unchanged, Data: a, Learn: forget(a.ID)}
}

func ownerOf(state resource.State) diagnosis.Owner {
	if state == resource.Extra {
		return diagnosis.OwnerOther
	}
	return diagnosis.OwnerOurs
}

// words are what the texts of a diagnosis about a scope are filled with.
func words(d integration.Document, scope string) diagnosis.Context {
	c := d.Words()
	c.Scope, c.Target = scope, scope
	c.AccountID, _, _ = strings.Cut(scope, "/blobServices/")
	c.Account, c.WasThere = integration.LastSegment(c.AccountID), assignment.IsReached(d)
	for _, s := range d.Spec.Storage {
		if strings.EqualFold(arm.Scope(s.ResourceID, s.Container), scope) {
			c.Role, c.Container, c.Assignment = s.Access.Role().Name, s.Container,
				assignment.Name(assignment.Wanted(d, s))
		}
	}
	return c
}

// wordsOf are words, with the assignment's own name.
func wordsOf(d integration.Document, a integration.RoleAssignment) diagnosis.Context {
	c := words(d, a.Scope)
	c.Assignment = assignment.Name(a)
	if c.Role == "" { // the spec asks for nothing at that scope any more
		c.Role = integration.RoleName(a.RoleDefinitionID)
	}
	return c
}
