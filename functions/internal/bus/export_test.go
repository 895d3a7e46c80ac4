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
