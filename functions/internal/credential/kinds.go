package credential

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// binaryKinds are files that are no text, by their first bytes.
var binaryKinds = []struct{ start, what string }{
	{"PK\x03\x04", "an archive (zip) or Office document"}, {"%PDF-", "a PDF document"},
	{"\x1f\x8b", "an archive (gzip)"},
	{"\x89PNG", "a picture (PNG)"}, {"\xff\xd8\xff", "a picture (JPEG)"},
	{"\x30\x82", "a certificate or key store (DER)"},
	{"\xd0\xcf\x11\xe0", "an old Office document"}, {"\x7fELF", "a program"},
	{"{\\rtf", "a word processor's document (RTF)"},
}

// binaryKind names a file that is no text.
func binaryKind(raw []byte) string {
	for _, k := range binaryKinds {
		if strings.HasPrefix(string(raw), k.start) {
			return k.what
		}
	}
	return ""
}

// shape is a well-known file that is not JSON.
type shape struct {
	isKind func(text string) bool
	what   string
}

// textKinds is built once, at first use.
var textKinds = sync.OnceValue(func() []shape {
	return []shape{
		{matches(`^\s*-----BEGIN `), "a key or certificate (PEM)"},
		{matches(`^\s*(<\?xml[^>]*>\s*)?<publishData`), "a publish profile"},
		{matches(`(?i)^\s*<(!doctype html|html)`), "a web page"},
		{matches(`^\s*<\?xml`), "an XML document"},
		{isToken, "a token (JWT)"},
		{matches(`^\s*1[ \t.:|)]*\{[ \t]*\r?\n\s*2[ \t.:|)]`),
			"JSON with the numbers of an editor's lines before them"},
		{matches("^\\s*```"), "JSON in a code block (Markdown)"},
		{matches(`(?i)^\s*(copy|copied!?|copy code|json)\s*\r?\n\s*(copy( code)?\s*\r?\n\s*)?\{`),
			"JSON behind the label of a copy button"},
		{matches(`(?i)^\s*(DefaultEndpointsProtocol|AccountName|Endpoint|BlobEndpoint|SharedAccessSignature)=`),
			"a connection string"},
		{matches(`(?m)^\s*(export\s+|set\s+|\$env:)?[A-Z][A-Z0-9_]+\s*=`), "a list of environment variables"},
		{matches(`^\s*(---\s|apiVersion:|[A-Za-z]+:\s)`), "a YAML document"},
		{matches(`^\s*\[[A-Za-z0-9_ -]*[A-Za-z_-][A-Za-z0-9_ -]*\]\s*[\r\n]`), "an INI file"},
	}
})

func textKind(text string) string {
	for _, k := range textKinds() {
		if k.isKind(text) {
			return k.what
		}
	}
	return ""
}

// matches reports whether a text is of a shape.
func matches(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

// compact is how a compact token is written: three parts, or five where it is encrypted (RFC 7516, section 3.1).
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){2,4}$`)

// isToken reports whether a text is a compact token and nothing else.
func isToken(text string) bool {
	text = strings.TrimSpace(text)
	return compact.MatchString(text) && redact.HasToken(text)
}

// object is a well-known JSON file.
type object struct {
	members []string
	// values are those that the first member may have; empty for any.
	values []string
	// without is a member of the credential file that this one has not.
	without string
	what    string
}

// objectKinds are well-known JSON files, by members that they have and a credential file has not.
func objectKinds() []object {
	return []object{
		{members: []string{"clientSecret", "activeDirectoryEndpointUrl"}, what: "an SDK authentication file (az ad " +
			"sp create-for-rbac --sdk-auth), which holds a client secret"},
		{members: []string{"clientSecret", "subscriptionId"}, what: "an SDK authentication file (az ad sp " +
			"create-for-rbac --sdk-auth), which holds a client secret"},
		{members: []string{"appId", "password", "tenant"}, what: "the output of az ad sp create-for-rbac, which " +
			"holds a client secret"},
		{members: []string{"appId", "displayName", "signInAudience"}, what: "the description of an application (az " +
			"ad app show)"},
		{members: []string{"appId", "servicePrincipalType"}, what: "the description of a service principal " +
			"(az ad sp show)"},
		{members: []string{"type", "principalId"},
			values: []string{"Microsoft.ManagedIdentity/userAssignedIdentities"},
			what:   "the description of a managed identity (az identity show)"},
		{members: []string{"issuer", "subject", "audiences"}, without: memberClientID, what: "the parameters of a " +
			"federated identity credential, which lack clientId and tenantId"},
		{members: []string{"homeTenantId", "environmentName"}, what: "the output of az account show"},
		{members: []string{"type"}, values: []string{"service_account", "authorized_user", "external_account"},
			what: "a Google credential file"},
		{members: []string{"aadClientId"}, what: "the configuration of a Kubernetes cloud provider"},
		{members: []string{"AccessKeyId", "SecretAccessKey"}, what: "an AWS credential file"},
		{members: []string{"accountName", "accountKey"}, what: "a storage account's key file"},
		{members: []string{"jwks_uri", "issuer"}, what: "an issuer's discovery document"},
		{members: []string{"apiVersion", "kind"}, what: "a Kubernetes manifest"},
		{members: []string{"subjects", "storage"}, what: "the spec of an integration, which belongs to PUT " +
			"/api/integrations/<id>"},
		{members: []string{"serviceName", "storage"}, what: "the spec of an integration, which belongs to PUT " +
			"/api/integrations/<id>"},
		{members: []string{"code", "requestId", "status", "title"}, what: "an error of this service (problem+json)"},
	}
}

// objectKind names a well-known JSON file of another kind.
func objectKind(members []member) string {
	values, stand := map[string]string{}, map[string]bool{}
	for _, m := range members {
		values[m.name], stand[m.stands] = m.value, true
	}
	for _, k := range objectKinds() {
		isMissing := func(name string) bool { _, there := values[name]; return !there }
		if !slices.ContainsFunc(k.members, isMissing) &&
			(k.values == nil || slices.Contains(k.values, values[k.members[0]])) &&
			(k.without == "" || !stand[k.without]) {
			return k.what
		}
	}
	return ""
}
