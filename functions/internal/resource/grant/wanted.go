package grant

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// grant is one storage entry of a spec as an assignment.
type grant struct {
	entry      integration.StorageAccess
	assignment integration.RoleAssignment
	// isRecorded is true where the status has the assignment.
	isRecorded bool
	derived    []string // the ids that we derive for it, in the order in which they are tried
}

// wantedGrants are the assignments that the spec asks for. Where the status has one already, under a salted or adopted
// name, that is the one.
func wantedGrants(d integration.Document) []grant {
	wanted := make([]grant, len(d.Spec.Storage))
	for i, s := range d.Spec.Storage {
		w := grant{entry: s, assignment: assignment.Derived(d, s, "")}
		for _, salt := range assignment.Salts() {
			w.derived = append(w.derived, assignment.Derived(d, s, salt).ID)
		}
		if j := slices.IndexFunc(d.Status.RoleAssignments, func(known integration.RoleAssignment) bool {
			return assignment.IsSame(known, w.assignment)
		}); j >= 0 {
			w.assignment, w.isRecorded = d.Status.RoleAssignments[j], true
		}
		wanted[i] = w
	}
	return wanted
}

// isDerived reports whether an assignment bears a name that we derive at a scope of the spec, for whatever access.
func isDerived(d integration.Document, a arm.RoleAssignment) bool {
	for _, s := range d.Spec.Storage {
		for _, s.Access = range []integration.Access{integration.AccessRead, integration.AccessReadWrite} {
			for _, salt := range assignment.Salts() {
				if strings.EqualFold(assignment.Derived(d, s, salt).ID, a.ID) {
					return true
				}
			}
		}
	}
	return false
}

// item is the grant as if it were missing.
func (w grant) item(d integration.Document) resource.Item {
	c := wordsOf(d, w.assignment)
	item := resource.Item{Name: resource.RoleAssignment, Title: "The role is assigned", Target: c.Role + " at " +
		w.assignment.Scope,
		State: resource.Missing, Code: diagnosis.CodeRoleMissing, Context: c, Data: w}
	if d.Status.ServicePrincipalID != "" {
		item.Key = w.assignment.ID
		// Its scope is in the spec alone, which may be another one when somebody looks for what a crash has left
		// behind.
		item.Learn = learn(w.assignment)
	}
	return item
}

// isGivenBy reports whether an assignment gives the wanted role at the wanted scope to the principal.
func (w grant) isGivenBy(a arm.RoleAssignment) bool {
	return assignment.IsSame(w.assignment, fromARM(a))
}

// isOurs reports whether an id is one that we derive.
func (w grant) isOurs(id string) bool {
	return slices.ContainsFunc(w.derived, func(derived string) bool { return strings.EqualFold(derived, id) })
}

// adopt is the assignment that exists, as it is recorded.
func (w grant) adopt(a arm.RoleAssignment) integration.RoleAssignment {
	known := w.assignment
	isTaken := w.isRecorded && !known.Adopted && strings.EqualFold(known.ID, a.ID)
	known.ID, known.Adopted = a.ID, !w.isOurs(a.ID) && !isTaken
	return known
}

func fromARM(a arm.RoleAssignment) integration.RoleAssignment {
	return integration.RoleAssignment{ID: a.ID, Scope: a.Scope, RoleDefinitionID: a.RoleDefinitionID,
		PrincipalID: a.PrincipalID}
}

// learn records an assignment, in place of the one that gives the same.
func learn(a integration.RoleAssignment) func(*integration.Status) {
	return func(st *integration.Status) {
		for i, known := range st.RoleAssignments {
			if assignment.IsSame(known, a) || strings.EqualFold(known.ID, a.ID) {
				st.RoleAssignments[i] = a
				return
			}
		}
		st.RoleAssignments = append(st.RoleAssignments, a)
	}
}

// forget takes an assignment out of the record.
func forget(id string) func(*integration.Status) {
	return func(st *integration.Status) {
		st.RoleAssignments = slices.DeleteFunc(slices.Clone(st.RoleAssignments),
			func(a integration.RoleAssignment) bool { return strings.EqualFold(a.ID, id) })
	}
}
