package story

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// The administrator who runs the commands: an application of its own, with a federated credential.
const (
	adminApplication = "aaaaaaaa-0000-4000-8000-000000000001"
	adminClient      = "aaaaaaaa-0000-4000-8000-000000000002"
	adminPrincipal   = "aaaaaaaa-0000-4000-8000-000000000003"
	adminSubject     = "system:serviceaccount:admins:admin"
)

// terminal is a shell in which an administrator is logged in to the Azure CLI.
type terminal struct {
	*app
	env []string
	// ran are the codes whose commands were run as a report printed them; told is what a person reads of each, and
	// what the Azure CLI printed.
	ran  map[string]bool
	told strings.Builder
}

// openTerminal logs in by a federated token. Without the Azure CLI the test is skipped, which CI does not allow.
func openTerminal(a *app) *terminal {
	a.t.Helper()
	const how = "the Azure CLI (az) is not on PATH: install Debian's azure-cli, or Microsoft's"
	if _, err := exec.LookPath("az"); err != nil {
		lack(a.t, how)
	}
	seedAdmin(a)
	patch, err := filepath.Abs(filepath.Join("..", "..", "..", ".ci", "az"))
	require.NoError(a.t, err)
	settings := func(name string) string { return strings.Join(a.settings(name), "") }
	t := &terminal{app: a, ran: map[string]bool{}, env: append(os.Environ(),
		"AZURE_CONFIG_DIR="+a.t.TempDir(), "AZURE_CORE_COLLECT_TELEMETRY=0", "PYTHONDONTWRITEBYTECODE=1",
		"PYTHONPATH="+patch, "REQUESTS_CA_BUNDLE="+settings("SSL_CERT_FILE"),
		"HTTPS_PROXY="+settings("HTTPS_PROXY"), "https_proxy="+settings("HTTPS_PROXY"), "NO_PROXY=", "no_proxy=")}
	t.run("az login --service-principal --username " + adminClient + " --tenant " + world.TenantID +
		" --federated-token " + a.token(adminSubject))
	return t
}

// seedAdmin makes the administrator: every right in the directory, in Azure and on its blobs.
func seedAdmin(a *app) {
	a.t.Helper()
	put := func(path string, object map[string]any) { a.control(http.MethodPut, "/objects/"+path, object) }
	subscription := "/subscriptions/" + world.SubscriptionID
	put("applications/"+adminApplication, map[string]any{"appId": adminClient, "displayName": "admin"})
	put("servicePrincipals/"+adminPrincipal, map[string]any{"appId": adminClient, "displayName": "admin",
		"accountEnabled": true, "servicePrincipalType": "Application"})
	put("appRoles/"+adminPrincipal, map[string]any{"roles": []string{world.AppRoleReadWriteAll}})
	put("federatedIdentityCredentials/"+uuid.NewString(), map[string]any{"applicationId": adminApplication,
		"name": "admin", "issuer": world.Issuer, "subject": adminSubject,
		"audiences": []string{"api://AzureADTokenExchange"}})
	for _, role := range []string{rbac.RoleOwner, rbac.RoleBlobDataOwner} {
		put("roleAssignments/"+uuid.NewString(), map[string]any{"scope": subscription, "principalId": adminPrincipal,
			"principalType": "ServicePrincipal", "roleDefinitionId": subscription +
				"/providers/Microsoft.Authorization/roleDefinitions/" + role})
	}
}

// run runs a command as a person pastes it, and returns what it printed.
func (t *terminal) run(command string) string {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.t.Context(), 2*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", command)
	shell.Env = t.env
	out, err := shell.CombinedOutput()
	require.NoError(t.t, err, "%s\n%s", command, out)
	assert.NotContains(t.t, string(out), "ERROR", command)
	return string(out)
}

// startFor starts an app that makes identities of a kind.
func startFor(t *testing.T, kind string) *app {
	t.Helper()
	return launch(t, stack.Options{Env: []string{"DEFAULT_IDENTITY=" + kind}})
}

// report is what drift or an access test says.
func (t *terminal) report(look string) answer {
	t.t.Helper()
	if look == "drift" {
		return t.call(http.MethodGet, "/integrations/my-images/drift", nil)
	}
	return t.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
}

// awaitReport asks until a report is as wanted, at most twenty seconds: a change takes a moment until it acts.
func (t *terminal) awaitReport(look, wanted string, isAsWanted func(answer) bool) {
	t.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		last := t.report(look)
		if isAsWanted(last) {
			return
		}
		require.True(t.t, time.Now().Before(deadline), "%s: not seen: %s: %s", look, wanted, last.Raw)
	}
}

// findingOf waits until a report names the code with a command, and returns that finding.
func (t *terminal) findingOf(look, code string) any {
	t.t.Helper()
	var found any
	t.awaitReport(look, code, func(report answer) bool {
		checks, _ := report.at("checks").([]any)
		for _, check := range checks {
			if command, _ := at(check, "remedy.command").(string); at(check, "code") == code && command != "" {
				found = check
				return true
			}
		}
		return false
	})
	return found
}

// runFor runs the command of a finding, and writes down what a person reads.
func (t *terminal) runFor(finding any) string {
	t.t.Helper()
	command, code := at(finding, "remedy.command").(string), at(finding, "code").(string)
	printed := t.run(command)
	if !t.ran[code] {
		t.ran[code] = true
		fmt.Fprintf(&t.told, "\n## %s (%s)\n\n%s. %s\n\n", at(finding, "title"), code, at(finding, "remedy.who"),
			at(finding, "detail"))
		steps, _ := at(finding, "remedy.steps").([]any)
		for _, step := range steps {
			fmt.Fprintf(&t.told, "- %s\n", step)
		}
		fmt.Fprintf(&t.told, "\n```\n$ %s\n%s\n```\n", command, firstLines(stable(printed), 12))
	}
	return printed
}

// rowsByID are rows of a table that az prints in the order of ids.
var rowsByID = regexp.MustCompile(`(?m)(^… .*\n?){2,}`)

// stable is what az printed, without ids and times, and with lists in an order of their own: the sandbox, as Azure,
// gives them in any.
func stable(printed string) string {
	printed = drawnAnew.ReplaceAllString(strings.TrimSpace(printed), "…")
	var list []json.RawMessage
	if json.Unmarshal([]byte(printed), &list) != nil {
		return rowsByID.ReplaceAllStringFunc(printed+"\n", func(rows string) string {
			return strings.Join(slices.Sorted(strings.Lines(rows)), "")
		})
	}
	slices.SortFunc(list, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	elements := make([]string, len(list))
	for i, element := range list {
		elements[i] = string(element)
	}
	var sorted bytes.Buffer
	if json.Indent(&sorted, []byte("["+strings.Join(elements, ",")+"]"), "", "  ") != nil {
		return printed
	}
	return sorted.String()
}

func firstLines(text string, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return strings.Join(lines, "\n")
}

var update = flag.Bool("update", false, "write the golden files")

// drawnAnew are ids and times, which differ each time.
var drawnAnew = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32,}\b|` +
	`\d{4}-\d{2}-\d{2}T[0-9:.+Z]+|wif-[0-9a-f]{8}|probe-my-images-[0-9TZa-f-]+|127\.0\.0\.1:\d+`)

// requireGolden holds what was told against a file, with ids and times left out.
func (t *terminal) requireGolden(name string) {
	t.t.Helper()
	text := "# What reports say, and what the Azure CLI printed\n" + drawnAnew.ReplaceAllString(t.told.String(), "…")
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t.t, os.MkdirAll("testdata", 0o750))
		require.NoError(t.t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t.t, err)
	assert.Equal(t.t, string(want), text)
}

// requirePass waits until both reports pass.
func (t *terminal) requirePass(why string) {
	t.t.Helper()
	for _, look := range []string{"drift", "access"} {
		t.awaitReport(look, "pass after "+why, func(report answer) bool { return report.at("verdict") == "pass" })
	}
}
