package diagnosis

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden file")

// TestCatalogue holds every entry whole, as a person and a program get it: what a code is called, what it states, and
// which numbers of Entra's mean it.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "catalogue.txt")
	got := catalogueText()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n\n"), strings.Split(got, "\n\n"))
}

// catalogueText writes each entry, with the members that are not empty.
func catalogueText() string {
	var b strings.Builder
	for _, e := range Entries() {
		lost := Entry{}
		if e.Lost != nil {
			lost = Entry{Cause: e.Lost.Cause, Who: e.Lost.Who, Steps: e.Lost.Steps}
		}
		fmt.Fprintf(&b, "%s\n", e.Code)
		for _, line := range []struct{ name, text string }{
			{"title", e.Title}, {"cause", e.Cause}, {"cause, of a test", e.Tested}, {"who", string(e.Who)}, {"steps",
				strings.Join(e.Steps, "\n\t\t")},
			{"where lost", lost.Cause}, {"who, where lost", string(lost.Who)},
			{"steps, where lost", strings.Join(lost.Steps, "\n\t\t")}, {"command", e.Command}, {"layer", e.Layer},
			{"outcome", string(e.CheckStatus())},
			{"may pass", map[[2]bool]string{{true, false}: "yes", {true, true}: "soon after a change"}[[2]bool{
				e.Transient, e.Propagation}]},
			{"AADSTS", strings.Trim(fmt.Sprint(e.AADSTS), "[]")},
		} {
			if line.text != "" {
				fmt.Fprintf(&b, "\t%s: %s\n", line.name, line.text)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
