// Package armid reads the ids by which Azure Resource Manager knows what the product works with, and tells whether a
// name can stand in one.
package armid

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
)

// ResourceGroup are the parts of a resource group's ARM id. The zero value is no group.
type ResourceGroup struct {
	SubscriptionID, Name string
}

// String returns the id in canonical form: the fixed segments as Azure spells them, the subscription in lower case;
// empty of no group.
func (g ResourceGroup) String() string {
	if g == (ResourceGroup{}) {
		return ""
	}
	return "/subscriptions/" + g.SubscriptionID + "/resourceGroups/" + g.Name
}

// IsSame tells whether both are the same group. Azure does not tell groups apart by case.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
func (g ResourceGroup) IsSame(other ResourceGroup) bool {
	return g != (ResourceGroup{}) && strings.EqualFold(g.String(), other.String())
}

// IsAnyOf tells whether the group is one of others. One without a subscription stands for its name in any.
func (g ResourceGroup) IsAnyOf(others []ResourceGroup) bool {
	return slices.ContainsFunc(others, func(other ResourceGroup) bool {
		other.SubscriptionID = cmp.Or(other.SubscriptionID, g.SubscriptionID)
		return g.IsSame(other)
	})
}

// ParseResourceGroup takes the id of a resource group apart. Its segments are compared without regard to case, as
// ARM does. The string tells what is wrong with it, empty where nothing is.
func ParseResourceGroup(resourceID string) (ResourceGroup, string) {
	parts := strings.Split(resourceID, "/")
	if len(parts) != 5 || parts[0] != "" {
		return ResourceGroup{}, "The id does not have the four segments of a resource group's id."
	}
	if problem := wrongSegment(parts, map[int]string{1: "subscriptions", 3: "resourceGroups"}); problem != "" {
		return ResourceGroup{}, problem
	}
	id := ResourceGroup{SubscriptionID: strings.ToLower(parts[2]), Name: parts[4]}
	if problem := id.problem(); problem != "" {
		return ResourceGroup{}, problem
	}
	return id, ""
}

// problem tells what is wrong with the values of an id.
func (g ResourceGroup) problem() string {
	switch {
	case !field.IsGUID(g.SubscriptionID):
		return "The subscription is not a GUID."
	case !isGroupName(g.Name):
		return "The resource group's name is not valid."
	}
	return ""
}
