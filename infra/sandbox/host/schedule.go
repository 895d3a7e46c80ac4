package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// schedule tells when a timer is due.
type schedule interface {
	// next returns the first occurrence after t; the zero time if there is none.
	next(t time.Time) time.Time
}

// parseSchedule reads an NCRONTAB expression of six or five fields, or a time span.
func parseSchedule(text string) (schedule, error) {
	fields := strings.Fields(text)
	switch len(fields) {
	case 1:
		d, err := parseTimeSpan(fields[0])
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("schedule %q is neither an NCRONTAB expression nor a time span", text)
		}
		return every(d), nil
	case 5:
		return parseCron(append([]string{"0"}, fields...))
	case 6:
		return parseCron(fields)
	default:
		return nil, fmt.Errorf("schedule %q: an NCRONTAB expression has six fields (or five, without seconds)", text)
	}
}

// every is a constant interval.
type every time.Duration

func (e every) next(t time.Time) time.Time { return t.Add(time.Duration(e)) }

// cron is an NCRONTAB expression: bit n of a field is set if n is allowed. Unlike cron, day and day of week must both
// match.
type cron struct {
	second, minute, hour, day, month, weekday uint64
}

// field describes the range and names of one NCRONTAB field.
type field struct {
	name     string
	min, max int
	names    []string // names[i] stands for min+i; matched by prefix of three letters or more
}

var (
	monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september",
		"october", "november", "december"}
	weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

func parseCron(texts []string) (schedule, error) {
	var c cron
	fields := []struct {
		field
		into *uint64
	}{
		{field{"second", 0, 59, nil}, &c.second},
		{field{"minute", 0, 59, nil}, &c.minute},
		{field{"hour", 0, 23, nil}, &c.hour},
		{field{"day", 1, 31, nil}, &c.day},
		{field{"month", 1, 12, monthNames}, &c.month},
		{field{"day of week", 0, 6, weekdayNames}, &c.weekday},
	}
	for i, f := range fields {
		bits, err := f.parse(texts[i])
		if err != nil {
			return nil, fmt.Errorf("schedule: %s %q: %w", f.name, texts[i], err)
		}
		*f.into = bits
	}
	return c, nil
}

// parse reads a comma-separated list of *, n, n-m, each with an optional /step; n/step runs to the field's end.
func (f field) parse(text string) (uint64, error) {
	var bits uint64
	for item := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return 0, fmt.Errorf("step %q", stepText)
			}
			step = n
		}
		first, last, err := f.span(span, stepped)
		if err != nil {
			return 0, err
		}
		for n := first; n <= last; n += step {
			bits |= 1 << n
		}
	}
	return bits, nil
}

// span returns the first and the last value that the text names.
func (f field) span(text string, stepped bool) (int, int, error) {
	if text == "*" {
		return f.min, f.max, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	first, err := f.value(from)
	if err != nil {
		return 0, 0, err
	}
	last := first
	switch {
	case ranged:
		last, err = f.value(to)
	case stepped:
		last = f.max
	}
	if err == nil && last < first {
		err = errors.New("the range runs backwards")
	}
	return first, last, err
}

func (f field) value(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if n < f.min || n > f.max {
			return 0, fmt.Errorf("%d is not within %d-%d", n, f.min, f.max)
		}
		return n, nil
	}
	if len(text) >= 3 {
		for i, name := range f.names {
			if strings.HasPrefix(name, strings.ToLower(text)) {
				return f.min + i, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is not a value", text)
}

// horizon bounds the search: 29 February on a given weekday comes back within 40 years.
const horizon = 41 * 366

func (c cron) next(t time.Time) time.Time {
	start := t.Truncate(time.Second).Add(time.Second)
	for i := range horizon {
		day := time.Date(start.Year(), start.Month(), start.Day()+i, 0, 0, 0, 0, start.Location())
		if !hasBit(c.month, int(day.Month())) || !hasBit(c.day, day.Day()) || !hasBit(c.weekday, int(day.Weekday())) {
			continue
		}
		if found := c.within(day, start); !found.IsZero() {
			return found
		}
	}
	return time.Time{}
}

// within finds the first match on the day that is not before earliest. A local time that a daylight-saving change
// skips is moved by time.Date to the instant that takes its place.
func (c cron) within(day, earliest time.Time) time.Time {
	for hour := range 24 {
		if !hasBit(c.hour, hour) || time.Date(day.Year(), day.Month(), day.Day(), hour, 59, 59, 0, day.Location()).
			Before(earliest) {
			continue
		}
		for minute := range 60 {
			if !hasBit(c.minute, minute) {
				continue
			}
			for second := range 60 {
				if !hasBit(c.second, second) {
					continue
				}
				candidate := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, day.Location())
				if !candidate.Before(earliest) {
					return candidate
				}
			}
		}
	}
	return time.Time{}
}

func hasBit(bits uint64, n int) bool { return bits&(1<<n) != 0 }
