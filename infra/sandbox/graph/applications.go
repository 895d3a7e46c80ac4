package graph

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const applicationResource = "Application"

func applicationKind() kind {
	return kind{set: "applications", typeName: "application",
		filters: map[string]string{"id": "fold", "appId": "fold", "uniqueName": "", "displayName": "fold",
			"identifierUris": ""}}
}

// applications answers requests for applications and what hangs on them.
type applications struct{ *call }

func (c applications) route() (answer, error) {
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
	case strings.EqualFold(rest[0].name, "federatedIdentityCredentials"):
		return credentials{c}.route(object, rest)
	case strings.EqualFold(rest[0].name, "owners") && len(rest) == 1:
		return c.byMethod(map[string]func() (answer, error){"GET": func() (answer, error) {
			app, err := c.find(object)
			return c.owners(app.ID, err)
		}})
	case isOwnersReference(rest):
		return c.byMethod(map[string]func() (answer, error){"POST": func() (answer, error) {
			app, err := c.find(object)
			return c.addOwner(app.ID, err)
		}})
	}
	return answer{}, unknownSegment(rest[len(rest)-1].name)
}

// find finds a live application by any of its keys.
func (c applications) find(key segment) (world.Application, error) {
	var app world.Application
	var ok bool
	switch key.property {
	case "":
		app, ok = c.world.Application(key.key)
	case "appId":
		app, ok = c.world.ApplicationByAppID(key.key)
	case "uniqueName":
		app, ok = c.world.ApplicationByUniqueName(key.key)
	default:
		return world.Application{}, badSyntax("Error in query syntax.")
	}
	if !ok {
		return world.Application{}, notFound(key.key)
	}
	return app, nil
}

func (c applications) list() (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	if err := c.expandOnly("application", "federatedIdentityCredentials", "owners"); err != nil {
		return answer{}, err
	}
	all := []entity{}
	for _, app := range c.world.Applications() {
		all = append(all, c.applicationEntity(app))
	}
	return c.page(applicationKind(), all)
}

func (c applications) get(key segment) (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	if err := c.expandOnly("application", "federatedIdentityCredentials", "owners"); err != nil {
		return answer{}, err
	}
	app, err := c.find(key)
	if err != nil {
		return answer{}, err
	}
	return c.one(applicationKind(), c.applicationEntity(app))
}

func (c applications) post() (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	return c.create("")
}

// patch updates; by uniqueName and with the preference create-if-missing it creates, too.
func (c applications) patch(key segment) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	app, err := c.find(key)
	if err == nil {
		return c.update(app.ID)
	}
	var f *fault
	if !errors.As(err, &f) || f.status != 404 || key.property != "uniqueName" || !c.isCreateIfMissing() {
		return answer{}, err
	}
	return c.create(key.key)
}

func (c applications) create(uniqueName string) (answer, error) {
	members, err := c.body()
	if err != nil {
		return answer{}, err
	}
	app := world.Application{UniqueName: uniqueName}
	if err := applyApplication(members, &app); err != nil {
		return answer{}, err
	}
	if uniqueName != "" && app.UniqueName != uniqueName {
		return answer{}, readOnly("uniqueName", applicationResource)
	}
	if app.DisplayName == "" {
		return answer{}, valueRequired("displayName", applicationResource)
	}
	created, err := c.world.CreateApplication(app, c.caller)
	if errors.Is(err, world.ErrUniqueNameTaken) {
		// Another request made it meanwhile, or a soft-deleted application holds the name.
		winner, live := c.world.ApplicationByUniqueName(uniqueName)
		if !live || uniqueName == "" {
			return answer{}, uniqueNameTaken()
		}
		return c.merge(winner.ID, members)
	}
	if err != nil {
		return answer{}, err
	}
	return c.created("applications", "Application", c.applicationEntity(created)), nil
}

func (c applications) update(id string) (answer, error) {
	members, err := c.body()
	if err != nil {
		return answer{}, err
	}
	return c.merge(id, members)
}

func (c applications) merge(id string, members map[string]json.RawMessage) (answer, error) {
	if err := c.mayWrite(id); err != nil {
		return answer{}, err
	}
	_, err := c.world.UpdateApplication(id, func(app *world.Application) error {
		before := app.UniqueName
		if err := applyApplication(members, app); err != nil {
			return err
		}
		if before != "" && app.UniqueName != before {
			return readOnly("uniqueName", applicationResource)
		}
		if app.DisplayName == "" {
			return valueRequired("displayName", applicationResource)
		}
		return nil
	})
	switch {
	case errors.Is(err, world.ErrNotFound):
		return answer{}, notFound(id)
	case errors.Is(err, world.ErrUniqueNameTaken):
		return answer{}, uniqueNameTaken()
	case err != nil:
		return answer{}, err
	}
	return noContent(), nil
}

func (c applications) delete(key segment) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	app, err := c.find(key)
	if err != nil {
		return answer{}, err
	}
	if err := c.mayWrite(app.ID); err != nil {
		return answer{}, err
	}
	if err := c.world.DeleteApplication(app.ID); err != nil {
		return answer{}, notFound(app.ID)
	}
	return noContent(), nil
}

func applyApplication(members map[string]json.RawMessage, app *world.Application) error {
	if err := apply(members, applicationProperties(), applicationResource, app); err != nil {
		return err
	}
	audiences := []string{"", "AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount",
		"PersonalMicrosoftAccount"}
	if !slices.Contains(audiences, app.SignInAudience) {
		return invalidValue("signInAudience", applicationResource)
	}
	return nil
}

func applicationProperties() map[string]property[world.Application] {
	type app = world.Application
	all := map[string]property[app]{
		"displayName":    text(256, func(a *app) *string { return &a.DisplayName }),
		"signInAudience": text(256, func(a *app) *string { return &a.SignInAudience }),
		"description":    text(1024, func(a *app) *string { return &a.Description }),
		"notes":          text(1024, func(a *app) *string { return &a.Notes }),
		"uniqueName":     text(256, func(a *app) *string { return &a.UniqueName }),
		"tags":           texts(256, func(a *app) *[]string { return &a.Tags }),
		"isDisabled":     boolean(func(a *app) *bool { return &a.IsDisabled }),
	}
	for _, name := range []string{"id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain",
		"applicationTemplateId",
		"disabledByMicrosoftStatus", "certification", "verifiedPublisher", "createdByAppId"} {
		all[name] = property[app]{readOnly: true}
	}
	for _, name := range []string{"addIns", "api", "appRoles", "authenticationBehaviors", "defaultRedirectUri",
		"groupMembershipClaims",
		"identifierUris", "info", "isDeviceOnlyAuthSupported", "isFallbackPublicClient", "keyCredentials",
		"nativeAuthenticationApisEnabled",
		"oauth2RequirePostResponse", "optionalClaims", "parentalControlSettings", "passwordCredentials",
		"publicClient",
		"requestSignatureVerification", "requiredResourceAccess", "samlMetadataUrl", "serviceManagementReference",
		"servicePrincipalLockConfiguration", "spa", "tokenEncryptionKeyId", "web"} {
		all[name] = property[app]{}
	}
	return all
}

func loginEntities(all []world.LoginCredential) []entity {
	entities := []entity{}
	for _, one := range all {
		entities = append(entities, entity{"keyId": one.KeyID, "displayName": orNull(one.DisplayName)})
	}
	return entities
}

func (c *call) applicationEntity(a world.Application) entity {
	e := entity{
		"id": a.ID, "appId": a.AppID, "uniqueName": orNull(a.UniqueName), "displayName": a.DisplayName,
		"description": orNull(a.Description), "notes": orNull(a.Notes), "tags": a.Tags,
		"signInAudience":  a.SignInAudience,
		"createdDateTime": stamp(a.CreatedDateTime), "deletedDateTime": stampPointer(a.DeletedDateTime),
		"publisherDomain": c.domain(), "isDisabled": a.IsDisabled,
		"disabledByMicrosoftStatus": orNull(a.DisabledByMicrosoftStatus), "serviceManagementReference": nil,
		"applicationTemplateId": nil, "groupMembershipClaims": nil, "isFallbackPublicClient": nil,
		"tokenEncryptionKeyId": nil,
		"identifierUris":       []string{}, "passwordCredentials": loginEntities(a.PasswordCredentials),
		"keyCredentials": loginEntities(a.KeyCredentials),
		"appRoles":       []entity{},
		"addIns":         []entity{}, "requiredResourceAccess": []entity{},
	}
	if c.isExpanded("federatedIdentityCredentials") {
		e["federatedIdentityCredentials"] = credentials{applications{c}}.credentialEntities(
			c.world.FederatedCredentials(a.ID))
	}
	if c.isExpanded("owners") {
		owners := []entity{}
		for _, id := range c.world.Owners(a.ID) {
			owners = append(owners, entity{"@odata.type": "#microsoft.graph.servicePrincipal", "id": id})
		}
		e["owners"] = owners
	}
	return e
}

func (c *call) domain() any {
	if all := c.world.Tenants(); len(all) > 0 {
		return all[0].Domain
	}
	return nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
