package assessment

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// CheckOf is the check that ends with a diagnosis; its status is the one that the catalogue gives the code.
func CheckOf(id, layer string, d diagnosis.Diagnosis) Check {
	e, _ := diagnosis.Lookup(d.Code)
	return Check{ID: id, Layer: layer, Status: e.CheckStatus(), Code: d.Code, Title: d.Title, Detail: d.Detail,
		Transient: d.Transient, Remedy: d.Remedy, Evidence: d.Evidence}
}

// Diagnosis is what the check states, as the end of an operation.
func (c Check) Diagnosis() diagnosis.Diagnosis {
	return diagnosis.Diagnosis{Type: diagnosis.TypeOf("", c.Code), Layer: c.Layer, Code: c.Code, Title: c.Title,
		Detail: cmp.Or(c.Detail, c.Title), Transient: c.Transient, Remedy: c.Remedy, Evidence: c.Evidence}
}

// IsSame reports whether two checks are the same one, about the same target.
func (c Check) IsSame(other Check) bool { return c.ID == other.ID && c.Target == other.Target }

// Pair is what a comparison has compared.
type Pair struct {
	// Expected is what should be. Actual is what a service has, or a file that is judged; Presented is what the token
	// holds.
	Expected, Actual, Presented string
	// IsDescribed states that Expected describes a value, such as a bound: no character tells where another differs.
	IsDescribed bool
}

// Compared is the check with what was compared, fit for display. A check that did not pass shows one value beside the
// expected one, that which differs: what is there before what was presented. Where none does, nothing compared here is
// the cause, and Expected stands alone.
func (c Check) Compared(p Pair) Check {
	c.Expected, c.Actual, c.Presented = redact.Printable(p.Expected), redact.Printable(p.Actual),
		redact.Printable(p.Presented)
	if c.Status == diagnosis.OutcomePass {
		return c
	}
	if c.Actual == c.Expected {
		c.Actual = ""
	}
	if c.Actual != "" || c.Presented == c.Expected {
		c.Presented = ""
	}
	if found := c.Actual + c.Presented; found != "" && c.Expected != "" && !p.IsDescribed {
		c.DiffAt = Diff(c.Expected, found).At
	}
	return c
}

// Skip is the check that was not made, because the check dependsOn failed.
func Skip(id, layer, title, dependsOn string) Check {
	return Check{ID: id, Layer: layer, Status: diagnosis.OutcomeSkip, Title: title, DependsOn: dependsOn}
}

// Summarise is the verdict over checks: fail before unknown before warn before pass. Skipped checks do not count;
// where nothing passed, nothing was proved, and the verdict is unknown.
func Summarise(checks []Check) Verdict {
	seen := map[diagnosis.Outcome]bool{}
	for _, c := range checks {
		seen[c.Status] = true
	}
	switch {
	case seen[diagnosis.OutcomeFail]:
		return VerdictFail
	case seen[diagnosis.OutcomeUnknown] || !seen[diagnosis.OutcomePass]:
		return VerdictUnknown
	case seen[diagnosis.OutcomeWarn]:
		return VerdictWarn
	default:
		return VerdictPass
	}
}

// Difference tells where and how two strings differ.
type Difference struct {
	// At is the index of the first differing character (rune) of the actual value, or nil where the two are equal.
	At *int
	// Class names a frequent kind of difference; ClassOther where it is none of them, empty if equal.
	Class string
}

// The kinds of difference.
const (
	ClassCase  = "case"
	ClassSlash = "trailing-slash"
	ClassBlank = "blank"
	// ClassNamespace is that of two Kubernetes subjects of one name in two namespaces, ClassLookAlike that of
	// characters of other scripts which look like Latin ones.
	ClassNamespace = "namespace"
	ClassLookAlike = "look-alike"
	ClassOther     = "other"
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
	case latin(expected) == latin(actual):
		class = ClassLookAlike
	case isOtherNamespace(expected, actual):
		class = ClassNamespace
	}
	return Difference{At: &at, Class: class}
}

// lookAlikes are letters of other scripts, and dashes, with the ASCII character that each looks like. Source: Unicode
// Technical Standard 39, confusables, as far as lower-case names of services are about.
const (
	lookAlikes = "аеорсухіјѕԁһӏοαυνⅼ‐‑‒–—−"
	likeThese  = "aeopcyxijsdhloauvl------"
)

// latin is a text with the characters that look like ASCII ones replaced by those.
func latin(text string) string {
	like := []rune(likeThese)
	others := []rune(lookAlikes)
	return strings.Map(func(r rune) rune {
		if i := slices.Index(others, r); i >= 0 {
			return like[i]
		}
		return r
	}, text)
}

// isOtherNamespace reports whether two subjects of Kubernetes service accounts differ by their namespace alone.
func isOtherNamespace(a, b string) bool {
	x, y := strings.Split(a, ":"), strings.Split(b, ":")
	return len(x) == 4 && len(y) == 4 && strings.HasPrefix(a, "system:serviceaccount:") &&
		x[0] == y[0] && x[1] == y[1] && x[3] == y[3]
}
