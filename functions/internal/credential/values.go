package credential

import "strings"

// Values are what a file holds that others can be asked about.
type Values struct{ ClientID, TenantID, Issuer, Subject, Audience Value }

// Value is one value of a file that breaks no rule; a warning does not hinder.
type Value struct {
	// Text is the value, a GUID in lower case. It is empty where the value breaks a rule.
	Text string
	// Pointer is where in the file it is.
	Pointer string
	// BrokenBy is the check that did not let it pass.
	BrokenBy string
	// Written is what the file has, also where it breaks a rule of its member. It is empty where it is no text, is too
	// long, or may hold a secret.
	Written string
}

// values returns the sound values, given what stopped the aspects of a file.
func (s *subject) values(stopped map[string]string) Values {
	value := func(name string, write func(string) string) Value {
		v := Value{Pointer: s.pointer(name), BrokenBy: stopped["file."+name]}
		if v.BrokenBy == "" {
			v.BrokenBy = needsSound(name)(s)
		}
		if v.BrokenBy == "" {
			v.Text = write(s.value(name))
		}
		if given := s.given(name); v.BrokenBy == "" || strings.HasPrefix(v.BrokenBy, "file."+name+".") {
			v.Written = writtenIn(given)
		}
		return v
	}
	same := func(text string) string { return text }
	return Values{ClientID: value(memberClientID, strings.ToLower), TenantID: value(memberTenantID, strings.ToLower),
		Issuer: value(memberIssuer, same), Subject: value(memberSubject, same), Audience: value(memberAudience, same)}
}

// maxWritten is how long a value may be, in bytes: Entra takes 600 characters.
const maxWritten = 600

func writtenIn(given []member) string {
	if len(given) != 1 || given[0].shape != "string" || len(given[0].value) > maxWritten ||
		secretOf(given[0].value) != "" {
		return ""
	}
	if file, _ := fileIn(given[0].value); file != nil {
		return ""
	}
	return given[0].value
}
