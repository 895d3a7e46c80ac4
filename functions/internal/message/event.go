package message

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// Summary is what an event says of an integration: enough to act on without asking back, and no secret.
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
}

// NewEvent returns the CloudEvent for the topic that says what became of an integration. id is the event's id and its
// MessageId: the same change told twice has the same id. diag is nil for good news.
func NewEvent(eventType, source string, now time.Time, id string, d integration.Document, diag *diagnosis.Diagnosis) ([]byte, error) {
	return encode(eventType, source, id, d.ID, now, summarise(d, diag))
}

func summarise(d integration.Document, diag *diagnosis.Diagnosis) Summary {
	return Summary{
		IntegrationID: d.ID, DisplayName: d.Spec.DisplayName, OperationID: d.Status.LastOperationID, Phase: d.Status.Phase,
		TenantID: d.Spec.TenantID, ClientID: d.Status.ClientID, ServicePrincipalID: d.Status.ServicePrincipalID,
		Issuer: d.Spec.Issuer, Subjects: d.Spec.Subjects, Diagnosis: diag,
	}
}
