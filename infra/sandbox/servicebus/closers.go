package servicebus

// closer is a listener or connection that Close must end. It is called with the broker's lock held.
type closer struct{ close func() }

// Enter registers something that Close ends by calling cancel and then waits for; done must be called at its end.
func (b *Broker) Enter(cancel func()) (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	c := &closer{close: cancel}
	b.closers[c] = struct{}{}
	b.serving.Add(1)
	return func() {
		b.mu.Lock()
		delete(b.closers, c)
		b.mu.Unlock()
		b.serving.Done()
	}, true
}
