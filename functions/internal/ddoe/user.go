package ddoe

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// reference is another object as the platform shows it: its id, or the object itself.
type reference string

// UnmarshalJSON reads both forms.
func (r *reference) UnmarshalJSON(body []byte) error {
	if json.Unmarshal(body, (*string)(r)) == nil {
		return nil
	}
	var object struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(body, &object)
	*r = reference(object.ID)
	return err
}

// Me reads the e-mail address of the API key's user.
func (c *Client) Me(ctx context.Context) (string, error) {
	var u struct {
		Email string `json:"email"`
	}
	_, err := c.do(ctx, call{op: "read own user", method: http.MethodGet, path: "/users/me", answer: &u,
		isComplete: func() bool { return u.Email != "" }})
	return u.Email, err
}

// Role is the role of the API key's user in an organisation, such as owner, admin, member or worker; empty where the list of
// the user's organisations does not say.
func (c *Client) Role(ctx context.Context, organizationID string) (string, error) {
	var all []struct {
		Organization reference `json:"org"`
		Role         string    `json:"role"`
	}
	_, err := c.do(ctx, call{op: "list own organisations", method: http.MethodGet, path: "/users/orgs", answer: &all})
	for _, one := range all {
		if strings.EqualFold(string(one.Organization), organizationID) {
			return one.Role, err
		}
	}
	return "", err
}

// ProjectOrganization is the id of the organisation that a project belongs to; empty where the answer does not say. For a
// project that it does not know or does not show, the platform may answer 404, 403 or 400 (dtlpy, Projects.__get_by_id).
func (c *Client) ProjectOrganization(ctx context.Context, projectID string) (string, error) {
	var p struct {
		ID           string    `json:"id"`
		Organization reference `json:"org"`
	}
	_, err := c.do(ctx, call{op: "read project", method: http.MethodGet, path: "/projects/" + segment(projectID), answer: &p,
		isComplete: func() bool { return p.ID != "" }})
	return string(p.Organization), err
}

// KeyExpires is when an API key ends, by its claim exp, which nobody has verified; false where the key is no JWT or has no
// exp.
func KeyExpires(key secret.Value) (time.Time, bool) {
	parts := strings.Split(key.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(body, &claims) != nil || claims.Expires <= 0 || claims.Expires > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Expires), 0).UTC(), true
}
