package access_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// hierarchical makes the account one with a hierarchical namespace, and puts a blob into its container.
func (c *cloud) hierarchical(blobs ...string) {
	account, found := c.world.StorageAccount("acmedata")
	require.True(c.t, found)
	account.HierarchicalNamespace = true
	c.world.PutStorageAccount(account)
	for _, name := range blobs {
		_, err := c.world.WriteBlob("acmedata", "images", world.Blob{Name: name})
		require.NoError(c.t, err)
	}
}

// paths are all blobs and directories of the container.
func (c *cloud) paths() []string {
	found, err := c.world.Blobs("acmedata", "images", "")
	require.NoError(c.t, err)
	paths := []string{}
	for _, b := range found {
		paths = append(paths, b.Name)
	}
	return paths
}

// TestAHierarchicalNamespaceIsLeftAsItWas: the world holds the same paths after a test as before, directories
// included, with and without a prefix, in both modes.
func TestAHierarchicalNamespaceIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prefix string
		there  []string
	}{
		"no prefix":            {"", nil},
		"a new folder":         {"wif", nil},
		"new folders":          {"wif/tests/deep", nil},
		"a folder of theirs":   {"theirs", []string{"theirs/blob"}},
		"one in theirs":        {"theirs/wif", []string{"theirs/blob"}},
		"an empty one of them": {"theirs/empty", []string{"theirs/empty/gone"}},
	} {
		for _, mode := range []access.Mode{access.ModeRoundtrip, access.ModeOracle} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				cloud := newCloud(t)
				cloud.hierarchical(c.there...)
				if strings.Contains(name, "empty") {
					require.NoError(t, cloud.world.DeleteBlob("acmedata", "images", c.there[0]))
				}
				before := cloud.paths()
				report, err := cloud.tester().Run(t.Context(), access.Request{Document: cloud.document(),
					Token: cloud.token(platform.TokenRequest{}), Mode: mode, Prefix: c.prefix})
				require.NoError(t, err)
				assert.Equal(t, assessment.VerdictPass, report.Verdict)
				assert.Equal(t, before, cloud.paths())
				assert.Empty(t, report.Leftovers)
			})
		}
	}
}

// TestAFolderThatStaysIsReported, unless somebody else has begun to use it.
func TestAFolderThatStaysIsReported(t *testing.T) {
	t.Parallel()
	for name, isUsed := range map[string]bool{"it is refused": false, "somebody uses it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.hierarchical()
			c.answer = func(r *http.Request) *http.Response {
				switch {
				case r.Method != http.MethodDelete || !strings.HasSuffix(r.URL.Path, "/images/wif"):
				case isUsed:
					_, err := c.world.WriteBlob("acmedata", "images", world.Blob{Name: "wif/theirs"})
					require.NoError(t, err)
				default:
					return refusal(http.StatusForbidden, "AuthorizationPermissionMismatch", nil)
				}
				return nil
			}
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: c.token(platform.TokenRequest{}), Prefix: "wif"})
			require.NoError(t, err)
			assert.Contains(t, c.paths(), "wif")
			if isUsed {
				assert.Empty(t, report.Leftovers)
				return
			}
			require.Len(t, report.Leftovers, 1)
			assert.Equal(t, accountURL+"images/wif", report.Leftovers[0].URL)
			assert.Contains(t, report.Leftovers[0].Reason, "role-missing")
			assert.Contains(t, report.Leftovers[0].Remedy, "--name=wif")
		})
	}
}
