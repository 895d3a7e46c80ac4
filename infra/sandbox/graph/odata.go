package graph

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// segment is one step of a path: a name and, where given, a key in parentheses.
type segment struct {
	name     string
	property string // alternate key's property, "" for the primary key
	key      string
	keyed    bool
}

// parsePath splits an escaped path into version and segments. Segments are split before they are unescaped, so that a
// key may hold an escaped slash.
func parsePath(escaped string) (string, []segment, error) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	if parts[0] != "v1.0" && parts[0] != "beta" {
		return "", nil, badSyntax("Invalid version: %s", parts[0])
	}
	var path []segment
	for _, part := range parts[1:] {
		text, err := url.PathUnescape(part)
		if err != nil {
			return "", nil, badSyntax("Error in query syntax.")
		}
		s, err := parseSegment(text)
		if err != nil {
			return "", nil, err
		}
		path = append(path, s)
	}
	return parts[0], path, nil
}

func parseSegment(text string) (segment, error) {
	name, rest, keyed := strings.Cut(text, "(")
	if !keyed {
		return segment{name: text}, nil
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return segment{}, badSyntax("Error in query syntax.")
	}
	property := ""
	if before, after, named := strings.Cut(inner, "="); named && !strings.HasPrefix(inner, "'") {
		property, inner = strings.TrimSpace(before), strings.TrimSpace(after)
	}
	key, ok := unquote(inner)
	if !ok {
		return segment{}, badSyntax("Error in query syntax.")
	}
	return segment{name: name, property: property, key: key, keyed: true}, nil
}

// unquote reads an OData string literal, in which a quote is doubled.
func unquote(literal string) (string, bool) {
	if len(literal) < 2 || literal[0] != '\'' || literal[len(literal)-1] != '\'' {
		return "", false
	}
	inner := literal[1 : len(literal)-1]
	if strings.Contains(strings.ReplaceAll(inner, "''", ""), "'") {
		return "", false
	}
	return strings.ReplaceAll(inner, "''", "'"), true
}

// objectOf takes the object's key off a path: set/{id}, set('id') or set(property='value').
func objectOf(path []segment) (object segment, rest []segment, isSet bool) {
	switch {
	case path[0].keyed:
		return path[0], path[1:], false
	case len(path) == 1:
		return segment{}, nil, true
	default:
		return segment{key: path[1].name, keyed: true}, path[2:], false
	}
}

// options are the system query options of a request.
type options struct {
	fields []string // $select, nil for all
	expand []string
	filter filter
	top    int
	after  string // from $skiptoken: the last id of the page before
	query  url.Values
}

const (
	defaultTop = 100
	maximumTop = 999
)

func parseOptions(query url.Values) (options, error) {
	o := options{top: defaultTop, query: query}
	for name := range query {
		var err error
		value := query.Get(name)
		switch name {
		case "$select":
			o.fields = splitList(value)
		case "$expand":
			o.expand = splitList(value)
		case "$filter":
			o.filter, err = parseFilter(value)
		case "$top":
			o.top, err = parseTop(value)
		case "$skiptoken":
			o.after, err = parseSkipToken(value)
		case "$count", "$format":
		default:
			if strings.HasPrefix(name, "$") {
				err = badSyntax("Query option '%s' is not supported.", name)
			}
		}
		if err != nil {
			return options{}, err
		}
	}
	return o, nil
}

func splitList(value string) []string {
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func parseTop(value string) (int, error) {
	top, err := strconv.Atoi(value)
	if err != nil || top < 1 || top > maximumTop {
		return 0, badRequest("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", value,
			maximumTop)
	}
	return top, nil
}

func parseSkipToken(value string) (string, error) {
	after, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(after) == 0 {
		return "", badRequest("The specified page token value '%s' is invalid.", value)
	}
	return string(after), nil
}

// entity is an object as it goes over the wire.
type entity = map[string]any

// kind tells how the objects of a set are read.
type kind struct {
	set      string            // name in @odata.context
	typeName string            // for error texts
	filters  map[string]string // filterable property → ""; a value marks a case-insensitive one
}

// page answers a page of the set. Pages are in the order of the ids, so that a change between two of them neither
// repeats nor skips a neighbour.
func (c *call) page(k kind, all []entity) (answer, error) {
	if err := c.options.filter.check(k); err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(e entity) bool { return !c.options.filter.isMatch(k, e) })
	slices.SortFunc(all, func(a, b entity) int { return strings.Compare(idOf(a), idOf(b)) })
	all = slices.DeleteFunc(all, func(e entity) bool { return c.options.after != "" && idOf(e) <= c.options.after })
	body := entity{"@odata.context": c.context(k.set)}
	if c.options.query.Get("$count") == "true" {
		body["@odata.count"] = len(all)
	}
	if len(all) > c.options.top {
		all = all[:c.options.top]
		body["@odata.nextLink"] = c.nextLink(idOf(all[len(all)-1]))
	}
	value := make([]entity, 0, len(all))
	for _, e := range all {
		shaped, err := c.shape(k, e)
		if err != nil {
			return answer{}, err
		}
		value = append(value, shaped)
	}
	body["value"] = value
	return answer{status: 200, body: body}, nil
}

func (c *call) nextLink(last string) string {
	query := url.Values{}
	for name, values := range c.options.query {
		query[name] = values
	}
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(last)))
	return "https://" + c.request.Host + c.request.URL.EscapedPath() + "?" + query.Encode()
}

// one answers a single object.
func (c *call) one(k kind, e entity) (answer, error) {
	shaped, err := c.shape(k, e)
	if err != nil {
		return answer{}, err
	}
	fragment := k.set
	if len(c.options.fields) > 0 {
		fragment += "(" + strings.Join(c.options.fields, ",") + ")"
	}
	shaped["@odata.context"] = c.context(fragment + "/$entity")
	return answer{status: 200, body: shaped}, nil
}

// shape applies $select; expanded relations stay.
func (c *call) shape(k kind, e entity) (entity, error) {
	if len(c.options.fields) == 0 {
		return e, nil
	}
	out := entity{}
	for _, name := range c.options.fields {
		value, ok := e[name]
		if !ok {
			return nil, badSyntax("Parsing OData Select and Expand failed: Could not find a property named '%s' on "+
				"type 'microsoft.graph.%s'.", name, k.typeName)
		}
		out[name] = value
	}
	for _, name := range append([]string{"@odata.type"}, c.options.expand...) {
		if value, ok := e[name]; ok {
			out[name] = value
		}
	}
	return out, nil
}

// expandOnly refuses relations that the set does not have.
func (c *call) expandOnly(typeName string, known ...string) error {
	for _, name := range c.options.expand {
		if !slices.Contains(known, name) {
			return badSyntax("Parsing OData Select and Expand failed: Could not find a property named '%s' on type "+
				"'microsoft.graph.%s'.", name, typeName)
		}
	}
	return nil
}

func (c *call) isExpanded(name string) bool { return slices.Contains(c.options.expand, name) }

func idOf(e entity) string {
	id, _ := e["id"].(string)
	return id
}
