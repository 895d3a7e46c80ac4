package platform

import (
	"net/http"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func (g *gate) me(c call) (int, any, error) {
	return http.StatusOK, g.userView(c.user), nil
}

func (g *gate) userView(user world.Object) world.Object {
	return world.Object{"id": text(user, "id"), "email": orDefault(text(user, "email"), text(user, "id")), "username": text(user, "username"), "type": "user"}
}

// memberships are the caller's roles, one for each organisation.
func (g *gate) memberships(c call) (int, any, error) {
	all := []world.Object{}
	for _, organization := range g.world.DDOEObjects(world.DDOEOrganizations) {
		if role := text(c.user, organizationRole); role != "" {
			all = append(all, world.Object{"org": g.reference(world.DDOEOrganizations, text(organization, "id"), false),
				"member": g.reference(world.DDOEUsers, text(c.user, "id"), false), "role": role, "status": "active", "inviteEmail": text(c.user, "id")})
		}
	}
	return http.StatusOK, all, nil
}

func (g *gate) organizations(call) (int, any, error) {
	return http.StatusOK, g.world.DDOEObjects(world.DDOEOrganizations), nil
}

func (g *gate) organization(c call) (int, any, error) {
	o, err := g.pathOrganization(c)
	return http.StatusOK, o, err
}

// pathOrganization is the organisation that the path names.
func (g *gate) pathOrganization(c call) (world.Object, error) {
	o, ok := g.world.DDOEObject(world.DDOEOrganizations, c.PathValue("org"))
	if !ok {
		return nil, refuse(http.StatusNotFound, "Org not found")
	}
	return o, nil
}

func (g *gate) projects(call) (int, any, error) {
	return http.StatusOK, g.world.DDOEObjects(world.DDOEProjects), nil
}

func (g *gate) project(c call) (int, any, error) {
	o, ok := g.world.DDOEObject(world.DDOEProjects, c.PathValue("project"))
	if !ok {
		return 0, nil, refuse(http.StatusNotFound, "Project not found")
	}
	return http.StatusOK, o, nil
}

// available lists the integration types that the organisation may create. What the sandbox alone knows about an option is
// left out.
func (g *gate) available(c call) (int, any, error) {
	if _, err := g.pathOrganization(c); err != nil {
		return 0, nil, err
	}
	all := g.world.DDOEObjects(world.DDOEAvailableIntegrations)
	for _, one := range all {
		for _, option := range options(one) {
			delete(option, "means")
		}
	}
	return http.StatusOK, all, nil
}
