package credential

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// agreementRules are about the two ids together.
func agreementRules() []rule {
	return []rule{
		{id: "same", code: "client-id-is-tenant-id", check: func(s *subject) []fault {
			id := s.value(memberClientID)
			return faultIf(strings.EqualFold(id, s.value(memberTenantID)), fault{pointer: s.pointer(memberClientID), actual: id})
		}},
	}
}

// formClientRules and formTenantRules hold the file against what a person typed. Which of the two is right the file
// alone cannot tell.
func formClientRules() []rule {
	return []rule{{id: "mismatch", code: "form-client-id-mismatch", check: func(s *subject) []fault {
		return s.compare(memberClientID, s.Form.ClientID, s.value(memberTenantID))
	}}}
}

func formTenantRules() []rule {
	return []rule{{id: "mismatch", code: "form-tenant-id-mismatch", check: func(s *subject) []fault {
		return s.compare(memberTenantID, s.Form.TenantID, s.value(memberClientID))
	}}}
}

// compare holds a value of the file against the form's; other is the file's value of the other member.
func (s *subject) compare(name, typed, other string) []fault {
	inFile := s.value(name)
	if strings.EqualFold(typed, inFile) {
		return nil
	}
	f := fault{pointer: s.pointer(name), expected: field.ActualID(typed), actual: field.ActualID(inFile)}
	if f.expected != "" && f.actual != "" {
		f.at = diagnosis.Diff(strings.ToLower(typed), strings.ToLower(inFile)).At
	}
	switch {
	case strings.EqualFold(strings.TrimSpace(typed), inFile):
		f.detail = "The form's value has a blank at one end; else the two are equal."
	case strings.EqualFold(typed, other):
		f.detail = "Client id and tenant id are exchanged, in the form or in the file."
	}
	return []fault{f}
}

// platformIssuerRules and platformSubjectRules hold the file against the settings of this service. A file for another
// platform is not wrong, hence warnings.
func platformIssuerRules() []rule {
	return []rule{{id: "unexpected", code: "issuer-unexpected", check: func(s *subject) []fault {
		issuer := s.value(memberIssuer)
		d := diagnosis.Diff(s.Linter.Issuer, issuer)
		if d.At == nil {
			return nil
		}
		f := fault{pointer: s.pointer(memberIssuer), expected: s.Linter.Issuer, actual: field.Actual(issuer), at: d.At}
		switch d.Class {
		case diagnosis.ClassSlash:
			f.detail = "The two differ by a slash at the end only; Entra takes them for different issuers."
		case diagnosis.ClassCase:
			f.detail = "The two differ by case only; Entra takes them for different issuers."
		}
		return []fault{f}
	}}}
}

func platformSubjectRules() []rule {
	return []rule{{id: "unexpected", code: "subject-unexpected", check: func(s *subject) []fault {
		subject := s.value(memberSubject)
		before, after, _ := strings.Cut(s.SubjectTemplate, "{service}")
		if strings.HasPrefix(subject, before) && strings.HasSuffix(subject, after) {
			return nil
		}
		return []fault{{pointer: s.pointer(memberSubject), expected: s.SubjectTemplate, actual: field.Actual(subject), at: diagnosis.Diff(before, subject).At}}
	}}}
}

// pointer returns the JSON pointer to the member that stands for one of the file's.
func (r *reading) pointer(name string) string {
	if given := r.given(name); len(given) > 0 {
		return given[0].pointer
	}
	return r.base + "/" + name
}
