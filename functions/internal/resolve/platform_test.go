package resolve_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// onPlatform is a valid spec that asks for the platform's side.
func onPlatform() integration.Spec {
	s := valid()
	s.Storage[0].Access = integration.AccessReadWrite
	s.DDOE = &integration.DDOE{OrganizationID: "org-1", Integration: true,
		Driver: &integration.Driver{ProjectID: "project_1", Path: "images/2026/"}}
	return s
}

func TestResolvePlatform(t *testing.T) {
	given := onPlatform()
	resolved, findings, err := defaults().Resolve(t.Context(), "my-service", given)
	require.NoError(t, err)
	require.Empty(t, findings)
	assert.Equal(t, &integration.Driver{ProjectID: "project_1", Name: "my-service", Path: "images/2026"},
		resolved.DDOE.Driver)
	assert.Empty(t, given.DDOE.Driver.Name, "the caller's spec is not changed")
	again, _, err := defaults().Resolve(t.Context(), "my-service", resolved)
	require.NoError(t, err)
	assert.Equal(t, resolved, again)
}

// faultyPlatformSpecs are specs with one fault each in the member ddoe.
var faultyPlatformSpecs = map[string]struct {
	change  func(*integration.Spec)
	pointer string
	code    diagnosis.Code
}{
	"no organisation": {func(s *integration.Spec) { s.DDOE.OrganizationID = "" }, "/ddoe/organizationId",
		"ddoe-organization-required"},
	"organisation in path": {func(s *integration.Spec) { s.DDOE.OrganizationID = "../x" }, "/ddoe/organizationId",
		"ddoe-organization-required"},
	"no project": {func(s *integration.Spec) { s.DDOE.Driver.ProjectID = "" }, "/ddoe/driver/projectId",
		"ddoe-project-required"},
	"path is a URL": {func(s *integration.Spec) { s.DDOE.Driver.Path = "https://acmedata/images" },
		"/ddoe/driver/path", "invalid-driver-path"},
	"path from the root": {func(s *integration.Spec) { s.DDOE.Driver.Path = "/images" }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path upwards": {func(s *integration.Spec) { s.DDOE.Driver.Path = "images/../x" }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path with a backslash": {func(s *integration.Spec) { s.DDOE.Driver.Path = `images\2026` }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path with a query": {func(s *integration.Spec) { s.DDOE.Driver.Path = "images?sv=2026" },
		"/ddoe/driver/path", "invalid-driver-path"},
	"path with a fragment": {func(s *integration.Spec) { s.DDOE.Driver.Path = "images#2026" }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path with a scheme": {func(s *integration.Spec) { s.DDOE.Driver.Path = "wasb://images" },
		"/ddoe/driver/path", "invalid-driver-path"},
	"path with a dot": {func(s *integration.Spec) { s.DDOE.Driver.Path = "images/./2026" },
		"/ddoe/driver/path", "invalid-driver-path"},
	"path with an empty part": {func(s *integration.Spec) { s.DDOE.Driver.Path = "images//2026" }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path has half a pair": {func(s *integration.Spec) { s.DDOE.Driver.Path = "\ufffdx" }, "/ddoe/driver/path",
		"ddoe-control-character"},
	"name has half a pair": {func(s *integration.Spec) { s.DDOE.Driver.Name = "\ufffdx" }, "/ddoe/driver/name",
		"ddoe-control-character"},
	"path is a slash": {func(s *integration.Spec) { s.DDOE.Driver.Path = "/" }, "/ddoe/driver/path",
		"invalid-driver-path"},
	"path is long": {func(s *integration.Spec) { s.DDOE.Driver.Path = strings.Repeat("ä", 257) }, "/ddoe/driver/path",
		"ddoe-too-long"},
	"several storages": {func(s *integration.Spec) {
		s.Storage = append(s.Storage, integration.StorageAccess{ResourceID: account, Container: "archive",
			Access: integration.AccessReadWrite})
	}, "/storage", "ddoe-one-storage"},
	"read-only": {func(s *integration.Spec) { s.Storage[0].Access = integration.AccessRead },
		"/storage/0/access", "ddoe-write-required"},
	"read-only by default": {func(s *integration.Spec) { s.Storage[0].Access = "" }, "/storage/0/access",
		"ddoe-write-required"},
	"no container": {func(s *integration.Spec) { s.Storage[0].Container = "" }, "/storage/0/container",
		"ddoe-container-required"},
}

func TestResolvePlatformFindings(t *testing.T) {
	for name, c := range faultyPlatformSpecs {
		t.Run(name, func(t *testing.T) {
			s := onPlatform()
			c.change(&s)
			_, findings, err := defaults().Resolve(t.Context(), "my-service", s)
			require.NoError(t, err)
			require.Len(t, findings, 1)
			assert.Equal(t, c.pointer, findings[0].Pointer)
			assert.Equal(t, c.code, findings[0].Code)
			_, known := diagnosis.Lookup(findings[0].Code)
			require.True(t, known)
			if c.code == "invalid-driver-path" {
				assert.Contains(t, findings[0].Remedy, `without the characters \ ? #`)
			}
			assert.True(t, findings[0].Remedy != "" || len(diagnosis.New(findings[0].Code).Remedy.Steps) > 0)
			s.DDOE.Integration, s.DDOE.Driver = false, nil
			_, findings, err = defaults().Resolve(t.Context(), "my-service", s)
			require.NoError(t, err)
			assert.Empty(t, findings, "a person may set up what the API cannot")
		})
	}
}

// TestResolveDriverPath: a path that is a folder is taken as it is, in its case, without the slash at its end.
func TestResolveDriverPath(t *testing.T) {
	for given, want := range map[string]string{"": "", "Images/Raw": "Images/Raw", "images/": "images",
		"a b/50%/c:d/...":        "a b/50%/c:d/...",
		strings.Repeat("ä", 256): strings.Repeat("ä", 256)} {
		s := onPlatform()
		s.DDOE.Driver.Path = given
		resolved, findings, err := defaults().Resolve(t.Context(), "my-service", s)
		require.NoError(t, err)
		require.Empty(t, findings, given)
		assert.Equal(t, want, resolved.DDOE.Driver.Path)
	}
}

func TestResolvePlatformWithoutIntegration(t *testing.T) {
	const noIntegration, noOrganization, noProject = "/ddoe/integration ddoe-integration-required",
		"/ddoe/organizationId ddoe-organization-required", "/ddoe/driver/projectId ddoe-project-required"
	for name, c := range map[string]struct {
		ddoe integration.DDOE
		want []string
	}{
		"nothing":            {integration.DDOE{}, nil},
		"organisation alone": {integration.DDOE{OrganizationID: "org-1"}, nil},
		"driver's name alone": {integration.DDOE{Driver: &integration.Driver{Name: "a"}},
			[]string{noIntegration, noOrganization, noProject}},
		"empty driver": {integration.DDOE{Driver: &integration.Driver{}},
			[]string{noIntegration, noOrganization, noProject}},
		"driver and organisation": {integration.DDOE{OrganizationID: "org-1",
			Driver: &integration.Driver{Name: "a"}}, []string{noIntegration, noProject}},
		"driver and project": {integration.DDOE{Driver: &integration.Driver{ProjectID: "project_1"}},
			[]string{noIntegration, noOrganization}},
		"all but integration": {integration.DDOE{OrganizationID: "org-1",
			Driver: &integration.Driver{ProjectID: "project_1"}}, []string{noIntegration}},
		"integration without place": {integration.DDOE{Integration: true, Driver: &integration.Driver{Name: "a"}},
			[]string{noOrganization, noProject}},
	} {
		t.Run(name, func(t *testing.T) {
			s := onPlatform()
			s.DDOE = &c.ddoe
			_, findings, err := defaults().Resolve(t.Context(), "my-service", s)
			require.NoError(t, err)
			var got []string
			for _, f := range findings {
				got = append(got, f.Pointer+" "+string(f.Code))
				entry, known := diagnosis.Lookup(f.Code)
				assert.True(t, known)
				assert.Equal(t, "file", entry.Layer, f.Code)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// TestADriverWithoutIntegrationIsNotQuoted: whether the member is false or left out cannot be told, so neither is
// claimed.
func TestADriverWithoutIntegrationIsNotQuoted(t *testing.T) {
	spec := onPlatform()
	spec.DDOE.Integration = false
	_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	require.Len(t, findings, 1)
	assert.Equal(t, diagnosis.CodeDDOEIntegrationRequired, findings[0].Code)
	assert.Empty(t, findings[0].Actual)
}
