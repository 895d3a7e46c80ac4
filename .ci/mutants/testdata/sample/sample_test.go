package sample

import "testing"

func TestCheck(t *testing.T) {
	if Check("ab") || !Check("abcdefgh") {
		t.Fatal()
	}
}
