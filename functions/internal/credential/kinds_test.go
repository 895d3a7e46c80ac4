package credential_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
)

// TestAKindNeedsAllOfItsMembers: what lacks one of them is a credential file with faults, not a file of that kind.
func TestAKindNeedsAllOfItsMembers(t *testing.T) {
	t.Parallel()
	for name, row := range kindRows() {
		for i := range row.members {
			members := slices.Delete(slices.Clone(row.members), i, i+1)
			found := codes(linter().Lint([]byte("{"+strings.Join(members, ",")+"}"), credential.Form{}))
			assert.NotContains(t, found, "file-wrong-kind ", "%s without %s", name, row.members[i])
			assert.NotEmpty(t, found)
		}
	}
}
