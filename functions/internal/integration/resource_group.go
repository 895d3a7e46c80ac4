package integration

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
)

// ResourceGroupID are the parts of a resource group's ARM id. The zero value is no group.
type ResourceGroupID struct {
	SubscriptionID, Name string
}

// String returns the id in canonical form: the fixed segments as Azure spells them, the subscription in lower case;
// empty of no group.
func (g ResourceGroupID) String() string {
	if g == (ResourceGroupID{}) {
		return ""
	}
	return "/subscriptions/" + g.SubscriptionID + "/resourceGroups/" + g.Name
}

// IsSame tells whether both are the same group. Azure does not tell groups apart by case.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
func (g ResourceGroupID) IsSame(other ResourceGroupID) bool {
	return g != (ResourceGroupID{}) && strings.EqualFold(g.String(), other.String())
}

// IsAnyOf tells whether the group is one of others. One without a subscription stands for its name in any.
func (g ResourceGroupID) IsAnyOf(others []ResourceGroupID) bool {
	return slices.ContainsFunc(others, func(other ResourceGroupID) bool {
		other.SubscriptionID = cmp.Or(other.SubscriptionID, g.SubscriptionID)
		return g.IsSame(other)
	})
}

// ParseResourceGroupID takes the id of a resource group apart. Its segments are compared without regard to case, as
// ARM does. The string tells what is wrong with it, empty where nothing is.
func ParseResourceGroupID(resourceID string) (ResourceGroupID, string) {
	parts := strings.Split(resourceID, "/")
	if len(parts) != 5 || parts[0] != "" {
		return ResourceGroupID{}, "The id does not have the four segments of a resource group's id."
	}
	if problem := wrongSegment(parts, map[int]string{1: "subscriptions", 3: "resourceGroups"}); problem != "" {
		return ResourceGroupID{}, problem
	}
	id := ResourceGroupID{SubscriptionID: strings.ToLower(parts[2]), Name: parts[4]}
	if problem := id.problem(); problem != "" {
		return ResourceGroupID{}, problem
	}
	return id, ""
}

// problem tells what is wrong with the values of an id.
func (g ResourceGroupID) problem() string {
	switch {
	case !field.IsGUID(g.SubscriptionID):
		return "The subscription is not a GUID."
	case !isResourceGroupName(g.Name):
		return "The resource group's name is not valid."
	}
	return ""
}
