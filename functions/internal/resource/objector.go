package resource

// Objector is a kind that may say of a teardown, by an item that Blocks, that it would break what others have built. A
// teardown waits for what these kinds say, for a short while, and for no other kind before it removes what goes first.
type Objector interface {
	Kind
	// CanObject reports whether there is anybody to ask.
	CanObject() bool
}
