// Package condition evaluates the conditions of role assignments (Azure ABAC, version 2.0), as far as this project
// uses them: ActionMatches, and three comparisons of an attribute of the request or the resource with a list of
// values. Everything else is an error of Parse: what is not understood must not look as if it were granted.
//
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-format.
package condition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// MaximumLength is how long a condition may be, in bytes; Azure's limit is 8 KB.
const MaximumLength = 8 << 10

// Attributes are values by the attribute's name, such as Microsoft.Authorization/roleAssignments:PrincipalType. Names
// are compared without regard to case.
type Attributes map[string][]string

func (a Attributes) values(name string) []string {
	for n, values := range a {
		if strings.EqualFold(n, name) {
			return values
		}
	}
	return nil
}

// Access is what somebody is about to do: the action, what the request states and what the resource has.
type Access struct {
	Action            string
	Request, Resource Attributes
}

// Condition is a parsed condition. The zero value is fulfilled by nothing.
type Condition struct{ fulfilled expression }

// expression is one node of a condition.
type expression func(Access) bool

// Fulfilled tells whether the access fulfils the condition. A comparison with an attribute that is absent is false.
func (c Condition) Fulfilled(a Access) bool { return c.fulfilled != nil && c.fulfilled(a) }

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
		return p.actionMatches()
	case t.kind == attribute:
		return p.comparison(t)
	default:
		return nil, expected("(, ActionMatches or an attribute", t)
	}
}

// actionMatches reads {'action'} after ActionMatches. Azure allows a * in it; nothing here does.
func (p *parser) actionMatches() (expression, error) {
	if err := p.symbol("{"); err != nil {
		return nil, err
	}
	action := p.next()
	if action.kind != text || action.text == "" || strings.Contains(action.text, "*") {
		return nil, expected("an action without * in quotes", action)
	}
	return func(a Access) bool { return strings.EqualFold(a.Action, action.text) }, p.symbol("}")
}

// operator compares the values of an attribute with a list of values of a kind.
type operator struct {
	values  kind
	compare func(actual, values []string) bool
}

// operators are those that the attributes of role assignments take in this project.
// Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes, and
// conditions-format, "Cross product comparison operators": ForAnyOfAnyValues holds if one value on the left satisfies
// the comparison to one on the right, ForAnyOfAllValues if one on the left satisfies it to every one on the right.
func operators() map[string]operator {
	return map[string]operator{
		"ForAnyOfAnyValues:GuidEquals":             {word, anyOfAny(sameGUID)},
		"ForAnyOfAnyValues:StringEqualsIgnoreCase": {text, anyOfAny(strings.EqualFold)},
		"ForAnyOfAllValues:GuidNotEquals": {word, func(actual, values []string) bool {
			return slices.ContainsFunc(actual, func(a string) bool {
				return !slices.ContainsFunc(values, func(v string) bool { return sameGUID(a, v) })
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
	list, err := p.list(op.values)
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

// sameGUID compares GUIDs; the actual one may be the last segment of an id.
func sameGUID(actual, value string) bool {
	return strings.EqualFold(actual[strings.LastIndex(actual, "/")+1:], value)
}

func or(a, b expression) expression  { return func(x Access) bool { return a(x) || b(x) } }
func and(a, b expression) expression { return func(x Access) bool { return a(x) && b(x) } }
func not(a expression) expression    { return func(x Access) bool { return !a(x) } }
