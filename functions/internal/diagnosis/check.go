package diagnosis

import "strings"

// CheckOf is the check that ends with a diagnosis; its status is the one that the catalogue gives the code.
func CheckOf(id, layer string, d Diagnosis) Check {
	e, _ := Lookup(d.Code)
	return Check{ID: id, Layer: layer, Status: e.CheckStatus(), Code: d.Code, Title: d.Title, Detail: d.Detail,
		Transient: d.Transient, Remedy: d.Remedy, Evidence: d.Evidence}
}

// Diagnosis is what the check states, as the end of an operation.
func (c Check) Diagnosis() Diagnosis {
	detail := c.Detail
	if detail == "" {
		detail = c.Title
	}
	return Diagnosis{Type: TypeOf("", c.Code), Code: c.Code, Title: c.Title, Detail: detail, Transient: c.Transient,
		Remedy: c.Remedy, Evidence: c.Evidence}
}

// Skip is the check that was not made, because the check dependsOn failed.
func Skip(id, layer, title, dependsOn string) Check {
	return Check{ID: id, Layer: layer, Status: OutcomeSkip, Title: title, DependsOn: dependsOn}
}

// Summarise is the verdict over checks: fail before unknown before warn before pass. Skipped checks do not count;
// where nothing passed, nothing was proved, and the verdict is unknown.
func Summarise(checks []Check) Verdict {
	seen := map[Outcome]bool{}
	for _, c := range checks {
		seen[c.Status] = true
	}
	switch {
	case seen[OutcomeFail]:
		return VerdictFail
	case seen[OutcomeUnknown] || !seen[OutcomePass]:
		return VerdictUnknown
	case seen[OutcomeWarn]:
		return VerdictWarn
	default:
		return VerdictPass
	}
}

// Difference tells where and how two strings differ.
type Difference struct {
	// At is the index of the first differing character (rune) of the actual value, or nil where the two are equal.
	At *int
	// Class names a frequent kind of difference: ClassCase, ClassSlash or ClassBlank; else ClassOther, or empty if
	// equal.
	Class string
}

// The kinds of difference.
const (
	ClassCase  = "case"
	ClassSlash = "trailing-slash"
	ClassBlank = "blank"
	ClassOther = "other"
)

// Diff compares two strings as Entra does, byte for byte, and tells how they differ.
func Diff(expected, actual string) Difference {
	if expected == actual {
		return Difference{}
	}
	at, a, b := 0, []rune(expected), []rune(actual)
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	class := ClassOther
	switch {
	case strings.EqualFold(expected, actual):
		class = ClassCase
	case strings.TrimRight(expected, "/") == strings.TrimRight(actual, "/"):
		class = ClassSlash
	case strings.Join(strings.Fields(expected), "") == strings.Join(strings.Fields(actual), ""):
		class = ClassBlank
	}
	return Difference{At: &at, Class: class}
}
