package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// DDOEConfirmation records that a person has filled in the platform's form.
type DDOEConfirmation struct {
	By            string    `json:"by" doc:"Who has confirmed it, as far as that is known"`
	At            time.Time `json:"at"`
	IntegrationID string    `json:"integrationId,omitempty" doc:"The integration that they have made"`
	DriverID      string    `json:"driverId,omitempty" doc:"The driver that they have made"`
}

// Faults finds what is wrong with the ids, which are optional.
func (c DDOEConfirmation) Faults() []diagnosis.Finding {
	var findings []diagnosis.Finding
	for _, id := range []struct{ pointer, value string }{
		{"/integrationId", c.IntegrationID}, {"/driverId", c.DriverID}} {
		faults := CheckPlatformText(id.pointer, id.value)
		if id.value != "" && len(faults) == 0 {
			faults = CheckPlatformID(id.pointer, diagnosis.CodeInvalidValue,
				"The id is not one of the platform's.", id.value)
		}
		findings = append(findings, faults...)
	}
	return findings
}

// Confirmation is what a person has confirmed of what there is to type in and to upload now; nil where nobody has.
func (d Document) Confirmation() *DDOEConfirmation {
	if d.FormToFill() == nil || d.Status.DDOE.ConfirmedHash != d.formHash() {
		return nil
	}
	return d.Status.DDOE.Confirmed
}

// Confirm records that a person has typed in and uploaded what the form has now. There has to be a form.
func (d *Document) Confirm(c DDOEConfirmation) {
	st := *d.Status.DDOE // others may hold the status
	st.Confirmed, st.ConfirmedHash = &c, d.formHash()
	d.Status.DDOE = &st
}

// formHash is a hash of what a person types in and uploads: the form's values, the members of the credential file, and
// the driver.
func (d Document) formHash() string {
	s := d.Spec
	// The error is that of a value that has no JSON, and these are texts.
	body, _ := json.Marshal([]any{s.DisplayName, d.Status.ClientID, s.TenantID, s.Issuer, s.Audience,
		first(s.Subjects),
		first(s.Storage).ResourceID, first(s.Storage).Container, s.DDOE})
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}
