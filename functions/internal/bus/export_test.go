package bus

import "context"

// CloseSender closes the entity's cached sender and leaves it in the cache.
func (c *Client) CloseSender(ctx context.Context, entity string) error {
	s, err := c.sender(entity)
	if err != nil {
		return err
	}
	return s.Close(ctx)
}

// SwapSDK exchanges the SDK's clients of the two. No sender can be made of one that is closed.
func (c *Client) SwapSDK(other *Client) { c.client, other.client = other.client, c.client }
