package message

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Summary is what an event holds of an integration: enough to act on without asking back, and no secret.
type Summary struct {
	IntegrationID      string               `json:"integrationId"`
	DisplayName        string               `json:"displayName,omitempty"`
	OperationID        string               `json:"operationId,omitempty"`
	Phase              integration.Phase    `json:"phase"`
	TenantID           string               `json:"tenantId,omitempty"`
	ClientID           string               `json:"clientId,omitempty"`
	ServicePrincipalID string               `json:"servicePrincipalId,omitempty"`
	Issuer             string               `json:"issuer,omitempty"`
	Subjects           []string             `json:"subjects,omitempty"`
	Diagnosis          *diagnosis.Diagnosis `json:"diagnosis,omitempty"`
	// Caller is who asked for the operation that the event tells of; absent where nobody did, or that is not known.
	Caller caller.IDs `json:"caller,omitzero"`
}

// HealthSummary is what the event about a change of health states: the integration's summary and the change.
type HealthSummary struct {
	Summary
	From integration.HealthState `json:"from"`
	To   integration.HealthState `json:"to"`
	// At is when the state was entered.
	At time.Time `json:"at"`
}

// NewEvent returns the CloudEvent for the topic that tells of a notice: what became of an integration, or of its
// health. The event's id is the notice's, and its time is when that happened. d is the document as it is when it is
// told.
func NewEvent(source string, d integration.Document, n integration.Notice) ([]byte, error) {
	summary := summarise(d, n)
	if n.Change == nil {
		return encode(n.Type, source, n.ID, d.ID, n.At, summary)
	}
	return encode(EventType(n), source, n.ID, d.ID, n.Change.At,
		HealthSummary{Summary: summary, From: n.Change.From, To: n.Change.To, At: n.Change.At})
}

// EventType is the CloudEvents type of the event that tells of a notice.
func EventType(n integration.Notice) string {
	if n.Change != nil {
		return TypeHealthChanged
	}
	return n.Type
}

func summarise(d integration.Document, n integration.Notice) Summary {
	s := Summary{
		IntegrationID: d.ID, DisplayName: d.Spec.DisplayName, OperationID: d.Status.LastOperationID,
		Phase:    d.Status.Phase,
		TenantID: d.Spec.TenantID, ClientID: d.Status.ClientID, ServicePrincipalID: d.Status.ServicePrincipalID,
		Issuer: d.Spec.Issuer, Subjects: d.Spec.Subjects, Diagnosis: n.Diagnosis, Caller: n.Caller,
	}
	if n.Change == nil {
		s.OperationID, s.Phase = n.OperationID, n.Phase
	}
	return s
}
