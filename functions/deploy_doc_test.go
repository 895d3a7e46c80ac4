package functions

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheDeploymentPageFollowsWhatIsDeployed: how many functions there are, one file of parameters in all steps, and
// what is made in Entra is taken away again.
func TestTheDeploymentPageFollowsWhatIsDeployed(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(filepath.Join("..", "docs", "deploy.md"))
	require.NoError(t, err)
	page := string(body)
	folders, err := filepath.Glob("*/function.json")
	require.NoError(t, err)
	assert.Contains(t, page, "prints `"+strconv.Itoa(len(folders))+"`, the number of functions")
	files := regexp.MustCompile(`[a-z./]*\.bicepparam`).FindAllString(page, -1)
	require.Greater(t, len(files), 3)
	for _, file := range files {
		assert.Contains(t, []string{"infra/my.bicepparam", "../infra/main.bicepparam"}, file)
	}
	at := regexp.MustCompile(`(?m)^## Uninstall$`).FindStringIndex(page)
	require.NotNil(t, at)
	uninstall := page[at[1]:]
	assert.Contains(t, uninstall, `az ad app delete --id "$audience"`)
	assert.Contains(t, uninstall, "az role definition delete")
	assert.Contains(t, uninstall, "az role assignment delete")
}
