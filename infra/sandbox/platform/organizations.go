package platform

import (
	"net/http"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func (g *gate) me(c call) (int, any, error) {
	id := text(c.user, "id")
	return http.StatusOK, dataloop.Object{"id": id, "email": orDefault(text(c.user, "email"), id),
		"username": text(c.user, "username"), "type": "user"}, nil
}

// pathOrganization is the id of the organisation that the path names.
func (g *gate) pathOrganization(c call) (string, error) {
	o, ok := g.world.DDOEObject(dataloop.Organizations, c.PathValue("org"))
	if !ok {
		return "", refuse(http.StatusNotFound, "Org not found")
	}
	return text(o, "id"), nil
}

func (g *gate) project(c call) (int, any, error) {
	o, ok := g.world.DDOEObject(dataloop.Projects, c.PathValue("project"))
	if !ok {
		return 0, nil, refuse(http.StatusNotFound, "Project not found")
	}
	return http.StatusOK, o, nil
}

// available lists the integration types that the organisation may create. What the sandbox alone knows about an option
// is left out.
func (g *gate) available(c call) (int, any, error) {
	if _, err := g.pathOrganization(c); err != nil {
		return 0, nil, err
	}
	all := g.world.DDOEObjects(dataloop.AvailableIntegrations)
	for _, one := range all {
		for _, option := range options(one) {
			delete(option, "means")
		}
	}
	return http.StatusOK, all, nil
}
