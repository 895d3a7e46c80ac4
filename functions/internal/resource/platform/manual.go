package platform

import (
	"fmt"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// manualItem is the integration that is left to a person, with the values to type in. code is why the API cannot be
// used where it was wanted; isClear means that nothing of ours is on the platform. What was made by the API before
// stays known: nobody is told to make a second one.
func manualItem(d integration.Document, code diagnosis.Code, why string, isClear bool) resource.Item {
	item := newItem(nameIntegration, ownOf(d), d.Spec.DisplayName)
	item.State, item.Code, item.Detail = resource.Manual, code, why
	if d.Status.ClientID == "" { // there is no form yet
		return item
	}
	item.Learn = learn(func(st *integration.DDOEStatus) {
		st.Mode, st.Why, st.Diagnosis, st.Form, st.Next = modeManual, why, nil, formOf(d), nextOf(d)
		if code != "" {
			found := diagnosis.New(code, diagnosis.WithDetail("%s", why))
			st.Diagnosis = &found
		}
		if isClear {
			st.OrganizationID = ""
		}
		if st.Adopted && !d.Spec.DDOE.IsWanted() {
			st.IntegrationID, st.IntegrationType, st.Adopted = "", "", false // it is a person's, and used no more
		}
		if st.IntegrationID != "" {
			st.Form, st.Next = nil, "The integration "+st.IntegrationID+" exists already: do not make another. "+
				"When the cause is mended, the same PUT goes on with it."
		}
	})
	return item
}

// manual is what there is to say where the integration is left to a person, or was: what a person may have made by
// the form is theirs to remove.
func (p *Platform) manual(v resource.View, isClear bool) []resource.Item {
	d := v.Document
	switch {
	case v.Apart && !d.Spec.DDOE.IsWanted(): // nobody asks about it
		return nil
	case !v.Ending:
		return []resource.Item{manualItem(d, "", p.why(d), isClear)}
	}
	form := statusOf(d).Form
	if form == nil {
		return nil
	}
	item := newItem(nameIntegration, "", form.IntegrationName)
	item.State = resource.Manual
	item.Detail = "If a person has made the integration " + form.IntegrationName +
		" by the form, a person has to remove it on the platform, its drivers first."
	return []resource.Item{item}
}

// withoutAPI is what there is to say where the API cannot be asked.
func (k integrations) withoutAPI(v resource.View) []resource.Item {
	d, own := v.Document, ownOf(v.Document)
	switch {
	case own == "":
		return k.manual(v, false)
	case d.Spec.DDOE.IsWanted() && !v.Ending:
		return []resource.Item{manualItem(d, diagnosis.CodeDDOEAPIOff, k.why(d), false)}
	}
	return []resource.Item{failed(unwanted(nameIntegration, own), apiOff())}
}

// handmade tells a person about an integration that may be the one that they have made.
func handmade(one ddoe.Integration) string {
	return "The organisation has the integration " + label(one.Name, "id "+one.ID) +
		" of the same type, which this service did not make for this spec."
}

// why is why the integration is left to a person where nothing is in the way.
func (p *Platform) why(d integration.Document) string {
	if d.Spec.DDOE.IsWanted() {
		return "This deployment has no access to the platform's API (DDOE_API_URL and DDOE_API_KEY)."
	}
	return "The spec does not ask for the platform's API (ddoe.integration is not true)."
}

// formOf is filled in by the words of the platform's form, as its documentation gives them.
func formOf(d integration.Document) *integration.DDOEForm {
	form := &integration.DDOEForm{IntegrationName: d.Spec.DisplayName, Provider: "Azure",
		IntegrationType: "Workload Identity Federation", ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID,
		ImportFile: credential.FileName}
	if d.Spec.DDOE != nil {
		form.OrganizationID = d.Spec.DDOE.OrganizationID
	}
	return form
}

// nextOf tells a person to make integration and driver.
func nextOf(d integration.Document) string {
	next := "Download " + credential.FileName + " from GET /api/integrations/" + d.ID + "/credentials. In DDOE: " +
		"Integrations, Create Integration, Create Storage Integration; fill in the form's values, upload the file, " +
		"and create the driver with it: Azure Blob, or Azure Data Lake Storage Gen2 where the account has a " +
		"hierarchical namespace"
	if d.Spec.DDOE != nil && d.Spec.DDOE.Driver != nil {
		driver := d.Spec.DDOE.Driver
		next += fmt.Sprintf("; in the project %s, named %s, for the container %s and the path %q, allowed to delete: "+
			"%t", driver.ProjectID, driver.Name, d.Spec.Storage[0].Container, driver.Path, driver.AllowExternalDelete)
	}
	if d.Status.Identity.FormerClientID != "" {
		next += ". The client id is another one than before, " + d.Status.Identity.FormerClientID +
			": whoever has made the integration by hand gives it the new one, and uploads the file again"
	}
	if d.Spec.DDOE.IsWanted() {
		next += ". Look first whether there is one of this name. When the cause is mended, PUT the spec again; name " +
			"in ddoe.integrationId what you have made, to have it used: it stays yours"
	}
	return next + "."
}
