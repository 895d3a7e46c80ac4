package infra_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
)

// builtInRoles are the built-in roles that the deployment uses.
// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
func builtInRoles() map[string]string {
	return map[string]string{
		"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
		"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
		"4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
		"69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
		"3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
		"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	}
}

const (
	// The roles of our own, without what makes their names the only ones in the tenant.
	delegate            = "Blob Access Delegate"
	scaleReader         = "Service Bus Scale Reader"
	identityContributor = "Integration Identity Contributor"
	// The right in Entra, which graph.bicep grants. Source: https://learn.microsoft.com/graph/permissions-reference.
	graphRole   = "Application.ReadWrite.OwnedBy"
	graphRoleID = "18a4783c-866b-4cc7-a460-3d5e5662c884"
	graphScope  = "Microsoft Graph"
	// Where the identities of integrations are.
	identityScope = "resource group `identityResourceGroup`"
)

// right is one right of the app's identity, in the words of README.md.
type right struct{ role, scope string }

// assignment is a right with the properties that the deployment gives it.
type assignment struct {
	right
	id                                                        string
	PrincipalID, PrincipalType, RoleDefinitionID, Description string
	DelegatedManagedIdentityResourceID                        string
}

func assignments(t *testing.T) []assignment {
	t.Helper()
	var all []assignment
	for _, r := range ofType(t, "Microsoft.Authorization/roleAssignments") {
		a := assignment{id: r.ID}
		r.properties(t, &a)
		assert.Regexp(t, regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), r.Name,
			"the name must be made of what is known beforehand")
		_, roleID, _ := strings.Cut(a.RoleDefinitionID, "/roleDefinitions/")
		a.role = builtInRoles()[roleID]
		if own, ok := ownRoles(t)[a.RoleDefinitionID]; ok {
			a.role = own.words()
		}
		require.NotEmpty(t, a.role, "role %s is not one of the list", roleID)
		scope, _, _ := strings.Cut(r.ID, "/providers/Microsoft.Authorization/")
		a.scope = scopeWords(t, scope)
		all = append(all, a)
	}
	return all
}

// ownRole is a role definition of the deployment.
type ownRole struct {
	RoleName, Type, Description string
	AssignableScopes            []string
	Permissions                 []map[string][]string
}

// words is the role in README.md's words.
func (r ownRole) words() string {
	name, _, _ := strings.Cut(r.RoleName, " of ")
	return name
}

// ownRoles returns the roles that the deployment makes, by their ids.
func ownRoles(t *testing.T) map[string]ownRole {
	t.Helper()
	found := map[string]ownRole{}
	for _, r := range ofType(t, "Microsoft.Authorization/roleDefinitions") {
		var own ownRole
		r.properties(t, &own)
		found[r.ID] = own
	}
	return found
}

// scopeWords states a scope in README.md's words.
func scopeWords(t *testing.T, scope string) string {
	t.Helper()
	segments := strings.Split(scope, "/")
	kind, name := segments[len(segments)-2], segments[len(segments)-1]
	switch kind {
	case "resourceGroups":
		if scope == settings(t)["IDENTITY_RESOURCE_GROUP"] {
			return identityScope
		}
		return "each resource group of `dataScopes`"
	case "containers", "queues", "topics":
		return fmt.Sprintf("%s `%s`", strings.TrimSuffix(kind, "s"), name)
	case "namespaces":
		return "Service Bus namespace"
	case "components":
		return "Application Insights"
	case "secrets":
		return "secret of `ddoeApiKey`"
	case "storageAccounts":
		for _, c := range ofType(t, "Microsoft.Storage/storageAccounts/blobServices/containers") {
			if c.Name == name+"/default/packages" {
				return "host storage account"
			}
		}
	}
	require.Fail(t, "a right at a scope that README.md has no words for", scope)
	return ""
}

// documented returns README.md's tables of rights: right → what needs it. With headings, only the tables below those.
func documented(t *testing.T, headings ...string) map[right]string {
	t.Helper()
	_, section, ok := strings.Cut(readFile(t, "README.md"), "\n## Rights\n")
	require.True(t, ok, "README.md has no section Rights")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, heading := range headings {
		require.Contains(t, section, "\n### "+heading+"\n")
	}
	table, heading := map[right]string{}, ""
	for line := range strings.Lines(section) {
		if text, ok := strings.CutPrefix(line, "### "); ok {
			heading = strings.TrimSpace(text)
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.Contains(cells[0], "---") || strings.TrimSpace(cells[0]) == "role" {
			continue
		}
		if len(headings) == 0 || slices.Contains(headings, heading) {
			table[right{role: strings.TrimSpace(cells[0]), scope: strings.TrimSpace(cells[1])}] = strings.TrimSpace(
				cells[2])
		}
	}
	return table
}

func TestRightsAreExactlyTheDocumentedOnes(t *testing.T) {
	granted := map[right]bool{}
	for _, a := range assignments(t) {
		assert.False(t, granted[a.right], "granted twice: %v", a.right)
		granted[a.right] = true
	}
	graph := readFile(t, "graph.bicep")
	assert.Equal(t, 1, strings.Count(graph, "appRoleId:"), "one right in Entra")
	assert.Contains(t, graph, "appRoleId: '"+graphRoleID+"'")
	granted[right{role: graphRole, scope: graphScope}] = true

	for r := range documented(t) {
		assert.True(t, granted[r], "README.md lists a right that is not granted: %v", r)
	}
	for r := range granted {
		assert.NotEmpty(t, documented(t)[r], "README.md does not list, or does not say what needs it: %v", r)
	}
}

// The example grants what both kinds of identity need. Without an Entra administrator there is no right in Entra, and
// one in a resource group instead; everything else is the same.
func TestTheRightsOfEachKindOfIdentity(t *testing.T) {
	const every = "In every deployment"
	common := documented(t, every)
	for heading, only := range map[string]right{
		"With an Entra administrator, besides":    {role: graphRole, scope: graphScope},
		"Without an Entra administrator, besides": {role: identityContributor, scope: identityScope},
	} {
		assert.NotContains(t, common, only)
		rights := documented(t, every, heading)
		assert.Len(t, rights, len(common)+1, heading)
		assert.Contains(t, rights, only, heading)
	}
	assert.Len(t, documented(t), len(common)+2, "a right that no path has")
}

// Who writes credentials of the app's own identity could become the app: identities have a group of their own.
func TestIdentitiesAreNotMadeInTheAppsOwnGroup(t *testing.T) {
	app, found := one(t, "Microsoft.ManagedIdentity/userAssignedIdentities").ID, 0
	for _, a := range assignments(t) {
		if a.role == identityContributor {
			found++
			scope, _, _ := strings.Cut(a.id, "/providers/Microsoft.Authorization/")
			assert.False(t, strings.HasPrefix(strings.ToLower(app), strings.ToLower(scope)+"/"), a.id)
			assert.Equal(t, settings(t)["IDENTITY_RESOURCE_GROUP"], scope)
		}
	}
	assert.Equal(t, 1, found)
	own, _, _ := strings.Cut(app, "/providers/")
	assert.Equal(t, own, settings(t)["OWN_RESOURCE_GROUP"], "the app refuses it at its start, and in a spec")
	assert.Regexp(t, `var appSettings = \{[^}]*\n  OWN_RESOURCE_GROUP: resourceGroup\(\)\.id\n`,
		readFile(t, "main.bicep"), "whatever the parameters are: a spec names a group without them")
}

func TestRightsAreTheAppsOwnAndSayWhatTheyAreFor(t *testing.T) {
	for _, a := range assignments(t) {
		assert.Regexp(t, regexp.MustCompile(`'identity-\{0\}'.*\.outputs\.principalId\.value\]$`), a.PrincipalID, a.id)
		assert.Equal(t, "ServicePrincipal", a.PrincipalType, a.id)
		assert.Empty(t, a.DelegatedManagedIdentityResourceID, a.id)
		for _, needs := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(documented(t)[a.right], -1) {
			assert.Contains(t, a.Description, needs[1],
				"the assignment's description and README.md disagree: %v", a.right)
		}
	}
}

// Nothing is granted for a whole account, namespace or group that could be granted for a part of it; scopeWords
// knows no subscription.
func TestScopesAreTheNarrowest(t *testing.T) {
	wide := map[string]string{
		// the accounts are not known beforehand; the condition bounds it
		"each resource group of `dataScopes`": delegate,
		"host storage account":                "Storage Blob Data Owner", // the host makes its containers itself
		identityScope:                         identityContributor,       // the app makes the identities itself
	}
	for _, a := range assignments(t) {
		if role, ok := wide[a.scope]; ok {
			assert.Equal(t, role, a.role, a.id)
		}
	}
}

func TestReceiversAreTheQueueFunctions(t *testing.T) {
	for _, tr := range queueTriggers(t) {
		needs := documented(t)[right{role: "Azure Service Bus Data Receiver", scope: "queue `" + tr.queue() + "`"}]
		assert.Contains(t, needs, "`"+tr.Function+"`", "README.md: %s receives from %s", tr.Function, tr.QueueName)
	}
}

// The roles of our own allow what they are for and no more, in one group each: no data, and nothing is written but
// assignments, identities and their credentials. Nobody may assign an identity to a resource: what runs there would be
// it.
func TestOwnRolesAllowLittle(t *testing.T) {
	allowed := map[string][]string{}
	for _, r := range ownRoles(t) {
		assert.Equal(t, "customRole", r.Type)
		assert.NotEmpty(t, r.Description)
		assert.Regexp(t, regexp.MustCompile(` of .*[a-z0-9]{13}$`), r.RoleName,
			"two deployments in one tenant must not share a name")
		require.Len(t, r.Permissions, 1, r.RoleName)
		require.Len(t, r.AssignableScopes, 1, r.RoleName)
		assert.Regexp(t, regexp.MustCompile(`^/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+$`),
			r.AssignableScopes[0])
		assert.Len(t, r.Permissions[0], 1, "actions alone: %s", r.RoleName)
		allowed[r.words()] = r.Permissions[0]["actions"]
	}
	assert.Equal(t, map[string][]string{
		scaleReader: {"Microsoft.ServiceBus/namespaces/*/read"},
		identityContributor: {
			"Microsoft.ManagedIdentity/userAssignedIdentities/read",
			"Microsoft.ManagedIdentity/userAssignedIdentities/write",
			"Microsoft.ManagedIdentity/userAssignedIdentities/delete",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
			"Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
		},
		delegate: {"Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/roleAssignments/write",
			"Microsoft.Authorization/roleAssignments/delete", "Microsoft.Storage/storageAccounts/read",
			"Microsoft.Storage/storageAccounts/blobServices/containers/read"},
	}, allowed)
}

// The scale controller looks with the rights of the identity at every queue that has a trigger.
func TestTheScaleControllerReadsForEveryTrigger(t *testing.T) {
	needs := documented(t)[right{role: scaleReader, scope: "Service Bus namespace"}]
	for _, tr := range queueTriggers(t) {
		assert.Contains(t, needs, "`"+tr.Function+"`")
	}
}

// The right at a customer's resource group lets the app grant the two roles of a spec to service principals other than
// itself, and take them back.
func TestGrantingIsBoundByTheCondition(t *testing.T) {
	roles := firstTexts(t, "../functions/internal/credential/field/roles.go", "BlobDataReader", "BlobDataContributor")
	slices.Sort(roles)
	clause := func(action, source string) string {
		const attribute = "Microsoft.Authorization/roleAssignments"
		return fmt.Sprintf("((!(ActionMatches{'%[1]s/%[2]s'})) OR (@%[3]s[%[1]s:RoleDefinitionId] "+
			"ForAnyOfAnyValues:GuidEquals {%[4]s} "+
			"AND @%[3]s[%[1]s:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'} "+
			"AND @%[3]s[%[1]s:PrincipalId] ForAnyOfAllValues:GuidNotEquals {%[5]s}))",
			attribute, action, source, strings.Join(roles, ", "), deployment.PrincipalID)
	}
	bound := 0
	for _, a := range deployment.Example().Assignments { // their conditions hold the identity's id
		if !strings.HasSuffix(a.Scope, "/resourceGroups/data") {
			assert.Empty(t, a.Condition, a.ID)
			continue
		}
		bound++
		assert.Equal(t, delegate, ownRoles(t)[a.RoleDefinitionID].words())
		assert.Equal(t, "2.0", a.ConditionVersion)
		assert.Equal(t, clause("write", "Request")+" AND "+clause("delete", "Resource"), a.Condition)
	}
	assert.Equal(t, 1, bound, "one for the one resource group of the example parameters")
}
