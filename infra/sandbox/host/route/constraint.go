package route

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// constraint tells whether a parameter's value fits.
type constraint func(value string) bool

var alphabetic = regexp.MustCompile(`(?i)^[a-z]*$`)

// parseConstraint reads one inline constraint: int, guid, length(3,50), regex(^…$) and the like.
func parseConstraint(text string) (constraint, error) {
	name, argument, _ := strings.Cut(text, "(")
	argument = strings.TrimSuffix(argument, ")")
	if simple := simpleConstraint(strings.ToLower(name)); simple != nil && argument == "" {
		return simple, nil
	}
	if strings.EqualFold(name, "regex") {
		pattern, err := regexp.Compile("(?i)" + argument) // .NET's constraint ignores case
		if err != nil {
			return nil, fmt.Errorf("constraint %q: %w", text, err)
		}
		return pattern.MatchString, nil
	}
	numbers, err := integers(argument)
	if err != nil {
		return nil, fmt.Errorf("constraint %q: %w", text, err)
	}
	return numericConstraint(text, strings.ToLower(name), numbers)
}

func simpleConstraint(name string) constraint {
	switch name {
	case "int":
		return func(v string) bool { _, err := strconv.ParseInt(v, 10, 32); return err == nil }
	case "long":
		return func(v string) bool { _, err := strconv.ParseInt(v, 10, 64); return err == nil }
	case "bool":
		return func(v string) bool { return strings.EqualFold(v, "true") || strings.EqualFold(v, "false") }
	case "float", "double", "decimal":
		return func(v string) bool { _, err := strconv.ParseFloat(v, 64); return err == nil }
	case "guid":
		return func(v string) bool { return uuid.Validate(v) == nil }
	case "alpha":
		return alphabetic.MatchString
	case "required":
		return func(v string) bool { return v != "" }
	case "datetime":
		return isDateTime
	default:
		return nil
	}
}

func isDateTime(value string) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if _, err := time.Parse(layout, value); err == nil {
			return true
		}
	}
	return false
}

func numericConstraint(text, name string, n []int64) (constraint, error) {
	count := func(v string) int64 { return int64(utf8.RuneCountInString(v)) }
	value := func(v string) (int64, bool) { i, err := strconv.ParseInt(v, 10, 64); return i, err == nil }
	switch {
	case name == "length" && len(n) == 1:
		return func(v string) bool { return count(v) == n[0] }, nil
	case name == "length" && len(n) == 2:
		return func(v string) bool { return count(v) >= n[0] && count(v) <= n[1] }, nil
	case name == "minlength" && len(n) == 1:
		return func(v string) bool { return count(v) >= n[0] }, nil
	case name == "maxlength" && len(n) == 1:
		return func(v string) bool { return count(v) <= n[0] }, nil
	case name == "min" && len(n) == 1:
		return func(v string) bool { i, ok := value(v); return ok && i >= n[0] }, nil
	case name == "max" && len(n) == 1:
		return func(v string) bool { i, ok := value(v); return ok && i <= n[0] }, nil
	case name == "range" && len(n) == 2:
		return func(v string) bool { i, ok := value(v); return ok && i >= n[0] && i <= n[1] }, nil
	default:
		return nil, fmt.Errorf("the inline constraint %q is not known", text)
	}
}

func integers(text string) ([]int64, error) {
	var numbers []int64
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", part)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}
