package credential

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

// memberRules are about the names. A member that holds a secret is left to secretRules.
func memberRules() []rule {
	return []rule{
		{id: "missing", code: diagnosis.CodeFileMemberMissing, check: func(s *subject) []fault {
			var faults []fault
			for _, name := range memberNames {
				if len(s.given(name)) == 0 {
					faults = append(faults, fault{pointer: s.base + "/" + name, expected: name})
				}
			}
			return faults
		}},
		{id: "misnamed", code: diagnosis.CodeFileMemberMisnamed, check: func(s *subject) []fault {
			return each(s.members, func(m member) *fault {
				if m.stands == "" || m.stands == m.name {
					return nil
				}
				return &fault{pointer: m.pointer, expected: m.stands, actual: redact.Name(m.name)}
			})
		}},
		{id: "duplicate", code: diagnosis.CodeFileMemberDuplicate, check: func(s *subject) []fault {
			seen := map[string]bool{}
			return each(s.members, func(m member) *fault {
				folded := strings.ToLower(m.name)
				if !seen[folded] {
					seen[folded] = true
					return nil
				}
				return &fault{pointer: m.pointer}
			})
		}},
		exchangeRule(),
		{id: "unknown", code: diagnosis.CodeFileMemberUnknown, check: func(s *subject) []fault {
			return each(s.members, func(m member) *fault {
				repeated := m.close != "" && strings.EqualFold(m.name, m.close) // which has a rule of its own
				if m.stands != "" || repeated || len(m.hides) > 0 {
					return nil
				}
				f := fault{pointer: m.pointer, expected: "one of " + strings.Join(memberNames[:], ", ")}
				if m.close != "" {
					f.detail, f.expected = "The member looks like "+m.close+", which is there too.", m.close
				}
				return &f
			})
		}},
	}
}

func each(members []member, check func(member) *fault) []fault {
	var faults []fault
	for _, m := range members {
		if f := check(m); f != nil {
			faults = append(faults, *f)
		}
	}
	return faults
}

// secretRules find secrets wherever they stand, in a file of another kind too. No fault repeats a value.
func secretRules() []rule {
	return []rule{
		{id: "value", check: func(s *subject) []fault {
			var faults []fault
			for _, m := range s.members {
				if what := secretOf(m.value); m.stands != "" && what != "" {
					// Its own code, since the remedy is not to remove the member but to put the right value in its
					// place.
					faults = append(faults, fault{code: diagnosis.Code(valueOf(m.stands).prefix + "-secret"),
						id: "value", pointer: m.pointer, detail: what})
				}
			}
			return faults
		}},
		{id: "member", code: diagnosis.CodeFileSecret, check: func(s *subject) []fault {
			var faults []fault
			for _, m := range slices.Concat(s.around, s.members) {
				if m.stands == "" || m.shape != "string" {
					faults = append(faults, m.hides...)
				}
			}
			return faults
		}},
		{id: "text", code: diagnosis.CodeFileSecret, check: func(s *subject) []fault {
			faults := inText(s.beside, 1)
			switch {
			case s.trailing >= 0:
				line, _ := place(s.text, s.trailing)
				return append(faults, inText(s.text[s.trailing:], line)...)
			case len(s.members) > 0:
				return faults
			default:
				return append(faults, inText(s.text, 1)...)
			}
		}},
	}
}

// hidden finds the secrets in a member that is none of the five.
func hidden(m member) []fault {
	var value any
	if json.Unmarshal(m.raw, &value) != nil {
		return nil
	}
	return (&walk{}).member(m.name, m.pointer, value)
}

// walk goes through a value. path are the names between the member and where it is.
type walk struct{ path []string }

// member finds the secrets in a member: its value's, and one in the place of its name.
func (w *walk) member(name, pointer string, value any) []fault {
	faults := w.value(name, pointer, value)
	_, isText := value.(string)
	if what := field.Secret(name); what != "" && !(isText && len(faults) > 0) {
		faults = append(faults, fault{pointer: w.at(pointer), detail: "The name of a member: " + what})
	}
	return faults
}

func (w *walk) value(name, pointer string, value any) []fault {
	var faults []fault
	depth := len(w.path)
	defer func() { w.path = w.path[:depth] }()
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range slices.Sorted(maps.Keys(v)) {
			w.path = append(w.path[:depth], inner)
			faults = append(faults, w.member(inner, pointer, v[inner])...)
		}
	case []any:
		for i, item := range v {
			w.path = append(w.path[:depth], strconv.Itoa(i))
			faults = append(faults, w.value(name, pointer, item)...)
		}
	case string:
		what := field.Secret(v)
		if what == "" && v != "" && isSecretName(name) {
			what = "A member of this name holds a secret."
		}
		if what != "" {
			faults = append(faults, fault{pointer: w.at(pointer), detail: what})
		}
	}
	return faults
}

// at is the JSON pointer to where the walk is.
func (w *walk) at(pointer string) string {
	for _, name := range w.path {
		pointer = redact.PointerTo(pointer, name)
	}
	return pointer
}
