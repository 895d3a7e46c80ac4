// Package sample is mutated by the tests of the mutants command.
package sample

// Check is tested, but for the exact limit.
func Check(text string) bool {
	return len(text) > 3
}
