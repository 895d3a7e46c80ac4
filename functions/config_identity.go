package functions

import (
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// identityKind is the kind of identity of a spec that names none.
func (e *environment) identityKind(name string) integration.IdentityKind {
	kind, expected := integration.ParseIdentityKind(e.text(name))
	if expected != "" {
		e.fault(name, "must be "+expected)
	}
	return kind
}

// identityGroup is the group where managed identities are made. It is never the app's own: there the app could write
// credentials of its own identity, and so let others in as itself. An app that does not know its own group makes no
// managed identities: it does not start with such a group, and refuses a spec that names one.
func (e *environment) identityGroup(name string, own []armid.ResourceGroup) armid.ResourceGroup {
	group := e.resourceGroup(name)
	switch {
	case group.IsAnyOf(own):
		e.fault(name, "must not be the app's own resource group: the app could let others in as itself")
	case group.Name != "" && len(own) == 0:
		e.fault("OWN_RESOURCE_GROUP", "is required where "+name+" is set, so that it can be told from the app's own "+
			"group: the id of the resource group that the app is in")
	}
	return group
}

// ownGroups are what is known of the app's own group. An app on Flex Consumption is told its subscription at most, so
// the deployment names the group (OWN_RESOURCE_GROUP); elsewhere App Service gives the name in WEBSITE_RESOURCE_GROUP,
// and WEBSITE_OWNER_NAME begins with the subscription and a plus sign. Without that the name alone counts. Source:
// https://learn.microsoft.com/azure/app-service/reference-app-settings and
// https://github.com/Azure/Azure-Functions/issues/2593.
func (e *environment) ownGroups() []armid.ResourceGroup {
	subscription, _, _ := strings.Cut(e.text("WEBSITE_OWNER_NAME"), "+")
	given := armid.ResourceGroup{SubscriptionID: subscription, Name: e.text("WEBSITE_RESOURCE_GROUP")}
	return slices.DeleteFunc([]armid.ResourceGroup{e.resourceGroup("OWN_RESOURCE_GROUP"), given},
		func(g armid.ResourceGroup) bool { return g.Name == "" })
}

// resourceGroup is the zero value where the setting is empty.
func (e *environment) resourceGroup(name string) armid.ResourceGroup {
	v := e.text(name)
	if v == "" {
		return armid.ResourceGroup{}
	}
	group, problem := armid.ParseResourceGroup(v)
	if problem != "" {
		e.fault(name, "must be the id of a resource group, /subscriptions/{guid}/resourceGroups/{name}: "+problem)
	}
	return group
}
