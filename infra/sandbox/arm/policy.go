package arm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// allowedByPolicy holds that no policy denies a write. Azure Policy looks before the resource provider does, and at
// what has a right to write only. Code, text and target are those of
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy;
// additionalInfo is as in https://learn.microsoft.com/azure/automation/enforce-job-execution-hybrid-worker.
func (c *call) allowedByPolicy(action, scope string) error {
	const name, definition, id = "Not in this subscription", "0a1b2c3d-0000-4000-8000-00000000de01",
		"aa11bb22cc33dd44ee55ff66"
	denied, isWrite := strings.CutSuffix(action, "/write")
	if !isWrite || !slices.ContainsFunc(c.world.Limits().DeniedTypes, func(other string) bool {
		return strings.EqualFold(other, denied)
	}) {
		return nil
	}
	subscription := strings.Join(strings.Split(scope, "/")[:3], "/")
	assignmentID := subscription + "/providers/Microsoft.Authorization/policyAssignments/" + id
	definitionID := subscription + "/providers/Microsoft.Authorization/policyDefinitions/" + definition
	target := part.LastSegment(scope)
	return &fault{status: http.StatusForbidden, code: "RequestDisallowedByPolicy", target: target,
		message: "Resource '" + target + `' was disallowed by policy. Policy identifiers: ` +
			`'[{"policyAssignment":{"name":"` +
			name + `","id":"` + assignmentID + `"},"policyDefinition":{"name":"` + name + `","id":"` + definitionID +
			`"}}]'.`,
		additional: []object{{"type": "PolicyViolation", "info": object{
			"policyDefinitionId": definitionID, "policyDefinitionName": definition, "policyDefinitionEffect": "Deny",
			"policyDefinitionDisplayName": name, "policyAssignmentId": assignmentID, "policyAssignmentName": id,
			"policyAssignmentDisplayName": name, "policyAssignmentScope": subscription,
			"policyAssignmentParameters": object{}}}}}
}
