package rbac

import (
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// Group is an Entra group, as far as roles are about it: an assignment to it counts for its members. Groups within
// groups are not modelled.
type Group struct {
	ID      string   `json:"id"`
	Members []string `json:"members"`
}

// Clone copies a group.
func (g Group) Clone() Group {
	g.Members = slices.Clone(g.Members)
	return g
}

// GroupsOf are the ids of the groups that a principal is in.
func GroupsOf(r *RBAC, principalID string) []string {
	r.Mu.RLock()
	defer r.Mu.RUnlock()
	return r.state.groupsOf(principalID)
}

// GroupsHeld are all groups. The lock is held.
func GroupsHeld(r *RBAC) []Group { return part.CloneAll(r.state.groups.All()) }

func (s rbacState) groupsOf(principalID string) []string {
	isMember := func(id string) bool { return part.Key(id) == part.Key(principalID) }
	var ids []string
	for _, g := range s.groups.All() {
		if slices.ContainsFunc(g.Members, isMember) {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

// assignmentsOf are the keys of the assignments that count for a principal: its own, and those of its groups.
func (s rbacState) assignmentsOf(principalID string) []string {
	var keys []string
	for _, id := range append(s.groupsOf(principalID), principalID) {
		for key := range s.byPrincipal[part.Key(id)] {
			keys = append(keys, key)
		}
	}
	return keys
}
