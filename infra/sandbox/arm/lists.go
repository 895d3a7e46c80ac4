package arm

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// lists serves what there is, in lists: tenants, subscriptions, accounts, resources; and registrations of resource
// providers.
type lists struct{ *call }

// routeTenant serves what belongs to no subscription: the lists of tenants and subscriptions, which the Azure CLI
// reads when it logs in. isKnown is false for any other path.
func (c lists) routeTenant(path string) (a answer, isKnown bool, err error) {
	switch strings.ToLower(path) {
	case "/tenants":
		a, err = c.only(http.MethodGet, c.listTenants)
	case "/subscriptions":
		a, err = c.only(http.MethodGet, c.listSubscriptions)
	default:
		return answer{}, false, nil
	}
	return a, true, err
}

// listTenants shows the tenants. The sandbox has one, and whoever holds a token is in it.
// Source: https://learn.microsoft.com/rest/api/resources/tenants/list.
func (c lists) listTenants() (answer, error) {
	list := []object{}
	for _, t := range c.world.Tenants() {
		list = append(list, object{"id": "/tenants/" + t.ID, "tenantId": t.ID, "displayName": t.Domain,
			"defaultDomain": t.Domain, "domains": []string{t.Domain}, "tenantCategory": "Home"})
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// listSubscriptions shows the subscriptions in which the caller holds any role; an empty list is no error.
// Source: https://learn.microsoft.com/rest/api/resources/subscriptions/list.
func (c lists) listSubscriptions() (answer, error) {
	list := []object{}
	for _, s := range c.world.Subscriptions() {
		if c.world.HasRoleWithin(c.caller, "/subscriptions/"+s.ID) {
			list = append(list, subscriptionObject(s))
		}
	}
	return answer{status: http.StatusOK, body: object{"value": list,
		"count": object{"type": "Total", "value": len(list)}}}, nil
}

// listAccounts shows the storage accounts below a subscription or resource group that the caller may read there.
// Source: https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list.
func (c lists) listAccounts(scope string) (answer, error) {
	if err := c.authorize("Microsoft.Storage/storageAccounts/read", scope); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(scope); err != nil {
		return answer{}, err
	}
	list := []object{}
	for _, account := range c.world.StorageAccounts() {
		if rbac.IsScopeAbove(scope, account.ResourceID) {
			list = append(list, accountObject(account))
		}
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// listResources shows the resources of a subscription that the caller may read. $filter takes what `az resource list`
// sends: name eq '…' and resourceType eq '…', joined by "and".
// Source: https://learn.microsoft.com/rest/api/resources/resources/list.
func (c lists) listResources(scope string) (answer, error) {
	wanted, err := parseResourceFilter(c.request.URL.Query().Get("$filter"))
	if err != nil {
		return answer{}, err
	}
	list := []object{}
	for _, r := range c.allResources() {
		parts := strings.Split(strings.Trim(r.ID, "/"), "/")
		if len(parts) != 8 || !rbac.IsScopeAbove(scope, r.ID) ||
			!c.world.IsAllowed(c.caller, parts[5]+"/"+parts[6]+"/read", r.ID, false) {
			continue
		}
		found := object{"id": r.ID, "name": parts[7], "type": parts[5] + "/" + parts[6], "location": r.Location,
			"tags": object{}}
		if wanted.isMatch(found) {
			list = append(list, found)
		}
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// allResources are all that have an ARM id of their own.
func (c lists) allResources() []world.Resource {
	all := c.world.Resources()
	for _, a := range c.world.StorageAccounts() {
		all = append(all, world.Resource{ID: a.ResourceID, Location: a.Location})
	}
	for _, i := range c.world.UserAssignedIdentities() {
		all = append(all, world.Resource{ID: i.ID, Location: i.Location})
	}
	return all
}

// resourceFilter are the properties that a resource must have.
type resourceFilter map[string]string

func parseResourceFilter(text string) (resourceFilter, error) {
	f := resourceFilter{}
	if text == "" {
		return f, nil
	}
	for clause := range strings.SplitSeq(text, " and ") {
		property, literal, isEqual := strings.Cut(strings.TrimSpace(clause), " eq ")
		value := strings.Trim(literal, "'")
		if !isEqual || len(literal) != len(value)+2 {
			return nil, badRequest("InvalidFilterInQueryString", "Invalid $filter '"+text+"' specified in the query "+
				"string.")
		}
		switch property {
		case "name":
			f["name"] = value
		case "resourceType":
			f["type"] = value
		default:
			return nil, badRequest("InvalidFilterInQueryString", "The property '"+property+"' in $filter is not "+
				"supported.")
		}
	}
	return f, nil
}

func (f resourceFilter) isMatch(resource object) bool {
	for property, value := range f {
		if have, _ := resource[property].(string); !strings.EqualFold(have, value) {
			return false
		}
	}
	return true
}

// register makes the world's subscriptions registered for a resource provider.
// Source: https://learn.microsoft.com/rest/api/resources/providers/register.
func (c lists) register(subscription, namespace string) (answer, error) {
	if err := c.authorize(namespace+"/register/action", "/subscriptions/"+subscription); err != nil {
		return answer{}, err
	}
	limits := c.world.Limits()
	limits.UnregisteredProviders = slices.DeleteFunc(limits.UnregisteredProviders, func(other string) bool {
		return strings.EqualFold(other, namespace)
	})
	c.world.SetLimits(limits)
	return c.provider(subscription, namespace)
}

// provider tells whether a subscription is registered for a resource provider.
func (c lists) provider(subscription, namespace string) (answer, error) {
	state := "Registered"
	if slices.ContainsFunc(c.world.Limits().UnregisteredProviders, func(other string) bool {
		return strings.EqualFold(other, namespace)
	}) {
		state = "NotRegistered"
	}
	return answer{status: http.StatusOK, body: object{
		"id": "/subscriptions/" + subscription + "/providers/" + namespace, "namespace": namespace,
		"registrationState": state, "registrationPolicy": "RegistrationRequired", "resourceTypes": []object{}}}, nil
}
