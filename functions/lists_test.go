package functions

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// specOf is a spec with a subject of its own.
func specOf(service string) string { return strings.Replace(good, "my-service", service, 1) }

// TestListsTellNothingOfOthers: a caller's pages, links included, are those of a deployment of its own.
func TestListsTellNothingOfOthers(t *testing.T) {
	t.Parallel()
	shared, private := withCallers(t), withCallers(t)
	for i, who := range []string{second, first, second, second, first, second} {
		path := fmt.Sprintf("/integrations/service-%d", i)
		require.Equal(t, 201, as(shared, who, "PUT", path, specOf(fmt.Sprintf("s%d", i))).StatusCode)
		if who == first {
			require.Equal(t, 201, as(private, who, "PUT", path, specOf(fmt.Sprintf("s%d", i))).StatusCode)
		}
	}
	for _, path := range []string{"/integrations?pageSize=1", "/integrations?pageSize=2",
		"/integrations?pageSize=1&phase=usable", "/operations?pageSize=1", "/operations?pageSize=2",
		"/operations?integrationId=service-1&pageSize=1", "/operations?integrationId=service-0"} {
		assert.Equal(t, pagesOf(private, first, path), pagesOf(shared, first, path), path)
	}
}

// pagesOf are the pages of a list, each with the ids on it and where the next one begins.
func pagesOf(a *app, who, path string) []string {
	a.t.Helper()
	var pages []string
	for path != "" {
		got := as(a, who, "GET", path, "")
		require.Equal(a.t, 200, got.StatusCode, got.raw)
		var ids []string
		for _, item := range got.at("value").([]any) {
			of := item.(map[string]any)
			if id, isOperation := of["integrationId"]; isOperation {
				ids = append(ids, id.(string))
				continue
			}
			ids = append(ids, of["id"].(string))
		}
		next, _ := got.at("nextLink").(string)
		link, err := url.Parse(next)
		require.NoError(a.t, err)
		path = strings.TrimPrefix(next, "/api")
		pages = append(pages, fmt.Sprintf("%v, more: %t, in %v", ids, next != "", len(link.Query())))
		require.Less(a.t, len(pages), 20)
	}
	return pages
}

// TestAListOfOthersIsThatOfNothing, byte for byte, whatever the size of its pages.
func TestAListOfOthersIsThatOfNothing(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	require.Equal(t, 200, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	for _, query := range []string{"", "&pageSize=1", "&pageSize=1&status=Failed", "&status=Succeeded"} {
		there := as(a, second, "GET", "/operations?integrationId=my-images"+query, "")
		absent := as(a, second, "GET", "/operations?integrationId=not-there"+query, "")
		require.Equal(t, 200, there.StatusCode, there.raw)
		assert.Equal(t, absent.raw, there.raw)
		assert.NotContains(t, there.raw, "nextLink")
	}
	assert.Contains(t, as(a, first, "GET", "/operations?integrationId=my-images&pageSize=1", "").raw, "nextLink")
}
