package entra

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// client is who asks for a token: an application or a user-assigned managed identity, by its service principal, with
// the federated identity credentials that it has. The token service treats both alike.
type client struct {
	principal world.ServicePrincipal
	trusts    []trust
}

// trust is one federated identity credential.
type trust struct {
	issuer, subject string
	audiences       []string
	changedAt       time.Time
	isFlexible      bool
}

// client finds the application or the identity, and its service principal in the tenant. An object id is not a client
// id: it is refused like any unknown one. All live in the world's first tenant and are unknown in every other.
func (s *Service) client(tenant world.Tenant, id string) (client, error) {
	if id == uuid.Nil.String() {
		return client{}, clientMalformed(id)
	}
	appID, trusts, ok := s.trustsOf(id)
	if !ok || tenant.ID != s.authority.homeTenant().ID {
		return client{}, clientNotFound(id, tenant.Domain)
	}
	principal, ok := s.world.ServicePrincipalByAppID(appID)
	if !ok {
		return client{}, servicePrincipalMissing(appID, tenant.ID)
	}
	application, _ := s.world.ApplicationByAppID(appID) // a managed identity has none
	byMicrosoft := application.DisabledByMicrosoftStatus
	if !principal.AccountEnabled || application.IsDisabled || byMicrosoft != "" && byMicrosoft != "NotDisabled" {
		return client{}, applicationDisabled(appID, principal.DisplayName)
	}
	return client{principal: principal, trusts: trusts}, nil
}

// trustsOf returns whom the application or the identity with the client id trusts; false if there is neither.
func (s *Service) trustsOf(clientID string) (appID string, trusts []trust, ok bool) {
	if app, ok := s.world.ApplicationByAppID(clientID); ok {
		for _, f := range s.world.FederatedCredentials(app.ID) {
			trusts = append(trusts, trust{f.Issuer, f.Subject, f.Audiences, f.ChangedAt,
				f.ClaimsMatchingExpression != nil})
		}
		return app.AppID, trusts, true
	}
	if identity, ok := s.world.UserAssignedIdentityByClientID(clientID); ok {
		for _, c := range s.world.UserAssignedIdentityCredentials(identity.ID) {
			trusts = append(trusts, trust{c.Issuer, c.Subject, c.Audiences, c.ChangedAt, false})
		}
		return identity.ClientID, trusts, true
	}
	return "", nil, false
}

// visible are the credentials that the token service knows by now: a change reaches it only some time after it was
// accepted where it was written.
func (s *Service) visible(trusts []trust) []trust {
	lag := time.Duration(s.world.Timing().STSMS) * time.Millisecond
	return slices.DeleteFunc(trusts, func(t trust) bool { return s.world.Elapsed(t.changedAt) < lag })
}
