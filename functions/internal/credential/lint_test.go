package credential_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/cuttest"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

var update = flag.Bool("update", false, "rewrite the reports in testdata/report")

// linter knows the platform of the seed.
func linter() credential.Linter {
	return credential.Linter{Issuer: "https://dataloop.ai/oauth2",
		SubjectTemplate: "system:serviceaccount:dataloop:{service}", Audience: "api://AzureADTokenExchange",
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
}

func files(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", folder))
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join("testdata", folder, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = raw
	}
	return all
}

// TestBadFiles judges each file of testdata/bad and holds the whole report against testdata/report. Every secret in
// these files has "pl4nted" in it, in some case.
func TestBadFiles(t *testing.T) {
	bad := files(t, "bad")
	assert.Greater(t, len(bad), 25)
	for name, raw := range bad {
		t.Run(name, func(t *testing.T) {
			report := linter().Lint(raw, credential.Form{})
			verdict := assessment.VerdictFail
			if strings.HasPrefix(name, "warn_") {
				verdict = assessment.VerdictWarn
			}
			assert.Equal(t, verdict, report.Verdict)
			_, err := credential.Parse(raw)
			// Parse does not know which cloud the service works in.
			assert.Equal(t, verdict == assessment.VerdictFail && name != "audience_china.json", err != nil,
				"Parse and Lint agree")

			require.NotEmpty(t, report.ID)
			report.ID = ""
			got := encode(t, report)
			assert.NotContains(t, strings.ToLower(string(got)), "pl4nted", "a secret is repeated")
			golden := filepath.Join("testdata", "report", name+".report.json")
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "go test -update accepts the change")
			assertSound(t, report)
		})
	}
	for name := range files(t, "report") {
		assert.Contains(t, bad, strings.TrimSuffix(name, ".report.json"), "a report without its file")
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(v))
	return out.Bytes()
}

// assertSound checks what every report promises.
func assertSound(t *testing.T, r assessment.Report) {
	t.Helper()
	ids := map[string]bool{}
	assert.Equal(t, "credential", r.Kind)
	assert.Equal(t, assessment.ClaimFile, r.ClaimLevel)
	assert.Equal(t, assessment.Summarise(r.Checks), r.Verdict)
	for _, c := range r.Checks {
		ids[c.ID] = true
		assert.Equal(t, "file", c.Layer)
		assert.NotEmpty(t, c.Title)
		switch c.Status {
		case diagnosis.OutcomePass:
			assert.Empty(t, c.Code)
		case diagnosis.OutcomeSkip:
			assert.True(t, ids[c.DependsOn], "%s depends on %s, which is not before it", c.ID, c.DependsOn)
		default:
			_, known := diagnosis.Lookup(c.Code)
			assert.True(t, known && c.Code != diagnosis.CodeUnrecognised, c.Code)
			assert.NotEmpty(t, c.Detail)
			own := diagnosis.New(c.Code)
			assert.Equal(t, own.Title, c.Title)
			assert.NotEmpty(t, c.Remedy.Steps)
			assert.Equal(t, own.Remedy, c.Remedy)
		}
	}
}

func TestGoodFiles(t *testing.T) {
	for name, raw := range files(t, "good") {
		t.Run(name, func(t *testing.T) {
			report := linter().Lint(raw, credential.Form{ClientID: value(t, raw, "clientId"),
				TenantID: strings.ToUpper(value(t, raw, "tenantId"))})
			assert.Equal(t, assessment.VerdictPass, report.Verdict)
			assert.Equal(t, assessment.ClaimFile, report.ClaimLevel)
			for _, c := range report.Checks {
				assert.Equal(t, diagnosis.OutcomePass, c.Status, c.ID)
			}
			file, err := credential.Parse(raw)
			require.NoError(t, err)
			assert.Equal(t, strings.ToLower(value(t, raw, "clientId")), file.ClientID)
		})
	}
}

func value(t *testing.T, raw []byte, name string) string {
	t.Helper()
	var file map[string]string
	require.NoError(t, json.Unmarshal(raw, &file))
	return file[name]
}

// TestTheFileThatWeServePasses is the round trip: what GET …/credentials gives is good.
func TestTheFileThatWeServePasses(t *testing.T) {
	served, err := credential.CredentialFile(document(), "")
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, linter().Lint(served, credential.Form{}).Verdict)
	file, err := credential.Parse(served)
	require.NoError(t, err)
	assert.Equal(t, credential.File{ClientID: document().Status.ClientID, TenantID: document().Spec.TenantID,
		FederatedTokenIssuer: document().Spec.Issuer,
		Subject:              document().Spec.Subjects[0], Audience: document().Spec.Audience}, file)
}

// codes are the codes of the checks that did not pass, with their places.
func codes(r assessment.Report) []string {
	var all []string
	for _, c := range r.Checks {
		if c.Code != "" {
			all = append(all, string(c.Code)+" "+c.Field)
		}
	}
	return all
}

// TestAllFindingsAtOnce spells out some of the golden reports, so that nobody accepts them blindly.
func TestAllFindingsAtOnce(t *testing.T) {
	bad := files(t, "bad")
	for name, want := range map[string][]string{
		"all_wrong.json": {"file-secret /clientSecret", "client-id-not-guid /clientId", "tenant-id-alias /tenantId",
			"issuer-not-https /federatedTokenIssuer",
			"subject-service-account /subject", "audience-trailing-slash /audience"},
		"snake_case.json": {"file-member-misnamed /client_id", "file-member-misnamed /tenant_id",
			"file-member-misnamed /federated_token_issuer", "file-member-misnamed /sub", "file-member-misnamed /aud"},
		"template.json": {"client-id-placeholder /clientId", "tenant-id-placeholder /tenantId",
			"subject-placeholder /subject"},
		"invisible_characters.json": {"client-id-invisible-character /clientId", "tenant-id-blank-edge /tenantId",
			"issuer-invisible-character /federatedTokenIssuer",
			"subject-invisible-character /subject", "audience-blank-edge /audience"},
		"wrapped.json":                   {"file-wrapped /credentials", "file-secret /clientSecret"},
		"base64.txt":                     {"file-wrapped "},
		"json_in_string.json":            {"file-wrapped "},
		"kind_environment_federated.env": {"file-wrong-kind "},
		"utf16.json":                     {"file-encoding "},
		"trailing_data.json":             {"file-trailing-data "},
		"duplicate_case.json":            {"file-member-duplicate /clientId"},
		"kind_create_for_rbac.json":      {"file-wrong-kind ", "file-secret /password"},
		"kind_gcp.json":                  {"file-wrong-kind "},
		"secret_member.json": {"file-secret /clientSecret",
			"file-secret /nested/list/0/storage_account_key"},
		"secret_as_name.json": {"file-secret /[redacted]"},
		"secret_as_name_with_blanks.json": {"file-secret /[redacted]", "file-secret /nested/[redacted]/[redacted]",
			"file-secret /nested/[redacted]"},
		"kind_token_with_blanks.txt": {"file-wrong-kind ", "file-secret "},
		"null_and_number.json": {"file-value-not-string /clientId", "file-value-not-string /tenantId",
			"file-value-not-string /subject",
			"file-value-not-string /audience"},
		"issuer_subject_swapped.json": {"issuer-subject-swapped /federatedTokenIssuer"},
		"client_equals_tenant.json":   {"client-id-is-tenant-id /clientId"},
		"warn_issuer_slash.json":      {"issuer-unexpected /federatedTokenIssuer"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, bad, name)
			assert.Equal(t, want, codes(linter().Lint(bad[name], credential.Form{})))
		})
	}
}

func TestForm(t *testing.T) {
	good := files(t, "good")["seed.json"]
	client, tenant := value(t, good, "clientId"), value(t, good, "tenantId")
	other := "4f6b0b1e-9a52-4a3c-8a43-0d6f3f6c2b11"
	for name, c := range map[string]struct {
		form   credential.Form
		want   []string
		detail string
	}{
		"the same":     {credential.Form{ClientID: client, TenantID: strings.ToUpper(tenant)}, nil, ""},
		"other client": {credential.Form{ClientID: other}, []string{"form-client-id-mismatch /clientId"}, ""},
		"other tenant": {credential.Form{ClientID: client, TenantID: other},
			[]string{"form-tenant-id-mismatch /tenantId"}, ""},
		"exchanged": {credential.Form{ClientID: tenant, TenantID: client},
			[]string{"form-ids-swapped /clientId"}, "Exchange them where they stand the wrong way round"},
		"the tenant twice": {credential.Form{ClientID: tenant, TenantID: tenant},
			[]string{"form-client-id-mismatch /clientId"}, "The form's client id is the file's tenant id."},
		"client as tenant": {credential.Form{TenantID: client}, []string{"form-tenant-id-mismatch /tenantId"},
			"The form's tenant id is the file's client id."},
		"blank behind": {credential.Form{ClientID: client + " "},
			[]string{"client-id-blank-edge /form/clientId"}, "Remove the blank."},
		"in brackets": {credential.Form{ClientID: "{" + client + "}"},
			[]string{"client-id-not-guid /form/clientId"}, "stands in brackets"},
		"no GUID": {credential.Form{ClientID: "my-app", TenantID: "common"},
			[]string{"client-id-not-guid /form/clientId", "tenant-id-alias /form/tenantId"}, "not the object id"},
		"a secret in a form": {credential.Form{ClientID: "abc8Q~pl4nted0123456789abcdefghijklmnopqrs"},
			[]string{"client-id-secret /form/clientId"}, "Rotate that secret now"},
		"a domain, not a GUID": {credential.Form{TenantID: "contoso.com"}, []string{"tenant-id-domain /form/tenantId"},
			"not its GUID"},
	} {
		t.Run(name, func(t *testing.T) {
			report := linter().Lint(good, c.form)
			assertSound(t, report)
			assert.Equal(t, c.want, codes(report))
			assert.NotContains(t, string(encode(t, report)), "pl4nted")
			assert.Contains(t, string(encode(t, report)), c.detail)
		})
	}
	// Whether a domain and a GUID are the same tenant's, nobody here can tell, whichever of the two has which.
	domain := bytes.ReplaceAll(good, []byte(tenant), []byte("contoso.com"))
	for typed, want := range map[string][]string{"contoso.com": {"tenant-id-domain /tenantId",
		"tenant-id-domain /form/tenantId"}, tenant: {"tenant-id-domain /tenantId"},
		"fabrikam.com": {"tenant-id-domain /tenantId", "tenant-id-domain /form/tenantId",
			"form-tenant-id-mismatch /tenantId"}} {
		report := linter().Lint(domain, credential.Form{TenantID: typed})
		assert.Equal(t, want, codes(report))
		assertSound(t, report)
	}
	report := linter().Lint([]byte(`{}`), credential.Form{ClientID: client})
	i := slices.IndexFunc(report.Checks, func(c assessment.Check) bool { return c.ID == "file.form.clientId" })
	assert.Equal(t, diagnosis.OutcomeSkip, report.Checks[i].Status, "nothing to compare is no agreement")
}

func TestSize(t *testing.T) {
	good := files(t, "good")["seed.json"]
	fits := append(slices.Clone(good), bytes.Repeat([]byte(" "), credential.MaxSize-len(good))...)
	assert.Equal(t, assessment.VerdictPass, linter().Lint(fits, credential.Form{}).Verdict)
	assert.Equal(t, []string{"file-too-large "}, codes(linter().Lint(append(fits, ' '), credential.Form{})))
}

// TestASecretIsReplacedNotRemoved: the five members are needed, so what is to be done about a secret in one of them is
// not to remove it.
func TestASecretIsReplacedNotRemoved(t *testing.T) {
	good := files(t, "good")["seed.json"]
	for member, want := range map[string]string{
		"clientId": "the application or managed identity", "tenantId": "the Overview page of Microsoft Entra ID",
		"federatedTokenIssuer": "claim iss", "subject": "claim sub", "audience": "token-exchange audience",
	} {
		t.Run(member, func(t *testing.T) {
			bad := bytes.ReplaceAll(good, []byte(value(t, good, member)),
				[]byte("abc8Q~pl4nted0123456789abcdefghijklmnopqrs"))
			report := linter().Lint(bad, credential.Form{})
			assertSound(t, report)
			i := slices.IndexFunc(report.Checks, func(c assessment.Check) bool { return c.ID == "file.secrets.value" })
			require.GreaterOrEqual(t, i, 0, codes(report))
			check := report.Checks[i]
			assert.Equal(t, "/"+member, check.Field)
			steps := strings.Join(check.Remedy.Steps, " ")
			assert.Contains(t, steps, "Rotate")
			assert.Contains(t, steps, want)
			assert.NotContains(t, steps, "Remove")
		})
	}
}

// TestWellKnownIDs: an id that belongs to Microsoft or to everybody is neither an identity's nor a tenant's.
func TestWellKnownIDs(t *testing.T) {
	good := files(t, "good")["seed.json"]
	for name, c := range map[string]struct{ member, id, want string }{
		"Graph as client": {"clientId", "00000003-0000-0000-c000-000000000000",
			"client-id-microsoft /clientId"},
		"Graph as tenant": {"tenantId", "00000003-0000-0000-c000-000000000000",
			"tenant-id-alias /tenantId"},
		"a role as tenant": {"tenantId", "2A2B9908-6ea1-4ae2-8e65-a410df84e7d1",
			"tenant-id-alias /tenantId"},
		"personal accounts as client": {"clientId", "9188040d-6c67-4c5b-b112-36a304b66dad",
			"client-id-microsoft /clientId"},
		"Microsoft's own as client": {"clientId", "72f988bf-86f1-41af-91ab-2d7cd011db47",
			"client-id-microsoft /clientId"},
		"Microsoft's own as tenant": {"tenantId", "72f988bf-86f1-41af-91ab-2d7cd011db47",
			"tenant-id-microsoft /tenantId"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.ReplaceAll(good, []byte(value(t, good, c.member)), []byte(c.id))
			assert.Equal(t, []string{c.want}, codes(linter().Lint(bad, credential.Form{})))
		})
	}
}

// TestASecretIsNotRepeatedInParts: a name is cut before it is shown, and a part of a token is no token any more.
func TestASecretIsNotRepeatedInParts(t *testing.T) {
	token := "eyJ" + strings.Repeat("pl4nted", 20) + "." + strings.Repeat("pl4nted", 20) + "." +
		strings.Repeat("pl4nted", 20)
	for _, file := range []string{`{"` + token + `":1}`, `{"a":{"` + token + `":"x"}}`, `{"` + token +
		`":{"clientId":"","tenantId":"","subject":""}}`, `["` + token + `"]`, token + "x.y", `{"a":` + token} {
		report := linter().Lint([]byte(file), credential.Form{ClientID: token})
		assert.Equal(t, assessment.VerdictFail, report.Verdict)
		assert.NotContains(t, string(encode(t, report)), "pl4nted", file)
	}
}

// TestReportOfAForm holds whole reports of a form and a file, what passed and what was skipped included, against
// testdata/form.
func TestReportOfAForm(t *testing.T) {
	t.Parallel()
	all := formCases()
	for _, name := range []string{"the same", "both others", "both unfit", "unfit in the file", "no members",
		"exchanged"} {
		report := linter().Lint([]byte(all[name].file), all[name].form)
		report.ID = ""
		got := encode(t, report)
		golden := filepath.Join("testdata", "form", strings.ReplaceAll(name, " ", "_")+".json")
		if *update {
			require.NoError(t, os.WriteFile(golden, got, 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "go test -update accepts the change")
	}
}

// TestWhatIsNotKnownIsNotCompared: a service that knows nothing of its platform holds no file against it.
func TestWhatIsNotKnownIsNotCompared(t *testing.T) {
	t.Parallel()
	ids := func(l credential.Linter, form credential.Form) (list []string) {
		l.Now = time.Now
		for _, c := range l.Lint([]byte(seed()), form).Checks {
			assert.Equal(t, diagnosis.OutcomePass, c.Status, c.ID)
			list = append(list, c.ID)
		}
		return list
	}
	base := []string{"file.bytes", "file.json", "file.secrets", "file.members", "file.clientId", "file.tenantId",
		"file.federatedTokenIssuer", "file.subject", "file.audience", "file.ids"}
	with := func(more ...string) []string { return append(slices.Clone(base), more...) }
	assert.Equal(t, base, ids(credential.Linter{}, credential.Form{}))
	assert.Equal(t, with("file.platform.issuer"), ids(credential.Linter{Issuer: issuer}, credential.Form{}))
	assert.Equal(t, with("file.platform.subject"),
		ids(credential.Linter{SubjectTemplate: "system:{service}"}, credential.Form{}))
	assert.Equal(t, with("form.clientId", "file.form.clientId"),
		ids(credential.Linter{}, credential.Form{ClientID: client}))
	assert.Equal(t, with("form.tenantId", "file.form.tenantId"),
		ids(credential.Linter{}, credential.Form{TenantID: tenant}))
	assert.Equal(t, base, ids(credential.Linter{Audience: audience}, credential.Form{}))
}

// TestAReportTellsWhenItWasMade, and each has its own id.
func TestAReportTellsWhenItWasMade(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 5, 4, 5, 0, time.FixedZone("east", 2*3600))
	now := func() time.Time {
		at = at.Add(1500 * time.Millisecond)
		return at
	}
	first := credential.Linter{Now: now}.Lint([]byte(seed()), credential.Form{})
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 6, 500_000_000, time.UTC), first.StartedAt)
	assert.Equal(t, int64(1500), first.DurationMS)
	assert.NotNil(t, first.Leftovers, "a list, not null")
	assert.Empty(t, first.Leftovers)
	second := credential.Linter{Now: now}.Lint([]byte(seed()), credential.Form{})
	assert.NotEmpty(t, first.ID)
	assert.NotEqual(t, first.ID, second.ID)
}

// TestAFileThatIsCutIsNoFile, wherever it is cut before its last brace.
func TestAFileThatIsCutIsNoFile(t *testing.T) {
	t.Parallel()
	cuttest.EachByte(seed(), func(cut string) {
		report := linter().Lint([]byte(cut), credential.Form{})
		assert.Equal(t, assessment.VerdictFail, report.Verdict, cut)
		assertSound(t, report)
		_, err := credential.Parse([]byte(cut))
		assert.Error(t, err, cut)
	})
}

// TestManyFaultsAreBounded: a file of nothing but unknown members makes no endless report.
func TestManyFaultsAreBounded(t *testing.T) {
	var file strings.Builder
	file.WriteString("{")
	for i := range 200 {
		file.WriteString(`"` + strings.Repeat("z", i%20+10) + string(rune('a'+i%26)) + `":1,`)
	}
	report := linter().Lint([]byte(file.String()+`"zz":1}`), credential.Form{})
	assert.Less(t, len(report.Checks), 80)
	assert.Contains(t, string(encode(t, report)), "More like it that are not listed: 181.")
}
