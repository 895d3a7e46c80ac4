package credential

import (
	"slices"
	"sync"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// The aspects that others need.
const (
	aspectBytes      = "file.bytes"
	aspectJSON       = "file.json"
	aspectFormClient = "file.form.clientId"
)

// aspects are all aspects of a file, in the order of the report: what a later one needs comes first.
func aspects() []aspect {
	all := []aspect{
		{id: aspectBytes, title: "UTF-8 text", rules: byteRules()},
		{id: aspectJSON, title: "One JSON object", needs: aspectBytes, rules: jsonRules()},
		{id: "file.secrets", title: "No secret in the file", needs: aspectBytes, tellsAnyway: true,
			rules: secretRules()},
		{id: "file.members", title: "Exactly the five members", needs: aspectJSON, rules: memberRules()},
	}
	for _, v := range values() {
		all = append(all, v.aspect())
	}
	return append(all,
		aspect{id: "file.ids", title: "clientId and tenantId differ", needs: aspectJSON, rules: agreementRules(),
			blocked: needsSound(memberClientID, memberTenantID)},
		typed(memberClientID),
		typed(memberTenantID),
		aspect{id: aspectFormClient, title: "Form and file name the same client", field: "/clientId",
			needs: aspectJSON, rules: formClientRules(),
			isApplicable: func(s *subject) bool { return s.Form.ClientID != "" },
			blocked:      needsComparable(memberClientID)},
		aspect{id: "file.form.tenantId", title: "Form and file name the same tenant", field: "/tenantId",
			needs: aspectJSON, rules: formTenantRules(),
			isApplicable: func(s *subject) bool { return s.Form.TenantID != "" }, blocked: func(s *subject) string {
				if s.isSwapped() {
					return aspectFormClient + "." + ruleSwapped
				}
				return needsComparable(memberTenantID)(s)
			}},
		aspect{id: "file.platform.issuer", title: "The issuer is this platform's", field: "/federatedTokenIssuer",
			needs: aspectJSON, rules: platformIssuerRules(),
			isApplicable: func(s *subject) bool { return s.Linter.Issuer != "" }, blocked: needsSound(memberIssuer)},
		aspect{id: "file.platform.subject", title: "The subject has this platform's form", field: "/subject",
			needs: aspectJSON, rules: platformSubjectRules(),
			isApplicable: func(s *subject) bool { return s.SubjectTemplate != "" },
			blocked:      needsSound(memberSubject)},
	)
}

// value is one member's table, which a spec is held against too.
type value struct {
	name, title string
	// prefix is the one that the table's codes have.
	prefix string
	table  func(*subject) field.Rules
}

// values are built once, at first use.
var values = sync.OnceValue(func() []value {
	fixed := func(rules field.Rules) func(*subject) field.Rules { return func(*subject) field.Rules { return rules } }
	return []value{
		{memberClientID, "clientId is the GUID of an application or managed identity", "client-id",
			fixed(field.ClientID())},
		{memberTenantID, "tenantId is a tenant's GUID", "tenant-id", fixed(field.TenantID())},
		{memberIssuer, "federatedTokenIssuer is an https URL", "issuer", fixed(field.Issuer())},
		{memberSubject, "subject is one exact name", "subject", fixed(field.Subject())},
		{memberAudience, "audience is a token-exchange audience", "audience", func(s *subject) field.Rules {
			return field.Audience(s.Linter.Audience)
		}},
	}
})

// valueOf is the table of one of values.
func valueOf(name string) value {
	all := values()
	return all[slices.IndexFunc(all, func(v value) bool { return v.name == name })]
}

// typed is the aspect of what a person typed for a member: it is held against the table of the member.
func typed(name string) aspect {
	v := valueOf(name)
	return aspect{
		id: "form." + name, title: "In the form, " + v.title, field: formPointer + name,
		isApplicable: func(s *subject) bool { return s.typed(name) != "" },
		rules: []rule{{id: "table", check: func(s *subject) []fault {
			return v.faults(s, member{pointer: formPointer + name, value: s.typed(name)})
		}}},
	}
}

// formPointer is before the name of a part of the form; a pointer without it is into the file.
const formPointer = "/form/"

func (v value) aspect() aspect {
	return aspect{
		id: "file." + v.name, title: v.title, field: "/" + v.name, needs: aspectJSON,
		blocked: func(s *subject) string {
			given := s.given(v.name)
			switch {
			case len(given) == 0:
				return checkMissing
			case secretOf(given[0].value) != "":
				return checkSecret
			default:
				return s.exchangedBy(v.name)
			}
		},
		rules: []rule{
			{id: "not-string", code: diagnosis.CodeFileValueNotString, check: func(s *subject) []fault {
				return notStrings(s.given(v.name))
			}},
			{id: "table", check: func(s *subject) []fault {
				var faults []fault
				for _, m := range s.given(v.name) {
					if m.shape == "string" {
						faults = append(faults, v.faults(s, m)...)
					}
				}
				return faults
			}},
		},
	}
}

// faults are the rules of the table that a member breaks. Their ids are the codes without the prefix. No table has
// more to tell of a value that is a whole file.
func (v value) faults(s *subject, m member) []fault {
	if file, layer := fileIn(m.value); file != nil {
		return []fault{{code: diagnosis.CodeFileWrapped, id: ruleWrapped, pointer: m.pointer, actual: layer,
			detail:   "The value of " + v.name + " is a whole credential file, in " + layer + ".",
			expected: "the " + v.name + " of that file, or that file by itself"}}
	}
	var faults []fault
	for _, b := range s.violations(v, m.value) {
		faults = append(faults, fault{code: b.Code, id: string(b.Code[len(v.prefix)+1:]), pointer: m.pointer,
			detail: b.Detail, expected: b.Expected, actual: b.Actual, at: b.At})
	}
	return faults
}

// ruleWrapped is the id of the rule that a value is no whole file.
const ruleWrapped = "wrapped"

// The checks that others depend on.
const (
	checkMissing = "file.members.missing"
	checkSecret  = "file.secrets.value"
)

// needsString blocks an aspect while a member is no string.
func needsString(name string) func(*subject) string {
	return func(s *subject) string {
		switch given := s.given(name); {
		case len(given) == 0:
			return checkMissing
		case given[0].shape != "string":
			return "file." + name + ".not-string"
		default:
			return ""
		}
	}
}

// needsSound blocks an aspect while one of the members breaks a rule of its own.
func needsSound(names ...string) func(*subject) string {
	return func(s *subject) string {
		for _, v := range values() {
			if !slices.Contains(names, v.name) {
				continue
			}
			if by := needsString(v.name)(s); by != "" {
				return by
			}
			m := s.given(v.name)[0]
			if secretOf(m.value) != "" {
				return checkSecret
			}
			if by := s.exchangedBy(v.name); by != "" {
				return by
			}
			if file, _ := fileIn(m.value); file != nil {
				return "file." + v.name + "." + ruleWrapped
			}
			for _, b := range s.violations(v, m.value) {
				if !b.Warning {
					return "file." + v.name + "." + string(b.Code[len(v.prefix)+1:])
				}
			}
		}
		return ""
	}
}

// needsComparable blocks a comparison of form and file while one of the two is unfit by itself, or a domain is to be
// held against a GUID: whether they name the same tenant, the directory alone could tell.
func needsComparable(name string) func(*subject) string {
	return func(s *subject) string {
		v, form, file := valueOf(name), s.typed(name), s.value(name)
		for _, b := range s.violations(v, form) {
			if !b.Warning {
				return "form." + name + "." + string(b.Code[len(v.prefix)+1:])
			}
		}
		if by := needsSound(name)(s); by != "" {
			return by
		}
		switch formGUID, fileGUID := field.IsGUID(form), field.IsGUID(file); {
		case !formGUID && fileGUID:
			return "form." + name + ".domain"
		case formGUID && !fileGUID:
			return "file." + name + ".domain"
		default:
			return ""
		}
	}
}

// notStrings finds values of another type.
func notStrings(members []member) []fault {
	var faults []fault
	for _, m := range members {
		detail := ""
		switch m.shape {
		case "string":
			continue
		case "null":
			detail = "The value is null."
		case "array":
			detail = "The value is a list; the federated identity credential has a list of audiences, the " +
				"file one string."
			if m.stands != memberAudience {
				detail = "The value is a list."
			}
		}
		faults = append(faults, fault{pointer: m.pointer, detail: detail, expected: "a string", actual: m.shape})
	}
	return faults
}

// given returns the members that stand for one of the file's.
func (r *reading) given(name string) []member {
	var found []member
	for _, m := range r.members {
		if m.stands == name {
			found = append(found, m)
		}
	}
	return found
}
