package credential

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// MaxSize is the largest credential file in bytes. Five strings of 600 characters fit well.
const MaxSize = 8 << 10

// Form is what a person typed beside the file; empty members were not given.
type Form struct{ ClientID, TenantID string }

// typed is what the form shows for a member of the file.
func (f Form) typed(name string) string {
	switch name {
	case memberClientID:
		return f.ClientID
	case memberTenantID:
		return f.TenantID
	default:
		return ""
	}
}

// Linter judges credential files by themselves, without the network. What it is told of the platform is compared with
// the file; empty members are not known, and not compared.
type Linter struct {
	// Issuer is the platform's issuer.
	Issuer string
	// SubjectTemplate is the form of the platform's subjects; it holds {service}.
	SubjectTemplate string
	// Audience is the token-exchange audience of the cloud that the service works in.
	Audience string
	Now      func() time.Time
}

// Lint judges a file and returns all that is wrong with it at once. It repeats no secret. The verdict is pass only
// where Parse takes the file and nothing is to be warned of.
func (l Linter) Lint(raw []byte, form Form) assessment.Report {
	report, _ := l.LintValues(raw, form)
	return report
}

// LintValues is Lint with the values that others can be asked about.
func (l Linter) LintValues(raw []byte, form Form) (assessment.Report, Values) {
	started := l.Now()
	s := &subject{Linter: l, Form: form, reading: read(raw)}
	checks, stopped := s.judge()
	return assessment.Report{
		ID: uuid.NewString(), Kind: "credential", ClaimLevel: assessment.ClaimFile,
		StartedAt: started.UTC(), DurationMS: l.Now().Sub(started).Milliseconds(), Checks: checks,
		Leftovers: []assessment.Leftover{},
	}.Concluded(), s.values(stopped)
}

// Parse returns the content of a file that breaks no rule; a warning does not hinder. GUIDs are in lower case. The
// error is a *diagnosis.Error, invalid-credential-file, with a finding for each fault.
func Parse(raw []byte) (File, error) {
	r := read(raw)
	var findings []diagnosis.Finding
	checks, _ := (&subject{reading: r}).judge()
	for _, c := range checks {
		if c.Status != diagnosis.OutcomeFail {
			continue
		}
		findings = append(findings, diagnosis.Finding{Pointer: c.Field, Code: c.Code, Detail: c.Detail,
			Expected: c.Expected, Actual: c.Actual,
			Remedy: strings.Join(c.Remedy.Steps, " ")})
	}
	if len(findings) > 0 {
		return File{}, refuse(diagnosis.CodeInvalidCredentialFile, diagnosis.WithFindings(findings...))
	}
	return File{ClientID: strings.ToLower(r.value(memberClientID)), TenantID: strings.ToLower(r.value(memberTenantID)),
		FederatedTokenIssuer: r.value(memberIssuer), Subject: r.value(memberSubject),
		Audience: r.value(memberAudience)}, nil
}

// rule is one rule of the file. Its id is that of its aspect and a word of its own; its words and its severity are
// those of its code in the catalogue.
type rule struct {
	id   string
	code diagnosis.Code
	// fatal means that nothing can be said about the aspects that need this one.
	fatal bool
	check func(*subject) []fault
}

// fault is one place that breaks a rule.
type fault struct {
	// code replaces the rule's code, for a rule that stands for a whole table.
	code diagnosis.Code
	// id replaces the rule's id likewise.
	id                       string
	pointer                  string
	detail, expected, actual string
	at                       *int
}

// aspect is a group of rules that make one line of the report where the file keeps them all. A line for each of some
// hundred rules would hide the two that matter, and a line for the whole file would not say what was looked at.
type aspect struct {
	id, title, field string
	// needs is the aspect without which this one means nothing.
	needs string
	// tellsAnyway means that what it finds is told also without the aspect that it needs; that it finds nothing is
	// not.
	tellsAnyway bool
	// blocked returns the check because of which this aspect cannot be judged, though the one it needs was; nil means
	// never.
	blocked func(*subject) string
	// isApplicable reports whether there is anything to compare; nil means always.
	isApplicable func(*subject) bool
	rules        []rule
}

// subject is what the rules look at.
type subject struct {
	Linter
	Form
	*reading
	// broken are the rules that values break, by the table and the value: several aspects ask.
	broken map[[2]string][]field.Violation
}

// violations are the rules of a table that a value breaks.
func (s *subject) violations(v value, text string) []field.Violation {
	key := [2]string{v.name, text}
	found, isKnown := s.broken[key]
	if !isKnown {
		if s.broken == nil {
			s.broken = map[[2]string][]field.Violation{}
		}
		found = v.table(s).Violations(text)
		s.broken[key] = found
	}
	return found
}

// maxFaults bounds what one rule adds to a report.
const maxFaults = 20

// judge returns the checks, and by aspect the check that stopped it.
func (s *subject) judge() ([]assessment.Check, map[string]string) {
	stopped := map[string]string{}
	var checks []assessment.Check
	for _, a := range aspects() {
		if a.isApplicable != nil && !a.isApplicable(s) {
			continue
		}
		by := stopped[a.needs]
		if by == "" && a.blocked != nil {
			by = a.blocked(s)
		}
		if by != "" {
			stopped[a.id] = by
			if found, _ := a.judge(s); a.tellsAnyway && found[0].Status != diagnosis.OutcomePass {
				checks = append(checks, found...)
				continue
			}
			skipped := assessment.Skip(a.id, "file", a.title, by)
			skipped.Field = a.field
			checks = append(checks, skipped)
			continue
		}
		found, fatal := a.judge(s)
		if fatal != "" {
			stopped[a.id] = fatal
		}
		checks = append(checks, found...)
	}
	return checks, stopped
}

// judge returns a check for each fault, or one pass; and the id of the rule that ended it early.
func (a aspect) judge(s *subject) ([]assessment.Check, string) {
	var checks []assessment.Check
	for _, r := range a.rules {
		faults := r.check(s)
		checks = append(checks, a.checksOf(r, faults)...)
		if r.fatal && len(faults) > 0 {
			return checks, a.id + "." + r.id
		}
	}
	if len(checks) == 0 {
		return []assessment.Check{{ID: a.id, Layer: "file", Status: diagnosis.OutcomePass, Field: a.field,
			Title: a.title}}, ""
	}
	return checks, ""
}

// checksOf makes a check of each fault, of not too many.
func (a aspect) checksOf(r rule, faults []fault) []assessment.Check {
	var checks []assessment.Check
	for _, f := range faults[:min(len(faults), maxFaults)] {
		checks = append(checks, a.checkOf(r, f))
	}
	if more := len(faults) - maxFaults; more > 0 {
		checks[maxFaults-1].Detail += fmt.Sprintf(" More like it that are not listed: %d.", more)
	}
	return checks
}

func (a aspect) checkOf(r rule, f fault) assessment.Check {
	code, id := r.code, r.id
	if f.code != "" {
		code, id = f.code, f.id
	}
	d := diagnosis.New(code)
	if f.detail != "" {
		d.Detail = f.detail
	}
	c := assessment.CheckOf(a.id+"."+id, "file", d)
	c.Field = f.pointer
	c = c.Compared(assessment.Pair{Expected: f.expected, Actual: f.actual, IsDescribed: true})
	c.DiffAt = f.at
	return c
}
