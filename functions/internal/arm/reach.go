package arm

import (
	"context"
	"net/http"
)

const versionSubscriptions = "2022-12-01"

// Reach asks Azure Resource Manager which subscriptions there are, which anybody may ask. Source:
// https://learn.microsoft.com/rest/api/resources/subscriptions/list.
func (c *Client) Reach(ctx context.Context) error {
	const op = "list subscriptions"
	var body struct {
		Value []struct{} `json:"value"`
	}
	target, err := c.target("subscriptions", "", versionSubscriptions)
	if err != nil {
		return wrap(op, err)
	}
	resp, err := c.sendTo(ctx, op, http.MethodGet, target, nil, &body)
	if err == nil && body.Value == nil {
		err = undecodable(op, resp, errIncomplete)
	}
	return err
}
