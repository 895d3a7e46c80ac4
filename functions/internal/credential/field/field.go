// Package field holds the rules that the members of a credential file keep, as tables: one rule is one entry. The
// linter of the file and the validation of a spec check the same tables, so a value that one refuses the other refuses
// too. Title, cause, remedy and severity of a rule are those of its code in package diagnosis. It reads no file and
// calls no service. The limits are those of Entra's federated identity credentials.
package field

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// MaxLength is the most characters that Entra takes for issuer, subject and audience.
const MaxLength = 600

// Rule is one rule of one member.
type Rule struct {
	// Code names the rule; it never changes once released. Its entry in the catalogue has the words, and reports
	// whether breaking the rule is a fault or only worth a warning.
	Code diagnosis.Code
	// Expected tells what would be right.
	Expected string
	// Last means that the later rules of the table say nothing useful about a value that breaks this one.
	Last bool
	// IsRefused means that a spec does not take what breaks the rule, though it is only worth a warning in a file:
	// what
	// is kept has to be the value itself.
	IsRefused bool
	// Broken tells how the value breaks the rule; empty where it keeps it.
	Broken func(value string) string
	// At returns the index of the first faulty character, where there is one; nil where the rule is about the whole.
	At func(value string) int
	// IsHidden reports whether the value is not repeated to anybody; nil where the general test for secrets decides.
	IsHidden func(value string) bool
}

// Rules are the rules of one member, in the order in which they are checked.
type Rules []Rule

// Violation is one broken rule.
type Violation struct {
	Code             diagnosis.Code
	Detail, Expected string
	// Actual is the value as it may be repeated; empty where it may not.
	Actual string
	// At is the index of the first faulty character, or nil.
	At *int
	// Warning is true where the value works, but should be looked at.
	Warning bool
}

// Violations returns each rule that the value breaks, warnings included.
func (rules Rules) Violations(value string) []Violation {
	return rules.violations(value, true)
}

// Check returns a finding for each rule that makes the value unfit. pointer is the JSON pointer to the value.
func (rules Rules) Check(pointer, value string) []diagnosis.Finding {
	var findings []diagnosis.Finding
	for _, v := range rules.violations(value, false) {
		entry, _ := diagnosis.Lookup(v.Code) // a test holds every code against the catalogue
		findings = append(findings, diagnosis.Finding{Pointer: pointer, Code: v.Code, Detail: v.Detail,
			Expected: v.Expected,
			Actual:   v.Actual, Remedy: strings.Join(entry.Steps, " ")})
	}
	return findings
}

func (rules Rules) violations(value string, warnings bool) []Violation {
	var found []Violation
	hidden := false // what one rule hides, no later one shows
	for _, r := range rules {
		warning := r.isWarning()
		if warning && !warnings && !r.IsRefused {
			continue
		}
		detail := r.Broken(value)
		if detail == "" {
			continue
		}
		v := Violation{Code: r.Code, Detail: detail, Expected: r.Expected, Warning: warning}
		hidden = hidden || r.IsHidden != nil && r.IsHidden(value)
		if !hidden {
			v.Actual = Actual(value)
		}
		if r.At != nil {
			if at := r.At(value); at >= 0 {
				v.At = &at
			}
		}
		found = append(found, v)
		if r.Last {
			break
		}
	}
	return found
}

func (r Rule) isWarning() bool {
	entry, ok := diagnosis.Lookup(r.Code)
	return ok && entry.CheckStatus() == diagnosis.OutcomeWarn
}

// Actual returns the value as a finding may repeat it: printable, bounded, and empty where it looks like a secret.
func Actual(value string) string {
	if Secret(value) != "" {
		return ""
	}
	return redact.Printable(value)
}

// with returns the rules followed by more.
func (rules Rules) with(more ...Rule) Rules { return append(slices.Clone(rules), more...) }

func isAny(string) bool { return true }

// exact returns the rules that every compared string keeps. name is the member as a code prefix.
func exact(name string) Rules {
	return Rules{
		{Code: diagnosis.Code(name + "-required"), Last: true, Expected: "a value", Broken: isEmpty},
		{Code: diagnosis.Code(name + "-secret"), Last: true, IsHidden: isAny, Expected: "no secret", Broken: Secret},
		{Code: diagnosis.Code(name + "-encoding"), Last: true, IsHidden: isAny, Expected: "UTF-8", Broken: isNotUTF8},
		{Code: diagnosis.Code(name + "-blank-edge"), Last: true, Expected: "no blank at either end", Broken: blankEdge,
			At: blankAt},
		{Code: diagnosis.Code(name + "-invisible-character"), Last: true, Expected: "visible characters only",
			Broken: invisible, At: invisibleAt},
		{Code: diagnosis.Code(name + "-quoted"), Last: true, Expected: "no quotation marks around it", Broken: quoted},
		{Code: diagnosis.Code(name + "-copied"), Last: true, Expected: "the value alone", Broken: copied,
			At: copiedAt},
		{Code: diagnosis.Code(name + "-placeholder"), Last: true, Expected: "the real value, without brackets",
			Broken: placeholder},
	}
}

// text returns the rules of a compared string that Entra bounds.
func text(name string) Rules {
	return exact(name).with(tooLong(name, MaxLength))
}

// Printable returns the rules of a text that people read: visible, without secrets, at most limit characters. name is
// the member as a code prefix.
func Printable(name string, limit int) Rules {
	return Rules{
		{Code: diagnosis.Code(name + "-secret"), Last: true, IsHidden: isAny, Expected: "no secret", Broken: Secret},
		{Code: diagnosis.Code(name + "-encoding"), Last: true, IsHidden: isAny, Expected: "UTF-8", Broken: isNotUTF8},
		{Code: diagnosis.Code(name + "-blank-edge"), Last: true, Expected: "no blank at either end", Broken: blankEdge,
			At: blankAt},
		{Code: diagnosis.Code(name + "-control-character"), Last: true, Expected: "printable characters",
			Broken: control},
		tooLong(name, limit),
	}
}

func when(broken bool, detail string) string {
	if broken {
		return detail
	}
	return ""
}

func isEmpty(v string) string { return when(v == "", "The value is empty.") }

func isNotUTF8(v string) string { return when(!utf8.ValidString(v), "The value is not UTF-8.") }

// tooLong bounds a value in characters. What is longer is counted, not repeated: nobody reads it to find the fault.
func tooLong(name string, limit int) Rule {
	return Rule{Code: diagnosis.Code(name + "-too-long"), Last: true, IsHidden: isAny,
		Expected: fmt.Sprintf("at most %d characters", limit), Broken: func(v string) string {
			n := utf8.RuneCountInString(v)
			return when(n > limit, fmt.Sprintf("The value has %d characters.", n))
		}}
}
