// Package route reads ASP.NET Core route templates, as the Functions host takes them, and matches paths with them.
package route

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Route is a compiled ASP.NET Core route template.
type Route struct {
	Template string // as written, without the prefix
	segments []segment
}

// segment is one part of the path between slashes.
type segment struct {
	pattern  *regexp.Regexp // whole segment, one group a parameter; nil for a catch-all
	params   []parameter
	catchAll bool
}

func (s segment) isOptional() bool {
	return len(s.params) == 1 && (s.params[0].optional || s.params[0].fallback != "")
}

// parameter is one {name:constraint=default?} of a template.
type parameter struct {
	name, fallback string
	optional       bool
	constraints    []constraint
}

// Parse compiles prefix + "/" + template.
func Parse(prefix, template string) (*Route, error) {
	r := &Route{Template: template}
	full := strings.Trim(prefix+"/"+strings.TrimPrefix(template, "/"), "/")
	parts, err := splitTemplate(full)
	if err != nil {
		return nil, fmt.Errorf("route %q: %w", template, err)
	}
	for i, part := range parts {
		s, err := parseSegment(part)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", template, err)
		}
		if s.catchAll && i != len(parts)-1 {
			return nil, fmt.Errorf("route %q: a catch-all parameter must be last", template)
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

// splitTemplate cuts at slashes outside of braces. Doubled braces stand for themselves and do not nest.
func splitTemplate(text string) ([]string, error) {
	var parts []string
	depth, start := 0, 0
	for i := 0; i < len(text); i++ {
		switch {
		case i+1 < len(text) && (text[i:i+2] == "{{" || text[i:i+2] == "}}"):
			i++
		case text[i] == '{':
			depth++
		case text[i] == '}':
			depth--
		case text[i] == '/' && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
		if depth < 0 || depth > 1 {
			return nil, fmt.Errorf("unbalanced brace at %d", i)
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("a { is not closed")
	}
	return append(parts, text[start:]), nil
}

func parseSegment(text string) (segment, error) {
	var s segment
	pattern := "(?is)^"
	for text != "" {
		open := openBrace(text)
		if open < 0 {
			pattern += regexp.QuoteMeta(unescapeBraces(text))
			break
		}
		pattern += regexp.QuoteMeta(unescapeBraces(text[:open])) + "(.+)"
		length := closeBrace(text[open+1:])
		body := text[open+1 : open+1+length]
		text = text[open+length+2:]
		if name, all := strings.CutPrefix(body, "*"); all {
			s.catchAll = true
			body = strings.TrimPrefix(name, "*")
		}
		p, err := parseParameter(unescapeBraces(body))
		if err != nil {
			return s, err
		}
		s.params = append(s.params, p)
	}
	if s.catchAll {
		return s, nil
	}
	compiled, err := regexp.Compile(pattern + "$")
	s.pattern = compiled
	return s, err
}

func unescapeBraces(text string) string {
	return strings.NewReplacer("{{", "{", "}}", "}").Replace(text)
}

func openBrace(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] == '{' {
			if i+1 < len(text) && text[i+1] == '{' {
				i++
				continue
			}
			return i
		}
	}
	return -1
}

func closeBrace(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] == '}' {
			if i+1 < len(text) && text[i+1] == '}' {
				i++
				continue
			}
			return i
		}
	}
	return len(text) // splitTemplate has made sure that there is one
}

// parseParameter reads name(:constraint)*(=default)?(\?)?
func parseParameter(text string) (parameter, error) {
	end := strings.IndexAny(text, ":=?")
	if end < 0 {
		end = len(text)
	}
	p := parameter{name: text[:end]}
	rest := text[end:]
	if p.name == "" {
		return p, fmt.Errorf("a parameter without a name in {%s}", text)
	}
	for strings.HasPrefix(rest, ":") {
		length := constraintLength(rest[1:])
		c, err := parseConstraint(rest[1 : 1+length])
		if err != nil {
			return p, err
		}
		p.constraints = append(p.constraints, c)
		rest = rest[1+length:]
	}
	switch {
	case rest == "?":
		p.optional = true
	case strings.HasPrefix(rest, "="):
		p.fallback = rest[1:]
	case rest != "":
		return p, fmt.Errorf("cannot read {%s}", text)
	}
	return p, nil
}

// constraintLength is where the constraint at the start of the text ends. Parentheses may hold anything, so a
// constraint with an argument ends at the first closing one that is followed by what may follow a constraint.
func constraintLength(text string) int {
	open := strings.IndexAny(text, "(:=?")
	if open < 0 {
		return len(text)
	}
	if text[open] != '(' {
		return open
	}
	for i := open; i < len(text); i++ {
		if text[i] != ')' {
			continue
		}
		if after := text[i+1:]; after == "" || after == "?" || after[0] == ':' || after[0] == '=' {
			return i + 1
		}
	}
	return len(text)
}

// Match tells whether the escaped path fits, and with which parameters; an absent optional one is not in the map.
func (r *Route) Match(escapedPath string) (map[string]string, bool) {
	var parts []string
	if trimmed := strings.Trim(escapedPath, "/"); trimmed != "" {
		parts = strings.Split(trimmed, "/")
	}
	values := map[string]string{}
	for i, s := range r.segments {
		if s.catchAll {
			rest := ""
			if i < len(parts) {
				rest = strings.Join(parts[i:], "/")
			}
			return values, s.params[0].bind(values, decodeSegment(rest))
		}
		if i >= len(parts) {
			if !s.isOptional() {
				return nil, false
			}
			if p := s.params[0]; p.fallback != "" {
				values[p.name] = p.fallback
			}
			continue
		}
		groups := s.pattern.FindStringSubmatch(decodeSegment(parts[i]))
		if groups == nil {
			return nil, false
		}
		for j, p := range s.params {
			if !p.bind(values, groups[j+1]) {
				return nil, false
			}
		}
	}
	return values, len(parts) <= len(r.segments)
}

// decodeSegment undoes percent-encoding except for the slash, as ASP.NET's PathString does.
func decodeSegment(text string) string {
	kept := strings.NewReplacer("%2F", "%252F", "%2f", "%252f").Replace(text)
	decoded, err := url.PathUnescape(kept)
	if err != nil {
		return text
	}
	return decoded
}

func (p parameter) bind(values map[string]string, value string) bool {
	if value == "" && p.fallback != "" {
		value = p.fallback
	}
	for _, c := range p.constraints {
		if !c(value) {
			return false
		}
	}
	values[p.name] = value
	return true
}
