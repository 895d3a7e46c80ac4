package resourcetest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/ddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/directorylook"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/identity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/platformlook"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
	sandboxplatform "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// byHand is a cloud in which a person has made everything, by the manual procedure.
type byHand struct{ *azure }

// What a person has made, by id.
const (
	credentialOfHand = "dddddddd-0000-4000-8000-000000000001"
	managedClientID  = "dddddddd-0000-4000-8000-000000000002"
	handIdentity     = world.IdentitiesResourceGroupID +
		"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/by-hand"
	assignmentOfHand = "bbbbbbbb-0000-4000-8000-000000000001"
)

// newByHand returns the cloud, and a document that knows of it what a credential file and a form tell.
func newByHand(t testing.TB, w *resourcetest.Wire) (*byHand, integration.Document) {
	h := &byHand{newAzure(t, w)}
	h.identified(t, document(subject))
	_, err := h.CreateFederatedCredential(world.FederatedIdentityCredential{ID: credentialOfHand,
		ApplicationID: objectID, Name: "DDOE-federation", Issuer: world.Issuer, Subject: subject,
		Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(t, err)
	assignments{h.azure}.put(t, assignmentOfHand, integration.AccessReadWrite, principalID)
	d := document(subject)
	d.IsUnmanaged, d.Status.ClientID = true, clientID
	return h, d
}

// sight is the kind over that cloud.
func (h *byHand) sight(k resource.Looker, d integration.Document) *resourcetest.Sight {
	return &resourcetest.Sight{Looker: k, Document: d,
		Cloud: func() string {
			text, err := json.Marshal(h.Snapshot())
			if err != nil {
				panic(err) // the world's objects are JSON
			}
			return string(text)
		},
		Edit: func(t testing.TB, sort, id string, object map[string]any) {
			isOfPlatform := sort == dataloop.Integrations || sort == dataloop.Drivers
			switch {
			case isOfPlatform && object == nil:
				require.NoError(t, h.DeleteDDOEObject(sort, id))
				return
			case isOfPlatform:
				require.NoError(t, h.PutDDOEObject(sort, object))
				return
			case object == nil:
				require.NoError(t, h.DeleteObject(sort, id))
				return
			}
			body, err := json.Marshal(object)
			require.NoError(t, err)
			require.NoError(t, h.PutObject(sort, id, body))
		}}
}

// edited is the situation after somebody has written an object, or removed it where there is none.
func edited(sort, id string, object map[string]any, code diagnosis.Code) resourcetest.Situation {
	return resourcetest.Situation{Code: code, Put: func(t testing.TB, s *resourcetest.Sight) {
		s.Edit(t, sort, id, object)
	}}
}

func TestLookForAnIdentity(t *testing.T) {
	t.Parallel()
	begin := func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
		h, d := newByHand(t, w)
		return h.sight(identity.NewLookup(directorylook.New(h.graph, h.requests)), d)
	}
	resourcetest.LookSuite{Name: "look for an identity", New: begin, Situations: map[string]resourcetest.Situation{
		"no application": edited("applications", objectID, nil, diagnosis.CodeIdentityMissing),
		"no service principal": edited("servicePrincipals", principalID, nil,
			diagnosis.CodeServicePrincipalMissing),
		"a disabled service principal": edited("servicePrincipals", principalID,
			map[string]any{"appId": clientID, "accountEnabled": false}, diagnosis.CodeClientDisabled),
		"a disabled application": edited("applications", objectID,
			map[string]any{"appId": clientID, "isDisabled": true}, diagnosis.CodeClientDisabled),
		"the object's id in place of the client's": {Code: diagnosis.CodeClientIDIsObjectID,
			Put: func(_ testing.TB, s *resourcetest.Sight) { s.Document.Status.ClientID = objectID }},
	}}.Run(t)
}

// managedByHand is a cloud in which a person has made a managed identity in the resource group of ours.
func managedByHand(t testing.TB, w *resourcetest.Wire) (*byHand, integration.Document, *managedidentity.Finder) {
	h, d := newByHand(t, w)
	made, _ := h.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: handIdentity, Name: "by-hand",
		ClientID: managedClientID, PrincipalID: principalID, Location: world.Location})
	_, _, err := h.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: made.ID,
		Name: "DDOE-federation", Issuer: world.Issuer, Subject: subject,
		Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(t, err)
	d.Status.ClientID = made.ClientID
	return h, d, managedidentity.NewFinder(h.arm, h.requests, world.IdentitiesResourceGroupID)
}

func TestLookForAManagedIdentity(t *testing.T) {
	t.Parallel()
	recorded := func(s *resourcetest.Sight) {
		s.Document.Status.Identity = integration.IdentityMade{Kind: integration.IdentityManaged, Key: handIdentity,
			Location: world.Location}
		s.Document.Status.ServicePrincipalID = principalID
	}
	resourcetest.LookSuite{Name: "look for a managed identity",
		New: func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
			h, d, finder := managedByHand(t, w)
			return h.sight(identity.NewLookup(finder), d)
		}, Situations: map[string]resourcetest.Situation{
			"known from before": {Put: func(_ testing.TB, s *resourcetest.Sight) { recorded(s) }},
			"gone since then": {Code: diagnosis.CodeIdentityMissing, Put: func(t testing.TB, s *resourcetest.Sight) {
				recorded(s)
				s.Edit(t, "userAssignedIdentities", handIdentity, nil)
			}},
		}}.Run(t)
}

func TestLookForTrustOfAManagedIdentity(t *testing.T) {
	t.Parallel()
	credential := handIdentity + "/federatedIdentityCredentials/DDOE-federation"
	resourcetest.LookSuite{Name: "look for trust of a managed identity",
		New: func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
			h, d, finder := managedByHand(t, w)
			d.Status.Identity.Kind, d.Status.ServicePrincipalID = integration.IdentityManaged, principalID
			return h.sight(trust.NewLook(identity.NewLookup(finder)), d)
		}, Situations: map[string]resourcetest.Situation{
			"no credential": edited("userAssignedIdentityCredentials", credential, nil,
				diagnosis.CodeFederatedCredentialMissing),
		}}.Run(t)
}

func TestLookForTrust(t *testing.T) {
	t.Parallel()
	other := func(member string, value any) map[string]any {
		object := map[string]any{"applicationId": objectID, "name": "DDOE-federation", "issuer": world.Issuer,
			"subject": subject, "audiences": []string{"api://AzureADTokenExchange"}}
		object[member] = value
		return object
	}
	begin := func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
		h, d := newByHand(t, w)
		d.Status.ServicePrincipalID = principalID
		d.Status.Identity = integration.IdentityMade{Kind: integration.IdentityApplication, ID: objectID}
		return h.sight(trust.NewLook(identity.NewLookup(directorylook.New(h.graph, h.requests))), d)
	}
	resourcetest.LookSuite{Name: "look for trust", New: begin, Situations: map[string]resourcetest.Situation{
		"no credential": edited("federatedIdentityCredentials", credentialOfHand, nil,
			diagnosis.CodeFederatedCredentialMissing),
		"one that differs": edited("federatedIdentityCredentials", credentialOfHand, other("subject", subject+" "),
			diagnosis.CodeFederatedCredentialDiffers),
		"one for others": edited("federatedIdentityCredentials", credentialOfHand,
			map[string]any{"applicationId": objectID, "name": "theirs", "issuer": "https://example.com",
				"subject": "somebody", "audiences": []string{"api://AzureADTokenExchange"}},
			diagnosis.CodeFederatedCredentialMissing),
	}}.Run(t)
}

func TestLookForRights(t *testing.T) {
	t.Parallel()
	at := grantScope() + "/providers/Microsoft.Authorization/roleAssignments/" + assignmentOfHand
	role := func(of integration.Access, condition string) map[string]any {
		object := map[string]any{"scope": grantScope(), "principalId": principalID, "roleDefinitionId": "" +
			"/providers/Microsoft.Authorization/roleDefinitions/" + of.Role().ID}
		if condition != "" {
			object["condition"] = condition
		}
		return object
	}
	begin := func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
		h, d := newByHand(t, w)
		d.Status.ServicePrincipalID = principalID
		return h.sight(grant.NewLook(h.arm, h.requests), d)
	}
	resourcetest.LookSuite{Name: "look for rights", New: begin, Situations: map[string]resourcetest.Situation{
		"no role":       edited("roleAssignments", at, nil, diagnosis.CodeRoleMissing),
		"reading alone": edited("roleAssignments", at, role(integration.AccessRead, ""), diagnosis.CodeRoleMissing),
		"a condition": edited("roleAssignments", at,
			role(integration.AccessReadWrite, "@Resource[x] StringEquals 'y'"),
			diagnosis.CodeRoleAssignmentConditioned),
	}}.Run(t)
}

func TestLookAtAccounts(t *testing.T) {
	t.Parallel()
	entry := func(account, container string) resourcetest.Situation {
		return resourcetest.Situation{Put: func(_ testing.TB, s *resourcetest.Sight) {
			s.Document.Spec.Storage = append(s.Document.Spec.Storage, integration.StorageAccess{ResourceID: account,
				Container: container, Access: integration.AccessRead})
		}}
	}
	with := func(s resourcetest.Situation, code diagnosis.Code) resourcetest.Situation {
		s.Code = code
		return s
	}
	begin := func(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
		h, d := newByHand(t, w)
		d.Status.ServicePrincipalID = principalID
		return h.sight(grant.NewAccounts(h.arm, h.requests), d)
	}
	resourcetest.LookSuite{Name: "look at accounts", New: begin, Situations: map[string]resourcetest.Situation{
		"a firewall":             with(entry(world.LockedAccountID, "images"), diagnosis.CodeNetworkRulesRestrict),
		"no container":           with(entry(world.DataAccountID, "imagse"), diagnosis.CodeContainerNotFound),
		"an immutable container": with(entry(world.DataAccountID, "archive"), diagnosis.CodeImmutableContainer),
	}}.Run(t)
}

func TestLookAtThePlatform(t *testing.T) {
	t.Parallel()
	resourcetest.LookSuite{Name: "look at the platform", New: newPlatformSight,
		Situations: map[string]resourcetest.Situation{
			"no integration": edited(dataloop.Integrations, "theirs", nil, diagnosis.CodeDDOEIntegrationUnknown),
			"no driver":      edited(dataloop.Drivers, "driver", nil, diagnosis.CodeDDOEDriverMissing),
			"a driver of another integration": edited(dataloop.Drivers, "driver", driverOfHand("another"),
				diagnosis.CodeDDOEDriverChanged),
		}}.Run(t)
}

func driverOfHand(of string) map[string]any {
	return map[string]any{"id": "driver", "name": "images", "projectId": dataloop.ProjectID, "integrationId": of,
		"type": "azureblob", "createdAt": 1}
}

func newPlatformSight(t testing.TB, w *resourcetest.Wire) *resourcetest.Sight {
	h, d := newByHand(t, w)
	h.kinds(t, w)
	client, err := ddoe.NewClient(ddoe.Options{URL: "https://" + sandboxplatform.GateHost + "/api/v1",
		Key: secret.New(apiKey), Client: &http.Client{Transport: w}})
	require.NoError(t, err)
	s := h.sight(platformlook.New(client, h.requests), d)
	s.Edit(t, dataloop.Integrations, "theirs", map[string]any{"id": "theirs", "name": "Made by hand",
		"type": h.offered()["type"], "org": dataloop.OrganizationID, "createdAt": 1,
		"options": map[string]any{"secret": "theirs"}, "metadata": []any{}})
	s.Edit(t, dataloop.Drivers, "driver", driverOfHand("theirs"))
	s.Document.Status.DDOE = &integration.DDOEStatus{IntegrationID: "theirs", DriverID: "driver"}
	return s
}
