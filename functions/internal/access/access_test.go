package access_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

// lines are a report's checks as "id status code".
func lines(r assessment.Report) []string {
	var all []string
	for _, c := range r.Checks {
		line := c.ID + " " + string(c.Status)
		if c.Code != "" {
			line += " " + string(c.Code)
		}
		all = append(all, line)
	}
	return all
}

// rights are the lines below the exchange.
func rights(r assessment.Report) []string {
	var all []string
	for _, line := range lines(r) {
		if strings.HasPrefix(line, "access.") {
			all = append(all, strings.TrimPrefix(line, "access."))
		}
	}
	return all
}

func TestRoundTripPassesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{}), Prefix: "probe/here"})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, report.Verdict, lines(report))
	assert.Equal(t, assessment.ClaimAccess, report.ClaimLevel)
	assert.Equal(t, []string{"network pass", "protection pass", "write pass", "read pass", "list pass", "delete pass",
		"cleanup pass"}, rights(report))
	assert.Empty(t, c.blobNames())
	assert.Empty(t, report.Leftovers)

	puts := c.seen(http.MethodPut)
	require.Len(t, puts, 1)
	assert.Regexp(t,
		`^PUT acmedata\.blob\.core\.windows\.net/images/probe/here/`+
			`\.ddoe-wif-probe-my-images-20260301T120000Z-[0-9a-f]{32}$`, puts[0])
}

func TestEachTestExchangesAnew(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	tester, request := c.tester(), access.Request{Document: c.document(), Token: c.token(platform.TokenRequest{})}
	_, err := tester.Run(t.Context(), request)
	require.NoError(t, err)
	c.retrust(func(f *world.FederatedIdentityCredential) { f.Subject = "somebody-else" })
	report, err := tester.Run(t.Context(), request)
	require.NoError(t, err)
	assert.Contains(t, lines(report), "exchange.token fail credential-subject-mismatch",
		"a cached token would make a broken trust look sound")
}

var (
	archive = with(images(integration.AccessReadWrite), func(e *integration.StorageAccess) {
		e.Container = "archive"
	})
	lockedImages = integration.StorageAccess{ResourceID: world.LockedAccountID, Container: "images",
		Access: integration.AccessReadWrite}
	absent = with(images(integration.AccessReadWrite), func(e *integration.StorageAccess) { e.Container = "absent" })
)

// faultCases are what may be wrong, each with the check that tells.
var faultCases = map[string]struct {
	damage  func(c *cloud, d *integration.Document)
	token   platform.TokenRequest
	mode    access.Mode
	access  integration.Access
	storage []integration.StorageAccess
	want    string // the check that tells
	others  []string
	verdict assessment.Verdict
	claim   assessment.ClaimLevel
	who     diagnosis.Who
	command string
}{
	"role assignment removed": {
		damage: func(c *cloud, _ *integration.Document) { c.unassign() },
		want:   "access.list fail role-missing", others: []string{"access.network pass",
			"access.protection skip protection-unknown",
			"access.write fail role-missing", "access.read fail role-missing", "access.delete fail role-missing"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoCaller,
		command: "az role assignment create --name " + assignmentName(integration.AccessReadWrite) +
			" --assignee-object-id " + principalID + " --assignee-principal-type ServicePrincipal --role 'Storage " +
			"Blob Data Contributor' --scope " +
			world.DataAccountID + "/blobServices/default/containers/images",
	},
	"reader where writing is wanted": {
		damage: func(c *cloud, _ *integration.Document) {
			c.unassign()
			c.assign("b0000000-0000-4000-8000-000000000009", world.DataAccountID, rbac.RoleBlobDataReader)
		},
		want: "access.write fail role-missing", others: []string{"access.list pass", "access.read pass",
			"access.delete fail role-missing"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimAccess, who: diagnosis.WhoCaller,
		command: "az role assignment create --name " + assignmentName(integration.AccessReadWrite) + " ",
	},
	"contributor where reading is wanted": {
		storage: []integration.StorageAccess{images(integration.AccessRead)},
		want:    "access.write warn over-privileged", others: []string{"access.list pass", "access.read pass",
			"access.delete warn over-privileged"},
		verdict: assessment.VerdictWarn, claim: assessment.ClaimAccess, who: diagnosis.WhoStorageAdmin,
		command: "az role assignment list --assignee " + principalID,
	},
	"credential's subject changed": {
		damage: func(c *cloud, _ *integration.Document) {
			c.retrust(func(f *world.FederatedIdentityCredential) {
				f.Subject = "system:serviceaccount:ddoe:my-service"
			})
		},
		want: "exchange.token fail credential-subject-mismatch", others: []string{"access.network pass",
			"access.list skip", "access.write skip"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller,
		command: "az ad app federated-credential list --id " + clientID,
	},
	"credential's subject differs by case": {
		damage: func(c *cloud, _ *integration.Document) {
			c.retrust(func(f *world.FederatedIdentityCredential) { f.Subject = strings.ToUpper(subject) })
		},
		want:    "exchange.token fail credential-subject-case-mismatch",
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller,
		command: "federated-credential list",
	},
	"credential's issuer changed": {
		damage: func(c *cloud, _ *integration.Document) {
			c.retrust(func(f *world.FederatedIdentityCredential) { f.Issuer = world.Issuer + "/" })
		},
		want:    "exchange.token fail credential-issuer-mismatch",
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller,
		command: "federated-credential list",
	},
	"credential's audience changed": {
		damage: func(c *cloud, _ *integration.Document) {
			c.retrust(func(f *world.FederatedIdentityCredential) { f.Audiences = []string{"api://other"} })
		},
		want:    "exchange.token fail credential-audience-mismatch",
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller,
		command: "federated-credential list",
	},
	"credential deleted": {
		damage: func(c *cloud, _ *integration.Document) {
			require.NoError(c.t, c.world.DeleteFederatedCredential(objectID, "subject"))
		},
		want:    "exchange.token fail federated-credential-missing",
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller, command: `"name":"` +
			integration.CredentialName(subject) + `"`,
	},
	"application unknown": {
		damage: func(_ *cloud, d *integration.Document) { d.Status.ClientID = objectID },
		want:   "exchange.token fail identity-missing", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoCaller,
	},
	"service principal disabled": {
		damage: func(c *cloud, _ *integration.Document) {
			_, err := c.world.UpdateServicePrincipal(principalID, func(sp *world.ServicePrincipal) error {
				sp.AccountEnabled = false
				return nil
			})
			require.NoError(c.t, err)
		},
		want: "exchange.token fail client-disabled", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoEntraAdmin, command: "az ad sp update",
	},
	"tenant unknown": {
		damage: func(_ *cloud, d *integration.Document) { d.Spec.TenantID = "deadbeef-1111-4111-8111-111111111111" },
		want:   "exchange.token fail tenant-unknown", others: []string{"access.network fail storage-tenant-mismatch"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoEntraAdmin,
	},
	"signing key not published": {
		token: platform.TokenRequest{KeyID: "nobody-knows"},
		want:  "exchange.token fail signing-key-unknown", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoDDOEAdmin,
	},
	"audience wrong in the token": {
		token: platform.TokenRequest{Audience: "api://AzureADTokenExchange/"},
		want:  "token.audience fail token-audience-mismatch", others: []string{"exchange.token skip"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoDDOEAdmin,
	},
	"issuer wrong in the token": {
		token: platform.TokenRequest{Issuer: world.Issuer + "/"},
		want:  "token.issuer fail token-issuer-mismatch", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoCaller,
	},
	"subject wrong in the token": {
		token: platform.TokenRequest{Subject: "system:serviceaccount:dataloop:nobody"},
		want:  "token.subject fail token-subject-mismatch", verdict: assessment.VerdictFail,
		claim: assessment.ClaimFile,
		who:   diagnosis.WhoCaller,
	},
	"subject differs by case in the token": {
		token: platform.TokenRequest{Subject: "system:serviceaccount:dataloop:My-Service"},
		want:  "token.subject fail subject-case-mismatch", verdict: assessment.VerdictFail,
		claim: assessment.ClaimFile,
		who:   diagnosis.WhoCaller,
	},
	"subject differs by case from the second": {
		token: platform.TokenRequest{Subject: "system:serviceaccount:dataloop:OTHER"},
		want:  "token.subject fail subject-case-mismatch", verdict: assessment.VerdictFail,
		claim: assessment.ClaimFile,
		who:   diagnosis.WhoCaller,
	},
	"subject begins as the second": {
		token: platform.TokenRequest{Subject: "system:serviceaccount:dataloop:others"},
		want:  "token.subject fail token-subject-mismatch", verdict: assessment.VerdictFail,
		claim: assessment.ClaimFile,
		who:   diagnosis.WhoCaller,
	},
	"second entry is closed": {
		storage: []integration.StorageAccess{images(integration.AccessReadWrite), lockedImages},
		want:    "access.network fail network-rules-blocked", others: []string{"access.cleanup pass"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimAccess, who: diagnosis.WhoStorageAdmin,
	},
	"container being deleted": {
		damage: func(c *cloud, _ *integration.Document) { c.answer = refusing("ContainerBeingDeleted", 409) },
		want:   "access.list fail container-being-deleted", others: []string{"access.network pass",
			"access.protection skip protection-unknown"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoStorageAdmin,
	},
	"container disabled": {
		damage: func(c *cloud, _ *integration.Document) { c.answer = refusing("ContainerDisabled", 409) },
		want:   "access.list fail container-disabled", others: []string{"access.network pass"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoStorageAdmin,
	},
	"account disabled": {
		damage: func(c *cloud, _ *integration.Document) { c.answer = refusing("AccountIsDisabled", 403) },
		want:   "access.network fail account-disabled", others: []string{"access.list skip"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoStorageAdmin,
	},
	"token expired": {
		token: platform.TokenRequest{ExpiresInSeconds: -1},
		want:  "token.lifetime fail token-expired", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoCaller,
	},
	"token lives long": {
		token: platform.TokenRequest{ExpiresInSeconds: 3 * 86400},
		want:  "token.lifetime warn token-lifetime-too-long", others: []string{"access.cleanup pass"},
		verdict: assessment.VerdictWarn, claim: assessment.ClaimAccess, who: diagnosis.WhoDDOEAdmin,
	},
	"algorithm not supported": {
		token: platform.TokenRequest{Algorithm: "HS256"},
		want:  "token.algorithm fail token-algorithm-unsupported", verdict: assessment.VerdictFail,
		claim: assessment.ClaimFile, who: diagnosis.WhoDDOEAdmin,
	},
	"access token instead of an ID token": {
		token: platform.TokenRequest{Type: "at+jwt"},
		want:  "token.type fail token-type-unsupported", verdict: assessment.VerdictFail, claim: assessment.ClaimFile,
		who: diagnosis.WhoDDOEAdmin,
	},
	"firewall closed": {
		storage: []integration.StorageAccess{lockedImages},
		want:    "access.network fail network-rules-blocked", others: []string{"access.list skip",
			"access.delete skip"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoStorageAdmin,
		command: "az storage account show --ids " + world.LockedAccountID,
	},
	"firewall closed and trust broken": {
		damage: func(c *cloud, _ *integration.Document) {
			c.retrust(func(f *world.FederatedIdentityCredential) { f.Subject = "somebody-else" })
		},
		storage: []integration.StorageAccess{lockedImages},
		want:    "exchange.token fail credential-subject-mismatch",
		others:  []string{"access.network fail network-rules-blocked"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimFile, who: diagnosis.WhoCaller,
	},
	"container immutable": {
		storage: []integration.StorageAccess{archive},
		want:    "access.protection warn immutable-container", others: []string{"access.list pass", "access.read pass",
			"access.write skip immutable-container", "access.delete skip immutable-container"},
		verdict: assessment.VerdictWarn, claim: assessment.ClaimAccess, who: diagnosis.WhoStorageAdmin,
	},
	"container missing": {
		storage: []integration.StorageAccess{absent},
		want:    "access.list fail container-not-found", others: []string{"access.network pass", "access.read skip",
			"access.write skip"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoCaller,
		command: "az storage container create --auth-mode login --account-name acmedata --name absent",
	},
	"account missing": {
		storage: []integration.StorageAccess{{ResourceID: world.DataAccountID + "x", Container: "images"}},
		want:    "access.network unknown network-dns", verdict: assessment.VerdictUnknown,
		claim: assessment.ClaimExchange, who: diagnosis.WhoOperator,
	},
	"account is no host name": {
		storage: []integration.StorageAccess{{ResourceID: "/x/evil.example?", Container: "images"}},
		want:    "access.network fail storage-name-invalid", verdict: assessment.VerdictFail,
		claim: assessment.ClaimExchange, who: diagnosis.WhoCaller,
	},
	"oracle without a role": {
		mode:   access.ModeOracle,
		damage: func(c *cloud, _ *integration.Document) { c.unassign() },
		want:   "access.write fail role-missing", others: []string{"access.list fail role-missing",
			"access.read fail role-missing", "access.delete fail role-missing"},
		verdict: assessment.VerdictFail, claim: assessment.ClaimExchange, who: diagnosis.WhoCaller,
		command: "az role assignment create",
	},
	"more access asked for than granted": {
		damage: func(c *cloud, _ *integration.Document) {
			c.unassign()
			c.assign("b0000000-0000-4000-8000-000000000009", world.DataAccountID, rbac.RoleBlobDataReader)
		},
		storage: []integration.StorageAccess{images(integration.AccessRead)}, access: integration.AccessReadWrite,
		want: "access.write fail role-missing", verdict: assessment.VerdictFail, claim: assessment.ClaimAccess,
		who: diagnosis.WhoCaller,
	},
	"throttled": {
		damage: func(c *cloud, _ *integration.Document) {
			c.answer = func(r *http.Request) *http.Response {
				if strings.Contains(r.URL.Host, ".blob.") {
					return refusal(http.StatusServiceUnavailable, "ServerBusy", map[string]string{"Retry-After": "60"})
				}
				return nil
			}
		},
		want: "access.network unknown storage-throttled", verdict: assessment.VerdictUnknown,
		claim: assessment.ClaimExchange, who: diagnosis.WhoOperator,
	},
}

// refusing makes Storage answer every request with that refusal.
func refusing(code string, status int) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.Host, ".blob.") {
			return refusal(status, code, nil)
		}
		return nil
	}
}

// assertReports holds reports, by name, against a golden file: all of a check but the words of the catalogue and the
// ids of requests.
func assertReports(t *testing.T, file string, reports map[string]assessment.Report) {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		r := reports[name]
		fmt.Fprintf(&b, "%s: %s %s as %s\n", name, r.Verdict, r.ClaimLevel, r.TestedAs.Subject)
		for _, c := range r.Checks {
			own := c.Title
			if c.Code != "" && c.Status != diagnosis.OutcomeSkip {
				own = "" // the catalogue's
			}
			diffAt, who, command := "", "", ""
			if c.DiffAt != nil {
				diffAt = strconv.Itoa(*c.DiffAt)
			}
			if c.Remedy != nil {
				who, command = string(c.Remedy.Who), c.Remedy.Command
			}
			line := []string{fmt.Sprintf("\t%s (%s) %s", c.ID, c.Layer, c.Status)}
			for _, member := range [][2]string{{"code", string(c.Code)}, {"title", own}, {"field", c.Field},
				{"target", c.Target}, {"expected", c.Expected}, {"actual", c.Actual}, {"presented", c.Presented},
				{"diffAt", diffAt},
				{"dependsOn", c.DependsOn}, {"who", who}, {"command", command}} {
				if member[1] != "" {
					line = append(line, member[0]+": "+member[1])
				}
			}
			b.WriteString(strings.Join(line, "; ") + "\n")
		}
		for _, left := range r.Leftovers {
			fmt.Fprintf(&b, "\tleft: %s\n\t\t%s\n", left.URL, left.Remedy)
		}
	}
	golden := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

// TestFaults walks every fault to the code and the person that it leads to, and holds the whole report of each.
func TestFaults(t *testing.T) {
	t.Parallel()
	reports := map[string]assessment.Report{}
	t.Cleanup(func() { assertReports(t, "faults.txt", reports) })
	for name, tt := range faultCases {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			d := c.document(tt.storage...)
			if tt.damage != nil {
				tt.damage(c, &d)
			}
			report, err := c.tester().Run(t.Context(), access.Request{Document: d, Token: c.token(tt.token),
				Mode: tt.mode, Access: tt.access})
			require.NoError(t, err)
			reports[name] = report
			all := lines(report)
			assert.Contains(t, all, tt.want)
			for _, other := range tt.others {
				assert.Contains(t, all, other)
			}
			assert.Equal(t, tt.verdict, report.Verdict, all)
			assert.Equal(t, tt.claim, report.ClaimLevel)
			assert.Empty(t, c.blobNames())
			assert.Empty(t, report.Leftovers)
			for _, check := range report.Checks {
				if strings.HasPrefix(tt.want, check.ID+" ") && check.Status != diagnosis.OutcomePass {
					require.NotNil(t, check.Remedy)
					assert.Equal(t, tt.who, check.Remedy.Who)
					assert.NotEmpty(t, check.Remedy.Steps)
					assert.Contains(t, check.Remedy.Command, tt.command)
				}
				if check.Status == diagnosis.OutcomeSkip && check.Code == "" {
					assert.NotEmpty(t, check.DependsOn, check.ID)
				}
			}
			if tt.claim == assessment.ClaimFile && strings.HasPrefix(tt.want, "token.") {
				assert.Empty(t, c.seen(http.MethodPost), "a token that cannot match is not sent anywhere")
			}
		})
	}
}

func TestOracleWritesNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, report.Verdict)
	assert.Equal(t, []string{"network pass", "protection pass", "list pass", "read pass", "write pass", "delete pass"},
		rights(report))
	assert.Empty(t, c.blobNames())
}

func TestOracleRemovesWhatAnAccountWroteAgainstTheCondition(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.after = nil
	c.answer = func(r *http.Request) *http.Response {
		delete(r.Header, "If-Match") // the account that ignores the condition
		return nil
	}
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{}), Mode: access.ModeOracle})
	require.NoError(t, err)
	assert.Contains(t, lines(report), "access.write pass")
	assert.Contains(t, lines(report), "access.cleanup pass")
	assert.Empty(t, c.blobNames())
}

func TestReadAccessIsNeverWritten(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.unassign()
	c.assign("b0000000-0000-4000-8000-000000000009", world.DataAccountID, rbac.RoleBlobDataReader)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(images(integration.AccessRead)),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictPass, report.Verdict, lines(report))
	assert.Equal(t, []string{"network pass", "protection pass", "list pass", "read pass", "write pass", "delete pass"},
		rights(report))
}

// TestImmutableContainerGetsNoWrite, whichever of the three kinds of protection it has. The other rights are tested.
func TestImmutableContainerGetsNoWrite(t *testing.T) {
	t.Parallel()
	for _, protection := range []string{"x-ms-has-immutability-policy", "x-ms-has-legal-hold",
		"x-ms-immutable-storage-with-versioning-enabled"} {
		for _, mode := range []access.Mode{access.ModeRoundtrip, access.ModeOracle} {
			for wanted, told := range map[integration.Access]string{
				integration.AccessRead:      "protection pass",
				integration.AccessReadWrite: "protection warn immutable-container"} {
				t.Run(fmt.Sprintf("%s %s %s", protection, mode, wanted), func(t *testing.T) {
					c := newCloud(t)
					c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
						if r.URL.Query().Get("restype") == "container" {
							resp.Header.Set(protection, "true")
						}
						return resp, nil
					}
					report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(images(wanted)),
						Token: c.token(platform.TokenRequest{}), Mode: mode})
					require.NoError(t, err)
					assert.Equal(t, []string{"network pass", told, "list pass", "read pass",
						"write skip immutable-container", "delete skip immutable-container"}, rights(report))
					assert.Equal(t, assessment.ClaimAccess, report.ClaimLevel)
					assert.Empty(t, c.seen(http.MethodPut))
					assert.Empty(t, c.seen(http.MethodDelete))
				})
			}
		}
	}
}

func TestLeftoverIsReported(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(r *http.Request) *http.Response {
		if r.Method == http.MethodDelete {
			return refusal(http.StatusConflict, "BlobImmutableDueToPolicy", nil)
		}
		return nil
	}
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictFail, report.Verdict)
	assert.Contains(t, lines(report), "access.delete fail data-protected")
	assert.Contains(t, lines(report), "access.cleanup warn probe-not-removed")
	require.Len(t, report.Leftovers, 1)
	left := report.Leftovers[0]
	require.Len(t, c.blobNames(), 1)
	assert.Equal(t, "https://acmedata.blob.core.windows.net/"+c.blobNames()[0], left.URL)
	assert.Contains(t, left.Reason, "data-protected")
	assert.Equal(t, "az storage blob delete --auth-mode login --account-name acmedata --container-name images --name="+
		strings.TrimPrefix(left.URL, "https://acmedata.blob.core.windows.net/images/"), left.Remedy)
}

func TestCleanupSurvivesTheCaller(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	ctx, cancel := context.WithCancel(t.Context())
	c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if r.Method == http.MethodPut {
			cancel() // the caller goes away as soon as the blob exists
		}
		return resp, nil
	}
	report, err := c.tester().Run(ctx, access.Request{Document: c.document(), Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	require.NotEmpty(t, c.seen(http.MethodPut))
	assert.Empty(t, c.blobNames())
	assert.Contains(t, lines(report), "access.cleanup pass")
	assert.Equal(t, assessment.VerdictUnknown, report.Verdict)
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method string
		times  int
	}{
		"of the write":               {http.MethodPut, 1},
		"of the write and its retry": {http.MethodPut, 2},
		"of the delete":              {http.MethodDelete, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			lost := 0
			c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
				if r.Method == tt.method && lost < tt.times {
					lost++
					return nil, &net.OpError{Op: "read", Err: fmt.Errorf("connection reset by peer")}
				}
				return resp, nil
			}
			report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
				Token: c.token(platform.TokenRequest{})})
			require.NoError(t, err)
			assert.Equal(t, tt.times, lost)
			assert.Equal(t, assessment.VerdictPass, report.Verdict, lines(report))
			assert.Empty(t, c.blobNames())
		})
	}
}

func TestForeignChangeIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.after = func(r *http.Request, resp *http.Response) (*http.Response, error) {
		if r.Method == http.MethodPut {
			name := strings.TrimPrefix(r.URL.Path, "/images/")
			_, err := c.world.UpdateBlob(world.DataAccount, "images", name,
				func(_ world.Container, b *world.Blob) (*world.Blob, error) {
					changed := *b
					changed.Content = []byte("a customer's pipeline was here")
					return &changed, nil
				})
			require.NoError(t, err)
		}
		return resp, nil
	}
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Contains(t, lines(report), "access.read fail content-mismatch")
	assert.Contains(t, lines(report), "access.delete fail condition-not-met")
	assert.Len(t, report.Leftovers, 1)
	assert.Len(t, c.blobNames(), 1)
}

func TestWithoutToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document()})
	require.NoError(t, err)
	assert.Equal(t, assessment.VerdictUnknown, report.Verdict)
	assert.Contains(t, lines(report), "token.format unknown subject-token-unavailable")
	assert.Contains(t, lines(report), "access.list skip")
	assert.Empty(t, c.seen(http.MethodPost))
}

func TestFaultyRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*access.Request)
		want   string
	}{
		"unknown mode":         {func(r *access.Request) { r.Mode = "both" }, "invalid-mode"},
		"unknown access":       {func(r *access.Request) { r.Access = "all" }, "invalid-access"},
		"prefix climbs":        {func(r *access.Request) { r.Prefix = "a/../b" }, "invalid-prefix"},
		"prefix absolute":      {func(r *access.Request) { r.Prefix = "/a" }, "invalid-prefix"},
		"prefix has a newline": {func(r *access.Request) { r.Prefix = "a\nb" }, "invalid-prefix"},
		"prefix too long":      {func(r *access.Request) { r.Prefix = strings.Repeat("a", 513) }, "invalid-prefix"},
		"prefix has a hole":    {func(r *access.Request) { r.Prefix = "a//b" }, "invalid-prefix"},
		"prefix stays":         {func(r *access.Request) { r.Prefix = "a/./b" }, "invalid-prefix"},
		"prefix of dots":       {func(r *access.Request) { r.Prefix = "..." }, "invalid-prefix"},
		"prefix of a slash":    {func(r *access.Request) { r.Prefix = "//" }, "invalid-prefix"},
		"prefix of Windows":    {func(r *access.Request) { r.Prefix = `a\b` }, "invalid-prefix"},
		"no tenant":            {func(r *access.Request) { r.Document.Spec.TenantID = "" }, "not-provisioned"},
		"not provisioned":      {func(r *access.Request) { r.Document.Status.ClientID = "" }, "not-provisioned"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			request := access.Request{Document: c.document(), Token: c.token(platform.TokenRequest{})}
			tt.change(&request)
			_, err := c.tester().Run(t.Context(), request)
			var known *diagnosis.Error
			require.ErrorAs(t, err, &known)
			assert.Equal(t, tt.want, string(known.Diagnosis.Code))
			assert.Empty(t, c.requests)
		})
	}
}

// TestPrefixesThatAreTaken are relative paths of at most 512 bytes; a slash at the end is none of the name.
func TestPrefixesThatAreTaken(t *testing.T) {
	t.Parallel()
	for prefix, begins := range map[string]string{"": ".ddoe", "a": "a/.ddoe", "a/": "a/.ddoe",
		"a/b.c/..d":              "a/b.c/..d/",
		strings.Repeat("a", 512): strings.Repeat("a", 512) + "/.ddoe", "é ü": "é ü/.ddoe"} {
		c := newCloud(t)
		_, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
			Token: c.token(platform.TokenRequest{}), Prefix: prefix})
		require.NoError(t, err)
		puts := c.seen(http.MethodPut)
		require.Len(t, puts, 1, prefix)
		assert.True(t, strings.HasPrefix(puts[0], "PUT acmedata.blob.core.windows.net/images/"+begins), puts[0])
	}
}

// TestEveryFaultOfARequest is named with its member, and none repeats a value.
func TestEveryFaultOfARequest(t *testing.T) {
	t.Parallel()
	for _, mode := range []access.Mode{"", access.ModeRoundtrip, access.ModeOracle} {
		for _, wanted := range []integration.Access{"", integration.AccessRead, integration.AccessReadWrite} {
			assert.Empty(t, access.Faults(mode, wanted, "a"))
			assert.NoError(t, access.Check(mode, wanted, "a"))
		}
	}
	for _, prefix := range []string{"/planted", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2ln"} {
		faults := access.Faults("planted", "planted", prefix)
		var told []string
		for _, f := range faults {
			told = append(told, f.Pointer+" "+string(f.Code)+" "+f.Expected)
			assert.NotEmpty(t, f.Detail)
			assert.NotContains(t, f.Detail, "planted")
		}
		assert.Equal(t, []string{"/mode invalid-mode oracle or roundtrip", "/access invalid-access read or readWrite",
			"/prefix invalid-prefix a relative blob path"}, told)
		var known *diagnosis.Error
		require.ErrorAs(t, access.Check("planted", "planted", prefix), &known)
		assert.Equal(t, diagnosis.CodeInvalidMode, known.Diagnosis.Code)
		assert.Equal(t, faults, known.Diagnosis.Findings)
		assert.Equal(t, faults[0].Detail, known.Diagnosis.Detail)
	}
	assert.Contains(t, access.Faults("", "", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln")[0].Detail, "token",
		"who puts a token into the wrong member is told so")
}

// TestReportsTellWhenAndHowLong, and have an id. Without chance there is none.
func TestReportsTellWhenAndHowLong(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	tester := c.tester()
	zone, calls := time.FixedZone("x", 3600), 0
	tester.Now = func() time.Time {
		calls++
		return c.world.Now().In(zone).Add(time.Duration(calls) * time.Millisecond)
	}
	report, err := tester.Run(t.Context(), access.Request{Document: c.document(integration.StorageAccess{
		ResourceID: world.DataAccountID, Container: "images"}), Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	assert.Equal(t, c.world.Now().Add(time.Millisecond), report.StartedAt)
	assert.Equal(t, time.UTC, report.StartedAt.Location())
	assert.EqualValues(t, calls-1, report.DurationMS)
	assert.Equal(t, "access", report.Kind)
	assert.Len(t, c.seen(http.MethodPut), 1, "the oracle's: what asks for no access asks for reading")

	for n := range 32 {
		tester.Random = io.LimitReader(&countingReader{}, int64(n))
		_, err := tester.Run(t.Context(), access.Request{Document: c.document()})
		require.Error(t, err, "%d bytes", n)
		assert.ErrorContains(t, err, "access test: ")
	}
	tester.Random, tester.Now = nil, nil
	var ids []string
	for range 2 {
		report, err := tester.Run(t.Context(), access.Request{Document: c.document()})
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now(), report.StartedAt, time.Minute)
		ids = append(ids, report.ID)
	}
	assert.NotEqual(t, ids[0], ids[1])
}

func TestSeveralContainersAreAllTested(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var storage []integration.StorageAccess
	for range 6 {
		storage = append(storage, images(integration.AccessReadWrite))
	}
	storage = append(storage, integration.StorageAccess{ResourceID: world.LockedAccountID, Container: "images"})
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(storage...),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	cleaned := 0
	for _, line := range lines(report) {
		if line == "access.cleanup pass" {
			cleaned++
		}
	}
	assert.Equal(t, 6, cleaned)
	assert.Contains(t, lines(report), "access.network fail network-rules-blocked")
	assert.Empty(t, c.blobNames())
	assert.Len(t, c.seen(http.MethodPost), 1, "one exchange serves all containers")
}

// TestPropagationIsTransientOnlyForAWhile: a refusal soon after a change may pass by itself, an old one does not.
// Whether a change is old, the request may know better than the document, either way.
func TestPropagationIsTransientOnlyForAWhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fresh      bool
		propagated *bool
		transient  bool
	}{
		"fresh":                        {true, nil, true},
		"old":                          {false, nil, false},
		"fresh, but proved since":      {true, new(true), false},
		"old, but mended a moment ago": {false, new(false), true},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.unassign()
			d := cloud.document()
			if c.fresh {
				d.UpdatedAt = cloud.world.Now()
			}
			report, err := cloud.tester().Run(t.Context(),
				access.Request{Document: d, Token: cloud.token(platform.TokenRequest{}), Propagated: c.propagated})
			require.NoError(t, err)
			i := slices.IndexFunc(report.Checks, func(check assessment.Check) bool {
				return check.Code == "role-missing"
			})
			require.GreaterOrEqual(t, i, 0)
			assert.Equal(t, c.transient, report.Checks[i].Transient)
		})
	}
}

func TestNoTokenInAnyReport(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	token := c.token(platform.TokenRequest{})
	for _, r := range []access.Request{
		{Document: c.document(), Token: token},
		{Document: c.document(), Token: secret.New(token.Reveal() + "x.y")},
		{Document: c.document(), Token: secret.New("eyJsecret.eyJsecret")},
	} {
		report, err := c.tester().Run(t.Context(), r)
		require.NoError(t, err)
		body, err := json.Marshal(report)
		require.NoError(t, err)
		assert.NotRegexp(t, regexp.MustCompile(`eyJ[A-Za-z0-9]`), string(body))
	}
}

// TestGoldenReport holds the shape of one full report: a reader where writing is wanted.
func TestGoldenReport(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.unassign()
	c.assign("b0000000-0000-4000-8000-000000000009", world.DataAccountID, rbac.RoleBlobDataReader)
	report, err := c.tester().Run(t.Context(), access.Request{Document: c.document(),
		Token: c.token(platform.TokenRequest{})})
	require.NoError(t, err)
	for i := range report.Checks {
		if e := report.Checks[i].Evidence; e != nil && e.RequestID != "" {
			e.RequestID = "(request id)"
		}
	}
	got, err := json.MarshalIndent(report, "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')
	golden := filepath.Join("testdata", "report.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

// assignmentName is the one that the app gives the assignment for the container images.
func assignmentName(wanted integration.Access) string {
	role := integration.AccessRead.Role().ID
	if wanted == integration.AccessReadWrite {
		role = integration.AccessReadWrite.Role().ID
	}
	return arm.RoleAssignmentName(world.TenantID, world.DataAccountID+"/blobServices/default/containers/images", role,
		principalID, "")
}
