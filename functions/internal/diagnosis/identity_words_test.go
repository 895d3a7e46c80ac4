package diagnosis

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/words"
)

// The words that belong to one kind of identity. application/json is no application.
var (
	wordsOfApplications = regexp.MustCompile(`(?i)\bapplications?(?:[^/a-z]|$)|app registration|az ad app `)
	wordsOfManaged      = regexp.MustCompile(`(?i)managed ?identit|az identity `)
)

// Why a diagnosis of an integration with a managed identity may use an application's words, or name an administrator
// of the tenant.
const (
	askedOfGraph = "an answer of Microsoft Graph, which is asked nothing about a managed identity"
	seenInGraph  = "what Microsoft Graph showed of an application or of its service principal"
	tenantsOwn   = "the tenant's own, which only its administrator changes, whatever the identity is"
	otherKind    = "the other kind is the way out"
)

// notOfManaged are the codes whose words a managed identity's context leaves as they are, each with the reason.
func notOfManaged() map[Code]string {
	return map[Code]string{
		CodeGraphPermissionMissing: askedOfGraph, CodeGraphRequestRefused: askedOfGraph,
		CodeDirectoryQuotaExceeded: askedOfGraph, CodeSignInAudienceRefused: askedOfGraph,
		CodeServiceManagementReferenceRequired: askedOfGraph, CodeUniqueNameTaken: askedOfGraph,

		CodeClientIDIsObjectID: seenInGraph, CodeDirectoryNotReadable: "it names a permission of Graph",

		CodeApplicationForeign: seenInGraph, CodeApplicationChanged: seenInGraph, CodeApplicationReplaced: seenInGraph,
		CodeLoginCredentialExtra: seenInGraph,
		CodeApplicationNotOwned:  "a managed identity has no owners in the directory",

		CodeApplicationAudienceUnsupported: "a managed identity is of one tenant: it has no signInAudience",
		// https://learn.microsoft.com/entra/identity/conditional-access/workload-identity
		CodeConditionalAccessBlocked: "no policy of Conditional Access covers managed identities",

		// https://learn.microsoft.com/azure/devops/pipelines/release/troubleshoot-workload-identity: policies of
		// Entra.
		CodeFederationDisabled: tenantsOwn, CodeIssuerNotAllowed: tenantsOwn, CodeTenantBlocked: tenantsOwn,
		// https://learn.microsoft.com/graph/api/serviceprincipal-update: by a role in the directory.
		CodeClientDisabled: tenantsOwn,

		CodeManagedIdentityPolicyDenied: otherKind,

		CodeForbidden: "about the registration of the API, whatever the integration's identity is",
	}
}

// notOfApplications are the codes that occur for managed identities only.
func notOfApplications() []Code {
	return []Code{CodeManagedIdentityChanged, CodeManagedIdentityReplaced,
		CodeManagedIdentityForeign, CodeManagedIdentityPermissionMissing, CodeManagedIdentityPolicyDenied,
		CodeManagedIdentityRegionUnsupported, CodeManagedIdentityRefused, CodeManagedCredentialRefused,
		CodeManagedIdentityBusy, CodeManagedIdentityNotReplicated, CodeManagedIdentityPaced,
		CodeIdentityProviderNotRegistered}
}

// said is all that a diagnosis states.
func said(d Diagnosis) string {
	return strings.Join(append([]string{d.Title, d.Detail, d.Remedy.Command}, d.Remedy.Steps...), "\n")
}

// TestEachKindOfIdentityHasItsWords holds every row of the catalogue against both kinds. What is said of a file or a
// spec is said before anything is known of its identity: it names both kinds, or none.
func TestEachKindOfIdentityHasItsWords(t *testing.T) {
	t.Parallel()
	managed, application := filledOf(identityID), filled()
	require.NotEmpty(t, Entries())
	for _, e := range Entries() {
		t.Run(string(e.Code), func(t *testing.T) {
			t.Parallel()
			ofManaged, ofApplication := New(e.Code, WithContext(managed)), New(e.Code, WithContext(application))
			if e.Layer == "file" {
				assert.Equal(t, wordsOfManaged.MatchString(said(ofManaged)),
					wordsOfApplications.MatchString(said(ofManaged)), said(ofManaged))
				return
			}
			_, isExcepted := notOfManaged()[e.Code]
			assert.Equal(t, isExcepted, wordsOfApplications.MatchString(said(ofManaged)) ||
				ofManaged.Remedy.Who == WhoEntraAdmin, "a managed identity is no application:\n%s: %s",
				ofManaged.Remedy.Who, said(ofManaged))
			assert.Equal(t, slices.Contains(notOfApplications(), e.Code),
				wordsOfManaged.MatchString(said(ofApplication)),
				"an application is no managed identity:\n%s", said(ofApplication))
		})
	}
}

// TestTheWordsOfAKindAreFound keeps the search itself honest.
func TestTheWordsOfAKindAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"The application has none.": {true, false}, "of applications": {true, false}, "Application": {true, false},
		"the app registration": {true, false}, "az ad app show --id x": {true, false},
		"az ad sp show --id x": {false, false}, "Content-Type: application/json.": {false, false},
		"two managed identities": {false, true}, "az identity show --ids x": {false, true},
		"the service's identity": {false, false},
	} {
		assert.Equal(t, want,
			[2]bool{wordsOfApplications.MatchString(text), wordsOfManaged.MatchString(text)}, text)
	}
}

// TestWhoLooksAfterTheIdentity: an application is in the directory, a managed identity in a resource group; what is
// the tenant's own, or the storage account's, stays with whose it is.
func TestWhoLooksAfterTheIdentity(t *testing.T) {
	t.Parallel()
	for code, want := range map[Code][2]Who{
		CodeFederatedCredentialMissing: {WhoCaller, WhoCaller},
		CodeCredentialAmbiguous:        {WhoEntraAdmin, WhoOperator},
		CodeFederatedCredentialLimit:   {WhoEntraAdmin, WhoOperator},
		CodeFederatedCredentialExtra:   {WhoEntraAdmin, WhoOperator},
		CodeTenantUnknown:              {WhoEntraAdmin, WhoOperator},
		CodeIssuerNotAllowed:           {WhoEntraAdmin, WhoEntraAdmin},
		CodeContainerNotFound:          {WhoCaller, WhoCaller},
		CodeTokenExpired:               {WhoCaller, WhoCaller},
		CodeIssuerUnreachable:          {WhoDDOEAdmin, WhoDDOEAdmin},
		CodeContainerDisabled:          {WhoStorageAdmin, WhoStorageAdmin},
	} {
		assert.Equal(t, want, [2]Who{New(code, WithContext(filled())).Remedy.Who,
			New(code, WithContext(filledOf(identityID))).Remedy.Who}, code)
		assert.Equal(t, want[0], New(code).Remedy.Who, "%s: of an identity of which nothing is known", code)
	}
}

// TestARepairedIdentityMayHaveAnotherClientID: whoever uploaded the file has to be told so, in the words of the kind.
func TestARepairedIdentityMayHaveAnotherClientID(t *testing.T) {
	t.Parallel()
	assert.Contains(t, New(CodeIdentityMissing, WithContext(filledOf(identityID))).Remedy.Steps, words.Told)
	assert.Contains(t, New(CodeIdentityMissing, WithContext(filled())).Remedy.Steps, words.Renewed)
}

// TestARemedyIsForSomebody: who looks after the identity is a person by the time that anybody reads it.
func TestARemedyIsForSomebody(t *testing.T) {
	t.Parallel()
	stands := 0
	for _, e := range Entries() {
		if e.Who == WhoIdentityAdmin {
			stands++
		}
		for _, c := range []Context{{}, filled(), filledOf(identityID)} {
			assert.NotEqual(t, WhoIdentityAdmin, New(e.Code, WithContext(c)).Remedy.Who, e.Code)
		}
	}
	assert.Greater(t, stands, 4)
}

// folded is what a literal, or a sum of literals, is as a text; false of anything else.
func folded(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, isLeft := folded(e.X)
		right, isRight := folded(e.Y)
		return left + right, isLeft && isRight && e.Op == token.ADD
	default:
		return "", false
	}
}

// ofApplications are the files, or folders of them, whose texts are about applications by their nature, each with the
// reason.
func ofApplications() map[string]string {
	return map[string]string{
		"internal/graph/":                  "the client that applications are made with",
		"internal/resource/application/":   "the kind itself",
		"internal/resource/directorylook/": "what the directory has of applications, beside managed identities",
		"internal/diagnosis/catalogue":     "held against both kinds, row by row, by the test above",
		"internal/diagnosis/words/":        "what stands in the rows of the catalogue",
		"internal/policy/table.go":         "the reasons of the rules of one operation each",
		"internal/credential/kinds.go":     "well-known files, one of each kind",
		"internal/credential/field/rem":    "labels of the portal, which a copied value brings along",
		"internal/entra/explain.go":        "Microsoft's texts, which say application of both",
	}
}

// documented is the documentation in a text that is the tag of a struct's field, else the text.
var documented = regexp.MustCompile(`^(?:json|query|path|header):.*?(?:doc:"([^"]*)".*)?$`)

// TestTextsNameNotOnlyApplications reads the source: what is said of any integration fits a managed identity too. A
// text is what has a blank.
func TestTextsNameNotOnlyApplications(t *testing.T) {
	t.Parallel()
	seen, used, read := map[token.Pos]bool{}, map[string]bool{}, 0
	inSource(t, func(path string, files *token.FileSet, n ast.Node) {
		e, isExpression := n.(ast.Expr)
		text, isText := folded(e)
		if !isExpression || !isText || seen[n.Pos()] {
			return
		}
		ast.Inspect(n, func(part ast.Node) bool {
			if part != nil {
				seen[part.Pos()] = true
			}
			return true
		})
		read++
		text = documented.ReplaceAllString(text, "$1")
		if !strings.Contains(text, " ") || !wordsOfApplications.MatchString(text) || wordsOfManaged.MatchString(text) {
			return
		}
		for prefix := range ofApplications() {
			if strings.HasPrefix(path, prefix) {
				used[prefix] = true
				return
			}
		}
		t.Errorf("%s: it is about applications only: %s", files.Position(n.Pos()), text)
	})
	assert.Greater(t, read, 3_000, "the search reads nothing any more")
	for prefix := range ofApplications() {
		assert.True(t, used[prefix], "%s has no text about applications any more", prefix)
	}
}
