package armid

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/nametest"
)

// names are the kinds of names that become part of a URL: what may be one, and how long it may be.
var names = map[string]nametest.Rule{
	"account": {IsValid: isAccountName, Least: 3, Most: 24, Fine: []string{"az09"},
		Faulty: []string{"a-b", "aBc", "a_b", "a.b"}},
	"container": {IsValid: IsContainerName, Least: 3, Most: 63, Fine: []string{"a-b", "09z"},
		Faulty: []string{"-ab", "ab-", "a--b", "aBc", "a_b", "a.b", "$web"}},
	"group": {IsValid: isGroupName, Least: 1, Most: 90, Fine: []string{"A", "z", "-", "_", "(a)", "a.b", "09"},
		Faulty: []string{"a.", "."}},
	"region": {IsValid: IsRegion, Least: 1, Most: 64, Fine: []string{"az09"},
		Faulty: []string{"a-b", "aBc", "a_b", "a.b"}},
}

func TestNames(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			nametest.Try(t, rule)
		})
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
		"blob endpoint": {"https://acmedata.blob.core.windows.net/images", "a URL"},
		"id of a container": {"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/acmedata/blobServices/default/containers/images",
			"is named in the member container."},
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
