// Package adoption takes in what somebody else has made: it writes down an integration of it, which is looked at and
// tested from then on, and of which nothing is ever written.
package adoption

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/resolve"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// Import is what somebody else has made: the credential file, and what it is for.
type Import struct {
	ID   string
	File []byte
	// Spec has what the file does not tell: storage, display name and health checks.
	Spec integration.Spec
	// IntegrationID and DriverID are on the platform; empty for none.
	IntegrationID, DriverID string
}

// Service holds the use case. Its members are all needed, but for OwnClientID.
type Service struct {
	// OwnClientID is the client id of the service's own identity; empty where it is not known.
	OwnClientID string
	Repository  *integration.Repository
	// Kinds are what an integration consists of; those count that look at what somebody else has made.
	Kinds    []resource.Kind
	Defaults resolve.Defaults
	// Policy is what callers may ask for.
	Policy entitlement.Policy
	// Claims keep a subject from being given identities by two owners.
	Claims *entitlement.Claims
	Watch  Watch
}

// Watch looks after the health of integrations; *health.Service does.
type Watch interface {
	// Plan plans the checks of an integration.
	Plan(ctx context.Context, d integration.Document) error
	// Ask has an integration looked at soon.
	Ask(ctx context.Context, d integration.Document) error
}

// Import writes down an integration that somebody else has made, and has it looked at from then on. Nothing of it is
// written, now or later. It is refused where the file has faults, all of them told, where its identity is not there or
// cannot be seen, is of others, or another integration has its client id. It may be repeated. Errors are
// *diagnosis.Error.
func (s *Service) Import(ctx context.Context, in Import) (integration.Document, error) {
	invocation.From(ctx).SetIntegration(in.ID)
	d, err := s.imported(ctx, in)
	if err == nil {
		err = s.admit(ctx, d, in)
	}
	if err != nil {
		return integration.Document{}, err
	}
	there, err := s.Repository.Get(ctx, d.ID)
	switch {
	case errors.Is(err, integration.ErrNotFound):
	case err != nil:
		return integration.Document{}, operation.Taken(operation.StoreError(err))
	case isRepeated(there, d, in):
		return s.watch(ctx, there)
	}
	if err := admitNew(there); err != nil {
		return integration.Document{}, err
	}
	if err := s.look(ctx, &d, in); err != nil { // before it is told whether anybody has it
		return integration.Document{}, err
	}
	if err := s.admitIdentity(ctx, d); err != nil {
		return integration.Document{}, err
	}
	if err := s.Claims.Claim(ctx, d.ID, d.Spec); err != nil {
		return integration.Document{}, operation.StoreError(err)
	}
	d.SetCondition(s.Repository.Now().UTC(), integration.ConditionProvisioned, "True", nil,
		"Somebody else has made it.")
	awaiting := diagnosis.New(diagnosis.CodeAwaitingVerification, diagnosis.WithContext(d.Words()))
	d.SetCondition(s.Repository.Now().UTC(), integration.ConditionVerified, "Unknown", &awaiting, "")
	if err := s.claimIdentity(ctx, d); err != nil {
		return integration.Document{}, err
	}
	stored, err := s.Repository.Put(ctx, integration.Document{ID: d.ID},
		func(there *integration.Document) error {
			if err := admitNew(*there); err != nil {
				return err
			}
			before := *there
			*there = d
			there.ETag, there.Generation = before.ETag, before.Generation+1
			there.Outbox = before.Outbox // what is still to be told of the last life
			there.Owner = cmp.Or(before.Owner, d.Owner)
			return nil
		})
	if err != nil {
		return integration.Document{}, operation.Taken(operation.StoreError(err))
	}
	return s.watch(ctx, stored)
}

// look learns what there is of an import, and refuses one whose identity is not seen, or is of others.
// Where the request names nothing, the integration is called what a person has called the identity: a takeover does
// not rename it then.
func (s *Service) look(ctx context.Context, d *integration.Document, in Import) error {
	items := resource.Items(resource.Observe(ctx, s.Kinds, resource.View{Document: *d, Told: true}))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	resource.LearnAll(&d.Status, items)
	for _, item := range items {
		if in.Spec.DisplayName == "" && item.DisplayName != "" && resolve.IsDisplayName(item.DisplayName) {
			d.Spec.DisplayName = item.DisplayName
		}
	}
	if !d.Status.IsBegun() {
		return hide(ctx, notSeen(resource.Checks(items, true)))
	}
	return admitTrust(ctx, items)
}

// watch plans the checks of an import and asks for the first one. It may be done again.
func (s *Service) watch(ctx context.Context, d integration.Document) (integration.Document, error) {
	if err := s.Watch.Plan(ctx, d); err != nil {
		return integration.Document{}, err
	}
	return d, s.Watch.Ask(ctx, d)
}

// isRepeated reports whether an import is there already as it is asked for: an answer was lost, or the checks could
// not be planned.
func isRepeated(there, asked integration.Document, in Import) bool {
	if in.Spec.DisplayName == "" { // it was called what its identity is called
		asked.Spec.DisplayName = there.Spec.DisplayName
	}
	return there.ETag != "" && there.IsUnmanaged && there.Status.Phase != integration.PhaseDeleted &&
		strings.EqualFold(there.Status.ClientID, asked.Status.ClientID) && reflect.DeepEqual(there.Spec, asked.Spec)
}

// imported is the document of an import, as far as the request tells. The error lists every fault of it.
func (s *Service) imported(ctx context.Context, in Import) (integration.Document, error) {
	if len(in.File) > credential.MaxSize {
		return integration.Document{}, refuse(diagnosis.CodeFileTooLarge)
	}
	file, err := credential.Parse(in.File)
	var findings []diagnosis.Finding
	var faults *diagnosis.Error
	if errors.As(err, &faults) {
		for _, f := range faults.Diagnosis.Findings {
			f.Pointer = pointerCredentials + f.Pointer
			findings = append(findings, f)
		}
	}
	spec := in.Spec
	spec.TenantID, spec.Issuer, spec.Audience = file.TenantID, file.FederatedTokenIssuer, file.Audience
	spec.Subjects = []string{file.Subject}
	kind, _ := integration.ParseIdentityKind("") // whatever it is made of
	spec.Identity = &integration.Identity{Kind: kind}
	resolved, ofSpec, err := s.Defaults.Resolve(ctx, in.ID, spec)
	if err != nil {
		return integration.Document{}, &diagnosis.Error{Diagnosis: diagnosis.New(
			diagnosis.CodeServiceIdentityUnavailable), Err: err}
	}
	for _, f := range ofSpec {
		member, isOfFile := ofFile(f.Pointer)
		if isOfFile && faults != nil { // told already
			continue
		}
		f.Pointer = member
		findings = append(findings, f)
	}
	switch {
	case len(findings) > 0 && strings.HasPrefix(findings[0].Pointer, pointerCredentials):
		return integration.Document{}, faultyFile(findings)
	case len(findings) > 0:
		return integration.Document{}, refuse(diagnosis.CodeInvalidSpec, diagnosis.WithFindings(findings...))
	}
	who, _ := caller.From(ctx)
	d := integration.Document{ID: in.ID, IsUnmanaged: true, Owner: who.ID, CreatedBy: who.IDs(),
		LastModifiedBy: who.IDs(),
		Spec:           resolved, CreatedAt: s.Repository.Now().UTC(),
		FirstOperationID: uuid.NewString(),
		Status:           integration.Status{Phase: integration.PhaseProvisioned, ClientID: file.ClientID}}
	if in.IntegrationID != "" || in.DriverID != "" {
		d.Status.DDOE = &integration.DDOEStatus{Mode: integration.ModeAPI, Adopted: true,
			IntegrationID: in.IntegrationID, DriverID: in.DriverID}
	}
	return d, nil
}

// admit refuses what nobody, or not this caller, may have watched: the service's own identity, which a later takeover
// would change and remove, and what the policy does not allow.
func (s *Service) admit(ctx context.Context, d integration.Document, in Import) error {
	if s.OwnClientID != "" && strings.EqualFold(d.Status.ClientID, s.OwnClientID) {
		return refuse(diagnosis.CodeNotAllowed, diagnosis.WithFindings(diagnosis.Finding{
			Pointer: pointerCredentials + "/clientId", Code: diagnosis.CodeNotAllowed, Actual: d.Status.ClientID,
			Detail:   "It is the identity of this service itself.",
			Expected: "the client id of an identity that was made for the service on the platform",
			Remedy:   "Make an identity of its own for it, by a PUT of an integration, and use that one's file."}))
	}
	err := s.Policy.AdmitImport(ctx, d.Spec, map[string]string{"/ddoe/integrationId": in.IntegrationID,
		"/ddoe/driverId": in.DriverID})
	var refused *diagnosis.Error
	if errors.As(err, &refused) {
		for i, f := range refused.Diagnosis.Findings {
			refused.Diagnosis.Findings[i].Pointer, _ = ofFile(f.Pointer)
		}
	}
	return err
}

// faultyFile is the refusal of a file, and of what else is faulty in the request.
func faultyFile(findings []diagnosis.Finding) error {
	return refuse(diagnosis.CodeInvalidCredentialFile, diagnosis.WithFindings(findings...))
}

// pointerCredentials points to the file in the body of an import.
const pointerCredentials = "/credentials"

// ofFile is where in the file a member of the spec was read, and reports whether it was.
func ofFile(pointer string) (string, bool) {
	for member, of := range map[string]string{"/tenantId": "/tenantId", "/issuer": "/federatedTokenIssuer",
		"/subjects": "/subject", "/audience": "/audience"} {
		if pointer == member || strings.HasPrefix(pointer, member+"/") {
			return pointerCredentials + of, true
		}
	}
	return pointer, false
}

// admitNew refuses an id that an integration has.
func admitNew(there integration.Document) error {
	if there.ETag != "" && there.Status.Phase != integration.PhaseDeleted {
		return refuse(diagnosis.CodeIntegrationExists, diagnosis.WithDetail("The id %s is taken.", there.ID))
	}
	return nil
}

// notSeen is why an import is refused whose identity was not found: the client id of the file is at fault, or it could
// not be looked at.
func notSeen(checks []assessment.Check) error {
	for _, c := range checks {
		switch {
		case c.Status == diagnosis.OutcomeUnknown:
			return &diagnosis.Error{Diagnosis: c.Diagnosis()}
		case c.Status == diagnosis.OutcomeFail:
			remedy := ""
			if c.Remedy != nil {
				remedy = strings.Join(c.Remedy.Steps, " ")
			}
			return faultyFile([]diagnosis.Finding{{Pointer: pointerCredentials + "/clientId", Code: c.Code,
				Detail: c.Diagnosis().Detail, Expected: c.Expected, Actual: c.Actual, Remedy: remedy}})
		}
	}
	return refuse(diagnosis.CodeIdentityMissing)
}

// refuse makes the error of an import that is not carried out.
func refuse(code diagnosis.Code, opts ...diagnosis.Option) *diagnosis.Error {
	return &diagnosis.Error{Diagnosis: diagnosis.New(code, opts...)}
}
