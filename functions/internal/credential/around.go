package credential

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// The ways in which JSON stands in a text that is more than JSON.
const (
	inNumberedLines = "a text with the numbers of an editor's lines"
	inQuotedLines   = "a text with a sign before each line"
	inMoreText      = "a text with more than JSON in it"
)

// maxOpenings bounds how many braces of a text are tried.
const maxOpenings = 8

var (
	numberedLine = regexp.MustCompile(`^[ \t]*0*([0-9]{1,4})(?:[ \t]*[.:|)│][ \t]?|[ \t]|$)(.*)$`)
	quotedLine   = regexp.MustCompile(`^[ \t]*(?:[>+|│#*]|//)[ \t]?(.*)$`)
	// opening is the brace of an object that has members; in a program's string, with backslashes.
	opening = regexp.MustCompile(`\{\s*(\\?")`)
)

// labels are words that stand beside a file where it was copied from a page, each with what tells so.
var labels = sync.OnceValue(func() []shape {
	return []shape{
		{matches("^\\s*(```|~~~)"), "a code block (Markdown)"},
		{matches(`(?i)^\s*(json\s*\{|(json\s+)?(cop(y|ied)( (code|to clipboard))?[!.]?\s*)+(\{|$))`),
			"a text with the label of a copy button"},
		{matches(`^\s*(//|/\*|#)`), "a text with a comment"},
		{matches(`^\s*;`), "a statement of a program"},
		{matches(`^\s*,`), "a part of a list"},
		{matches(`^\s*\{`), "more than one object"},
	}
})

// labelOf tells what a text is by what stands before JSON, or behind it; empty where nothing known does.
func labelOf(text string) string {
	for _, l := range labels() {
		if l.isKind(text) {
			return l.what
		}
	}
	return ""
}

// amid is JSON that stands in a text, and the text without it, line by line as it was.
type amid struct {
	inner         []byte
	layer, beside string
}

// fromLines returns the JSON whose lines all have a number or a sign before them; nil where they have not.
func fromLines(text string) *amid {
	lines := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	if inner := stripped(lines, numberedLine, true); inner != nil {
		return &amid{inner: inner, layer: inNumberedLines}
	}
	if inner := stripped(lines, quotedLine, false); inner != nil {
		return &amid{inner: inner, layer: inQuotedLines}
	}
	return nil
}

// stripped are lines without what stands before each of them, if JSON is left; blank lines may have nothing.
func stripped(lines []string, shape *regexp.Regexp, isNumbered bool) []byte {
	var inner []string
	next := -1
	for _, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		parts := shape.FindStringSubmatch(line)
		switch {
		case parts == nil && strings.TrimSpace(line) != "":
			return nil
		case parts == nil:
			inner = append(inner, "")
			continue
		}
		if isNumbered {
			number, err := strconv.Atoi(parts[1])
			if err != nil || next >= 0 && number != next {
				return nil
			}
			next = number + 1
		}
		inner = append(inner, parts[len(parts)-1])
	}
	text := strings.Join(inner, "\n")
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || !strings.Contains(text, `"`) {
		return nil
	}
	return []byte(text)
}

// fromText returns the credential file that stands in a text behind something else; nil where none does.
func fromText(text string) *amid {
	if strings.IndexByte(`{["`, (strings.TrimLeft(text, blanksOfJSON+"\ufeff") + " ")[0]) >= 0 {
		return nil // JSON, as far as it goes
	}
	for _, at := range opening.FindAllStringSubmatchIndex(text, maxOpenings) {
		start, isEscaped := at[0], text[at[2]] == '\\'
		rest := text[start:]
		if isEscaped {
			rest = strings.ReplaceAll(rest, `\"`, `"`)
		}
		decoder := json.NewDecoder(strings.NewReader(rest))
		var object json.RawMessage
		if decoder.Decode(&object) != nil || !isLikely(object) {
			continue
		}
		layer := labelOf(text)
		if layer == "" {
			layer = inMoreText
			if kind := textKind(text); kind != "" && !strings.HasPrefix(kind, "JSON") {
				layer = kind
			}
		}
		beside := text[:start] + strings.Repeat("\n", bytes.Count(object, []byte("\n"))) + rest[decoder.InputOffset():]
		return &amid{inner: object, layer: layer, beside: beside}
	}
	return nil
}
