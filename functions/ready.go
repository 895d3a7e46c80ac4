package functions

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	azpolicy "github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/entra"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
)

// applicationRoles are the app roles by which the app makes applications and looks after those that it owns. The
// deployment asks for the narrower one.
func applicationRoles() []string {
	return []string{"Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"}
}

// readinessOf are the probes of what the app stands on, as it is set up. None writes.
func readinessOf(cfg Config, p foundation, s services) *readiness.Service {
	rights := listRights(cfg)
	probes := []readiness.Probe{
		{Name: "stateStore", Unseen: "whether it may be written", Command: rights,
			Ask: func(ctx context.Context) error {
				_, err := p.store.Get(ctx, "readyz")
				if errors.Is(err, integration.ErrNotFound) {
					return nil
				}
				return operation.StoreError(err)
			}},
		{Name: "resourceManager", Ask: reaching(s.resources.Reach, policy.RoleList), Command: rights,
			Unseen: "rights at storage accounts, of which a dry run tells"},
		{Name: "tokenEndpoint", Ask: p.answers(cfg.Cloud.Configuration.ActiveDirectoryAuthorityHost,
			diagnosis.CodeEntraUnavailable)},
	}
	if p.attach != nil {
		const byHost = "receiving, which is the Functions host's"
		for _, to := range []struct{ entity, unseen string }{{"queues/" + message.QueueCommands, byHost},
			{"queues/" + message.QueueHealth, byHost},
			{"topics/" + message.TopicEvents, "whether anybody subscribes"}} {
			probes = append(probes, readiness.Probe{Name: "serviceBus." + path.Base(to.entity),
				Ask: p.sends(cfg.ServiceBus, to.entity), Unseen: to.unseen})
		}
	}
	probes = append(probes, identityProbes(p, s)[cfg.DefaultIdentity]...)
	if cfg.IdentityGroup != (armid.ResourceGroup{}) {
		probes = append(probes, identitiesProbe(cfg, s))
	}
	if s.platform != nil {
		probes = append(probes, readiness.Probe{Name: "platform", Ask: reaching(func(ctx context.Context) error {
			_, err := s.platform.User(ctx, "me")
			return err
		}, policy.PlatformUserGet), Unseen: "rights in organisation and project, of which a dry run tells"})
	}
	if cfg.SubjectTokenURL != "" {
		probes = append(probes, readiness.Probe{Name: "subjectTokenSource", Ask: p.answers(cfg.SubjectTokenURL,
			diagnosis.CodeDDOEUnavailable),
			Unseen: "whether it issues tokens, of which an access test tells"})
	}
	probes = append(probes, callersProbe(cfg))
	return &readiness.Service{Probes: probes, Now: time.Now}
}

// callersProbe tells who may call.
func callersProbe(cfg Config) readiness.Probe {
	if cfg.Audience != "" {
		return readiness.Probe{Name: "callers", Ask: func(context.Context) error { return nil },
			Unseen: "who holds which role, of which Entra tells"}
	}
	return readiness.Probe{Name: "callers", Note: "AUTH_AUDIENCE is not set, so the function key is the only door: " +
		"whoever has a key may read, create, change and delete every integration, and all that is done is recorded " +
		"as done by function-key. See docs/security.md."}
}

// listRights is the command that lists the app's own roles in Azure; without the setting that names its identity, the
// identities that it may be.
func listRights(cfg Config) string {
	if cfg.ClientID == "" {
		return listIdentities
	}
	return "az role assignment list --all --assignee " + cfg.ClientID + " -o table"
}

const listIdentities = "az ad sp list --all --filter \"servicePrincipalType eq 'ManagedIdentity'\" " +
	"--query \"[].{name:displayName,objectId:id}\" -o table"

// directoryProbe asks for an application that there is none of, and looks for the app's role in its own token.
func directoryProbe(p foundation, s services) readiness.Probe {
	return readiness.Probe{Name: "graph", Command: listIdentities,
		Ask: reaching(func(ctx context.Context) error {
			_, err := s.directory.GetApplicationByUniqueName(ctx, "ddoe-wif-readyz")
			if err != nil && !policy.IsNotThere(policy.ApplicationGet, err) {
				return err
			}
			roles, err := entra.Roles(ctx, p.credential, s.directory.Scope)
			if err == nil && !slices.ContainsFunc(applicationRoles(), func(role string) bool {
				return slices.Contains(roles, role)
			}) {
				err = &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeGraphPermissionMissing,
					diagnosis.WithContext(diagnosis.Context{Operation: policy.ApplicationGet}))}
			}
			return err
		}, policy.ApplicationGet)}
}

// identitiesProbe asks for an identity that there is none of, where the app makes them by default.
func identitiesProbe(cfg Config, s services) readiness.Probe {
	group := cfg.IdentityGroup.String()
	return readiness.Probe{Name: "identityResourceGroup", Command: "az role assignment list --scope " + group +
		" -o table", Unseen: "whether identities may be made",
		Ask: reaching(func(ctx context.Context) error {
			_, err := s.resources.GetIdentity(ctx, arm.IdentityID(group, "ddoe-wif-readyz"))
			if policy.IsNotThere(policy.ManagedIdentityGet, err) &&
				!policy.HasNoPlace(policy.ManagedIdentityGet, err) {
				return nil
			}
			return err
		}, policy.ManagedIdentityGet)}
}

// reaching gives what is asked the words of its operation.
func reaching(ask func(context.Context) error, operation policy.Operation) func(context.Context) error {
	return func(ctx context.Context) error {
		// an answer is wanted now, also one that others would wait out
		err := ask(azpolicy.WithRetryOptions(ctx, azpolicy.RetryOptions{MaxRetries: -1}))
		if err == nil {
			return nil
		}
		return &diagnosis.Error{Diagnosis: classify.Error(err, diagnosis.Context{Operation: operation,
			Propagated: true}),
			Err: err}
	}
}

// serviceBusScope is what tokens for Service Bus are asked for. Source: azservicebus, internal/sbauth.
const serviceBusScope = "https://servicebus.azure.net//.default"

// sends opens a link by which messages could be sent: Service Bus looks at the right to send before it takes any.
func (p foundation) sends(to ServiceBus, entity string) func(context.Context) error {
	return func(ctx context.Context) error {
		err := p.attach(ctx, path.Base(entity))
		if err == nil {
			return nil
		}
		return p.busError(ctx, to, entity, err)
	}
}

// busError gives an error of Service Bus its words: a right to send that the app lacks, with the entity and the
// command that grants it, is told from a namespace that takes nothing.
func (p foundation) busError(ctx context.Context, to ServiceBus, entity string, err error) *diagnosis.Error {
	words := diagnosis.Context{Operation: policy.BusLink, Entity: entity, Propagated: true}
	words.Namespace, _, _ = strings.Cut(to.Namespace, ".")
	if to.Namespace != "" { // without its id the command shows what to put there
		words.AppPrincipalID, _ = entra.PrincipalID(ctx, p.credential, serviceBusScope)
	}
	found := classify.Error(err, words)
	if to.Namespace == "" { // a key has no roles
		found.Remedy.Command = ""
	}
	return &diagnosis.Error{Diagnosis: found, Err: err}
}

// sender sends messages, and gives the refusal of one the words that readiness gives.
func (p foundation) sender(to ServiceBus) func(ctx context.Context, entity string, m bus.Message) error {
	return func(ctx context.Context, entity string, m bus.Message) error {
		err := p.send(ctx, entity, m)
		if err == nil || ctx.Err() != nil {
			return err
		}
		kind := "queues/"
		if entity == message.TopicEvents {
			kind = "topics/"
		}
		return p.busError(ctx, to, kind+entity, err)
	}
}

// answers asks an address for anything: whatever answer there is, somebody is there. A fault of the server's own
// counts as the code.
func (p foundation) answers(address string, code diagnosis.Code) func(context.Context) error {
	return reaching(func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return err
		}
		resp, err := p.client.Do(r)
		if err != nil {
			return err
		}
		if policy.Decide(policy.Knock, runtime.NewResponseError(resp)).Action != policy.Answers {
			err = &diagnosis.Error{Diagnosis: diagnosis.New(code,
				diagnosis.WithEvidence(diagnosis.Evidence{HTTPStatus: resp.StatusCode}))}
		}
		return errors.Join(err, resp.Body.Close())
	}, policy.Knock)
}
