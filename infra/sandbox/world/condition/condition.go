// Package condition evaluates the conditions of role assignments (Azure ABAC, version 2.0), as far as this project
// uses them: ActionMatches, SubOperationMatches, and comparisons of an attribute of the request or the resource with a
// value or a list of values. Everything else is an error of Parse: what is not understood must not look as if it were
// granted.
//
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-format.
package condition

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// MaximumLength is how long a condition may be, in bytes; Azure's limit is 8 KB.
const MaximumLength = 8 << 10

// Attributes are values by the attribute's name, such as Microsoft.Authorization/roleAssignments:PrincipalType. Names
// are compared without regard to case, those of tags with it.
type Attributes map[string][]string

// CaseSensitive is the end of the name of a tag's attribute.
const CaseSensitive = "<$key_case_sensitive$>"

func (a Attributes) values(name string) []string {
	for n, values := range a {
		if n == name || !strings.HasSuffix(name, CaseSensitive) && strings.EqualFold(n, name) {
			return values
		}
	}
	return nil
}

// Access is what somebody is about to do: the action, the part of it that the request is, such as Blob.List, what the
// request states and what the resource has.
type Access struct {
	Action, SubOperation string
	Request, Resource    Attributes
}

// Condition is a parsed condition. The zero value is fulfilled by nothing.
type Condition struct{ fulfilled expression }

// expression is one node of a condition.
type expression func(Access) bool

// IsFulfilled tells whether the access fulfils the condition. A comparison with an attribute that is absent is false.
func (c Condition) IsFulfilled(a Access) bool { return c.fulfilled != nil && c.fulfilled(a) }

// SyntaxError tells where a condition is not understood.
type SyntaxError struct {
	Offset int // in bytes
	Detail string
}

// Error tells what was expected, and where.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("condition: at %d: %s", e.Offset, e.Detail)
}

// parsed holds the conditions that were read, by their text: the same few are asked for at each request.
var parsed sync.Map

// Parse reads a condition. The error is a *SyntaxError.
func Parse(text string) (Condition, error) {
	if known, isKnown := parsed.Load(text); isKnown {
		return known.(Condition), nil
	}
	c, err := parse(text)
	if err == nil {
		parsed.Store(text, c)
	}
	return c, err
}

func parse(text string) (Condition, error) {
	if len(text) > MaximumLength {
		return Condition{}, &SyntaxError{MaximumLength, "longer than 8 KB"}
	}
	tokens, err := tokenise(text)
	if err != nil {
		return Condition{}, err
	}
	p := &parser{tokens: tokens}
	e, err := p.disjunction()
	if err != nil {
		return Condition{}, err
	}
	if t := p.next(); t.kind != end {
		return Condition{}, expected("AND, OR or the end", t)
	}
	return Condition{e}, nil
}

// parser descends: OR binds least, then AND, then NOT.
type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the next token; the last one, which marks the end, again and again.
func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

func (p *parser) take(k kind, texts ...string) bool {
	if t := p.peek(); t.kind != k || !slices.Contains(texts, t.text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) symbol(text string) error {
	if !p.take(symbol, text) {
		return expected(text, p.peek())
	}
	return nil
}

func (p *parser) disjunction() (expression, error) {
	left, err := p.conjunction()
	for err == nil && (p.take(word, "OR") || p.take(symbol, "||")) {
		var right expression
		right, err = p.conjunction()
		left = or(left, right)
	}
	return left, err
}

func (p *parser) conjunction() (expression, error) {
	left, err := p.negation()
	for err == nil && (p.take(word, "AND") || p.take(symbol, "&&")) {
		var right expression
		right, err = p.negation()
		left = and(left, right)
	}
	return left, err
}

func (p *parser) negation() (expression, error) {
	negated := false
	for p.take(word, "NOT") || p.take(symbol, "!") {
		negated = !negated
	}
	e, err := p.primary()
	if err != nil || !negated {
		return e, err
	}
	return not(e), nil
}

func (p *parser) primary() (expression, error) {
	switch t := p.next(); {
	case t.kind == symbol && t.text == "(":
		e, err := p.disjunction()
		if err != nil {
			return nil, err
		}
		return e, p.symbol(")")
	case t.kind == word && t.text == "ActionMatches":
		return p.matches(func(a Access) string { return a.Action })
	case t.kind == word && t.text == "SubOperationMatches":
		return p.matches(func(a Access) string { return a.SubOperation })
	case t.kind == attribute:
		return p.comparison(t)
	default:
		return nil, expected("(, ActionMatches, SubOperationMatches or an attribute", t)
	}
}

// matches reads {'action'} after ActionMatches or SubOperationMatches. Azure allows a * in it; nothing here does.
func (p *parser) matches(of func(Access) string) (expression, error) {
	if err := p.symbol("{"); err != nil {
		return nil, err
	}
	action := p.next()
	if action.kind != text || action.text == "" || strings.Contains(action.text, "*") {
		return nil, expected("an action without * in quotes", action)
	}
	return func(a Access) bool { return strings.EqualFold(of(a), action.text) }, p.symbol("}")
}

// operator compares the values of an attribute with a value, or a list of values, of a kind.
type operator struct {
	values   kind
	isSingle bool
	compare  func(actual, values []string) bool
}

// operators are those that the attributes of role assignments and blobs take in this project.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes, and
// conditions-format, "Cross product comparison operators": ForAnyOfAnyValues holds if one value on the left satisfies
// the comparison to one on the right, ForAnyOfAllValues if one on the left satisfies it to every one on the right. And
// "String comparison operators": StringLike knows * and ?, and all but IgnoreCase heed case.
func operators() map[string]operator {
	return map[string]operator{
		"StringEquals":                             {text, true, anyOfAny(func(a, v string) bool { return a == v })},
		"StringStartsWith":                         {text, true, anyOfAny(strings.HasPrefix)},
		"StringLike":                               {text, true, anyOfAny(isLike)},
		"ForAnyOfAnyValues:GuidEquals":             {word, false, anyOfAny(isSameGUID)},
		"ForAnyOfAnyValues:StringEqualsIgnoreCase": {text, false, anyOfAny(strings.EqualFold)},
		"ForAnyOfAllValues:GuidNotEquals": {word, false, func(actual, values []string) bool {
			return slices.ContainsFunc(actual, func(a string) bool {
				return !slices.ContainsFunc(values, func(v string) bool { return isSameGUID(a, v) })
			})
		}},
	}
}

func anyOfAny(equal func(actual, value string) bool) func(actual, values []string) bool {
	return func(actual, values []string) bool {
		return slices.ContainsFunc(actual, func(a string) bool {
			return slices.ContainsFunc(values, func(v string) bool { return equal(a, v) })
		})
	}
}

// comparison reads an operator and its values after an attribute: @Request[name] or @Resource[name].
func (p *parser) comparison(of token) (expression, error) {
	name := p.next()
	known := operators()
	op, ok := known[name.text]
	if name.kind != word || !ok {
		return nil, expected(strings.Join(slices.Sorted(maps.Keys(known)), " or "), name)
	}
	list, err := p.values(op)
	if err != nil {
		return nil, err
	}
	return func(a Access) bool {
		source := a.Request
		if of.source == "Resource" {
			source = a.Resource
		}
		return op.compare(source.values(of.text), list)
	}, nil
}

// values reads what an operator compares with.
func (p *parser) values(op operator) ([]string, error) {
	if !op.isSingle {
		return p.list(op.values)
	}
	t := p.next()
	if t.kind != op.values {
		return nil, expected("a "+op.values.String(), t)
	}
	return []string{t.text}, nil
}

// isLike reports whether a text fits a pattern with * and ?.
func isLike(actual, pattern string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted)
	return regexp.MustCompile(`(?s)^` + quoted + `$`).MatchString(actual)
}

// list reads {value, …}: strings in quotes, or GUIDs as they are.
func (p *parser) list(of kind) ([]string, error) {
	if err := p.symbol("{"); err != nil {
		return nil, err
	}
	var values []string
	for {
		t := p.next()
		if t.kind != of {
			return nil, expected("a "+of.String(), t)
		}
		if of == word {
			if _, err := uuid.Parse(t.text); err != nil || len(t.text) != 36 {
				return nil, expected("a GUID", t)
			}
		}
		values = append(values, t.text)
		if p.take(symbol, "}") {
			return values, nil
		}
		if err := p.symbol(","); err != nil {
			return nil, err
		}
	}
}

// isSameGUID compares GUIDs; the actual one may be the last segment of an id.
func isSameGUID(actual, value string) bool {
	return strings.EqualFold(actual[strings.LastIndex(actual, "/")+1:], value)
}

func or(a, b expression) expression  { return func(x Access) bool { return a(x) || b(x) } }
func and(a, b expression) expression { return func(x Access) bool { return a(x) && b(x) } }
func not(a expression) expression    { return func(x Access) bool { return !a(x) } }
