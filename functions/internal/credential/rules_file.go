package credential

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// byteRules are about the file as bytes. One of them that is fatal leaves nothing to read.
func byteRules() []rule {
	return []rule{
		{id: "size", code: diagnosis.CodeFileTooLarge, fatal: true, check: func(s *subject) []fault {
			return faultIf(len(s.raw) > MaxSize, fault{expected: fmt.Sprintf("at most %d bytes", MaxSize),
				actual: fmt.Sprintf("at least %d bytes", len(s.raw))}) // more than that may not have been read
		}},
		{id: "not-text", code: diagnosis.CodeFileNotText, fatal: true, check: func(s *subject) []fault {
			return faultIf(s.binary != "", fault{detail: "The file is " + s.binary + "."})
		}},
		{id: "encoding", code: diagnosis.CodeFileEncoding, check: func(s *subject) []fault {
			return faultIf(s.misread != "", fault{detail: s.misread, expected: "UTF-8"})
		}},
		{id: "utf-16", code: diagnosis.CodeFileEncoding, check: func(s *subject) []fault {
			return faultIf(s.utf16, fault{detail: "The file is UTF-16, as Windows PowerShell writes it with >.",
				expected: "UTF-8", actual: "UTF-16"})
		}},
		{id: "byte-order-mark", code: diagnosis.CodeFileByteOrderMark, check: func(s *subject) []fault {
			return faultIf(s.marked, fault{})
		}},
		{id: "empty", code: diagnosis.CodeFileEmpty, fatal: true, check: func(s *subject) []fault {
			return faultIf(strings.TrimSpace(s.text) == "", fault{})
		}},
	}
}

// jsonRules are about the file as JSON.
func jsonRules() []rule {
	return []rule{
		{id: "encoded", code: diagnosis.CodeFileWrapped, check: func(s *subject) []fault {
			return faultIf(len(s.layers) > 0, fault{detail: "The file is " + strings.Join(s.layers, ", which holds ") +
				", which holds JSON. What follows here, with its lines and columns, is about that JSON.",
				expected: "the JSON itself", actual: strings.Join(s.layers, ", ")})
		}},
		{id: "format", code: diagnosis.CodeFileOtherFormat, check: func(s *subject) []fault {
			return faultIf(s.format != "", fault{detail: "The file is " + s.format + ", and not JSON. What follows " +
				"here is about the values as they are in it.", expected: "a JSON object", actual: s.format})
		}},
		{id: "wrong-kind", code: diagnosis.CodeFileWrongKind, fatal: true, check: func(s *subject) []fault {
			return faultIf(s.kind != "", fault{detail: "The file is " + s.kind + "."})
		}},
		{id: "syntax", code: diagnosis.CodeFileNotJSON, fatal: true, check: func(s *subject) []fault {
			if s.syntax < 0 {
				return nil
			}
			line, column := place(s.text, s.syntax)
			return []fault{{detail: fmt.Sprintf("Line %d, column %d: %s", line, column, hint(s.text, s.syntax))}}
		}},
		{id: "trailing-data", code: diagnosis.CodeFileTrailingData, check: func(s *subject) []fault {
			if s.trailing < 0 {
				return nil
			}
			line, column := place(s.text, s.trailing)
			f := fault{detail: fmt.Sprintf("The object has ended; more begins at line %d, column %d.", line, column)}
			if label := labelOf(s.text[s.trailing:]); label != "" {
				f.detail += " The file is " + label + "."
			}
			return []fault{f}
		}},
		{id: "not-object", code: diagnosis.CodeFileNotObject, fatal: true, check: func(s *subject) []fault {
			return faultIf(s.shape != "object", fault{expected: "an object", actual: s.shape})
		}},
		{id: "wrapped", code: diagnosis.CodeFileWrapped, check: func(s *subject) []fault {
			f := fault{pointer: s.base}
			if s.heldIn != "" {
				f.detail = "The credential file is the value of a member, in " + s.heldIn + "."
			}
			return faultIf(s.base != "", f)
		}},
	}
}

// faultIf returns the fault where it is one.
func faultIf(broken bool, f fault) []fault {
	if !broken {
		return nil
	}
	return []fault{f}
}

// place returns line and column of a byte, both from 1, the column in characters.
func place(text string, at int) (int, int) {
	before := text[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// hint tells what is probably wrong where JSON ends.
func hint(text string, at int) string {
	if at >= len(text) {
		return "the file ends here, though a quotation mark or brace is still open."
	}
	r, _ := utf8.DecodeRuneInString(text[at:])
	switch {
	case strings.ContainsRune("“”„‟«»‘’", r):
		return fmt.Sprintf("a typographic quotation mark, %U; JSON has the plain one, U+0022.", r)
	case r == '\'':
		return "a single quotation mark; JSON has double ones."
	case r == '}' || r == ']':
		return "a closing bracket, but the comma or colon before it has nothing after it."
	case r == '"':
		return "a quotation mark, but the comma or colon before it is missing."
	case r == '/' || r == '#':
		return "a comment; JSON has none."
	case r == '<':
		return "a placeholder without quotation marks."
	case r == '\n' || r == '\r' || r == '\t':
		return "a line break or tab inside a string: a quotation mark is missing, or the value was pasted with " +
			"its line break."
	case r == ' ' || r == '\u00a0':
		return fmt.Sprintf("a blank that JSON does not know, %U.", r)
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return "a word without quotation marks, or a character after a backslash that means nothing in JSON."
	default:
		return fmt.Sprintf("character %U, which JSON does not expect here.", r)
	}
}
