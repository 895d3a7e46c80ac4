package graph

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
