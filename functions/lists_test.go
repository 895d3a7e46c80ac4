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

// TestAnIDHasLivesOfDifferentOwners: each owner sees what was done in their own, by id and in lists, and no more; an
// administrator sees all.
func TestAnIDHasLivesOfDifferentOwners(t *testing.T) {
	t.Parallel()
	for name, pass := range map[string]func(a *app){
		"given away after a teardown": func(a *app) {
			require.Equal(t, 202, as(a, first, "DELETE", "/integrations/my-images", "").StatusCode)
			a.deliver()
			require.Equal(t, 200, as(a, first, "PATCH", "/integrations/my-images/owner",
				`{"owner":"`+second+`"}`).StatusCode)
		},
		"freed, as its record cannot be read": func(a *app) {
			a.overwrite("integrations/my-images.json", "{")
			require.Equal(t, 202, as(a, manager, "DELETE", "/integrations/my-images", "").StatusCode)
			a.deliver()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := withCallers(t)
			made := as(a, first, "PUT", "/integrations/my-images", good)
			require.Equal(t, 201, made.StatusCode)
			a.deliver()
			as(a, manager, "PATCH", "/integrations/my-images", `{"displayName":"ours"}`)
			a.deliver()
			earlier := idsOf(as(a, first, "GET", "/operations?integrationId=my-images", ""))
			require.Len(t, earlier, 2)
			pass(a)
			again := as(a, second, "PUT", "/integrations/my-images", specOf("another"))
			require.Equal(t, 201, again.StatusCode, again.raw)
			a.deliver()

			later := idsOf(as(a, second, "GET", "/integrations/my-images/operations", ""))
			assert.Len(t, later, 1)
			for _, path := range []string{"/operations", "/operations?integrationId=my-images"} {
				assert.Equal(t, later, idsOf(as(a, second, "GET", path, "")), path)
				assert.Subset(t, idsOf(as(a, first, "GET", path, "")), earlier, path)
				assert.NotContains(t, idsOf(as(a, first, "GET", path, "")), later[0], path)
			}
			for _, id := range earlier {
				assert.Equal(t, 404, as(a, second, "GET", "/operations/"+id, "").StatusCode)
				assert.Equal(t, 404, as(a, second, "POST", "/operations/"+id+"/cancel", "").StatusCode)
				assert.Equal(t, 200, as(a, first, "GET", "/operations/"+id, "").StatusCode)
			}
			assert.Equal(t, 404, as(a, first, "GET", "/operations/"+later[0], "").StatusCode)
			assert.Equal(t, 404, as(a, first, "GET", "/integrations/my-images/operations", "").StatusCode)
			assert.NotContains(t, as(a, second, "GET", "/integrations/my-images", "").raw, first)
			assert.NotContains(t, as(a, second, "GET", "/integrations/my-images", "").raw, manager)
			assert.NotContains(t, as(a, second, "GET", "/integrations/my-images/health", "").raw, first)
			all := idsOf(as(a, manager, "GET", "/operations?integrationId=my-images", ""))
			assert.Subset(t, all, append(earlier, later...))
		})
	}
}

// TestALivingIntegrationTakesItsHistoryAlong, to whom it is given; the earlier owner sees it no more.
func TestALivingIntegrationTakesItsHistoryAlong(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	require.Equal(t, 200, as(a, first, "PATCH", "/integrations/my-images/owner",
		`{"owner":"`+second+`"}`).StatusCode)
	assert.Len(t, idsOf(as(a, second, "GET", "/operations", "")), 1)
	assert.Empty(t, idsOf(as(a, first, "GET", "/operations", "")))
}

// idsOf are the ids on a page of a list.
func idsOf(got answer) []string {
	ids := []string{}
	for _, item := range got.at("value").([]any) {
		ids = append(ids, item.(map[string]any)["id"].(string))
	}
	return ids
}
