package credential

import (
	"encoding/csv"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// pairs are names with values, as texts of many formats hold them.
type pairs struct {
	names, values []string
	// format tells what the text is.
	format string
}

func (p *pairs) add(name, value string) {
	p.names, p.values = append(p.names, name), append(p.values, value)
}

// isLikely reports whether the names are those of most of the five members.
func (p *pairs) isLikely() bool {
	members := make([]member, len(p.names))
	for i, name := range p.names {
		members[i].name = name
	}
	return hasMostMembers(members)
}

// object is the JSON that should be in the place of the text.
func (p *pairs) object() json.RawMessage {
	var out strings.Builder
	for i, name := range p.names {
		sign := byte(',')
		if i == 0 {
			sign = '{'
		}
		literal, _ := json.Marshal(name) // a string can be encoded
		value, _ := json.Marshal(p.values[i])
		out.WriteByte(sign)
		out.Write(literal)
		out.WriteByte(':')
		out.Write(value)
	}
	return json.RawMessage(out.String() + "}")
}

// hasNames reports whether parts of two of the names are in a text, without which it cannot have three of them: to
// look
// for them is quick.
func hasNames(text string) bool {
	lower, found := strings.ToLower(text), 0
	for _, parts := range [...][]string{{"client", "app"}, {"tenant", "direct"}, {"iss"}, {"sub", "serv"}, {"aud"}} {
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(lower, part) }) {
			found++
		}
	}
	return found >= 2
}

// pairsOf reads a text of another format than JSON that holds most of the five members; nil where it is none.
func pairsOf(text string) *pairs {
	if strings.HasPrefix(strings.TrimLeft(text, blanksOfJSON+"\ufeff"), "{") {
		return nil // almost JSON, and the place where it ends is what helps
	}
	if !hasNames(text) {
		return nil
	}
	for _, read := range []func(string) *pairs{elements, query, lines, table, labelled} {
		if p := read(text); p != nil && p.isLikely() {
			return p
		}
	}
	return nil
}

var (
	element   = regexp.MustCompile(`<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>([^<>]*)</`)
	attribute = regexp.MustCompile(`([A-Za-z][\w.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// elements reads XML, or a web page: elements and attributes.
func elements(text string) *pairs {
	p := &pairs{format: "an XML document"}
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "<") {
		return nil
	}
	if kind := textKind(text); kind != "" {
		p.format = kind
	}
	for _, m := range element.FindAllStringSubmatch(text, -1) {
		p.add(m[1], strings.TrimSpace(m[2]))
	}
	if !p.isLikely() {
		for _, m := range attribute.FindAllStringSubmatch(text, -1) {
			p.add(m[1], m[2]+m[3])
		}
	}
	return p
}

// query reads what a browser sends: names and values with = and & between them, in a URL or by itself. The values are
// left as they are written, but for what hides in them by its number.
func query(text string) *pairs {
	p := &pairs{format: "the query of a URL, or a form as a browser sends it"}
	if strings.ContainsAny(strings.TrimSpace(text), " \t\r\n") || !strings.Contains(text, "&") {
		return nil
	}
	_, parameters, found := strings.Cut(strings.TrimSpace(text), "?")
	if !found {
		parameters = strings.TrimSpace(text)
	}
	for part := range strings.SplitSeq(parameters, "&") {
		name, value, _ := strings.Cut(part, "=")
		p.add(unescaped(name), unescaped(value))
	}
	return p
}

// unescaped is a text without the numbers that a URL writes characters by; one that cannot be read is left.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return text
}

// line is a name with its value, and what stands around the two: the word of a shell or a program, quotation marks,
// and
// the sign between.
var line = regexp.MustCompile(`^[ \t|]*(?:[-*•][ \t]+)?(?:(export|set|setx|declare -x|env|ENV|const|let|var|-e` +
	`|\$env:|--)[ \t]*)?["'“]?([A-Za-z][A-Za-z0-9_ ().-]*?)["'”]?[ \t]*(=>|:=|[:=\t,;|])[ \t]*(.*)$`)

// section is the head of a part of an INI or TOML file.
var section = regexp.MustCompile(`(?m)^[ \t]*\[[^\]\r\n]+\][ \t]*\r?$`)

// lines reads texts that have a name and its value in each line.
func lines(text string) *pairs {
	p := &pairs{}
	signs := map[string]int{}
	isShell, isQuoted := false, false
	for one := range strings.SplitSeq(text, "\n") {
		if !strings.ContainsAny(one, "=:\t,;|") {
			continue
		}
		m := line.FindStringSubmatch(strings.TrimSpace(one))
		if m == nil {
			continue
		}
		value := bare(m[4])
		if isHead := squeeze(value) == "value" || value == ""; isHead && meant(m[2]) == "" {
			continue // of a table, or of what is below it
		}
		p.add(m[2], value)
		if meant(m[2]) != "" {
			signs[m[3]]++
			isShell = isShell || m[1] != "" || m[3] == "=" && strings.ToUpper(m[2]) == m[2]
			isQuoted = isQuoted || value != strings.TrimSpace(m[4])
		}
	}
	p.format = formatOf(signs, isShell, isQuoted, section.MatchString(text))
	return p
}

// formatOf names a format by the signs between names and values, most of which decide.
func formatOf(signs map[string]int, isShell, isQuoted, hasSections bool) string {
	most := ""
	for _, sign := range []string{"=", ":", "\t", ",", ";", "|"} {
		if signs[sign] > signs[most] {
			most = sign
		}
	}
	switch {
	case most == "=" && isShell:
		return "a list of environment variables"
	case most == "=" && hasSections && isQuoted:
		return "a TOML document"
	case most == "=" && hasSections:
		return "an INI file"
	case most == "=":
		return "a list of settings (name = value)"
	case most == ":":
		return "a YAML document"
	case most == "":
		return "a list of names and values"
	default:
		return "a table (CSV)"
	}
}

// bare is a value without the marks and signs that its format has around it.
func bare(value string) string {
	value = strings.TrimRight(strings.TrimSpace(value), ",;|\\& \t")
	for _, marks := range []string{`""`, `''`, "``", "“”", "„“", "«»"} {
		signs := []rune(marks)
		inner, found := strings.CutPrefix(value, string(signs[0]))
		if end := strings.Index(inner, string(signs[1])); found && end >= 0 {
			return inner[:end]
		}
	}
	before, _, _ := strings.Cut(value, " #")
	return strings.TrimSpace(before)
}

// ruler is the line that Markdown has between the head of a table and its rows.
var ruler = regexp.MustCompile(`^[|:\- \t+]+$`)

// table reads a table that has the names in its first row, and the values in the next.
func table(text string) *pairs {
	var rows []string
	for row := range strings.SplitSeq(text, "\n") {
		if row = strings.Trim(row, "| \r"); row != "" && !ruler.MatchString(row) {
			rows = append(rows, row)
		}
	}
	if len(rows) < 2 {
		return nil
	}
	for _, sign := range ",;\t|" {
		names, values := cells(rows[0], sign), cells(rows[1], sign)
		if len(names) < 3 || len(values) != len(names) {
			continue
		}
		p := &pairs{format: "a table (CSV)"}
		for i, name := range names {
			p.add(name, values[i])
		}
		return p
	}
	return nil
}

func cells(row string, sign rune) []string {
	reader := csv.NewReader(strings.NewReader(row))
	reader.Comma, reader.LazyQuotes, reader.TrimLeadingSpace = sign, true, true
	found, err := reader.Read()
	if err != nil {
		return nil
	}
	for i := range found {
		found[i] = strings.TrimSpace(found[i])
	}
	return found
}

// labelled reads what is copied from a page of the portal: a line with a label, and the next with its value.
func labelled(text string) *pairs {
	p := &pairs{format: "a page of the portal, copied as text"}
	name := ""
	for one := range strings.SplitSeq(text, "\n") {
		one = strings.TrimSpace(one)
		switch {
		case one == "":
		case name == "" && meant(strings.TrimRight(one, ":")) != "":
			name = strings.TrimRight(one, ":")
		case name != "":
			p.add(name, bare(one))
			name = ""
		}
	}
	return p
}
