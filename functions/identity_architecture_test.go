package functions

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// ofIdentityKinds are parts of words that tell the kinds of identity apart.
var ofIdentityKinds = []string{"identitymanaged", "identityapplication", "inresourcegroup", "indirectory"}

// knowsIdentityKinds are the files and rooms that may use them: the list, the words of each way to look after an
// identity, the kinds themselves, and the composition, which names each once.
var knowsIdentityKinds = []string{"functions/internal/integration/identity_kinds.go",
	"functions/internal/diagnosis/catalogue_identity.go", "functions/internal/resource/application",
	"functions/internal/resource/managedidentity", "functions/resources.go"}

// TestNobodyAsksWhichIdentityKind it is: each says of itself what others need.
func TestNobodyAsksWhichIdentityKind(t *testing.T) {
	t.Parallel()
	asks := map[string]bool{}
	for _, s := range sources(t) {
		for name, file := range s.files {
			at := path.Join(s.folder, name)
			found := wordsNamed(file, ofIdentityKinds)
			if len(found) == 0 || !strings.HasPrefix(at, "functions/") {
				continue
			}
			i := slices.IndexFunc(knowsIdentityKinds, func(room string) bool {
				return at == room || strings.HasPrefix(at, room+"/")
			})
			if assert.GreaterOrEqual(t, i, 0, "%s: %v", at, found) {
				asks[knowsIdentityKinds[i]] = true
			}
		}
	}
	assert.ElementsMatch(t, knowsIdentityKinds, slices.Collect(maps.Keys(asks)))
}
