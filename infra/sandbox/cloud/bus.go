package cloud

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

// errNoRole is what the broker hears about a good token whose principal may not do what it wants.
var errNoRole = errors.New("no role assignment allows this")

// dataActions are the RBAC data actions behind the rights of a link.
// Source: https://learn.microsoft.com/azure/role-based-access-control/permissions/integration#microsoftservicebus
func dataAction(right string) string {
	if right == servicebus.RightSend {
		return "Microsoft.ServiceBus/namespaces/messages/send/action"
	}
	return "Microsoft.ServiceBus/namespaces/messages/receive/action"
}

// newBroker makes the namespace with the entities of the deployment. A property that the broker does not have is an
// error: it would be one that no test sees.
func newBroker(of deployment.Namespace, now func() time.Time,
	authorize func(token, entity, right string) error,
	disturb func(operation, path string) (servicebus.Disturbance, bool)) (*servicebus.Broker, error) {
	b := servicebus.NewBroker(servicebus.Options{Now: now, Authorize: authorize, Disturb: disturb})
	if err := putEntities(b, of); err != nil {
		b.Close()
		return nil, fmt.Errorf("service bus: %w", err)
	}
	return b, nil
}

func putEntities(b *servicebus.Broker, of deployment.Namespace) error {
	for _, q := range of.Queues {
		var p servicebus.QueueProperties
		if err := strictjson.Decode(q.Properties, &p); err != nil {
			return fmt.Errorf("queue %s: %w", q.Name, err)
		}
		if err := b.PutQueue(q.Name, p); err != nil {
			return err
		}
	}
	for _, t := range of.Topics {
		var p servicebus.TopicProperties
		if err := strictjson.Decode(t.Properties, &p); err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, err)
		}
		if err := b.PutTopic(t.Name, p); err != nil {
			return err
		}
	}
	return nil
}

// authorize judges a token for an entity: it must be Entra's, for Service Bus, and its principal must have a role.
func (c *Cloud) authorize(token, entity, right string) error {
	principal, err := c.authority.Verify(token, entra.ResourceServiceBus)
	if err != nil {
		return fmt.Errorf("%w: %w", servicebus.ErrInvalidToken, err)
	}
	return c.mayUse(principal.ID, entity, right)
}

// MayListen tells whether the app's identity may receive from the entity; the error is what the namespace answers. The
// Functions host attaches to its triggers' entities with that identity.
func (c *Cloud) MayListen(entity string) error {
	if c.mayUse(world.AppPrincipalID, entity, servicebus.RightListen) == nil {
		return nil
	}
	return &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess, Description: "Unauthorized access. '" +
		servicebus.RightListen +
		"' claim(s) are required to perform this operation. Resource: 'sb://" + c.deployment.Namespace.Host() + "/" +
		entity + "'."}
}

func (c *Cloud) mayUse(principalID, entity, right string) error {
	for _, scope := range entityScopes(c.deployment.Namespace.ID, entity) {
		if c.world.IsAllowed(principalID, dataAction(right), scope, true) {
			return nil
		}
	}
	return errNoRole
}

// entityScopes are the ARM scopes that an entity path may mean: a path does not tell a queue from a topic. What
// belongs to an entity ($management, the dead-letter queue) is in its scope.
func entityScopes(namespace, entity string) []string {
	entity, _, _ = strings.Cut(strings.ToLower(entity), "/$")
	switch {
	case entity == "":
		return []string{namespace}
	case strings.Contains(entity, "/subscriptions/"):
		return []string{namespace + "/topics/" + entity}
	default:
		return []string{namespace + "/queues/" + entity, namespace + "/topics/" + entity}
	}
}
