package structure

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

const checkTrust = layer + "." + resource.FederatedCredential

// heldAgainst are the checks where the file's subject breaks a rule of the file. A credential that has it byte for
// byte is a warning: a person wanted it so, and the form of the platform's subjects is this service's knowledge, for
// which Entra does not ask. Of any other credential it is the file's subject that has to be mended.
func heldAgainst(checks []assessment.Check) []assessment.Check {
	broken := slices.IndexFunc(checks, func(c assessment.Check) bool {
		return strings.HasPrefix(c.ID, "file.subject.") && c.Status == diagnosis.OutcomeFail
	})
	if broken < 0 {
		return checks
	}
	rule := &checks[broken]
	for i, c := range checks {
		switch {
		case c.ID != checkTrust || c.DependsOn != "":
		case c.Status == diagnosis.OutcomePass:
			made := *rule
			made.ID, made.Layer, made.Status, made.Target = c.ID, c.Layer, diagnosis.OutcomeWarn, c.Target
			made.Detail = strings.TrimSpace(c.Detail + " It has the file's subject byte for byte. " + rule.Detail)
			checks[i] = made
			if rule.Code == diagnosis.CodeSubjectServiceAccount {
				rule.Status = diagnosis.OutcomeWarn
			}
		case c.Status == diagnosis.OutcomeFail:
			checks[i].DependsOn, checks[i].Target, checks[i].Remedy = rule.ID, rule.Target, nil
		}
	}
	return checks
}
