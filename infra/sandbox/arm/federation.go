package arm

import (
	"errors"
	"net/http"
	"regexp"
	"slices"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// credentialName is the rule for names of credentials.
var credentialName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$`)

// credentialRequest is the body of a PUT.
type credentialRequest struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	Properties *struct {
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		Audiences []string `json:"audiences"`
	} `json:"properties"`
}

// federation serves the credentials of user-assigned identities.
type federation struct{ identities }

// putCredential answers 201 for a new credential and 200 for one that is there already, which it replaces. The texts
// of the refusals are documented, the codes of those with 400 were seen to be BadRequest.
// Source: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors.
func (c federation) putCredential(identityID, id string) (answer, error) {
	identity, err := c.openIdentity(credentialType+"/write", world.WriteCredential, identityID, id)
	if err != nil {
		return answer{}, err
	}
	if err := c.overlaps(identity.ID); err != nil {
		return answer{}, err
	}
	wanted, err := c.readCredential(part.LastSegment(id))
	if err != nil {
		return answer{}, err
	}
	wanted.IdentityID = identity.ID
	stored, created, err := c.world.PutUserAssignedIdentityCredential(wanted)
	if err != nil {
		return answer{}, credentialFault(err, identity.ID)
	}
	return answer{status: statusOfPut(created), body: credentialObject(stored)}, nil
}

// federates holds that identities of the region take credentials. The code was seen beside the text.
func federates(limits world.Limits, location string) error {
	if !slices.ContainsFunc(limits.RegionsWithoutFederation, func(region string) bool {
		return normalLocation(region) == normalLocation(location)
	}) {
		return nil
	}
	return &fault{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed",
		message: "The request format was unexpected: Support for federated identity credentials not enabled."}
}

// readCredential reads the body of a PUT and holds the rules for its members.
func (c federation) readCredential(name string) (world.UserAssignedIdentityCredential, error) {
	none := world.UserAssignedIdentityCredential{}
	if !credentialName.MatchString(name) {
		return none, badRequest("BadRequest", "Federated Identity Credential name '"+name+"' is invalid.")
	}
	var body credentialRequest
	if err := c.readBody(&body); err != nil {
		return none, err
	}
	p := body.Properties
	switch {
	case p == nil || p.Issuer == "" || p.Subject == "" || slices.Contains(p.Audiences, ""):
		return none, badRequest("BadRequest", "Federated Identity Credential from HTTP body has empty properties.")
	case len(p.Audiences) != 1:
		return none, badRequest("BadRequest", "Federated identity credentials must have exactly one audience.")
	}
	return world.UserAssignedIdentityCredential{Name: name, Issuer: p.Issuer, Subject: p.Subject,
		Audiences: p.Audiences}, nil
}

func credentialFault(err error, identityID string) error {
	switch {
	case errors.Is(err, world.ErrNotFound):
		return parentMissing()
	case errors.Is(err, world.ErrNotReplicated):
		return &fault{status: http.StatusNotFound, code: "ParentResourceNotFound",
			message: "Failed to perform 'write' on resource(s) of type 'userAssignedIdentities/" +
				"federatedIdentityCredentials', because the parent resource '" + identityID + "' could not be found."}
	case errors.Is(err, world.ErrCredentialPairTaken):
		return badRequest("BadRequest", "Issuer and subject combination already exists for this Managed Identity.")
	case errors.Is(err, world.ErrTooManyCredentials): // the limit is documented; no source tells code or text
		return badRequest("BadRequest", "A managed identity can have at most 20 federated identity credentials.")
	}
	return err
}

// openIdentity holds that the caller may do the action, that the identity is there, and that it is not asked too
// often.
func (c federation) openIdentity(
	action string, operation world.IdentityOperation, identityID, scope string,
) (world.UserAssignedIdentity, error) {
	if err := c.authorize(action, scope); err != nil {
		return world.UserAssignedIdentity{}, err
	}
	if err := c.groupExists(identityID); err != nil {
		return world.UserAssignedIdentity{}, err
	}
	identity, ok := c.world.UserAssignedIdentity(identityID)
	if !ok {
		return world.UserAssignedIdentity{}, parentMissing()
	}
	limits := c.world.Limits()
	if operation == world.WriteCredential || limits.WithoutFederationAtAll {
		if err := federates(limits, identity.Location); err != nil {
			return world.UserAssignedIdentity{}, err
		}
	}
	return identity, c.admit(operation, identity.ID)
}

func parentMissing() error {
	return &fault{status: http.StatusNotFound, code: "NotFound",
		message: "The parent user-assigned identity doesn't exist."}
}

func (c federation) getCredential(identityID, id string) (answer, error) {
	if _, err := c.openIdentity(credentialType+"/read", world.GetCredential, identityID, id); err != nil {
		return answer{}, err
	}
	stored, ok := c.world.UserAssignedIdentityCredential(id)
	if !ok {
		return answer{}, &fault{status: http.StatusNotFound, code: "NotFound",
			message: "The Federated Identity Credential '" + part.LastSegment(id) + "' doesn't exist."}
	}
	return answer{status: http.StatusOK, body: credentialObject(stored)}, nil
}

func (c federation) listCredentials(identityID, path string) (answer, error) {
	if _, err := c.openIdentity(credentialType+"/read", world.ListCredentials, identityID, path); err != nil {
		return answer{}, err
	}
	list := []object{}
	for _, stored := range c.world.UserAssignedIdentityCredentials(identityID) {
		list = append(list, credentialObject(stored))
	}
	return answer{status: http.StatusOK, body: object{"value": list}}, nil
}

// deleteCredential answers 200, or 204 where there is nothing.
func (c federation) deleteCredential(identityID, id string) (answer, error) {
	identity, err := c.openIdentity(credentialType+"/delete", world.DeleteCredential, identityID, id)
	if err != nil {
		return answer{}, err
	}
	if err := c.overlaps(identity.ID); err != nil {
		return answer{}, err
	}
	if err := c.world.DeleteUserAssignedIdentityCredential(id); err != nil {
		return answer{status: http.StatusNoContent}, nil
	}
	return answer{status: http.StatusOK}, nil
}

func credentialObject(stored world.UserAssignedIdentityCredential) object {
	return object{"id": stored.ID, "name": stored.Name, "type": credentialType, "properties": object{
		"issuer": stored.Issuer, "subject": stored.Subject, "audiences": stored.Audiences}}
}
