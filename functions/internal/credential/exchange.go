package credential

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// hasForm reports whether a value has the form of a member's, though it may break rules of it: whose it is, not
// whether it is right.
func hasForm(name, value string) bool {
	lower := strings.ToLower(value)
	switch name {
	case memberClientID:
		return field.IsGUID(value)
	case memberTenantID:
		return field.IsGUID(value) || field.IsOfTenant(value)
	case memberIssuer:
		return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")
	case memberSubject:
		return strings.HasPrefix(lower, "system:") || field.OtherSubject(value) != ""
	default:
		return strings.HasPrefix(lower, "api://")
	}
}

// exchange are members each of which holds the value of the next, and the last that of the first.
type exchange []string

// exchanges finds the members whose values stand in one another's place. Of two GUIDs the file alone cannot tell which
// is which.
func (r *reading) exchanges() []exchange {
	if r.exchanged == nil {
		r.exchanged = r.findExchanges()
	}
	return r.exchanged
}

func (r *reading) findExchanges() []exchange {
	found := []exchange{}
	for _, name := range memberNames {
		isTold := func(e exchange) bool { return slices.Contains(e, name) }
		if value := r.value(name); value == "" || hasForm(name, value) || slices.ContainsFunc(found, isTold) {
			continue
		}
		if e := r.follow(exchange{name}); e != nil {
			found = append(found, e)
		}
	}
	return found
}

// follow goes on to the member whose value the last one holds, until the first one's is found; nil where it is not.
func (r *reading) follow(path exchange) exchange {
	value := r.value(path[len(path)-1])
	for _, next := range memberNames {
		if slices.Contains(path, next) || !hasForm(next, value) || r.value(next) == "" {
			continue
		}
		longer := append(slices.Clone(path), next)
		if hasForm(path[0], r.value(next)) {
			return longer
		}
		if hasForm(next, r.value(next)) {
			continue // in its place
		}
		if whole := r.follow(longer); whole != nil {
			return whole
		}
	}
	return nil
}

// code is that of the exchange, and id that of its rule.
func (e exchange) code() (diagnosis.Code, string) {
	isOf := func(names ...string) bool {
		return len(e) == len(names) && slices.Contains(e, names[0]) && slices.Contains(e, names[1])
	}
	switch {
	case isOf(memberIssuer, memberSubject):
		return diagnosis.CodeIssuerSubjectSwapped, "swapped"
	case isOf(memberClientID, memberTenantID):
		return diagnosis.CodeIDsSwapped, "exchanged"
	default:
		return diagnosis.CodeValuesSwapped, "transposed"
	}
}

// detail tells what each member holds.
func (e exchange) detail() string {
	held := make([]string, len(e))
	for i, name := range e {
		held[i] = name + " holds what belongs in " + e[(i+1)%len(e)]
	}
	return strings.Join(held, ", ") + "."
}

func exchangeRule() rule {
	return rule{id: "exchanged", check: func(s *subject) []fault {
		var faults []fault
		for _, e := range s.exchanges() {
			code, id := e.code()
			faults = append(faults, fault{code: code, id: id, pointer: s.pointer(e[0]), detail: e.detail()})
		}
		return faults
	}}
}

// exchangedBy is the check because of which nothing else is told of a member's value: it is another's. It is empty
// where the value stands in its place.
func (r *reading) exchangedBy(name string) string {
	for _, e := range r.exchanges() {
		if slices.Contains(e, name) {
			_, id := e.code()
			return "file.members." + id
		}
	}
	return ""
}
