package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// publish tells the world about a change of the operation's integration. A topic that does not take the event holds
// nothing up: a command of our own tries again later.
func (s *Service) publish(ctx context.Context, eventType, operationID string, d integration.Document, diag *diagnosis.Diagnosis) error {
	err := s.emit(ctx, eventType, operationID, d, diag)
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.log().ErrorContext(ctx, "event not published yet", "event", eventType, "operationId", operationID, "integrationId", d.ID, "error", err)
	again := message.Command{Type: message.TypeAnnounce, IntegrationID: d.ID, OperationID: operationID, Event: eventType}
	return s.send(ctx, again, eventID(operationID, eventType)+"-announce", s.now().Add(firstParking))
}

// emit sends the event. Its id is derived from the operation, so telling it twice is recognisable.
func (s *Service) emit(ctx context.Context, eventType, operationID string, d integration.Document, diag *diagnosis.Diagnosis) error {
	id := eventID(operationID, eventType)
	body, err := message.NewEvent(eventType, s.source(), s.now(), id, d, diag)
	if err != nil {
		return err
	}
	if err := s.Send(ctx, message.TopicEvents, bus.Message{ID: id, SessionID: d.ID, Subject: eventType, Body: body}); err != nil {
		return fmt.Errorf("publish %s: %w", eventType, &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeQueueUnavailable), Err: err})
	}
	return nil
}

// eventID names an event by its operation and the word in its type that says what happened.
func eventID(operationID, eventType string) string {
	words := strings.Split(eventType, ".")
	return operationID + "-" + words[max(0, len(words)-2)]
}

// announce publishes an event that the topic did not take before, with the integration as it is now.
func (s *Service) announce(ctx context.Context, cmd message.Command) error {
	doc, err := s.Repository.Get(ctx, cmd.IntegrationID)
	if errors.Is(err, integration.ErrNotFound) {
		return errDone
	}
	if err != nil {
		return stored(err)
	}
	var diag *diagnosis.Diagnosis
	if cmd.Event == message.TypeIntegrationFailed {
		diag = lastFailure(doc)
	}
	return s.emit(ctx, cmd.Event, cmd.OperationID, doc, diag)
}

// lastFailure is the diagnosis of the document's first condition that is not fulfilled.
func lastFailure(d integration.Document) *diagnosis.Diagnosis {
	for _, c := range d.Status.Conditions {
		if c.Status == "False" {
			return c.Diagnosis
		}
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
