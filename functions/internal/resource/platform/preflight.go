package platform

import (
	"errors"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The members of the spec that the platform may refuse before anything is written.
const (
	pointerOrganization = "/ddoe/organizationId"
	pointerProject      = "/ddoe/driver/projectId"
)

// at says which member of the spec a refusal is about. What may pass by itself stays as it is, and so does what is about the
// key or the platform itself.
func at(err error, pointer, value string) error {
	var known *diagnosis.Error
	var f *policy.Failure
	var found diagnosis.Diagnosis
	cause := err
	switch {
	case errors.As(err, &f) && policy.IsFinal(err) && isUnknown(err):
		found, cause = f.Diagnosis(false), f.Err
	case f == nil && errors.As(err, &known):
		found = known.Diagnosis
	default:
		return err
	}
	found.Findings = []diagnosis.Finding{{Pointer: pointer, Code: found.Code, Detail: found.Title + ".", Actual: diagnosis.Printable(value), Remedy: found.Remedy.Steps[0]}}
	return &diagnosis.Error{Diagnosis: found, Err: cause}
}

// elsewhere refuses the project of another organisation.
func elsewhere(wanted integration.DDOE, owner string) error {
	return at(refuse(diagnosis.CodeDDOEProjectElsewhere, diagnosis.WithDetail("The project belongs to the organisation %s, and the spec asks for the integration in %s.",
		diagnosis.Printable(owner), wanted.OrganizationID)), pointerProject, wanted.Driver.ProjectID)
}
