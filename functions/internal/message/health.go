package message

import (
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// HealthCheck asks for one look at one integration, on the queue wif-health.
type HealthCheck struct {
	// ID is the event's id, and the MessageId of what we send ourselves.
	ID            string
	IntegrationID string
	// Slot is the time that the check was planned for. Zero asks for a check now: on the wire the member is then
	// missing, or a name of the asker's choice instead of a time.
	Slot time.Time
	// Confirm asks for the second look at a failure that the check of this slot has seen.
	Confirm bool
}

// healthData is the event's data on the wire.
type healthData struct {
	IntegrationID string `json:"integrationId"`
	Slot          string `json:"slot,omitempty"`
	Confirm       bool   `json:"confirm,omitempty"`
}

// maxSlotName is the longest name in place of a slot, in bytes.
const maxSlotName = 128

// ParseHealthCheck reads a check. Its error is always a *Rejection.
func ParseHealthCheck(d Delivery) (HealthCheck, error) {
	p := parser{delivery: d, fallback: derivedID(d)}
	var fields healthData
	event, err := p.event(&fields, TypeHealthCheck)
	if err != nil {
		return HealthCheck{}, err
	}
	check := HealthCheck{ID: event.ID, IntegrationID: fields.IntegrationID, Confirm: fields.Confirm}
	if slot, err := time.Parse(time.RFC3339, fields.Slot); err == nil {
		check.Slot = slot.UTC()
	}
	findings := checkID(fields.IntegrationID)
	if len(fields.Slot) > maxSlotName {
		findings = append(findings, diagnosis.Finding{Pointer: "/data/slot", Code: diagnosis.CodeInvalidValue,
			Detail: "The slot is too long.", Expected: "a time (RFC 3339)"})
	}
	if fields.Confirm && check.Slot.IsZero() {
		findings = append(findings, diagnosis.Finding{Pointer: "/data/slot", Code: diagnosis.CodeMissingMember,
			Detail: "A second look names the slot of the first.", Expected: "a time (RFC 3339)"})
	}
	if len(findings) > 0 {
		return HealthCheck{}, p.reject(findings[0].Code, findings[0].Detail, findings...)
	}
	return check, nil
}

// Encode returns the check as a CloudEvent. source names this deployment, now stamps the event.
func (c HealthCheck) Encode(source string, now time.Time) ([]byte, error) {
	fields := healthData{IntegrationID: c.IntegrationID, Confirm: c.Confirm}
	if !c.Slot.IsZero() {
		fields.Slot = c.Slot.UTC().Format(time.RFC3339Nano)
	}
	return encode(TypeHealthCheck, source, c.ID, c.IntegrationID, now, fields)
}
