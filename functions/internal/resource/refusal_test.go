package resource_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
)

// aRefusal is the check of a right that a test has found refused.
func aRefusal(layer, about string, there diagnosis.Code) assessment.Check {
	d := diagnosis.New(there)
	return assessment.Check{ID: "the." + layer, Layer: layer, Status: diagnosis.OutcomeFail, Target: "tested",
		Code: diagnosis.CodeRoleMissing, Field: "/storage/0", Remedy: &diagnosis.Remedy{Command: "make it"},
		Evidence: &diagnosis.Evidence{RequestID: "r"}, Bearing: assessment.Bearing{About: about, IfThere: &d}}
}

// seen is the check of a look.
func seen(kind, about string, status diagnosis.Outcome, code diagnosis.Code) assessment.Check {
	return assessment.Check{ID: "look." + kind, Status: status, Target: about, Code: code,
		Bearing: assessment.Bearing{Kind: kind, About: about}}
}

const (
	pass, fail = diagnosis.OutcomePass, diagnosis.OutcomeFail
	warn       = diagnosis.OutcomeWarn
	skip, open = diagnosis.OutcomeSkip, diagnosis.OutcomeUnknown
	odd        = diagnosis.CodeApplicationChanged
)

// explanations are what looks make of a refusal: the look that it follows from, or the code that it is told as.
var explanations = map[string]struct {
	refused   assessment.Check
	looks     []assessment.Check
	dependsOn string
	code      diagnosis.Code
	used      int
}{
	"all is in place": {aRefusal("list", "Scope", diagnosis.CodeRoleNotEffective), []assessment.Check{
		seen(resource.Identity, "", pass, ""), seen(resource.RoleAssignment, "scope", pass, "")}, "",
		diagnosis.CodeRoleNotEffective, 2},
	"what is odd hinders nobody": {aRefusal("list", "scope", diagnosis.CodeRoleNotEffective), []assessment.Check{
		seen(resource.Identity, "", warn, odd), seen(resource.RoleAssignment, "scope", pass, "")}, "",
		diagnosis.CodeRoleNotEffective, 1},
	"it is missing": {aRefusal("write", "scope", diagnosis.CodeRoleNotEffective), []assessment.Check{
		seen(resource.Identity, "", pass, ""), seen(resource.RoleAssignment, "scope", fail, "x")},
		"look.roleAssignment", diagnosis.CodeRoleMissing, 2},
	"the nearest of two": {aRefusal("exchange", "sub", diagnosis.CodeCredentialNotEffective), []assessment.Check{
		seen(resource.FederatedCredential, "sub", fail, "x"), seen(resource.Identity, "", fail, "y")},
		"look.federatedCredential", diagnosis.CodeRoleMissing, 2},
	"what follows from the identity": {aRefusal("exchange", "sub", diagnosis.CodeCredentialNotEffective),
		[]assessment.Check{seen(resource.Identity, "", fail, "y"), seen(resource.FederatedCredential, "sub", skip,
			"")},
		"look.identity", diagnosis.CodeRoleMissing, 1},
	"a condition": {aRefusal("read", "scope", diagnosis.CodeRoleNotEffective), []assessment.Check{
		seen(resource.Identity, "", pass, ""),
		seen(resource.RoleAssignment, "scope", warn, diagnosis.CodeRoleAssignmentConditioned)},
		"look.roleAssignment", diagnosis.CodeRoleMissing, 2},
	"another scope": {aRefusal("read", "scope", diagnosis.CodeRoleNotEffective), []assessment.Check{
		seen(resource.Identity, "", pass, ""), seen(resource.RoleAssignment, "elsewhere", fail, "x")}, "",
		diagnosis.CodeRoleMissing, 0},
	"it could not be seen": {aRefusal("exchange", "sub", diagnosis.CodeCredentialNotEffective), []assessment.Check{
		seen(resource.Identity, "", pass, ""), seen(resource.FederatedCredential, "", open, "x")}, "",
		diagnosis.CodeRoleMissing, 0},
	"the identity was not looked at": {aRefusal("exchange", "sub", diagnosis.CodeCredentialNotEffective),
		[]assessment.Check{seen(resource.FederatedCredential, "sub", pass, "")}, "", diagnosis.CodeRoleMissing, 0},
	"of a layer that no look is about": {aRefusal("network", "scope", diagnosis.CodeRoleNotEffective),
		[]assessment.Check{seen(resource.Identity, "", pass, ""), seen(resource.RoleAssignment, "scope", pass, "")},
		"",
		diagnosis.CodeRoleMissing, 0},
}

// TestRefusalsAreHeldAgainstLooks: what a look rules out is not told, and its remedy not offered.
func TestRefusalsAreHeldAgainstLooks(t *testing.T) {
	t.Parallel()
	for name, c := range explanations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tested := []assessment.Check{c.refused}
			explained, used := resource.Explained(tested, c.looks)
			require.Len(t, explained, 1)
			got := explained[0]
			assert.Equal(t, [2]string{c.dependsOn, string(c.code)}, [2]string{got.DependsOn, string(got.Code)})
			assert.Len(t, used, min(c.used, len(c.looks)))
			assert.Equal(t, fail, got.Status)
			assert.Equal(t, c.refused.Evidence, got.Evidence)
			assert.Equal(t, [2]any{c.refused, "/storage/0"}, [2]any{tested[0], got.Field})
			switch {
			case c.dependsOn != "":
				assert.Nil(t, got.Remedy, "what follows is not repeated")
			case c.code == diagnosis.CodeRoleMissing:
				assert.Equal(t, c.refused, got, "nobody knows better")
			default:
				assert.Equal(t, "tested", got.Target)
				assert.NotEqual(t, "make it", got.Remedy.Command)
			}
		})
	}
}

// TestOneLookExplainsSeveralRefusals and is told once; what is no refusal is left alone.
func TestOneLookExplainsSeveralRefusals(t *testing.T) {
	t.Parallel()
	other := assessment.Check{ID: "other", Layer: "list", Status: fail, Code: diagnosis.CodeContainerNotFound}
	explained, used := resource.Explained([]assessment.Check{
		aRefusal("list", "scope", diagnosis.CodeRoleNotEffective),
		aRefusal("read", "scope", diagnosis.CodeRoleNotEffective), other}, []assessment.Check{
		seen(resource.Identity, "", pass, ""), seen(resource.RoleAssignment, "scope", fail, "x")})
	assert.Len(t, used, 2)
	assert.Equal(t, other, explained[2])
	assert.Equal(t, "look.roleAssignment", explained[1].DependsOn)
}
