package graph

import (
	"encoding/json"
	"errors"
	"regexp"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const credentialResource = "FederatedIdentityCredential"

type credential = world.FederatedIdentityCredential

func credentialKind(applicationID string) kind {
	return kind{set: "applications('" + applicationID + "')/federatedIdentityCredentials",
		typeName: "federatedIdentityCredential",
		filters:  map[string]string{"name": "", "subject": ""}}
}

// credentials answers requests for the federated identity credentials of an application.
type credentials struct{ applications }

// route serves …/federatedIdentityCredentials, …/{idOrName} and …(name='…'); path begins with the set.
func (c credentials) route(object segment, path []segment) (answer, error) {
	key, rest, isSet := objectOf(path)
	if len(rest) > 0 {
		return answer{}, unknownSegment(rest[0].name)
	}
	if key.property != "" && key.property != "name" && key.property != "id" {
		return answer{}, badSyntax("Error in query syntax.")
	}
	if isSet {
		return c.byMethod(map[string]func() (answer, error){
			"GET":  func() (answer, error) { return c.list(object) },
			"POST": func() (answer, error) { return c.post(object) },
		})
	}
	return c.byMethod(map[string]func() (answer, error){
		"GET":    func() (answer, error) { return c.get(object, key) },
		"PATCH":  func() (answer, error) { return c.patch(object, key) },
		"DELETE": func() (answer, error) { return c.delete(object, key) },
	})
}

func (c credentials) list(object segment) (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	app, err := c.find(object)
	if err != nil {
		return answer{}, err
	}
	return c.page(credentialKind(app.ID), c.credentialEntities(c.world.FederatedCredentials(app.ID)))
}

func (c credentials) get(object, key segment) (answer, error) {
	if err := c.mayRead(); err != nil {
		return answer{}, err
	}
	app, err := c.find(object)
	if err != nil {
		return answer{}, err
	}
	f, ok := c.world.FederatedCredential(app.ID, key.key)
	if !ok {
		return answer{}, notFound(key.key)
	}
	return c.one(credentialKind(app.ID), c.credentialEntity(f))
}

// ownedApplication finds the application and holds that the caller may change it.
func (c credentials) ownedApplication(object segment) (world.Application, error) {
	if err := c.mayCreate(); err != nil {
		return world.Application{}, err
	}
	app, err := c.find(object)
	if err != nil {
		return world.Application{}, err
	}
	return app, c.mayWrite(app.ID)
}

func (c credentials) post(object segment) (answer, error) {
	app, err := c.ownedApplication(object)
	if err != nil {
		return answer{}, err
	}
	members, err := c.body()
	if err != nil {
		return answer{}, err
	}
	return c.create(app, "", members)
}

// patch updates; by name and with the preference create-if-missing it creates, too.
func (c credentials) patch(object, key segment) (answer, error) {
	app, err := c.ownedApplication(object)
	if err != nil {
		return answer{}, err
	}
	members, err := c.body()
	if err != nil {
		return answer{}, err
	}
	a, err := c.merge(app.ID, key.key, members)
	var f *fault
	if !errors.As(err, &f) || f.status != 404 || key.property != "name" || !c.isCreateIfMissing() {
		return a, err
	}
	a, err = c.create(app, key.key, members)
	if errors.As(err, &f) && f.status == 409 {
		return c.merge(app.ID, key.key, members) // another request made it meanwhile
	}
	return a, err
}

func (c credentials) create(app world.Application, name string, members map[string]json.RawMessage) (answer, error) {
	f := credential{ApplicationID: app.ID, Name: name}
	if err := apply(members, credentialProperties(), credentialResource, &f); err != nil {
		return answer{}, err
	}
	if name != "" && f.Name != name {
		return answer{}, readOnly("name", credentialResource)
	}
	if err := checkCredential(f); err != nil {
		return answer{}, err
	}
	created, err := c.world.CreateFederatedCredential(f)
	switch {
	case errors.Is(err, world.ErrNotFound), errors.Is(err, world.ErrNotReplicated):
		return answer{}, notFound(app.ID)
	case errors.Is(err, world.ErrExists):
		return answer{}, credentialExists(f.Name)
	case errors.Is(err, world.ErrTooManyCredentials):
		// No source tells the real code; the cap itself is documented.
		return answer{}, badRequest("The application has reached the limit of %d federated identity credentials.",
			world.MaxFederatedCredentials)
	case err != nil:
		return answer{}, pairFault(err)
	}
	return c.created(credentialKind(app.ID).set, "FederatedIdentityCredential", c.credentialEntity(created)), nil
}

func (c credentials) merge(applicationID, nameOrID string, members map[string]json.RawMessage) (answer, error) {
	_, err := c.world.UpdateFederatedCredential(applicationID, nameOrID, func(f *credential) error {
		before := f.Name
		if err := apply(members, credentialProperties(), credentialResource, f); err != nil {
			return err
		}
		if f.Name != before {
			return readOnly("name", credentialResource)
		}
		if _, given := members["subject"]; given {
			// the two exclude each other: graph/api/resources/federatedidentitycredential
			f.ClaimsMatchingExpression = nil
		}
		return checkCredential(*f)
	})
	if errors.Is(err, world.ErrNotFound) {
		return answer{}, notFound(nameOrID)
	}
	if err != nil {
		return answer{}, pairFault(err)
	}
	return noContent(), nil
}

func (c credentials) delete(object, key segment) (answer, error) {
	app, err := c.ownedApplication(object)
	if err != nil {
		return answer{}, err
	}
	if err := c.world.DeleteFederatedCredential(app.ID, key.key); err != nil {
		return answer{}, notFound(key.key)
	}
	return noContent(), nil
}

// pairFault puts the one rule that only the world can check into Graph's words.
func pairFault(err error) error {
	if errors.Is(err, world.ErrCredentialPairTaken) {
		return invalidCredential("The combination of issuer and subject must be unique for the application.")
	}
	return err
}

var credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

// checkCredential holds what is required and how long it may be. Wrong issuers and subjects are accepted, as by Graph:
// they fail when a token is presented.
func checkCredential(f credential) error {
	switch {
	case f.Name == "":
		return valueRequired("name", credentialResource)
	case !credentialName.MatchString(f.Name):
		return invalidValue("name", credentialResource)
	case f.Issuer == "":
		return valueRequired("issuer", credentialResource)
	case f.Subject == "":
		return valueRequired("subject", credentialResource)
	case len(f.Audiences) == 0:
		return valueRequired("audiences", credentialResource)
	case len(f.Audiences) != 1:
		return invalidCredential("The audiences of a federated identity credential must hold exactly one value.")
	}
	return nil
}

func credentialProperties() map[string]property[credential] {
	const limit = 600
	return map[string]property[credential]{
		"id":          {readOnly: true},
		"name":        text(120, func(f *credential) *string { return &f.Name }),
		"issuer":      text(limit, func(f *credential) *string { return &f.Issuer }),
		"subject":     text(limit, func(f *credential) *string { return &f.Subject }),
		"description": text(limit, func(f *credential) *string { return &f.Description }),
		"audiences":   texts(limit, func(f *credential) *[]string { return &f.Audiences }),
	}
}

func (c credentials) credentialEntities(all []credential) []entity {
	out := []entity{}
	for _, f := range all {
		out = append(out, c.credentialEntity(f))
	}
	return out
}

func (c credentials) credentialEntity(f credential) entity {
	e := entity{"id": f.ID, "name": f.Name, "issuer": f.Issuer, "subject": f.Subject, "audiences": f.Audiences,
		"description": orNull(f.Description)}
	switch {
	case f.ClaimsMatchingExpression == nil:
	case c.version == "beta":
		e["subject"], e["claimsMatchingExpression"] = nil, f.ClaimsMatchingExpression
	default:
		e["subject"] = breaksOff{}
	}
	return e
}
