package integration

import "github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"

// Confirmation is what a person confirms. The type keeps the name that it has in the API.
type Confirmation = DDOEConfirmation

// AdmitConfirmation refuses to confirm a form that the spec does not ask for, or whose values may still change. The
// error is a *diagnosis.Error.
func AdmitConfirmation(d *Document) error {
	refuse := func(code diagnosis.Code, opts ...diagnosis.Option) error {
		return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
	}
	st := d.Status.DDOE
	switch {
	case d.Status.Phase == PhaseDeleted:
		return Absent(d)
	case d.IsEnding():
		return refuse(diagnosis.CodeDeprovisioning)
	case d.Spec.DDOE == nil:
		return refuse(diagnosis.CodeNothingToConfirm)
	case !d.HasCondition(ConditionProvisioned, "True", nil), st == nil:
		return Unprovisioned(*d)
	case st.Mode == ModeAPI:
		return refuse(diagnosis.CodeNothingToConfirm, diagnosis.WithDetail(
			"The integration %s on the platform is looked after by its API.", st.IntegrationID))
	case d.FormToFill() == nil:
		return refuse(diagnosis.CodeNothingToConfirm, diagnosis.WithDetail("%s", st.Next))
	default:
		return nil
	}
}
