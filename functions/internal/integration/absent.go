package integration

import (
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// Absent is the refusal of a request about an integration that does not exist: d is nil without a document, else it is
// the tombstone, whose ids tell whether the identity can still be restored.
func Absent(d *Document) *diagnosis.Error {
	if d == nil {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIntegrationNotFound), Err: ErrNotFound}
	}
	gone := diagnosis.New(diagnosis.CodeIntegrationDeleted)
	if d.IsUnmanaged {
		gone.Detail = "The integration was imported, and is forgotten. What it consists of was left as it is."
		gone.Remedy.Steps = []string{"Import it again: POST /api/integrations/" + d.ID + "/import."}
		return &diagnosis.Error{Diagnosis: gone}
	}
	gone.Remedy.Steps = []string{"PUT the spec again to restore it; within 30 days it gets the same client id."}
	if !d.Status.CanBePurged() {
		gone.Detail = "The integration was torn down for good: nothing of it is left that could be restored."
		gone.Remedy.Steps = []string{"PUT the spec again: it makes a new identity with a new client id.",
			"Then upload the new azure_credentials.json to the platform."}
	}
	return &diagnosis.Error{Diagnosis: gone}
}

// Unprovisioned is the refusal of a request that needs more of an integration than was made so far. It tells why the
// last operation has failed, or what it waits for, else that it runs.
func Unprovisioned(d Document) *diagnosis.Error {
	refusal := diagnosis.New(diagnosis.CodeNotProvisioned)
	for _, c := range d.Status.Conditions {
		switch {
		case c.Type != "Provisioned" || c.Diagnosis == nil:
		case d.Status.Phase == PhaseFailed:
			refusal.Detail = fmt.Sprintf("The last operation, %s, has failed with %s: %s", d.Status.LastOperationID,
				c.Diagnosis.Code, c.Diagnosis.Detail)
			refusal.Transient, refusal.Evidence = false, c.Diagnosis.Evidence
			if c.Diagnosis.Remedy != nil {
				refusal.Remedy = c.Diagnosis.Remedy
			}
		case c.Status == "Unknown":
			refusal.Detail = fmt.Sprintf("The last operation, %s, is tried again after %s: %s",
				d.Status.LastOperationID, c.Diagnosis.Code, c.Diagnosis.Detail)
			refusal.Evidence = c.Diagnosis.Evidence
		}
	}
	return &diagnosis.Error{Diagnosis: refusal}
}
