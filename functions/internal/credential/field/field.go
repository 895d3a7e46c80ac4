// Package field holds the rules that the members of a credential file keep, as tables: one rule is one entry. The
// linter of the file and the validation of a spec check the same tables, so a value that one accepts the other accepts
// too. It reads no file and calls no service. The limits are those of Entra's federated identity credentials.
package field

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// MaxLength is the most characters that Entra takes for issuer, subject and audience.
const MaxLength = 600

// Rule is one rule of one member.
type Rule struct {
	// Code names the rule; it never changes once released.
	Code string
	// Expected says what would be right.
	Expected string
	// Remedy says what to do about it.
	Remedy string
	// Last means that the later rules of the table say nothing useful about a value that breaks this one.
	Last bool
	// Secret means that the value is not to be repeated to anybody.
	Secret bool
	// Broken says how the value breaks the rule; empty where it keeps it.
	Broken func(value string) string
}

// Rules are the rules of one member, in the order in which they are checked.
type Rules []Rule

// Check returns a finding for each rule that the value breaks. pointer is the JSON pointer to the value.
func (rules Rules) Check(pointer, value string) []diagnosis.Finding {
	var findings []diagnosis.Finding
	for _, r := range rules {
		detail := r.Broken(value)
		if detail == "" {
			continue
		}
		f := diagnosis.Finding{Pointer: pointer, Code: r.Code, Detail: detail, Expected: r.Expected, Remedy: r.Remedy}
		if !r.Secret {
			f.Actual = Actual(value)
		}
		findings = append(findings, f)
		if r.Last {
			break
		}
	}
	return findings
}

// Actual returns the value as a finding may repeat it: printable, bounded, and empty where it looks like a secret.
func Actual(value string) string {
	if looksSecret(value) != "" {
		return ""
	}
	return diagnosis.Printable(value)
}

// with returns the rules followed by more.
func (rules Rules) with(more ...Rule) Rules { return append(slices.Clone(rules), more...) }

// text returns the rules that every compared string keeps. name is the member as a code prefix.
func text(name string) Rules {
	return Rules{
		{Code: name + "-required", Last: true, Expected: "a value", Remedy: "Give the value.", Broken: isEmpty},
		{Code: name + "-secret", Last: true, Secret: true, Expected: "no secret",
			Remedy: "Remove it and rotate that secret: keyless access needs none.", Broken: looksSecret},
		{Code: name + "-encoding", Last: true, Secret: true, Expected: "UTF-8", Remedy: "Send the value as UTF-8.", Broken: isNotUTF8},
		{Code: name + "-blank-edge", Expected: "no blank at either end", Last: true,
			Remedy: "Remove it: Entra compares every character.", Broken: blankEdge},
		{Code: name + "-invisible-character", Expected: "visible characters only", Last: true,
			Remedy: "Type the value anew instead of pasting it: Entra compares every character.", Broken: invisible},
		{Code: name + "-placeholder", Expected: "the real value", Last: true,
			Remedy: "Replace the placeholder, brackets included.", Broken: placeholder},
		{Code: name + "-too-long", Expected: fmt.Sprintf("at most %d characters", MaxLength), Last: true,
			Remedy: "Shorten the value.", Broken: tooLong(MaxLength)},
	}
}

func isEmpty(v string) string {
	if v == "" {
		return "The value is empty."
	}
	return ""
}

func isNotUTF8(v string) string {
	if !utf8.ValidString(v) {
		return "The value is not UTF-8."
	}
	return ""
}

func tooLong(limit int) func(string) string {
	return func(v string) string {
		if n := utf8.RuneCountInString(v); n > limit {
			return fmt.Sprintf("The value has %d characters.", n)
		}
		return ""
	}
}

func blankEdge(v string) string {
	first, _ := utf8.DecodeRuneInString(v)
	last, _ := utf8.DecodeLastRuneInString(v)
	switch {
	case unicode.IsSpace(first):
		return fmt.Sprintf("The value begins with a blank, %U.", first)
	case unicode.IsSpace(last):
		return fmt.Sprintf("The value ends with a blank, %U.", last)
	default:
		return ""
	}
}

// invisible finds what a person does not see but Entra compares: control and format characters, and blanks that are
// not the plain one. Typographic quotes are seen, but are never meant.
func invisible(v string) string {
	for i, r := range []rune(v) {
		switch {
		case r == ' ':
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.IsSpace(r), r == unicode.ReplacementChar:
			return fmt.Sprintf("Character %d is %U, which cannot be seen.", i, r)
		case slices.Contains([]rune("“”‘’„«»"), r):
			return fmt.Sprintf("Character %d is %U, a typographic quotation mark.", i, r)
		}
	}
	return ""
}

// Printable returns the rules of a text that people read: visible, without secrets, at most limit characters. name is
// the member as a code prefix.
func Printable(name string, limit int) Rules {
	return Rules{
		{Code: name + "-secret", Last: true, Secret: true, Expected: "no secret",
			Remedy: "Remove it and rotate that secret: keyless access needs none.", Broken: looksSecret},
		{Code: name + "-encoding", Last: true, Secret: true, Expected: "UTF-8", Remedy: "Send the value as UTF-8.", Broken: isNotUTF8},
		{Code: name + "-blank-edge", Last: true, Expected: "no blank at either end", Remedy: "Remove the blank.", Broken: blankEdge},
		{Code: name + "-control-character", Last: true, Expected: "printable characters", Remedy: "Remove the character.", Broken: control},
		{Code: name + "-too-long", Expected: fmt.Sprintf("at most %d characters", limit), Last: true, Remedy: "Shorten the value.", Broken: tooLong(limit)},
	}
}

func control(v string) string {
	for i, r := range []rune(v) {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return fmt.Sprintf("Character %d is %U, which cannot be printed.", i, r)
		}
	}
	return ""
}
