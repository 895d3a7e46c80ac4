package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The members of the spec that a preflight may refuse.
const (
	pointerOrganization = "/ddoe/organizationId"
	pointerProject      = "/ddoe/driver/projectId"
)

// preflight finds out, before anything is written, how the platform's side can be made, and whether the platform would
// refuse it for a reason that can be read beforehand. Role and project do not matter where nothing is going to be made by
// the API: where the way is manual, or all is there and the same spec was sent again.
func (r *run) preflight(ctx context.Context) error {
	d := r.current()
	if r.Platform == nil {
		return apiOff(d)
	}
	if !wantsPlatform(d.Spec) {
		return nil
	}
	var offered []ddoe.IntegrationType
	var unfit, role, project error
	_ = together( // the parts return nil; their errors are kept apart
		func() error { offered, unfit = r.offeredTypes(ctx, d); return nil },
		func() error { role = r.organizationRole(ctx, d); return nil },
		func() error { project = r.knownProject(ctx, d); return nil },
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case unfit != nil:
		if answeredWith(project, http.StatusForbidden) { // who sees nothing of the organisation learns nothing of a project
			project = nil
		}
		return refused(unfit, project)
	}
	r.platform.offer, r.platform.refusal = r.Platform.choose(d, offered)
	if r.platform.offer == nil || r.kept && onPlatform(d) {
		return nil
	}
	return refused(role, project)
}

// apiOff refuses what only the API can do: to remove what it has made and the spec does not ask for any more.
func apiOff(d integration.Document) error {
	if !platformBegun(d) || wantsPlatform(d.Spec) && (d.Spec.DDOE.Driver != nil || d.Status.DDOE.DriverID == "") {
		return nil
	}
	return refuse(diagnosis.CodeDDOEAPIOff)
}

// offeredTypes asks what the organisation offers; its refusal says that the organisation is not the right one.
func (r *run) offeredTypes(ctx context.Context, d integration.Document) ([]ddoe.IntegrationType, error) {
	offered, err := ask(ctx, r, policy.PlatformTypesList, func(ctx context.Context) ([]ddoe.IntegrationType, error) {
		return r.client().AvailableIntegrations(ctx, d.Spec.DDOE.OrganizationID)
	})
	var known *diagnosis.Error
	if errors.As(err, &known) && slices.Contains([]diagnosis.Code{diagnosis.CodeDDOEOrganizationUnknown, diagnosis.CodeDDOEOrganizationRoleMissing}, known.Diagnosis.Code) {
		return nil, at(err, pointerOrganization, d.Spec.DDOE.OrganizationID)
	}
	return offered, err
}

// organizationRole refuses a user who is known to have a role that manages no integrations. What cannot be read, and a role
// that is not known, decides nothing: the write will tell. So it is not waited for as long as for other answers.
func (s *Service) organizationRole(ctx context.Context, d integration.Document) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	all, err := s.platformClient(d).Memberships(ctx)
	if err != nil {
		return nil
	}
	role := roleIn(all, d.Spec.DDOE.OrganizationID)
	if role == "" {
		return nil
	}
	return at(refuse(diagnosis.CodeDDOEOrganizationRoleMissing, diagnosis.WithDetail(
		"The user of DDOE_API_KEY has the role %s in the organisation. Integrations need the role admin or owner.", diagnosis.Printable(role))),
		pointerOrganization, d.Spec.DDOE.OrganizationID)
}

// roleIn is the role in an organisation that does not suffice; empty where it may suffice. A list that holds several
// members of the organisation is not about the key's user alone, and says nothing.
func roleIn(all []ddoe.Membership, organizationID string) string {
	all = slices.DeleteFunc(slices.Clone(all), func(m ddoe.Membership) bool { return !sameID(m.OrganizationID, organizationID) })
	if len(all) == 0 {
		return ""
	}
	for _, m := range all {
		if m.User != all[0].User || !slices.Contains([]string{"member", "worker"}, strings.ToLower(m.Role)) {
			return ""
		}
	}
	return all[0].Role
}

// knownProject refuses a project that the driver cannot be made in.
func (r *run) knownProject(ctx context.Context, d integration.Document) error {
	if d.Spec.DDOE.Driver == nil {
		return nil
	}
	project, err := ask(ctx, r, policy.PlatformProjectGet, func(ctx context.Context) (ddoe.Project, error) {
		ctx, cancel := context.WithTimeout(ctx, lookPatience)
		defer cancel()
		return r.client().GetProject(ctx, d.Spec.DDOE.Driver.ProjectID)
	})
	return projectRefused(d, project, err)
}

// projectRefused refuses a project that the platform does not show, or shows as another organisation's. Any other trouble
// with the question decides nothing, as with organizationRole.
func projectRefused(d integration.Document, project ddoe.Project, err error) error {
	switch {
	case unknownID(err), answeredWith(err, http.StatusForbidden):
		return at(err, pointerProject, d.Spec.DDOE.Driver.ProjectID)
	case err != nil || project.OrganizationID == "" || sameID(project.OrganizationID, d.Spec.DDOE.OrganizationID):
		return nil
	}
	return projectElsewhere(*d.Spec.DDOE, project.OrganizationID)
}

// projectElsewhere refuses the project of another organisation. Either member of the spec may be the wrong one.
func projectElsewhere(wanted integration.DDOE, owner string) error {
	detail := fmt.Sprintf("The project belongs to the organisation %s, and the spec asks for the integration in %s.", diagnosis.Printable(owner), diagnosis.Printable(wanted.OrganizationID))
	found := func(pointer, expected, actual, remedy string) diagnosis.Finding {
		return diagnosis.Finding{Pointer: pointer, Code: diagnosis.CodeDDOEProjectElsewhere, Detail: detail, Expected: diagnosis.Printable(expected), Actual: diagnosis.Printable(actual), Remedy: remedy}
	}
	return refuse(diagnosis.CodeDDOEProjectElsewhere, diagnosis.WithDetail("%s", detail), diagnosis.WithFindings(
		found(pointerProject, "", wanted.Driver.ProjectID, "Give the id of a project of the organisation, if the project is the wrong one."),
		found(pointerOrganization, owner, wanted.OrganizationID, "Give the id of the project's organisation, if the organisation is the wrong one.")))
}

// unknownID reports whether the platform does not take an id for that of anything; 400 is for one that it cannot even read.
func unknownID(err error) bool {
	return ddoe.IsNotFound(err) || answeredWith(err, http.StatusBadRequest)
}

// at says which member of the spec a refusal is about. What is no refusal stays as it is.
func at(err error, pointer, value string) error {
	var known *diagnosis.Error
	if !errors.As(err, &known) || !policy.IsFinal(err) {
		return err
	}
	found := known.Diagnosis
	found.Findings = []diagnosis.Finding{{Pointer: pointer, Code: found.Code, Detail: found.Title + ".", Actual: diagnosis.Printable(value), Remedy: found.Remedy.Steps[0]}}
	return &diagnosis.Error{Diagnosis: found, Err: known.Err}
}

// refused is the first of several refusals, with the findings of all; of two about the same member of the spec, the first.
func refused(errs ...error) error {
	first := worst(errs...)
	var known *diagnosis.Error
	if !errors.As(first, &known) || !policy.IsFinal(first) {
		return first
	}
	found := known.Diagnosis
	found.Findings = nil
	for _, err := range errs {
		var other *diagnosis.Error
		if errors.As(err, &other) {
			found.Findings = remember(found.Findings, other.Diagnosis.Findings, func(f diagnosis.Finding) string { return f.Pointer })
		}
	}
	return &diagnosis.Error{Diagnosis: found, Err: known.Err}
}
