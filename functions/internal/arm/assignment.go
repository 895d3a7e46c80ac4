package arm

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
)

// Outcome is what a write did.
type Outcome string

// The outcomes of writes.
const (
	OutcomeCreated   Outcome = "created"   // 201
	OutcomeUnchanged Outcome = "unchanged" // 200: it was there already, with this role, principal and scope
	OutcomeDeleted   Outcome = "deleted"   // 200
	OutcomeAbsent    Outcome = "absent"    // 204
)

// Write is the receipt of a write.
type Write struct {
	Outcome   Outcome
	RequestID string // ARM's x-ms-request-id, what Microsoft's support asks for
}

// RoleAssignment grants a role at a scope to a service principal.
type RoleAssignment struct {
	ID    string // full ARM id; may stay empty for a Put, then Scope and Name count
	Scope string // may differ from the scope it was listed at: listings hold inherited assignments
	Name  string // GUID
	// RoleDefinitionID is the role's full ARM id.
	RoleDefinitionID string
	// PrincipalID is the service principal's object id, or that of a group. ARM may accept a wrong one silently.
	PrincipalID string
	Description string
	// Condition narrows the grant (attribute-based access control). Only an administrator sets one; a write that
	// leaves it out removes it.
	Condition string
}

// PutRoleAssignment writes the assignment, always with principalType ServicePrincipal: ARM then does not insist on
// finding a principal that is minutes old. Role, principal and scope of an existing name cannot be changed
// (RoleAssignmentUpdateNotPermitted). 409 RoleAssignmentExists means that the same grant exists under another name.
func (c *Client) PutRoleAssignment(ctx context.Context, a RoleAssignment) (Write, error) {
	const op = "put role assignment"
	if a.ID == "" {
		a.ID = RoleAssignmentID(a.Scope, a.Name)
	}
	id, err := escapeID(a.ID)
	if err != nil {
		return Write{}, fmt.Errorf("arm: %s: %w", op, err)
	}
	principalType := armauthorization.PrincipalTypeServicePrincipal
	properties := &armauthorization.RoleAssignmentProperties{
		RoleDefinitionID: &a.RoleDefinitionID, PrincipalID: &a.PrincipalID, PrincipalType: &principalType,
	}
	if a.Description != "" {
		properties.Description = &a.Description
	}
	if a.Condition != "" {
		properties.Condition, properties.ConditionVersion = &a.Condition, to("2.0")
	}
	var resp *http.Response
	_, err = c.assignments.CreateByID(policy.WithCaptureResponse(ctx, &resp), id,
		armauthorization.RoleAssignmentCreateParameters{Properties: properties}, nil)
	if err != nil {
		return Write{}, wrapAnswered(op, err, resp)
	}
	w := Write{Outcome: OutcomeUnchanged, RequestID: resp.Header.Get(headerRequestID)}
	if resp.StatusCode == http.StatusCreated {
		w.Outcome = OutcomeCreated
	}
	return w, nil
}

// GetRoleAssignment reads an assignment by its full id; *Error with status 404 if there is none.
func (c *Client) GetRoleAssignment(ctx context.Context, id string) (RoleAssignment, error) {
	const op = "read role assignment"
	path, err := escapeID(id)
	if err != nil {
		return RoleAssignment{}, fmt.Errorf("arm: %s: %w", op, err)
	}
	var resp *http.Response
	found, err := c.assignments.GetByID(policy.WithCaptureResponse(ctx, &resp), path, nil)
	if err != nil {
		return RoleAssignment{}, wrapAnswered(op, err, resp)
	}
	if value(found.ID) == "" {
		return RoleAssignment{}, undecodable(op, resp, errIncomplete)
	}
	return fromSDK(&found.RoleAssignment), nil
}

// ListRoleAssignments lists the principal's assignments that count at scope: those at it, those inherited from above
// and those below it. Compare RoleAssignment.Scope, ignoring case, where only the first are meant.
func (c *Client) ListRoleAssignments(ctx context.Context, scope, principalID string) ([]RoleAssignment, error) {
	return c.listAssignments(ctx, scope, "principalId eq '"+strings.ReplaceAll(principalID, "'", "''")+"'")
}

// ListEffectiveAssignments lists the assignments that count at scope for the principal, those of the groups that it is
// in included; those below it, too. Source: learn.microsoft.com, List Azure role assignments using the REST API,
// filter assignedTo.
func (c *Client) ListEffectiveAssignments(ctx context.Context, scope, principalID string) ([]RoleAssignment, error) {
	return c.listAssignments(ctx, scope, "assignedTo('"+strings.ReplaceAll(principalID, "'", "''")+"')")
}

func (c *Client) listAssignments(ctx context.Context, scope, filter string) ([]RoleAssignment, error) {
	const op = "list role assignments"
	path, err := escapeID(scope)
	if err != nil {
		return nil, fmt.Errorf("arm: %s: %w", op, err)
	}
	// The SDK puts the filter into the query as it is, and a space there is 400 from ARM (azure-sdk-for-go issue
	// 20847).
	filter = strings.ReplaceAll(url.QueryEscape(filter), "+", "%20")
	pager := c.assignments.NewListForScopePager(path,
		&armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: &filter})
	all := []RoleAssignment{}
	for n := 0; pager.More(); n++ {
		if n == maxPages {
			return nil, fmt.Errorf("arm: %s: more than %d pages", op, maxPages)
		}
		var resp *http.Response
		page, err := pager.NextPage(policy.WithCaptureResponse(ctx, &resp))
		if err != nil {
			return nil, wrapAnswered(op, err, resp)
		}
		if page.Value == nil {
			return nil, undecodable(op, resp, errIncomplete)
		}
		for _, a := range page.Value {
			all = append(all, fromSDK(a))
		}
	}
	return all, nil
}

// DeleteRoleAssignment deletes an assignment by its full id.
func (c *Client) DeleteRoleAssignment(ctx context.Context, id string) (Write, error) {
	const op = "delete role assignment"
	path, err := escapeID(id)
	if err != nil {
		return Write{}, fmt.Errorf("arm: %s: %w", op, err)
	}
	var resp *http.Response
	_, err = c.assignments.DeleteByID(policy.WithCaptureResponse(ctx, &resp), path, nil)
	if err != nil {
		return Write{}, wrapAnswered(op, err, resp)
	}
	w := Write{Outcome: OutcomeDeleted, RequestID: resp.Header.Get(headerRequestID)}
	if resp.StatusCode != http.StatusOK {
		w.Outcome = OutcomeAbsent
	}
	return w, nil
}

func fromSDK(a *armauthorization.RoleAssignment) RoleAssignment {
	if a == nil {
		return RoleAssignment{}
	}
	r := RoleAssignment{ID: value(a.ID), Name: value(a.Name)}
	if p := a.Properties; p != nil {
		r.Scope, r.RoleDefinitionID = value(p.Scope), value(p.RoleDefinitionID)
		r.PrincipalID, r.Description, r.Condition = value(p.PrincipalID), value(p.Description), value(p.Condition)
	}
	return r
}

func to(s string) *string { return &s }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
