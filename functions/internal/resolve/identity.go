package resolve

import (
	"cmp"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// ResolveIdentity fills in what the identity is to be made of, and checks it.
func (d Defaults) ResolveIdentity(given *integration.Identity) (*integration.Identity, []diagnosis.Finding) {
	var identity integration.Identity
	if given != nil {
		identity = *given
	}
	kind, expected := integration.ParseIdentityKind(string(cmp.Or(identity.Kind, d.IdentityKind)))
	identity.Kind = kind
	var findings []diagnosis.Finding
	note := func(member, actual, detail, expected, remedy string) {
		findings = append(findings, diagnosis.Finding{Pointer: "/identity/" + member,
			Code:   diagnosis.CodeInvalidIdentity,
			Detail: detail, Expected: expected, Actual: field.Actual(actual), Remedy: remedy})
	}
	switch {
	case expected != "":
		note("kind", string(kind), "The kind is not known.", expected, "Give "+expected+", or leave it out.")
	case kind.IsPlaced():
		d.resolvePlace(&identity, note)
	default:
		for _, taken := range [][2]string{{"resourceGroup", identity.ResourceGroup}, {"location", identity.Location}} {
			if taken[1] != "" {
				note(taken[0], taken[1], integration.HasNoPlace, "", integration.WithoutPlace)
			}
		}
	}
	return &identity, findings
}

// resolvePlace fills in where an identity in a resource group is made. A region may be given by its display name.
func (d Defaults) resolvePlace(identity *integration.Identity,
	note func(member, actual, detail, expected, remedy string)) {
	identity.ResourceGroup = cmp.Or(identity.ResourceGroup, d.IdentityGroup.String())
	group, problem := armid.ParseResourceGroup(identity.ResourceGroup)
	remedy := "Copy the id of a group for identities: az group show --name <group> --query id."
	switch {
	case identity.ResourceGroup == "":
		problem = "No resource group is given, and the service has no default (setting IDENTITY_RESOURCE_GROUP)."
	case len(d.OwnGroups) == 0:
		problem = "The service does not know its own resource group, and so not that it is another one."
		remedy = "Have the operator set OWN_RESOURCE_GROUP."
	case problem == "" && group.IsAnyOf(d.OwnGroups):
		problem = "It is the service's own resource group: there the service could let others in as itself."
	}
	if problem != "" {
		note("resourceGroup", identity.ResourceGroup, problem, "/subscriptions/{guid}/resourceGroups/{group}", remedy)
	} else {
		identity.ResourceGroup = group.String()
	}
	given := cmp.Or(identity.Location, d.Location)
	identity.Location = strings.ToLower(strings.ReplaceAll(given, " ", ""))
	if !armid.IsRegion(identity.Location) {
		note("location", given, "The region is not given, or is not the name of one.",
			"a region's name such as westeurope",
			"Give the region: az account list-locations --query '[].name'.")
	}
}
