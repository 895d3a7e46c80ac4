package arm

import "net/http"

// listDenyAssignments lists the deny assignments that bind a scope. Source: Microsoft.Authorization 2022-04-01.
func (c *call) listDenyAssignments(scope string) (answer, error) {
	if err := c.authorize("Microsoft.Authorization/denyAssignments/read", scope); err != nil {
		return answer{}, err
	}
	list := []object{}
	denies, _ := c.world.Restrictions(scope)
	for _, d := range denies {
		list = append(list, object{"id": d.Scope + "/providers/Microsoft.Authorization/denyAssignments/" + d.ID,
			"name": d.ID, "type": "Microsoft.Authorization/denyAssignments", "properties": object{
				"denyAssignmentName": d.ID, "scope": d.Scope, "permissions": []object{{"actions": listed(d.Actions),
					"notActions": listed(d.NotActions), "dataActions": listed(d.DataActions),
					"notDataActions": listed(d.NotDataActions)}},
				"principals": principals(d.Principals), "excludePrincipals": principals(d.ExcludePrincipals)}})
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// listed is a list as an answer has it: never null.
func listed(all []string) []string { return append([]string{}, all...) }

func principals(ids []string) []object {
	list := []object{}
	for _, id := range ids {
		list = append(list, object{"id": id, "type": "ServicePrincipal"})
	}
	return list
}

// listLocks lists the locks that bind a scope. Source: Microsoft.Authorization, locks, 2020-05-01.
func (c *call) listLocks(scope string) (answer, error) {
	if err := c.authorize("Microsoft.Authorization/locks/read", scope); err != nil {
		return answer{}, err
	}
	list := []object{}
	_, locks := c.world.Restrictions(scope)
	for _, l := range locks {
		list = append(list, object{"id": l.Scope + "/providers/Microsoft.Authorization/locks/" + l.ID, "name": l.ID,
			"type": "Microsoft.Authorization/locks", "properties": object{"level": l.Level}})
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}
