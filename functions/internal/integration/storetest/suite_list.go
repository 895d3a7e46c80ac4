package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

func listOrder(t *testing.T, s integration.Store, prefix string) {
	etags := map[string]string{}
	for _, k := range []string{"c.json", "a.json", "b/x.json", "B.json", "a-1.json"} {
		etags[prefix+k] = put(t, s, prefix+k, `"`+k+`"`, "")
	}
	records, next, err := s.List(t.Context(), prefix, "", 1000)
	require.NoError(t, err)
	require.Empty(t, next)
	require.Equal(t, []string{"B.json", "a-1.json", "a.json", "b/x.json", "c.json"}, trimmed(records, prefix))
	for _, r := range records {
		assert.Equal(t, `"`+strings.TrimPrefix(r.Key, prefix)+`"`, string(r.Body))
		assert.Equal(t, etags[r.Key], r.ETag, "the ETag of a listing is good for a write")
	}
	put(t, s, records[0].Key, `2`, records[0].ETag)
}

func listPrefix(t *testing.T, s integration.Store, prefix string) {
	for _, k := range []string{"integrations/a.json", "integrations/ab.json", "integrations-old/a.json",
		"operations/a.json"} {
		put(t, s, prefix+k, `1`, "")
	}
	for p, want := range map[string][]string{
		"integrations/":  {"integrations/a.json", "integrations/ab.json"},
		"integrations/a": {"integrations/a.json", "integrations/ab.json"},
		"integrations":   {"integrations-old/a.json", "integrations/a.json", "integrations/ab.json"},
		"none/":          {},
	} {
		records, _ := listAll(t, s, prefix+p, 10)
		assert.Equal(t, want, trimmed(records, prefix), "prefix %s", p)
	}
}

func listPages(t *testing.T, s integration.Store, prefix string) {
	want := []string{}
	for i := range 23 {
		k := fmt.Sprintf("r-%02d.json", i)
		put(t, s, prefix+k, `1`, "")
		want = append(want, k)
	}
	for _, limit := range []int{1, 5, 22, 23, 24, 1000} {
		records, pages := listAll(t, s, prefix, limit)
		assert.Equal(t, want, trimmed(records, prefix), "limit %d", limit)
		assert.GreaterOrEqual(t, pages, (len(want)+limit-1)/limit, "limit %d", limit)
	}
}

// listWhileDeleting: a page that was listed before a delete goes on where it was, and never fails for the gap.
func listWhileDeleting(t *testing.T, s integration.Store, prefix string) {
	etags := map[string]string{}
	for _, k := range []string{"a", "b", "c", "d"} {
		etags[k] = put(t, s, prefix+k, `1`, "")
	}
	first, token, err := s.List(t.Context(), prefix, "", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, trimmed(first, prefix))
	require.NotEmpty(t, token)
	require.NoError(t, s.Delete(t.Context(), prefix+"b", etags["b"]))
	require.NoError(t, s.Delete(t.Context(), prefix+"c", etags["c"]))
	rest, _, err := s.List(t.Context(), prefix, token, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"d"}, trimmed(rest, prefix))
}

// listAll reads all pages and counts them.
func listAll(t *testing.T, s integration.Store, prefix string, limit int) ([]integration.Record, int) {
	t.Helper()
	var all []integration.Record
	token := ""
	for pages := 1; ; pages++ {
		require.Less(t, pages, 200, "the listing does not end")
		records, next, err := s.List(t.Context(), prefix, token, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(records), limit)
		all = append(all, records...)
		if next == "" {
			return all, pages
		}
		token = next
	}
}

func trimmed(records []integration.Record, prefix string) []string {
	keys := []string{}
	for _, r := range records {
		keys = append(keys, strings.TrimPrefix(r.Key, prefix))
	}
	return keys
}
