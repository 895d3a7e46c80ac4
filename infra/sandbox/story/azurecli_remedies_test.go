package story

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// repair breaks something, and has the command mend it that a report then prints.
type repair struct {
	code, look string
	destroy    func(*terminal, answer) // gets the integration's document
}

// object changes an object of the sandbox by hand, or removes it where there is no change.
func (t *terminal) object(kind, id string, change map[string]any) {
	t.t.Helper()
	path := "/objects/" + kind + "/" + url.PathEscape(id)
	if change == nil {
		t.control(http.MethodDelete, path, nil)
		return
	}
	t.control(http.MethodPut, path, change)
}

func str(document answer, path string) string {
	text, _ := document.at(path).(string)
	return text
}

// credentials is the kind of object that federated credentials of the integration are.
func credentials(document answer) string {
	if document.at("status.identity.kind") == "managedIdentity" {
		return "userAssignedIdentityCredentials"
	}
	return "federatedIdentityCredentials"
}

func removeCredential(t *terminal, d answer) {
	t.object(credentials(d), str(d, "status.federatedCredentials.0.id"), nil)
}

func changeSubject(t *terminal, d answer)  { t.change(d, "somebody", "api://AzureADTokenExchange") }
func changeAudience(t *terminal, d answer) { t.change(d, subject, "other") }

// refuseToken has Entra refuse what is in place.
func refuseToken(t *terminal, _ answer) { t.answer(tokenRefused("700213")) }

// change makes another federated credential of the integration's.
func (t *terminal) change(d answer, subject, audience string) {
	t.object(credentials(d), str(d, "status.federatedCredentials.0.id"), map[string]any{"subject": subject,
		"issuer": world.Issuer, "audiences": []string{audience}})
}

// keepProbes has access tests leave their blobs behind until the faults are taken away.
func keepProbes(t *terminal, _ answer) {
	t.control(http.MethodPut, "/faults", []any{map[string]any{"match": map[string]any{"host": "acmedata",
		"method": "DELETE"}, "times": -1, "status": 403, "code": "AuthorizationPermissionMismatch"}})
}

func removeAssignment(t *terminal, _ answer) { t.removeAssignments("images") }

func disablePrincipal(t *terminal, d answer) {
	t.object("servicePrincipals", str(d, "status.servicePrincipalId"), map[string]any{"accountEnabled": false})
}

// deactivate switches an application off; a managed identity has none.
func deactivate(t *terminal, d answer) {
	application := str(d, "status.objectId")
	if application == "" {
		disablePrincipal(t, d)
		return
	}
	all, _ := t.control(http.MethodGet, "/world", nil).at("applications").([]any)
	for _, one := range all {
		if at(one, "id") == application {
			changed := maps.Clone(one.(map[string]any))
			changed["isDisabled"] = true
			t.object("applications", application, changed)
		}
	}
}

func removeContainer(t *terminal, _ answer) {
	t.object("storageAccounts", "acmedata", map[string]any{"containers": []any{map[string]any{"name": "models"}}})
}

// repairs are the commands that mend. Those for an application are for a managed identity, too, by other words. Each
// runs once: all places print the same one.
var repairs = []repair{
	{"probe-not-removed", "access", keepProbes},
	{"federated-credential-missing", "drift", removeCredential},
	{"federated-credential-changed", "drift", changeSubject},
	{"federated-credential-changed", "access", changeAudience},
	{"role-missing", "access", removeAssignment},
	{"client-disabled", "access", disablePrincipal},
	{"client-disabled", "access", deactivate},
	{"container-not-found", "access", removeContainer},
}

// renewals are commands that delete what the PUT then makes anew.
var renewals = []struct {
	code    string
	destroy func(*terminal, answer)
}{
	{"credential-not-effective", refuseToken},
}

// TestRemediesRunInTheAzureCLI pastes what reports print into a shell with the Azure CLI. What mends makes both
// reports pass; the PUT then finds nothing to do, and a DELETE leaves nothing behind. What looks prints what is to be
// seen. testdata has what a person reads of each, with what the Azure CLI printed.
func TestRemediesRunInTheAzureCLI(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application", "managedIdentity"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := startFor(t, kind)
			shell := openTerminal(a)
			before := a.control(http.MethodGet, "/world", nil)
			a.put(a.spec("images"))
			shell.requirePass("as made")
			shell.repairAll()
			shell.seeAll()
			shell.runPages(shell.document())
			a.delete()
			left := a.made(before)
			left.deleted = 0 // the recycle bin keeps an application that was deleted without purge
			assert.Equal(t, counts{}, left)
			assert.Equal(t, managed{}, a.managed(before))
			shell.requireGolden("remedies-" + kind + ".md")
		})
	}
}

// repairAll breaks one thing after the other, and mends it by its command.
func (t *terminal) repairAll() {
	t.t.Helper()
	for _, r := range repairs {
		r.destroy(t, t.document())
		found := t.findingOf(r.look, r.code)
		t.control(http.MethodPut, "/faults", []any{})
		t.runFor(found)
		t.requirePass(r.code)
		t.requireNothingToDo(r.code)
	}
	for _, r := range renewals {
		r.destroy(t, t.document())
		found := t.findingOf("access", r.code)
		t.control(http.MethodPut, "/faults", []any{})
		t.runFor(found)
		t.findingOf("drift", "federated-credential-missing")
		t.put(t.spec("images"))
		t.requirePass(r.code)
	}
}

// seeAll breaks one thing after the other, runs the command that shows it, and mends it by hand.
func (t *terminal) seeAll() {
	t.t.Helper()
	for _, s := range sights() {
		d := t.document()
		s.destroy(t, d)
		found := t.findingOf(s.look, s.code)
		t.control(http.MethodPut, "/faults", []any{})
		assert.Contains(t.t, t.runFor(found), s.prints, s.code)
		s.mend(t, d)
		t.requirePass(s.code)
	}
}

// TestARoleThatTheAppMayNotAssign is assigned by hand instead, by the command of the operation that failed.
func TestARoleThatTheAppMayNotAssign(t *testing.T) {
	t.Parallel()
	a := startArranged(t, func(w *world.World) {
		roles := w.Roles(world.DataResourceGroupID)
		w.DisallowAction(roles[len(roles)-1].ID, "Microsoft.Authorization/roleAssignments/write")
	})
	shell := openTerminal(a)
	put := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	operation := a.wait(put.Header.Get("Operation-Location"))
	require.Equal(t, "arm-permission-missing", operation.at("error.code"), operation.Raw)
	command, _ := operation.at("error.remedy.command").(string)
	shell.run(command)
	a.put(a.spec("images"))
	shell.requirePass("by hand")
	shell.requireNothingToDo("by hand")
	a.delete()
}

// document is the integration as it is now. What was made anew by hand has another id.
func (t *terminal) document() answer {
	t.t.Helper()
	return t.call(http.MethodGet, "/integrations/my-images", nil)
}

// requireNothingToDo repeats the PUT: the command has made what the app would have made.
func (t *terminal) requireNothingToDo(why string) {
	t.t.Helper()
	put := t.call(http.MethodPut, "/integrations/my-images", t.spec("images"))
	operation := t.wait(put.Header.Get("Operation-Location"))
	require.Equal(t.t, "Succeeded", operation.at("status"), operation.Raw)
	steps, _ := operation.at("steps").([]any)
	require.NotEmpty(t.t, steps)
	for _, step := range steps {
		assert.Contains(t.t, []any{"unchanged", nil}, at(step, "outcome"), "%s: %v", why, step)
	}
}

// notRun are the codes whose commands are not run here, each with the reason.
var notRun = map[string]string{
	"service-bus-permission-missing": "TestReadyzCommandsRunInTheAzureCLI runs it, as readyz prints it",
	"key-vault-reference-unresolved": "the sandbox has no Web Apps whose settings could be asked for",
	"application-not-owned":          "an import meets it; the app owns this test's application already",
	"unauthorized":                   "the sandbox's Entra knows no API of the app's own",
	"caller-token-audience":          "the sandbox's Entra knows no API of the app's own",
	"caller-token-expired":           "the sandbox's Entra knows no API of the app's own",
	"caller-token-invalid":           "the sandbox's Entra knows no API of the app's own",
	"caller-token-tenant":            "it is a login of a person, in a browser",
}

// placeholder is what a page shows where a report has a value.
var placeholder = regexp.MustCompile(`<(\w+)>`)

// runPages runs every command of the pages of docs/errors that is for an identity of the document's kind, once, with
// the document's values, but for those that were run as printed by a report.
func (t *terminal) runPages(document answer) {
	t.t.Helper()
	container := t.account("acmedata") + "/blobServices/default/containers/images"
	values := map[string]string{
		"clientId": str(document, "status.clientId"), "principalId": str(document, "status.servicePrincipalId"),
		"accountId": t.account("acmedata"), "account": "acmedata", "container": "images", "scope": container,
		"accountSubscription": strings.Split(container, "/")[2],
	}
	identity := strings.Split(str(document, "status.identity.resourceId"), "/")
	isManaged := len(identity) == 9
	if isManaged {
		values["identityId"], values["identity"] = strings.Join(identity, "/"), identity[8]
		values["identityGroup"], values["subscriptionId"] = identity[4], identity[2]
	} else {
		values["subscriptionId"] = strings.Split(container, "/")[2]
	}
	templates := pages(t.t)
	ran := map[string]bool{} // at first what was run above, as a report prints it
	for code := range t.ran {
		for _, template := range templates[code] {
			ran[template] = true
		}
	}
	for code, commands := range templates {
		template := commands[0]
		if isManaged {
			template = commands[len(commands)-1]
		}
		_, isNotRun := notRun[code]
		isOfOtherKind := isManaged && strings.HasPrefix(template, "az ad app ") ||
			!isManaged && strings.Contains(template, "<identity")
		if isNotRun || isOfOtherKind || ran[template] {
			continue
		}
		ran[template] = true
		t.run(placeholder.ReplaceAllStringFunc(template, func(name string) string {
			value := values[strings.Trim(name, "<>")]
			require.NotEmpty(t.t, value, "%s: %s", code, template)
			return "'" + value + "'"
		}))
	}
}

// pages are the commands of docs/errors by code: the first for an application or for both kinds, the second for a
// managed identity.
func pages(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "docs", "errors", "*.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sh\n(.*?)\n```")
	found := map[string][]string{}
	for _, file := range files {
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(page), -1) {
			code := strings.TrimSuffix(filepath.Base(file), ".md")
			found[code] = append(found[code], m[1])
		}
	}
	require.NotEmpty(t, found)
	return found
}
