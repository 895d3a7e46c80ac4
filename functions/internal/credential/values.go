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
		return v
	}
	same := func(text string) string { return text }
	return Values{ClientID: value(memberClientID, strings.ToLower), TenantID: value(memberTenantID, strings.ToLower),
		Issuer: value(memberIssuer, same), Subject: value(memberSubject, same), Audience: value(memberAudience, same)}
}
