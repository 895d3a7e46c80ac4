package story

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// readyzCommands are what readyz prints for a check that has failed, by the check's name: whether the command mends,
// and a part of what it prints where it only looks. A check is here or in withoutCommand.
var readyzCommands = map[string]struct {
	mends  bool
	prints string
}{
	"serviceBus.wif-commands": {mends: true},
	"serviceBus.wif-health":   {mends: true},
	"serviceBus.wif-events":   {mends: true},
	"stateStore":              {prints: "Role"},
	"resourceManager":         {prints: "Role"},
	"graph":                   {prints: world.AppPrincipalID},
	"identityResourceGroup":   {}, // nobody has a role there then
}

// withoutCommand are the checks for which there is nothing to run, each with the reason.
var withoutCommand = map[string]string{
	"tokenEndpoint":      "Entra cannot be reached, or has a fault of its own",
	"subjectTokenSource": "the platform cannot be reached, or has a fault of its own",
	"callers":            "it is a note, and hinders nothing",
	"platform":           "the key is made on the platform, in a browser",
}

// readiness are the checks of readyz by name, as soon as a fresh report is wanted.
func (t *terminal) readiness() map[string]any {
	t.t.Helper()
	checks, _ := send(t.t, http.MethodGet, t.APIURL()+"/readyz", nil).at("checks").([]any)
	require.NotEmpty(t.t, checks)
	found := map[string]any{}
	for _, check := range checks {
		found[at(check, "name").(string)] = check
	}
	return found
}

// TestReadyzCommandsRunInTheAzureCLI takes every right of the app's away, has Azure refuse it, and pastes what readyz
// prints for each check that fails: the rights to send are back then, and the other commands show what they are to
// show.
func TestReadyzCommandsRunInTheAzureCLI(t *testing.T) {
	t.Parallel()
	ran := map[string]bool{}
	for _, kind := range []string{"application", "managedIdentity"} {
		a := startArranged(t, func(w *world.World) {
			for _, g := range grants(t) {
				if !strings.HasPrefix(g.name, "Key Vault") { // without that the app does not start
					g.remove(t, w)
				}
			}
		}, "DEFAULT_IDENTITY="+kind)
		shell := openTerminal(a)
		a.control(http.MethodPut, "/faults", []any{map[string]any{"match": map[string]any{"host": "^management"},
			"times": -1, "status": 403, "code": "AuthorizationFailed"}})
		checks := shell.readiness()
		a.control(http.MethodPut, "/faults", []any{})
		for name, check := range checks {
			_, isWithout := withoutCommand[name]
			expected, isWith := readyzCommands[name]
			require.NotEqual(t, isWith, isWithout, "%s must be in one of the lists: %v", name, check)
			command, _ := at(check, "diagnosis.remedy.command").(string)
			if isWithout {
				assert.Empty(t, command, name)
				continue
			}
			require.Equal(t, "fail", at(check, "status"), "%s: %v", name, check)
			require.NotEmpty(t, command, name)
			assert.Contains(t, shell.run(command), expected.prints, "%s: %s", name, command)
			ran[name] = true
		}
		require.Eventually(t, func() bool { // a report is kept for ten seconds
			for name, check := range shell.readiness() {
				if readyzCommands[name].mends && at(check, "status") != "pass" {
					return false
				}
			}
			return true
		}, 40*time.Second, time.Second, "%v", shell.readiness())
	}
	for name := range readyzCommands {
		assert.True(t, ran[name], "%s was not run", name)
	}
}
