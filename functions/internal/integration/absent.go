package integration

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// Absent is the refusal of a request about an integration that is not there: d is nil where there is no document, else
// the tombstone, which says by its ids whether the application can still be restored.
func Absent(d *Document) *diagnosis.Error {
	if d == nil {
		return &diagnosis.Error{Diagnosis: diagnosis.New("integration-not-found"), Err: ErrNotFound}
	}
	gone := diagnosis.New("integration-deleted")
	if d.Status.ObjectID == "" {
		gone.Detail = "The integration was torn down for good: nothing of it is left that could be restored."
		gone.Remedy.Steps = []string{"PUT the spec again: it makes a new application with a new client id.", "Then upload the new azure_credentials.json to the platform."}
	}
	return &diagnosis.Error{Diagnosis: gone}
}
