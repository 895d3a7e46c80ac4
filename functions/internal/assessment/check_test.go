package assessment

import (
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/stretchr/testify/assert"
)

func TestSummarise(t *testing.T) {
	tests := map[string]struct {
		statuses []diagnosis.Outcome
		want     Verdict
	}{
		"nothing": {nil, VerdictUnknown},
		"only skips": {[]diagnosis.Outcome{diagnosis.OutcomeSkip, diagnosis.OutcomeSkip},
			VerdictUnknown},
		"passes":                {[]diagnosis.Outcome{diagnosis.OutcomePass, diagnosis.OutcomePass}, VerdictPass},
		"a skip does not count": {[]diagnosis.Outcome{diagnosis.OutcomePass, diagnosis.OutcomeSkip}, VerdictPass},
		"a warning": {[]diagnosis.Outcome{diagnosis.OutcomePass, diagnosis.OutcomeWarn,
			diagnosis.OutcomePass}, VerdictWarn},
		"unknown before a warning": {[]diagnosis.Outcome{diagnosis.OutcomePass, diagnosis.OutcomeWarn,
			diagnosis.OutcomeUnknown}, VerdictUnknown},
		"failure before unknown": {[]diagnosis.Outcome{diagnosis.OutcomeUnknown, diagnosis.OutcomeFail,
			diagnosis.OutcomePass}, VerdictFail},
		"a warning without a pass": {[]diagnosis.Outcome{diagnosis.OutcomeWarn, diagnosis.OutcomeSkip},
			VerdictUnknown},
		"a failure without a pass":  {[]diagnosis.Outcome{diagnosis.OutcomeFail}, VerdictFail},
		"an outcome nobody defined": {[]diagnosis.Outcome{"good"}, VerdictUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var checks []Check
			for _, s := range tt.statuses {
				checks = append(checks, Check{Status: s})
			}
			assert.Equal(t, tt.want, Summarise(checks))
			assert.Equal(t, tt.want == VerdictPass || tt.want == VerdictWarn,
				Report{Checks: checks}.Concluded().IsSound())
		})
	}
}

func TestDiff(t *testing.T) {
	tests := map[string]struct {
		expected, actual string
		at               int
		class            string
	}{
		"case only": {"system:serviceaccount:dataloop:my-service", "system:serviceaccount:dataloop:My-service",
			31, ClassCase},
		"trailing slash":   {"https://dataloop.ai/oauth2", "https://dataloop.ai/oauth2/", 26, ClassSlash},
		"slash missing":    {"https://dataloop.ai/oauth2/", "https://dataloop.ai/oauth2", 26, ClassSlash},
		"blank at the end": {"a:b", "a:b ", 3, ClassBlank},
		"blank inside":     {"a:b", "a: b", 2, ClassBlank},
		"no blank inside":  {"a b", "ab", 1, ClassBlank},
		"other blanks":     {"a b", "a  b", 2, ClassBlank},
		"another namespace": {"system:serviceaccount:dataloop:x", "system:serviceaccount:ddoe:x", 23,
			ClassNamespace},
		"another namespace and name": {"system:serviceaccount:dataloop:x", "system:serviceaccount:ddoe:y", 23,
			ClassOther},
		"namespaces of no service account": {"user:serviceaccount:a:x", "user:serviceaccount:b:x", 20, ClassOther},
		"a Cyrillic letter":                {"dataloop", "dаtaloop", 1, ClassLookAlike},
		"a dash that is no hyphen":         {"my-service", "my–service", 2, ClassLookAlike},
		"counted in runes":                 {"日本a", "日本b", 2, ClassOther},
		"actual empty":                     {"a", "", 0, ClassOther},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := Diff(tt.expected, tt.actual)
			if assert.NotNil(t, d.At) {
				assert.Equal(t, tt.at, *d.At)
			}
			assert.Equal(t, tt.class, d.Class)
		})
	}
	assert.Equal(t, Difference{}, Diff("same", "same"))
}

func TestSkip(t *testing.T) {
	assert.Equal(t, Check{ID: "b", Layer: "read", Status: diagnosis.OutcomeSkip, Title: "t", DependsOn: "a"},
		Skip("b", "read", "t", "a"))
}
