package graph

import (
	"regexp"
	"slices"
	"strings"
)

// filter is a $filter: clauses that must all hold.
type filter []clause

// clause compares a property with values, one of which must fit. Of a collection, one member must.
type clause struct {
	property string
	values   []string
	isPrefix bool // startswith
}

// The forms of a clause that the Azure CLI and this service send.
// Source: https://learn.microsoft.com/graph/filter-query-parameter.
var (
	equalClause  = regexp.MustCompile(`^(\w+) eq ('(?:[^']|'')*')$`)
	inClause     = regexp.MustCompile(`^(\w+) in \(\s*('(?:[^']|'')*'(?:\s*,\s*'(?:[^']|'')*')*)\s*\)$`)
	prefixClause = regexp.MustCompile(`^startswith\((\w+)\s*,\s*('(?:[^']|'')*')\)$`)
	anyClause    = regexp.MustCompile(`^(\w+)/any\((\w+):(\w+) eq ('(?:[^']|'')*')\)$`)
	conjunction  = regexp.MustCompile(`^((?:[^']|'(?:[^']|'')*')*?) and (.*)$`)
	literalValue = regexp.MustCompile(`'(?:[^']|'')*'`)
)

func parseFilter(text string) (filter, error) {
	var f filter
	for rest := strings.TrimSpace(text); rest != ""; {
		one := rest
		rest = ""
		if parts := conjunction.FindStringSubmatch(one); parts != nil {
			one, rest = strings.TrimSpace(parts[1]), strings.TrimSpace(parts[2])
		}
		c, err := parseClause(one)
		if err != nil {
			return nil, err
		}
		f = append(f, c)
	}
	return f, nil
}

func parseClause(text string) (clause, error) {
	if m := equalClause.FindStringSubmatch(text); m != nil {
		return clause{property: m[1], values: literals(m[2])}, nil
	}
	if m := inClause.FindStringSubmatch(text); m != nil {
		return clause{property: m[1], values: literals(m[2])}, nil
	}
	if m := prefixClause.FindStringSubmatch(text); m != nil {
		return clause{property: m[1], values: literals(m[2]), isPrefix: true}, nil
	}
	if m := anyClause.FindStringSubmatch(text); m != nil && m[2] == m[3] {
		return clause{property: m[1], values: literals(m[4])}, nil
	}
	if strings.Count(text, "'")%2 != 0 {
		return clause{}, badSyntax("Invalid filter clause: There is an unterminated string literal at position %d in "+
			"'%s'.", len(text), text)
	}
	if literalValue.MatchString(text) {
		return clause{}, &fault{status: 400, code: "Request_UnsupportedQuery", message: "Unsupported Query."}
	}
	return clause{}, badSyntax("Invalid filter clause: Syntax error at position %d in '%s'.", len(text), text)
}

// literals reads the OData string literals of a list.
func literals(list string) []string {
	var values []string
	for _, literal := range literalValue.FindAllString(list, -1) {
		value, _ := unquote(literal)
		values = append(values, value)
	}
	return values
}

// check holds that the kind's objects can be filtered so.
func (f filter) check(k kind) error {
	for _, c := range f {
		if _, isKnown := k.filters[c.property]; !isKnown {
			return &fault{status: 400, code: "Request_UnsupportedQuery",
				message: "Unsupported or invalid query filter clause specified for property '" + c.property +
					"' of resource '" + k.typeName + "'."}
		}
	}
	return nil
}

func (f filter) isMatch(k kind, e entity) bool {
	return !slices.ContainsFunc(f, func(c clause) bool { return !c.isMatch(k.filters[c.property] != "", e) })
}

func (c clause) isMatch(ignoresCase bool, e entity) bool {
	var have []string
	switch value := e[c.property].(type) {
	case string:
		have = []string{value}
	case []string:
		have = value
	}
	return slices.ContainsFunc(have, func(value string) bool {
		return slices.ContainsFunc(c.values, func(wanted string) bool {
			if ignoresCase {
				value, wanted = strings.ToLower(value), strings.ToLower(wanted)
			}
			return value == wanted || c.isPrefix && strings.HasPrefix(value, wanted)
		})
	})
}
