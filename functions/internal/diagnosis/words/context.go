package words

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/shell"
)

// Operation names a request to a service, such as application.create; package policy has them all. Those of an access
// test are named as its checks are.
type Operation string

// Context is what is known about the request that failed. It chooses between causes that share a code, and fills the
// placeholders of the catalogue's texts. All members may be empty.
type Context struct {
	// Operation is the request, or the check that has sent it.
	Operation Operation
	// Subject, Issuer and Audience are those of the integration's document (not of a token).
	Subject, Issuer, Audience string
	// Credential is the name of the federated credential for the subject.
	Credential         string
	ClientID, TenantID string
	// PrincipalID is the id of the identity that role assignments name.
	PrincipalID string
	// Upkeep chooses commands about the identity, and people. IdentityID is what the commands name it by.
	Upkeep     Upkeep
	IdentityID string
	// Scope and Role are those of a role assignment: an ARM id and a role name. Assignment is its name, a GUID.
	Scope, Role, Assignment string
	// Account is the storage account's name, AccountID its ARM id, Blob a blob's name in the container.
	Account, AccountID, Container, Blob string
	// WasThere is true where what cannot be found was there before, as far as is known: the spec named it rightly.
	WasThere bool
	// Integration is the integration's id.
	Integration string
	// Request is the one to repeat. Texts are written for a PUT; see Entry.Fill.
	Request Request
	// Target is what was called, such as a container URL. An error of a service that tells what was asked has the last
	// word.
	Target string
	// AppPrincipalID is the object id of the app's own identity. Namespace and Entity are what it sends to in Service
	// Bus: the namespace's name, and the entity's path below that in Azure, such as queues/wif-commands.
	AppPrincipalID, Namespace, Entity string
	// API is what callers' access tokens are for, CallerTenant who issues them, AppRole what the caller lacks.
	API, CallerTenant, AppRole string
	// Site is the name of the app that this is.
	Site string
	// Propagated is true where our last change is long enough ago that propagation no longer explains a failure.
	Propagated bool
}

// Values are what stands for the placeholders, by their names; empty where a value is not known.
func (c Context) Values() map[string]string {
	values := map[string]string{
		"operation": string(c.Operation), "subject": c.Subject, "issuer": c.Issuer, "audience": c.Audience,
		"clientId": c.ClientID, "tenantId": c.TenantID, "principalId": c.PrincipalID,
		"scope": c.Scope, "role": c.Role, "assignment": c.Assignment, "account": c.Account, "accountId": c.AccountID,
		"container": c.Container, "blob": c.Blob, "target": c.Target, "setting": c.setting(), "site": c.Site,
		"appPrincipalId": c.AppPrincipalID, "namespace": c.Namespace, "entity": c.Entity,
		"ownerReference": c.ownerReference(), "api": c.API, "callerTenant": c.CallerTenant, "appRole": c.AppRole,
		"id": c.Integration, "accountSubscription": subscriptionOf(c.AccountID),
		"credentialName": c.Credential, "credential": c.credential(c.Credential), "credentialChange": c.credential(""),
	}
	maps.Copy(values, c.identityValues())
	return values
}

// subscriptionOf is the subscription in an ARM id; empty where there is none.
func subscriptionOf(id string) string {
	if parts := strings.Split(id, "/"); len(parts) > 2 && parts[1] == "subscriptions" {
		return parts[2]
	}
	return ""
}

// ownerReference is the app's own identity as Graph takes it in a list of owners. Source:
// https://learn.microsoft.com/graph/api/serviceprincipal-post-owners.
func (c Context) ownerReference() string {
	if c.AppPrincipalID == "" {
		return ""
	}
	return `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + c.AppPrincipalID + `"}`
}

// setting is the one that tells where the platform was asked: for a subject token, or by its API.
func (c Context) setting() string {
	if c.Operation == "subjectToken.get" {
		return "DDOE_SUBJECT_TOKEN_URL"
	}
	return "DDOE_API_URL"
}

// fill replaces the placeholders of a sentence; an unknown value reads "<subject>".
func (c Context) fill(text string) string { return c.replace(text, redact.Printable) }

// command replaces the placeholders of a shell command, each value quoted for a POSIX shell. None is cut: a command
// with half a name would be about something else.
func (c Context) command(text string) string {
	return c.replace(text, func(v string) string { return shell.Quote(redact.Legible(redact.Text(v))) })
}

func (c Context) replace(text string, write func(string) string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	values := c.Values()
	pairs := make([]string, 0, 2*len(values))
	for name, value := range values {
		if value == "" {
			pairs = append(pairs, "{"+name+"}", "<"+name+">")
			continue
		}
		pairs = append(pairs, "{"+name+"}", write(value))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// credential is the federated identity credential that the document asks for, as the JSON that az takes: with its name
// to create it, without to change it, for the name of one that exists cannot be changed.
func (c Context) credential(name string) string {
	if c.Issuer == "" || c.Subject == "" || c.Credential == "" {
		return ""
	}
	body, err := json.Marshal(struct {
		Name      string   `json:"name,omitempty"`
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audiences []string `json:"audiences"`
	}{name, c.Issuer, c.Subject, []string{c.Audience}})
	if err != nil {
		return ""
	}
	return string(body)
}
