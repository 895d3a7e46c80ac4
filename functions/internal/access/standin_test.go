package access_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const accountURL = "https://acmedata.blob.core.windows.net/"

// role gives the identity one role at one scope, and takes all others.
func role(role, scope string) func(*cloud) {
	return func(c *cloud) {
		c.unassign()
		if role != "" {
			c.assign("b0000000-0000-4000-8000-000000000009", scope, role)
		}
	}
}

// only leaves the data account with these containers.
func only(names ...string) func(*cloud) {
	return func(c *cloud) {
		for _, name := range []string{"images", "archive"} {
			require.NoError(c.t, c.world.DeleteContainer(world.DataAccount, name))
		}
		for _, name := range names {
			_, err := c.world.CreateContainer(world.DataAccount, name)
			require.NoError(c.t, err)
		}
	}
}

var (
	inOneContainer = world.DataAccountID + "/blobServices/default/containers/images"
	skipped        = []string{"network pass", "list skip", "read skip", "write skip", "delete skip"}
)

// wholeAccountCases are tests of an account as a whole.
var wholeAccountCases = map[string]struct {
	account string
	prepare func(*cloud)
	access  integration.Access
	mode    access.Mode
	want    []string // apart from order
	scope   string   // of the remedy's command
	verdict assessment.Verdict
	claim   assessment.ClaimLevel
	proved  bool
}{
	"contributor, written and removed": {
		access: integration.AccessReadWrite, verdict: assessment.VerdictPass, claim: assessment.ClaimAccess,
		proved: true,
		want: []string{"containers pass", "network pass", "protection pass", "write pass", "read pass", "list pass",
			"delete pass", "cleanup pass"},
	},
	"contributor, by oracle": {
		access: integration.AccessReadWrite, mode: access.ModeOracle, verdict: assessment.VerdictPass,
		claim: assessment.ClaimAccess, proved: true,
		want: []string{"containers pass", "network pass", "protection pass", "write pass", "read pass", "list pass",
			"delete pass"},
	},
	"reader for reading": {
		prepare: role(rbac.RoleBlobDataReader, world.DataAccountID), access: integration.AccessRead,
		verdict: assessment.VerdictPass, claim: assessment.ClaimAccess, proved: true,
		want: []string{"containers pass", "network pass", "protection pass", "write pass", "read pass", "list pass",
			"delete pass"},
	},
	"reader for writing": {
		prepare: role(rbac.RoleBlobDataReader, world.DataAccountID), access: integration.AccessReadWrite,
		scope:   world.DataAccountID,
		verdict: assessment.VerdictFail, claim: assessment.ClaimAccess,
		want: []string{"containers pass", "network pass", "protection pass", "write fail role-missing", "read pass",
			"list pass", "delete fail role-missing"},
	},
	"reader for writing, by oracle": {
		prepare: role(rbac.RoleBlobDataReader, world.DataAccountID), access: integration.AccessReadWrite,
		mode: access.ModeOracle, scope: world.DataAccountID,
		verdict: assessment.VerdictFail, claim: assessment.ClaimAccess,
		want: []string{"containers pass", "network pass", "protection pass", "write fail role-missing", "read pass",
			"list pass", "delete fail role-missing"},
	},
	"contributor for reading": {
		access: integration.AccessRead, verdict: assessment.VerdictWarn, claim: assessment.ClaimAccess, proved: true,
		want: []string{"containers pass", "network pass", "protection pass", "write warn over-privileged", "read pass",
			"list pass", "delete warn over-privileged"},
	},
	"no role": {
		prepare: role("", ""), access: integration.AccessRead, scope: world.DataAccountID,
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange,
		want: append([]string{"containers fail role-missing"}, skipped...),
	},
	"role at a container only": {
		prepare: role(rbac.RoleBlobDataContributor, inOneContainer), access: integration.AccessReadWrite,
		scope:   world.DataAccountID,
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange,
		want: append([]string{"containers fail role-missing"}, skipped...),
	},
	"management role without data rights": {
		prepare: role(rbac.RoleOwner, world.DataAccountID), access: integration.AccessRead,
		scope:   world.DataAccountID,
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange,
		want: []string{"containers pass", "network pass", "protection pass", "list fail role-missing",
			"read fail role-missing", "write pass", "delete pass"},
	},
	"firewall closed": {
		account: world.LockedAccountID, access: integration.AccessReadWrite, verdict: assessment.VerdictFail,
		claim: assessment.ClaimExchange,
		want:  []string{"network fail network-rules-blocked", "list skip", "read skip", "write skip", "delete skip"},
	},
	"account is empty": {
		prepare: only(), access: integration.AccessRead, verdict: assessment.VerdictUnknown,
		claim: assessment.ClaimExchange,
		want:  append([]string{"containers unknown account-empty"}, skipped...),
	},
	"account holds the service's own containers only": {
		prepare: only("$logs", "$web"), access: integration.AccessReadWrite, verdict: assessment.VerdictUnknown,
		claim: assessment.ClaimExchange,
		want:  append([]string{"containers unknown account-empty"}, skipped...),
	},
	"all containers immutable": {
		prepare: func(c *cloud) { require.NoError(c.t, c.world.DeleteContainer(world.DataAccount, "images")) },
		access:  integration.AccessReadWrite, verdict: assessment.VerdictWarn, claim: assessment.ClaimAccess,
		want: []string{"containers pass", "network pass", "protection warn immutable-container", "list pass",
			"read pass",
			"write skip immutable-container", "delete skip immutable-container"},
	},
	"account missing": {
		account: world.DataAccountID + "x", access: integration.AccessRead, verdict: assessment.VerdictUnknown,
		claim: assessment.ClaimExchange,
		want:  []string{"network unknown network-dns", "list skip", "read skip", "write skip", "delete skip"},
	},
}

// TestAccountWithoutContainer tests an entry that grants a whole account: the rights are tried in one of its
// containers.
func TestAccountWithoutContainer(t *testing.T) {
	t.Parallel()
	reports := map[string]assessment.Report{}
	t.Cleanup(func() { assertReports(t, "accounts.txt", reports) })
	for name, tt := range wholeAccountCases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			if tt.prepare != nil {
				tt.prepare(c)
			}
			entry := integration.StorageAccess{ResourceID: world.DataAccountID, Access: tt.access}
			if tt.account != "" {
				entry.ResourceID = tt.account
			}
			d, tester := c.document(entry), c.tester()
			report, err := tester.Run(t.Context(), access.Request{Document: d, Token: c.token(platform.TokenRequest{}),
				Mode: tt.mode})
			require.NoError(t, err)
			reports[name] = report
			assert.ElementsMatch(t, tt.want, rights(report))
			assert.Equal(t, tt.verdict, report.Verdict)
			assert.Equal(t, tt.claim, report.ClaimLevel)
			why, unproved := tester.Unproved(d.Spec, report)
			assert.Equal(t, tt.proved, !unproved, why)
			for _, check := range report.Checks {
				if tt.scope != "" && check.Status == diagnosis.OutcomeFail {
					assert.True(t, strings.HasSuffix(check.Remedy.Command, " --scope "+tt.scope), check.Remedy.Command)
					assert.Equal(t, "/storage/0", check.Field)
				}
			}
			assert.Empty(t, report.Leftovers)
			account, _ := c.world.StorageAccount(world.DataAccount)
			for _, container := range account.Containers {
				blobs, err := c.world.Blobs(world.DataAccount, container.Name, "")
				require.NoError(t, err)
				assert.Empty(t, blobs)
			}
		})
	}
}

// TestStandIn: which container stands for its account does not depend on chance, and the report names it.
func TestStandIn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare func(*cloud)
		access  integration.Access
		want    string
	}{
		"the first that is not immutable": {func(*cloud) {}, integration.AccessReadWrite, "images"},
		"for reading too":                 {func(*cloud) {}, integration.AccessRead, "images"},
		"the first by name":               {only("zeta", "beta", "$web"), integration.AccessReadWrite, "beta"},
		"an immutable one where all are such": {func(c *cloud) {
			require.NoError(c.t, c.world.DeleteContainer(world.DataAccount, "images"))
		}, integration.AccessRead, "archive"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			tt.prepare(c)
			d := c.document(integration.StorageAccess{ResourceID: world.DataAccountID, Access: tt.access})
			report, err := c.tester().Run(t.Context(),
				access.Request{Document: d, Token: c.token(platform.TokenRequest{})})
			require.NoError(t, err)
			told := false
			for _, check := range report.Checks {
				if strings.HasPrefix(check.ID, "access.") {
					assert.Equal(t, accountURL, check.Target,
						"a check belongs to the entry, whichever container stands for it")
				}
				if check.ID == "access.containers" {
					told = strings.Contains(check.Detail, " "+tt.want+" ")
				}
			}
			assert.True(t, told)
			for _, request := range append(c.seen(http.MethodPut), c.seen(http.MethodDelete)...) {
				assert.Contains(t, request, "acmedata.blob.core.windows.net/"+tt.want+"/")
			}
		})
	}
}

// TestStandInIsLookedForOnEveryPage: a page of a listing may hold nothing of use, and more may follow.
func TestStandInIsLookedForOnEveryPage(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(r *http.Request) *http.Response {
		if query := r.URL.Query(); query.Get("comp") == "list" && r.URL.Path == "/" {
			query.Set("maxresults", "1")
			r.URL.RawQuery = query.Encode()
		}
		return nil
	}
	d := c.document(integration.StorageAccess{ResourceID: world.DataAccountID, Access: integration.AccessReadWrite})
	report, err := c.tester().Run(t.Context(), access.Request{Document: d, Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, report.Verdict, lines(report))
}

// TestAccountWithoutContainerNorToken: without a token the account is asked anonymously, and nothing more.
func TestAccountWithoutContainerNorToken(t *testing.T) {
	t.Parallel()
	for account, network := range map[string]string{world.DataAccountID: "network pass",
		world.LockedAccountID: "network fail network-rules-blocked"} {
		c := newCloud(t)
		d := c.document(integration.StorageAccess{ResourceID: account, Access: integration.AccessRead})
		report, err := c.tester().Run(t.Context(), access.Request{Document: d})
		require.NoError(t, err)
		assert.Equal(t, []string{network, "list skip", "read skip", "write skip", "delete skip"}, rights(report))
	}
}

// TestLeftoverOfAStandIn: what stays is named where it is.
func TestLeftoverOfAStandIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(r *http.Request) *http.Response {
		if r.Method == http.MethodDelete {
			return refusal(http.StatusConflict, "BlobImmutableDueToPolicy", nil)
		}
		return nil
	}
	d := c.document(integration.StorageAccess{ResourceID: world.DataAccountID, Access: integration.AccessReadWrite})
	report, err := c.tester().Run(t.Context(), access.Request{Document: d, Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	require.Len(t, report.Leftovers, 1)
	require.Len(t, c.blobNames(), 1)
	assert.Equal(t, accountURL+c.blobNames()[0], report.Leftovers[0].URL)
}

// The parts of a page of containers.
const (
	containersPage = `<EnumerationResults><Containers>%s</Containers><NextMarker>%s</NextMarker></EnumerationResults>`
	withPolicy     = "<HasImmutabilityPolicy>true</HasImmutabilityPolicy>"
	withHold       = "<HasLegalHold>true</HasLegalHold>"
	withVersions   = "<ImmutableStorageWithVersioningEnabled>true</ImmutableStorageWithVersioningEnabled>"
)

func item(name, members, properties string) string {
	return "<Container><Name>" + name + "</Name>" + members + "<Properties>" + properties + "</Properties></Container>"
}

// standInCases are listings of an account's containers.
var standInCases = map[string]struct {
	pages []string
	want  string // the container; empty for none
	told  string
}{
	"deleted": {[]string{item("a", "<Deleted>true</Deleted>", "") + item("images", "", "")},
		"images", ""},
	"the service's":           {[]string{item("$web", "", "") + item("images", "", "")}, "images", ""},
	"a policy":                {[]string{item("a", "", withPolicy) + item("images", "", "")}, "images", ""},
	"a hold":                  {[]string{item("a", "", withHold) + item("images", "", "")}, "images", ""},
	"versions":                {[]string{item("a", "", withVersions) + item("images", "", "")}, "images", ""},
	"the first protected one": {[]string{item("images", "", withHold) + item("b", "", withPolicy)}, "images", ""},
	"none is free, two pages": {[]string{item("images", "", withHold), item("b", "", withPolicy)}, "images", ""},
	"one is free, on page 2":  {[]string{item("a", "", withHold), item("images", "", "")}, "images", ""},
	"none at all":             {[]string{"", ""}, "", "containers unknown account-empty"},
	"page 2 is refused":       {[]string{item("a", "", withHold), "refused"}, "", "containers fail role-missing"},
	"page 2 is throttled":     {[]string{item("a", "", withHold), "busy"}, "", "network unknown storage-throttled"},
}

// TestWhatIsNoStandIn: a container that is deleted, or belongs to the service, or from which nothing can be deleted.
func TestWhatIsNoStandIn(t *testing.T) {
	t.Parallel()
	for name, tc := range standInCases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			asked := 0
			c.answer = func(r *http.Request) *http.Response {
				if r.URL.Query().Get("comp") != "list" || r.URL.Path != "/" {
					return nil
				}
				this, next := tc.pages[min(asked, len(tc.pages)-1)], "more"
				asked++
				switch {
				case this == "refused":
					return refusal(http.StatusForbidden, "AuthorizationPermissionMismatch", nil)
				case this == "busy":
					return refusal(http.StatusServiceUnavailable, "ServerBusy", nil)
				case asked == len(tc.pages):
					next = ""
				}
				resp := refusal(http.StatusOK, "", map[string]string{"Content-Type": "application/xml"})
				resp.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(containersPage, this, next)))
				return resp
			}
			d := c.document(integration.StorageAccess{ResourceID: world.DataAccountID})
			report, err := c.tester().Run(t.Context(),
				access.Request{Document: d, Token: c.token(platform.TokenRequest{})})
			require.NoError(t, err)
			if tc.want == "" {
				assert.Contains(t, rights(report), tc.told)
				assert.Contains(t, rights(report), "list skip")
				return
			}
			assert.Contains(t, c.seen(http.MethodGet), "GET acmedata.blob.core.windows.net/"+tc.want)
			assert.Equal(t, assessment.ClaimAccess, report.ClaimLevel)
		})
	}
}
