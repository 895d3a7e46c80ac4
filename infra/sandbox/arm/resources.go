package arm

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// routeResource serves managed identities, registrations of resource providers, and the reads of tenants,
// subscriptions, resource groups, storage accounts and containers.
func (c *call) routeResource(path string) (answer, error) {
	if a, isKnown, err := (lists{c}).routeTenant(path); isKnown {
		return a, err
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	lower := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	if lower[0] != "subscriptions" || len(parts) < 2 {
		return answer{}, &fault{status: http.StatusNotFound, code: "NotFound", message: "The request path '" + path +
			"' is not known."}
	}
	if a, ok, err := (identities{c}).routeIdentity(path, parts); ok {
		return a, err
	}
	if len(parts) == 5 && lower[2] == "providers" && lower[4] == "register" && c.request.Method == http.MethodPost {
		return lists{c}.register(parts[1], parts[3])
	}
	if c.request.Method != http.MethodGet {
		return answer{}, methodNotAllowed(c.request.Method)
	}
	isAccount := len(parts) >= 8 && lower[2] == "resourcegroups" && lower[4] == "providers" &&
		lower[5] == "microsoft.storage" && lower[6] == "storageaccounts"
	containers := isAccount && len(parts) >= 11 && lower[8] == "blobservices" && lower[9] == "default" &&
		lower[10] == "containers"
	switch {
	case len(parts) == 2:
		return c.getSubscription(parts[1])
	case len(parts) == 3 && lower[2] == "resources":
		return lists{c}.listResources("/subscriptions/" + parts[1])
	case len(parts) == 4 && lower[2] == "providers":
		return lists{c}.provider(parts[1], parts[3])
	case len(parts) >= 5 && strings.HasSuffix(strings.ToLower(path), "/providers/microsoft.storage/storageaccounts"):
		return lists{c}.listAccounts("/" + strings.Join(parts[:len(parts)-3], "/"))
	case len(parts) == 4 && lower[2] == "resourcegroups":
		return c.getGroup(path)
	case isAccount && len(parts) == 8:
		return c.getAccount(path)
	case containers && len(parts) == 11:
		return c.listContainers("/"+strings.Join(parts[:8], "/"), path)
	case containers && len(parts) == 12:
		return c.getContainer("/"+strings.Join(parts[:8], "/"), parts[11], path)
	case len(parts) >= 7 && lower[4] == "providers":
		return answer{}, unknownType(parts[5], strings.Join(parts[6:], "/"))
	}
	return answer{}, &fault{status: http.StatusNotFound, code: "NotFound", message: "The request path '" + path +
		"' is not known."}
}

// scopeExists tells whether there is a resource, group or subscription for the scope. Only what ARM itself tracks is
// looked up: below a storage account anything is taken for granted, a container that does not exist included.
func (c *call) scopeExists(scope string) error {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		return nil
	}
	if _, ok := c.world.Subscription(parts[1]); !ok {
		return &fault{status: http.StatusNotFound, code: "SubscriptionNotFound", message: "The subscription '" +
			parts[1] + "' could not be found."}
	}
	if len(parts) < 4 || !strings.EqualFold(parts[2], "resourceGroups") {
		return nil
	}
	if _, ok := c.world.ResourceGroup("/" + strings.Join(parts[:4], "/")); !ok {
		return &fault{status: http.StatusNotFound, code: "ResourceGroupNotFound", message: "Resource group '" +
			parts[3] + "' could not be found."}
	}
	if len(parts) < 8 {
		return nil
	}
	id := "/" + strings.Join(parts[:8], "/")
	if account, ok := c.world.StorageAccount(id); ok && strings.EqualFold(account.ResourceID, id) {
		return nil
	}
	if _, ok := c.world.UserAssignedIdentity(id); ok {
		return nil
	}
	if _, ok := c.world.Resource(id); ok {
		return nil
	}
	return &fault{status: http.StatusNotFound, code: "ResourceNotFound",
		message: "The Resource '" + strings.Join(parts[5:8], "/") + "' under resource group '" + parts[3] +
			"' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"}
}

// getSubscription answers everybody who holds any role within the subscription.
func (c *call) getSubscription(id string) (answer, error) {
	s, ok := c.world.Subscription(id)
	if !ok {
		return answer{}, &fault{status: http.StatusNotFound, code: "SubscriptionNotFound",
			message: "The subscription '" + id + "' could not be found."}
	}
	scope := "/subscriptions/" + s.ID
	if !c.world.HasRoleWithin(c.caller, scope) {
		return answer{}, c.denied("Microsoft.Resources/subscriptions/read", scope)
	}
	return answer{status: http.StatusOK, body: subscriptionObject(s)}, nil
}

func subscriptionObject(s world.Subscription) object {
	return object{"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "tenantId": s.TenantID,
		"displayName": "Acme",
		"state":       "Enabled", "authorizationSource": "RoleBased", "managedByTenants": []object{},
		"subscriptionPolicies": object{"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
			"spendingLimit": "Off"}}
}

func (c *call) getGroup(path string) (answer, error) {
	if err := c.authorize("Microsoft.Resources/subscriptions/resourceGroups/read", path); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(path); err != nil {
		return answer{}, err
	}
	g, _ := c.world.ResourceGroup(path)
	return answer{status: http.StatusOK, body: object{"id": g.ID, "name": g.ID[strings.LastIndex(g.ID, "/")+1:],
		"type": "Microsoft.Resources/resourceGroups", "location": g.Location,
		"properties": object{"provisioningState": "Succeeded"}}}, nil
}

func (c *call) getAccount(path string) (answer, error) {
	if err := c.authorize("Microsoft.Storage/storageAccounts/read", path); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(path); err != nil {
		return answer{}, err
	}
	account, _ := c.world.StorageAccount(path)
	return answer{status: http.StatusOK, body: accountObject(account)}, nil
}

func accountObject(a world.StorageAccount) object {
	endpoints := object{}
	for service, host := range map[string]string{"blob": "blob", "dfs": "dfs", "file": "file", "queue": "queue",
		"table": "table"} {
		endpoints[service] = "https://" + a.Name + "." + host + ".core.windows.net/"
	}
	defaultAction := "Allow"
	if a.FirewallClosed {
		defaultAction = "Deny"
	}
	return object{"id": a.ResourceID, "name": a.Name, "type": "Microsoft.Storage/storageAccounts",
		"location": a.Location, "kind": "StorageV2",
		"tags": object{}, "sku": object{"name": "Standard_LRS", "tier": "Standard"}, "properties": object{
			"provisioningState": "Succeeded", "primaryEndpoints": endpoints, "primaryLocation": a.Location,
			"statusOfPrimary": "available",
			"accessTier":      "Hot", "isHnsEnabled": a.HierarchicalNamespace, "supportsHttpsTrafficOnly": true,
			"allowBlobPublicAccess": false,
			"minimumTlsVersion":     "TLS1_2", "publicNetworkAccess": "Enabled",
			"networkAcls": object{"bypass": "AzureServices", "defaultAction": defaultAction,
				"virtualNetworkRules": []object{}, "ipRules": []object{}},
		}}
}

const actionReadContainer = "Microsoft.Storage/storageAccounts/blobServices/containers/read"

func (c *call) listContainers(accountID, path string) (answer, error) {
	if err := c.authorize(actionReadContainer, path); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(accountID); err != nil {
		return answer{}, err
	}
	account, _ := c.world.StorageAccount(accountID)
	list := []object{}
	for _, container := range account.Containers {
		list = append(list, containerObject(accountID, *container))
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

func (c *call) getContainer(accountID, name, path string) (answer, error) {
	if err := c.authorize(actionReadContainer, path); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(accountID); err != nil {
		return answer{}, err
	}
	container, err := c.world.Container(accountID, name)
	if errors.Is(err, world.ErrContainerNotFound) {
		return answer{}, &fault{status: http.StatusNotFound, code: "ContainerNotFound",
			message: "The specified container does not exist."}
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: containerObject(accountID, container)}, nil
}

func containerObject(accountID string, container world.Container) object {
	return object{"id": accountID + "/blobServices/default/containers/" + container.Name, "name": container.Name,
		"type": "Microsoft.Storage/storageAccounts/blobServices/containers", "etag": container.ETag,
		"properties": object{
			"publicAccess": "None", "leaseStatus": "Unlocked", "leaseState": "Available", "deleted": false,
			"lastModifiedTime":      container.Modified.UTC().Format(time.RFC3339Nano),
			"hasImmutabilityPolicy": container.Immutable, "hasLegalHold": false,
		}}
}

// subscriptionOf is the subscription's GUID in a scope, or "".
func subscriptionOf(scope string) string {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		return ""
	}
	return parts[1]
}
