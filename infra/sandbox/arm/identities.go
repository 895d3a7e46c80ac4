package arm

import (
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	identityType   = "Microsoft.ManagedIdentity/userAssignedIdentities"
	credentialType = identityType + "/federatedIdentityCredentials"
)

// identityName is the rule for names.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
var identityName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)

// identities serves user-assigned identities.
type identities struct{ *call }

// routeIdentity serves user-assigned identities and their credentials; parts is the path of the identity or what is
// below it, or of the list of a resource group. isIdentity is false for any other path.
func (c identities) routeIdentity(path string, parts []string) (a answer, isIdentity bool, err error) {
	const list, identity, credentials, credential = 7, 8, 9, 10 // parts of such a path
	if len(parts) < list || len(parts) > credential || !strings.EqualFold(parts[2], "resourceGroups") ||
		!strings.EqualFold(strings.Join(parts[4:list], "/"), "providers/"+identityType) {
		return answer{}, false, nil
	}
	if len(parts) >= credentials && !strings.EqualFold(parts[identity], "federatedIdentityCredentials") {
		return answer{}, false, nil
	}
	methods := map[string]func() (answer, error){}
	parent := "/" + strings.Join(parts[:min(len(parts), identity)], "/")
	switch len(parts) {
	case list:
		methods[http.MethodGet] = func() (answer, error) { return c.listIdentities(path) }
	case identity:
		methods[http.MethodGet] = func() (answer, error) { return c.getIdentity(path) }
		methods[http.MethodPut] = func() (answer, error) { return c.putIdentity(path) }
		methods[http.MethodDelete] = func() (answer, error) { return c.deleteIdentity(path) }
	case credentials:
		methods[http.MethodGet] = func() (answer, error) { return federation{c}.listCredentials(parent, path) }
	case credential:
		methods[http.MethodGet] = func() (answer, error) { return federation{c}.getCredential(parent, path) }
		methods[http.MethodPut] = func() (answer, error) { return federation{c}.putCredential(parent, path) }
		methods[http.MethodDelete] = func() (answer, error) { return federation{c}.deleteCredential(parent, path) }
	}
	serve, ok := methods[c.request.Method]
	if !ok {
		return answer{}, true, methodNotAllowed(c.request.Method)
	}
	a, err = serve()
	return a, true, err
}

// isRegistered holds that a resource provider is registered. Writes are refused; reads were seen to pass.
// Source: https://github.com/jenkins-infra/helpdesk/issues/5004.
func (c identities) isRegistered(namespace string) error {
	if !slices.Contains(c.world.Limits().UnregisteredProviders, namespace) {
		return nil
	}
	return &fault{status: http.StatusConflict, code: "MissingSubscriptionRegistration",
		message: "The subscription is not registered to use namespace '" + namespace +
			"'. See https://aka.ms/rps-not-found for how to register subscriptions."}
}

// identityRequest is the body of a PUT. What only the service can set is accepted and left alone, as ARM does, so that
// what was read can be sent back.
type identityRequest struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags"`
	Properties struct {
		ClientID       string `json:"clientId"`
		PrincipalID    string `json:"principalId"`
		TenantID       string `json:"tenantId"`
		IsolationScope string `json:"isolationScope"`
	} `json:"properties"`
}

// putIdentity answers 201 for a new identity and 200 for one that is there already, whose tags are replaced.
func (c identities) putIdentity(id string) (answer, error) {
	if err := c.authorize(identityType+"/write", id); err != nil {
		return answer{}, err
	}
	if err := c.isRegistered("Microsoft.ManagedIdentity"); err != nil {
		return answer{}, err
	}
	if err := c.admit(world.WriteIdentity, id); err != nil {
		return answer{}, err
	}
	if err := c.groupExists(id); err != nil {
		return answer{}, err
	}
	name := part.LastSegment(id)
	if !identityName.MatchString(name) { // the rule is documented, the code of the refusal is not
		return answer{}, badRequest("InvalidResourceName", "The resource name '"+name+"' is invalid.")
	}
	var body identityRequest
	if err := c.readBody(&body); err != nil {
		return answer{}, err
	}
	if err := checkTags(body.Tags); err != nil {
		return answer{}, err
	}
	location := normalLocation(body.Location)
	if location == "" {
		return answer{}, badRequest("LocationRequired", "The location property is required for this definition.")
	}
	if held, ok := c.world.HeldLocation(id); ok && normalLocation(held) != location {
		return answer{}, otherLocation(held, id, location)
	}
	stored, created := c.world.PutUserAssignedIdentity(
		world.UserAssignedIdentity{ID: id, Name: name, Location: location, Tags: body.Tags})
	return answer{status: statusOfPut(created), body: identityObject(stored)}, nil
}

// otherLocation is the refusal of a name that is held for another region. Code and text were seen.
// Source: https://github.com/MicrosoftDocs/azure-docs/issues/70422.
func otherLocation(held, id, location string) error {
	return &fault{status: http.StatusConflict, code: "InvalidResourceLocation",
		message: "The resource '" + part.LastSegment(id) + "' already exists in location '" + held +
			"' in resource group '" + strings.Split(id, "/")[4] + "'. A resource with the same name cannot be " +
			"created in location '" + location + "'. Please select a new resource name."}
}

// checkTags holds the limits of tags. The codes for the number and the length are not documented.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations.
func checkTags(tags map[string]string) error {
	const most, longestName, longestValue = 50, 512, 256
	if len(tags) > most {
		return badRequest("InvalidTags", "The resource has more than 50 tags.")
	}
	for name, value := range tags {
		switch {
		case strings.ContainsAny(name, `<>%&\?/`):
			return badRequest("InvalidTagNameCharacters", "The tag names '"+name+
				"' have reserved characters '<,>,%,&,\\,?,/' or control characters.")
		case name == "" || len(name) > longestName:
			return badRequest("InvalidTags", "A tag's name has 1 to 512 characters.")
		case len(value) > longestValue:
			return badRequest("InvalidTags", "The value of the tag '"+name+"' has more than 256 characters.")
		}
	}
	return nil
}

func (c identities) getIdentity(id string) (answer, error) {
	if err := c.authorize(identityType+"/read", id); err != nil {
		return answer{}, err
	}
	if err := c.admit(world.GetIdentity, id); err != nil {
		return answer{}, err
	}
	if err := c.scopeExists(id); err != nil {
		return answer{}, err
	}
	u, _ := c.world.UserAssignedIdentity(id)
	return answer{status: http.StatusOK, body: identityObject(u)}, nil
}

func (c identities) listIdentities(path string) (answer, error) {
	if err := c.authorize(identityType+"/read", path); err != nil {
		return answer{}, err
	}
	if err := c.admit(world.ListIdentities, path); err != nil {
		return answer{}, err
	}
	if err := c.groupExists(path); err != nil {
		return answer{}, err
	}
	group, list := path[:strings.Index(strings.ToLower(path), "/providers/")], []object{}
	for _, u := range c.world.UserAssignedIdentities() {
		if rbac.IsScopeAbove(group, u.ID) {
			list = append(list, identityObject(u))
		}
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// deleteIdentity answers 200, or 204 where there is nothing. The credentials go with the identity.
func (c identities) deleteIdentity(id string) (answer, error) {
	if err := c.authorize(identityType+"/delete", id); err != nil {
		return answer{}, err
	}
	if err := c.admit(world.DeleteIdentity, id); err != nil {
		return answer{}, err
	}
	if err := c.groupExists(id); err != nil {
		return answer{}, err
	}
	if err := c.world.DeleteUserAssignedIdentity(id); err != nil {
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusOK}, nil
}

func identityObject(u world.UserAssignedIdentity) object {
	return object{"id": u.ID, "name": u.Name, "type": identityType, "location": u.Location, "tags": u.Tags,
		"properties": object{"clientId": u.ClientID, "principalId": u.PrincipalID, "tenantId": u.TenantID}}
}

// admit holds that the resource is not asked more often than its rate allows. The code is the usual one of ARM; that a
// Retry-After comes with it is, too.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling.
func (c identities) admit(operation world.IdentityOperation, resourceID string) error {
	wait := c.world.AdmitIdentityRequest(operation, resourceID)
	if wait == 0 {
		return nil
	}
	return &fault{status: http.StatusTooManyRequests, code: "TooManyRequests",
		message: "The request is being throttled.", retryAfter: int(math.Ceil(wait.Seconds()))}
}

// groupExists holds that there is the resource group that the id lies in.
func (c identities) groupExists(id string) error {
	const group = 4 // subscriptions/{}/resourceGroups/{}
	return c.scopeExists("/" + strings.Join(strings.Split(strings.Trim(id, "/"), "/")[:group], "/"))
}

// normalLocation is a region's name without the spaces and capitals of its display name.
func normalLocation(location string) string {
	return strings.ToLower(strings.ReplaceAll(location, " ", ""))
}

func statusOfPut(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}
