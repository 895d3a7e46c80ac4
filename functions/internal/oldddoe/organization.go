package ddoe

import (
	"context"
	"net/http"
)

// Membership is a user's part in an organisation. Members that the answer does not say are empty.
type Membership struct {
	OrganizationID string
	// User is the id of the member.
	User string
	// Role is the role in the organisation, such as owner, admin, member or worker.
	Role string
}

// Memberships lists the organisations of the API key's user. Entries that cannot be read are left out: the list serves to
// find a fault early, and proves nothing by what it lacks.
func (c *Client) Memberships(ctx context.Context) ([]Membership, error) {
	var entries list[struct {
		Organization reference `json:"org"`
		Member       reference `json:"member"`
		Role         string    `json:"role"`
	}]
	if _, err := c.do(ctx, call{op: "list own organisations", method: http.MethodGet, path: "/users/orgs"}, &entries); err != nil {
		return nil, err
	}
	var all []Membership
	for _, entry := range entries {
		if entry.Organization != "" {
			all = append(all, Membership{OrganizationID: string(entry.Organization), User: string(entry.Member), Role: entry.Role})
		}
	}
	return all, nil
}

// Project is a project of an organisation.
type Project struct {
	ID string
	// OrganizationID is the organisation that the project belongs to; empty where the answer does not say.
	OrganizationID string
}

// GetProject reads a project. The request is that of the platform's own SDK (dtlpy, Projects.__get_by_id), which takes every
// refusal for 404, "because of a bug in gate wrong error is returned": for one that it does not know or does not show, the
// platform may answer 404, 403 or 400.
func (c *Client) GetProject(ctx context.Context, projectID string) (Project, error) {
	var shown struct {
		ID           string    `json:"id"`
		Organization reference `json:"org"`
	}
	_, err := c.do(ctx, call{op: "read project", method: http.MethodGet, path: "/projects/" + segment(projectID), id: &shown.ID}, &shown)
	return Project{ID: shown.ID, OrganizationID: string(shown.Organization)}, err
}
