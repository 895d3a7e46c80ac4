package resource

import "slices"

// Wanted are the items that the spec asks for.
func Wanted(items []Item) []Item {
	return filter(items, func(i Item) bool { return i.State != Unwanted && i.State != Extra })
}

// InState are the items in one of the states that could be read.
func InState(items []Item, states ...State) []Item {
	return filter(items, func(i Item) bool { return i.Err == nil && slices.Contains(states, i.State) })
}

func filter(items []Item, keep func(Item) bool) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return !keep(i) })
}
