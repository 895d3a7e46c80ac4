package platform

import (
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func (g *gate) me(c call) (int, any, error) {
	return http.StatusOK, g.userView(c.user), nil
}

func (g *gate) userView(user world.Object) world.Object {
	return world.Object{"id": text(user, "id"), "email": text(user, "email"), "username": text(user, "username"), "type": "user"}
}

// memberships are the caller's roles, one for each organisation.
func (g *gate) memberships(c call) (int, any, error) {
	all := []world.Object{}
	for _, organization := range g.world.DDOEObjects(world.DDOEOrganizations) {
		if role := text(c.user, organizationRole); role != "" {
			all = append(all, world.Object{"org": text(organization, "id"), "member": text(c.user, "id"), "role": role, "status": "active"})
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

// options are the options that an available integration lists.
func options(available world.Object) []world.Object {
	list, _ := available["options"].([]any)
	all := make([]world.Object, 0, len(list))
	for _, one := range list {
		if option, ok := one.(world.Object); ok {
			all = append(all, option)
		}
	}
	return all
}

// meaning is what an option's value is for: what the world says, or else what its names tell a person.
func meaning(option world.Object) string {
	if means := text(option, "means"); means != "" {
		return means
	}
	names := strings.ToLower(text(option, "name") + " " + text(option, "displayName"))
	for _, word := range []struct{ part, means string }{
		{"tenant", world.MeansTenantID}, {"directory", world.MeansTenantID}, {"secret", world.MeansClientSecret},
		{"file", world.MeansCredentialFile}, {"json", world.MeansCredentialFile}, {"content", world.MeansCredentialFile},
		{"account", world.MeansAccountName}, {"client", world.MeansClientID}, {"application", world.MeansClientID},
	} {
		if strings.Contains(names, word.part) {
			return word.means
		}
	}
	return ""
}
