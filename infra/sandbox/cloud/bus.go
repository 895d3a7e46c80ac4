package cloud

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
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

// newBroker makes the namespace with the app's entities, by the properties of the Bicep modules.
func newBroker(now func() time.Time, authorize func(token, entity, right string) error) (*servicebus.Broker, error) {
	b := servicebus.NewBroker(servicebus.Options{Now: now, Authorize: authorize})
	err := errors.Join(
		b.PutQueue(QueueCommands, servicebus.QueueProperties{
			RequiresSession: true, RequiresDuplicateDetection: true, DuplicateDetectionHistoryTimeWindow: "PT10M",
			LockDuration: "PT1M", MaxDeliveryCount: 10, DeadLetteringOnMessageExpiration: true,
		}),
		b.PutQueue(QueueHealth, servicebus.QueueProperties{LockDuration: "PT1M", MaxDeliveryCount: 10, DeadLetteringOnMessageExpiration: true}),
		b.PutTopic(TopicEvents, servicebus.TopicProperties{}),
	)
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("service bus: %w", err)
	}
	return b, nil
}

// authorize judges a token for an entity: it must be Entra's, for Service Bus, and its principal must have a role.
func (c *Cloud) authorize(token, entity, right string) error {
	principal, err := c.authority.Verify(token, entra.ResourceServiceBus)
	if err != nil {
		return fmt.Errorf("%w: %w", servicebus.ErrInvalidToken, err)
	}
	for _, scope := range entityScopes(entity) {
		if c.world.Allowed(principal.ID, dataAction(right), scope, true) {
			return nil
		}
	}
	return errNoRole
}

// entityScopes are the ARM scopes that an entity path may mean: a path does not tell a queue from a topic.
func entityScopes(entity string) []string {
	entity, _, _ = strings.Cut(strings.ToLower(entity), "/$")
	switch {
	case entity == "":
		return []string{world.ServiceBusNamespaceID}
	case strings.Contains(entity, "/subscriptions/"):
		return []string{world.ServiceBusNamespaceID + "/topics/" + entity}
	default:
		return []string{world.ServiceBusNamespaceID + "/queues/" + entity, world.ServiceBusNamespaceID + "/topics/" + entity}
	}
}
