package credential

// Counted is how much the package knows, for the document that tells it.
type Counted struct{ Rules, Kinds int }

// Count counts the rules, those of the tables of values included, and the kinds of other files that are told by name.
func Count() Counted {
	var c Counted
	for _, a := range aspects() {
		for _, r := range a.rules {
			if r.id != "table" {
				c.Rules++
			}
		}
	}
	for _, v := range values() {
		c.Rules += len(v.table(&subject{}))
	}
	c.Kinds = len(binaryKinds) + len(textKinds()) + len(objectKinds())
	return c
}

// MembersOf are the names and the values of a JSON object, as they are written.
func MembersOf(object []byte) (names, values []string) {
	for _, m := range membersOf(object) {
		names, values = append(names, m.name), append(values, string(m.raw))
	}
	return names, values
}
