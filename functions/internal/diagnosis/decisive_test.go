package diagnosis

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestDecisive: the worst check decides, of two that are as bad the one that stays, and of two that stay the first.
func TestDecisive(t *testing.T) {
	t.Parallel()
	pass, skipped := Check{ID: "pass", Status: OutcomePass}, Check{ID: "skipped", Status: OutcomeSkip}
	check := func(id string, o Outcome, code Code, transient bool) Check {
		return Check{ID: id, Status: o, Code: code, Transient: transient}
	}
	warn := check("warn", OutcomeWarn, CodeTenantIDAlias, false)
	slow := check("slow", OutcomeUnknown, CodeThrottled, true)
	blind := check("blind", OutcomeUnknown, CodeIssuerUnreachable, false)
	late := check("late", OutcomeFail, CodeRoleMissing, true)
	wrong, other := check("wrong", OutcomeFail, CodeTenantUnknown, false),
		check("other", OutcomeFail, CodeTenantBlocked, false)
	for name, c := range map[string]struct {
		checks []Check
		want   Code
		wait   bool
	}{
		"no check":                      {nil, CodeUnrecognised, false},
		"nothing to decide":             {[]Check{pass, skipped}, CodeUnrecognised, false},
		"a warning":                     {[]Check{pass, warn, skipped}, warn.Code, false},
		"unknown before a warning":      {[]Check{warn, slow, warn}, slow.Code, true},
		"failed before unknown":         {[]Check{slow, late, slow}, late.Code, true},
		"what stays, behind":            {[]Check{late, wrong}, wrong.Code, false},
		"what stays, in front":          {[]Check{wrong, late}, wrong.Code, false},
		"unknown for good, beside late": {[]Check{late, blind}, late.Code, false},
		"unknown for good, behind":      {[]Check{slow, blind}, blind.Code, false},
		"the first of two":              {[]Check{wrong, other}, wrong.Code, false},
		"the first of two that pass": {[]Check{late, check("b", OutcomeFail, CodeThrottled, true)},
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
