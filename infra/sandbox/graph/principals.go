package graph

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const principalResource = "ServicePrincipal"

func principalKind() kind {
	return kind{set: "servicePrincipals", typeName: "servicePrincipal",
		filters: map[string]string{"id": "fold", "appId": "fold", "displayName": "fold", "servicePrincipalType": "",
			"servicePrincipalNames": "fold"}}
}

// principals answers requests for service principals.
type principals struct{ *call }

func (c principals) route() (answer, error) {
	object, rest, isSet := objectOf(c.path)
	if isSet {
		return c.byMethod(map[string]func() (answer, error){"GET": c.list, "POST": c.post})
	}
	switch {
	case len(rest) == 0:
		return c.byMethod(map[string]func() (answer, error){
			"GET":    func() (answer, error) { return c.get(object) },
			"PATCH":  func() (answer, error) { return c.patch(object) },
			"DELETE": func() (answer, error) { return c.delete(object) },
		})
	case strings.EqualFold(rest[0].name, "owners") && len(rest) == 1:
		return c.byMethod(map[string]func() (answer, error){"GET": func() (answer, error) {
			sp, err := c.find(object)
			return c.owners(sp.ID, err)
		}})
	case isOwnersReference(rest):
		return c.byMethod(map[string]func() (answer, error){"POST": func() (answer, error) {
			sp, err := c.find(object)
			return c.addOwner(sp.ID, err)
		}})
	}
	return answer{}, unknownSegment(rest[len(rest)-1].name)
}

func (c principals) find(key segment) (world.ServicePrincipal, error) {
	var sp world.ServicePrincipal
	var ok bool
	switch key.property {
	case "":
		sp, ok = c.world.ServicePrincipal(key.key)
	case "appId":
		sp, ok = c.world.ServicePrincipalByAppID(key.key)
	default:
		return world.ServicePrincipal{}, badSyntax("Error in query syntax.")
	}
	if !ok {
		return world.ServicePrincipal{}, notFound(key.key)
	}
	return sp, nil
}

func (c principals) list() (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	if err := c.expandOnly("servicePrincipal"); err != nil {
		return answer{}, err
	}
	all := []entity{}
	for _, sp := range c.world.ServicePrincipals() {
		all = append(all, c.principalEntity(sp))
	}
	return c.page(principalKind(), all)
}

func (c principals) get(key segment) (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	if err := c.expandOnly("servicePrincipal"); err != nil {
		return answer{}, err
	}
	sp, err := c.find(key)
	if err != nil {
		return answer{}, err
	}
	return c.one(principalKind(), c.principalEntity(sp))
}

func (c principals) post() (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	a, _, err := c.create("")
	return a, err
}

// patch updates; by appId and with the preference create-if-missing it creates, too.
func (c principals) patch(key segment) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	sp, err := c.find(key)
	if err == nil {
		members, err := c.body()
		if err != nil {
			return answer{}, err
		}
		return c.merge(sp.ID, members)
	}
	var f *fault
	if !errors.As(err, &f) || f.status != 404 || key.property != "appId" || !c.isCreateIfMissing() {
		return answer{}, err
	}
	a, members, err := c.create(key.key)
	if errors.As(err, &f) && f.status == 409 {
		// Another request made it meanwhile.
		if winner, ok := c.world.ServicePrincipalByAppID(key.key); ok {
			return c.merge(winner.ID, members)
		}
	}
	return a, err
}

func (c principals) create(appID string) (answer, map[string]json.RawMessage, error) {
	members, err := c.body()
	if err != nil {
		return answer{}, nil, err
	}
	sp := world.ServicePrincipal{AppID: appID, AccountEnabled: true}
	if err := apply(members, principalProperties(true), principalResource, &sp); err != nil {
		return answer{}, members, err
	}
	switch {
	case appID != "" && !strings.EqualFold(sp.AppID, appID):
		return answer{}, members, readOnly("appId", principalResource)
	case sp.AppID == "":
		return answer{}, members, valueRequired("appId", principalResource)
	}
	// An OwnedBy caller may only make the service principal of an application that is its own.
	if app, ok := c.world.ApplicationByAppID(sp.AppID); ok {
		if err := c.mayWrite(app.ID); err != nil {
			return answer{}, members, err
		}
	}
	created, err := c.world.CreateServicePrincipal(sp, c.caller)
	switch {
	case errors.Is(err, world.ErrNoBackingApplication):
		return answer{}, members, noBackingApplication(sp.AppID)
	case errors.Is(err, world.ErrExists):
		return answer{}, members, principalExists(sp.AppID)
	case err != nil:
		return answer{}, members, err
	}
	return c.created("servicePrincipals", "ServicePrincipal", c.principalEntity(created)), members, nil
}

func (c principals) merge(id string, members map[string]json.RawMessage) (answer, error) {
	if err := c.mayWrite(id); err != nil {
		return answer{}, err
	}
	_, err := c.world.UpdateServicePrincipal(id, func(sp *world.ServicePrincipal) error {
		return apply(members, principalProperties(false), principalResource, sp)
	})
	if errors.Is(err, world.ErrNotFound) {
		return answer{}, notFound(id)
	}
	if err != nil {
		return answer{}, err
	}
	return noContent(), nil
}

func (c principals) delete(key segment) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	sp, err := c.find(key)
	if err != nil {
		return answer{}, err
	}
	if err := c.mayWrite(sp.ID); err != nil {
		return answer{}, err
	}
	if err := c.world.DeleteServicePrincipal(sp.ID); err != nil {
		return answer{}, notFound(sp.ID)
	}
	return noContent(), nil
}

func principalProperties(creating bool) map[string]property[world.ServicePrincipal] {
	type principal = world.ServicePrincipal
	all := map[string]property[principal]{
		"accountEnabled": boolean(func(d *principal) *bool { return &d.AccountEnabled }),
		"displayName":    text(256, func(d *principal) *string { return &d.DisplayName }),
		"tags":           texts(256, func(d *principal) *[]string { return &d.Tags }),
		"appId":          {readOnly: !creating},
	}
	if creating {
		all["appId"] = text(36, func(d *principal) *string { return &d.AppID })
	}
	for _, name := range []string{"id", "createdDateTime", "deletedDateTime", "appOwnerOrganizationId",
		"servicePrincipalType",
		"signInAudience", "appDisplayName", "disabledByMicrosoftStatus"} {
		all[name] = property[principal]{readOnly: true}
	}
	for _, name := range []string{"addIns", "alternativeNames", "appRoleAssignmentRequired", "appRoles",
		"customSecurityAttributes",
		"description", "homepage", "info", "keyCredentials", "loginUrl", "logoutUrl", "notes",
		"notificationEmailAddresses",
		"passwordCredentials", "preferredSingleSignOnMode", "replyUrls", "samlSingleSignOnSettings",
		"servicePrincipalNames"} {
		all[name] = property[principal]{}
	}
	return all
}

func (c *call) principalEntity(sp world.ServicePrincipal) entity {
	var owner any
	if all := c.world.Tenants(); len(all) > 0 {
		owner = all[0].ID
	}
	if sp.AppOwnerOrganizationID != "" {
		owner = sp.AppOwnerOrganizationID
	}
	return entity{
		"id": sp.ID, "appId": sp.AppID, "displayName": sp.DisplayName, "appDisplayName": sp.DisplayName,
		"accountEnabled": sp.AccountEnabled, "servicePrincipalType": sp.ServicePrincipalType, "tags": sp.Tags,
		"createdDateTime": stamp(sp.CreatedDateTime), "deletedDateTime": stampPointer(sp.DeletedDateTime),
		"appOwnerOrganizationId": owner, "signInAudience": "AzureADMyOrg", "servicePrincipalNames": []string{sp.AppID},
		"appRoleAssignmentRequired": false, "disabledByMicrosoftStatus": nil, "description": nil, "notes": nil,
		"alternativeNames": []string{}, "replyUrls": []string{},
		"keyCredentials":      loginEntities(sp.KeyCredentials),
		"passwordCredentials": loginEntities(sp.PasswordCredentials),
		"appRoles":            []entity{},
	}
}
