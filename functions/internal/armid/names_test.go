package armid

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// foreign are characters that would mean something else in a URL or a store key, or that stand there in two forms:
// what is an id has none of them.
var foreign = []string{"é", "ß", "٣", "\\", "~", "/", "%", "?", "#", "&", "+", "*", "'", "\"", "@", ":", "`", "{", "[",
	"^", "|", " ", "\n", "\x00", "\u200b"}

// names are the kinds of names that become part of a URL: what may be one, and how long it may be.
var names = map[string]struct {
	is           func(string) bool
	least, most  int
	fine, faulty []string
}{
	"account": {isAccountName, 3, 24, []string{"az09"}, []string{"a-b", "aBc", "a_b", "a.b"}},
	"container": {IsContainerName, 3, 63, []string{"a-b", "09z"}, []string{"-ab", "ab-", "a--b", "aBc", "a_b", "a.b",
		"$web"}},
	"group":  {isGroupName, 1, 90, []string{"A", "z", "-", "_", "(a)", "a.b", "09"}, []string{"a.", "."}},
	"region": {IsRegion, 1, 64, []string{"az09"}, []string{"a-b", "aBc", "a_b", "a.b"}},
}

func TestNamesHoldNothingForeign(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		for _, name := range rule.fine {
			assert.True(t, rule.is(name), "%s %q", kind, name)
		}
		for _, name := range append([]string{""}, rule.faulty...) {
			assert.False(t, rule.is(name), "%s %q", kind, name)
		}
		for _, c := range foreign {
			for _, name := range []string{c + "abc", "ab" + c + "cd", "abc" + c} {
				assert.False(t, rule.is(name), "%s %q", kind, name)
			}
		}
	}
}

func TestNamesHaveTheirLength(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		assert.True(t, rule.is(strings.Repeat("a", rule.least)), kind)
		assert.False(t, rule.is(strings.Repeat("a", rule.least-1)), kind)
		if rule.most > 0 {
			assert.True(t, rule.is(strings.Repeat("a", rule.most)), kind)
			assert.False(t, rule.is(strings.Repeat("a", rule.most+1)), kind)
		}
	}
}

// TestTheFirstWrongSegmentIsNamed, the same at every request, however many are wrong; each is looked at by itself.
func TestTheFirstWrongSegmentIsNamed(t *testing.T) {
	t.Parallel()
	const guid = "22222222-2222-4222-8222-222222222222"
	account := strings.Split("/subscriptions/"+guid+
		"/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/acmedata", "/")
	group := account[:5]
	fixed := []int{1, 3, 5, 6, 7}
	for first, at := range fixed {
		want := "is not " + account[at] + "."
		for range 20 { // a map has another order each time
			parts := append([]string(nil), account...)
			for _, wrong := range fixed[first:] {
				parts[wrong] = "x"
			}
			_, problem := ParseStorageAccount(strings.Join(parts, "/"))
			require.Contains(t, problem, want)
			if at < len(group) {
				_, problem = ParseResourceGroup(strings.Join(parts[:5], "/"))
				require.Contains(t, problem, want)
			}
		}
		alone := append([]string(nil), account...)
		alone[at] = "x"
		_, problem := ParseStorageAccount(strings.Join(alone, "/"))
		assert.Contains(t, problem, want)
	}
	for at, want := range map[int]string{2: "subscription", 4: "resource group", 8: "account"} {
		parts := append([]string(nil), account...)
		parts[at] = "é"
		_, problem := ParseStorageAccount(strings.Join(parts, "/"))
		assert.Contains(t, problem, want)
	}
}

// TestResourceIDTellsWhatItIsInstead: the two things that people copy by mistake are told by name.
func TestResourceIDTellsWhatItIsInstead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ resourceID, text string }{
		"blob endpoint":     {"https://acmedata.blob.core.windows.net/images", "a URL"},
		"id of a container": {"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/acmedata/blobServices/default/containers/images", "in the member container"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problem := ParseStorageAccount(c.resourceID)
			assert.Contains(t, problem, c.text)
		})
	}
}

// TestAnAccountIsNamedCanonically, as ARM compares without regard to case; the group is left as it was given.
func TestAnAccountIsNamedCanonically(t *testing.T) {
	t.Parallel()
	const account = "/subscriptions/abcdef22-2222-4222-8222-222222222222/resourceGroups/data/providers/" +
		"Microsoft.Storage/storageAccounts/acmedata"
	id, problem := ParseStorageAccount(strings.ToUpper(account))
	assert.Empty(t, problem)
	assert.Equal(t, strings.Replace(account, "/data/", "/DATA/", 1), id.String())
}
