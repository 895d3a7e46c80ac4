package arm

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	actionRead   = "Microsoft.Authorization/roleAssignments/read"
	actionWrite  = "Microsoft.Authorization/roleAssignments/write"
	actionDelete = "Microsoft.Authorization/roleAssignments/delete"

	pageSize    = 100
	maximumBody = 1 << 20
)

// assignmentRequest is the body of a PUT.
type assignmentRequest struct {
	Properties struct {
		RoleDefinitionID string  `json:"roleDefinitionId"`
		PrincipalID      string  `json:"principalId"`
		PrincipalType    string  `json:"principalType"`
		Scope            string  `json:"scope"`
		Description      *string `json:"description"`
		Condition        *string `json:"condition"`
		ConditionVersion *string `json:"conditionVersion"`
		DelegatedID      *string `json:"delegatedManagedIdentityResourceId"`
	} `json:"properties"`
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// putAssignment answers 201 for a new assignment and 200 for one that is there already.
func (c *call) putAssignment(scope, name string) (answer, error) {
	if err := c.authorize(actionWrite, rbac.RoleAssignmentID(scope, name)); err != nil {
		return answer{}, err
	}
	if _, err := uuid.Parse(name); err != nil {
		return answer{}, badRequest("InvalidRoleAssignmentId", "The role assignment ID '"+name+"' is not valid. The "+
			"role assignment ID must be a GUID.")
	}
	ra, err := c.readAssignment(scope, name)
	if err != nil {
		return answer{}, err
	}
	if err := c.underCondition(actionWrite, ra, attributes(ra), nil); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(scope); err != nil {
		return answer{}, err
	}
	if err := c.checkPrincipal(&ra); err != nil {
		return answer{}, err
	}
	stored, created, err := c.world.PutRoleAssignment(ra)
	if err != nil {
		return answer{}, conflict(err)
	}
	return answer{status: statusOfPut(created), body: c.assignmentObject(stored)}, nil
}

// underCondition holds that the caller's right to write or delete the assignment is not bound by a condition that this
// one does not fulfil. authorize has said before whether there is a right at all.
func (c *call) underCondition(action string, ra rbac.RoleAssignment, request, resource condition.Attributes) error {
	id := rbac.RoleAssignmentID(ra.Scope, ra.Name)
	if c.world.IsAllowedUnder(c.caller, condition.Access{Action: action, Request: request, Resource: resource},
		id, false) {
		return nil
	}
	return c.denied(action, id)
}

// attributes are what a condition can ask of an assignment. A member that a request leaves out is an absent attribute.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes.
func attributes(ra rbac.RoleAssignment) condition.Attributes {
	const prefix = "Microsoft.Authorization/roleAssignments:"
	given := condition.Attributes{}
	for name, value := range map[string]string{
		"RoleDefinitionId": ra.RoleDefinitionID, "PrincipalId": ra.PrincipalID, "PrincipalType": ra.PrincipalType,
	} {
		if value != "" {
			given[prefix+name] = []string{value}
		}
	}
	return given
}

func (c *call) readAssignment(scope, name string) (rbac.RoleAssignment, error) {
	var body assignmentRequest
	if err := c.readBody(&body); err != nil {
		return rbac.RoleAssignment{}, err
	}
	p := body.Properties
	if _, err := uuid.Parse(p.PrincipalID); err != nil {
		return rbac.RoleAssignment{},
			badRequest("InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
	}
	role, ok := c.world.Role(p.RoleDefinitionID)
	if !ok || !role.IsAssignableAt(scope) {
		guid := p.RoleDefinitionID[strings.LastIndex(p.RoleDefinitionID, "/")+1:]
		return rbac.RoleAssignment{}, badRequest("RoleDefinitionDoesNotExist",
			"The specified role definition with ID '"+strings.ReplaceAll(guid, "-", "")+"' does not exist.")
	}
	if p.PrincipalType != "" && !slices.Contains([]string{"User", "Group", "ServicePrincipal"}, p.PrincipalType) {
		return rbac.RoleAssignment{}, badRequest("InvalidPrincipalType",
			"The PrincipalType property '"+p.PrincipalType+"' is not valid. It must be 'User', 'Group' or "+
				"'ServicePrincipal'.")
	}
	definition := "/providers/Microsoft.Authorization/roleDefinitions/" + role.ID
	if subscription := subscriptionOf(scope); subscription != "" {
		definition = rbac.RoleDefinitionID(subscription, role.ID)
	}
	return rbac.RoleAssignment{Name: strings.ToLower(name), Scope: scope, RoleDefinitionID: definition,
			PrincipalID: strings.ToLower(p.PrincipalID), PrincipalType: p.PrincipalType,
			Description: value(p.Description), Condition: value(p.Condition),
			ConditionVersion: value(p.ConditionVersion)},
		nil
}

// checkPrincipal holds what the directory knows of the principal. With principalType given, Azure accepts an id that
// the directory does not know, a wrong one included; without, it must exist. One that exists but is not replicated
// fails.
func (c *call) checkPrincipal(ra *rbac.RoleAssignment) error {
	known, visible := c.world.PrincipalVisible(ra.PrincipalID)
	switch {
	case known && !visible, !known && ra.PrincipalType == "":
		tenant := strings.ReplaceAll(world.TenantID, "-", "")
		return badRequest("PrincipalNotFound", "Principal "+strings.ReplaceAll(ra.PrincipalID, "-", "")+
			" does not exist in the directory "+tenant+
			". Check that you have the correct principal ID. If you are creating this principal and then "+
			"immediately assigning a role, this error might be related to a replication delay."+
			" In this case, set the role assignment principalType property to a value, such as ServicePrincipal, "+
			"User, or Group.  See https://aka.ms/docs-principaltype")
	case known && ra.PrincipalType != "" && ra.PrincipalType != "ServicePrincipal":
		return badRequest("UnmatchedPrincipalType", "The PrincipalId '"+strings.ReplaceAll(ra.PrincipalID, "-", "")+
			"' has type 'ServicePrincipal' , which is different from specified PrinciaplType '"+ra.PrincipalType+"'.")
	}
	if ra.PrincipalType == "" {
		ra.PrincipalType = "ServicePrincipal"
	}
	return nil
}

func conflict(err error) error {
	var exists *rbac.RoleAssignmentExistsError
	var held *rbac.RoleAssignmentConflictError
	switch {
	case errors.As(err, &exists):
		name := exists.ExistingID[strings.LastIndex(exists.ExistingID, "/")+1:]
		return &fault{status: http.StatusConflict, code: "RoleAssignmentExists",
			message: "The role assignment already exists. The ID of the conflicting role assignment is " +
				strings.ReplaceAll(name, "-", "") + "."}
	case errors.As(err, &held) && held.OtherScope:
		return badRequest("HashConflictOnDifferentRoleAssignmentIds",
			"A hash conflict was encountered for the role Assignment ID. Please use a new Guid.")
	case errors.As(err, &held):
		return badRequest("RoleAssignmentUpdateNotPermitted",
			"Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
	}
	return err
}

func (c *call) getAssignment(scope, name string) (answer, error) {
	id := rbac.RoleAssignmentID(scope, name)
	if err := c.authorize(actionRead, id); err != nil {
		return answer{}, err
	}
	ra, ok := c.world.RoleAssignment(id)
	if !ok {
		return answer{}, &fault{status: http.StatusNotFound, code: "RoleAssignmentNotFound",
			message: "The role assignment '" + name + "' is not found."}
	}
	return answer{status: http.StatusOK, body: c.assignmentObject(ra)}, nil
}

// deleteAssignment answers 200 with what was deleted, or 204 where there is nothing: a condition on the resource then
// has nothing to protect. What Azure does there under a condition is not documented.
func (c *call) deleteAssignment(scope, name string) (answer, error) {
	id := rbac.RoleAssignmentID(scope, name)
	if err := c.authorize(actionDelete, id); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(scope); err != nil {
		return answer{}, err
	}
	if there, ok := c.world.RoleAssignment(id); ok {
		if err := c.underCondition(actionDelete, there, nil, attributes(there)); err != nil {
			return answer{}, err
		}
	}
	ra, err := c.world.DeleteRoleAssignment(id)
	if err != nil {
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusOK, body: c.assignmentObject(ra)}, nil
}

// listAssignments lists what applies at the scope: at it, above it and, unless atScope() is asked for, below it.
func (c *call) listAssignments(scope string) (answer, error) {
	if err := c.authorize(actionRead, scope); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(scope); err != nil {
		return answer{}, err
	}
	keep, err := parseFilter(c.request.URL.Query().Get("$filter"),
		func(id string) []string { return rbac.GroupsOf(c.world.RBAC, id) })
	if err != nil {
		return answer{}, err
	}
	after, err := base64.RawURLEncoding.DecodeString(c.request.URL.Query().Get("$skipToken"))
	if err != nil {
		return answer{}, badRequest("InvalidSkipToken", "The $skipToken is not valid.")
	}
	rows := slices.DeleteFunc(c.world.RoleAssignments(), func(ra rbac.RoleAssignment) bool {
		applies := rbac.IsScopeAbove(ra.Scope, scope) || !keep.atScope && rbac.IsScopeAbove(scope, ra.Scope)
		isHolder := func(id string) bool { return strings.EqualFold(id, ra.PrincipalID) }
		return !applies || ra.ID <= string(after) || len(keep.principals) > 0 && !slices.ContainsFunc(keep.principals,
			isHolder)
	})
	slices.SortFunc(rows, func(a, b rbac.RoleAssignment) int { return strings.Compare(a.ID, b.ID) })
	body := object{}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		body["nextLink"] = c.nextLink(rows[pageSize-1].ID)
	}
	page := make([]object, 0, len(rows))
	for _, ra := range rows {
		page = append(page, c.assignmentObject(ra))
	}
	body["value"] = page
	return answer{status: http.StatusOK, body: body}, nil
}

func (c *call) nextLink(last string) string {
	query := c.request.URL.Query()
	query.Set("$skipToken", base64.RawURLEncoding.EncodeToString([]byte(last)))
	next := url.URL{Scheme: "https", Host: c.request.Host, Path: c.request.URL.Path, RawQuery: query.Encode()}
	return next.String()
}

// filter is what $filter of a list of assignments may hold.
type filter struct {
	atScope bool
	// principals are those whose assignments are asked for; none means everybody's.
	principals []string
}

// parseFilter reads atScope(), assignedTo('id') and principalId eq 'id', joined by "and". The groups of a principal
// count for assignedTo alone.
func parseFilter(text string, groupsOf func(principalID string) []string) (filter, error) {
	var f filter
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	for clause := range strings.SplitSeq(text, " and ") {
		clause = strings.TrimSpace(clause)
		lower, withGroups := strings.ToLower(clause), false
		var literal string
		switch {
		case lower == "atscope()":
			f.atScope = true
			continue
		case strings.HasPrefix(lower, "assignedto(") && strings.HasSuffix(lower, ")"):
			literal, withGroups = clause[len("assignedto("):len(clause)-1], true
		case strings.HasPrefix(lower, "principalid eq "):
			literal = strings.TrimSpace(clause[len("principalid eq "):])
		}
		id, err := uuid.Parse(strings.Trim(literal, "'"))
		if err != nil || len(literal) != 38 || literal[0] != '\'' || literal[37] != '\'' {
			return filter{}, badRequest("UnsupportedQuery", "The filter '"+text+"' is not supported. Supported "+
				"filters are either 'atScope()', 'principalId eq '{value}'' or 'assignedTo('{value}')'.")
		}
		f.principals = []string{id.String()}
		if withGroups {
			f.principals = append(f.principals, groupsOf(id.String())...)
		}
	}
	return f, nil
}

func (c *call) assignmentObject(ra rbac.RoleAssignment) object {
	created := ra.CreatedOn.UTC().Format(time.RFC3339Nano)
	return object{"id": ra.ID, "type": "Microsoft.Authorization/roleAssignments", "name": ra.Name,
		"properties": object{
			"roleDefinitionId": ra.RoleDefinitionID, "principalId": ra.PrincipalID, "principalType": ra.PrincipalType,
			"scope":       ra.Scope,
			"description": orNull(ra.Description), "condition": orNull(ra.Condition),
			"conditionVersion": orNull(ra.ConditionVersion),
			"createdOn":        created, "updatedOn": created, "createdBy": nil, "updatedBy": nil,
			"delegatedManagedIdentityResourceId": nil,
		}}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
