package provision

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The words of the platform's form, as its documentation gives them.
const (
	formProvider        = "Azure"
	formIntegrationType = "Workload Identity Federation"
)

// madeHere reports whether the document knows an integration of ours in the organisation that the spec names.
func madeHere(d integration.Document) bool {
	return onPlatform(d) && (d.Spec.DDOE == nil || sameID(d.Status.DDOE.OrganizationID, d.Spec.DDOE.OrganizationID))
}

// fallBack does what the API can do where the organisation does not offer the type, or not any more: it finds what an
// earlier attempt may have made without learning its id, and removes a driver that is not wanted.
func (r *run) fallBack(ctx context.Context) error {
	d := r.current()
	if platformBegun(d) && !onPlatform(d) {
		found, err := r.lookAtPlatform(ctx, d.Status.DDOE.OrganizationID, "")
		if err != nil {
			return err
		}
		if len(found.ours) == 0 {
			return r.createSettled()
		}
		err = r.learnPlatform(ctx, func(st *integration.DDOEStatus) {
			if st.IntegrationID == "" {
				st.IntegrationID, st.IntegrationType, st.CreateSentAt = found.ours[0].ID, found.ours[0].Type, nil
			}
		})
		if err != nil {
			return err
		}
	}
	if onPlatform(d) && d.Spec.DDOE.Driver == nil {
		return r.dropDriver(ctx)
	}
	return nil
}

// platformStatus is the platform's side as the document ends with it: as it was made by the API, or what a person has to do,
// with the values to type in. What was made by the API before stays ours, to be taken up again or removed: nobody is told to
// make a second one, and what the platform has validated stays so.
func (r *run) platformStatus(d integration.Document) *integration.DDOEStatus {
	if r.platform.offer != nil {
		return d.Status.DDOE
	}
	st := platformOf(d)
	before, since := st.Form, st.Since
	st.Mode, st.Why, st.Diagnosis = modeManual, r.whyManual(d), r.platform.refusal
	st.Form, st.Since = nil, nil
	if madeHere(d) {
		st.Next = nextMade(d, r.platform.refusal != nil)
		return &st
	}
	st.Form = formOf(d)
	if since == nil || before == nil || before.IntegrationName != st.Form.IntegrationName || !sameID(before.OrganizationID, st.Form.OrganizationID) {
		// What is older than this form was not made for it. The platform may count in whole seconds.
		whole := r.now().Truncate(time.Second)
		since = &whole
	}
	st.Since = since
	if !onPlatform(d) {
		st.IntegrationType = formIntegrationType
	}
	st.Next = nextForm(d)
	return &st
}

// whyManual is why a person has to do it.
func (r *run) whyManual(d integration.Document) string {
	switch {
	case r.platform.refusal != nil:
		return r.platform.refusal.Detail
	case wantsPlatform(d.Spec):
		return "This deployment has no access to the platform's API (DDOE_API_URL and DDOE_API_KEY)."
	default:
		return "The spec does not ask for the platform's side (ddoe.integration is not true)."
	}
}

func formOf(d integration.Document) *integration.DDOEForm {
	form := &integration.DDOEForm{IntegrationName: platformName(d), Provider: formProvider, IntegrationType: formIntegrationType,
		ClientID: d.Status.ClientID, TenantID: d.Spec.TenantID, ImportFile: credential.FileName}
	if d.Spec.DDOE != nil {
		form.OrganizationID = d.Spec.DDOE.OrganizationID
	}
	return form
}

// handmade reports whether a person made an integration because our document said so: it has the form's name and the type,
// nobody's mark, and is not older than the form. What the platform does not say counts against it.
func handmade(d integration.Document, kind string, one ddoe.Integration) bool {
	st := d.Status.DDOE
	if st == nil || st.Form == nil || st.Since == nil || d.Spec.DDOE == nil {
		return false
	}
	_, marked := one.Metadata[metaOwner]
	return one.Name == st.Form.IntegrationName && one.Type == kind && one.Metadata != nil && !marked &&
		!one.CreatedAt.Before(*st.Since) &&
		(st.Form.OrganizationID == "" || sameID(st.Form.OrganizationID, d.Spec.DDOE.OrganizationID))
}

// nextForm tells a person to make the integration, and its driver.
func nextForm(d integration.Document) string {
	var next strings.Builder
	if platformBegun(d) && !onPlatform(d) {
		next.WriteString("An earlier request may have made the integration: look whether there is one of this name, and then do not make another. ")
	}
	fmt.Fprintf(&next, "Download %s from GET /api/integrations/%s/credentials. In DDOE: Integrations, Create Integration, Create Storage Integration; "+
		"fill in the form's values, upload the file, and create %s with the integration.", credential.FileName, d.ID, driverInWords(d))
	if wantsPlatform(d.Spec) {
		next.WriteString(" Keep the names: when the cause is mended, the same PUT takes over what was made under them.")
	}
	if onPlatform(d) {
		fmt.Fprintf(&next, " The integration %s in the organisation %s, which this service made earlier, stays until then.", d.Status.DDOE.IntegrationID, d.Status.DDOE.OrganizationID)
	}
	return next.String()
}

// nextMade tells a person what exists, and what is left to do. Where the API is refused, the platform may refuse what it has
// made as well.
func nextMade(d integration.Document, refused bool) string {
	st := d.Status.DDOE
	next := "The integration " + st.IntegrationID + " exists already, made by this service: do not make another."
	switch {
	case d.Spec.DDOE != nil && d.Spec.DDOE.Driver != nil && st.DriverID == "":
		next += " Create " + driverInWords(d) + " with it."
	case st.DriverID != "":
		next += " So does the driver " + st.DriverID + "."
	}
	rest := "; nothing else is left to do."
	if refused {
		rest = ". Have the cause mended that status.ddoe.diagnosis names: until then the platform may not serve what exists, which POST /api/integrations/" +
			d.ID + "/access-tests tells."
	}
	return next + " If the client id, the tenant, the storage account or the file of GET /api/integrations/" + d.ID +
		"/credentials has changed since, edit the integration with the new values" + rest + " When the cause is mended, the same PUT goes on with what exists."
}

// driverInWords is the driver that a person has to make.
func driverInWords(d integration.Document) string {
	const kind = "Azure Blob driver (Azure Data Lake Storage Gen2 where the account has a hierarchical namespace)"
	if d.Spec.DDOE == nil || d.Spec.DDOE.Driver == nil || len(d.Spec.Storage) == 0 {
		return "an " + kind
	}
	driver := d.Spec.DDOE.Driver
	where := "no path"
	if driver.Path != "" {
		where = "path " + driver.Path
	}
	deletes := "external deletion not allowed"
	if driver.AllowExternalDelete {
		deletes = "external deletion allowed"
	}
	return fmt.Sprintf("in the project %s the %s named %s: container %s, %s, %s,", driver.ProjectID, kind, driver.Name, d.Spec.Storage[0].Container, where, deletes)
}
