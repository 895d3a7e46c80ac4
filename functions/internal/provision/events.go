package provision

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// The types of conditions.
const (
	conditionProvisioned = "Provisioned"
	conditionVerified    = "Verified"
)

// publish tells the world about a change. id is derived from the operation, so telling it twice is recognisable.
func (s *Service) publish(ctx context.Context, eventType, id string, d integration.Document, diag *diagnosis.Diagnosis) error {
	body, err := message.NewEvent(eventType, s.source(), s.now(), id, d, diag)
	if err != nil {
		return err
	}
	if err := s.Send(ctx, message.TopicEvents, bus.Message{ID: id, SessionID: d.ID, Subject: eventType, Body: body}); err != nil {
		return fmt.Errorf("publish %s: %w", eventType, &diagnosis.Error{Diagnosis: diagnosis.New("queue-unavailable"), Err: err})
	}
	return nil
}

// setCondition sets a condition and keeps the time of its last transition.
func (s *Service) setCondition(d *integration.Document, kind, status string, diag *diagnosis.Diagnosis, text string) {
	c := integration.Condition{Type: kind, Status: status, Message: text, LastTransitionTime: s.now(), Diagnosis: diag}
	if diag != nil {
		c.Reason = diag.Code
		if text == "" {
			c.Message = diag.Detail
		}
	}
	for i, old := range d.Status.Conditions {
		if old.Type != kind {
			continue
		}
		if old.Status == status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		d.Status.Conditions[i] = c
		return
	}
	d.Status.Conditions = append(d.Status.Conditions, c)
}

// otherID names the record of a message whose operation id is taken. The same message gets the same name again.
func otherID(operationID, messageID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("ddoe-wif:"+operationID+"|"+messageID)).String()
}
