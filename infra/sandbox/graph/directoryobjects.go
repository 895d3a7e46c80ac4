package graph

import (
	"encoding/json"
	"slices"
	"strings"
)

// maximumIDs is how many ids one getByIds takes.
const maximumIDs = 1000

// directoryObjects answers getByIds, by which the Azure CLI finds the names of principals.
// Source: https://learn.microsoft.com/graph/api/directoryobject-getbyids.
type directoryObjects struct{ *call }

func (c directoryObjects) route() (answer, error) {
	return c.byMethod(map[string]func() (answer, error){"POST": c.getByIDs})
}

// getByIDs leaves out ids that nothing has.
func (c directoryObjects) getByIDs() (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	members, err := c.body()
	if err != nil {
		return answer{}, err
	}
	var ids, types []string
	for name, into := range map[string]*[]string{"ids": &ids, "types": &types} {
		if raw, isGiven := members[name]; isGiven && json.Unmarshal(raw, into) != nil {
			return answer{}, badRequest("Invalid value specified for property '%s'.", name)
		}
	}
	if len(ids) == 0 || len(ids) > maximumIDs {
		return answer{}, badRequest("The number of ids must be between 1 and %d.", maximumIDs)
	}
	list := []entity{}
	add := func(typeName string, e entity) {
		isAsked := len(types) == 0 || slices.ContainsFunc(types, func(asked string) bool {
			return strings.EqualFold(asked, typeName) || strings.EqualFold(asked, "directoryObject")
		})
		if isAsked {
			e["@odata.type"] = "#microsoft.graph." + typeName
			list = append(list, e)
		}
	}
	for _, id := range ids {
		if sp, isThere := c.world.ServicePrincipal(id); isThere {
			add("servicePrincipal", c.principalEntity(sp))
		}
		if app, isThere := c.world.Application(id); isThere {
			add("application", c.applicationEntity(app))
		}
	}
	return answer{status: 200, body: entity{"@odata.context": c.context("directoryObjects"), "value": list}}, nil
}
