package control

import (
	"io"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

func (a *api) help(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, helpText())
}

// helpText says what the control API takes.
func helpText() string {
	kinds := strings.Join(append(world.Kinds(), "queues", "topics"), ", ")
	return aboutRequests + "\nkinds: " + kinds + aboutObjects
}

const aboutRequests = `The sandbox: a local stand-in for Azure, Entra, Service Bus and the DDOE platform.

GET    /world                         all objects
GET    /requests?since=N              requests that were made to the pretended services; inBatch: within a batch
POST   /reset                         a fresh world
GET    /queues/{name}/messages        what is in a queue; also /queues/{name}/deadletter
POST   /queues/{name}/messages        put one message {"body", "sessionId", "messageId"}
GET    /faults      PUT /faults       [{"match": {"host", "method", "path"}, "times", "status", "code", "message",
                                      "body", "headers", "echo", "delayMs", "effect"}]
                                      match: regular expressions; times: 1 where absent, 0 never, -1 without end;
                                      effect: before (answered, not done; where absent), after (done, but this is
                                      answered), drop (done, the connection is cut).
                                      Service Bus: method SEND or SETTLE, path the queue, topic or subscription;
                                      code, message and effect: who sends has the link detached
                                      (amqp:link:detach-forced where there is no code), who settles has lost the
                                      lock (com.microsoft:message-lock-lost)
GET    /timing      PUT /timing       {"latencyMs", "replicationMs", "stsMs", "rbacMs"}
POST   /advance                       {"by": "13m"}: the delays of /timing run out, and scheduled messages become
                                      due, as if that time had passed. The clocks of tokens, locks and the
                                      handler stay
GET    /limits      PUT /limits       {"managedIdentityRates": false, "regionsWithoutFederation": ["…"],
                                      "withoutFederationAtAll": false, "deletedIdentitySeconds": 0,
                                      "unregisteredProviders": ["Microsoft.ManagedIdentity"],
                                      "deniedTypes": ["Microsoft.ManagedIdentity/userAssignedIdentities"]}
                                      managedIdentityRates: Azure's rates for managed identities and their
                                      credentials, such as one write in four seconds for each, else 429; off
                                      in a fresh world.
                                      regionsWithoutFederation: their identities take no credentials (405);
                                      the known ones where absent; withoutFederationAtAll: they refuse to list
                                      and delete some, too.
                                      deletedIdentitySeconds: how long the name of a deleted identity is held for
                                      its region (409).
                                      unregisteredProviders: the subscriptions are not registered for them (409)
                                      deniedTypes: a policy denies writes of these resource types (403
                                      RequestDisallowedByPolicy)
POST   /tokens                        a platform token {"subject", "audience", "issuer", "expiresInSeconds", "azp",
                                      "claims", "kid", "withoutKid", "alg", "typ"}
                                      audience: also a list; claims: added or replaced; null takes one away
POST   /caller-tokens                 an Entra access token for the app's API {"oid", "appid", "roles", "groups",
                                      "audience", "tenantId", "version", "expiresInSeconds", "alg", "kid"}
                                      audience: AUTH_AUDIENCE of the app; version: 1.0 or 2.0 (where absent)
PUT    /objects/{kind}/{id}           add or replace an object
DELETE /objects/{kind}/{id}           remove one
`

const aboutObjects = `

PUT /objects/userAssignedIdentities/{name} makes an identity in the resource group identities; any other is named by
its ARM id, as all credentials are.

PUT /objects/denyAssignments/{name} {"scope", "actions", "notActions", "dataActions", "notDataActions", "principals",
"excludePrincipals"} forbids whatever roles allow; without principals everybody. PUT /objects/locks/{name}
{"scope", "level": "CanNotDelete|ReadOnly"} binds Resource Manager alone. Members of groups/{id} have its roles.

PUT /objects/ddoe.users/` + dataloop.UserEmail +
	` {"role": "owner|admin|member|worker", "projectRole": "owner|developer|…"} sets what
the app's API key may do. DELETE /objects/ddoe.availableIntegrations/{type} takes a type away.
PUT adds one {"displayName", "options": [{"name", "displayName", "type", "required", "means"}]}; means is what
the sandbox's platform takes the option's value for, and its API does not show it: accountName, clientId, clientSecret,
credentialFile, tenantId; where absent the option's names tell.
`
