package assessment

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/stretchr/testify/assert"
)

// TestDecisive: the worst check decides, of two that are as bad the one that stays, and of two that stay the first.
func TestDecisive(t *testing.T) {
	t.Parallel()
	pass, skipped := Check{ID: "pass", Status: diagnosis.OutcomePass},
		Check{ID: "skipped", Status: diagnosis.OutcomeSkip}
	check := func(id string, o diagnosis.Outcome, code diagnosis.Code, transient bool) Check {
		return Check{ID: id, Status: o, Code: code, Transient: transient}
	}
	warn := check("warn", diagnosis.OutcomeWarn, diagnosis.CodeTenantIDAlias, false)
	slow := check("slow", diagnosis.OutcomeUnknown, diagnosis.CodeThrottled, true)
	blind := check("blind", diagnosis.OutcomeUnknown, diagnosis.CodeIssuerUnreachable, false)
	late := check("late", diagnosis.OutcomeFail, diagnosis.CodeRoleMissing, true)
	wrong, other := check("wrong", diagnosis.OutcomeFail, diagnosis.CodeTenantUnknown, false),
		check("other", diagnosis.OutcomeFail, diagnosis.CodeTenantBlocked, false)
	for name, c := range map[string]struct {
		checks []Check
		want   diagnosis.Code
		wait   bool
	}{
		"no check":                      {nil, diagnosis.CodeUnrecognised, false},
		"nothing to decide":             {[]Check{pass, skipped}, diagnosis.CodeUnrecognised, false},
		"a warning":                     {[]Check{pass, warn, skipped}, warn.Code, false},
		"unknown before a warning":      {[]Check{warn, slow, warn}, slow.Code, true},
		"failed before unknown":         {[]Check{slow, late, slow}, late.Code, true},
		"what stays, behind":            {[]Check{late, wrong}, wrong.Code, false},
		"what stays, in front":          {[]Check{wrong, late}, wrong.Code, false},
		"unknown for good, beside late": {[]Check{late, blind}, late.Code, false},
		"unknown for good, behind":      {[]Check{slow, blind}, blind.Code, false},
		"the first of two":              {[]Check{wrong, other}, wrong.Code, false},
		"the first of two that pass": {[]Check{late, check("b", diagnosis.OutcomeFail, diagnosis.CodeThrottled, true)},
			late.Code, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, wait := Report{Checks: c.checks}.Decisive()
			assert.Equal(t, c.want, d.Code)
			assert.Equal(t, c.wait, wait)
		})
	}
}

type causesCase struct {
	checks []Check
	want   []string // titles, the root cause first
}

func causesCases() map[string]causesCase {
	check := func(id, layer string, o diagnosis.Outcome, code diagnosis.Code) Check {
		return Check{ID: id, Layer: layer, Status: o, Code: code, Title: id}
	}
	fail := func(id, layer string) Check { return check(id, layer, diagnosis.OutcomeFail, diagnosis.Code(id)) }
	with := func(c Check, change func(*Check)) Check { change(&c); return c }
	about := func(c Check, target string) Check { c.Target = target; return c }
	after := func(c Check, dependsOn string) Check { c.DependsOn = dependsOn; return c }
	role := func(right, command string) Check {
		return with(check(right, right, diagnosis.OutcomeFail, diagnosis.CodeRoleMissing), func(c *Check) {
			c.Remedy = &diagnosis.Remedy{Who: diagnosis.WhoCaller, Steps: []string{"Assign it."}, Command: command}
		})
	}
	pass := check("pass", "list", diagnosis.OutcomePass, "")
	return map[string]causesCase{
		"a pass": {[]Check{pass, check("s", "write", diagnosis.OutcomeSkip,
			diagnosis.CodeImmutableContainer)}, nil},
		"two that are independent": {[]Check{fail("a", "list"), fail("b", "list")}, []string{"a", "b"}},
		"the earlier layer":        {[]Check{fail("b", "write"), fail("a", "exchange"), pass}, []string{"a", "b"}},
		"every layer has its place": {[]Check{fail("c", "cleanup"), fail("d", "delete"), fail("x", "discovery"),
			fail("f", "file"), fail("t", "token"), fail("s", "structure")}, []string{"f", "x", "s", "t", "d", "c"}},
		"a failure, then what is unknown, then a warning": {[]Check{check("w", "file", diagnosis.OutcomeWarn, "w"),
			check("u", "file", diagnosis.OutcomeUnknown, "u"), fail("a", "cleanup")}, []string{"a", "u", "w"}},
		"what may pass comes after what stays": {[]Check{with(fail("late", "file"), func(c *Check) {
			c.Transient = true
		}), fail("a", "write")}, []string{"a", "late"}},
		"a warning alone": {[]Check{pass, check("w", "file", diagnosis.OutcomeWarn, "w")}, []string{"w"}},
		"a chain": {[]Check{fail("a", "token"), after(fail("b", "exchange"), "a"), after(fail("c", "list"), "b"),
			fail("d", "write")}, []string{"a", "d"}},
		"what it depends on has passed":   {[]Check{pass, after(fail("b", "write"), "pass")}, []string{"b"}},
		"what it depends on is not there": {[]Check{pass, after(fail("b", "write"), "gone")}, []string{"b"}},
		"what it depends on is about another": {[]Check{about(fail("a", "network"), "one"),
			after(about(fail("b", "list"), "one"), "a"), after(about(fail("c", "list"), "two"), "a")},
			[]string{"a", "c"}},
		"what it depends on is about no target": {[]Check{fail("a", "exchange"),
			after(about(fail("b", "list"), "one"), "a")}, []string{"a"}},
		"four rights of one role": {[]Check{role("list", "az 1"), role("read", "az 1"), role("write", "az 1"),
			role("delete", "az 1")}, []string{"list"}},
		"two roles": {[]Check{role("list", "az 1"), role("write", "az 2")}, []string{"list", "write"}},
		"one code, two places": {[]Check{with(fail("a", "file"), func(c *Check) { c.Field = "/clientId" }),
			with(fail("b", "file"), func(c *Check) { c.Code, c.Field = "a", "/tenantId" })}, []string{"a", "b"}},
		"skipped, and why": {[]Check{check("s", "token", diagnosis.OutcomeSkip, diagnosis.CodeSubjectTokenUnavailable),
			check("t", "list", diagnosis.OutcomeSkip, "t")}, []string{"s"}},
		"nothing was tried": {nil, []string{"The failure is not recognised"}},
	}
}

// TestCausesOf: what follows from another fault is folded, what does not is told beside the root cause.
func TestCausesOf(t *testing.T) {
	t.Parallel()
	for name, c := range causesCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := Report{Checks: c.checks}.Concluded()
			assert.Equal(t, Summarise(c.checks), report.Verdict)
			assert.Equal(t, report.Verdict == VerdictPass, report.Diagnosis == nil)
			var titles []string
			if report.Diagnosis != nil {
				titles = append(titles, report.Diagnosis.Title)
			}
			for _, d := range report.Also {
				titles = append(titles, d.Title)
			}
			assert.Equal(t, c.want, titles)
		})
	}
}

// TestLayersAreThoseOfAReport, each with a place in the order.
func TestLayersAreThoseOfAReport(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[Check]().FieldByName("Layer")
	assert.Equal(t, strings.Split(field.Tag.Get("enum"), ","), layers())
	for _, e := range diagnosis.Entries() {
		if e.Layer != "" {
			assert.Contains(t, layers(), e.Layer, e.Code)
		}
	}
}
