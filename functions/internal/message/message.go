// Package message is the vocabulary of the queues and the topic: what a trigger delivers, which commands there are,
// which events go out. All are CloudEvents 1.0 in structured JSON mode. It sends and receives nothing.
package message

// Delivery is one message as the Service Bus trigger hands it over. The host ends it: a nil error completes it,
// any error abandons it.
type Delivery struct {
	Body      []byte
	MessageID string
	SessionID string
	// ApplicationProperties are the sender's; on a dead-letter queue they hold DeadLetterReason and
	// DeadLetterErrorDescription.
	ApplicationProperties map[string]any
}

// The entities of the namespace.
const (
	QueueCommands = "wif-commands"
	QueueHealth   = "wif-health"
	TopicEvents   = "wif-events"
)

// The CloudEvents types that the app understands and emits.
const (
	TypeProvision   = "ai.ddoe.wif.provision.v1"
	TypeDeprovision = "ai.ddoe.wif.deprovision.v1"
	TypeAccessTest  = "ai.ddoe.wif.accesstest.v1"
	TypeVerify      = "ai.ddoe.wif.verify.v1"

	TypeHealthCheck = "ai.ddoe.wif.healthcheck.v1"

	TypeIntegrationProvisioned = "ai.ddoe.wif.integration.provisioned.v1"
	TypeIntegrationUsable      = "ai.ddoe.wif.integration.usable.v1"
	TypeIntegrationFailed      = "ai.ddoe.wif.integration.failed.v1"
	TypeIntegrationDeleted     = "ai.ddoe.wif.integration.deleted.v1"
	TypeHealthChanged          = "ai.ddoe.wif.health.changed.v1"
)

// Source is the CloudEvents source of a deployment.
func Source(instance string) string { return "/ddoe-wif/" + instance }
