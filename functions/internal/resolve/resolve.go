// Package resolve completes a spec by the service's defaults, brings it into canonical form, and finds
// what breaks a rule.
package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The bounds of a spec.
const (
	// MaxSubjects is the most federated identity credentials that an application or a managed identity holds.
	MaxSubjects = 20
	// MaxStorage is the most storage entries of one integration.
	MaxStorage = 20

	maxDisplayName = 256
	minInterval    = 15 * time.Minute
	maxInterval    = 168 * time.Hour

	defaultInterval = "6h"
	servicePart     = "{service}"
)

// Defaults are what a spec leaves to the service.
type Defaults struct {
	// Issuer is the platform's issuer; empty means that each spec names its own.
	Issuer string
	// SubjectTemplate makes a subject of a service name; it holds {service}.
	SubjectTemplate string
	// Audience is the cloud's token-exchange audience.
	Audience string
	// IdentityKind is what identities are made of; an application where empty. IdentityGroup and Location are where
	// managed identities are made.
	IdentityKind  integration.IdentityKind
	IdentityGroup armid.ResourceGroup
	Location      string
	// OwnGroups are the service's own resource groups, in which no managed identity is made.
	OwnGroups []armid.ResourceGroup
	// TenantID returns the service's own tenant, the only one it can create objects in.
	TenantID func(ctx context.Context) (string, error)
	// TenantOf returns the GUID of the tenant that has a domain; where it is nil, or cannot tell, a domain is refused.
	TenantOf func(ctx context.Context, domain string) (string, error)
}

// Resolve returns the spec with every default filled in, in canonical form, and a finding for each member that breaks
// a rule, all at once. It touches nothing. The error means only that the service's own tenant could not be learnt.
func (d Defaults) Resolve(ctx context.Context, id string, s integration.Spec) (integration.Spec,
	[]diagnosis.Finding, error) {
	own, err := d.ownTenant(ctx)
	if err != nil {
		return integration.Spec{}, nil, fmt.Errorf("learn the service's own tenant: %w", err)
	}
	s = s.Clone()
	var findings []diagnosis.Finding
	if !integration.IsValidID(id) {
		findings = append(findings, diagnosis.Finding{Pointer: "/id", Code: diagnosis.CodeInvalidID,
			Actual: field.Actual(id),
			Detail: "The id is not valid.", Expected: "3 to 50 lower-case letters, digits and single hyphens " +
				"between them",
			Remedy: "Choose an id such as my-service."})
	}
	for _, part := range []func() []diagnosis.Finding{
		func() []diagnosis.Finding { return resolveDisplayName(id, &s) },
		func() []diagnosis.Finding { return d.resolveTenant(ctx, own, &s) },
		func() []diagnosis.Finding { return d.resolveIssuer(&s) },
		func() []diagnosis.Finding { return d.resolveSubjects(&s) },
		func() []diagnosis.Finding { return d.resolveAudience(&s) },
		func() (findings []diagnosis.Finding) {
			s.Identity, findings = d.ResolveIdentity(s.Identity)
			return findings
		},
		func() []diagnosis.Finding { return resolveStorage(s.Storage) },
		func() []diagnosis.Finding { return resolveDDOE(id, &s) },
		func() []diagnosis.Finding { return resolveHealthCheck(&s) },
		func() []diagnosis.Finding { return judgeTags(s.Tags) },
	} {
		findings = append(findings, part()...)
	}
	return s, findings, nil
}

func (d Defaults) ownTenant(ctx context.Context) (string, error) {
	if d.TenantID == nil {
		return "", nil
	}
	tenant, err := d.TenantID(ctx)
	return strings.ToLower(tenant), err
}

// IsDisplayName reports whether a spec may have the name.
func IsDisplayName(name string) bool { return len(displayNameRules().Check("/displayName", name)) == 0 }

func resolveDisplayName(id string, s *integration.Spec) []diagnosis.Finding {
	if s.DisplayName == "" {
		s.DisplayName = "DDOE WIF " + id
		return nil
	}
	return displayNameRules().Check("/displayName", s.DisplayName)
}

func displayNameRules() field.Rules {
	return field.Printable("display-name", maxDisplayName)
}

// resolveTenant takes a tenant by a domain, too, as Entra does and as a credential file may have it: what is kept is
// its GUID, since a domain can move.
func (d Defaults) resolveTenant(ctx context.Context, own string, s *integration.Spec) []diagnosis.Finding {
	if s.TenantID == "" && own != "" {
		s.TenantID = own
		return nil
	}
	if d.TenantOf != nil && field.IsDomain(s.TenantID) {
		if id, err := d.TenantOf(ctx, s.TenantID); err == nil && field.IsGUID(id) {
			s.TenantID = id
		}
	}
	findings := field.TenantID().Check("/tenantId", s.TenantID)
	if len(findings) > 0 {
		return findings
	}
	s.TenantID = strings.ToLower(s.TenantID)
	if own != "" && s.TenantID != own {
		return []diagnosis.Finding{{Pointer: "/tenantId", Code: diagnosis.CodeTenantNotServed,
			Detail:   "The service works in its own tenant only.",
			Expected: own, Actual: s.TenantID, Remedy: "Leave tenantId out, or use a deployment in that tenant."}}
	}
	return nil
}

func (d Defaults) resolveIssuer(s *integration.Spec) []diagnosis.Finding {
	if s.Issuer == "" {
		s.Issuer = d.Issuer
	}
	return field.Issuer().Check("/issuer", s.Issuer)
}

func (d Defaults) resolveAudience(s *integration.Spec) []diagnosis.Finding {
	if s.Audience == "" {
		s.Audience = d.Audience
	}
	return field.Audience(d.Audience).Check("/audience", s.Audience)
}

// resolveSubjects checks each subject and puts the service name's subject before them: the first one is whom the
// credential file is for, and whom access is tested as. The service name goes away, so that a resolved spec resolves
// to itself.
func (d Defaults) resolveSubjects(s *integration.Spec) []diagnosis.Finding {
	var findings []diagnosis.Finding
	for i, subject := range s.Subjects {
		findings = append(findings, field.Subject().Check(fmt.Sprintf("/subjects/%d", i), subject)...)
	}
	repeated := duplicates(s.Subjects, func(subject string) string { return subject },
		func(i int) string { return fmt.Sprintf("/subjects/%d", i) },
		diagnosis.Finding{Code: diagnosis.CodeDuplicateSubject, Detail: "The subject is given twice.",
			Remedy: "Remove the repetition."})
	if s.ServiceName != "" {
		subject, faults := d.subjectOf(s.ServiceName)
		findings = append(findings, faults...)
		if len(faults) == 0 {
			// Naming a service and spelling its subject out is the same intent twice, not a fault.
			others := slices.DeleteFunc(s.Subjects, func(given string) bool { return given == subject })
			s.Subjects, s.ServiceName = append([]string{subject}, others...), ""
		}
	}
	findings = append(findings, repeated...)
	if len(s.Subjects) > MaxSubjects {
		findings = append(findings, diagnosis.Finding{Pointer: "/subjects", Code: diagnosis.CodeTooManySubjects,
			Detail:   "An identity holds at most 20 federated identity credentials.",
			Expected: fmt.Sprintf("at most %d", MaxSubjects), Actual: fmt.Sprint(len(s.Subjects)),
			Remedy: "Spread the subjects over several integrations."})
	}
	if len(s.Subjects) == 0 && s.ServiceName == "" {
		findings = append(findings, diagnosis.Finding{Pointer: "/subjects", Code: diagnosis.CodeMissingSubject,
			Detail:   "Neither subjects nor serviceName is given.",
			Expected: "1 to 20 subjects, or serviceName", Remedy: "Give the claim sub of the platform's tokens."})
	}
	return findings
}

func (d Defaults) subjectOf(service string) (string, []diagnosis.Finding) {
	fault := func(code diagnosis.Code, detail, expected, remedy string) []diagnosis.Finding {
		return []diagnosis.Finding{{Pointer: "/serviceName", Code: code, Detail: detail, Expected: expected,
			Actual: field.Actual(service), Remedy: remedy}}
	}
	if !strings.Contains(d.SubjectTemplate, servicePart) {
		return "", fault(diagnosis.CodeServiceNameWithoutTemplate, "The service has no subject template.", "subjects",
			"Give the whole subject in subjects.")
	}
	if !field.IsDNSName(service) {
		return "", fault(diagnosis.CodeInvalidServiceName, "The service name is not a lower-case DNS name.",
			"a DNS-1123 name such as my-service",
			"Give the service's name as the platform shows it, or the whole subject in subjects.")
	}
	subject := strings.ReplaceAll(d.SubjectTemplate, servicePart, service)
	return subject, field.Subject().Check("/serviceName", subject)
}

// duplicates returns the finding for each item whose key came before, with pointer and the first one's pointer filled
// in.
func duplicates[T any](items []T, key func(T) string, pointer func(int) string,
	f diagnosis.Finding) []diagnosis.Finding {
	var findings []diagnosis.Finding
	first := map[string]int{}
	for i, item := range items {
		k := key(item)
		if at, seen := first[k]; seen {
			f.Pointer, f.Expected = pointer(i), "different from "+pointer(at)
			findings = append(findings, f)
			continue
		}
		first[k] = i
	}
	return findings
}

func resolveHealthCheck(s *integration.Spec) []diagnosis.Finding {
	if s.HealthCheck == nil {
		s.HealthCheck = &integration.HealthCheck{}
	}
	if s.HealthCheck.Enabled == nil {
		enabled := true
		s.HealthCheck.Enabled = &enabled
	}
	if s.HealthCheck.Interval == "" {
		s.HealthCheck.Interval = defaultInterval
	}
	interval, err := time.ParseDuration(s.HealthCheck.Interval)
	if err == nil && interval >= minInterval && interval <= maxInterval {
		return nil
	}
	return []diagnosis.Finding{{Pointer: "/healthCheck/interval", Code: diagnosis.CodeInvalidInterval,
		Detail:   "The interval is not a duration from 15m to 168h.",
		Expected: "15m to 168h", Actual: field.Actual(s.HealthCheck.Interval), Remedy: "Give a duration such as 6h."}}
}
