// Package page makes the page of a code: what it means, who mends it and how, for people.
package page

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
)

//go:generate go test -run ^(TestPages|TestBothFormsAreWhole)$ -update .

// Page is what there is to say about a code, whatever has happened in one case.
type Page struct {
	diagnosis.Entry
	// ManagedCommand is what to use in place of Command where the identity is a managed identity; empty for the same.
	ManagedCommand string
	// Passes reports whether it may pass by itself.
	Passes string
	// Mends tells who repairs it.
	Mends string
	// Placeholders are the values that the texts leave open, each with what to put in its place.
	Placeholders []Placeholder
	// Answers are the answers of services that lead to the code.
	Answers []string
	// IfLost is what to do where the thing was there before; nil where that makes no difference.
	IfLost *IfLost
}

// IfLost is what to do about something that was there before.
type IfLost struct {
	Cause, Mends string
	Steps        []string
}

// Step is one thing to do, and what can be done in its place.
type Step struct {
	Text         string
	Alternatives []string
}

// Do are the steps, in order.
func (p Page) Do() []Step { return grouped(p.Steps) }

// Do are the steps, in order.
func (l IfLost) Do() []Step { return grouped(l.Steps) }

func grouped(steps []string) []Step {
	var all []Step
	for _, text := range steps {
		if len(all) > 0 && diagnosis.IsAlternative(text) {
			last := &all[len(all)-1]
			last.Alternatives = append(last.Alternatives, text)
			continue
		}
		all = append(all, Step{Text: text})
	}
	return all
}

// Placeholder is a value that a page's text leaves open, such as <clientId>.
type Placeholder struct{ Name, Meaning string }

// Of returns the page of a code; false where there is no such code. Its texts show placeholders as <name>.
func Of(code diagnosis.Code) (Page, bool) {
	e, ok := diagnosis.Lookup(code)
	if !ok {
		return Page{}, false
	}
	filled := e.Fill(diagnosis.Context{})
	filled.Cause = strings.TrimSpace(filled.Cause + " " + e.Tested)
	return Page{Entry: filled, Passes: passes(e), Mends: mends()[e.Who],
		ManagedCommand: e.Managed().Fill(diagnosis.Context{}).Command,
		Placeholders:   placeholders(e), Answers: classify.Answers(e), IfLost: ifLost(e)}, true
}

func ifLost(e diagnosis.Entry) *IfLost {
	if e.Lost == nil {
		return nil
	}
	lost := e.Fill(diagnosis.Context{WasThere: true})
	return &IfLost{Cause: lost.Cause, Mends: mends()[lost.Who], Steps: lost.Steps}
}

// passes reports whether what an entry is about passes by itself.
func passes(e diagnosis.Entry) string {
	switch {
	case e.Propagation:
		return "Perhaps: a change takes some minutes until it acts everywhere. " +
			"What is still there ten minutes after the last change stays."
	case e.Transient:
		return "Perhaps: the same request may succeed later without anybody's doing."
	default:
		return "No: it stays until somebody mends it."
	}
}

func mends() map[diagnosis.Who]string {
	return map[diagnosis.Who]string{
		diagnosis.WhoEntraAdmin:   "An administrator of the Entra tenant",
		diagnosis.WhoStorageAdmin: "An administrator of the storage account, or of its subscription",
		diagnosis.WhoDDOEAdmin:    "An administrator of the organisation on the DDOE platform",
		diagnosis.WhoCaller:       "Who sends the requests of the integration",
		diagnosis.WhoUploader:     "Who has the credential file",
		diagnosis.WhoOperator:     "The operator of this service",
		diagnosis.WhoIdentityAdmin: "An administrator of the Entra tenant; where the identity is a managed " +
			"identity, the operator of this service",
	}
}

// meanings say what to put in the place of a placeholder.
func meanings() map[string]string {
	return map[string]string{
		"operation":   "the request that failed",
		"subject":     "the subject of the platform's token: the claim sub",
		"issuer":      "the issuer of the platform's token: the claim iss",
		"audience":    "the audience of the federated identity credential",
		"clientId":    "the client id of the integration's identity: status.clientId",
		"tenantId":    "the directory (tenant) id: spec.tenantId",
		"principalId": "the object id of the service principal: status.servicePrincipalId",
		"scope":       "the resource id of the storage account or container that the role is assigned at",
		"role":        "the name of the role, such as Storage Blob Data Contributor",
		"account":     "the name of the storage account",
		"accountId":   "the resource id of the storage account: spec.storage[].resourceId",
		"container":   "the name of the container",
		"target":      "the URL that was called",
		"credential":  "the federated identity credential as JSON: name, issuer, subject and audiences",
		"credentialChange": "the federated identity credential as JSON, without its name: issuer, subject " +
			"and audiences",
		"identity":            "the name of the managed identity: the end of status.identity.resourceId",
		"identityId":          "the resource id of the managed identity: status.identity.resourceId",
		"identityGroup":       "the name of the managed identity's resource group",
		"credentialName":      "the name of the federated identity credential: status.federatedCredentials[].name",
		"assignment":          "the name of the role assignment: the GUID at the end of status.roleAssignments[].id",
		"blob":                "the name of the blob",
		"id":                  "the integration's id",
		"subscriptionId":      "the subscription of the managed identity",
		"accountSubscription": "the subscription of the storage account, in its resource id",
		"api":                 "what the callers' tokens are for: the setting AUTH_AUDIENCE",
		"callerTenant":        "the tenant that issues the callers' tokens: the setting AUTH_TENANT_ID, or the app's",
		"appRole":             "the app role of the API that the operation takes, such as Wif.Operate",
		"site":                "the name of the Functions app",
		"appPrincipalId":      "the object id of the app's own identity",
		"ownerReference": "the app's own identity, as {\"@odata.id\":\"https://graph.microsoft.com/v1.0/" +
			"directoryObjects/…\"} with its object id",
		"namespace": "the name of the Service Bus namespace",
		"entity":    "queues/ or topics/ and the name of the queue or topic",
		"setting":   "the setting that names the platform's address",
	}
}

var placeholderShape = regexp.MustCompile(`\{([a-zA-Z]+)\}`)

// placeholders are those of the entry's texts, by name.
func placeholders(e diagnosis.Entry) []Placeholder {
	found := map[string]Placeholder{}
	for _, text := range append([]string{e.Title, e.Cause, e.Command, e.Managed().Command}, e.Steps...) {
		for _, m := range placeholderShape.FindAllStringSubmatch(text, -1) {
			if meaning, known := meanings()[m[1]]; known {
				found[m[1]] = Placeholder{m[1], meaning}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Placeholder) int { return cmp.Compare(a.Name, b.Name) })
}

// Markdown is the page as Markdown, with nothing in it that would be taken for markup.
func (p Page) Markdown() string {
	var b strings.Builder
	// a builder does not fail
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s\n\n%s\n", p.Code, escaped(p.Title))
	line("## What it means\n\n%s\n", escaped(p.Cause))
	line("## Who mends it\n\n%s.\n", escaped(p.Mends))
	line("## What to do\n")
	toDo := func(steps []Step) {
		for i, step := range steps {
			line("%d. %s", i+1, escaped(step.Text))
			for _, alternative := range step.Alternatives {
				line("   - %s", escaped(alternative))
			}
		}
	}
	toDo(p.Do())
	if p.Command != "" {
		line("\n```sh\n%s\n```", p.Command)
	}
	if p.ManagedCommand != "" {
		line("\nWhere the identity is a managed identity:\n\n```sh\n%s\n```", p.ManagedCommand)
	}
	if len(p.Placeholders) > 0 {
		line("")
	}
	for _, open := range p.Placeholders {
		line("- `<%s>`: %s", open.Name, open.Meaning)
	}
	if lost := p.IfLost; lost != nil {
		line("\n## If it was there before\n\n%s\n\nWho mends it then: %s.\n", escaped(lost.Cause), escaped(lost.Mends))
		toDo(lost.Do())
	}
	line("\n## Does it pass by itself?\n\n%s", escaped(p.Passes))
	if len(p.Answers) > 0 {
		line("\n## Answers that lead to it\n")
	}
	for _, answer := range p.Answers {
		line("- %s", escaped(answer))
	}
	return b.String()
}

// escaped keeps a text from being taken for markup.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "<", `\<`, "#",
		`\#`).Replace(text)
}
