package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
	"github.com/ddoe-ai/azure-wif/functions/internal/strictjson"
)

// SpecPointer is the JSON pointer to a command's spec in its message.
const SpecPointer = "/data/spec"

// MaxBody is the largest command in bytes: what the standard tier of Service Bus carries.
const MaxBody = 256 << 10

// MaxAttempt bounds the attempt counter of a command; our own copies stay far below it.
const MaxAttempt = 1000

// operationNamespace is the namespace of operation ids that are derived from event ids (RFC 9562, version 5).
var operationNamespace = uuid.MustParse("3d1f6f0c-5a0b-5d0e-9a52-2f4b7c0e61aa")

// Command is one command on the queue wif-commands.
type Command struct {
	// Type is the CloudEvents type, one of TypeProvision, TypeDeprovision, TypeAccessTest, TypeHealthCheck and
	// TypeVerify.
	Type string
	// ID is the event's id, and the MessageId of what we send ourselves.
	ID            string
	IntegrationID string
	// OperationID is never empty in a parsed command: without one the event's id stands for it.
	OperationID string
	// Spec means "create or update first"; provision only.
	Spec *integration.Spec
	// Replace lets the spec ask for another identity than there is; provision only, with a spec.
	Replace bool
	// Purge removes soft-deleted objects for good; deprovision only.
	Purge bool
	// Mode and Access are those of an access test; empty for the defaults.
	Mode, Access string
	// Attempt counts the scheduled copies of one command, from 0.
	Attempt int
}

// data is the event's data on the wire.
type data struct {
	IntegrationID string            `json:"integrationId"`
	OperationID   string            `json:"operationId,omitempty"`
	Spec          *integration.Spec `json:"spec,omitempty"`
	Replace       bool              `json:"replace,omitempty"`
	Purge         bool              `json:"purge,omitempty"`
	Mode          string            `json:"mode,omitempty"`
	Access        string            `json:"access,omitempty"`
	Attempt       int               `json:"attempt,omitempty" hidden:"true"`
}

// Rejection is the error for a message that can never succeed, however often it is delivered.
type Rejection struct {
	// Code is a diagnosis code.
	Code   diagnosis.Code
	Detail string
	// Findings name the faulty members of the event by JSON pointer.
	Findings []diagnosis.Finding
	// OperationID is the operation to record the rejection under: the command's own where that could be read, else
	// one derived from the message. It is never empty.
	OperationID string
	// IntegrationID is that of the event, else that of the session; empty where neither is an integration id.
	IntegrationID string
	// Type is the CloudEvents type; empty where it could not be read.
	Type string
}

// Error names code and detail; it repeats nothing of the body.
func (r *Rejection) Error() string { return "message rejected: " + string(r.Code) + ": " + r.Detail }

// ParseCommand reads a command. Its error is always a *Rejection. A spec is checked for form here; its rules are
// resolve.Defaults' to check.
func ParseCommand(d Delivery) (Command, error) {
	p := parser{delivery: d, fallback: derivedID(d)}
	var fields data
	event, err := p.event(&fields, TypeProvision, TypeDeprovision, TypeAccessTest, TypeHealthCheck,
		TypeVerify)
	if err != nil {
		return Command{}, err
	}
	return p.command(event, fields)
}

// parser keeps what a rejection tells beside its reason.
type parser struct {
	delivery      Delivery
	fallback      string
	operationID   string
	integrationID string
	eventType     string
}

// event reads a CloudEvent of one of the types, and its data into fields, strictly.
func (p *parser) event(fields any, types ...string) (messaging.CloudEvent, error) {
	var event messaging.CloudEvent
	if len(p.delivery.Body) > MaxBody {
		return event, p.reject(diagnosis.CodeMessageTooLarge, fmt.Sprintf("The message has %d bytes, more than %d.",
			len(p.delivery.Body), MaxBody))
	}
	var probe json.RawMessage
	if err := strictjson.Decode(p.delivery.Body, &probe); err != nil {
		return event, p.rejectBody(diagnosis.CodeNotJSON, "", err)
	}
	if err := json.Unmarshal(p.delivery.Body, &event); err != nil {
		return event, p.reject(diagnosis.CodeNotACloudevent,
			"The message is not a CloudEvent with specversion, id, source, type and data.")
	}
	p.fallback, p.eventType = operationID(event.ID, event.ID), event.Type
	raw, ok := event.Data.([]byte)
	p.peek(raw)
	if event.SpecVersion != "1.0" {
		return event, p.reject(diagnosis.CodeNotACloudevent, "The event's specversion is not 1.0.",
			diagnosis.Finding{Pointer: "/specversion", Code: diagnosis.CodeInvalidValue,
				Detail: "Another version than 1.0.", Expected: "1.0"})
	}
	if !slices.Contains(types, event.Type) {
		return event, p.reject(diagnosis.CodeUnknownCommand, "The event's type is not one that this queue takes.",
			diagnosis.Finding{Pointer: "/type", Code: diagnosis.CodeUnknownCommand,
				Detail: "Not a type that this queue takes.", Expected: offered(types),
				Actual: redact.Printable(event.Type)})
	}
	if !ok {
		return event, p.reject(diagnosis.CodeNotACloudevent, "The event has no data.",
			diagnosis.Finding{Pointer: "/data", Code: diagnosis.CodeMissingMember, Detail: "The member is missing."})
	}
	if err := strictjson.Decode(raw, fields); err != nil {
		return event, p.rejectBody(diagnosis.CodeInvalidValue, "/data", err)
	}
	return event, nil
}

// offered names those of the types that others may send; the rest the app sends to itself.
func offered(types []string) string {
	var names []string
	for _, t := range types {
		if slices.Contains([]string{TypeProvision, TypeDeprovision, TypeAccessTest, TypeHealthCheck}, t) {
			names = append(names, t)
		}
	}
	return "one of " + strings.Join(names, ", ")
}

func (p *parser) command(event messaging.CloudEvent, fields data) (Command, error) {
	if findings := p.check(event, fields); len(findings) > 0 {
		return Command{}, p.reject(findings[0].Code, findings[0].Detail, findings...)
	}
	if p.delivery.SessionID != "" && p.delivery.SessionID != fields.IntegrationID {
		return Command{}, p.reject(diagnosis.CodeSessionMismatch, "The message's SessionId is not the integration id.",
			diagnosis.Finding{Pointer: "/data/integrationId", Code: diagnosis.CodeSessionMismatch,
				Detail:   "Another id than the message's SessionId.",
				Expected: redact.Printable(p.delivery.SessionID), Actual: fields.IntegrationID})
	}
	return Command{Type: event.Type, ID: event.ID, IntegrationID: fields.IntegrationID,
		OperationID: operationID(fields.OperationID, event.ID),
		Spec:        fields.Spec, Replace: fields.Replace, Purge: fields.Purge, Mode: fields.Mode,
		Access: fields.Access, Attempt: fields.Attempt}, nil
}

// peek learns the ids of data that may be faulty elsewhere, so that the rejection can be found under them.
func (p *parser) peek(raw []byte) {
	var ids struct {
		IntegrationID any `json:"integrationId"`
		OperationID   any `json:"operationId"`
	}
	if json.Unmarshal(raw, &ids) != nil {
		return
	}
	if id, ok := ids.IntegrationID.(string); ok && integration.IsValidID(id) {
		p.integrationID = id
	}
	if id, ok := ids.OperationID.(string); ok && integration.IsValidOperationID(id) {
		p.operationID = id
	}
}

// check holds the members against each other and the event's type.
func (p *parser) check(event messaging.CloudEvent, f data) []diagnosis.Finding {
	findings := checkID(f.IntegrationID)
	note := func(broken bool, member string, code diagnosis.Code, detail, expected string) {
		if broken {
			findings = append(findings, diagnosis.Finding{Pointer: "/data/" + member, Code: code, Detail: detail,
				Expected: expected})
		}
	}
	only := func(eventType string, given bool, member string) {
		note(given && event.Type != eventType, member, diagnosis.CodeUnknownMember,
			"This command does not take the member.", "only with "+eventType)
	}
	note(f.OperationID != "" && !integration.IsValidOperationID(f.OperationID), "operationId",
		diagnosis.CodeInvalidOperationID, "The operation id is not valid.",
		"at most 128 letters, digits, dots, underscores and hyphens")
	note(f.OperationID == "" && event.Type == TypeVerify, "operationId", diagnosis.CodeMissingMember,
		"The member is missing.", "the operation to verify")
	note(f.Attempt < 0 || f.Attempt > MaxAttempt, "attempt", diagnosis.CodeInvalidValue,
		"The attempt is out of range.", fmt.Sprintf("0 to %d", MaxAttempt))
	note(!slices.Contains([]string{"", "oracle", "roundtrip"}, f.Mode), "mode", diagnosis.CodeInvalidMode,
		"The mode is not known.", "oracle or roundtrip")
	note(!slices.Contains([]string{"", string(integration.AccessRead), string(integration.AccessReadWrite)}, f.Access),
		"access", diagnosis.CodeInvalidAccess,
		"The access is not known.", "read or readWrite")
	only(TypeProvision, f.Spec != nil, "spec")
	only(TypeProvision, f.Replace, "replace")
	note(event.Type == TypeProvision && f.Replace && f.Spec == nil, "replace", diagnosis.CodeInvalidCombination,
		"There is no spec that could ask for another identity.", "only with spec")
	only(TypeDeprovision, f.Purge, "purge")
	only(TypeAccessTest, f.Mode != "", "mode")
	only(TypeAccessTest, f.Access != "", "access")
	return findings
}

// checkID holds the integration id against its rule.
func checkID(id string) []diagnosis.Finding {
	if integration.IsValidID(id) {
		return nil
	}
	return []diagnosis.Finding{{Pointer: "/data/integrationId", Code: diagnosis.CodeInvalidID,
		Detail:   "The integration id is not valid.",
		Expected: "3 to 50 lower-case letters, digits and single hyphens"}}
}

func (p *parser) reject(code diagnosis.Code, detail string, findings ...diagnosis.Finding) *Rejection {
	id := p.operationID
	if id == "" {
		id = p.fallback
	}
	integrationID := p.integrationID
	if integrationID == "" && integration.IsValidID(p.delivery.SessionID) {
		integrationID = p.delivery.SessionID
	}
	return &Rejection{Code: code, Detail: detail, Findings: findings, OperationID: id, IntegrationID: integrationID,
		Type: p.eventType}
}

// rejectBody makes a rejection of what strictjson.Decode found; at is the pointer to the value that it decoded.
func (p *parser) rejectBody(code diagnosis.Code, at string, err error) *Rejection {
	var fault *strictjson.Error
	if !errors.As(err, &fault) {
		return p.reject(code, "The value cannot be read.")
	}
	findings := slices.Clone(fault.Findings)
	for i := range findings {
		findings[i].Pointer = at + findings[i].Pointer
	}
	switch {
	case len(findings) > 0:
		code = findings[0].Code
	case fault.Code == strictjson.CodeTooDeep:
		code = fault.Code
	}
	return p.reject(code, fault.Detail, findings...)
}

// operationID returns the first id where it can name an operation; else the second, or a GUID made of it.
func operationID(given, eventID string) string {
	switch {
	case integration.IsValidOperationID(given):
		return given
	case integration.IsValidOperationID(eventID):
		return eventID
	default:
		return uuid.NewSHA1(operationNamespace, []byte(eventID)).String()
	}
}

// derivedID names the operation of a message that nothing can be read from: by its MessageId, which its sender knows,
// else by a GUID made of the message, so that the same message gets the same id again.
func derivedID(d Delivery) string {
	if integration.IsValidOperationID(d.MessageID) {
		return d.MessageID
	}
	return uuid.NewSHA1(operationNamespace, append([]byte(d.MessageID+"\n"), d.Body...)).String()
}

// Encode returns the command as a CloudEvent. source names this deployment, now stamps the event.
func (c Command) Encode(source string, now time.Time) ([]byte, error) {
	fields := data{IntegrationID: c.IntegrationID, OperationID: c.OperationID, Spec: c.Spec, Replace: c.Replace,
		Purge: c.Purge, Mode: c.Mode, Access: c.Access, Attempt: c.Attempt}
	return encode(c.Type, source, c.ID, c.IntegrationID, now, fields)
}

func encode(eventType, source, id, subject string, now time.Time, fields any) ([]byte, error) {
	now = now.UTC()
	contentType := "application/json"
	event, err := messaging.NewCloudEvent(source, eventType, fields,
		&messaging.CloudEventOptions{DataContentType: &contentType, Subject: &subject, Time: &now})
	if err != nil {
		return nil, fmt.Errorf("make event %s: %w", eventType, err)
	}
	event.ID = id
	body, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", eventType, err)
	}
	return body, nil
}
