package credential

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

const (
	// mark is a quotation mark, as keyboards, word processors, programs, web pages and URLs write it.
	mark = "(?:\\\\?[\"'`]|[“”„‟«»‘’‚‛‹›]|&quot;|&#3[49];|%22|%27)"
	// named is the name of something; of what is named with blanks, the last word.
	named = `([A-Za-z][A-Za-z0-9_.-]*(?: [Vv]alue)?)`
	// begun is how a value begins that is not empty.
	begun = "(?:[^\\s\"'`“”„‟«»‘’‚‛‹›,}<&]|&[^q#])"
)

// assignedNames find what looks like a name with a value in a text that is not JSON: an assignment, an element, an
// option of a command. A text without any of the signs has none; to look for them is quick.
var assignedNames = []struct {
	shape *regexp.Regexp
	signs string
}{
	{regexp.MustCompile(named + mark + `?[ \t]*(?:[:=]>?|%3[AaDd])[ \t]*` + mark + `?` + begun), ":=%"},
	{regexp.MustCompile(`<` + named + `(?:[ \t][^<>]*)?>\s*[^<>\s]`), "<"},
	{regexp.MustCompile(`--` + named + `[ \t]+` + mark + `?[^-\s]`), "-"},
}

// inText finds secrets in what could not be read as members, line by line; it begins in the given line. What cannot be
// seen hides none, nor does a line break.
func inText(text string, line int) []fault {
	text = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, text)
	var faults []fault
	hasShape := false
	for one := range strings.SplitSeq(text, "\n") {
		found := inLine(one, line)
		hasShape = hasShape || len(found) > 0 && found[0].id != ""
		faults = append(faults, found...)
		line++
	}
	if what := field.Secret(text); what != "" && !hasShape {
		faults = append(faults, fault{detail: what})
	}
	for i := range faults {
		faults[i].id = ""
	}
	return faults
}

// inLine finds a secret by its shape, which has an id then, or else those that are named.
func inLine(text string, line int) []fault {
	if what := field.Secret(text); what != "" {
		return []fault{{id: "shape", detail: fmt.Sprintf("Line %d: %s", line, what)}}
	}
	if !hasSecretStem(strings.ToLower(text)) {
		return nil
	}
	var faults []fault
	for _, assigned := range assignedNames {
		if !strings.ContainsAny(text, assigned.signs) {
			continue
		}
		for _, match := range assigned.shape.FindAllStringSubmatch(text, maxFaults) {
			if isSecretName(match[1]) {
				faults = append(faults, fault{detail: fmt.Sprintf("Line %d: what the file names %s is a secret.", line,
					redact.Name(match[1]))})
			}
		}
	}
	return faults
}
