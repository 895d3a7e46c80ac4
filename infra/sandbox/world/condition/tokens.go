package condition

import (
	"regexp"
	"strconv"
	"strings"
)

// kind is what a token is.
type kind int

const (
	end       kind = iota
	symbol         // ( ) { } , ! && ||
	word           // AND, ActionMatches, an operator with its prefix, a GUID
	text           // '…', without the quotes
	attribute      // @source[name]
)

// String is the kind in an error message.
func (k kind) String() string {
	return [...]string{"end", "symbol", "word", "string in quotes", "attribute"}[k]
}

type token struct {
	kind   kind
	text   string
	source string // of an attribute: Request or Resource
	at     int    // offset
}

func expected(what string, found token) error {
	visible := strconv.Quote(found.text)
	if found.kind == end {
		visible = "the end"
	}
	return &SyntaxError{found.at, what + " is expected, not " + visible}
}

var lexemes = regexp.MustCompile(`^(?:([ \t\r\n]+)|(&&|\|\||[(){},` +
	`!])|([A-Za-z0-9][A-Za-z0-9:-]*)|'([^'\\]*)'|@(Request|Resource)` +
	`\[([A-Za-z0-9._/:-]+(?:<\$key_case_sensitive\$>)?)\])`)

// tokenise splits a condition; the last token is of kind end.
func tokenise(input string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(input); {
		m := lexemes.FindStringSubmatch(input[at:])
		if m == nil {
			return nil, &SyntaxError{at, "not understood: " + strconv.Quote(untilSpace(input[at:]))}
		}
		switch {
		case m[1] != "": // white space
		case m[2] != "":
			tokens = append(tokens, token{kind: symbol, text: m[2], at: at})
		case m[3] != "":
			tokens = append(tokens, token{kind: word, text: m[3], at: at})
		case m[5] != "":
			tokens = append(tokens, token{kind: attribute, text: m[6], source: m[5], at: at})
		default:
			tokens = append(tokens, token{kind: text, text: m[4], at: at})
		}
		at += len(m[0])
	}
	return append(tokens, token{kind: end, at: len(input)}), nil
}

// untilSpace is the beginning of what is not understood, for an error message.
func untilSpace(s string) string {
	first, _, _ := strings.Cut(s, " ")
	return first
}
