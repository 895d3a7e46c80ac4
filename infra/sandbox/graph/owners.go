package graph

import (
	"encoding/json"
	"slices"
	"strings"
)

// owners lists the owners of an object, all of which are service principals here.
func (c *call) owners(objectID string, err error) (answer, error) {
	if denied := c.mayRead(); denied != nil {
		return answer{}, denied
	}
	if err != nil {
		return answer{}, err
	}
	all := []entity{}
	for _, id := range c.world.Owners(objectID) {
		sp, ok := c.world.ServicePrincipal(id)
		if !ok {
			continue
		}
		e := c.principalEntity(sp)
		e["@odata.type"] = "#microsoft.graph.servicePrincipal"
		all = append(all, e)
	}
	return c.page(kind{set: "directoryObjects", typeName: "directoryObject"}, all)
}

// isOwnersReference tells whether what follows an object is the list that owners are added to.
func isOwnersReference(rest []segment) bool {
	return len(rest) == 2 && strings.EqualFold(rest[0].name, "owners") && rest[1].name == "$ref"
}

// addOwner makes a directory object an owner, by its URL in @odata.id. Only who may write the object may. Source:
// https://learn.microsoft.com/graph/api/application-post-owners.
func (c *call) addOwner(objectID string, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	if denied := c.mayWrite(objectID); denied != nil {
		return answer{}, denied
	}
	body, err := c.body()
	if err != nil {
		return answer{}, err
	}
	var reference string
	if json.Unmarshal(body["@odata.id"], &reference) != nil {
		return answer{}, badSyntax("The reference is missing.")
	}
	owner := reference[strings.LastIndexByte(reference, '/')+1:]
	if slices.Contains(c.world.Owners(objectID), owner) {
		return answer{}, badSyntax("One or more added object references already exist for the following modified " +
			"properties: 'owners'.")
	}
	if _, ok := c.world.ServicePrincipal(owner); !ok {
		return answer{}, notFound(owner)
	}
	c.world.AddOwner(objectID, owner)
	return noContent(), nil
}
