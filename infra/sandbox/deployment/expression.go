package deployment

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// resolve evaluates a value of the snapshot: text is itself, "[…]" is an expression of ARM's template language, of
// which it knows what main.bicep uses. What reference(…) would ask of Azure is looked up in known, by the last name
// that the expression asks for. The error names what is not understood. Source:
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions.
func resolve(text string, known map[string]string) (string, error) {
	if !strings.HasPrefix(text, "[") || !strings.HasSuffix(text, "]") {
		return text, nil
	}
	if rest, literal := strings.CutPrefix(text, "[["); literal {
		return "[" + rest, nil
	}
	e := &evaluation{rest: text[1 : len(text)-1], known: known}
	value, err := e.value()
	if err != nil {
		return "", fmt.Errorf("expression %s: %w", text, err)
	}
	if e.rest != "" {
		return "", fmt.Errorf("expression %s: %q is left over", text, e.rest)
	}
	result, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("expression %s: it is no text", text)
	}
	return result, nil
}

// evaluation reads an expression and evaluates it at once. A value is a string, an object or runtime.
type evaluation struct {
	rest  string
	known map[string]string
}

type object = map[string]any

// runtime is what reference(…) returns: any path leads to the known value of its last name.
type runtime struct{}

// skip drops white space and, if it is next, the token.
func (e *evaluation) skip(token string) bool {
	e.rest = strings.TrimLeft(e.rest, " \t\r\n")
	rest, found := strings.CutPrefix(e.rest, token)
	if found {
		e.rest = rest
	}
	return found
}

// value is a literal or a call, with the members that are taken of it.
func (e *evaluation) value() (any, error) {
	value, err := e.primary()
	for err == nil {
		switch {
		case e.skip("."):
			value, err = e.member(value, e.name())
		case e.skip("["):
			var index any
			if index, err = e.value(); err != nil {
				return nil, err
			}
			if !e.skip("]") {
				return nil, fmt.Errorf("] is missing before %q", e.rest)
			}
			name, _ := index.(string)
			value, err = e.member(value, name)
		default:
			return value, nil
		}
	}
	return nil, err
}

func (e *evaluation) member(of any, name string) (any, error) {
	switch of := of.(type) {
	case runtime:
		if value, ok := e.known[name]; ok {
			return value, nil
		}
		if name == "outputs" {
			return of, nil
		}
	case string:
		if name == "value" { // an output is {"value": …}
			return of, nil
		}
	case object:
		if value, ok := of[name]; ok {
			return value, nil
		}
	}
	return nil, fmt.Errorf("there is no %q", name)
}

// name reads an identifier; empty if there is none.
func (e *evaluation) name() string {
	e.skip("")
	name := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*`).FindString(e.rest)
	e.rest = e.rest[len(name):]
	return name
}

func (e *evaluation) primary() (any, error) {
	if e.skip("'") {
		return e.text()
	}
	function := e.name()
	if !e.skip("(") {
		return nil, fmt.Errorf("a value is expected, not %q", e.rest)
	}
	if function == "reference" {
		return runtime{}, e.skipArguments()
	}
	arguments, err := e.arguments()
	if err != nil {
		return nil, err
	}
	return call(function, arguments)
}

// text reads a string after its first quote; a quote inside is doubled.
func (e *evaluation) text() (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(e.rest, "'")
		if !found {
			return "", fmt.Errorf("a string without end: %q", e.rest)
		}
		b.WriteString(before)
		e.rest = after
		if !strings.HasPrefix(e.rest, "'") {
			return b.String(), nil
		}
		b.WriteByte('\'')
		e.rest = e.rest[1:]
	}
}

// skipArguments reads to the end of a call whose arguments are not needed.
func (e *evaluation) skipArguments() error {
	for depth := 1; depth > 0; {
		i := strings.IndexAny(e.rest, "()'")
		if i < 0 {
			return fmt.Errorf("a call without end: %q", e.rest)
		}
		token := e.rest[i]
		e.rest = e.rest[i+1:]
		switch token {
		case '(':
			depth++
		case ')':
			depth--
		default:
			if _, err := e.text(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *evaluation) arguments() ([]any, error) {
	var all []any
	if e.skip(")") {
		return all, nil
	}
	for {
		value, err := e.value()
		if err != nil {
			return nil, err
		}
		all = append(all, value)
		if e.skip(")") {
			return all, nil
		}
		if !e.skip(",") {
			return nil, fmt.Errorf(", or ) is expected, not %q", e.rest)
		}
	}
}

// call evaluates the functions that main.bicep uses where a value is needed.
func call(function string, arguments []any) (any, error) {
	switch function {
	case "environment":
		return object{"name": "AzureCloud", "suffixes": object{"keyvaultDns": ".vault.azure.net",
			"storage": "core.windows.net"}}, nil
	case "createObject":
		result := object{}
		for i := 0; i+1 < len(arguments); i += 2 {
			name, _ := arguments[i].(string)
			result[name] = arguments[i+1]
		}
		return result, nil
	case "format":
		return format(arguments)
	}
	return nil, fmt.Errorf("the function %q is not known", function)
}

// format replaces {0}, {1}, … by the arguments; a doubled brace is one as it is.
func format(arguments []any) (any, error) {
	texts := make([]string, len(arguments))
	for i, argument := range arguments {
		text, ok := argument.(string)
		if !ok {
			return nil, fmt.Errorf("format: argument %d is no text", i)
		}
		texts[i] = text
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("format: no arguments")
	}
	pairs := []string{"{{", "{", "}}", "}"}
	for i, text := range texts[1:] {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", text)
	}
	return strings.NewReplacer(pairs...).Replace(texts[0]), nil
}
