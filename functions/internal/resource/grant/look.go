package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Look looks for what gives the identity the rights that each storage entry asks for, whoever has assigned it: at the
// container or above it, directly or by a group. It is a resource.Looker.
type Look struct {
	place
	arm      *arm.Client
	requests policy.Requests
}

// NewLook returns the kind.
func NewLook(resources *arm.Client, requests policy.Requests) *Look {
	return &Look{arm: resources, requests: requests}
}

// rights are what a role gives of blobs: nothing, reading, or all that readWrite asks for.
type rights int

const (
	unknown rights = iota - 1 // it is none of Azure's own
	none                      // it manages, or delegates
	reading                   // blobs/read
	writing                   // blobs/read, write, add and delete
)

// rightsOf are those of Azure's own roles, by their ids. Source: learn.microsoft.com, Azure built-in roles for
// Storage, and for General: Owner, Contributor and Reader have no dataActions.
func rightsOf(roleID string) rights {
	for role, gives := range map[string]rights{
		field.BlobDataReader().ID: reading, field.BlobDataContributor().ID: writing, field.BlobDataOwner().ID: writing,
		roleDelegator: none, roleOwner: none, roleContributor: none, roleReader: none, roleAccountContributor: none,
		roleAccessAdministrator: none, roleRBACAdministrator: none,
	} {
		if strings.EqualFold(role, roleID) {
			return gives
		}
	}
	return unknown
}

// Azure's own roles that give no access to blobs.
const (
	roleDelegator           = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
	roleOwner               = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	roleContributor         = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	roleReader              = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	roleAccountContributor  = "17d1049b-9a84-46fb-8f53-869881c3d3ab"
	roleAccessAdministrator = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	roleRBACAdministrator   = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
)

// nameOf is a role's name where it is one of Azure's own, else its id.
func nameOf(roleID string) string {
	for id, name := range map[string]string{roleDelegator: "Storage Blob Delegator", roleOwner: "Owner",
		roleContributor: "Contributor", roleReader: "Reader",
		roleAccountContributor:   "Storage Account Contributor",
		roleAccessAdministrator:  "User Access Administrator",
		roleRBACAdministrator:    "Role Based Access Control Administrator",
		field.BlobDataOwner().ID: field.BlobDataOwner().Name} {
		if strings.EqualFold(id, roleID) {
			return name
		}
	}
	return integration.RoleName(roleID)
}

// Observe implements resource.Looker.
func (l *Look) Observe(ctx context.Context, v resource.View) []resource.Item {
	if v.Apart || v.Ending {
		return nil
	}
	d := v.Document
	items := make([]resource.Item, len(d.Spec.Storage))
	resource.Each(ctx, len(items), func(ctx context.Context, i int) {
		items[i] = l.observe(ctx, d, d.Spec.Storage[i])
	})
	return items
}

func (l *Look) observe(ctx context.Context, d integration.Document, entry integration.StorageAccess) resource.Item {
	scope := arm.Scope(entry.ResourceID, entry.Container)
	c := words(d, scope)
	item := resource.Item{Name: resource.RoleAssignment, Title: "A role gives the rights that are needed",
		Target: c.Role + " at " + scope, State: resource.Missing, Code: diagnosis.CodeRoleMissing, Context: c,
		RestsOn: entry.ResourceID}
	if d.Status.ServicePrincipalID == "" {
		return item
	}
	var found []arm.RoleAssignment
	var absent error
	there, err := resource.Find(ctx, l.requests, policy.LookRoles, c, false, func(ctx context.Context) error {
		found, absent = l.arm.ListEffectiveAssignments(ctx, scope, d.Status.ServicePrincipalID)
		return absent
	})
	switch {
	case err != nil:
		item.Err = err
	case !there:
		item.Err = policy.Fail(policy.LookRoles, c, absent)
	default:
		judge(&item, d, entry, counting(found, scope))
	}
	return item
}

// counting are the assignments that count at a scope: those at it, and above it.
func counting(found []arm.RoleAssignment, scope string) []arm.RoleAssignment {
	return slices.DeleteFunc(slices.Clone(found), func(a arm.RoleAssignment) bool {
		at := strings.TrimRight(a.Scope, "/") + "/"
		return len(at) > len(scope)+1 || !strings.EqualFold(at, (scope + "/")[:len(at)])
	})
}

// judge holds the assignments that count against what the entry asks for.
func judge(item *resource.Item, d integration.Document, entry integration.StorageAccess, found []arm.RoleAssignment) {
	needs := reading
	if entry.Access == integration.AccessReadWrite {
		needs = writing
	}
	best := func(isFit func(arm.RoleAssignment) bool) *arm.RoleAssignment {
		if i := slices.IndexFunc(found, isFit); i >= 0 {
			return &found[i]
		}
		return nil
	}
	gives := func(a arm.RoleAssignment) rights { return rightsOf(integration.LastSegment(a.RoleDefinitionID)) }
	free := best(func(a arm.RoleAssignment) bool { return gives(a) >= needs && a.Condition == "" })
	narrowed := best(func(a arm.RoleAssignment) bool { return gives(a) >= needs })
	custom := best(func(a arm.RoleAssignment) bool { return gives(a) == unknown })
	reads := best(func(a arm.RoleAssignment) bool { return gives(a) == reading })
	manages := best(func(a arm.RoleAssignment) bool { return gives(a) == none })
	tell := func(state resource.State, code diagnosis.Code, a arm.RoleAssignment, format string) {
		item.State, item.Code, item.Key = state, code, a.ID
		item.Detail = fmt.Sprintf(format, wordsFor(d, a, item.Context.Scope))
	}
	switch {
	case free != nil:
		tell(resource.Unchanged, "", *free, "%s.")
	case narrowed != nil:
		tell(resource.Unchanged, diagnosis.CodeRoleAssignmentConditioned, *narrowed, "%s has a condition.")
		item.Differences = []diagnosis.MemberDifference{{Member: "condition", Have: narrowed.Condition,
			Owner: diagnosis.OwnerOther}}
	case custom != nil:
		tell(resource.Unchanged, diagnosis.CodeRoleNotKnown, *custom, "%s is none of Azure's own roles.")
	case reads != nil:
		tell(resource.Missing, diagnosis.CodeRoleMissing, *reads, "%s gives reading alone.")
	case manages != nil:
		tell(resource.Missing, diagnosis.CodeRoleWithoutDataRights, *manages, "%s gives no access to blobs.")
	}
}

// wordsFor say which assignment is meant: its role, from where it is inherited, and by which group.
func wordsFor(d integration.Document, a arm.RoleAssignment, scope string) string {
	text := nameOf(integration.LastSegment(a.RoleDefinitionID))
	if !strings.EqualFold(strings.TrimRight(a.Scope, "/"), scope) {
		text += ", inherited from " + a.Scope + ","
	}
	if !strings.EqualFold(a.PrincipalID, d.Status.ServicePrincipalID) {
		text += " by the group " + a.PrincipalID
	}
	return strings.TrimSuffix(text, ",")
}
