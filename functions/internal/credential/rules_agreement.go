package credential

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// agreementRules are about the two ids together.
func agreementRules() []rule {
	return []rule{
		{id: "same", code: diagnosis.CodeClientIDIsTenantID, check: func(s *subject) []fault {
			id := s.value(memberClientID)
			return faultIf(strings.EqualFold(id, s.value(memberTenantID)), fault{pointer: s.pointer(memberClientID),
				actual: id})
		}},
	}
}

const ruleSwapped = "swapped"

// formClientRules and formTenantRules hold the file against what a person typed. Which of the two is right the file
// alone cannot tell.
func formClientRules() []rule {
	return []rule{
		{id: ruleSwapped, code: diagnosis.CodeFormIDsSwapped, check: func(s *subject) []fault {
			return faultIf(s.isSwapped(), fault{pointer: s.pointer(memberClientID),
				expected: field.ActualID(s.Form.ClientID), actual: field.ActualID(s.value(memberClientID))})
		}},
		{id: "mismatch", code: diagnosis.CodeFormClientIDMismatch, check: func(s *subject) []fault {
			if s.isSwapped() {
				return nil
			}
			return s.compare(memberClientID, memberTenantID, "The form's client id is the file's tenant id.")
		}},
	}
}

func formTenantRules() []rule {
	return []rule{{id: "mismatch", code: diagnosis.CodeFormTenantIDMismatch, check: func(s *subject) []fault {
		return s.compare(memberTenantID, memberClientID, "The form's tenant id is the file's client id.")
	}}}
}

// isSwapped reports whether what is one id in the form is the other in the file.
func (s *subject) isSwapped() bool {
	client, tenant := s.value(memberClientID), s.value(memberTenantID)
	return client != "" && tenant != "" && !strings.EqualFold(client, tenant) &&
		strings.EqualFold(s.Form.ClientID, tenant) && strings.EqualFold(s.Form.TenantID, client)
}

// compare holds a value of the file against the form's; crossed means that the form's is the file's other one.
func (s *subject) compare(name, other, crossed string) []fault {
	typed, inFile := s.typed(name), s.value(name)
	if strings.EqualFold(typed, inFile) {
		return nil
	}
	f := fault{pointer: s.pointer(name), expected: field.ActualID(typed), actual: field.ActualID(inFile)}
	if f.expected != "" && f.actual != "" {
		f.at = assessment.Diff(strings.ToLower(typed), strings.ToLower(inFile)).At
	}
	if strings.EqualFold(typed, s.value(other)) {
		f.detail = crossed
	}
	return []fault{f}
}

// platformIssuerRules and platformSubjectRules hold the file against the settings of this service. A file for another
// platform is not wrong, hence warnings.
func platformIssuerRules() []rule {
	return []rule{{id: "unexpected", code: diagnosis.CodeIssuerUnexpected, check: func(s *subject) []fault {
		issuer := s.value(memberIssuer)
		d := assessment.Diff(s.Linter.Issuer, issuer)
		if d.At == nil || field.OtherIssuer(issuer) != "" { // which is told as what it is
			return nil
		}
		f := fault{pointer: s.pointer(memberIssuer), expected: s.Linter.Issuer, actual: field.Actual(issuer), at: d.At}
		switch other := []rune(issuer); {
		case *d.At < len(other) && other[*d.At] > unicode.MaxASCII:
			f.detail = fmt.Sprintf("Character %d is %U, which may look like another.", *d.At+1, other[*d.At])
		case isSameDomain(s.Linter.Issuer, issuer):
			f.detail = "Both hosts are of one domain: the file may be for another environment of the platform."
		case d.Class == assessment.ClassSlash:
			f.detail = "The two differ by a slash at the end only; Entra takes them for different issuers."
		case d.Class == assessment.ClassCase:
			f.detail = "The two differ by case only; Entra takes them for different issuers."
		}
		return []fault{f}
	}}}
}

// isSameDomain reports whether two URLs have different hosts of one domain, as the environments of a platform have.
func isSameDomain(a, b string) bool {
	one, err := url.Parse(a)
	other, err2 := url.Parse(b)
	if err != nil || err2 != nil || strings.EqualFold(one.Hostname(), other.Hostname()) {
		return false
	}
	domain := func(u *url.URL) string {
		labels := strings.Split(strings.ToLower(u.Hostname()), ".")
		return strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	return domain(one) == domain(other)
}

func platformSubjectRules() []rule {
	return []rule{{id: "unexpected", code: diagnosis.CodeSubjectUnexpected, check: func(s *subject) []fault {
		subject := s.value(memberSubject)
		before, after, _ := strings.Cut(s.SubjectTemplate, "{service}")
		if strings.HasPrefix(subject, before) && strings.HasSuffix(subject, after) ||
			field.OtherSubject(subject) != "" {
			return nil
		}
		f := fault{pointer: s.pointer(memberSubject), expected: s.SubjectTemplate, actual: field.Actual(subject),
			at: assessment.Diff(before, subject).At}
		for _, other := range memberNames {
			if other != memberSubject && hasForm(other, subject) {
				f.detail = "The value has the form of " + other + "."
			}
		}
		return []fault{f}
	}}}
}

// pointer returns the JSON pointer to the member that stands for one of the file's.
func (r *reading) pointer(name string) string {
	if given := r.given(name); len(given) > 0 {
		return given[0].pointer
	}
	return r.base + "/" + name
}
