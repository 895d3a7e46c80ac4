package field

import (
	"regexp"
	"unicode/utf8"
)

// remnant is what is copied along with a value, by its shape.
type remnant struct {
	shape *regexp.Regexp
	what  string
}

// remnants are what people have pasted into fields that hold one value, as public reports show it: the label and the
// tooltip of the portal, the numbers of an editor's lines, the JSON or the assignment that the value stood in.
var remnants = []remnant{
	{regexp.MustCompile(`(?i)(?:\s+(?:copy|copied)|\s*cop(?:y|ied) to clipboard)[!.]?$`),
		"The tooltip of a copy button follows the value."},
	{regexp.MustCompile(`(?i)[0-9a-f]{12}((?:copy|copied)[!.]?)$`), "The tooltip of a copy button follows the value."},
	{regexp.MustCompile(`(?i)^cop(?:y|ied)(?: to clipboard)?[!.:]?\s*(?:[0-9a-f]{8}-|https?://|api://|system:)`),
		"The tooltip of a copy button stands before the value."},
	{regexp.MustCompile(`^\{?\s*["'][A-Za-z][A-Za-z0-9_ ()-]*["']\s*:`),
		"The value holds JSON of a member: name and value."},
	{regexp.MustCompile(`["']\s*,\s*["'][A-Za-z]`), "The value goes on with JSON of the next member."},
	{regexp.MustCompile(`^\{\s*"`), "The value holds a JSON object."},
	{regexp.MustCompile(`",?\s*\}?\s*$`), "A quotation mark of JSON follows the value."},
	{regexp.MustCompile(`(?i)^(?:` + labelled + `(?: ?id| identifier| url)?|entity type|value)\s*:\s`),
		"A label of the portal stands before the value."},
	{regexp.MustCompile(`(?i)^` + labelled + ` ?id\s+\S`), "A label of the portal stands before the value."},
	{regexp.MustCompile(`(?i)^(?:(?:export|set|setx|env|const|let|var)\s+|\$env:|--?)?(?:[a-z]+[_.-])*` + memberName +
		`\s*(?:=>|:?=|:\s)\s*\S`), "The value holds an assignment: name and value."},
	{regexp.MustCompile(`^(?:(?:export|set|\$env:)\s*)?[A-Z][A-Z0-9_]+\s*=`),
		"The value holds an assignment: name and value."},
	{regexp.MustCompile(`(?i)^--[a-z]+(?:-[a-z]+)*[ =]\S`), "The value holds an option of a command."},
	{regexp.MustCompile(`^\d{1,4}[ \t]*[.:|)│]?\s+\S`), "A line number stands before the value."},
}

const (
	// labelled is what the portal calls a value.
	labelled = `(?:application|directory|object|client|tenant|subject|issuer|audience)(?: \([a-z]+\))?`
	// memberName is what a member is called in files and commands.
	memberName = `(?:(?:client|app|application|tenant|directory)[_-]?(?:id)?|issuer|iss|subject|sub|audience|aud|` +
		`federated[_-]?token[_-]?issuer)`
)

// copied tells what was copied along with a value.
func copied(v string) string {
	for _, r := range remnants {
		if r.shape.MatchString(v) {
			return r.what
		}
	}
	return ""
}

func copiedAt(v string) int {
	for _, r := range remnants {
		if at := r.shape.FindStringSubmatchIndex(v); at != nil { // of the part that is in parentheses, or of all
			return utf8.RuneCountInString(v[:at[len(at)-2]])
		}
	}
	return -1
}
