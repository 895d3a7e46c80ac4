package functions

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setByThePlatform are what the Functions host and App Service set: no operator does.
var setByThePlatform = []string{
	"FUNCTIONS_CUSTOMHANDLER_PORT", "IDENTITY_ENDPOINT", "REGION_NAME", "WEBSITE_OWNER_NAME", "WEBSITE_RESOURCE_GROUP",
	"WEBSITE_SITE_NAME",
}

// TestThePageOfSettingsIsComplete compares docs/settings.md with the settings that the app asks for.
func TestThePageOfSettingsIsComplete(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	_, err := ConfigFromEnvironment(func(name string) (string, bool) {
		asked[name] = true
		return settings(map[string]string{"DDOE_API_URL": "https://gate.dataloop.ai/api/v1",
			"DDOE_API_KEY": "k"})(name)
	})
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join("..", "docs", "settings.md"))
	require.NoError(t, err)
	var documented []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, name := range regexp.MustCompile("`([A-Za-z_]+)`").FindAllStringSubmatch(cells[1], -1) {
				documented = append(documented, name[1])
			}
		}
	}
	wanted := slices.DeleteFunc(slices.Sorted(maps.Keys(asked)), func(name string) bool {
		return slices.Contains(setByThePlatform, name)
	})
	assert.ElementsMatch(t, wanted, documented)
}

// TestLinksBetweenPagesLead follows the links of the pages for people to files and headings that exist.
func TestLinksBetweenPagesLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range []string{"README.md", "infra/README.md", "docs/api.md", "docs/settings.md", "docs/ddoe.md",
		"docs/deploy.md", "docs/operate.md", "docs/security.md", "docs/decisions.md", "docs/changelog.md"} {
		text, err := os.ReadFile(filepath.Join("..", page))
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := filepath.Join("..", page)
			if target != "" {
				file = filepath.Join(filepath.Dir(file), target)
			}
			require.FileExists(t, exists(t, file), "%s: %s", page, found[1])
			if anchor != "" {
				assert.Contains(t, anchors(t, file), anchor, "%s: %s", page, found[1])
			}
		}
	}
}

// exists returns the file, or for a folder some file in it.
func exists(t *testing.T, file string) string {
	t.Helper()
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		entries, err := os.ReadDir(file)
		require.NoError(t, err)
		require.NotEmpty(t, entries, file)
		return filepath.Join(file, entries[0].Name())
	}
	return file
}

// anchors are the headings of a page, as GitHub makes links of them.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var found []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found = append(found, strings.ReplaceAll(anchor, " ", "-"))
	}
	return found
}
