package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
)

const (
	tenant  = "11111111-1111-4111-8111-111111111111"
	account = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/data/" +
		"providers/Microsoft.Storage/storageAccounts/acmedata"
	subject = "system:serviceaccount:dataloop:my-service"
)

func defaults() resolve.Defaults {
	return resolve.Defaults{Issuer: "https://dataloop.ai/oauth2",
		OwnGroups:       []armid.ResourceGroup{{Name: ownName}},
		SubjectTemplate: "system:serviceaccount:dataloop:{service}",
		Audience:        "api://AzureADTokenExchange", TenantID: func(context.Context) (string, error) {
			return tenant, nil
		}}
}

func valid() integration.Spec {
	return integration.Spec{Subjects: []string{subject},
		Storage: []integration.StorageAccess{{ResourceID: account, Container: "images"}}}
}

func TestResolveFillsDefaults(t *testing.T) {
	spec := valid()
	spec.Subjects, spec.ServiceName = nil, "my-service"
	spec.Storage[0].ResourceID = strings.ToUpper(account)
	resolved, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	require.Empty(t, findings)
	enabled := true
	assert.Equal(t, integration.Spec{
		DisplayName: "DDOE WIF my-service", TenantID: tenant, Issuer: "https://dataloop.ai/oauth2",
		Subjects: []string{subject}, Audience: "api://AzureADTokenExchange",
		Identity: &integration.Identity{Kind: integration.IdentityApplication},
		Storage: []integration.StorageAccess{{ResourceID: strings.Replace(account, "/data/", "/DATA/", 1),
			Container: "images", Access: integration.AccessRead}},
		HealthCheck: &integration.HealthCheck{Enabled: &enabled, Interval: "6h"},
	}, resolved)
	assert.Equal(t, strings.ToUpper(account), spec.Storage[0].ResourceID, "the caller's spec is not changed")

	again, findings, err := defaults().Resolve(t.Context(), "my-service", resolved)
	require.NoError(t, err)
	require.Empty(t, findings)
	assert.Equal(t, resolved, again, "a resolved spec resolves to itself")
}

// TestResolveMergesServiceName: the subject of the service name is one of the subjects, and the first: the others keep
// their order.
// TestATenantInUpperCase is the same tenant: ids of Entra are compared without case.
func TestATenantInUpperCase(t *testing.T) {
	const letters = "abcdefab-1111-4111-8111-111111111111"
	d := defaults()
	d.TenantID = func(context.Context) (string, error) { return letters, nil }
	spec := valid()
	spec.TenantID = strings.ToUpper(letters)
	resolved, findings, err := d.Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	assert.Empty(t, findings)
	assert.Equal(t, letters, resolved.TenantID)
}

func TestResolveMergesServiceName(t *testing.T) {
	const another, third = "system:serviceaccount:dataloop:other", "system:serviceaccount:dataloop:a-third"
	for name, c := range map[string]struct {
		subjects    []string
		serviceName string
		want        []string
	}{
		"alone":                 {nil, "other", []string{another}},
		"before the others":     {[]string{subject, third}, "other", []string{another, subject, third}},
		"spelt out as well":     {[]string{subject}, "my-service", []string{subject}},
		"spelt out, as another": {[]string{subject, third, another}, "other", []string{another, subject, third}},
		"no service name":       {[]string{subject, third}, "", []string{subject, third}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := valid()
			spec.Subjects, spec.ServiceName = slices.Clone(c.subjects), c.serviceName
			resolved, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
			require.NoError(t, err)
			require.Empty(t, findings)
			assert.Equal(t, c.want, resolved.Subjects)
			assert.Equal(t, c.subjects, spec.Subjects, "the caller's spec is not changed")
			again, _, err := defaults().Resolve(t.Context(), "my-service", resolved)
			require.NoError(t, err)
			assert.Equal(t, resolved, again)
		})
	}
	t.Run("a repetition is told where it was given", func(t *testing.T) {
		spec := valid()
		spec.Subjects, spec.ServiceName = []string{subject, third, third}, "other"
		_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
		require.NoError(t, err)
		require.Len(t, findings, 1)
		assert.Equal(t, "/subjects/2", findings[0].Pointer)
		assert.Equal(t, "different from /subjects/1", findings[0].Expected)
	})
}

// numbered are so many different subjects.
func numbered(n int) []string {
	subjects := make([]string, n)
	for i := range subjects {
		subjects[i] = fmt.Sprintf("subject-%d", i)
	}
	return subjects
}

func changeStorage(change func(*integration.StorageAccess)) func(*integration.Spec) {
	return func(s *integration.Spec) { change(&s.Storage[0]) }
}

func withResource(id string) func(*integration.Spec) {
	return changeStorage(func(s *integration.StorageAccess) { s.ResourceID = id })
}

func withContainer(name string) func(*integration.Spec) {
	return changeStorage(func(s *integration.StorageAccess) { s.Container = name })
}

func withIssuer(v string) func(*integration.Spec) { return func(s *integration.Spec) { s.Issuer = v } }

func withSubjects(v ...string) func(*integration.Spec) {
	return func(s *integration.Spec) { s.Subjects = v }
}

func withInterval(v string) func(*integration.Spec) {
	return func(s *integration.Spec) { s.HealthCheck = &integration.HealthCheck{Interval: v} }
}

// faultySpecs are specs with one fault each.
var faultySpecs = map[string]struct {
	change        func(*integration.Spec)
	pointer, code string
}{
	"display name too long": {func(s *integration.Spec) { s.DisplayName = strings.Repeat("ä", 257) },
		"/displayName", "display-name-too-long"},
	"display name two lines": {func(s *integration.Spec) { s.DisplayName = "a\nb" }, "/displayName",
		"display-name-control-character"},
	"tenant no guid": {func(s *integration.Spec) { s.TenantID = "acme.example" }, "/tenantId",
		"tenant-id-domain"},
	"tenant nil": {func(s *integration.Spec) { s.TenantID = "00000000-0000-0000-0000-000000000000" },
		"/tenantId", "tenant-id-nil"},
	"another tenant": {func(s *integration.Spec) { s.TenantID = "99999999-9999-4999-8999-999999999999" },
		"/tenantId", "tenant-not-served"},
	"issuer http":              {withIssuer("http://dataloop.ai/oauth2"), "/issuer", "issuer-not-https"},
	"issuer without host":      {withIssuer("https:///oauth2"), "/issuer", "issuer-not-https"},
	"issuer opaque":            {withIssuer("https:dataloop.ai"), "/issuer", "issuer-not-https"},
	"issuer in capitals":       {withIssuer("HTTPS://dataloop.ai"), "/issuer", "issuer-not-https"},
	"issuer with user":         {withIssuer("https://me@dataloop.ai"), "/issuer", "issuer-user-info"},
	"issuer with query":        {withIssuer("https://dataloop.ai/?x=1"), "/issuer", "issuer-query"},
	"issuer with empty query":  {withIssuer("https://dataloop.ai/?"), "/issuer", "issuer-query"},
	"issuer with fragment":     {withIssuer("https://dataloop.ai/#"), "/issuer", "issuer-fragment"},
	"issuer with blank inside": {withIssuer("https://dataloop.ai/o auth2"), "/issuer", "issuer-not-https"},
	"issuer with blank behind": {withIssuer("https://dataloop.ai/oauth2 "), "/issuer", "issuer-blank-edge"},
	"issuer with tab":          {withIssuer("https://dataloop.ai/\toauth2"), "/issuer", "issuer-invisible-character"},
	"issuer too long": {withIssuer("https://dataloop.ai/" + strings.Repeat("x", 600)), "/issuer",
		"issuer-too-long"},
	"issuer of Entra": {withIssuer("https://login.microsoftonline.com/" + tenant + "/v2.0"), "/issuer",
		"issuer-entra"},
	"issuer of Entra, v1":   {withIssuer("https://STS.windows.net/" + tenant + "/"), "/issuer", "issuer-entra"},
	"issuer of Entra, port": {withIssuer("https://login.microsoftonline.com:443/x"), "/issuer", "issuer-entra"},
	"no subject":            {withSubjects(), "/subjects", "missing-subject"},
	"too many subjects":     {withSubjects(numbered(21)...), "/subjects", "too-many-subjects"},
	"subject empty":         {withSubjects(""), "/subjects/0", "subject-required"},
	"subject twice":         {withSubjects(subject, subject), "/subjects/1", "duplicate-subject"},
	"subject placeholder": {withSubjects("system:serviceaccount:dataloop:<service-name>"), "/subjects/0",
		"subject-placeholder"},
	"subject template": {withSubjects("system:serviceaccount:dataloop:{service}"), "/subjects/0",
		"subject-placeholder"},
	"subject wildcard":      {withSubjects("repo:*"), "/subjects/0", "subject-wildcard"},
	"subject leading blank": {withSubjects(" " + subject), "/subjects/0", "subject-blank-edge"},
	"subject zero width":    {withSubjects(subject + "\u200b"), "/subjects/0", "subject-invisible-character"},
	"subject hard blank":    {withSubjects("a\u00a0b"), "/subjects/0", "subject-invisible-character"},
	"subject typographic":   {withSubjects("“a”"), "/subjects/0", "subject-invisible-character"},
	"subject bidi":          {withSubjects("a\u202eb"), "/subjects/0", "subject-invisible-character"},
	"subject too long":      {withSubjects(strings.Repeat("z", 601)), "/subjects/0", "subject-too-long"},
	"subject three parts": {withSubjects("system:serviceaccount:dataloop"), "/subjects/0",
		"subject-service-account"},
	"subject five parts": {withSubjects(subject + ":x"), "/subjects/0", "subject-service-account"},
	"subject bad namespace": {withSubjects("system:serviceaccount:Data:my-service"), "/subjects/0",
		"subject-service-account"},
	"subject bad name": {withSubjects("system:serviceaccount:dataloop:-x"), "/subjects/0",
		"subject-service-account"},
	"subject bad case":   {withSubjects("System:ServiceAccount:dataloop:x"), "/subjects/0", "subject-service-account"},
	"subject is a token": {withSubjects("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"), "/subjects/0", "subject-secret"},
	"service name": {func(s *integration.Spec) { s.ServiceName = "My_Service" }, "/serviceName",
		"invalid-service-name"},
	"audience too long": {func(s *integration.Spec) { s.Audience = strings.Repeat("z", 601) }, "/audience",
		"audience-too-long"},
	"audience list": {func(s *integration.Spec) { s.Audience = "a,b" }, "/audience", "audience-blank"},
	"no storage":    {func(s *integration.Spec) { s.Storage = nil }, "/storage", "storage-required"},
	"storage twice": {func(s *integration.Spec) {
		s.Storage = append(s.Storage, integration.StorageAccess{ResourceID: strings.ToLower(account),
			Container: "images", Access: "readWrite"})
	}, "/storage/1", "duplicate-storage"},
	"resource id empty":  {withResource(""), "/storage/0/resourceId", "invalid-resource-id"},
	"resource id a name": {withResource("acmedata"), "/storage/0/resourceId", "invalid-resource-id"},
	"resource id a container": {withResource(account + "/blobServices/default/containers/images"),
		"/storage/0/resourceId", "invalid-resource-id"},
	"resource id trailing": {withResource(account + "/"), "/storage/0/resourceId", "invalid-resource-id"},
	"resource id no guid": {withResource(strings.Replace(account, "22222222-2222-4222-8222-222222222222", "sub",
		1)), "/storage/0/resourceId", "invalid-resource-id"},
	"resource id another": {withResource(strings.Replace(account, "storageAccounts", "virtualMachines", 1)),
		"/storage/0/resourceId", "invalid-resource-id"},
	"resource id traversal": {withResource(strings.Replace(account, "/data/", "/../", 1)), "/storage/0/resourceId",
		"invalid-resource-id"},
	"account too short": {withResource(strings.Replace(account, "acmedata", "ab", 1)), "/storage/0/resourceId",
		"invalid-resource-id"},
	"container short":        {withContainer("ab"), "/storage/0/container", "invalid-container"},
	"container capital":      {withContainer("Images"), "/storage/0/container", "invalid-container"},
	"container two hyphens":  {withContainer("a--b"), "/storage/0/container", "invalid-container"},
	"container hyphen first": {withContainer("-abc"), "/storage/0/container", "invalid-container"},
	"container path":         {withContainer("a/../b"), "/storage/0/container", "invalid-container"},
	"access": {changeStorage(func(s *integration.StorageAccess) { s.Access = "owner" }),
		"/storage/0/access", "invalid-access"},
	"interval no duration": {withInterval("daily"), "/healthCheck/interval", "invalid-interval"},
	"interval too short":   {withInterval("14m"), "/healthCheck/interval", "invalid-interval"},
	"interval too long":    {withInterval("169h"), "/healthCheck/interval", "invalid-interval"},
	"driver path": {func(s *integration.Spec) {
		s.DDOE = &integration.DDOE{Driver: &integration.Driver{Path: "a\x00"}}
	}, "/ddoe/driver/path", "ddoe-control-character"},
}

// TestResolveFindings breaks one rule at a time; each case names the pointer and the code of the one finding.
func TestResolveFindings(t *testing.T) {
	for name, c := range faultySpecs {
		t.Run(name, func(t *testing.T) {
			spec := valid()
			c.change(&spec)
			_, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
			require.NoError(t, err)
			require.Len(t, findings, 1)
			assert.Equal(t, c.pointer, findings[0].Pointer)
			assert.Equal(t, c.code, string(findings[0].Code))
			assert.NotEmpty(t, findings[0].Detail)
			assert.NotEmpty(t, findings[0].Remedy)
			assert.NotContains(t, fmt.Sprint(findings), "eyJ", "a secret is not repeated")
		})
	}
}

func TestResolveReportsAllAtOnce(t *testing.T) {
	spec := integration.Spec{DisplayName: strings.Repeat("x", 300), TenantID: "x", Issuer: "http://x",
		Subjects: []string{"*", "<x>"}, ServiceName: "X",
		Audience: " ", Storage: []integration.StorageAccess{{}, {ResourceID: account, Container: "X", Access: "x"}},
		HealthCheck: &integration.HealthCheck{Interval: "x"}}
	_, findings, err := defaults().Resolve(t.Context(), "Not An Id", spec)
	require.NoError(t, err)
	var pointers []string
	for _, f := range findings {
		pointers = append(pointers, f.Pointer)
	}
	assert.Equal(t, []string{"/id", "/displayName", "/tenantId", "/issuer", "/subjects/0", "/subjects/1",
		"/serviceName", "/audience",
		"/storage/0/resourceId", "/storage/1/container", "/storage/1/access", "/healthCheck/interval"}, pointers)
}

func TestResolveWithoutSettings(t *testing.T) {
	spec := valid()
	spec.ServiceName = "x"
	_, findings, err := resolve.Defaults{}.Resolve(t.Context(), "my-service", spec)
	require.NoError(t, err)
	var codes []string
	for _, f := range findings {
		codes = append(codes, string(f.Code))
	}
	assert.Equal(t, []string{"tenant-id-required", "issuer-required", "service-name-without-template",
		"audience-required"}, codes)
}

func TestResolveWithoutTenant(t *testing.T) {
	broken := errors.New("no identity")
	d := defaults()
	d.TenantID = func(context.Context) (string, error) { return "", broken }
	_, _, err := d.Resolve(t.Context(), "my-service", valid())
	assert.ErrorIs(t, err, broken)
}

func FuzzSubject(f *testing.F) {
	for _, seed := range []string{subject, "system:serviceaccount:", "system:serviceaccount:a:b:c", "<x>", "\xff",
		"a\u200bb", strings.Repeat("z", 601)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		spec := valid()
		spec.Subjects = []string{value}
		resolved, findings, err := defaults().Resolve(t.Context(), "my-service", spec)
		require.NoError(t, err)
		if len(findings) > 0 {
			return
		}
		require.Equal(t, []string{value}, resolved.Subjects, "what is accepted is not changed")
		require.Equal(t, strings.TrimSpace(value), value)
		require.NotContains(t, value, "*")
		require.LessOrEqual(t, len([]rune(value)), 600)
	})
}
