package resolve_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
)

var update = flag.Bool("update", false, "rewrite testdata/findings.json")

func pointersOf(findings []diagnosis.Finding) []string {
	pointers := []string{}
	for _, f := range findings {
		pointers = append(pointers, f.Pointer)
	}
	return pointers
}

func withAccount(name string) func(*integration.Spec) {
	return withResource(strings.Replace(account, "acmedata", name, 1))
}

func withGroup(name string) func(*integration.Spec) {
	return withResource(strings.Replace(account, "/data/", "/"+name+"/", 1))
}

func withPlatform(change func(d *integration.DDOE)) func(*integration.Spec) {
	return func(s *integration.Spec) {
		p := onPlatform()
		s.Storage, s.DDOE = p.Storage, p.DDOE
		change(s.DDOE)
	}
}

// entries are so many different storage entries.
func entries(n int) func(*integration.Spec) {
	return func(s *integration.Spec) {
		s.Storage = nil
		for i := range n {
			s.Storage = append(s.Storage, integration.StorageAccess{ResourceID: account,
				Container: fmt.Sprintf("container-%d", i)})
		}
	}
}

func withLocation(v string) func(*integration.Spec) {
	return func(s *integration.Spec) {
		s.Identity = &integration.Identity{Kind: integration.IdentityManaged, ResourceGroup: identities, Location: v}
	}
}

// specLimits are the limits of a spec: the last that is accepted, the first that is not, and where that is told.
var specLimits = map[string]struct {
	good, bad func(*integration.Spec)
	pointer   string
}{
	"display name": {func(s *integration.Spec) { s.DisplayName = strings.Repeat("ä", 256) },
		func(s *integration.Spec) { s.DisplayName = strings.Repeat("ä", 257) }, "/displayName"},
	"subjects": {withSubjects(numbered(20)...), withSubjects(numbered(21)...), "/subjects"},
	"subjects, with that of a service": {func(s *integration.Spec) {
		s.ServiceName, s.Subjects = "one", numbered(19)
	}, func(s *integration.Spec) { s.ServiceName, s.Subjects = "one", numbered(20) }, "/subjects"},
	"subject": {withSubjects(strings.Repeat("z", 600)), withSubjects(strings.Repeat("z", 601)), "/subjects/0"},
	"second subject": {withSubjects("a", strings.Repeat("z", 600)), withSubjects("a", strings.Repeat("z", 601)),
		"/subjects/1"},
	"storage": {entries(20), entries(21), "/storage"},
	"account, long": {withAccount(strings.Repeat("a", 24)), withAccount(strings.Repeat("a", 25)),
		"/storage/0/resourceId"},
	"account, short":  {withAccount("abc"), withAccount("ab"), "/storage/0/resourceId"},
	"account, digits": {withAccount("0a9z"), withAccount("0a-z"), "/storage/0/resourceId"},
	"group": {withGroup(strings.Repeat("g", 90)), withGroup(strings.Repeat("g", 91)),
		"/storage/0/resourceId"},
	"group, one":     {withGroup("g"), withGroup(""), "/storage/0/resourceId"},
	"group, dot":     {withGroup("a.b"), withGroup("a."), "/storage/0/resourceId"},
	"group, marks":   {withGroup("aZ09-_.()"), withGroup("a~b"), "/storage/0/resourceId"},
	"group, letters": {withGroup("AZ"), withGroup("é"), "/storage/0/resourceId"},
	"group, slashes": {withGroup("(a)"), withGroup(`a\b`), "/storage/0/resourceId"},
	"container, long": {withContainer(strings.Repeat("c", 63)), withContainer(strings.Repeat("c", 64)),
		"/storage/0/container"},
	"container, short":   {withContainer("abc"), withContainer("ab"), "/storage/0/container"},
	"container, hyphens": {withContainer("a-b"), withContainer("ab-"), "/storage/0/container"},
	"container, digits":  {withContainer("0-9"), withContainer("0_9"), "/storage/0/container"},
	"interval, short":    {withInterval("15m"), withInterval("14m59.999999999s"), "/healthCheck/interval"},
	"interval, long":     {withInterval("168h"), withInterval("168h0m0.000000001s"), "/healthCheck/interval"},
	"region": {withLocation(strings.Repeat("r", 64)), withLocation(strings.Repeat("r", 65)),
		"/identity/location"},
	"region, digits": {withLocation("a0z9"), withLocation("a-z"), "/identity/location"},
	"organisation": {withPlatform(func(d *integration.DDOE) { d.OrganizationID = strings.Repeat("o", 256) }),
		withPlatform(func(d *integration.DDOE) { d.OrganizationID = strings.Repeat("o", 257) }),
		"/ddoe/organizationId"},
	"organisation, marks": {withPlatform(func(d *integration.DDOE) { d.OrganizationID = "aZ09-_" }),
		withPlatform(func(d *integration.DDOE) { d.OrganizationID = "a.b" }), "/ddoe/organizationId"},
	"project": {withPlatform(func(d *integration.DDOE) { d.Driver.ProjectID = strings.Repeat("p", 256) }),
		withPlatform(func(d *integration.DDOE) { d.Driver.ProjectID = strings.Repeat("p", 257) }),
		"/ddoe/driver/projectId"},
	"project, marks": {withPlatform(func(d *integration.DDOE) { d.Driver.ProjectID = "Aa0-_" }),
		withPlatform(func(d *integration.DDOE) { d.Driver.ProjectID = "~" }), "/ddoe/driver/projectId"},
	"driver's name": {withPlatform(func(d *integration.DDOE) { d.Driver.Name = strings.Repeat("n", 256) }),
		withPlatform(func(d *integration.DDOE) { d.Driver.Name = strings.Repeat("n", 257) }), "/ddoe/driver/name"},
	"driver's path": {withPlatform(func(d *integration.DDOE) { d.Driver.Path = strings.Repeat("p", 256) }),
		withPlatform(func(d *integration.DDOE) { d.Driver.Path = strings.Repeat("p", 257) }), "/ddoe/driver/path"},
	"an integration of the platform": {withPlatform(func(d *integration.DDOE) {
		d.IntegrationID = strings.Repeat("i", 256)
	}),
		withPlatform(func(d *integration.DDOE) { d.IntegrationID = strings.Repeat("i", 257) }), "/ddoe/integrationId"},
	"an integration of the platform, marks": {withPlatform(func(d *integration.DDOE) { d.IntegrationID = "Aa0-_" }),
		withPlatform(func(d *integration.DDOE) { d.IntegrationID = "/" }), "/ddoe/integrationId"},
}

// TestLimitsOfASpec: the last value within each limit is accepted, and the first beyond is refused where it is.
func TestLimitsOfASpec(t *testing.T) {
	t.Parallel()
	for name, c := range specLimits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, side := range []struct {
				change func(*integration.Spec)
				want   []string
			}{{c.good, []string{}}, {c.bad, []string{c.pointer}}} {
				spec := valid()
				side.change(&spec)
				_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
				require.NoError(t, err)
				assert.Equal(t, side.want, pointersOf(findings), "%+v", findings)
			}
		})
	}
}

// TestACharacterThatDoesNotBelong is found wherever it stands: first, in the middle and last.
func TestACharacterThatDoesNotBelong(t *testing.T) {
	t.Parallel()
	for pointer, c := range map[string]struct {
		with func(v string) func(*integration.Spec)
		bad  string
	}{
		"/storage/0/resourceId": {withAccount, "-_.é"},
		"/storage/0/container":  {withContainer, "_.éA"},
		"/identity/location":    {withLocation, "-_.é"},
		"/ddoe/organizationId": {func(v string) func(*integration.Spec) {
			return withPlatform(func(d *integration.DDOE) { d.OrganizationID = v })
		}, ".é~ "},
		"/ddoe/driver/projectId": {func(v string) func(*integration.Spec) {
			return withPlatform(func(d *integration.DDOE) { d.Driver.ProjectID = v })
		}, ".é~ "},
	} {
		for _, r := range c.bad {
			for _, value := range []string{string(r) + "abc", "ab" + string(r) + "c", "abc" + string(r)} {
				spec := valid()
				c.with(value)(&spec)
				_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
				require.NoError(t, err)
				assert.Equal(t, []string{pointer}, pointersOf(findings), "%q", value)
			}
		}
	}
	for _, r := range "é~\\ " {
		for _, value := range []string{string(r) + "abc", "ab" + string(r) + "c", "abc" + string(r)} {
			spec := valid()
			withGroup(value)(&spec)
			_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
			require.NoError(t, err)
			assert.Equal(t, []string{"/storage/0/resourceId"}, pointersOf(findings), "%q", value)
		}
	}
}

// TestEachRepetitionIsTold, and differs from the first of its kind.
func TestEachRepetitionIsTold(t *testing.T) {
	t.Parallel()
	spec := valid()
	spec.Subjects = []string{"a", "b", "a", "b", "a"}
	_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	var told []string
	for _, f := range findings {
		told = append(told, f.Pointer+" "+f.Expected)
	}
	assert.Equal(t, []string{"/subjects/2 different from /subjects/0", "/subjects/3 different from /subjects/1",
		"/subjects/4 different from /subjects/0"}, told)
}

// TestTheSecondEntryIsCheckedLikeTheFirst, and each of two faults is told.
func TestTheSecondEntryIsCheckedLikeTheFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		second  integration.StorageAccess
		pointer string
	}{
		"resource id": {integration.StorageAccess{ResourceID: "x", Container: "other"}, "/storage/1/resourceId"},
		"container":   {integration.StorageAccess{ResourceID: account, Container: "X"}, "/storage/1/container"},
		"access": {integration.StorageAccess{ResourceID: account, Container: "other", Access: "x"},
			"/storage/1/access"},
		"the same": {integration.StorageAccess{ResourceID: strings.ToUpper(account), Container: "images"},
			"/storage/1"},
		"the account": {integration.StorageAccess{ResourceID: account}, ""},
		"another": {integration.StorageAccess{ResourceID: strings.Replace(account, "acmedata", "other", 1),
			Container: "images"}, ""},
	} {
		spec := valid()
		spec.Storage = append(spec.Storage, c.second)
		resolved, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
		require.NoError(t, err)
		if c.pointer == "" {
			assert.Empty(t, findings, name)
			assert.Equal(t, integration.AccessRead, resolved.Storage[1].Access, name)
			continue
		}
		assert.Equal(t, []string{c.pointer}, pointersOf(findings), name)
	}
	spec := valid()
	spec.Subjects = []string{"*", subject, "<x>"}
	_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	assert.Equal(t, []string{"/subjects/0", "/subjects/2"}, pointersOf(findings))
}

// TestFindingsAreTheGoldenOnes, whole: pointer, code, words, what was expected and what was seen.
func TestFindingsAreTheGoldenOnes(t *testing.T) {
	got := map[string][]diagnosis.Finding{}
	resolved := func(name string, d resolve.Defaults, change func(*integration.Spec), spec integration.Spec) {
		change(&spec)
		_, findings, err := d.Resolve(t.Context(), "my-service", spec)
		require.NoError(t, err)
		got[name] = findings
	}
	for name, c := range faultySpecs {
		resolved(name, defaults(), c.change, valid())
	}
	for name, c := range faultyPlatformSpecs {
		resolved("platform: "+name, defaults(), c.change, onPlatform())
	}
	for name, c := range specLimits {
		resolved("limit: "+name, defaults(), c.bad, valid())
	}
	for name, c := range identityCases() {
		d := defaults()
		d.IdentityKind, d.IdentityGroup, d.Location, d.OwnGroups = c.defaults.IdentityKind, c.defaults.IdentityGroup,
			c.defaults.Location, c.defaults.OwnGroups
		resolved("identity: "+name, d, func(s *integration.Spec) { s.Identity = c.given }, valid())
	}
	resolved("no settings", resolve.Defaults{}, func(s *integration.Spec) { s.ServiceName = "x" }, valid())
	_, got["id"], _ = defaults().Resolve(t.Context(), "Not An Id", valid())
	body, err := json.MarshalIndent(got, "", " ")
	require.NoError(t, err)
	golden := filepath.Join("testdata", "findings.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, append(body, '\n'), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(body)+"\n", "\n"),
		"go test ./functions/internal/resolve -update accepts the change")
}
