package provision

import "github.com/ddoe-ai/azure-wif/functions/internal/integration"

// The words of the platform's form, as its documentation gives them.
const (
	formProvider        = "Azure"
	formIntegrationType = "Workload Identity Federation"
	formImportFile      = "azure_credentials.json"
)

// manualSetup is what a person has to do on the platform's side, with the values to type in.
func manualSetup(d integration.Document) *integration.DDOEStatus {
	why := "The spec does not ask for the platform's side (ddoe.integration is not true)."
	if d.Spec.DDOE != nil && d.Spec.DDOE.Integration {
		why = "This deployment has no access to the platform's API (DDOE_API_URL and DDOE_API_KEY)."
	}
	return &integration.DDOEStatus{
		Mode:            "manual",
		IntegrationType: formIntegrationType,
		Form: &integration.DDOEForm{IntegrationName: d.Spec.DisplayName, Provider: formProvider, IntegrationType: formIntegrationType,
			ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, ImportFile: formImportFile},
		Why: why,
		Next: "Download " + formImportFile + " from GET /api/integrations/" + d.ID + "/credentials. In DDOE: Integrations, Create Integration, " +
			"Create Storage Integration; fill in the form's values, upload the file, and create an Azure Blob driver with the integration.",
	}
}
